"""A bound is never too low, whatever the field of the question, and by how much lengths have drifted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.engines.whoosh_engine.bounds import BOUNDS, Reference, bounds, ceilings
from indexer.projection import FACES
from indexer.ranking import Field, Parameters


def faces(least: float, most: float) -> st.SearchStrategy[tuple[float, ...]]:
    return st.tuples(*[st.just(0.0) | st.floats(least, most)] * len(FACES))


heavy, shares, averages = faces(0.01, 5), faces(0.01, 0.95), faces(0.1, 500).map(np.array)


@given(heavy, shares, averages, st.floats(0.1, 3), heavy, shares, averages, st.integers(0, 2**32))
def test_never_too_low(weights, b, average, k1, other_weights, other_b, other_average, seed):
    rng = np.random.default_rng(seed)
    patterns = rng.integers(0, 3, (20, len(FACES))).astype(np.uint16)
    lengths = (patterns[:, :].T + rng.integers(0, 400, (len(FACES), 20))).astype(np.uint32)
    docs = np.arange(20, dtype=np.uint16)
    then = Reference.of(Field(1.2, other_weights, other_b), other_average)
    now = Reference.of(Field(k1, weights, b), average)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = bounds(then, docs, docs.astype(np.uint32), patterns, lengths)
        most = ceilings(then, Field(k1, weights, b), now)[found]
        below = np.array(now.base)[:, None] + np.array(now.slope)[:, None] * lengths
        pooled = np.where(patterns.T > 0, np.array(weights)[:, None] * patterns.T / below, 0.0).sum(axis=0)
        worth = np.where(np.isinf(pooled), 1.0, pooled / (k1 + pooled))
    assert (most + 1e-9 >= np.nan_to_num(worth, nan=0.0)).all()
    assert (most <= 1.0).all()


def test_close_where_nothing_has_changed():
    """Else every document would be scored."""
    field = Parameters().fields["words"]
    reference = Reference.of(field, np.array([10.0, 20.0, 5.0, 200.0, 20.0, 30.0, 100.0]))
    patterns = np.array([[0, 0, 0, 1, 0, 0, 0], [1, 0, 0, 2, 1, 1, 0], [0, 0, 0, 9, 0, 0, 3]], np.uint16)
    lengths = np.array(
        [[8, 12, 10], [0, 30, 4], [5, 5, 5], [40, 200, 900], [0, 20, 0], [0, 9, 0], [0, 0, 100]], np.uint32
    )
    rows = np.arange(3)
    found = bounds(reference, rows.astype(np.uint16), rows.astype(np.uint32), patterns, lengths)
    below = np.array(reference.base)[:, None] + np.array(reference.slope)[:, None] * lengths
    pooled = (np.array(field.weights)[:, None] * patterns.T / below).sum(axis=0)
    excess = ceilings(reference, field, reference)[found] - pooled / (field.k1 + pooled)
    assert (excess >= 0).all()
    assert (excess < 1.3 / BOUNDS).all()
