"""Which words does a run of Chinese characters consist of?

jieba's dictionary and jieba's cut, with a tokenizer of our own, so nothing that others do to `jieba.dt` changes an index.
Without HMM: guessed words depend on their neighbours, so a text and a query would be cut differently.

jieba itself takes 1.7 s and 89 MB to load in every process. So its dictionary, with the product's words, is compiled once
into a file that all processes map, and `cutter.c` cuts by it; where there is no native library jieba cuts. Both cut alike.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import logging
import math
import threading
import warnings
from collections.abc import Iterable
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import native
from indexer.analysis.files import put

log = logging.getLogger(__name__)

LONGEST_RUN = 200  # characters; a longer run without punctuation is cut in slices to keep the cost linear
LONGEST_INSIDE = 8  # characters of a word inside a word
_CACHED_RUN = 16  # characters; short runs repeat (boilerplate, queries), long ones never
_CACHE_SIZE = 50_000  # runs, 28 MB when full
_KEPT = 3  # compiled files: a dictionary that is tried, the one in use, the one before
_FORMAT = 1  # raise it when the compiled file changes
_MAGIC = b"KBWORDS1"
_LOAD = 0.5  # of the slots are taken: a search meets 1.5 on average
_NO_WORD = -1.0


class Words:
    """Cuts runs of Chinese characters. Safe to share between threads."""

    def __init__(self, extra: Iterable[str], cache_dir: Path) -> None:
        self._extra = tuple(extra)
        self._cache_dir = cache_dir
        self._loading = threading.Lock()
        self._cached = lru_cache(maxsize=_CACHE_SIZE)(self._cut)
        self.inside = lru_cache(maxsize=_CACHE_SIZE)(self._inside)

    @cached_property
    def _jieba(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jieba asks for pkg_resources, and 3.12 dislikes its regexes
            import jieba
        jieba.setLogLevel(logging.WARNING)
        tokenizer = jieba.Tokenizer()
        with contextlib.suppress(OSError):
            self._cache_dir.mkdir(parents=True, exist_ok=True)
        tokenizer.tmp_dir = str(self._cache_dir)
        tokenizer.initialize()
        for word in self._extra:
            tokenizer.add_word(word)  # without a frequency jieba takes one at which the word is not cut
        return tokenizer

    @cached_property
    def _compiled(self) -> _Compiled | None:
        """The dictionary as a mapped file, made by the first process that needs it; None without the native library."""
        if native.LIBRARY is None:
            return None
        named = "\n".join((version("jieba"), str(_FORMAT), *self._extra)).encode()
        path = self._cache_dir / f"words-{hashlib.sha256(named).hexdigest()[:16]}.bin"
        for _ in range(2):  # another installation's clean-up may take a file away before it is mapped
            with contextlib.suppress(OSError):
                return _Compiled(path)
            try:
                _compile(self._jieba.FREQ, self._jieba.total, path)
            except OSError as exc:
                log.warning("the dictionary cannot be compiled, jieba cuts: %s", exc)
                return None
            del self._jieba  # 89 MB that nobody needs any more
        return _Compiled(path)

    @property
    def compiled(self) -> Any:
        """The compiled dictionary as C reads it; None without the native library."""
        self.load()
        return self._compiled and self._compiled.struct

    def vocabulary(self) -> Iterable[str]:
        """All words that a text may be cut into. Reads jieba's dictionary, so what is made of them is to be kept."""
        known: dict[str, int] = self._jieba.FREQ
        if self._compiled is not None:
            del self._jieba
        return (word for word, frequency in known.items() if frequency)

    def load(self) -> None:
        """Read the dictionary now: before forking, or where the first query must not wait."""
        with self._loading:
            if self._compiled is None:
                _ = self._jieba

    def cut(self, run: str) -> tuple[str, ...]:
        """The words of a run, precise: each character belongs to one word."""
        return self._cached(run) if len(run) <= _CACHED_RUN else self._cut(run)

    def _cut(self, run: str) -> tuple[str, ...]:
        if len(run) == 1:
            return (run,)
        if "_compiled" not in self.__dict__:
            self.load()
        if self._compiled is not None:
            return self._compiled.cut(run)
        slices = (run[place : place + LONGEST_RUN] for place in range(0, len(run), LONGEST_RUN))
        return tuple(word for part in slices for word in self._jieba.lcut(part, HMM=False))

    def _inside(self, word: str) -> tuple[tuple[str, int], ...]:
        """The dictionary words inside a word, each with its offset; without the word itself."""
        if len(word) < 3:
            return ()
        if self._compiled is not None:
            return self._compiled.inside(word)
        frequency = self._jieba.FREQ
        return tuple(
            (word[start:end], start)
            for start in range(len(word) - 1)
            for end in range(start + 2, min(len(word), start + LONGEST_INSIDE) + 1)
            if end - start < len(word) and frequency.get(word[start:end])
        )


def _compile(frequencies: dict[str, int], total: int, path: Path) -> None:
    """Write the words as a trie in one hash table: (node, character) -> node. Replaced whole, so two may write it."""
    nodes = {"": 0}
    for word in sorted(frequencies, key=len):  # jieba lists every beginning of a word, so parents come first
        nodes[word] = len(nodes)
    weights = np.full(len(nodes), _NO_WORD)
    for word, frequency in frequencies.items():
        if frequency:
            weights[nodes[word]] = math.log(frequency)
    slots = 1 << math.ceil(math.log2(len(nodes) / _LOAD))
    wanted = [(nodes[word[:-1]] << 21 | ord(word[-1])) + 1 for word in nodes if word]
    reached = np.fromiter((nodes[word] for word in nodes if word), np.uint32, len(wanted))
    keys, nexts = _hashed(np.array(wanted, np.uint64), reached, slots)
    header = np.array([slots, len(nodes)], np.uint64).tobytes() + np.array([math.log(total)]).tobytes()
    put(path, [_MAGIC, header, keys.tobytes(), weights.tobytes(), nexts.tobytes()])
    with contextlib.suppress(OSError):  # gone already, or on Windows still mapped
        for other in sorted(path.parent.glob("words-*.bin"), key=lambda file: file.stat().st_mtime)[:-_KEPT]:
            other.unlink()


def _hashed(wanted: NDArray[np.uint64], reached: NDArray[np.uint32], slots: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Open addressing with steps of one, as `step` in cutter.c reads it."""
    keys, nexts = np.zeros(slots, np.uint64), np.zeros(slots, np.uint32)
    mask = np.uint64(slots - 1)
    place = (wanted * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)) & mask
    left = np.arange(len(wanted))
    while len(left):
        free = left[keys[place[left]] == 0]
        _, first = np.unique(place[free], return_index=True)  # of those who want the same slot, one gets it
        settled = free[first]
        keys[place[settled]], nexts[place[settled]] = wanted[settled], reached[settled]
        left = left[keys[place[left]] != wanted[left]]
        place[left] = (place[left] + np.uint64(1)) & mask
    return keys, nexts


class _Struct(ctypes.Structure):
    _fields_ = [
        ("keys", ctypes.c_void_p),
        ("next", ctypes.c_void_p),
        ("mask", ctypes.c_uint64),
        ("weights", ctypes.c_void_p),
        ("total", ctypes.c_double),
    ]


class _Compiled:
    """The compiled dictionary, mapped."""

    def __init__(self, path: Path) -> None:
        self._map = np.memmap(path, np.uint8, "r")
        if self._map[:8].tobytes() != _MAGIC:
            raise ValueError(f"{path.name} is no dictionary")
        slots, nodes = (int(number) for number in np.frombuffer(self._map, np.uint64, 2, 8))
        keys = 32
        weights = keys + 8 * slots
        nexts = weights + 8 * nodes
        address = self._map.ctypes.data
        total = float(np.frombuffer(self._map, np.float64, 1, 24)[0])
        self.struct = _Struct(address + keys, address + nexts, slots - 1, address + weights, total)
        self._here = ctypes.byref(self.struct)

    def cut(self, run: str) -> tuple[str, ...]:
        length = len(run)
        ends = (ctypes.c_uint32 * length)()
        count = native.LIBRARY.kb_cut(self._here, run.encode("utf-32-le", "surrogatepass"), length, ends)
        start = 0
        words = []
        for end in ends[:count]:
            words.append(run[start:end])
            start = end
        return tuple(words)

    def inside(self, word: str) -> tuple[tuple[str, int], ...]:
        length = len(word)
        pairs = (ctypes.c_uint32 * (2 * LONGEST_INSIDE * length))()
        count = native.LIBRARY.kb_inside(self._here, word.encode("utf-32-le", "surrogatepass"), length, pairs)
        return tuple((word[pairs[2 * n] : pairs[2 * n + 1]], pairs[2 * n]) for n in range(count))
