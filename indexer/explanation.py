"""Why does one document have the score it has? Worked out from counts, apart from the kernels, for every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from indexer import ranking
from indexer.engines.base import Explanation, Match, Piece, Tier
from indexer.plan import Concept, Plan
from indexer.projection import FACES, Space
from indexer.ranking import Floats, Parameters


class Facts(Protocol):
    """What an engine knows of one document, and of all."""

    documents: int
    prior: float

    def counts(self, space: Space, term: str) -> Sequence[int]:
        """How often the document has a term in each face."""

    def lengths(self, space: Space) -> Floats:
        """The length of each of its faces."""

    def averages(self, space: Space) -> Floats:
        """The same over all documents."""

    def frequency(self, space: Space, concept: Concept, faces: Sequence[int]) -> int:
        """How many documents have a term of a concept in one of these faces?"""


def explain(
    id: str,
    wanted: Plan,
    facts: Facts,
    tier: Tier | None,
    parameters: Parameters,
    *,
    staff_text: bool,
    missed: list[str],
) -> Explanation:
    """The parts of a score, by the formulas of `ranking.py`. Without a tier the document was not found: `missed` are the
    conditions that it does not meet, and the parts say which words it has."""

    def pieces(space: Space, concepts: Sequence[Concept]) -> tuple[Piece, ...]:
        return tuple(_piece(space, one, facts, parameters, staff_text=staff_text) for one in concepts if one.terms)

    share, factor = 1.0, 1.0
    grams: tuple[Piece, ...] = ()
    if tier is Tier.BIGRAMS:
        found = pieces(Space.GRAMS, wanted.grams)
    elif tier is Tier.PINYIN:
        ways = [pieces(Space.PINYIN, way) for way in wanted.pinyin]
        found = max((way for way in ways if all(one.matches for one in way)), key=_sum)
    else:
        found = pieces(Space.WORDS, wanted.concepts)
        grams = tuple(one for one in pieces(Space.GRAMS, wanted.grams) if one.matches)
        total = sum(one.weight for one in found)
        share = min(1.0, sum(one.weight for one in found if one.matches) / total) if total > 0 else 1.0
        factor = share**parameters.coverage
    added = parameters.grams * _sum(grams)
    return Explanation(
        id, tier, (_sum(found) * factor + added) * facts.prior, found, share, factor, grams, added, facts.prior,
        facts.documents, tuple(missed),
    )  # fmt: skip


def _sum(pieces: Sequence[Piece]) -> float:
    return sum(piece.score for piece in pieces)


def _piece(space: Space, concept: Concept, facts: Facts, parameters: Parameters, *, staff_text: bool) -> Piece:
    field = parameters.fields[space]
    rows = range(len(FACES))[ranking.faces(staff_text=staff_text)]
    faces = [face for face in rows if field.weights[face] > 0]
    matches, pooled = [], np.zeros(len(FACES))
    for term, weight in concept.terms:
        counts = facts.counts(space, term)
        named = {FACES[face]: int(counts[face]) for face in faces if counts[face]}
        if named and weight > 0:
            matches.append(Match(term, term == concept.terms[0][0], weight, named))
            pooled[faces] += weight * np.asarray(counts)[faces]
    norms = ranking.length_norms(facts.lengths(space)[rows, None], facts.averages(space)[rows], field)
    df = facts.frequency(space, concept, faces)
    idf = ranking.idf(df, facts.documents)
    score = concept.weight * idf * float(ranking.saturation(pooled[rows, None], norms, field)[0])
    return Piece(concept.terms[0][0], tuple(matches), df, idf, concept.weight * idf, score)
