"""Does every page speak one language? In English pages Chinese is marked as such; in Chinese ones no English is left."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from tests.web.conftest import SOLUTION

_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z][A-Za-z'’-]{2,}")
_SHOWN = ("title", "placeholder", "aria-label", "alt")  # attributes that people read
_VOID = ("input", "br", "hr", "img", "link", "meta", "wbr")
_AS_IT_IS = ("title", "code", "pre", "kbd", "textarea", "script", "time")  # what was typed, and what machines read
_QUOTED = re.compile(
    r"“.*”|\([^)]*\)|\[[^\]]*\]|电视黑屏, 网速慢|数字电视|已核实|单一来源|待本地确认|种类:方案|、"
)  # examples of what to type
_NUMBERS = re.compile(r"\b[A-Z]+(?:-[A-Z0-9]+)+\b|\bkind:\w+|\bora\d+", flags=re.IGNORECASE)
# names that are the same in both languages, and what this installation was given
_NAMES = {
    "API", "EOC", "HTTP", "VPN", "GET", "POST", "RFC", "OpenAPI", "Markdown", "English", "front", "matter", "SOL", "INC", "PRB", "CHG", "TOP", "REF", "POL", "LS", "ZJ", "OLT",
    "jidinghe", "Esc", "rem", "alert", "MAC", "JSON", "Basic",
    "tech", "tech2", "lead", "lead2", "manager", "admin", "script", "img", "src", "onerror", "Too", "many", "connections", "dayinjikazhi",
}  # fmt: skip
PAGES = [
    ("", ["/", "/search", "/search?q=机顶盒", "/search?q=没有这种东西xyz", "/search?q=%22", "/report", "/report/status", "/login", "/preferences", "/design", "/offline", "/api",
          "/entries", f"/entries/{SOLUTION}", "/entries/SOL-TV-001?step=1", "/nope"]),
    ("tech", ["/", "/incidents", "/incidents?tab=open", "/incidents/new", "{incident}", "/problems", "/problems/new", "/changes", "/changes/new",
              "/reviews?tab=written", "/entries/new", "/entries/new?q=机顶盒&write=1&kind=solution", f"/entries/{SOLUTION}", "/account", "/topology/TOP-LAN-001?node=LS-OF-DSW-01", "/topology/TOP-LAN-001?fails=LS-OF-UPS-02"]),
    ("lead", ["/", "/inbox", "/reviews", "/reviews?tab=all", "{review}", f"/entries/{SOLUTION}", f"/entries/{SOLUTION}/why?q=机顶盒",
              "/incidents/cancelled", "{incident}"]),
    ("manager", ["/", "/admin", "/admin/upkeep", "/admin/taxonomy", "/admin/organisation", "/admin/audit?action=submit", "/admin/dictionary", "/admin/golden",
                 "/admin/import", "/search?q=机顶盒"]),
    ("admin", ["/admin", "/admin/users"]),
]  # fmt: skip


class Reader(HTMLParser):
    """The texts that a page shows in its own language: (text, where), without what is marked as another's."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.texts: list[str] = []
        self.root = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.root = given.get("lang") or ""
        foreign = given.get("lang", self.root) != self.root
        skipped = foreign or tag in _AS_IT_IS or "number" in (given.get("class") or "").split()
        inside = any(skip for _, skip in self.open)
        if not inside and not skipped:
            self.texts += [given[name] or "" for name in _SHOWN if name in given]
        if tag not in _VOID:
            self.open.append((tag, skipped))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(skip for _, skip in self.open):
            self.texts.append(data.strip())


def texts_of(page: str) -> list[str]:
    reader = Reader()
    reader.feed(page)
    return reader.texts


def pages(browse, places, language):
    for name, paths in PAGES:
        browser = browse(name)
        for path in paths:
            address = path.format(**places) if path.startswith("{") else path
            answer = browser.get(address, headers={"Accept-Language": language})
            assert answer.status_code == (404 if path == "/nope" else 200), (name, path)
            yield f"{name} {path}", answer.text


def test_english_pages_mark_what_is_chinese(browse, places):
    left = [
        (where, text)
        for where, page in pages(browse, places, "en")
        for text in texts_of(page)
        if _HAN.search(_QUOTED.sub("", text))
    ]
    assert left == []


def test_chinese_pages_have_no_english_left(browse, places):
    left = [
        (where, text)
        for where, page in pages(browse, places, "zh-CN")
        for text in texts_of(page)
        if set(_LATIN.findall(_NUMBERS.sub("", text))) - _NAMES and not _HAN.search(text)
    ]
    assert left == []


def test_no_word_of_a_template_stays_in_the_language_of_whoever_came_first(app):
    template = app.jinja_env.from_string('{{ "pass"|badge("finding") }} {{ "wrong · 错"|said }}')
    for language, word in (("en", "Pass"), ("zh-CN", "通过")):
        with app.test_request_context("/", headers={"Accept-Language": language}):
            assert word in template.render()
