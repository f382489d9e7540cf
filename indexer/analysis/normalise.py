"""Which characters mean the same? One form for full-width, upper-case and traditional writing.

The form is per character: compatibility form (NFKC), lower case, simplified script. A map from character to
character does not depend on its neighbours, so a query and a text always agree, and offsets into the original text
survive. OpenCC's phrase tables would read 乾隆 better and break exactly that agreement.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from functools import cache, lru_cache
from typing import NamedTuple

from opencc import OpenCC

# Han, the two marks that stand for Han (々〇), kana and hangul: scripts written without spaces.
CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3005\u3007\u3040-\u30ff\uac00-\ud7af"
_COMBINED = re.compile("[^\\W_][\u0300-\u036f\u3099\u309a\uff9e\uff9f]+")
CHINESE_DIGITS = {ord(char): str(value) for value, char in enumerate("零一二三四五六七八九")} | {ord("〇"): "0"}
# E零四 on a subscriber's lips is E04 on the screen; one figure alone may begin a word, as in e一点.
_SPOKEN_CODE = re.compile(r"(?<![0-9a-z])(e[ -]?)([零〇一二三四五六七八九]{2,4}|[零〇一二三四五六七八九](?![㐀-鿿]))")


class Normalised(NamedTuple):
    """Text in its one form. `offsets[i]` is where character i starts in the original; None means i itself."""

    text: str
    offsets: array[int] | None

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text behind a span of the normalised one; at least a whole character."""
        if self.offsets is None:
            return start, end
        while self.offsets[end] == self.offsets[end - 1]:  # inside what one character became: ¼ is 1/4
            end += 1
        return self.offsets[start], self.offsets[end]


@cache
def _simplified() -> dict[str, str]:
    """Traditional character -> simplified. Built once in 25 ms; 3,761 entries."""
    chars = [chr(code) for low, high in ((0x3400, 0x4DBF), (0x4E00, 0x9FFF)) for code in range(low, high + 1)]
    converted = OpenCC("t2s").convert("\n".join(chars)).split("\n")
    return {old: new for old, new in zip(chars, converted, strict=True) if old != new and len(new) == 1}


class _Table(dict[int, str]):
    """Code point -> normalised text, worked out when first met; `str.translate` asks it."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if char == "…":  # NFKC makes three full stops of it
            form = " "
        elif 0xD800 <= code <= 0xDFFF:  # half of a pair, as broken clients send it
            form = "\ufffd"
        else:
            form = "".join(_simplified().get(part, part) for part in unicodedata.normalize("NFKC", char).lower())
        self[code] = form or " "
        return self[code]


_TABLE = _Table()


def single(char: str) -> str | None:
    """What a character becomes if it becomes one character, whatever stands beside it; None for all others."""
    form = _TABLE[ord(char)]
    return form if len(form) == 1 and not _COMBINED.fullmatch(f"a{char}") else None


@lru_cache(maxsize=64)  # a text is read by words, by pairs of characters and by sound, one after the other
def normalise(text: str) -> Normalised:
    """The text in its one form, with the way back to the original characters."""
    if text.isascii():
        form, offsets = text.lower(), None
    else:
        form, offsets = text.translate(_TABLE), None
        # No character becomes nothing, so a form of the same length is one of the same places.
        if len(form) != len(text) or _COMBINED.search(text):
            form, offsets = _stretched(text)
    if "dbμv" in form:
        form = form.replace("dbμv", "dbuv")
    if "e" in form:
        form = _SPOKEN_CODE.sub(lambda found: found[1] + found[2].translate(CHINESE_DIGITS), form)
    return Normalised(form, offsets)


def _stretched(text: str) -> tuple[str, array[int]]:
    """The slow way, for text in which one character becomes several (㎒) or several become one (e + accent)."""
    parts: list[str] = []
    offsets = array("l")
    place = 0
    while place < len(text):
        combined = _COMBINED.match(text, place)
        end = combined.end() if combined else place + 1
        piece = text[place:end]
        if combined:
            piece = unicodedata.normalize("NFKC", piece)
        form = piece.translate(_TABLE)
        parts.append(form)
        offsets.extend([place] * len(form))
        place = end
    offsets.append(len(text))
    return "".join(parts), offsets
