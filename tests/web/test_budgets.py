"""How heavy and how steady are the pages that people open most? Budgets of a phone on a weak line."""

from __future__ import annotations

import urllib.request
from urllib.parse import quote

import pytest

from tests.web.conftest import SOLUTION

_MOST_BYTES = 150_000  # of a page with its style, script and icons, compressed
_MOST_SHIFT = 0.01  # of the layout while loading; what people call steady is below 0.1
_LOADED = """() => [document.URL, ...performance.getEntriesByType("resource").map(it => it.name),
    ...[...document.querySelectorAll("link[rel~=icon], link[rel=manifest]")].map(it => it.href)]"""
_SHIFT = """() => new Promise(done => {
    let sum = 0;
    new PerformanceObserver(list => list.getEntries().forEach(it => { sum += it.value; }))
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(sum), 500);
})"""

often = pytest.mark.parametrize(
    ("name", "path"),
    [("", "/"), ("tech", "/"), ("", "/search?q=机顶盒"), ("", f"/entries/{SOLUTION}")],
    ids=["subscriber", "technician", "search", "entry"],
)


def sent(url: str, cookies: str) -> int:
    """How many bytes a browser is sent for an address."""
    headers = {"Accept-Encoding": "gzip, br", "Cookie": cookies}
    with urllib.request.urlopen(urllib.request.Request(quote(url, safe=":/?&=%"), headers=headers)) as answer:
        return len(answer.read())


@often
def test_a_page_is_light_and_asks_nobody_else(open_browser, name, path):
    page = open_browser(name)
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto(path, wait_until="networkidle")
    loaded = set(page.evaluate(_LOADED))
    ours = page.url.split("/", 3)[2]
    assert [url for url in {*asked, *loaded} if url.split("/", 3)[2] != ours] == []
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
    weights = {url: sent(url, cookies) for url in loaded}
    assert any("app.css" in url for url in weights)
    assert sum(weights.values()) < _MOST_BYTES, weights


@often
@pytest.mark.parametrize("width", [390, 1440])
def test_a_page_stays_where_it_is_while_it_loads(open_browser, name, path, width):
    page = open_browser(name, viewport={"width": width, "height": 844})
    page.goto(path)
    assert page.evaluate(_SHIFT) < _MOST_SHIFT


def test_the_measure_notices_what_moves(open_browser):
    page = open_browser()
    page.goto("/")
    page.evaluate("document.body.prepend(Object.assign(document.createElement('p'), {textContent: 'x'}))")
    page.wait_for_timeout(100)
    assert page.evaluate(_SHIFT) > _MOST_SHIFT
