"""Filled by several processes, an index is the one that a single process makes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from indexer import Scope, SearchRequest, parse
from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.base import FACETS
from indexer.engines.scan import ScanEngine
from indexer.engines.whoosh_engine import WhooshEngine
from tests.indexer.engines.test_judge import QUERIES, assert_same, random_document


def _documents() -> list[IndexDocument]:
    rng = random.Random(3)
    return [random_document(rng, number, 1) for number in range(60)]


@pytest.mark.parametrize("processes", [1, 2])
def test_filled_is_the_same_as_the_judge(analyzer: Analyzer, tmp_path: Path, processes: int) -> None:
    documents = _documents()
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    told: list[int] = []
    ours.fill([documents[:20], documents[20:25], documents[25:]], processes=processes, progress=told.append)
    judge.apply(documents, [])
    assert told == [20, 25, 60]
    for typed in QUERIES:
        request = SearchRequest(parse(typed), Scope.everything(), 20, 0, FACETS)
        assert_same(ours.search(request), judge.search(request), typed)
    assert not [path.name for path in (tmp_path / "index").iterdir() if path.name.startswith(".")]


def test_nothing_to_fill_leaves_an_empty_index(analyzer: Analyzer, tmp_path: Path) -> None:
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    engine.fill([], processes=2)
    assert engine.count() == 0


def test_a_batch_that_cannot_be_cut_ends_the_build(analyzer: Analyzer, tmp_path: Path) -> None:
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    broken = IndexDocument("S-1", 1, "solution", None, "")  # type: ignore[arg-type]
    with pytest.raises((TypeError, AttributeError)):
        engine.fill([_documents()[:5], [broken], _documents()[5:9]], processes=2)
    engine.apply(_documents()[:3], [])  # and the next commit clears up
    assert engine.count() >= 3
