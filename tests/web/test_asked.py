"""Addresses of searches, and the queries they stand for."""

from __future__ import annotations

import pytest

from indexer import Sort, parse
from web.asked import Asked


def test_filters_become_the_query_language():
    asked = Asked("黑屏", {"kind": ("solution", "policy"), "category": ("数字电视/机顶盒",)})
    assert asked.text == '黑屏 kind:"solution,policy" category:"数字电视/机顶盒"'
    query = parse(asked.text)
    assert [(item.field, item.values) for item in query.filters] == [
        ("kind", ("solution", "policy")),
        ("category", ("数字电视/机顶盒",)),
    ]


@pytest.mark.parametrize("value", ["HDMI 线", 'say "hi"', "a」b", "kind:policy", "-x", "“引号”"])
def test_a_value_stays_one_value_whatever_stands_in_it(value):
    query = parse(Asked("", {"device": (value,)}).text)
    assert [item.values for item in query.filters] == [(value,)]
    assert not query.words and not query.phrases


def test_filters_are_added_and_taken_away_on_the_first_page(app):
    asked = Asked("黑屏", {"kind": ("solution", "policy")}, page=3)
    with app.test_request_context():
        assert asked.url == "/search?q=%E9%BB%91%E5%B1%8F&kind=solution&kind=policy&page=3"
        more = Asked("黑屏", {"kind": ("solution", "policy"), "device": ("光猫 & +",)})
        assert asked.narrowed("device", "光猫 & +") == more.url
        assert asked.without("kind", "solution") == Asked("黑屏", {"kind": ("policy",)})
        assert asked.without("kind").url == "/search?q=%E9%BB%91%E5%B1%8F"


def test_the_order_stays_while_the_filters_change(app):
    asked = Asked("黑屏", {"kind": ("policy",)}, page=3).sorted(Sort.DATE)
    with app.test_request_context():
        assert asked.url == "/search?q=%E9%BB%91%E5%B1%8F&kind=policy&sort=date"
        assert asked.narrowed("year", "2026").endswith("&kind=policy&sort=date&year=2026")
        assert asked.without("kind").url == "/search?q=%E9%BB%91%E5%B1%8F&sort=date"
        assert "sort" not in asked.sorted(Sort.RELEVANCE).url


@pytest.mark.parametrize(
    ("words", "field", "left", "shown"),
    [
        ("黑屏 种类:制度", "种类", Asked("黑屏", {"kind": ("solution",), "device": ("光猫",)}), "种类：制度规范"),
        ("黑屏 -演练", "-演练", Asked("黑屏", {"kind": ("solution",), "device": ("光猫",)}), "-演练"),
        ("“黑 屏” 光猫", "“黑 屏”", Asked("光猫", {"kind": ("solution",), "device": ("光猫",)}), "“黑 屏”"),
        (
            "黑屏 -年份:2024..2025",
            "-年份",
            Asked("黑屏", {"kind": ("solution",), "device": ("光猫",)}),
            "-年份：2024..2025",
        ),
        ("黑屏", "device", Asked("黑屏", {"kind": ("solution",)}), "设备：光猫"),
    ],
)
def test_a_part_is_left_out_wherever_it_stands(words, field, left, shown):
    asked = Asked(words, {"kind": ("solution",), "device": ("光猫",)}, page=2)
    query = parse(asked.text)
    parts = [*query.filters, *query.phrases, *query.not_filters, *query.not_words]
    (part,) = [part for part in parts if asked.text[part.start :].startswith(field)]
    assert asked.less([part]) == left
    assert asked.shown(part) == shown


def test_reading_an_address(app):
    with app.test_request_context(
        "/search?q= 黑屏 &kind=&device=光猫&device= 机顶盒&device=光猫&page=-4&other=1&sort=reuse"
    ):
        from flask import request

        asked = Asked.read(request)
    assert asked == Asked("黑屏", {"device": ("光猫", "机顶盒")}, 1, Sort.REUSE)
