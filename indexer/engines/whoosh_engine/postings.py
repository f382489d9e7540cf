"""Which documents of a block have which terms, and how often? Collected document by document, sorted to be written.

`PythonPostings` keeps one space. `Collector` keeps all of them in C (`native/collector.c`) and cuts text there too, many
times as fast; both come to the same arrays, which a test holds.
"""

from __future__ import annotations

import ctypes
import weakref
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from ctypes import POINTER, c_uint8, c_uint32, c_uint64
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from indexer import native
from indexer.analysis import Analyzer
from indexer.projection import FACES, Space, packed, row

_ROW = 2 * len(FACES)  # bytes
_WORDS, _KEYS = 0, 3  # spaces, as collector.c numbers them
_UNKNOWN, _HARD = -1, -2  # answers of kb_collect
Array = NDArray[Any]


class Sorted(NamedTuple):
    """One space to be written."""

    text: Array  # UTF-8 of all terms, in byte order
    ends: Array  # where each ends, a 0 first
    starts: Array  # per term, its first posting (and one more)
    docs: Array  # documents, ascending within a term
    codes: Array  # per posting, which of the patterns
    patterns: Array  # a row of counts each; their order is that of their coming


class Taken(NamedTuple):
    """Postings of another block: as `Sorted`, but with the number of the term per posting."""

    text: Array
    ends: Array
    terms: Array
    docs: Array
    codes: Array
    patterns: Array


class Postings(Protocol):
    """The postings of one space of a block under way."""

    def add(self, doc: int, counts: Mapping[str, int]) -> None:
        """Take in a document: its terms with their packed counts."""

    def take(self, other: Taken) -> None:
        """Take in postings of another block; terms that none of them names are forgotten."""

    def sorted(self) -> Sorted:
        """All that was taken in."""


class PythonPostings:
    """For machines without the native library, and its judge in tests."""

    def __init__(self) -> None:
        self._terms: dict[str, int] = {}
        self._patterns: dict[int, int] = {}
        self._numbers, self._docs, self._codes = array("I"), array("H"), array("I")

    def add(self, doc: int, counts: Mapping[str, int]) -> None:
        terms, patterns = self._terms, self._patterns
        self._numbers.extend([terms.setdefault(term, len(terms)) for term in counts])
        self._codes.extend([patterns.setdefault(counted, len(patterns)) for counted in counts.values()])
        self._docs.extend([doc] * len(counts))

    def take(self, other: Taken) -> None:
        known, text, ends = self._terms, other.text.tobytes(), other.ends.tolist()
        numbers = np.zeros(len(ends) - 1, np.uint32)
        for number in np.unique(other.terms).tolist():
            term = text[ends[number] : ends[number + 1]].decode()
            numbers[number] = known.setdefault(term, len(known))
        patterns = self._patterns
        rows = np.array(
            [patterns.setdefault(counted, len(patterns)) for counted in map(packed, other.patterns.tolist())], np.uint32
        )
        self._numbers.frombytes(numbers[other.terms].tobytes())
        self._docs.frombytes(other.docs.astype(np.uint16).tobytes())
        self._codes.frombytes(rows[other.codes].tobytes())

    def sorted(self) -> Sorted:
        encoded = [term.encode() for term in self._terms]
        order = sorted(range(len(encoded)), key=encoded.__getitem__)
        rank = np.empty(len(order), np.uint32)
        rank[order] = np.arange(len(order), dtype=np.uint32)
        ranked = rank[np.frombuffer(self._numbers, np.uint32)]
        by_term = np.argsort(ranked, kind="stable")  # stable keeps documents ascending
        parts = [encoded[number] for number in order]
        return Sorted(
            np.frombuffer(b"".join(parts), np.uint8),
            np.array([0, *accumulate(map(len, parts))], np.uint32),
            np.searchsorted(ranked[by_term], np.arange(len(order) + 1)).astype(np.uint32),
            np.frombuffer(self._docs, np.uint16)[by_term],
            np.frombuffer(self._codes, np.uint32)[by_term],
            np.array([row(counted) for counted in self._patterns], np.uint16).reshape(-1, len(FACES)),
        )


class Cut(NamedTuple):
    """What else a document comes to when it is cut: `lengths` as `Projection` has them, texts in UTF-16."""

    lengths: Mapping[Space, Sequence[int]]
    texts: list[bytes]
    spelt: tuple[bytes, bytes]


class _Result(ctypes.Structure):
    _fields_ = [
        ("text", c_uint64),
        ("spans", POINTER(c_uint32)),
        ("full", c_uint64),
        ("initials", c_uint64),
        ("text_ends", c_uint32 * len(FACES)),
        ("lengths", c_uint32 * len(FACES) * 2),
        ("spans_count", c_uint32),
        ("full_size", c_uint32),
        ("initials_size", c_uint32),
    ]


def _checked(answer: int) -> int:
    if answer < 0:
        raise MemoryError("no memory for postings")
    return answer


class Collector:
    """The postings of one block in C. For one thread at a time."""

    def __init__(self, library: Any, spaces: Sequence[str]) -> None:
        """`spaces` in the order in which collector.c numbers them."""
        address = library.kb_collector() or _checked(-1)
        self._library, self._here = library, ctypes.c_void_p(address)
        weakref.finalize(self, library.kb_discard, self._here)
        # They live as long as the collector and do not keep it, so that its memory goes with the last reference.
        self.postings = {space: _NativePostings(library, self._here, number) for number, space in enumerate(spaces)}
        self._result = _Result.from_address(address)

    def cut(self, doc: int, faces: Sequence[str], keys: Sequence[str], analyzer: Analyzer) -> Cut | None:
        """Cut a document and take it in; None for one that only Python can cut, of which nothing was taken in."""
        lexicon = analyzer.lexicon
        if lexicon is None:
            return None
        text = "".join(faces)
        written = text.encode("utf-32-le", "surrogatepass")
        ends = list(accumulate(map(len, faces)))
        c_ends = (c_uint32 * len(ends))(*ends)
        while (left := self._library.kb_collect(self._here, lexicon.here, written, c_ends)) == _UNKNOWN:
            lexicon.learn(text)
        if left == _HARD:
            return None
        if _checked(left):
            self._count_left(text, ends, analyzer)
        while self._library.kb_sound(self._here, lexicon.here):
            self._teach(text, analyzer)
        self._count(_KEYS, 0, "".join(f"{key}\n" for key in keys).encode())
        _checked(self._library.kb_close(self._here, c_uint32(doc)))
        result = self._result
        canonical = ctypes.string_at(result.text, 2 * result.text_ends[-1])
        words, grams = result.lengths
        return Cut(
            {Space.WORDS: words[:], Space.GRAMS: grams[:], Space.PINYIN: [0] * len(FACES)},
            [canonical[2 * start : 2 * end] for start, end in pairwise([0, *result.text_ends])],
            (ctypes.string_at(result.full, result.full_size), ctypes.string_at(result.initials, result.initials_size)),
        )

    def _spans(self, text: str) -> list[tuple[int, str]]:
        spans = self._result.spans[: 2 * self._result.spans_count]
        return [(start, text[start:end]) for start, end in zip(spans[::2], spans[1::2], strict=True)]

    def _count(self, space: int, face: int, terms: bytes) -> None:
        self._library.kb_count_terms(self._here, space, face, terms, len(terms))

    def _count_left(self, text: str, ends: Sequence[int], analyzer: Analyzer) -> None:
        """Count the terms of identifiers and of words in two scripts."""
        for start, written in self._spans(text):
            self._count(_WORDS, bisect_right(ends, start), analyzer.inside(written))

    def _teach(self, text: str, analyzer: Analyzer) -> None:
        """Say how words are read that are met for the first time."""
        for _, written in self._spans(text):
            word, sounds = analyzer.reading(written)
            self._library.kb_teach(self._here, word, len(word), sounds, len(sounds))


class _NativePostings:
    def __init__(self, library: Any, here: ctypes.c_void_p, space: int) -> None:
        self._library, self._here, self._space = library, here, c_uint32(space)

    def add(self, doc: int, counts: Mapping[str, int]) -> None:
        terms = [term.encode() for term in counts]
        self.take(
            Taken(
                np.frombuffer(b"".join(terms), np.uint8),
                np.array([0, *accumulate(map(len, terms))], np.uint32),
                np.arange(len(terms), dtype=np.uint32),
                np.full(len(terms), doc, np.uint16),
                np.arange(len(terms), dtype=np.uint32),
                np.frombuffer(b"".join(counted.to_bytes(_ROW, "little") for counted in counts.values()), np.uint16),
            )
        )

    def take(self, other: Taken) -> None:
        wanted = np.zeros(len(other.ends) - 1, np.uint8)
        wanted[other.terms] = 1
        numbers = np.zeros(len(wanted), np.uint32)
        patterns = np.ascontiguousarray(other.patterns, np.uint16)
        rows = np.zeros(patterns.size // len(FACES), np.uint32)
        self._call("kb_number", other.text, other.ends[1:], c_uint32(len(wanted)), wanted, numbers)
        self._call("kb_patterns", patterns, c_uint32(len(rows)), rows)
        docs = np.ascontiguousarray(other.docs, np.uint16)
        self._call("kb_post", numbers[other.terms], docs, rows[other.codes], c_uint64(len(docs)))

    def sorted(self) -> Sorted:
        sizes = np.zeros(4, np.uint64)
        self._call("kb_sizes", sizes)
        terms, size, postings, patterns = sizes.tolist()
        found = Sorted(
            np.empty(size, np.uint8), np.empty(terms + 1, np.uint32), np.empty(terms + 1, np.uint32),
            np.empty(postings, np.uint16), np.empty(postings, np.uint32), np.empty((patterns, len(FACES)), np.uint16),
        )  # fmt: skip
        self._call("kb_sorted", *found)
        return found

    def _call(self, name: str, *arguments: Any) -> None:
        given = [one.ctypes.data_as(POINTER(c_uint8)) if isinstance(one, np.ndarray) else one for one in arguments]
        _checked(getattr(self._library, name)(self._here, self._space, *given))


def collector(spaces: Sequence[str]) -> Collector | None:
    """A collector, where there is a native library."""
    return None if native.LIBRARY is None else Collector(native.LIBRARY, spaces)
