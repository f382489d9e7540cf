"""Markdown becomes safe HTML and plain words, quickly, whatever somebody wrote."""

from __future__ import annotations

import re
import time

import pytest

from kb import markup


def test_chinese_emphasis_renders() -> None:
    assert "<strong>中文，</strong>后面" in markup.to_html("**中文，**后面")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        '<img src=x onerror="alert(1)">',
        '<a href="data:text/html,x">x</a>',
        "<svg/onload=alert(1)>",
        '<p style="position:fixed">x</p>',
        "```\n</code></pre><script>alert(1)</script>\n```",
    ],
)
def test_nothing_active_survives(hostile: str) -> None:
    html = markup.to_html(hostile)
    for active in ("<script", "javascript:", "onerror=", "onload=", "data:", "style="):
        assert active not in html.replace("&lt;script", "").replace("onload=alert(1)&gt;", "")


@pytest.mark.parametrize("hostile", ["[" * 20_000, "[a](" * 5_000, "*" * 20_000, "<" * 20_000, "!" * 9 + "[" * 9_000])
def test_hostile_markdown_is_quick(hostile: str) -> None:
    start = time.process_time()
    markup.to_html(hostile)
    markup.to_text(hostile)
    assert time.process_time() - start < 5  # quadratic behaviour takes minutes


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("## 现象\n\n- **中文，**后面", "现象\n中文，后面"),
        ("[拨号](a.md) ![图](b.png)", "拨号 图"),
        ("| 甲 | 乙 |\n|---|---|\n| 1 | 2 |", "甲 乙\n1 2"),
        ("```bash\nping 10.0.3.17\n```", "ping 10.0.3.17"),
        ("a_b_c __强__ snake_case_name", "a_b_c 强 snake_case_name"),
        ("1. 第一\n2) 第二\n> 引", "第一\n第二\n引"),
        ("<div>框</div><!-- 注 -->&nbsp;&lt;tag&gt;", "框 <tag>"),
        ("标题 {#section1}\n===", "标题"),
        ("-27dBm 与 a < b > c", "-27dBm 与 a < b > c"),
    ],
)
def test_plain_text_keeps_the_words(body: str, text: str) -> None:
    assert markup.to_text(body) == text


def test_text_is_replaced_outside_of_tags_links_and_code() -> None:
    rendered = '<p title="X">X <a href="/X">X</a> <code>X</code> <b>X</b></p><pre><code>X</code></pre>X'
    shown = markup.replace_text(rendered, re.compile("X"), lambda found: "Y")
    assert shown == '<p title="X">Y <a href="/X">X</a> <code>X</code> <b>Y</b></p><pre><code>X</code></pre>Y'
