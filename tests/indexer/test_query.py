"""The query language: what typed text means, and that no text breaks it."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Query, Scope, SearchRequest, literal, parse
from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.scan import ScanEngine
from indexer.query import FIELDS, MAX_CONDITIONS, MAX_LENGTH, cut, years
from kb.errors import BadQuery


def parts(query: Query) -> dict[str, object]:
    """What is in a query, by name, without places and without what is empty."""
    found: dict[str, object] = {
        "words": [word.text for word in query.words],
        "phrases": [phrase.text for phrase in query.phrases],
        "filters": [(one.field, one.values) for one in query.filters],
        "not_words": [word.text for word in query.not_words],
        "not_phrases": [phrase.text for phrase in query.not_phrases],
        "not_filters": [(one.field, one.values) for one in query.not_filters],
    }
    return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("网关 超时", {"words": ["网关", "超时"]}),
        ("网关　超时", {"words": ["网关", "超时"]}),
        ("“主备切换” 「割接」", {"phrases": ["主备切换", "割接"]}),
        ('"a b" c', {"phrases": ["a b"], "words": ["c"]}),
        ("报错“连接超时”怎么办", {"words": ["报错", "怎么办"], "phrases": ["连接超时"]}),
        ("-演练 －割接", {"not_words": ["演练", "割接"]}),
        ('-"a b"', {"not_phrases": ["a b"]}),
        ("-kind:policy", {"not_filters": [("kind", ("policy",))]}),
        ("种类：制度，拓扑", {"filters": [("kind", ("policy", "topology"))]}),
        ("类目:“数字电视/机顶盒” x", {"filters": [("category", ("数字电视/机顶盒",))], "words": ["x"]}),
        ("设备:光猫 代码:E04 归口:team-tv 编号:SOL-1", {
            "filters": [("device", ("光猫",)), ("code", ("E04",)), ("group", ("team-tv",)), ("id", ("SOL-1",))]
        }),
        ("受众:员工", {"filters": [("audience", ("staff",))]}),
        # text that looks like operators
        ("http://a.b/c 10:30 错误:691", {"words": ["http://a.b/c", "10:30", "错误:691"]}),
        ("node:10 mode:x kinder:x std::vector", {"words": ["node:10", "mode:x", "kinder:x", "std::vector"]}),
        ("kubectl -n x --force - a", {"words": ["kubectl", "-n", "x", "--force", "-", "a"]}),
        ('5" 屏 “没有结束', {"words": ['5"', "屏", "“没有结束"]}),
        ("“” \"\"", {}),
        ("ERROR kind:x\nknd:y -z \"q", {"words": ["ERROR", "kind:x", "knd:y", "-z", '"q']}),
    ],
)  # fmt: skip
def test_what_typed_text_means(typed: str, meant: dict[str, object]) -> None:
    assert parts(parse(typed)) == meant


@pytest.mark.parametrize(
    ("typed", "position", "suggestion"),
    [
        ("网关 knd:policy", 3, "kind"),
        ("categry:x", 0, "category"),
        ("devcie:x", 0, "device"),
        ("-audiense:x", 1, "audience"),
        ("kind:polcy", 5, "policy"),
        ("kind:unheard", 5, ""),
    ],
)
def test_slip_is_named_with_its_place_and_the_remedy(typed: str, position: int, suggestion: str) -> None:
    with pytest.raises(BadQuery) as caught:
        parse(typed)
    assert caught.value.position == position
    assert caught.value.details["suggestion"] == suggestion
    assert " · " in caught.value.message  # in Chinese and English
    assert suggestion in caught.value.message


@pytest.mark.parametrize("typed", ["kind:", "种类： x", "code:,"])
def test_field_without_value_is_refused(typed: str) -> None:
    with pytest.raises(BadQuery):
        parse(typed)


def test_too_long_a_query_is_refused_and_the_limit_named() -> None:
    with pytest.raises(BadQuery, match=str(MAX_LENGTH)):
        parse("a" * (MAX_LENGTH + 1))
    assert parse("a" * MAX_LENGTH).words


def test_characters_that_become_many_count_as_many() -> None:
    assert parse("\ufdfa" * (MAX_LENGTH // 18)).words  # eighteen each
    with pytest.raises(BadQuery, match=str(18 * MAX_LENGTH)):
        parse("\ufdfa" * MAX_LENGTH)
    assert len(literal("\ufdfa" * MAX_LENGTH).plain) <= MAX_LENGTH
    assert literal("黑屏 " * MAX_LENGTH).plain.count("黑屏") == MAX_LENGTH // 3


@pytest.mark.parametrize("one", ["“甲” ", "-甲 ", "-“甲” ", "kind:policy ", "-kind:policy "])
def test_number_of_conditions_is_bounded(one: str) -> None:
    parse(one * MAX_CONDITIONS)
    with pytest.raises(BadQuery) as caught:
        parse(one * (MAX_CONDITIONS + 1))
    assert caught.value.position == len(one) * MAX_CONDITIONS


def test_every_field_can_be_written_in_chinese_and_upper_case() -> None:
    for name, aliases in FIELDS.items():
        value = {"kind": "policy", "audience": "staff", "year": "2026"}.get(name, "x")
        for written in (name, name.upper(), *aliases):
            assert parts(parse(f"{written}:{value}")) == {"filters": [(name, (value,))]}


@pytest.mark.parametrize(
    ("typed", "value", "span"),
    [
        ("year:2026", "2026", (2026, 2026)),
        ("年份:2026年", "2026", (2026, 2026)),
        ("year:2024..2026", "2024..2026", (2024, 2026)),
        ("year:2024-2026", "2024..2026", (2024, 2026)),
        ("年份：2024至2026年", "2024..2026", (2024, 2026)),
        ("year:2026..2024", "2026..2024", (2024, 2026)),
        ("year:2024..", "2024..", (2024, 9999)),
        ("year:..2024", "..2024", (0, 2024)),
        ("year:２０２６", "2026", (2026, 2026)),
    ],
)
def test_years_and_ranges_of_years(typed: str, value: str, span: tuple[int, int]) -> None:
    assert parts(parse(typed)) == {"filters": [("year", (value,))]}
    assert years(value) == span


@pytest.mark.parametrize("typed", ["year:去年", "year:26", "year:..", "year:2024..26", "year:2024..2025..2026"])
def test_what_is_no_year_is_refused_with_the_way_to_write_one(typed: str) -> None:
    with pytest.raises(BadQuery, match=r"2024\.\.2026"):
        parse(typed)


@pytest.mark.parametrize(
    ("typed", "field", "left"),
    [
        ("黑屏 kind:policy 光猫", "filters", "黑屏 光猫"),
        ("黑屏 “主备 切换”光猫", "phrases", "黑屏 光猫"),
        ('  device:"a b,c"  ', "filters", ""),
        ("甲 -“乙 丙” 丁", "not_phrases", "甲 丁"),
        ("甲 -乙 -丙", "not_words", "甲"),
        ("甲 -kind:policy", "not_filters", "甲"),
        ("甲 乙“丙”", "words", "“丙”"),
    ],
)
def test_parts_can_be_cut_out_of_what_was_typed(typed: str, field: str, left: str) -> None:
    query = parse(typed)
    assert cut(typed, getattr(query, field)) == left
    assert cut(typed, ()) == typed.strip()


def test_literal_text_has_no_operators() -> None:
    assert parts(literal("-a kind:b “c”")) == {"words": ["-a", "kind:b", "“c”"]}


@pytest.fixture(scope="module")
def judge(analyzer: Analyzer) -> ScanEngine:
    engine = ScanEngine(analyzer)
    engine.apply([IndexDocument("A", 1, "solution", "机顶盒 E04 黑屏", "http://10.0.3.17/a-b")], [])
    return engine


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.one_of(
            st.characters(exclude_categories=[]), st.sampled_from('"“”「」-－:：,，()[]{}\\ \n机顶盒kindE04.*?~^')
        ),
        max_size=80,
    )
)
def test_any_text_gets_an_answer_or_a_bad_query(judge: ScanEngine, text: str) -> None:
    try:
        query = parse(text)
    except BadQuery as refused:
        assert 0 <= refused.position <= len(text)
        return
    judge.search(SearchRequest(query, Scope.public(), facets=("kind",)))
    judge.suggest(text, Scope.public())


@pytest.mark.parametrize(
    "text",
    ["(" * 4000, "机顶盒" * 1300, "-" * 4000, "“" * 4000, '"a" ' * 1000, "a:b " * 1000, "🙂" * 4000, "\ud800" * 4000,
     "E零" * 2000, "a-" * 2000, "jidinghe" * 500, "1.2." * 1000, "é́" * 2000, "knd " * 1000],
)  # fmt: skip
def test_hostile_text_costs_no_time(judge: ScanEngine, text: str) -> None:
    began = time.process_time()
    with contextlib.suppress(BadQuery):
        judge.search(SearchRequest(parse(text), Scope.public()))
    # 100 ms is the promise; the factor is for a loaded machine, and a quadratic fault takes seconds
    assert time.process_time() - began < 1.0
