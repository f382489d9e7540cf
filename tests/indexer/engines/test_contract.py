"""The contract of `indexer/engines/base.py`: every engine of the product keeps it."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from indexer import Engine, IndexDocument, Scope, SearchRequest, Sort, Tier, parse
from indexer.ranking import Parameters
from kb import clock
from tests.conftest import Clock
from tests.indexer.conftest import Search, ids

STAFF = Scope(frozenset({"public", "staff"}), frozenset(), staff_text=True)


def solution(id: str, title: str, body: str = "", version: int = 1, **more: object) -> IndexDocument:
    return IndexDocument(id, version, "solution", title, body, **more)  # type: ignore[arg-type]


@pytest.fixture
def library(engine: Engine) -> Engine:
    """A small library in two commits, so that an engine with segments has two of them."""
    engine.apply(
        [
            solution(
                "SOL-TV-001",
                "机顶盒开机后电视黑屏没有画面",
                "先看信号源。屏幕显示 E04 时核对智能卡。",
                staff_body="测量用户端电平,低于45dBμV时检查分支器",
                symptoms=("盒子开了没影儿", "电视黑乎乎的"),
                codes=("E04",),
                devices=("机顶盒", "HG8245H"),
                category="数字电视/机顶盒",
                owner_group="team-tv",
                updated=dt.date(2026, 5, 1),
            ),
            solution("SOL-NET-001", "宽带拨号提示691", "账号或密码错误。登录网关10.0.3.17核对。", codes=("691",)),
        ],
        [],
    )
    engine.apply(
        [
            solution("SOL-DB-001", "监听异常", "报ORA-12541,无法完成数据库连接,超时后重试。", audience="staff"),
            solution(
                "SOL-DB-002", "主备切换", "数据库,连接池与主备切换说明。", audience="restricted", owner_group="dba"
            ),
            IndexDocument("POL-001", 3, "policy", "变更管理制度", "割接窗口为零点至四点。端口0/1/3除外。"),
        ],
        [],
    )
    return engine


# Words, synonyms, identifiers


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("黑屏", "SOL-TV-001"),
        ("机顶盒没画面怎么办", "SOL-TV-001"),
        ("盒子 黑屏", "SOL-TV-001"),
        ("機頂盒黑屏", "SOL-TV-001"),
        ("机定盒", "SOL-TV-001"),
        ("E零四", "SOL-TV-001"),
        ("Ｅ０４", "SOL-TV-001"),
        ("e-04", "SOL-TV-001"),
        ("hg-8245h", "SOL-TV-001"),
        ("8245", "SOL-TV-001"),
        ("hg8245", "SOL-TV-001"),
        ("45dBuV", "SOL-TV-001"),
        ("691", "SOL-NET-001"),
        ("10.0.3.17", "SOL-NET-001"),
        ("10.0.3", "SOL-NET-001"),
        ("ＯＲＡ－12541", "SOL-DB-001"),
        ("ora12541", "SOL-DB-001"),
        ("12541", "SOL-DB-001"),
        ("0/1/3", "POL-001"),
        ("sol-tv-001", "SOL-TV-001"),
    ],
)
def test_what_people_type_finds_the_entry_first(library: Engine, search: Search, typed: str, first: str) -> None:
    assert ids(search(typed))[:1] == [first]


@pytest.mark.parametrize("typed", ["SOL-TV-001", "691", "HG8245H", "监听异常", "E04 黑屏"])
def test_id_title_code_and_model_are_exact(library: Engine, search: Search, typed: str) -> None:
    assert search(typed).hits[0].tier is Tier.EXACT


def test_device_that_is_no_model_is_not_exact(library: Engine, search: Search) -> None:
    assert search("机顶盒").hits[0].tier is Tier.WORDS


def test_more_of_the_query_stands_higher(engine: Engine, search: Search) -> None:
    engine.apply(
        [solution("A", "光猫", "红灯"), solution("B", "光猫红灯闪烁", "光功率异常"), solution("C", "红灯")], []
    )
    assert ids(search("光猫 红灯 光功率"))[0] == "B"


def test_synonym_counts_less_than_the_word(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "光猫亮红灯"), solution("B", "ONU亮红灯")], [])
    found = search("光猫")
    assert ids(found) == ["A", "B"]
    assert found.hits[0].score > found.hits[1].score


def test_codes_are_never_synonyms(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "显示E04"), solution("B", "显示E16")], [])
    assert ids(search("E04")) == ["A"]


# Phrases and minus


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


# Filters


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


@pytest.fixture
def dated(engine: Engine) -> Engine:
    """Entries of several years and districts, in two commits."""
    made = {
        "A": (dt.date(2024, 5, 1), ("城东片区",), 2),
        "B": (dt.date(2025, 5, 1), ("城东片区", "城西片区"), 0),
        "C": (dt.date(2026, 5, 1), (), 7),
        "D": (None, ("城西片区",), 2),
        "E": (dt.date(2026, 5, 1), (), 0),
    }
    for commit in ("ABC", "DE"):
        engine.apply(
            [
                solution(
                    id, "机顶盒" * (1 + (id in "BD")), updated=made[id][0], districts=made[id][1], reused=made[id][2]
                )
                for id in commit
            ],
            [],
        )
    return engine


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


# Order


@pytest.mark.parametrize(
    ("sort", "order"),
    [(Sort.RELEVANCE, "CEA"), (Sort.DATE, "CEBAD"), (Sort.REUSE, "CADBE")],
)
def test_order_is_kept_over_pages(dated: Engine, search: Search, sort: Sort, order: str) -> None:
    whole = search("机顶盒", sort=sort)
    assert "".join(ids(whole)).startswith(order)  # by relevance, those whose title was typed
    pages = [hit for offset in range(0, 6, 2) for hit in search("机顶盒", sort=sort, limit=2, offset=offset).hits]
    assert pages == whole.hits
    assert {hit.id: hit.score for hit in whole.hits} == {hit.id: hit.score for hit in search("机顶盒").hits}


def test_tiers_order_by_relevance_alone(engine: Engine, search: Search) -> None:
    engine.apply(
        [solution("A", "浮梁山前端机房"), solution("B", "山前小区", updated=dt.date(2026, 1, 1), reused=1)], []
    )
    for sort in (Sort.DATE, Sort.REUSE):
        found = search("山前端", sort=sort)
        assert [(hit.id, hit.tier) for hit in found.hits] == [("B", Tier.BIGRAMS), ("A", Tier.WORDS)]
        assert (found.relaxed, found.total) == (Tier.BIGRAMS, 2)


def test_a_filter_alone_can_be_sorted_too(dated: Engine, search: Search) -> None:
    assert "".join(ids(search("kind:solution"))) == "CEBAD"
    assert "".join(ids(search("kind:solution", sort=Sort.REUSE, limit=3))) == "CAD"


# Weaker tiers


def test_bigrams_help_where_words_find_little(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "浮梁山前端机房"), solution("B", "山前小区")], [])
    found = search("山前端")
    assert [(hit.id, hit.tier) for hit in found.hits] == [("A", Tier.WORDS), ("B", Tier.BIGRAMS)]
    assert found.relaxed == Tier.BIGRAMS


@pytest.mark.parametrize("typed", ["jidinghe", "ji ding he", "jdh", "JDH", "jidinghekaiji"])
def test_pinyin_finds_titles_and_symptoms(library: Engine, search: Search, typed: str) -> None:
    found = search(typed)
    assert ids(found) == ["SOL-TV-001"]
    assert (found.hits[0].tier, found.relaxed) == (Tier.PINYIN, Tier.PINYIN)


def test_pinyin_never_stands_above_characters(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "机顶盒"), solution("B", "说明", "见 jdh 脚本")], [])
    assert [(hit.id, hit.tier) for hit in search("jdh").hits] == [("B", Tier.WORDS), ("A", Tier.PINYIN)]


@pytest.mark.parametrize("typed", ["", "   ", "？？！", "🙂", "-", "“”", "\ud800"])
def test_nothing_to_look_up_finds_nothing(library: Engine, search: Search, typed: str) -> None:
    assert search(typed).total == 0


def test_question_words_alone_are_still_words(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "怎么办"), solution("B", "宽带")], [])
    assert ids(search("怎么办"))[:1] == ["A"]


# Scope


def test_staff_text_matches_for_staff_alone(library: Engine, search: Search) -> None:
    for typed in ("分支器", "“检查分支器”", "45dbuv"):
        assert search(typed, Scope.public()).total == 0
        assert ids(search(typed, STAFF)) == ["SOL-TV-001"]
    # nor may a minus tell the public what the staff text says
    assert "SOL-TV-001" in ids(search("黑屏 -分支器", Scope.public()))
    assert "SOL-TV-001" not in ids(search("黑屏 -分支器", STAFF))


# Captured words: found by, and never to be seen


def test_captured_words_find_for_everybody(engine: Engine, search: Search) -> None:
    engine.apply(
        [solution("A", "光猫红灯", captured=("昨晚打雷后猫儿趴窝了", "ORA-12541")), solution("B", "光猫绿灯")], []
    )
    for scope in (Scope.public(), STAFF):
        for typed, tier in (("打雷 趴窝", Tier.WORDS), ("12541", Tier.WORDS), ("儿趴", Tier.BIGRAMS)):
            assert [(hit.id, hit.tier) for hit in search(typed, scope).hits] == [("A", tier)]
    assert ids(search("光猫 打雷")) == ["A", "B"]


@pytest.mark.parametrize("typed", ["“打雷后”", "“雷”", "“ORA”", "“打雷”", "dalei", "dl"])
def test_captured_words_are_in_no_phrase_and_have_no_sound(engine: Engine, search: Search, typed: str) -> None:
    """Else a row of guesses would read them out."""
    engine.apply([solution("A", "光猫红灯", captured=("昨晚打雷后", "ORA-12541")), solution("B", "绿灯", "打雷后")], [])
    assert "A" not in ids(search(typed))
    assert "A" in ids(search("光猫 -打雷 -“雷后” -“12541”"))
    assert search("kind:solution -“昨晚打雷后”").total == 2


@pytest.mark.parametrize("prefix", ["昨", "昨晚打雷", "zwdl", "zuowan", "o", "ora"])
def test_captured_words_are_never_suggested(engine: Engine, prefix: str) -> None:
    engine.apply([solution("A", "光猫红灯", captured=("昨晚打雷后", "ORA-12541"))], [])
    assert engine.suggest(prefix, Scope.everything()) == []


def test_captured_words_count_once_however_often_they_were_said(engine: Engine, search: Search) -> None:
    engine.apply(
        [solution("A", "光猫红灯", captured=("打雷",)), solution("B", "光猫红灯", captured=("打雷打雷",) * 12)], []
    )
    assert len({hit.score for hit in search("打雷").hits}) == 1


def test_a_pair_of_characters_does_not_run_from_one_captured_text_into_the_next(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "光猫红灯", captured=("打雷", "趴窝"))], [])
    assert search("雷趴").total == 0


# The prior


def test_of_two_that_say_the_same_the_better_proven_stands_higher(engine: Engine, search: Search) -> None:
    today = clock.today()
    engine.apply(
        [
            solution("A", "光猫红灯", confidence="unverified"),
            solution("B", "光猫红灯"),
            solution("C", "光猫红灯", confidence="verified"),
            solution("D", "光猫红灯", updated=today),
            solution("E", "光猫红灯", updated=today - dt.timedelta(days=4000), reused=1),
            solution("F", "光猫红灯", updated=today, reused=1),
            solution("G", "光猫红灯", updated=today, reused=40, confidence="verified"),
        ],
        [],
    )
    for typed in ("光猫", "猫红", "gmhd"):  # in each tier
        assert ids(search(typed)) == ["G", "F", "D", "C", "B", "E", "A"], typed


def test_a_prior_lifts_nothing_into_another_tier(engine: Engine, search: Search) -> None:
    engine.apply(
        [
            solution("A", "光猫", "盒子里", updated=dt.date(2001, 1, 1), confidence="unverified"),
            solution("B", "把光猫的灯擦亮", updated=clock.today(), reused=1000, confidence="verified"),
        ],
        [],
    )
    assert [(hit.id, hit.tier) for hit in search("光猫").hits] == [("A", Tier.EXACT), ("B", Tier.WORDS)]


def test_documents_age(engine: Engine, search: Search, stopped_clock: Clock) -> None:
    """From one opening to the next, and the same on one day."""
    engine.apply([solution("A", "光猫红灯", updated=clock.today())], [])
    scores = []
    for days in (0, 0, 900):
        stopped_clock.advance(days=days)
        engine.apply([solution("X", "别的", version=stopped_clock.moment.toordinal() + len(scores))], [])
        scores.append(search("光猫").hits[0].score)
    assert scores[0] == scores[1] > scores[2]


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (Scope.public(), set()),
        (STAFF, {"SOL-DB-001"}),
        (
            Scope(frozenset({"public", "staff", "restricted"}), frozenset({"dba"}), staff_text=True),
            {"SOL-DB-001", "SOL-DB-002"},
        ),
        (Scope(frozenset({"public", "staff", "restricted"}), frozenset({"team-tv"}), staff_text=True), {"SOL-DB-001"}),
        (Scope.everything(), {"SOL-DB-001", "SOL-DB-002"}),
    ],
)
def test_scope_trims_hits_totals_facets_and_suggestions(
    library: Engine, search: Search, scope: Scope, seen: set[str]
) -> None:
    found = search("数据库 连接", scope, facets=("audience", "kind"))
    assert set(ids(found)) == seen
    assert found.total == len(seen)
    assert sum(number for _, number in found.facets["kind"]) == len(seen)
    assert {id for title in ("监听", "主备") for id in (one.id for one in library.suggest(title, scope))} == seen


def test_excluded_ids_are_left_out_everywhere(library: Engine, search: Search) -> None:
    scope = Scope(frozenset({"public"}), frozenset(), staff_text=False, exclude=frozenset({"SOL-TV-001", "NONE"}))
    found = search("kind:solution", scope, facets=("device",))
    assert (ids(found), found.total, found.facets) == (["SOL-NET-001"], 1, {"device": []})
    assert library.suggest("机顶盒", scope) == []


def test_facets_count_all_hits_not_the_page(library: Engine, search: Search) -> None:
    found = search("kind:solution,policy", limit=1, facets=("kind", "category", "device", "audience"))
    assert found.facets == {
        "kind": [("solution", 4), ("policy", 1)],
        "category": [("数字电视/机顶盒", 1)],
        "device": [("HG8245H", 1), ("机顶盒", 1)],
        "audience": [("public", 3), ("restricted", 1), ("staff", 1)],
    }


# Why


def test_explanation_names_what_was_typed_synonyms_and_faces(engine: Engine) -> None:
    engine.apply([solution("A", "光猫亮红灯", "光猫,ONU"), solution("B", "ONU亮灯"), solution("C", "宽带")], [])
    request = SearchRequest(parse("光猫 红灯"), Scope.public())
    found = engine.explain(request, "A")
    assert found is not None and found.tier is Tier.WORDS and found.documents == 3
    modem, light = found.pieces
    assert (modem.typed, modem.df, modem.idf) == ("光猫", 2, pytest.approx(math.log1p((3 - 2 + 0.5) / (2 + 0.5))))
    assert {match.term: (match.typed, match.faces) for match in modem.matches} == {
        "光猫": (True, {"title": 1, "body": 1, "lead": 1}),
        "onu": (False, {"body": 1, "lead": 1}),
    }
    assert modem.score + light.score + found.grams_added == pytest.approx(found.score)
    assert (found.coverage, found.coverage_factor, found.missed) == (1.0, 1.0, ())
    other = engine.explain(request, "B")
    assert other is not None and [bool(piece.matches) for piece in other.pieces] == [True, False]
    assert 0 < other.coverage < 1 and other.score == pytest.approx(
        sum(piece.score for piece in other.pieces) * other.coverage ** Parameters().coverage + other.grams_added
    )


@pytest.mark.parametrize(
    ("typed", "missed"),
    [
        ("黑屏 kind:policy -code:E04", ["kind:policy", "-code:E04"]),
        ("“花屏” -“黑屏”", ['"花屏"', '-"黑屏"']),
        ("宽带", []),
    ],
)
def test_explanation_of_what_was_not_found_names_the_conditions(library: Engine, typed: str, missed: list[str]) -> None:
    found = library.explain(SearchRequest(parse(typed), Scope.public()), "SOL-TV-001")
    assert found is not None and (found.tier, list(found.missed)) == (None, missed)


def test_nothing_is_explained_that_the_asker_may_not_know_of(library: Engine) -> None:
    request = SearchRequest(parse("数据库"), Scope.public())
    for id in ("SOL-DB-001", "SOL-DB-002", "NONE"):
        assert library.explain(request, id) is None
    assert library.explain(SearchRequest(parse("数据库"), STAFF), "SOL-DB-002") is None
    hidden = Scope(frozenset({"public"}), frozenset(), staff_text=False, exclude=frozenset({"SOL-TV-001"}))
    assert library.explain(SearchRequest(parse("黑屏"), hidden), "SOL-TV-001") is None


def test_explanation_shows_staff_text_to_staff_alone(library: Engine) -> None:
    public = library.explain(SearchRequest(parse("黑屏 分支器"), Scope.public()), "SOL-TV-001")
    staff = library.explain(SearchRequest(parse("黑屏 分支器"), STAFF), "SOL-TV-001")
    assert public is not None and staff is not None
    assert [bool(piece.matches) for piece in public.pieces] == [True, False]
    assert staff.pieces[1].matches[0].faces == {"staff": 1}


# Suggestions


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("机顶", ["SOL-TV-001"]),
        ("電視黑", ["SOL-TV-001"]),
        ("没影", ["SOL-TV-001"]),
        ("jdh", ["SOL-TV-001"]),
        ("jiding", ["SOL-TV-001"]),
        ("69", ["SOL-NET-001"]),
        ("bggl", ["POL-001"]),
        ("", []),
        ("?", []),
        ("zzz", []),
    ],
)
def test_suggestions(library: Engine, prefix: str, expected: list[str]) -> None:
    assert [one.id for one in library.suggest(prefix, Scope.public())] == expected


def test_suggestions_put_beginnings_first_and_keep_the_limit(engine: Engine) -> None:
    titles = {"A": "更换光猫", "B": "光猫红灯闪烁", "C": "光猫", "D": "其他"}
    engine.apply([solution(id, title) for id, title in titles.items()], [])
    engine.apply([solution("E", "网络", symptoms=("光猫坏了",))], [])
    assert [one.id for one in engine.suggest("光猫", Scope.public())] == ["C", "B", "A", "E"]
    assert [one.id for one in engine.suggest("光猫", Scope.public(), limit=2)] == ["C", "B"]


def test_suggestions_of_one_length_come_by_id_and_a_limit_of_none_is_kept(engine: Engine) -> None:
    engine.apply([solution(f"S-{number}", "光猫") for number in (3, 1, 2)], [])
    engine.apply([solution("S-0", "光猫")], [])
    assert [one.id for one in engine.suggest("光", Scope.public(), limit=3)] == ["S-0", "S-1", "S-2"]
    assert engine.suggest("光", Scope.public(), limit=0) == []


def test_suggestions_in_letters_begin_with_a_word_and_stay_within_a_title(engine: Engine) -> None:
    titles = {"A": "VLAN 配置", "B": "配置 vlan", "C": "lan 口", "D": "10kω", "E": "ωb", "F": "机", "G": "顶"}
    engine.apply([solution(id, title) for id, title in titles.items()], [])
    assert [one.id for one in engine.suggest("l", Scope.public())] == ["C"]
    assert [one.id for one in engine.suggest("v", Scope.public())] == ["A", "B"]
    assert [one.id for one in engine.suggest("ω", Scope.public())] == ["E"]
    assert engine.suggest("jid", Scope.public()) == []


def test_suggestions_hold_whole_characters_in_a_row(engine: Engine) -> None:
    engine.apply([solution("A", "一乎乎呎")], [])  # whose bytes hold those of three 乎, half a character off
    assert engine.suggest("乎乎乎", Scope.public()) == []
    assert [one.id for one in engine.suggest("乎乎", Scope.public())] == ["A"]


def test_suggestions_by_sound_name_the_title_wherever_it_stands(engine: Engine) -> None:
    sounds = dict(zip("安八擦大额发嘎哈机卡拉妈那怕七然撒他挖西压杂", (
        "an", "ba", "ca", "da", "e", "fa", "ga", "ha", "ji", "ka", "la", "ma", "na", "pa", "qi", "ran", "sa", "ta", "wa", "xi",
        "ya", "za",
    ), strict=True))  # fmt: skip
    engine.apply([solution(char, f"{char}路") for char in sounds], [])
    for char, sound in sounds.items():
        assert char in [one.id for one in engine.suggest(f"{sound}lu", Scope.public())], char


# Changes


# Identifiers as people write them


@pytest.fixture
def named(engine: Engine) -> Engine:
    """Entries told apart by an identifier each."""
    texts = {
        "MODEL": "光猫HG8245H注册失败", "ORACLE": "报ORA-12541", "ADDRESS": "网关10.0.3.17超时", "PORT": "端口0/1/3关闭",
        "CODE": "屏幕显示E04", "SPOKEN": "显示E零五代码", "DIAL": "拨号提示691", "VERSION": "升级到v2.3.1", "MAC": "设备00:1A:2B:3C:4D:5E离线",
        "LEVEL": "低于45dBμV", "WIDE": "错误ＯＲＡ－００９４２", "OTHER": "E40与8254,型号HG8254H,不是619",
    }  # fmt: skip
    engine.apply([solution(id, text) for id, text in texts.items()], [])
    return engine


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        *((typed, "MODEL") for typed in ("HG8245H", "HG-8245H", "hg8245h", "8245", "hg8245", "ＨＧ８２４５Ｈ", "8245H", "HG 8245H")),
        *((typed, "ORACLE") for typed in ("ORA-12541", "ora12541", "12541", "ora 12541", "ＯＲＡ－12541")),
        *((typed, "ADDRESS") for typed in ("10.0.3.17", "10.0.3", "１０.０.３.１７", "10。0。3。17")),
        *((typed, "PORT") for typed in ("0/1/3", "０／１／３")),
        *((typed, "CODE") for typed in ("E04", "e04", "Ｅ０４", "E零四", "E〇四", "E-04", "E零四怎么办")),
        *((typed, "SPOKEN") for typed in ("E05", "E零五")),
        *((typed, "DIAL") for typed in ("691", "６９１")),
        *((typed, "VERSION") for typed in ("v2.3.1", "2.3.1", "V2.3", "2.3")),
        *((typed, "MAC") for typed in ("00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e", "001a.2b3c.4d5e", "001A2B3C4D5E", "001a-2b3c-4d5e",
                                       "001A:2B3C:4D5E", "００－１Ａ－２Ｂ－３Ｃ－４Ｄ－５Ｅ")),
        *((typed, "LEVEL") for typed in ("dBμV", "dBuV", "dBµV", "DBUV", "45dBuV", "45 dBµV")),
        *((typed, "WIDE") for typed in ("ORA-00942", "00942")),
    ],
)  # fmt: skip
def test_an_identifier_is_found_however_it_is_written(named: Engine, search: Search, typed: str, first: str) -> None:
    assert ids(search(typed))[0] == first


@pytest.mark.parametrize(("typed", "other"), [("E04", "OTHER"), ("8245", "OTHER"), ("691", "OTHER"), ("E40", "CODE")])
def test_digits_are_never_taken_for_others(named: Engine, search: Search, typed: str, other: str) -> None:
    assert other not in ids(search(typed))


# Scripts and sounds


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("機頂盒", "机顶盒黑屏"), ("机顶盒", "機頂盒黑屏"), ("网络", "網路中斷"), ("網路", "网络中断"), ("打印机", "印表機卡紙"), ("印表機", "打印机卡纸"),
        ("資料庫", "数据库连接"), ("数据库", "資料庫連線"),
    ],
)  # fmt: skip
def test_either_script_and_usage_finds_the_other(engine: Engine, search: Search, typed: str, title: str) -> None:
    engine.apply([solution("S", title), solution("T", "别的")], [])
    assert ids(search(typed)) == ["S"]


@pytest.mark.parametrize("typed", ["guangmao", "guang mao", "gmhd", "guangmaohongdeng", "hongdeng"])
def test_pinyin_full_and_short(engine: Engine, search: Search, typed: str) -> None:
    engine.apply([solution("S", "光猫红灯闪烁"), solution("T", "机顶盒黑屏")], [])
    found = search(typed)
    assert ids(found) == ["S"] and found.hits[0].tier is Tier.PINYIN


def test_characters_beside_pinyin_find_by_themselves(engine: Engine, search: Search) -> None:
    engine.apply([solution("S", "光猫红灯闪烁"), solution("T", "机顶盒红灯")], [])
    found = search("光猫hongdeng")
    assert ids(found)[0] == "S" and found.hits[0].tier is Tier.WORDS


# Which words there are


def test_known_counts_what_the_asker_may_see_and_match(library: Engine) -> None:
    everything = Scope.everything()
    assert library.known(["机顶盒", "分支器", "数据库", "主备", "切换", "ora12541"], everything) == [1, 1, 2, 0, 1, 1]
    assert library.known(["机顶盒", "分支器", "数据库", "切换"], Scope.public()) == [1, 0, 0, 0]
    assert library.known(["切换"], Scope(frozenset({"restricted"}), frozenset({"dba"}), staff_text=False)) == [1]
    hidden = Scope(STAFF.audiences, STAFF.groups, STAFF.staff_text, exclude=frozenset({"SOL-TV-001"}))
    assert library.known(["机顶盒"], hidden) == [0]
    assert library.known([], everything) == []


def test_known_pairs_of_characters(library: Engine) -> None:
    pairs = ["顶盒", "盒开", "盒坏", "支器"]
    assert library.known(pairs, Scope.everything(), pairs=True) == [1, 1, 0, 1]
    assert library.known(pairs, Scope.public(), pairs=True) == [1, 1, 0, 0]


def test_known_does_not_read_captured_words(engine: Engine) -> None:
    engine.apply([solution("A", "光猫", staff_body="电平", captured=("falcon 抽屉",))], [])
    assert engine.known(["falcon", "抽屉", "光猫", "电平"], STAFF) == [0, 0, 1, 1]
    assert engine.known(["屉"], STAFF, pairs=True) == [0]


def test_known_forgets_what_was_removed(library: Engine) -> None:
    library.apply([], ["SOL-TV-001"])
    assert library.known(["机顶盒"], Scope.everything()) == [0]


def test_near_are_words_of_letters_few_slips_away(engine: Engine) -> None:
    engine.apply([solution("A", "router routers ruoter r0uter outer route rooter puter")], [])
    engine.apply([solution("B", "rotor 路由 router2 re-route")], [])
    assert engine.near("router", 1) == ["outer", "rooter", "route", "routers", "ruoter"]
    assert engine.near("router", 2) == ["outer", "puter", "rooter", "rotor", "route", "routers", "ruoter", "uter"]
    assert engine.near("路由", 1) == [] and engine.near("x" * 99, 2) == []


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


def test_frequencies_count_documents(engine: Engine) -> None:
    engine.apply([solution("A", "光猫", "光猫光猫红灯"), solution("B", "光猫"), solution("C", "HG8245H")], [])
    assert engine.frequencies(["光猫", "红灯", "hg8245h", "没有", ""]) == [2, 1, 1, 0, 0]
