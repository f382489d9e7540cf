"""What the tests of the shipped topologies share: each of the six."""

from __future__ import annotations

import pytest

from tests.kb.shipped_topology.drawings import IDS, Shipped, shipped


@pytest.fixture(params=IDS)
def each(request: pytest.FixtureRequest) -> Shipped:
    return shipped(request.param)
