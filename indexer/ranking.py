"""Which of two documents stands higher, and why? The one place that decides it, for every engine.

A score is BM25F (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3.5): the counts of
a term in the seven faces of a document are normalised by the length of the face, weighted, added, and saturated once;
so a word in the title counts more than one in the body, and many repetitions count little. The inverse document
frequency is Lucene's, which has no floor: a word that stands everywhere weighs nothing.

Statistics are those of the live documents of the index, whoever asks: what an asker may not see changes weights a
little, never hits, totals or counts. The staff face counts only for those who may read it.

A score is then multiplied by the document's prior: what speaks for it whatever is asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import nsmallest

import numpy as np
from numpy.typing import NDArray

from indexer.engines.base import Sort, Tier
from indexer.projection import STAFF, Space

Floats = NDArray[np.float64]
SORTED_BY = {Sort.DATE: "updated", Sort.REUSE: "reused"}  # attributes of a card, and columns of a block
TIERS = (Tier.EXACT, Tier.WORDS, Tier.BIGRAMS, Tier.PINYIN)


@dataclass(frozen=True)
class Field:
    """BM25F in one space: saturation, then per face (title, symptoms, tags, body, lead, captured, staff) a weight and how
    much length matters (0 not at all, 1 in full)."""

    k1: float
    weights: tuple[float, ...]
    b: tuple[float, ...]


@dataclass(frozen=True)
class Prior:
    """What speaks for a document whatever is asked: three factors near 1, together LEAST_PRIOR to MOST_PRIOR, so that
    they order what the words leave close and nothing else. What is not known is 1."""

    new: float = 1.03  # approved today
    old: float = 0.96  # long ago: devices, tariffs and menus have changed since
    middle: float = 730.0  # days until half of the way from new to old: about what a firmware or a tariff lasts
    reused: float = 0.06  # what having solved incidents adds at most
    often: float = 4.0  # incidents for half of it: one may be chance, and the fiftieth says no more than the fortieth
    verified: float = 1.02  # by how well its least founded figure is founded
    single_source: float = 1.0
    unverified: float = 0.95  # somebody may act on it

    def founded(self, confidence: str) -> float:
        """The factor of a confidence; 1 without figures."""
        known = {"verified": self.verified, "single_source": self.single_source, "unverified": self.unverified}
        return known.get(confidence, 1.0)


PRIOR_STEPS = 1024  # a prior is a multiple of one of them, so that a byte holds its distance from 1
LEAST_PRIOR, MOST_PRIOR = 1 - 102 / PRIOR_STEPS, 1 + 122 / PRIOR_STEPS  # 0.900 and 1.119


@dataclass(frozen=True)
class Parameters:
    """All numbers of the ranking. Changed only with figures from `kb eval` on both halves of the tuning data.

    Captured words help to find an entry and cannot lift it above one whose own title has what was typed. A term
    counts there once, so it adds 0.4 to the pooled count of its word, and 0.4 x (1 + 5.6) where the word with the
    most synonyms was said in all of its ways (5.6 is the sum of their weights). The title alone has 3 / (0.8 + 0.2
    x), x its length in average titles: more than 2.64 up to x = 1.6, and more than 0.4 up to x = 33, or 23 where the
    two priors are as far apart as they can be. Saturation rises with the pooled count and the idf is the same, so the
    title wins word by word, and pair by pair. Length does not matter (b = 0): the average over all documents says
    nothing of a face that few of them have, and with b = 0.5 a dozen reports in an index where one entry in fifty has
    any would count a twenty-fifth. Over the judged reports, with one part captured and the other asked, the first hit
    changed for one report in 288 with any weight from 0.4 to 1.5; with the same part asked again, success@3 rose from
    0.95 to 1.
    """

    fields: dict[Space, Field] = field(
        default_factory=lambda: {
            Space.WORDS: Field(1.5, (3.0, 1.5, 1.5, 1.0, 1.5, 0.4, 1.0), (0.2, 0.3, 0.0, 0.9, 0.0, 0.0, 0.9)),
            Space.GRAMS: Field(1.2, (3.0, 1.5, 1.5, 1.0, 1.0, 0.4, 1.0), (0.2, 0.3, 0.0, 0.98, 0.0, 0.0, 0.98)),
            Space.PINYIN: Field(1.2, (2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.0,) * 7),
        }
    )
    coverage: float = 0.1  # exponent of the matched share of the query's weight
    grams: float = 0.4  # what the grams of a document that has words add to its score
    inside: float = 0.5  # of a pair of characters inside a word, where one that joins two words is 1
    latin: float = 1.2  # of a word in Latin letters or digits: in Chinese text it is the name of something
    long: float = 1.2  # of a word of three characters and more: 光功率计 says more than its rarity
    part: float = 0.2  # what a part of a typed identifier counts beside the whole
    enough: int = 10  # hits below which a weaker tier is asked
    gram_share: float = 0.5  # share of the query's grams that a document found by grams alone must have
    prior: Prior = field(default_factory=Prior)

    def specificity(self, term: str) -> float:
        """How much does a typed word count, beside its rarity?"""
        return (self.latin if term.isascii() else 1.0) * (self.long if len(term) > 2 else 1.0)


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


def prior(
    updated: NDArray[np.integer], reused: NDArray[np.integer], founded: Floats, *, today: int, numbers: Prior
) -> Floats:
    """By what is a document's score multiplied? `updated` and `today` are days since year 1 (0 is unknown), `reused`
    the verified incidents that it solved, `founded` what `Prior.founded` says of its figures.

    Sums, products and quotients alone, and then a multiple of 1 / PRIOR_STEPS, so that every engine has the same to
    the last bit."""
    age = np.maximum(today - updated.astype(np.float64), 0.0)
    freshness = numbers.old + (numbers.new - numbers.old) * numbers.middle / (numbers.middle + age)
    reuse = 1.0 + numbers.reused * reused / (reused + numbers.often)
    product = np.where(updated > 0, freshness, 1.0) * reuse * founded
    return np.asarray(1.0 + np.round((np.clip(product, LEAST_PRIOR, MOST_PRIOR) - 1.0) * PRIOR_STEPS) / PRIOR_STEPS)


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
