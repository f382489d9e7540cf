"""What does an engine hold after documents came, came again and went, and what does it say of a page beyond the end?"""

from __future__ import annotations

import pytest

from indexer import Engine, Scope, SearchRequest, parse
from tests.indexer.conftest import Search, ids
from tests.indexer.engines.contract.conftest import solution


def test_newer_wins_and_a_late_retry_does_no_harm(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "旧标题", version=1), solution("A", "新标题", version=2)], [])
    engine.apply([solution("A", "更旧", version=1)], [])
    assert (engine.count(), engine.versions()) == (1, {"A": 2})
    assert search("“新标题”").total == 1
    assert search("“旧标题”").total == search("“更旧”").total == 0


def test_batch_may_run_twice(engine: Engine, search: Search) -> None:
    for _ in range(2):
        engine.apply([solution("A", "甲"), solution("B", "乙")], ["C"])
    assert engine.versions() == {"A": 1, "B": 1}
    assert search("kind:solution").total == 2


def test_removal(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "标题"), solution("B", "标题")], [])
    engine.apply([solution("B", "标题", version=2)], ["A", "B"])
    assert (engine.count(), engine.versions(), search("标题").total) == (0, {}, 0)
    engine.apply([solution("A", "标题")], [])
    assert ids(search("标题")) == ["A"]


def test_optimise_changes_no_result(engine: Engine, search: Search) -> None:
    for number in range(12):
        engine.apply([solution(f"S-{number % 8}", f"机顶盒黑屏{number}", "正文 " * number, version=number)], [])
    before = search("机顶盒 黑屏", limit=20, facets=("kind",))
    engine.optimise()
    after = search("机顶盒 黑屏", limit=20, facets=("kind",))
    assert ids(after) == ids(before)
    assert [hit.score for hit in after.hits] == pytest.approx([hit.score for hit in before.hits])
    assert (after.total, after.facets) == (before.total, before.facets)
    assert search(f"“{'正文' * 6}”").total == 6


def test_empty_index_answers(engine: Engine, search: Search) -> None:
    assert (search("机顶盒").total, engine.count(), engine.suggest("机", Scope.public())) == (0, 0, [])
    engine.optimise()


def test_a_page_far_beyond_the_end_costs_nothing(library: Engine) -> None:
    request = SearchRequest(parse("机顶盒"), Scope.everything(), limit=10, offset=10**9)
    results = library.search(request)
    assert results.hits == [] and results.total > 0


def test_page_beyond_the_end_is_empty(library: Engine) -> None:
    results = library.search(SearchRequest(parse("数据库"), Scope.everything(), limit=10, offset=50))
    assert (results.hits, results.total) == ([], 2)
