"""Which documents score best? Asked of the native kernel (`indexer/native/kernel.c`), or of numpy where none was built.

Both give the same documents and, within 1e-6, the same scores; the native one is many times as fast.
"""

from __future__ import annotations

import ctypes
from collections.abc import Hashable, Sequence
from ctypes import POINTER, c_double, c_uint8, c_uint16, c_uint32, c_uint64
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer import native
from indexer.engines.whoosh_engine import numpy_kernel
from indexer.engines.whoosh_engine.block import KEYS, MOST_DOCUMENTS, SPACES, Block, Key, having
from indexer.plan import Concept
from indexer.projection import FACES, Space
from indexer.ranking import Field

WORDS64 = MOST_DOCUMENTS // 64
Bits = NDArray[np.uint64]  # a row a block, a bit a document
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Question:
    """What to rank by: any of `concepts` in `space`; `others` (pairs of characters) only add `share` of their score.

    `need` is how many concepts a document must have; `everything` finds all allowed documents, whatever they have.
    `faces` is how many faces take part, from the first."""

    space: Space
    concepts: Sequence[Concept]
    field: Field
    faces: int
    others: Sequence[Concept] = ()
    other_field: Field | None = None
    need: int = 1
    everything: bool = False
    coverage: float = 0.0
    share: float = 0.0


class Place(NamedTuple):
    """A document found: where it stands, and whether the query named it."""

    block: int
    doc: int
    score: float
    named: bool


class Answer(NamedTuple):
    """The best documents in order, how many there are, and which."""

    best: list[Place]
    total: int
    found: Bits


class _Space(ctypes.Structure):
    _fields_ = [
        ("terms", c_uint32),
        ("text", POINTER(c_uint8)),
        ("ends", POINTER(c_uint32)),
        ("starts", POINTER(c_uint32)),
        ("docs", POINTER(c_uint16)),
        ("codes", POINTER(c_uint8)),
        ("rare_at", POINTER(c_uint32)),
        ("rare", POINTER(c_uint32)),
        ("rares", c_uint32),
        ("rows", c_uint32),
        ("patterns", POINTER(c_uint16)),
        ("lengths", POINTER(c_uint32)),
    ]


class _Block(ctypes.Structure):
    _fields_ = [
        ("count", c_uint32),
        ("live", POINTER(c_uint64)),
        ("updated", POINTER(c_uint32)),
        ("ids", POINTER(c_uint8)),
        ("id_ends", POINTER(c_uint32)),
        ("spaces", _Space * len(SPACES)),
    ]


class _Term(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("length", c_uint32), ("weight", c_double)]


class _Concept(ctypes.Structure):
    _fields_ = [("first", c_uint32), ("terms", c_uint32), ("weight", c_double), ("df", c_double)]


class _Field(ctypes.Structure):
    _fields_ = [
        ("k1", c_double),
        ("weights", c_double * len(FACES)),
        ("base", c_double * len(FACES)),
        ("slope", c_double * len(FACES)),
    ]


class _Request(ctypes.Structure):
    _fields_ = [
        ("space", c_uint32),
        ("faces", c_uint32),
        ("concepts", c_uint32),
        ("others", c_uint32),
        ("other_space", c_uint32),
        ("need", c_uint32),
        ("all", c_uint32),
        ("wanted", c_uint32),
        ("documents", c_double),
        ("coverage", c_double),
        ("share", c_double),
        ("field", _Field),
        ("other_field", _Field),
    ]


class _Hit(ctypes.Structure):
    _fields_ = [("score", c_double), ("block", c_uint32), ("doc", c_uint32), ("tier", c_uint32)]


_native = native.LIBRARY
_ORDER = {space: number for number, space in enumerate(SPACES)}
_MOST_KNOWN = 20_000  # concepts whose document frequency a snapshot remembers


def _pointer(array: NDArray[Any], type: Any) -> Any:
    return ctypes.cast(array.ctypes.data, POINTER(type))


_TERMS = (("text", c_uint8), ("ends", c_uint32), ("starts", c_uint32), ("docs", c_uint16))
_COUNTS = (
    ("codes", c_uint8), ("rare_at", c_uint32), ("rare", c_uint32), ("patterns", c_uint16), ("lengths", c_uint32),
)  # fmt: skip


class Table:
    """The blocks of one snapshot in the form in which the kernel reads them."""

    def __init__(self, blocks: Sequence[Block], live: Sequence[Mask]) -> None:
        self.blocks = list(blocks)
        self.live = np.zeros((len(blocks), WORDS64), np.uint64)
        for row, mask in zip(self.live, live, strict=True):
            row[:] = pack(mask)
        self.count = sum(int(mask.sum()) for mask in live)
        self.averages = {space: self._average(space, live) for space in Space}
        self._known: dict[Hashable, float] = {}  # document frequencies
        self._structs = (_Block * max(1, len(blocks)))()
        for number, block in enumerate(blocks):
            struct = self._structs[number]
            struct.count = block.count
            struct.live = None if live[number].all() else _pointer(self.live[number], c_uint64)
            struct.updated = _pointer(block.section("updated"), c_uint32)
            struct.ids = _pointer(block.section("id.text"), c_uint8)
            struct.id_ends = _pointer(block.section("id.ends"), c_uint32)
            for space, order in _ORDER.items():
                part = struct.spaces[order]
                part.terms = len(block.section(f"{space}.ends")) - 1
                for name, type in _TERMS if space == KEYS else (*_TERMS, *_COUNTS):
                    setattr(part, name, _pointer(block.section(f"{space}.{name}"), type))
                if space != KEYS:
                    part.rares = len(block.section(f"{space}.rare"))
                    part.rows = len(block.patterns(space))

    def _average(self, space: Space, live: Sequence[Mask]) -> NDArray[np.float64]:
        """The mean length of each face over the live documents."""
        total = np.zeros(len(FACES))
        for block, mask in zip(self.blocks, live, strict=True):
            gone = np.flatnonzero(~mask)  # few, so that a commit need not read all lengths
            total += block.length_sums[space] - block.lengths(space)[:, gone].sum(axis=1)
        return total / max(1, self.count)

    def search(self, question: Question, allowed: Bits, named: Bits | None, wanted: int) -> Answer:
        """The best `wanted` of the allowed documents, those that the query names first."""
        if _native is None:
            return numpy_kernel.search(self, question, allowed, named, wanted)
        concepts = [*question.concepts, *question.others]
        names = [
            (question.space if number < len(question.concepts) else Space.GRAMS, concept.terms, question.faces)
            for number, concept in enumerate(concepts)
        ]
        c_terms = _terms([term for concept in concepts for term in concept.terms])
        c_concepts = (_Concept * max(1, len(concepts)))()
        first = 0
        for number, concept in enumerate(concepts):
            df = self._known.get(names[number], -1.0)
            c_concepts[number] = _Concept(first, len(concept.terms), concept.weight, df)
            first += len(concept.terms)
        request = _Request(
            space=_ORDER[question.space],
            faces=question.faces,
            concepts=len(question.concepts),
            others=len(question.others),
            other_space=_ORDER[Space.GRAMS],
            need=question.need,
            all=question.everything,
            wanted=wanted,
            documents=self.count,
            coverage=question.coverage,
            share=question.share,
            field=_field(question.field, self.averages[question.space]),
            other_field=_field(question.other_field or question.field, self.averages[Space.GRAMS]),
        )
        found = np.zeros_like(allowed)
        hits = (_Hit * max(1, wanted))()
        total = c_uint64()
        number = _native.kb_search(
            self._structs, c_uint32(len(self.blocks)), ctypes.byref(request), c_concepts, c_terms,
            allowed.ctypes.data_as(POINTER(c_uint64)), None if named is None else named.ctypes.data_as(POINTER(c_uint64)),
            found.ctypes.data_as(POINTER(c_uint64)), hits, ctypes.byref(total),
        )  # fmt: skip
        if number < 0:
            raise MemoryError("the kernel could not allocate its sums")
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known.update((name, concept.df) for name, concept in zip(names, c_concepts, strict=False))
        best = [Place(hit.block, hit.doc, hit.score, not hit.tier) for hit in hits[:number]]
        return Answer(best, total.value, found)

    def named(self, keys: frozenset[str]) -> Bits | None:
        """The documents that one of the keys names; None without any."""
        bits = np.zeros_like(self.live)
        if _native is None:
            masks = [having(block, keys, Key.EXACT) for block in self.blocks]
            for row, mask in zip(bits, masks, strict=True):
                row[:] = pack(mask)
            return bits if any(mask.any() for mask in masks) else None
        c_keys = _terms([(Key.EXACT + key, 1.0) for key in sorted(keys)])
        known = _native.kb_named(
            self._structs,
            c_uint32(len(self.blocks)),
            c_keys,
            c_uint32(len(keys)),
            bits.ctypes.data_as(POINTER(c_uint64)),
        )
        return bits if known else None


def _terms(weighted: Sequence[tuple[str, float]]) -> Any:
    terms = (_Term * max(1, len(weighted)))()
    for number, (term, weight) in enumerate(weighted):
        text = term.encode()
        terms[number] = _Term(text, len(text), weight)
    return terms


def _field(field: Field, averages: NDArray[np.float64]) -> _Field:
    slopes = [b / average if average > 0 else 0.0 for b, average in zip(field.b, averages, strict=True)]
    return _Field(
        k1=field.k1,
        weights=(c_double * len(FACES))(*field.weights),
        base=(c_double * len(FACES))(*(1.0 - b for b in field.b)),
        slope=(c_double * len(FACES))(*slopes),
    )


def pack(mask: Mask) -> Bits:
    """A mask of one block as a row of bits."""
    row = np.zeros(WORDS64 * 8, np.uint8)
    packed = np.packbits(mask, bitorder="little")
    row[: len(packed)] = packed
    return row.view(np.uint64)


def unpack(row: Bits, count: int) -> Mask:
    """And back."""
    return np.unpackbits(row.view(np.uint8), count=count, bitorder="little").astype(np.bool_)


def counted(found: Bits, docs: NDArray[np.uint16], codes: NDArray[np.uint32], values: int) -> NDArray[np.int64]:
    """How many of the found documents have each value of a column, given as pairs?"""
    if _native is None:
        return numpy_kernel.counted(found, docs, codes, values)
    counts = np.zeros(values, np.uint64)
    _native.kb_count(
        found.ctypes.data_as(POINTER(c_uint64)), docs.ctypes.data_as(POINTER(c_uint16)),
        codes.ctypes.data_as(POINTER(c_uint32)), c_uint32(len(docs)), counts.ctypes.data_as(POINTER(c_uint64)),
    )  # fmt: skip
    return counts.astype(np.int64)


def containing(text: NDArray[Any], ends: NDArray[np.uint32], piece: str, candidates: Mask) -> Mask:
    """In which of these documents does a piece of text occur? `text` is UTF-16 or UTF-8, by its type."""
    sought = np.frombuffer(piece.encode("utf-16-le"), np.uint16) if text.dtype.itemsize == 2 else piece.encode()
    if _native is None:
        return numpy_kernel.containing(text, ends, bytes(sought), candidates)
    sought = np.frombuffer(bytes(sought), text.dtype)
    bits = pack(candidates)
    _native.kb_containing(
        text.ctypes.data_as(POINTER(c_uint8)), ends.ctypes.data_as(POINTER(c_uint32)), c_uint32(len(candidates)),
        sought.ctypes.data_as(POINTER(c_uint8)), c_uint32(len(sought)), c_uint32(text.dtype.itemsize),
        bits.ctypes.data_as(POINTER(c_uint64)),
    )  # fmt: skip
    return unpack(bits, len(candidates))
