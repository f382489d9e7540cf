"""Results as a page: why each was found, how to narrow, and what to do when there is nothing."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

from indexer import parse
from tests.web.conftest import SOLUTION
from web.asked import Asked
from web.pages.search import FacetList
from web.search import Page


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


def _links(page, piece):
    return [unescape(url) for url in re.findall(r'href="(/search[^"]*)"', page) if piece in unquote(unescape(url))]


def test_several_values_of_a_facet_are_alternatives_and_each_can_be_taken_away(browse):
    browser = browse("tech")
    one = browser.get("/search?q=机顶盒&kind=solution").text
    (more,) = _links(one, "kind=reference")  # what the other value would find stands beside the chosen one
    both = browser.get(more).text
    assert "种类：解决方案" in both and "种类：参考资料" in both
    total = browser.get("/api/v1/search?q=机顶盒 kind:solution,reference").json["total"]
    assert f"共 {total} 条" in both
    for left, gone in (("kind=reference", "kind=solution"), ("kind=solution", "kind=reference")):
        assert [url for url in _links(both, left) if gone not in url and "sort=" not in url and "year" not in url]


def test_a_facet_shows_eight_values_and_folds_the_rest(app):
    counts = [(f"设备{number}", 20 - number) for number in range(12)]
    page = Page(
        parse("机顶盒"), [], 20, {"device": counts, "year": [("2024", 9), ("2026", 3)], "kind": [("policy", 20)]}
    )
    asked = Asked("机顶盒", {"device": ("设备9", "设备99")})
    with app.test_request_context():
        devices = FacetList.of("device", asked, page)
        years = FacetList.of("year", asked, page)
        assert FacetList.of("kind", asked, page) is None  # nothing to choose between
    assert [one.value for one in devices.choices] == ["设备9", "设备99", *(f"设备{number}" for number in range(6))]
    assert [one.value for one in devices.more] == ["设备6", "设备7", "设备8", "设备10", "设备11"]
    assert [(one.count, one.chosen) for one in devices.choices[:3]] == [(11, True), (0, True), (20, False)]
    assert [one.value for one in years.choices] == ["2026", "2024"]


def test_what_holds_everywhere_is_offered_beside_a_district(app):
    page = Page(parse("机顶盒"), [], 2, {"district": [("不限", 7), ("城东片区", 2)]})
    with app.test_request_context():
        beside = FacetList.of("district", Asked("机顶盒", {"district": ("城东片区",)}), page).beside
        assert beside.count == 7 and beside.url == Asked("机顶盒", {"district": ("城东片区", "不限")}).url
        assert FacetList.of("district", Asked("机顶盒", {"district": ("城东片区", "不限")}), page).beside is None
        assert FacetList.of("district", Asked("机顶盒"), page).beside is None


def test_hits_can_be_sorted_and_the_order_stays_over_pages(browse):
    browser = browse("tech")
    page = browser.get("/search?q=机顶盒").text
    assert 'aria-current="true">相关</a>' in page
    newest = browser.get(_links(page, "sort=date")[0]).text
    assert 'aria-current="true">最新</a>' in newest and _links(newest, "sort=date&page=2")
    assert 'aria-current="true">相关</a>' in browser.get("/search?q=机顶盒&sort=nonsense").text
    alone = browser.get("/search?kind=solution").text  # attributes rank nothing
    assert 'aria-current="true">最新</a>' in alone and ">相关</a>" not in alone
    assert "词语</span>" not in alone  # nor did words find anything


def test_a_phrase_that_nobody_has_is_said_to_be_taken_as_words(browse):
    page = browse("").get("/search?q=“无信号的那个机顶盒”").text
    assert "没有词条原样含有「无信号的那个机顶盒」" in page
    assert SOLUTION in page
    assert "原样含有" not in browse("").get("/search?q=“无信号”").text


def test_each_condition_that_hides_everything_is_a_link_with_its_count(browse):
    browser = browse("")
    page = browser.get("/search?q=机顶盒无信号 -信号线&kind=topology").text
    assert "没有找到" in page
    (url,) = _links(browser.get("/search?q=机顶盒无信号&kind=topology").text, "q=机顶盒无信号")[-1:]
    assert "去掉「种类：网络拓扑」有" in browser.get("/search?q=机顶盒无信号&kind=topology").text
    total = browser.get("/api/v1/search?q=机顶盒无信号").json["total"]
    assert f"去掉「种类：网络拓扑」有 {total} 条" in browser.get("/search?q=机顶盒无信号&kind=topology").text
    assert "kind" not in url and f"共 {total} 条" in browser.get(url).text
    assert "去掉「-信号线」" not in page  # without it there is still nothing


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
