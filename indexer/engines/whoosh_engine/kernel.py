"""Which documents score best? Asked of the native kernel (`indexer/native/kernel.c`), or of numpy where none was built.

Both give the same documents and, within 1e-6, the same scores; the native one is many times as fast.
"""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Hashable, Iterable, Sequence
from ctypes import c_char, c_char_p, c_double, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from itertools import accumulate, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer import native
from indexer.engines.base import KNOWN_MOST
from indexer.engines.whoosh_engine import bounds, numpy_kernel
from indexer.engines.whoosh_engine.block import KEYS, MOST_DOCUMENTS, SPACES, Block, Key, having_key
from indexer.engines.whoosh_engine.bounds import Reference
from indexer.plan import Concept
from indexer.projection import FACES, QUOTED, Space
from indexer.ranking import PRIOR_STEPS, Field, Floats
from indexer.suggestions import Typed

WORDS64 = MOST_DOCUMENTS // 64
Bits = NDArray[np.uint64]  # a row a block, a bit a document
Mask = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
_NEUTRAL = 128  # the byte of a prior of 1


@dataclass(frozen=True)
class Question:
    """What to rank by: any of `concepts` in `space`; `others` (pairs of characters) only add `share` of their score.

    `need` is how many concepts a document must have; `everything` finds all allowed documents, whatever they have.
    `faces` is how many faces take part, from the first. A term, concept or face without a weight takes no part."""

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
    version: int


class Answer(NamedTuple):
    """The best documents in order, how many there are, and which."""

    best: list[Place]
    total: int
    found: Bits


class _Space(ctypes.Structure):
    _fields_ = [
        ("terms", c_uint32),
        ("text", c_void_p),
        ("ends", c_void_p),
        ("starts", c_void_p),
        ("docs", c_void_p),
        ("codes", c_void_p),
        ("bounds", c_void_p),
        ("rare_at", c_void_p),
        ("rare", c_void_p),
        ("rares", c_uint32),
        ("rows", c_uint32),
        ("patterns", c_void_p),
        ("lengths", c_void_p),
    ]


class _Texts(ctypes.Structure):
    _fields_ = [("text", c_void_p), ("ends", c_void_p)]


# What suggestions are looked for in: the faces of title and symptoms, and the spelt titles.
_TEXTS = ("text.0", "text.1", "spelt.full", "spelt.initials")


class _Block(ctypes.Structure):
    _fields_ = [
        ("count", c_uint32),
        ("live", c_void_p),
        ("updated", c_void_p),
        ("versions", c_void_p),
        ("priors", c_void_p),
        ("most_prior", c_double),
        ("ids", c_void_p),
        ("id_ends", c_void_p),
        ("spaces", _Space * len(SPACES)),
        ("characters", c_void_p),
        ("texts", _Texts * len(_TEXTS)),
    ]


Addresses = _Block
Faces = ctypes.Array[_Texts]


class _Strings(ctypes.Structure):
    _fields_ = [("number", c_uint32), ("text", c_char_p), ("ends", c_void_p)]


class _Field(ctypes.Structure):
    _fields_ = [
        ("k1", c_double),
        ("weights", c_double * len(FACES)),
        ("base", c_double * len(FACES)),
        ("slope", c_double * len(FACES)),
        ("ceilings", c_void_p),
    ]


class _Request(ctypes.Structure):
    _fields_ = [
        ("space", c_uint32),
        ("other_space", c_uint32),
        ("faces", c_uint32),
        ("concepts", c_uint32),
        ("others", c_uint32),
        ("need", c_uint32),
        ("all", c_uint32),
        ("wanted", c_uint32),
        ("documents", c_double),
        ("coverage", c_double),
        ("share", c_double),
        ("field", c_void_p),
        ("other_field", c_void_p),
        ("terms", _Strings),
        ("term_weights", c_void_p),
        ("last", c_void_p),
        ("weights", c_void_p),
        ("frequencies", c_void_p),
    ]


class _Range(ctypes.Structure):
    _fields_ = [
        ("from", c_char_p),
        ("before", c_char_p),
        ("from_length", c_uint32),
        ("before_length", c_uint32),
    ]


class _Typed(ctypes.Structure):
    _fields_ = [
        ("ranges", ctypes.POINTER(_Range)),
        ("text", c_char_p),
        ("letters", c_char_p),
        ("number", c_uint32),
        ("exact", c_uint32),
        ("length", c_uint32),
        ("skip", c_uint32),
        ("spelling", c_uint32),
    ]


class _Offer(ctypes.Structure):
    _fields_ = [("level", c_uint32), ("characters", c_uint32), ("block", c_uint32), ("doc", c_uint32)]


class _Near(ctypes.Structure):
    _fields_ = [("block", c_uint32), ("term", c_uint32), ("distance", c_uint32)]


class _Column(ctypes.Structure):
    _fields_ = [("docs", c_void_p), ("codes", c_void_p), ("pairs", c_uint32), ("first", c_uint32)]


_HIT = struct.Struct("=dIIII")  # score, block, document, named, version
_native = native.LIBRARY
_ORDER = {space: number for number, space in enumerate(SPACES)}
_TERMS = ("text", "ends", "starts", "docs")
_COUNTS = ("codes", "bounds", "rare_at", "rare", "patterns", "lengths")
_MOST_TERMS = 32_767  # of a question: sums of bounds have 16 bits, and each term rounds up by one
_MOST_NEAR = 4_000  # words like one that was typed; there are some dozens
_MOST_KNOWN = 20_000  # concepts whose document frequency a snapshot remembers


def addresses(block: Block) -> Addresses:
    """A block as the kernel reads it, with all documents live. Valid as long as the block is open."""
    laid = _Block(count=block.count)
    laid.updated = block.address("updated")
    laid.versions = block.address("version")
    laid.ids = block.address("id.text")
    laid.id_ends = block.address("id.ends")
    laid.characters = block.address("title.characters")
    for order, name in enumerate(_TEXTS):
        laid.texts[order] = _Texts(block.address(f"{name}.text"), block.address(f"{name}.ends"))
    for space, order in _ORDER.items():
        part = laid.spaces[order]
        part.terms = len(block.section(f"{space}.ends")) - 1
        for name in _TERMS if space == KEYS else (*_TERMS, *_COUNTS):
            setattr(part, name, block.address(f"{space}.{name}"))
        if space != KEYS:
            part.rares = len(block.section(f"{space}.rare"))
            part.rows = len(block.patterns(space))
    return laid


class Part:
    """A block and who is left in it: what the kernel needs to know of them, worked out once for all snapshots."""

    def __init__(self, block: Block, live: Mask, addresses: Addresses) -> None:
        self.block, self.row, self.count = block, pack(live), int(live.sum())
        gone = np.flatnonzero(~live)  # few, so that a commit need not read all lengths
        self.lengths = {
            space: block.length_sums[space] - block.lengths(space)[:, gone].sum(axis=1, dtype=np.int64)
            for space in Space
        }
        self.laid = _Block.from_buffer_copy(addresses)
        if len(gone):
            self.laid.live = self.row.ctypes.data


class Table:
    """The blocks of one snapshot in the form in which the kernel reads them."""

    def __init__(self, parts: Sequence[Part], priors: Sequence[Bytes]) -> None:
        """`priors` has a byte a document of each block."""
        self._parts, self.priors = list(parts), list(priors)  # the structures point into their rows
        self.blocks = [part.block for part in parts]
        self.live = rows([part.row for part in parts])
        self.count = sum(part.count for part in parts)
        self.averages = {
            space: sum((part.lengths[space] for part in parts), np.zeros(len(FACES))) / max(1, self.count)
            for space in Space
        }
        self._known: dict[Hashable, float] = {}  # document frequencies
        self._fields: dict[tuple[Space, Field], _Field] = {}
        self._columns: dict[tuple[str, ...], tuple[Any, list[tuple[str, str]]]] = {}
        self._structs = (_Block * max(1, len(parts)))(*(part.laid for part in parts))
        for laid, known in zip(self._structs, self.priors, strict=False):
            laid.priors = known.ctypes.data
            laid.most_prior = float(prior_of(known).max(initial=1.0))

    def search(self, question: Question, allowed: Bits, named: Bits | None, wanted: int) -> Answer:
        """The best `wanted` of the allowed documents, those that the query names first."""
        concepts = [*question.concepts, *question.others]
        if _native is None or sum(len(concept.terms) for concept in concepts) > _MOST_TERMS:
            return numpy_kernel.search(self, question, allowed, named, wanted)
        wanted = max(0, wanted)  # C has no number below 0, and would write more hits than there is room for
        ranked = len(question.concepts)
        names = [
            (question.space if number < ranked else Space.GRAMS, concept.terms, question.faces)
            for number, concept in enumerate(concepts)
        ]
        text, ends = _strings([term for concept in concepts for term, _ in concept.terms])
        term_weights = array("d", [weight for concept in concepts for _, weight in concept.terms])
        last = array("I", accumulate((len(concept.terms) for concept in concepts), initial=0))
        weights = array("d", [concept.weight for concept in concepts])
        frequencies = array("d", [self._known.get(name, -1.0) for name in names])
        field = self._field(question.space, question.field)
        other_field = self._field(Space.GRAMS, question.other_field) if question.other_field else field
        request = _Request(
            _ORDER[question.space], _ORDER[Space.GRAMS], question.faces, ranked, len(question.others), question.need,
            question.everything, wanted, self.count, question.coverage, question.share, ctypes.addressof(field),
            ctypes.addressof(other_field), _Strings(len(term_weights), text, _at(ends)), _at(term_weights), _at(last),
            _at(weights), _at(frequencies),
        )  # fmt: skip
        found = np.empty_like(allowed)
        hits = bytearray(_HIT.size * max(1, wanted))
        total = c_uint64()
        number = _native.kb_search(
            self._structs, len(self.blocks), ctypes.byref(request), allowed.ctypes.data,
            None if named is None else named.ctypes.data, found.ctypes.data,
            (c_char * len(hits)).from_buffer(hits), ctypes.byref(total),
        )  # fmt: skip
        if number < 0:
            raise MemoryError("the kernel could not allocate its sums")
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known.update(zip(names, frequencies, strict=True))
        best = [
            Place(block, doc, score, bool(named), version)
            for score, block, doc, named, version in _HIT.iter_unpack(hits[: number * _HIT.size])
        ]
        return Answer(best, total.value, found)

    def _field(self, space: Space, field: Field) -> _Field:
        """How counts are weighed in a space, with what a bound means in each block."""
        known = self._fields.get((space, field))
        if known is None:
            now = Reference.of(field, self.averages[space])
            rows = [bounds.ceilings(block.references[space], field, now) for block in self.blocks]
            ceilings = np.ascontiguousarray(rows, np.float64)
            numbers = c_double * len(FACES)
            known = _Field(
                field.k1, numbers(*now.weights), numbers(*now.base), numbers(*now.slope), ceilings.ctypes.data
            )
            known.kept = ceilings  # the structure has its address only
            self._fields[space, field] = known
        return known

    def suggest(self, typed: Typed, allowed: Bits, wanted: int) -> list[tuple[int, int]]:
        """Block and number of the `wanted` allowed documents that fit what was typed best, in order."""
        if wanted < 1:
            return []
        if _native is None:
            return numpy_kernel.suggest(self, typed, allowed, wanted)
        grams = [(gram.text.encode(), b"\0" if gram.whole else b"\xff") for gram in typed.grams()]
        ranges = (_Range * max(1, len(grams)))(
            *(_Range(term, term + after, len(term), len(term) + 1) for term, after in grams)
        )
        text = f" {typed.text}".encode("utf-16-le")
        asked = _Typed(
            ranges=ranges,
            text=text,
            letters=typed.letters.encode(),
            number=len(grams),
            exact=typed.one_gram,
            length=len(text),
            skip=2 if typed.inside else 0,
            spelling=len(typed.letters),
        )
        offers = (_Offer * wanted)()
        number = _native.kb_suggest(
            self._structs, len(self.blocks), ctypes.byref(asked), allowed.ctypes.data, wanted, offers
        )
        return [(offer.block, offer.doc) for offer in offers[:number]]

    def known(self, space: Space, terms: Sequence[str], faces: Sequence[int], allowed: Bits) -> list[int]:
        """How many of the allowed documents have each term in one of these faces, up to KNOWN_MOST?"""
        if _native is None:
            return numpy_kernel.known(self, space, terms, faces, allowed)
        text, ends = _strings(terms)
        counts = (c_uint32 * len(terms))()
        _native.kb_known(
            self._structs,
            len(self.blocks),
            _ORDER[space],
            sum(1 << face for face in faces),
            text,
            _at(ends),
            len(terms),
            allowed.ctypes.data,
            KNOWN_MOST,
            counts,
        )
        return list(counts)

    def near(self, word: str, most: int) -> list[str]:
        """The words of Latin letters alone that are one to `most` slips of the finger away (OSA), in order."""
        if _native is None:
            return numpy_kernel.near(self, word, most)
        typed, found = word.encode(), (_Near * _MOST_NEAR)()
        number = _native.kb_near(
            self._structs, len(self.blocks), _ORDER[Space.WORDS], typed, len(typed), most, found, _MOST_NEAR
        )
        terms = {self.blocks[one.block].term(Space.WORDS, one.term) for one in found[: min(number, _MOST_NEAR)]}
        return sorted(terms)

    def named(self, keys: frozenset[str]) -> Bits | None:
        """The documents that one of the keys names; None without any."""
        if not keys:
            return None
        if _native is None:
            masks = [having_key(block, keys, Key.EXACT) for block in self.blocks]
            return np.array([pack(mask) for mask in masks]) if any(mask.any() for mask in masks) else None
        text, ends = _strings([Key.EXACT + key for key in keys])
        asked = _Strings(len(keys), text, _at(ends))
        if not _native.kb_named(self._structs, len(self.blocks), ctypes.byref(asked), None):
            return None
        bits = np.zeros_like(self.live)
        _native.kb_named(self._structs, len(self.blocks), ctypes.byref(asked), bits.ctypes.data)
        return bits

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """How many postings does each word have? Those of deleted documents count until the next merge."""
        if _native is None:
            return numpy_kernel.frequencies(self, terms)
        text, ends = _strings(terms)
        counts = np.zeros(len(terms), np.uint64)
        asked = _Strings(len(terms), text, _at(ends))
        _native.kb_frequencies(
            self._structs, len(self.blocks), _ORDER[Space.WORDS], ctypes.byref(asked), counts.ctypes.data
        )
        return [int(count) for count in counts]

    def counted(self, facets: tuple[str, ...], found: Bits) -> dict[str, dict[str, int]]:
        """How many of the found documents have each value of these facets?"""
        once = tuple(sorted(set(facets)))  # each is counted once, and few layouts are kept however they are asked for
        if once not in self._columns:
            self._columns[once] = self._laid_out(once)
        columns, labels = self._columns[once]
        if _native is None:
            counts = numpy_kernel.counted(self, once, found)
        else:
            counts = np.zeros(len(labels), np.uint64)
            _native.kb_count(columns, len(once), len(self.blocks), found.ctypes.data, counts.ctypes.data)
        totals: dict[str, dict[str, int]] = {name: {} for name in facets}
        there = np.flatnonzero(counts)
        for place, number in zip(there.tolist(), counts[there].tolist(), strict=True):
            name, value = labels[place]
            if value:
                totals[name][value] = totals[name].get(value, 0) + number
        return totals

    def _laid_out(self, facets: tuple[str, ...]) -> tuple[Any, list[tuple[str, str]]]:
        """The columns of all blocks as the kernel reads them, and what each count will be a count of."""
        columns = (_Column * max(1, len(self.blocks) * len(facets)))()
        labels: list[tuple[str, str]] = []
        for number, (block, name) in enumerate(product(self.blocks, facets)):
            docs, codes = block.column(name)
            columns[number] = _Column(
                None if docs is None else docs.ctypes.data, codes.ctypes.data, len(codes), len(labels)
            )
            labels += [(name, value) for value in block.values(name)]
        return columns, labels


def _strings(parts: Sequence[str]) -> tuple[bytes, array[int]]:
    """Strings in UTF-8 end to end, and where each ends (a 0 first)."""
    encoded = [part.encode() for part in parts]
    return b"".join(encoded), array("I", accumulate(map(len, encoded), initial=0))


def _at(numbers: array[Any]) -> int:
    return numbers.buffer_info()[0]


def prior_bytes(priors: Floats) -> Bytes:
    """What `ranking.prior` says, a byte a document and nothing lost."""
    return (_NEUTRAL + (priors - 1.0) * PRIOR_STEPS).astype(np.uint8)


def prior_of(bytes: Bytes) -> Floats:
    """And back; `kernel.c` has the same."""
    return 1.0 + (bytes.astype(np.float64) - _NEUTRAL) / PRIOR_STEPS


def pack(mask: Mask) -> Bits:
    """A mask of one block as a row of bits."""
    row = np.zeros(WORDS64 * 8, np.uint8)
    packed = np.packbits(mask, bitorder="little")
    row[: len(packed)] = packed
    return row.view(np.uint64)


def rows(packed: Sequence[Bits]) -> Bits:
    """A row a block; there may be none."""
    return np.array(packed, np.uint64).reshape(-1, WORDS64)


def unpack(row: Bits, count: int) -> Mask:
    """And back."""
    return np.unpackbits(row.view(np.uint8), count=count, bitorder="little").astype(np.bool_)


def _bits(faces: Sequence[int]) -> int:
    """A bit a face."""
    return sum(1 << face for face in faces)


def faces_of(block: Block) -> Faces:
    """Where the texts of its faces lie, in which phrases are looked for. Valid as long as the block is open."""
    laid = (_Texts * len(FACES))()
    for face in QUOTED:
        laid[face] = _Texts(block.address(f"text.{face}.text"), block.address(f"text.{face}.ends"))
    return laid


def having(
    block: Block, laid: Addresses, space: Space, terms: Sequence[tuple[str, bool]], faces: Sequence[int], among: Bits
) -> Bits:
    """Which of these documents of a block have every term in one of these faces? A term comes with whether it
    is whole; else it stands for all that begin so."""
    if _native is None:
        return numpy_kernel.having(block, space, terms, faces, among)
    text, ends = _strings([term for term, _ in terms])
    found = among.copy()
    asked = _Strings(len(terms), text, _at(ends))
    opened = bytes(not whole for _, whole in terms)
    if (
        _native.kb_having(
            ctypes.byref(laid), _ORDER[space], ctypes.byref(asked), opened, _bits(faces), found.ctypes.data
        )
        < 0
    ):
        raise MemoryError("the kernel could not allocate its runs")
    return found


def containing(block: Block, laid: Faces, piece: str, faces: Sequence[int], among: Bits) -> Bits:
    """In which of these documents does a canonical text occur, in one of these faces?"""
    if _native is None:
        return numpy_kernel.containing(block, piece, faces, among)
    found, sought = among.copy(), piece.encode("utf-16-le")
    _native.kb_containing(laid, _bits(faces), block.count, sought, len(sought) // 2, found.ctypes.data)
    return found


def known(block: Block, laid: Addresses, keys: Iterable[str], kind: Key) -> Mask:
    """Which documents of a block have one of these keys?"""
    if _native is None:
        return having_key(block, keys, kind)
    text, ends = _strings([kind + key for key in keys])
    bits = np.zeros(WORDS64, np.uint64)
    asked = _Strings(len(ends) - 1, text, _at(ends))
    _native.kb_named(ctypes.byref(laid), 1, ctypes.byref(asked), bits.ctypes.data)
    return unpack(bits, block.count)
