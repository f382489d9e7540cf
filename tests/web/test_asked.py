"""Addresses of searches, and the queries they stand for."""

from __future__ import annotations

import pytest

from indexer import parse
from web.asked import Asked


def test_filters_become_the_query_language():
    asked = Asked("黑屏", {"kind": "solution", "category": "数字电视/机顶盒"})
    assert asked.text == '黑屏 kind:"solution" category:"数字电视/机顶盒"'
    query = parse(asked.text)
    assert [(item.field, item.values) for item in query.filters] == [
        ("kind", ("solution",)),
        ("category", ("数字电视/机顶盒",)),
    ]


@pytest.mark.parametrize("value", ["HDMI 线", 'say "hi"', "a」b", "kind:policy", "-x", "“引号”"])
def test_a_value_stays_one_value_whatever_stands_in_it(value):
    query = parse(Asked("", {"device": value}).text)
    assert [item.values for item in query.filters] == [(value,)]
    assert not query.words and not query.phrases


def test_filters_are_added_and_taken_away_on_the_first_page(app):
    asked = Asked("黑屏", {"kind": "solution"}, page=3)
    with app.test_request_context():
        assert asked.url == "/search?q=%E9%BB%91%E5%B1%8F&kind=solution&page=3"
        assert asked.narrowed("device", "光猫 & +") == Asked("黑屏", {"kind": "solution", "device": "光猫 & +"}).url
        assert asked.without("kind").url == "/search?q=%E9%BB%91%E5%B1%8F"


def test_reading_an_address(app):
    with app.test_request_context("/search?q= 黑屏 &kind=&device=光猫&page=-4&other=1"):
        from flask import request

        asked = Asked.read(request)
    assert asked == Asked("黑屏", {"device": "光猫"}, 1)
