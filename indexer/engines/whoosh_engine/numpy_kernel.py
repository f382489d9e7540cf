"""What `kernel.c` does, in numpy: the same contract for machines without a compiler, and its judge in tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexer import ranking
from indexer.engines.base import KNOWN_MOST
from indexer.engines.whoosh_engine.block import Block
from indexer.plan import Concept
from indexer.projection import FACES, Space
from indexer.ranking import Field, Floats
from indexer.spelling import like
from indexer.suggestions import LEVELS, Typed

if TYPE_CHECKING:
    from indexer.engines.whoosh_engine.kernel import Answer, Bits, Mask, Question, Table


class _Sums:
    """Sums over the documents of all blocks, laid end to end."""

    def __init__(self, table: Table, live: Mask, bases: Sequence[int]) -> None:
        self.table, self.live, self.bases = table, live, bases
        size = len(live)
        self.scores, self.matched, self.number = np.zeros(size), np.zeros(size), np.zeros(size, np.int64)
        self.wanted = 0.0

    def add(self, question: Question, space: Space, field: Field, concepts: Sequence[Concept]) -> _Sums:
        for concept in concepts:
            if concept.weight <= 0:
                continue
            parts = [
                self._one(block, base, question, space, field, concept)
                for block, base in zip(self.table.blocks, self.bases, strict=False)
            ]
            df = sum(int(self.live[docs].sum()) for docs, _ in parts)
            weight = concept.weight * ranking.idf(df, self.table.count)
            for docs, values in parts:
                self.scores[docs] += weight * values
                self.matched[docs] += weight
                self.number[docs] += 1
            self.wanted += weight
        return self

    def _one(
        self, block: Block, base: int, question: Question, space: Space, field: Field, concept: Concept
    ) -> tuple[NDArray[np.int64], Floats]:
        """The documents that have a concept, and what it contributes to each before its idf."""
        table: NDArray[np.float64] | None = None
        for term, weight in concept.terms:
            number = block.find(space, term)
            if number >= 0:
                table = np.zeros((len(FACES), block.count)) if table is None else table
                table[:, block.docs(space, number)] += weight * block.counts(space, number)
        if table is None:
            return np.zeros(0, np.int64), np.zeros(0)
        table = table[: question.faces]
        table[np.asarray(field.weights[: question.faces]) == 0] = 0.0  # such a face takes no part
        docs = np.flatnonzero(table.any(axis=0))
        lengths = block.lengths(space)[: question.faces, docs].astype(np.float64)
        norms = ranking.length_norms(lengths, self.table.averages[space][: question.faces], field)
        return docs + base, ranking.saturation(table[:, docs], norms, field)


def search(table: Table, question: Question, allowed: Bits, named: Bits | None, wanted: int) -> Answer:
    """See `kernel.Table.search`."""
    from indexer.engines.whoosh_engine.kernel import Answer, Place, prior_of

    blocks = table.blocks
    bases = [0, *np.cumsum([block.count for block in blocks]).tolist()]
    alive, may = _laid(blocks, table.live), _laid(blocks, allowed)
    exact = _laid(blocks, named) & may if named is not None else np.zeros(len(may), np.bool_)
    sums = _Sums(table, alive, bases).add(question, question.space, question.field, question.concepts)
    scores = sums.scores
    if question.others:
        assert question.other_field is not None
        others = _Sums(table, alive, bases).add(question, Space.GRAMS, question.other_field, question.others).scores
    else:
        others = np.zeros(len(may))
    share = np.minimum(sums.matched / sums.wanted, 1.0) if sums.wanted > 0 else np.ones(len(may))
    priors = np.concatenate([np.zeros(0), *map(prior_of, table.priors)])
    total_scores = (scores * share**question.coverage + question.share * others) * priors
    found = may if question.everything else may & (scores > 0) & (sums.number >= question.need)
    found = found | exact
    docs = np.flatnonzero(found)
    updated = np.concatenate([np.zeros(0, np.int64), *(block.section("updated").astype(np.int64) for block in blocks)])

    def place(doc: int) -> tuple[int, int]:
        block = int(np.searchsorted(bases, doc, side="right")) - 1
        return block, doc - bases[block]

    def id_of(number: int) -> str:
        block, doc = place(int(docs[number]))
        return blocks[block].id(doc)

    tiers = (~exact[docs]).astype(np.int8)
    best = []
    for number in ranking.top(tiers, total_scores[docs], updated[docs], id_of, count=wanted):
        doc = int(docs[number])
        block, at = place(doc)
        version = int(blocks[block].section("version")[at])
        best.append(Place(block, at, round(float(total_scores[doc]), 6), bool(exact[doc]), version))
    rows = np.zeros_like(allowed)
    for number in range(len(blocks)):
        packed = np.packbits(found[bases[number] : bases[number + 1]], bitorder="little")
        rows[number].view(np.uint8)[: len(packed)] = packed
    return Answer(best, len(docs), rows)


def suggest(table: Table, typed: Typed, allowed: Bits, wanted: int) -> list[tuple[int, int]]:
    """See `kernel.Table.suggest`. A weaker level is looked at only while there is room."""
    from indexer.engines.whoosh_engine.kernel import unpack

    left = [unpack(row, block.count) for row, block in zip(allowed, table.blocks, strict=True)]
    chosen: list[tuple[int, int]] = []
    for level in range(LEVELS):
        if len(chosen) >= wanted:
            break
        found: list[tuple[int, str, int, int]] = []
        for number, (block, mask) in enumerate(zip(table.blocks, left, strict=True)):
            fits = _fitting(block, typed, level, mask)
            mask &= ~fits
            docs = np.flatnonzero(fits)
            lengths = block.section("title.characters")[docs]
            if len(docs) > wanted:  # the shortest, and all that are as short as the longest of these
                docs = docs[lengths <= np.partition(lengths, wanted - 1)[wanted - 1]]
                lengths = block.section("title.characters")[docs]
            found += [
                (length, block.id(doc), number, doc)
                for length, doc in zip(lengths.tolist(), docs.tolist(), strict=True)
            ]
        chosen += [(number, doc) for _, _, number, doc in sorted(found)[: wanted - len(chosen)]]
    return chosen


def _fitting(block: Block, typed: Typed, level: int, left: Mask) -> Mask:
    """Which of these documents fit what was typed at this level?"""
    if level == 3:
        found = np.zeros_like(left)
        for name in ("spelt.full", "spelt.initials") if typed.letters else ():
            text, ends = block.section(f"{name}.text"), block.section(f"{name}.ends")
            found |= _containing(text, ends, typed.letters.encode(), left & ~found)
        return found
    if not typed.text:
        return np.zeros_like(left)
    face = FACES.index("symptoms" if level == 2 else "title")
    found = left.copy()
    for gram in typed.grams():
        numbers = block.numbers(Space.GRAMS, gram.text, whole=gram.whole)
        found &= block.having(Space.GRAMS, numbers, (face,))
    if level == 0:
        for doc in np.flatnonzero(found).tolist():
            found[doc] = typed.title_starts(block.text(face, doc).strip())
    elif not typed.one_gram:
        piece = typed.text if typed.inside else f" {typed.text}"
        text, ends = block.section(f"text.{face}.text"), block.section(f"text.{face}.ends")
        found = _containing(text, ends, piece.encode("utf-16-le"), found)
    return found


def known(table: Table, space: Space, terms: Sequence[str], faces: Sequence[int], allowed: Bits) -> list[int]:
    """See `kernel.Table.known`."""
    from indexer.engines.whoosh_engine.kernel import unpack

    counts = [0] * len(terms)
    for row, block in zip(allowed, table.blocks, strict=True):
        left = unpack(row, block.count)
        for number, term in enumerate(terms):
            numbers = block.numbers(space, term, whole=True)
            counts[number] += int((block.having(space, numbers, faces) & left).sum())
    return [min(count, KNOWN_MOST) for count in counts]


def near(table: Table, word: str, most: int) -> list[str]:
    """See `kernel.Table.near`."""
    found: set[str] = set()
    for block in table.blocks:
        terms = range(block.prefixed(Space.WORDS, "a").start, block.prefixed(Space.WORDS, "z").stop)
        found.update(like(word, (block.term(Space.WORDS, number) for number in terms), most))
    return sorted(found)


def _laid(blocks: Sequence[Block], bits: Bits) -> Mask:
    """The bits of all blocks, laid end to end."""
    return np.concatenate(
        [
            np.zeros(0, np.bool_),
            *(
                np.unpackbits(row.view(np.uint8), count=block.count, bitorder="little").astype(np.bool_)
                for row, block in zip(bits, blocks, strict=True)
            ),
        ]
    )


def counted(table: Table, facets: Sequence[str], found: Bits) -> NDArray[np.int64]:
    """What `kb_count` counts: per block and facet a number for each value, end to end."""
    counts = [np.zeros(0, np.int64)]
    for block, row in zip(table.blocks, found, strict=True):
        mask = np.unpackbits(row.view(np.uint8), bitorder="little").astype(np.bool_)
        for name in facets:
            docs, codes = block.column(name)
            have = mask[: block.count] if docs is None else mask[docs]
            counts.append(np.bincount(codes[have], minlength=len(block.values(name))))
    return np.concatenate(counts)


def frequencies(table: Table, terms: Sequence[str]) -> list[int]:
    """See `kernel.Table.frequencies`."""
    return [
        sum(
            len(block.docs(Space.WORDS, number))
            for block in table.blocks
            if (number := block.find(Space.WORDS, term)) >= 0
        )
        for term in terms
    ]


def having(block: Block, space: Space, terms: Sequence[tuple[str, bool]], faces: Sequence[int], among: Bits) -> Bits:
    """See `kernel.having`."""
    from indexer.engines.whoosh_engine.kernel import pack

    found = among.copy()
    for term, whole in terms:
        if not found.any():
            break
        found &= pack(block.having(space, block.numbers(space, term, whole=whole), faces))
    return found


def containing(block: Block, piece: str, faces: Sequence[int], among: Bits) -> Bits:
    """See `kernel.containing`."""
    from indexer.engines.whoosh_engine.kernel import pack, unpack

    left, found = unpack(among, block.count), np.zeros(block.count, np.bool_)
    for face in faces:
        text, ends = block.section(f"text.{face}.text"), block.section(f"text.{face}.ends")
        found |= _containing(text, ends, piece.encode("utf-16-le"), left & ~found)
    return pack(found)


def _containing(text: NDArray[Any], ends: NDArray[np.uint32], piece: bytes, candidates: Mask) -> Mask:
    """In which of these documents does a piece of text occur? `text` is UTF-16 or UTF-8, by its type."""
    found = np.zeros_like(candidates)
    unit = text.dtype.itemsize
    for doc in np.flatnonzero(candidates):
        said = text[ends[doc] : ends[doc + 1]].tobytes()
        at = said.find(piece)
        while at >= 0 and at % unit:
            at = said.find(piece, at + 1)
        found[doc] = at >= 0
    return found
