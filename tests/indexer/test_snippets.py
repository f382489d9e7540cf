"""Snippets: the right window, and the original characters marked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import parse
from indexer.analysis import Analyzer
from indexer.query import Query, literal
from indexer.snippets import Readable, Snippet, Snippets

For = Callable[[Query], Snippets]
FILLER = "这里说的是别的事情。" * 30


@pytest.fixture(scope="module")
def snippets(analyzer: Analyzer) -> For:
    return partial(Snippets, analyzer=analyzer)


def marked(snippet: Snippet) -> list[str]:
    return [snippet.text[start:end] for start, end in snippet.spans]


@pytest.mark.parametrize(
    ("text", "typed", "expected"),
    [
        ("機頂盒開機後黑屏", "机顶盒 黑屏", ["機頂盒", "黑屏"]),
        ("出现ＯＲＡ－12541错误", "ora12541", ["ＯＲＡ－12541"]),
        ("更换 HG-8245H 光猫", "hg8245h", ["HG-8245H"]),
        ("更换 HG8245H", "8245", ["8245"]),
        ("编号 182450", "8245", []),
        ("编号18245与8-245", "8245", ["8-245"]),
        ("xray和ray", "ray", ["ray"]),
        ("1 11 1", "1", ["1", "1"]),
        ("盒子没有反应", "机顶盒", ["盒子"]),
        ("机顶盒黑屏", "jidinghe", ["机顶盒"]),
        ("機頂盒黑屏", "jdh", ["機頂盒"]),
        ("数据库,连接", "“数据库连接”", ["数据库", "连接"]),
        ("完成数据库连接。", "“据库连”", ["据库连"]),
        ("網路中斷", "网络", ["網路"]),
        ("网络中断", "網路", ["网络"]),
        ("光貓紅燈", "guangmaohongdeng", ["光貓紅燈"]),
        ("浮梁山前端机房", "山前端", ["山前端"]),
        ("上海自来水", "海自来", ["海自来"]),
        ("温度25℃的光猫", "光猫", ["光猫"]),
        ("黑屏 -演练", "黑屏 -演练", ["黑屏"]),
        ("黑屏", "kind:policy", []),
        ("", "黑屏", []),
    ],
)
def test_what_is_marked(snippets: For, text: str, typed: str, expected: list[str]) -> None:
    assert marked(snippets(parse(typed)).highlight(Readable.of(text))) == expected


def test_every_word_of_a_long_query_is_marked_though_others_stand_everywhere(snippets: For) -> None:
    text = "光猫" + "红灯" * 5_000
    assert marked(snippets(parse("红灯 光猫")).highlight(Readable.of(text)))[0] == text[: 2 + 2 * 1_000]


def test_window_is_where_most_of_the_query_stands(snippets: For) -> None:
    text = f"光猫在这里。{FILLER}光猫亮红灯,无法注册。{FILLER}"
    snippet = snippets(parse("光猫 红灯 注册")).snippet(Readable.of(text))
    assert snippet.text.startswith("…光猫亮红灯,无法注册。")
    assert marked(snippet)[:3] == ["光猫", "红灯", "注册"]


def test_window_is_cut_at_sentence_ends_and_says_so(snippets: For) -> None:
    snippet = snippets(parse("断线")).snippet(Readable.of(f"{FILLER}宽带断线。{FILLER}"), width=60)
    assert snippet.text.startswith("…这里说的是别的事情。") or snippet.text.startswith("…宽带断线。")
    assert snippet.text.endswith("。…")
    assert len(snippet.text) <= 62


def test_without_a_match_the_beginning_is_shown(snippets: For) -> None:
    snippet = snippets(parse("zzz")).snippet(Readable.of(f"开头。{FILLER}"))
    assert snippet.text.startswith("开头。") and snippet.spans == ()


def test_line_ends_become_spaces(snippets: For) -> None:
    assert snippets(parse("黑屏")).snippet(Readable.of("机顶盒\n黑屏")).text == "机顶盒 黑屏"


def test_html_is_escaped_before_it_is_marked(snippets: For) -> None:
    snippet = snippets(parse("光猫 script")).snippet(Readable.of('<script>光猫</script> & "x"'))
    assert snippet.to_html() == (
        "&lt;<mark>script</mark>&gt;<mark>光猫</mark>&lt;/<mark>script</mark>&gt; &amp; &quot;x&quot;"
    )


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.text(max_size=20), st.integers(10, 150))
def test_spans_are_in_order_and_inside(snippets: For, text: str, typed: str, width: int) -> None:
    snippet = snippets(literal(typed)).snippet(Readable.of(text), width=width)
    edges = [edge for span in snippet.spans for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= start < end <= len(snippet.text) for start, end in snippet.spans)
    assert len(snippet.text) <= width + 2
    snippet.to_html()
