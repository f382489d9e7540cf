"""Which pieces does a BERT encoder read a text as? Numbers of the lines of its `vocab.txt`.

The rules are those of the model's own tokenizer (Devlin et al., "BERT", 2019; Schuster and Nakajima, "Japanese and Korean
Voice Search", 2012): control characters go, lower case, no accents; a Chinese character and a punctuation mark are
a word each; any other word is cut into the longest pieces of the vocabulary from its beginning, those after the first
marked `##`, and is unknown as a whole when a part of it is. Texts are not brought into our own one form first: the
model was taught with these rules, and full-width punctuation stands in Chinese vocabularies.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

from kb.errors import Invalid

_PAD, _UNKNOWN, _FIRST, _LAST = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
_LONGEST_WORD = 100  # characters; a longer one is unknown
_CHARACTERS_A_PIECE = 8  # more of a text than so many for each piece is not looked at
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


class WordPiece:
    """The pieces of one model."""

    def __init__(self, path: Path) -> None:
        """Reads a `vocab.txt`, a piece a line. Raises Invalid for what is none, OSError."""
        try:
            lines = path.read_text("utf-8").split("\n")
        except UnicodeDecodeError as exc:
            raise Invalid("vocab.txt 不是 UTF-8 文本 · vocab.txt is not UTF-8 text") from exc
        self._numbers = {line.rstrip("\r"): number for number, line in enumerate(lines)}
        missing = [piece for piece in (_PAD, _UNKNOWN, _FIRST, _LAST) if piece not in self._numbers]
        if missing:
            raise Invalid(f"vocab.txt 没有 {'、'.join(missing)} · vocab.txt lacks them: not a BERT vocabulary")
        self.pad = self._numbers[_PAD]

    def numbers(self, text: str, most: int) -> list[int]:
        """The pieces of a text between those that mark its beginning and its end, at most `most` in all."""
        found: list[int] = []
        for word in _words(text[: most * _CHARACTERS_A_PIECE]):
            found += self._pieces(word)
            if len(found) >= most - 2:
                break
        return [self._numbers[_FIRST], *found[: most - 2], self._numbers[_LAST]]

    def _pieces(self, word: str) -> list[int]:
        unknown = [self._numbers[_UNKNOWN]]
        if len(word) > _LONGEST_WORD:
            return unknown
        found, start = [], 0
        while start < len(word):
            mark = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if mark + word[start:end] in self._numbers), start)
            if end == start:
                return unknown
            found.append(self._numbers[mark + word[start:end]])
            start = end
        return found


def _words(text: str) -> Iterator[str]:
    """Ideographs and punctuation marks one by one, and what stands between blanks, in lower case without accents."""
    word = ""
    for character in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(character)
        blank = character in "\t\n\r" or category == "Zs"
        alone = _ideograph(character) or _punctuation(character, category)
        if word and (blank or alone):
            yield word
            word = ""
        if alone:
            yield character
        elif not blank and category != "Mn" and category[0] != "C" and character != "\ufffd":
            word += character
    if word:
        yield word


def _ideograph(character: str) -> bool:
    code = ord(character)
    return code >= 0x3400 and any(first <= code <= last for first, last in _IDEOGRAPHS)


def _punctuation(character: str, category: str) -> bool:
    """As BERT has it: all of ASCII that is neither letter nor digit, such as $ and ^, is punctuation."""
    return category[0] == "P" or ("!" <= character <= "~" and not character.isalnum())
