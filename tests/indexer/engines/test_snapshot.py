"""A commit costs what it changed, and what it changed is seen at once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from indexer import IndexDocument, Scope, SearchRequest, parse
from indexer.analysis import Analyzer
from indexer.engines.whoosh_engine import WhooshEngine
from tests.indexer.conftest import ids


def _documents(first: int, version: int = 1) -> list[IndexDocument]:
    return [IndexDocument(f"S-{number}", version, "solution", "光猫红灯", "") for number in range(first, first + 3)]


def test_blocks_that_a_commit_did_not_touch_are_handed_on(analyzer: Analyzer, tmp_path: Path) -> None:
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    engine.apply(_documents(0), [])
    engine.apply(_documents(3), [])
    before = engine._current()
    engine.apply(_documents(6), ["S-4"])
    after = engine._current()
    assert after.views[0] is before.views[0]
    assert after.views[1] is not before.views[1] and after.views[1].segment is before.views[1].segment
    assert len(after.views) == 3
    assert after._table.priors[0] is before._table.priors[0]


def test_priors_are_worked_out_anew_on_another_day(analyzer: Analyzer, tmp_path: Path) -> None:
    """For the blocks that stay as well, when the next commit is opened."""
    day = dt.date(2026, 11, 23)
    engine = WhooshEngine.create(tmp_path / "index", analyzer, today=lambda: day)
    engine.apply([IndexDocument("S-0", 1, "solution", "光猫红灯", "", updated=day)], [])
    first = engine._current()
    day += dt.timedelta(days=800)
    assert engine._current() is first
    engine.apply(_documents(1), [])
    after = engine._current()
    assert after.views[0] is first.views[0]
    assert first._table.priors[0].tolist() == [128 + 31] and after._table.priors[0][0] < 128


def test_what_an_asker_may_see_follows_every_deletion(analyzer: Analyzer, tmp_path: Path) -> None:
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    reader = WhooshEngine(tmp_path / "index", analyzer)
    engine.apply(_documents(0), [])
    for asked in ("光猫", "光猫 kind:solution"):
        request = SearchRequest(parse(asked), Scope.public(), facets=("kind",))
        for gone in ("S-1", "S-0"):
            assert gone in ids(reader.search(request))  # asked before, so that what was kept must be dropped
            engine.apply([], [gone])
            found = reader.search(request)
            assert gone not in ids(found)
            assert found.facets["kind"] == [("solution", found.total)]
        engine.apply(_documents(0, version=2), [])
