"""Which of two documents stands higher, and why? The one place that decides it, for every engine.

A score is BM25F (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3.5): the counts of
a term in the five faces of a document are normalised by the length of the face, weighted, added, and saturated once;
so a word in the title counts more than one in the body, and many repetitions count little. The inverse document
frequency is Lucene's, which has no floor: a word that stands everywhere weighs nothing.

Statistics are those of the live documents of the index, whoever asks: what an asker may not see changes weights a
little, never hits, totals or counts. The staff face counts only for those who may read it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import nsmallest

import numpy as np
from numpy.typing import NDArray

from indexer.engines.base import Tier
from indexer.projection import STAFF, Space

Floats = NDArray[np.float64]
TIERS = (Tier.EXACT, Tier.WORDS, Tier.BIGRAMS, Tier.PINYIN)


@dataclass(frozen=True)
class Field:
    """BM25F in one space: saturation, then per face (title, symptoms, tags, body, staff) a weight and how much
    length matters (0 not at all, 1 in full)."""

    k1: float
    weights: tuple[float, ...]
    b: tuple[float, ...]


@dataclass(frozen=True)
class Parameters:
    """All numbers of the ranking. Changed only with figures from `kb eval` on both halves of the tuning data."""

    fields: dict[Space, Field] = field(
        default_factory=lambda: {
            Space.WORDS: Field(1.2, (3.0, 1.5, 1.5, 1.0, 1.0), (0.2, 0.3, 0.0, 0.9, 0.9)),
            Space.GRAMS: Field(1.2, (3.0, 1.5, 1.5, 1.0, 1.0), (0.2, 0.3, 0.0, 0.9, 0.9)),
            Space.PINYIN: Field(1.2, (2.0, 1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0)),
        }
    )
    coverage: float = 0.25  # exponent of the matched share of the query's weight
    grams: float = 0.3  # what the grams of a document that has words add to its score
    part: float = 0.4  # what a part of a typed identifier counts beside the whole
    enough: int = 10  # hits below which a weaker tier is asked
    gram_share: float = 0.5  # share of the query's grams that a document found by grams alone must have


def faces(*, staff_text: bool) -> slice:
    """Which faces take part?"""
    return slice(None) if staff_text else slice(0, STAFF)


def idf(df: int, documents: int) -> float:
    """Weight of a term that `df` of `documents` have, as in Lucene's BM25Similarity; never negative."""
    return math.log1p((documents - df + 0.5) / (df + 0.5))


def length_norms(lengths: Floats, averages: Floats, space: Field) -> Floats:
    """By what is a count divided, per face and document? `lengths` has a row per face."""
    b = np.asarray(space.b)[: len(lengths), None]
    safe = np.where(averages > 0, averages, 1.0)[:, None]
    return np.asarray(1.0 - b + b * lengths / safe, dtype=np.float64)


def saturation(counts: Floats, norms: Floats, space: Field) -> Floats:
    """What a term contributes before its idf, per document: 0 without the term, at most k1 + 1."""
    weights = np.asarray(space.weights)[: len(counts), None]
    pooled = (weights * counts / norms).sum(axis=0)
    return np.asarray((space.k1 + 1.0) * pooled / (space.k1 + pooled), dtype=np.float64)


def combined(words: Floats, matched: Floats, wanted: float, grams: Floats, parameters: Parameters) -> Floats:
    """The score of documents found by words: their sum, lowered by what share of the query they lack, and grams.

    `matched` is the sum of the weights of the concepts that a document has, `wanted` that of all concepts."""
    share = np.minimum(matched / wanted, 1.0) if wanted > 0 else np.ones_like(words)
    return np.asarray(words * share**parameters.coverage + parameters.grams * grams, dtype=np.float64)


def order_key(tier: int, score: float, updated: int, id: str) -> tuple[int, float, int, str]:
    """Sort key of a hit: tier, score, the younger first, id. Six decimals, so that rounding does not order."""
    return tier, -round(score, 6), -updated, id


def top(
    tiers: NDArray[np.int8],
    scores: Floats,
    updated: NDArray[np.int64],
    id_of: Callable[[int], str],
    *,
    count: int,
) -> list[int]:
    """The places of the first `count` documents in the order of `order_key`, exactly. Ids are asked for only where
    they decide."""
    if count <= 0 or not len(scores):
        return []
    rounded = np.round(scores, 6)
    order = np.lexsort((-updated, -rounded, tiers))
    last = order[min(count, len(order)) - 1]
    tied = (tiers == tiers[last]) & (rounded == rounded[last]) & (updated == updated[last])
    better = [int(place) for place in order[:count] if not tied[place]]
    better.sort(key=lambda place: order_key(int(tiers[place]), float(scores[place]), int(updated[place]), id_of(place)))
    # All that tie with the last one differ in their ids alone.
    return better + nsmallest(count - len(better), (int(place) for place in np.flatnonzero(tied)), key=id_of)
