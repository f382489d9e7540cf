"""Can everybody use every page? What axe finds in each colour scheme, how pages are built, and where Tab leads.

axe-core comes with a package of the development requirements; without that or without Chromium its tests are skipped.
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.web.conftest import SOLUTION
from tests.web.test_walk import PAGES, pages

_LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_OF_COLOUR = ["color-contrast", "link-in-text-block"]  # the rules that another colour scheme can break
_IN_HIGH_CONTRAST = ("/", "/search?q=机顶盒", f"/entries/{SOLUTION}")
_FIELDS = ("input", "select", "textarea")
_UNNAMED = ("hidden", "submit", "button", "image", "reset")  # types of input that are no field

# Each thing that Tab should stop at, numbered in the order of the document.
_NUMBER = """() => {
    const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
        .filter(it => it.checkVisibility({visibilityProperty: true}) && !it.disabled && it.tabIndex >= 0)
        .filter(it => it.type !== "radio" || it.checked || !it.form.querySelector(`[name="${it.name}"]:checked`));
    all.forEach((it, place) => { it.dataset.place = place; });
    return all.map(it => it.outerHTML.slice(0, 100));
}"""
# Where the focus is: (number, whether it is drawn, whether any of it can be seen).
_FOCUS = """() => {
    const it = document.activeElement, box = it.getClientRects()[0] || it.getBoundingClientRect();
    const points = [.1, .5, .9].map(part => [box.left + box.width * part, box.top + box.height * part]);
    const seen = points.map(([x, y]) => document.elementFromPoint(x, y)).some(top => top && (it.contains(top) || top.contains(it)));
    return [it.dataset.place, getComputedStyle(it).outlineStyle !== "none", seen];
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")


def found(page, kind: str, values: list[str]) -> list[tuple[str, list[str]]]:
    """What axe holds against a page by rules of a `kind`: (rule, elements), of what is serious or critical."""
    options = {"runOnly": {"type": kind, "values": values}, "resultTypes": ["violations"]}
    violations = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        (one["id"], [node["html"][:150] for node in one["nodes"][:5]])
        for one in violations
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("name", "paths"), PAGES, ids=[name or "subscriber" for name, _ in PAGES])
def test_axe_finds_nothing_serious(axe, open_browser, places, name, paths):
    page = open_browser(name, color_scheme="light", reduced_motion="reduce")
    held = []
    for path in paths:
        page.goto(path.format(**places) if path.startswith("{") else path)
        page.evaluate(axe)  # from outside, so that the page's own policy stays as strict as it is
        held += [(path, "light", one) for one in found(page, "tag", _LEVELS)]
        page.emulate_media(color_scheme="dark")
        held += [(path, "dark", one) for one in found(page, "rule", _OF_COLOUR)]
        page.emulate_media(color_scheme="light")
        if path in _IN_HIGH_CONTRAST:
            page.emulate_media(contrast="more")
            held += [(path, "contrast", one) for one in found(page, "rule", [*_OF_COLOUR, "color-contrast-enhanced"])]
            page.emulate_media(contrast="no-preference")
    assert held == []


def test_axe_sees_what_is_wrong(axe, open_browser):
    page = open_browser(color_scheme="dark")
    page.goto("/")
    page.evaluate(axe)
    page.evaluate(
        "document.querySelector('main').innerHTML = '<p>谁看得见</p><img src=/static/icon.svg><a href=/></a>'"
    )
    page.evaluate("document.querySelector('main p').style.color = '#333'")
    assert {rule for rule, _ in found(page, "tag", _LEVELS)} == {"color-contrast", "image-alt", "link-name"}


class Build(HTMLParser):
    """How a page is built: how often which element, its title, and the fields that have no name."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.title, self.root = "", ""
        self.open: list[str] = []
        self.fields: list[tuple[dict[str, str | None], bool]] = []
        self.named: set[str | None] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag == "html":
            self.root = given.get("lang") or ""
        if tag == "label":
            self.named.add(given.get("for"))
        if tag in _FIELDS and given.get("type") not in _UNNAMED:
            self.fields.append((given, "label" in self.open))
        if tag in ("label", "title"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open == ["title"] and self.counts["title"] == 1:  # and not those of drawings
            self.title += data.strip()

    @property
    def unnamed(self) -> list[dict[str, str | None]]:
        """The fields that no label holds or points at."""
        said = ("aria-label", "aria-labelledby")
        return [
            given
            for given, inside in self.fields
            if not inside and not any(given.get(name) for name in said) and given.get("id", "") not in self.named
        ]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page_is_built_for_a_screen_reader(browse, places, language):
    wrong = []
    refused = browse("").get("/search?q=kimd:solution", headers={"Accept-Language": language}).text
    for where, page in [("a refused query", refused), *pages(browse, places, language)]:
        built = Build()
        built.feed(page)
        counts = {name: built.counts.get(name, 0) for name in ("h1", "main", "header", "footer")}
        if set(counts.values()) != {1} or built.unnamed or built.root != language or not built.title:
            wrong.append((where, counts, built.unnamed, built.root, built.title))
    assert wrong == []


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize(
    ("name", "path"),
    [("", "/report"), ("", "/search?q=机顶盒"), ("tech", "/entries/new?q=机顶盒&write=1&kind=solution")],
)
def test_tab_leads_through_a_page_in_its_order(open_browser, name, path, width):
    page = open_browser(name, viewport={"width": width, "height": 800})
    page.goto(path)
    expected = page.evaluate(_NUMBER)
    order, undrawn, covered = [], [], []
    for _ in range(len(expected) * 2):  # a field of dates has several stops
        page.keyboard.press("Tab")
        place, drawn, seen = page.evaluate(_FOCUS)
        if place is None and len(order) == len(expected):
            break
        if place is None or (order and order[-1] == int(place)):
            continue
        order.append(int(place))
        undrawn += [] if drawn else [expected[int(place)]]
        covered += [] if seen else [expected[int(place)]]
    assert [expected[place] for place in order] == expected
    assert (undrawn, covered) == ([], [])
