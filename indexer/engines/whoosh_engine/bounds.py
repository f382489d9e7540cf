"""What can a posting be worth at most? A byte that stands beside it, so that most postings need no closer look.

The worth of a posting is its pooled count p of BM25F (`indexer/ranking.py`). The byte is ceil(255 p / (1 + p)) with p as
it was when the block was written: by the field's weights and the average lengths of the block. What a question uses
differs a little, and lengths drift, so a `Reference` says by what p was worked out, and `ceilings` what that means now.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.ranking import Field

BOUNDS = 256
_AT_ONCE = 1 << 20  # postings: keeps the memory of a large block's arrays down


@dataclass(frozen=True)
class Reference:
    """By what the bounds of a block were worked out, a number a face: the weight, and what a count is divided by:
    `base` + `slope` x length."""

    weights: list[float]
    base: list[float]
    slope: list[float]

    @classmethod
    def of(cls, field: Field, averages: NDArray[np.float64]) -> Reference:
        slope = [b / average if average > 0 else 0.0 for b, average in zip(field.b, averages.tolist(), strict=True)]
        return cls(list(field.weights), [1.0 - b for b in field.b], slope)


def bounds(
    reference: Reference,
    docs: NDArray[np.uint16],
    rows: NDArray[np.uint32],
    patterns: NDArray[np.uint16],
    lengths: NDArray[np.uint32],
) -> NDArray[np.uint8]:
    """The byte of each posting. `rows` says which of the `patterns` it has; `lengths` has a row a face."""
    found = np.empty(len(docs), np.uint8)
    for first in range(0, len(docs), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        pooled = np.zeros(len(docs[part]))
        for face, (weight, base, slope) in enumerate(
            zip(reference.weights, reference.base, reference.slope, strict=True)
        ):
            counts = patterns[:, face][rows[part]]
            have = np.flatnonzero(counts)
            pooled[have] += weight * counts[have] / (base + slope * lengths[face][docs[part][have]])
        found[part] = np.ceil((BOUNDS - 1) * (pooled / (1.0 + pooled)))
    return found


def ceilings(reference: Reference, field: Field, now: Reference) -> NDArray[np.float64]:
    """What p / (k1 + p) a posting with each bound can have at most, 0 to 1, asked with `field` and lengths as `now`."""
    drift = 0.0
    for face in range(len(now.weights)):
        heavier = _times(now.weights[face], reference.weights[face])
        # (base + slope x) / (base' + slope' x) lies between the two quotients, whatever the length x.
        shorter = max(_times(reference.base[face], now.base[face]), _times(reference.slope[face], now.slope[face]))
        if heavier:
            drift = max(drift, heavier * shorter if np.isfinite(heavier) else np.inf)
    share = np.arange(BOUNDS) / (BOUNDS - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = drift * share / (1.0 - share)
        most = np.where(np.isinf(pooled), 1.0, pooled / (field.k1 + pooled))
    most[0] = 0.0 if np.isfinite(drift) else 1.0
    return np.where(np.isnan(most), 1.0, most)


def _times(one: float, other: float) -> float:
    """By how much is one larger? Nothing is no larger than nothing."""
    return one / other if other else np.inf if one else 0.0
