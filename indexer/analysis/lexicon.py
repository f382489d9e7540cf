"""What does the native collector have to know to cut a text as the analyzer does?

Tables by code point, filled as characters are met, so that Python stays the one who says what a character is: what it
becomes (`normalise.py`) and to which class it belongs. Learning a character twice does no harm, so threads may share them.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from indexer.analysis.identifiers import JOINTS
from indexer.analysis.normalise import CHINESE_DIGITS, CJK, single

_CHARACTERS = 0x110000
_SEVERAL = 0xFFFFFFFF
_IS_CJK = re.compile(f"[{CJK}]")


# Classes, as collector.c reads them. HEAD begins a word in two scripts, SPOKEN is a figure in Chinese.
_HAN, _LETTER, _DIGIT, _SPACE, _JOINT, _HEAD, _SPOKEN = (1 << bit for bit in range(7))


class _Struct(ctypes.Structure):
    _fields_ = [
        ("words", ctypes.c_void_p),
        ("forms", ctypes.c_void_p),
        ("classes", ctypes.c_void_p),
        ("mixed", ctypes.c_void_p),
        ("mixed_ends", ctypes.c_void_p),
        ("mixed_count", ctypes.c_uint32),
    ]


class Lexicon:
    """The tables; `here` is where C finds them."""

    def __init__(self, words: Any, mixed: Iterable[str]) -> None:
        """`words` is the compiled dictionary, `mixed` the words in two scripts, the longest first."""
        written = list(mixed)
        self._heads = {word[0] for word in written}
        self._forms = np.zeros(_CHARACTERS, np.uint32)  # pages that nobody needs are never touched
        self._classes = np.zeros(_CHARACTERS, np.uint8)
        self._mixed = np.frombuffer("".join(written).encode("utf-32-le"), np.uint32)
        self._ends = np.cumsum([len(word) for word in written], dtype=np.uint32)
        self._words = words
        tables = (self._forms, self._classes, self._mixed, self._ends)
        struct = _Struct(ctypes.addressof(words), *(table.ctypes.data for table in tables), len(written))
        self.here = ctypes.byref(struct)
        self.learn("u")  # C makes one of the μ in dBμV, in a text that may have no other

    def learn(self, text: str) -> None:
        """Take in the characters of a text that are met for the first time."""
        for char in set(text):
            if self._forms[ord(char)]:
                continue
            form = single(char)
            if form is not None:
                self._classes[ord(form)] = self._class(form)
            # last: who reads a form at the same time must find its class
            self._forms[ord(char)] = _SEVERAL if form is None else ord(form) + 1

    def _class(self, char: str) -> int:
        script = _HAN if _IS_CJK.match(char) else _DIGIT if char.isdecimal() else _LETTER if char.isalnum() else 0
        marks = ((_SPACE, char.isspace()), (_JOINT, char in JOINTS), (_HEAD, char in self._heads))
        return script | sum(mark for mark, has in marks if has) | (_SPOKEN if ord(char) in CHINESE_DIGITS else 0)
