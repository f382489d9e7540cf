"""What do phrases, a minus, filters and facets leave?"""

from __future__ import annotations

import datetime as dt

import pytest

from indexer import Engine
from tests.indexer.conftest import Search, ids
from tests.indexer.engines.contract.conftest import STAFF, solution


@pytest.mark.parametrize("typed", ["“数据库连接”", '"数据库连接"', "「数据库连接」", "“數據庫連接”", "“据库连”"])
def test_phrase_is_matched_character_for_character(library: Engine, search: Search, typed: str) -> None:
    assert ids(search(typed)) == ["SOL-DB-001"]  # SOL-DB-002 has a comma in between


@pytest.mark.parametrize(
    ("typed", "found"), [("“接”", {"SOL-DB-001", "SOL-DB-002", "POL-001"}), ("“说明”", {"SOL-DB-002"})]
)
def test_short_phrases(library: Engine, search: Search, typed: str, found: set[str]) -> None:
    assert set(ids(search(typed))) == found


def test_phrase_across_scripts_and_line_ends(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "a", "重启\nserver 服务"), solution("B", "b", "重启 servers 服务")], [])
    assert ids(search("“重启server服务”")) == ["A"]
    assert ids(search("“启 server”")) == ["A"]


def test_phrase_does_not_run_from_one_symptom_into_the_next(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "a", symptoms=("电视黑屏", "没有声音"))], [])
    assert search("“黑屏没有”").total == 0
    assert search("“没有声音”").total == 1


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("数据库", {"SOL-DB-001", "SOL-DB-002"}),
        ("数据库 -主备", {"SOL-DB-001"}),
        ("数据库 -“主备切换”", {"SOL-DB-001"}),
        ("数据库 -归口:dba", {"SOL-DB-001"}),
        ("数据库 -ORA-12541", {"SOL-DB-002"}),
        ("-数据库", {"SOL-TV-001", "SOL-NET-001", "POL-001"}),
    ],
)
def test_minus_excludes(library: Engine, search: Search, typed: str, left: set[str]) -> None:
    assert set(ids(search(typed))) == left


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("kind:policy", {"POL-001"}),
        ("种类：制度", {"POL-001"}),
        ("类目:数字电视", {"SOL-TV-001"}),
        ("category:机顶盒", {"SOL-TV-001"}),
        ("设备:hg-8245h", {"SOL-TV-001"}),
        ("code:e04", {"SOL-TV-001"}),
        ("代码:691,E04", {"SOL-TV-001", "SOL-NET-001"}),
        ("code:691 code:E04", {"SOL-TV-001", "SOL-NET-001"}),
        ("受众:员工", {"SOL-DB-001"}),
        ("group:dba", {"SOL-DB-002"}),
        ("编号:sol-db-001", {"SOL-DB-001"}),
        ("kind:solution audience:public -code:691", {"SOL-TV-001"}),
        ("连接 kind:policy", set()),
    ],
)
def test_filters(library: Engine, search: Search, typed: str, found: set[str]) -> None:
    results = search(typed)
    assert set(ids(results)) == found
    assert results.total == len(found)


def test_filter_alone_orders_the_youngest_first_then_by_id(engine: Engine, search: Search) -> None:
    days = {"A": None, "B": dt.date(2026, 1, 2), "C": dt.date(2026, 1, 3), "D": dt.date(2026, 1, 2)}
    engine.apply([solution(id, "标题", updated=day) for id, day in days.items()], [])
    assert ids(search("kind:solution")) == ["C", "B", "D", "A"]
    assert ids(search("kind:solution", limit=2, offset=1)) == ["B", "D"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("district:城东片区", "AB"),
        ("片区:城東片區,城西片区", "ABD"),
        ("片区:不限", "CE"),  # what names no district holds in all of them, and is asked for by a value of its own
        ("片区:城东片区,不限", "ABCE"),
        ("-片区:城东片区", "CDE"),
        ("片区:朱集", ""),
        ("year:2026", "CE"),
        ("年份:2024..2025 机顶盒", "AB"),
        ("年份:2025..", "BCE"),
        ("-year:2026", "ABD"),
        ("year:..2023", ""),
    ],
)
def test_districts_and_years(dated: Engine, search: Search, typed: str, found: str) -> None:
    assert set(ids(search(typed))) == set(found)


def test_facets_of_districts_and_years(dated: Engine, search: Search) -> None:
    assert search("机顶盒", facets=("district", "year")).facets == {
        "district": [("不限", 2), ("城东片区", 2), ("城西片区", 2)],
        "year": [("2026", 2), ("2024", 1), ("2025", 1)],
    }


@pytest.mark.parametrize("typed", ["机顶盒 year:2024,2025 district:城西片区", "year:2024,2025 district:城西片区"])
def test_a_facet_with_a_filter_counts_what_the_other_values_would_find(
    dated: Engine, search: Search, typed: str
) -> None:
    found = search(typed, facets=("district", "year", "kind"))
    assert ids(found) == ["B"]
    assert found.facets == {
        "district": [("城东片区", 2), ("城西片区", 1)],  # of 2024 and 2025
        "year": [("2025", 1)],  # of 城西片区
        "kind": [("solution", 1)],
    }


def test_a_facet_of_the_only_filter_counts_all_that_the_asker_may_see(library: Engine, search: Search) -> None:
    found = search("kind:policy", STAFF, facets=("kind", "audience"))
    assert (found.total, found.facets) == (
        1,
        {"kind": [("solution", 3), ("policy", 1)], "audience": [("public", 1)]},
    )
    # what must not be is no filter of the facet: nothing else can be chosen instead of it
    assert search("-kind:policy", STAFF, facets=("kind",)).facets == {"kind": [("solution", 3)]}
