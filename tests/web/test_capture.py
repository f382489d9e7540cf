"""From a search in an incident's pane to words that its solution is found by, over the pages."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from kb.models import AuditRow, Search
from tests.web.conftest import SOLUTION, entry_of, incident_of

NUMBER = "INC-000001"
WORDS = "麻麻点点 机顶盒 13912345678"


@pytest.fixture
def tech(browse):
    browser = browse("tech")
    browser.post(
        "/incidents/new", description="电视雪花，邻居家正常", contact_name="王阿姨", contact_phone="13812345678"
    )
    return browser


def logged(site) -> list[Search]:
    site.searches.flush()
    with site.database.read() as session:
        return list(session.scalars(select(Search).order_by(Search.id)))


def do(site, browser, verb, **form):
    answer = browser.post(f"/incidents/{NUMBER}/{verb}", version=incident_of(site, NUMBER).version, **form)
    assert answer.status_code == 302, answer.text
    return answer


def close_with_search(site, tech):
    """Search in the pane, link from it, have it confirmed, close."""
    pane = tech.get(f"/incidents/{NUMBER}/suggestions?q={WORDS}").text
    words, token = (re.search(rf'name="{name}" value="([^"]*)"', pane).group(1) for name in ("words", "search"))
    do(site, tech, "take")
    do(site, tech, "link", entry=SOLUTION, words=words, search=token)
    do(site, tech, "resolve")
    do(site, tech, "verify", outcome="solved", method="call_back", said_by="王阿姨")
    do(site, tech, "close")


def test_a_search_is_logged_once_with_what_was_opened(site, browse):
    browser = browse("")
    page = browser.get("/search?q=机顶盒").text
    link = re.search(r'href="(/entries/[^"?]+\?s=[0-9a-f]{16}&amp;r=2)"', page).group(1).replace("&amp;", "&")
    assert "?s=" in browser.get("/search?q=机顶盒&page=2").text
    assert "?s=" in browser.get("/search?q=机顶盒&kind=solution").text
    assert browser.get(link).status_code == 200
    (row,) = logged(site)
    assert (row.role, row.person_id, row.text, row.opened_rank) == ("subscriber", None, "机顶盒", 2)
    with site.database.read() as session:
        assert f"/entries/{entry_of(site, re.search('/entries/([^?]+)', link).group(1)).number}?" in link
        assert session.get(Search, row.id).opened_id == entry_of(site, re.search("/entries/([^?]+)", link).group(1)).id


@pytest.mark.parametrize(
    "noise", ["?s=zzz&r=1", "?s=&r=-1", "?s=0123456789abcdef&r=x", "?s=0123456789abcdef&r=99999999999"]
)
def test_a_made_up_link_opens_the_entry_and_logs_nothing(site, browse, noise):
    assert browse("").get(f"/entries/{SOLUTION}{noise}").status_code == 200
    assert logged(site) == []


def test_a_bad_query_and_a_number_are_no_searches(site, browse):
    browse("tech").get("/search?q=knd:policy")
    browse("tech").get(f"/search?q={SOLUTION}")
    assert logged(site) == []


def test_an_api_search_is_logged_and_its_pages_are_not(site, browse):
    browser = browse("tech")
    browser.get("/api/v1/search?q=机顶盒")
    browser.get("/api/v1/search?q=机顶盒&offset=10")
    assert [(row.role, row.text) for row in logged(site)] == [("technician", "机顶盒")]


def test_what_others_search_for_is_offered_where_nothing_was_found(site, browse):
    for number in range(3):
        browse("").get("/search?q=机顶盒无信号", headers={"User-Agent": f"browser {number}"})
    site.searches.flush()
    site.searches.look_after()
    for page in ("/search", "/search?q=㐀㐁㐂"):
        assert "机顶盒无信号</a>" in browse("").get(page).text


def test_the_trail_stands_on_the_incident(site, tech):
    tech.get(f"/incidents/{NUMBER}/suggestions?q=白花花")
    close_with_search(site, tech)
    logged(site)
    page = tech.get(f"/incidents/{NUMBER}").text
    assert "查过的词" in page and "白花花" in page and "麻麻点点 机顶盒 [手机号]" in page
    assert f"由此引用 {SOLUTION}" in page


def test_captured_words_are_shown_to_leads_alone_and_removed_by_them(site, tech, browse, index):
    close_with_search(site, tech)
    index()
    address = f"/entries/{SOLUTION}"
    for name in ("", "tech", "tech2", "admin"):
        browser = browse(name)
        hits = browser.get("/api/v1/search?q=麻麻点点 机顶盒提示无信号").json["hits"]
        assert SOLUTION in [hit["id"] for hit in hits]
        shown = [
            browser.get(address).text,
            browser.get("/search?q=机顶盒提示无信号").text,
            browser.get(f"/api/v1/entries/{SOLUTION}").text,
            str(hits),
        ]
        assert not any("麻麻点点" in text for text in shown), name
        assert browser.post(f"{address}/captured/1/remove", reason="错").status_code in (401, 403)
    lead = browse("lead")
    page = lead.get(address).text
    assert "麻麻点点 机顶盒 [手机号]" in page and "电视雪花，邻居家正常" in page and "13912345678" not in page
    assert lead.post(f"{address}/captured/1/remove", reason="").status_code == 422
    assert lead.post(f"{address}/captured/1/remove", reason="说的是别的").status_code == 302
    assert "麻麻点点" not in lead.get(address).text
    assert lead.post("/entries/POL-000001/captured/2/remove", reason="错").status_code == 404
    with site.database.read() as session:
        assert session.scalar(select(AuditRow.reason).where(AuditRow.action == "remove_captured")) == "说的是别的"


def test_the_next_technician_finds_it_by_those_words(site, tech, index):
    found = f"/api/v1/search?q={WORDS.split()[0]}"
    assert SOLUTION not in tech.get(found).text
    close_with_search(site, tech)
    index()
    assert SOLUTION in [hit["id"] for hit in tech.get(found).json["hits"]]


def test_a_program_says_what_it_searched_for(site, browse):
    browser = browse("tech")
    browser.post("/incidents/new", description="电视雪花")
    answer = browser.send(f"/api/v1/incidents/{NUMBER}/link", entry=SOLUTION, query="满屏雪花")
    assert answer.status_code == 200
    assert [(row.text, row.linked_id) for row in logged(site)] == [("满屏雪花", entry_of(site, SOLUTION).id)]
