"""What the tests of the search layer share: one analyzer with the shipped dictionary, and engines over temp folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer import Engine, Query, Results, Scope, SearchRequest, parse
from indexer.analysis import Analyzer
from indexer.engines.scan import ScanEngine
from indexer.engines.whoosh_engine import WhooshEngine

DICTIONARY = Path(__file__).parents[2] / "content" / "dictionary"
Search = Callable[..., Results]


@pytest.fixture(params=["whoosh", "scan"])
def engine(request: pytest.FixtureRequest, analyzer: Analyzer, tmp_path: Path) -> Iterator[Engine]:
    """Every engine of the product: a test that takes this one states the contract."""
    engine: Engine = (
        WhooshEngine.create(tmp_path / "index", analyzer) if request.param == "whoosh" else ScanEngine(analyzer)
    )
    yield engine
    engine.close()


@pytest.fixture
def search(engine: Engine) -> Search:
    """Search the engine of the test for what somebody types."""

    def ask(text: str | Query, scope: Scope | None = None, **options: Any) -> Results:
        query = parse(text) if isinstance(text, str) else text
        return engine.search(SearchRequest(query, scope or Scope.everything(), **options))

    return ask


def ids(results: Results) -> list[str]:
    """The ids of the hits, in order."""
    return [hit.id for hit in results.hits]
