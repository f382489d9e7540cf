"""Which words of the dictionary sound or look like what was typed?

Without guessed words every Chinese word of an index is one of the dictionary, so the dictionary is the vocabulary: it is
compiled once into a file that all processes map, and what a candidate is worth the index is asked. The file has, for each
word of 2 to 6 characters, its keys: how it sounds, and for a word of the trade itself and itself without one of its
characters. Two words that are one slip apart share a key (the symmetric deletion of Garbe's SymSpell, 2012), and so do two
that sound alike. In everyday words one character makes another word too often for a slip.
"""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from rapidfuzz.distance import OSA

from indexer.analysis import pinyin
from indexer.analysis.files import put

SHORTEST, LONGEST = 2, 6  # characters of a word
FORMAT = 1  # raise it when the compiled file changes
SAME_SOUND, NEAR_SOUND, SLIP = (
    0.0,
    1.0,
    1.5,
)  # how unlike a word is; one character of sound makes up for a sound that is off
_READINGS = 3  # of a character, the most usual first
_SOUNDINGS = 6  # ways to read a word that are looked up
_FIRST, _LAST = 0x4E00, 0x9FFF
_MAGIC = b"KBALIKE1"
_SYLLABLES = ("", *sorted(pinyin.SYLLABLES))
_NUMBER = {syllable: number for number, syllable in enumerate(_SYLLABLES)}


class Match(NamedTuple):
    """A word of the dictionary that is like the piece with this number."""

    piece: int
    word: str
    unlike: float


def fold(syllable: str) -> str:
    """One form for syllables that many speakers do not tell apart: zh/z, ch/c, sh/s, n/l, ang/an, eng/en, ing/in."""
    if syllable[1:2] == "h":
        syllable = syllable[0] + syllable[2:]
    if syllable.startswith("l"):
        syllable = "n" + syllable[1:]
    return syllable[:-1] if syllable.endswith(("ang", "eng", "ing")) else syllable


class Alike:
    """The compiled dictionary, mapped. Never changes; safe to share between threads, and by any number of processes."""

    def __init__(self, path: Path) -> None:
        self._map = np.memmap(path, np.uint8, "r")
        if self._map[:8].tobytes() != _MAGIC:
            raise ValueError(f"{path.name} is no vocabulary")
        words, keys, size = (int(number) for number in np.frombuffer(self._map, np.uint64, 3, 8))
        place = 32
        parts = []
        for type, number in (
            (np.uint32, words + 1), (np.uint32, keys), (np.uint32, keys), (np.uint16, (_LAST - _FIRST + 1) * _READINGS),
            (np.uint8, size),
        ):  # fmt: skip
            parts.append(np.frombuffer(self._map, type, number, place))
            place += parts[-1].nbytes
        self._ends, self._keys, self._owners, readings, self._text = parts
        self._readings = readings.reshape(-1, _READINGS)

    def like(self, pieces: Sequence[str]) -> list[Match]:
        """The words that sound like one of these pieces of Chinese, and the words of the trade one character away; not
        the pieces themselves. A word of two characters has to sound alike, and to share one."""
        wanted: list[tuple[int, int]] = []
        for number, piece in enumerate(pieces):
            readings = [self._syllables(char) for char in piece]
            wanted += [(key, number) for key in _soundings([_folds(one) for one in readings])]
            if len(piece) > SHORTEST:
                wanted += [(key, number) for key in _slips(piece)]
            else:
                wanted.append((_key(piece), number))
        matches = (Match(number, word, self._unlike(pieces[number], word)) for number, word in self._found(wanted))
        return [one for one in matches if one.unlike <= SLIP]

    def spelt(self, readings: Sequence[Sequence[str]]) -> list[Match]:
        """The words that are read as one of these rows of syllables."""
        wanted = [(_key(" ".join(map(fold, row))), number) for number, row in enumerate(readings)]
        return [
            Match(number, word, SAME_SOUND)
            for number, word in self._found(wanted)
            if len(word) == len(readings[number])
            and all(syllable in self._syllables(char) for char, syllable in zip(word, readings[number], strict=True))
        ]

    def _found(self, wanted: Sequence[tuple[int, int]]) -> list[tuple[int, str]]:
        """The words that have one of these keys, with the number that stands beside it, each once."""
        keys = np.array([key for key, _ in wanted], np.uint32)
        starts, ends = (np.searchsorted(self._keys, keys, side).tolist() for side in ("left", "right"))
        found = {
            (number, owner): None
            for (_, number), start, end in zip(wanted, starts, ends, strict=True)
            for owner in self._owners[start:end].tolist()
        }
        return [(number, self._word(owner)) for number, owner in found]

    def _word(self, number: int) -> str:
        return self._text[self._ends[number] : self._ends[number + 1]].tobytes().decode()

    def _syllables(self, char: str) -> list[str]:
        place = ord(char) - _FIRST
        if not 0 <= place <= _LAST - _FIRST:
            return []
        return [_SYLLABLES[number] for number in self._readings[place].tolist() if number]

    def _unlike(self, piece: str, word: str) -> float:
        """How unlike are they? More than SLIP where they are the same, or nothing but their keys is."""
        if piece == word:
            return np.inf
        if len(piece) == len(word):
            pairs = [(self._syllables(a), self._syllables(b)) for a, b in zip(piece, word, strict=True)]
            shared = len(word) > SHORTEST or any(a == b for a, b in zip(piece, word, strict=True))
            if shared and all(set(a) & set(b) for a, b in pairs):
                return SAME_SOUND
            if shared and all({*map(fold, a)} & {*map(fold, b)} for a, b in pairs):
                return NEAR_SOUND
        longer = max(len(piece), len(word)) > SHORTEST
        return SLIP if longer and OSA.distance(piece, word, score_cutoff=1) == 1 else np.inf


def _key(text: str) -> int:
    return crc32(text.encode())


def _folds(readings: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(fold, readings)))


def _soundings(folded: Sequence[Sequence[str]]) -> set[int]:
    """The keys of the ways to say a word whose characters have these folded readings."""
    return {_key(" ".join(way)) for way in islice(product(*folded), _SOUNDINGS)}


def _slips(text: str) -> Iterator[int]:
    """The keys of a text and of what is left of it without one character."""
    yield _key(text)
    for place in range(len(text)):
        yield _key(text[:place] + text[place + 1 :])


def write(words: Iterable[str], trade: Container[str], path: Path) -> None:
    """Compile the words that are Chinese throughout, some of them of this trade. Replaced whole, so two processes may write it. Raises OSError."""
    readings = np.zeros((_LAST - _FIRST + 1, _READINGS), np.uint16)
    said: dict[str, tuple[str, ...]] = {}
    for place in range(len(readings)):
        char = chr(_FIRST + place)
        read = [one for one in pinyin.readings(char) if one in _NUMBER][:_READINGS]
        readings[place, : len(read)] = [_NUMBER[one] for one in read]
        said[char] = _folds(read)
    text, ends = bytearray(), [0]
    keys: list[int] = []
    owners: list[int] = []
    for word in words:
        if not SHORTEST <= len(word) <= LONGEST or not all(_FIRST <= ord(char) <= _LAST for char in word):
            continue
        mine = _soundings([said[char] for char in word])
        if word in trade:
            mine.update(_slips(word) if len(word) > SHORTEST else (_key(word),))
        owners += [len(ends) - 1] * len(mine)
        keys += mine
        text += word.encode()
        ends.append(len(text))
    sorted_keys, sorted_owners = np.array(keys, np.uint32), np.array(owners, np.uint32)
    order = np.argsort(sorted_keys, kind="stable")
    parts: tuple[Any, ...] = (
        np.array(ends, np.uint32), sorted_keys[order], sorted_owners[order], readings, np.frombuffer(text, np.uint8),
    )  # fmt: skip
    header = _MAGIC + np.array([len(ends) - 1, len(keys), len(text)], np.uint64).tobytes()
    put(path, [header, *(part.tobytes() for part in parts)])
    for other in path.parent.glob("alike-*.bin"):
        if other != path:
            with contextlib.suppress(OSError):  # still mapped, on Windows
                other.unlink()
