"""Results as a page: why each was found, how to narrow, and what to do when there is nothing."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from tests.web.conftest import SOLUTION


def test_a_hit_says_why_it_was_found(browse):
    page = browse("tech").get("/search?q=机顶盒提示无信号").text
    assert "机顶盒提示无信号的处理".replace("机顶盒", "") in page.replace("<mark>", "").replace("</mark>", "")
    assert "词语" in page or "精确" in page
    assert SOLUTION in page
    assert "<mark>" in page


def test_pinyin_is_labelled_as_such(browse):
    page = browse("").get("/search?q=jidinghe").text
    assert "拼音" in page
    assert "<mark>机顶盒</mark>" in page


def test_facets_narrow_and_chips_take_the_filter_away(browse):
    browser = browse("tech")
    page = browser.get("/search?q=机顶盒").text
    assert "/search?" in page and "category=" in page
    narrowed = browser.get("/search?q=机顶盒&category=数字电视/信号质量")
    assert 'class="chip"' in narrowed.text
    assert "类目：数字电视/信号质量" in narrowed.text
    assert 'value="机顶盒"' in narrowed.text  # the words stay as they were typed
    total = browser.get("/api/v1/search?q=机顶盒 category:数字电视/信号质量").json["total"]
    assert f"共 {total} 条" in narrowed.text


def test_pages_turn(browse):
    browser = browse("")
    first = browser.get("/search?q=机顶盒").text
    assert "下一页" in first
    second = browser.get("/search?q=机顶盒&page=2").text
    assert "上一页" in second and 'start="11"' in second
    beyond = browser.get("/search?q=机顶盒&kind=solution&page=90")
    assert beyond.status_code == 302
    last = browser.get(beyond.location).text  # the page that exists, under the same words and filters
    assert "没有找到" not in last and "上一页" in last and "下一页" not in last
    assert "种类：解决方案" in last
    assert browser.get("/search?q=量子纠缠发动机&page=90").status_code == 200
    assert browser.get("/search?q=机顶盒&page=x").status_code == 200


def test_nothing_found_offers_ways_on(browse):
    subscriber = browse("").get("/search?q=量子纠缠发动机").text
    assert "没有找到" in subscriber
    assert "/report?description=" in subscriber
    assert "/entries/new?q=" in browse("tech").get("/search?q=量子纠缠发动机").text


def test_a_bad_query_is_explained_at_its_place_and_kept(browse):
    answer = browse("").get("/search?q=黑屏 knd:policy")
    assert answer.status_code == 400
    assert "是不是 kind" in answer.text
    assert "<mark>k</mark>nd:policy" in answer.text
    assert 'value="黑屏 knd:policy"' in answer.text


def test_a_number_is_a_destination(site, browse):
    assert browse("").get(f"/search?q={SOLUTION.lower()}").location == f"/entries/{SOLUTION}"
    tech = browse("tech")
    tech.post("/incidents/new", description="没有信号")
    assert tech.get("/search?q=inc-000001").location == "/incidents/INC-000001"
    assert browse("").get("/search?q=INC-000001").status_code == 200
    for short in ("sol-1", "SOL1"):
        assert browse("").get(f"/search?q={short}").location == f"/entries/{SOLUTION}"
    assert tech.get("/search?q=inc1").location == "/incidents/INC-000001"
    assert browse("").get("/search?q=tv-001").location == "/entries/SOL-TV-001"
    for other in ("1", "000001", "POL-1", "E04", "tv001", "x-1"):  # POL-000001 is another group's
        assert browse("").get(f"/search?q={other}").status_code == 200


def test_offers_while_typing(browse):
    offers = browse("").get("/suggest?q=机顶盒提示").json
    assert {"title": "机顶盒提示无信号的处理", "url": f"/entries/{SOLUTION}"} in offers["entries"]
    assert browse("").get("/suggest?q=").json == {"searches": [], "entries": []}


def test_a_corrected_search_says_so_and_leads_back(browse):
    page = browse("").get("/search?q=机顶合&kind=solution").text
    assert "已按「<strong>机顶盒</strong>」搜索" in page
    assert "仍按原词搜索「机顶合」" in page
    assert 'value="机顶合"' in page  # the words stay as they were typed
    assert "<mark>机顶盒</mark>" in page
    back = re.search(r'href="([^"]+)">仍按原词搜索', page)[1].replace("&amp;", "&")
    assert parse_qs(urlsplit(back).query) == {"q": ["机顶合"], "kind": ["solution"], "exact": ["1"]}
    literal = browse("").get(back).text
    assert "已按" not in literal and "您是不是要找" not in literal
    assert "exact=1" in re.search(r'rel="next" href="([^"]+)"', literal)[1]


def test_what_was_probably_meant_is_offered_as_a_link(browse):
    page = browse("").get("/search?q=信号 机顶合&kind=solution").text
    link = re.search(r'您是不是要找：<a href="([^"]+)">信号 机顶盒</a>', page)[1].replace("&amp;", "&")
    assert parse_qs(urlsplit(link).query) == {"q": ["信号 机顶盒"], "kind": ["solution"]}
    assert "您是不是要找" not in browse("").get("/search?q=机顶盒").text
    assert "您是不是要找：<a" in browse("").get("/search?q=jidinghe").text


def test_what_is_corrected_is_escaped(browse):
    page = browse("").get("/search?q=机顶合 <b>x").text
    assert "<b>x" not in page and "机顶盒 &lt;b&gt;x" in page
