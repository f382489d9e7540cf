"""One's own notices, the number beside the link, and links that work."""

from __future__ import annotations

import re

import pytest

from kb import accounts, assignment, changes, clock, entries, incidents
from kb.accounts import SYSTEM
from kb.documents import Audience
from kb.models import User
from tests.kb import process_samples, samples
from tests.web.conftest import SOLUTION, person_of

TITLE = "<b>机顶盒</b>画面卡顿的处理"


@pytest.fixture
def submitted(site) -> None:
    with site.database.write() as session:
        samples.submitted(session, person_of(site, "tech"), title=TITLE)
        session.commit()


def number(page: str) -> str:
    found = re.search(r'aria-label="(\d+) 条未读"', page)
    return found.group(1) if found else ""


def ids(page: str) -> list[str]:
    return re.findall(r'name="id" value="(\d+)"', page)


def test_a_notice_is_counted_shown_and_marked_read(browse, submitted):
    lead = browse("lead")
    before = int(number(lead.get("/").text))
    page = lead.get("/inbox").text
    assert "&lt;b&gt;机顶盒&lt;/b&gt;画面卡顿的处理" in page and f"{SYSTEM.name} 请您审核（轮到您审核）" in page
    assert lead.post("/inbox/read", id=ids(page)[0]).location == "/inbox"
    assert number(lead.get("/").text) == str(before - 1) if before > 1 else ""
    assert lead.post("/inbox/read", until="99999").status_code == 302
    assert number(lead.get("/").text) == ""
    assert "已读</button>" not in lead.get("/inbox").text
    assert lead.post("/inbox/read", id="x").status_code == 302  # says nothing, marks nothing


def test_the_inbox_is_for_accounts_and_changes_carry_a_token(app, browse, submitted):
    assert "/login" in browse("").get("/inbox").location
    assert "消息" not in browse("").get("/").text
    assert browse("lead").client.post("/inbox/read", data={"until": "1"}).status_code == 400


def test_every_link_leads_to_a_page_its_reader_may_open(site, browse, submitted):
    with site.database.write() as session:
        tech, tech2, lead = (person_of(site, name) for name in ("tech", "tech2", "lead"))
        incident = samples.incident(session, person_of(site, "manager"))
        incidents.take(session, tech2, incident)
        mine = samples.submitted(session, tech, title="机顶盒花屏的处理")
        entries.discard(session, lead, mine, reason="重复")
        entries.revise(session, site.store, tech2, entries.find(session, tech2, SOLUTION))
        accounts.set_password(session, person_of(site, "admin"), session.get_one(User, tech.id), "another horse 9")
        process_samples.problem(session, tech, incident.number)
        change = process_samples.change(session, tech)
        changes.cancel(session, lead, change, reason="不做了")
        assignment.delegate(session, lead, "lead2", starts=clock.today(), ends=clock.today())
        session.commit()
    for name, least in (("tech", 5), ("tech2", 2), ("lead", 2), ("lead2", 1), ("manager", 1)):
        browser = browse(name)
        rows = re.findall(r'<div><a href="([^"]+)"', browser.get("/inbox").text)
        assert len(rows) >= least, name
        for target in rows:
            assert browser.get(target).status_code == 200, (name, target)


def test_a_record_out_of_sight_shows_nothing_but_that_it_changed(site, browse):
    with site.database.write() as session:
        samples.submitted(
            session, person_of(site, "tech2"), audience=Audience.RESTRICTED, owner_group="team-access", title="机房钥匙"
        )
        session.commit()
    assert "机房钥匙" in browse("lead2").get("/inbox").text
    with site.database.write() as session:
        accounts.change(session, person_of(site, "admin"), accounts.get(session, "lead2"), unit="team-tv")
        session.commit()
    lead2 = browse("lead2")
    page, answer = lead2.get("/inbox").text, lead2.get("/api/v1/notices?unread=true").json
    assert "您已无权查看的记录有变化" in page
    assert "机房钥匙" not in page and "机房钥匙" not in str(answer)
    assert {"", "user"} >= {
        notice["type"] for notice in answer["notices"] if not notice["title"] or notice["title"] == "lead2"
    }


def test_a_number_that_no_row_can_have_marks_nothing(browse, submitted):
    browser = browse("lead")
    before = number(browser.get("/").text)
    assert browser.post("/inbox/read", id=str(2**63)).status_code == 302
    assert browser.post("/inbox/read", until=str(2**63)).status_code == 302
    assert browser.send("/api/v1/notices/read", ids=[2**63]).status_code == 422
    assert browser.post("/reviews/forms", revision=str(2**63)).status_code == 302
    assert number(browser.get("/").text) == before
