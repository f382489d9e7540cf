"""Reporting and confirming without an account: the link is the proof, and the phone number stays private."""

from __future__ import annotations

import datetime as dt

import pytest

from kb import incidents
from kb.lifecycle import Outcome
from tests.web.conftest import SOLUTION, incident_of, person_of

PHONE = "13812345678"
NUMBER = "INC-000001"


def report(browser, **changes):
    form = {"description": "电视上写无信号", "contact_phone": PHONE, "contact_name": "王阿姨", "tried": "1"} | changes
    return browser.post("/report", **form)


def resolve(site):
    tech = person_of(site, "tech")
    with site.database.write() as session:
        incident = incidents.find(session, tech, NUMBER)
        incidents.take(session, tech, incident)
        incidents.resolve(session, tech, incident)
        session.commit()


def test_what_is_known_is_offered_before_a_report_is_taken(site, browse):
    browser = browse("")
    first = report(browser, tried="")
    assert first.status_code == 200
    assert "您可以先试试" in first.text
    assert SOLUTION in first.text
    assert "电视上写无信号" in first.text and PHONE in first.text  # what was typed is still there
    assert 'name="tried" value="1"' in first.text
    assert browse("tech").get("/api/v1/incidents").json["incidents"] == []
    assert report(browser).status_code == 302


def test_a_report_gives_a_number_and_a_link(site, browse):
    browser = browse("")
    answer = report(browser, district="district-city-1", address="朝阳里 3 栋")
    assert "/confirm/" in answer.location
    page = browser.get(answer.location).text
    assert NUMBER in page and "报修已受理" in page
    assert "138****5678" in page
    assert PHONE not in page and "朝阳里" not in page and "王阿姨" not in page
    assert "好了</button>" not in page
    incident = incident_of(site, NUMBER)
    assert (incident.contact_phone, incident.channel, incident.opened_by_id) == (PHONE, "web", None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"description": " "}, "description"), ({"contact_phone": ""}, "contact_phone"), ({"district": "nowhere"}, "district"),
     ({"description": "长" * 20_001}, "description"), ({"contact_name": "名" * 81}, "contact_name")],
)  # fmt: skip
def test_a_report_that_cannot_be_taken_keeps_what_was_typed(browse, changes, field):
    refused = report(browse(""), address="朝阳里 3 栋", **changes)
    assert refused.status_code == 422
    assert "朝阳里 3 栋" in refused.text
    assert 'class="problem"' in refused.text


@pytest.mark.parametrize(("outcome", "state"), [("solved", "verified"), ("unsolved", "reopened")])
def test_the_user_has_the_last_word(site, browse, outcome, state):
    browser = browse("")
    place = report(browser).location
    resolve(site)
    page = browser.get(place).text
    assert "好了</button>" in page and "没好</button>" in page
    assert browser.post(place, outcome=outcome, remark="谢谢").status_code == 302
    incident = incident_of(site, NUMBER)
    assert incident.state == state
    with site.database.read() as session:
        said = incidents.find(session, person_of(site, "tech"), NUMBER).verifications[-1]
        assert (said.method, said.said_by, said.outcome, said.recorded_by_id) == (
            "signed_link",
            "王阿姨",
            Outcome(outcome),
            None,
        )
    assert "好了</button>" not in browser.get(place).text
    assert browser.post(place, outcome="solved").status_code == 302  # a second tap changes nothing
    assert incident_of(site, NUMBER).state == state


def test_the_link_works_from_another_device_and_needs_an_answer(site, browse):
    place = report(browse("")).location
    resolve(site)
    phone = browse("")
    assert phone.post(place).status_code == 422
    assert phone.post(place, outcome="solved").status_code == 302


def test_a_forged_or_expired_link_opens_nothing(site, browse, stopped_clock, monkeypatch):
    browser = browse("")
    place = report(browser).location
    for forged in (
        place[:-2] + "xx",
        place.replace("/confirm/", "/confirm/x"),
        "/confirm/INC-000001",
        "/confirm/" + "a" * 3000,
    ):
        assert browser.get(forged).status_code == 404
        assert browser.post(forged, outcome="solved").status_code == 404
    later = dt.datetime.now(dt.UTC).timestamp() + 31 * 24 * 3600
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    assert browse("").get(place).status_code == 404


def test_nothing_is_asked_before_it_is_mended(site, browse):
    browser = browse("")
    place = report(browser).location
    assert browser.post(place, outcome="solved").status_code == 302
    assert incident_of(site, NUMBER).state == "new"


def test_staff_register_on_their_own_page(browse):
    assert browse("tech").get("/report").location == "/incidents/new"
    assert browse("tech").post("/report", description="x").location == "/incidents/new"


def test_who_said_yes_too_soon_can_take_it_back(site, browse):
    browser = browse("")
    place = report(browser).location
    resolve(site)
    browser.post(place, outcome="solved")
    page = browser.get(place).text
    assert "其实没好</button>" in page and ">好了</button>" not in page
    browser.post(place, outcome="unsolved", remark="又没信号了")
    assert incident_of(site, NUMBER).state == "reopened"


def test_enter_in_the_remark_presses_no_button(site, browse):
    place = report(browse("")).location
    resolve(site)
    page = browse("").get(place).text
    assert '<textarea name="remark"' in page  # in a one-line field Enter would press the first button, and say yes


def test_a_remark_without_an_answer_is_kept(site, browse):
    place = report(browse("")).location
    resolve(site)
    refused = browse("").post(place, remark="画面还是花")
    assert refused.status_code == 422 and "画面还是花" in refused.text


def test_a_remark_that_is_too_long_is_refused_and_not_cut(site, browse):
    place = report(browse("")).location
    resolve(site)
    said = "好" * 495 + "，还是偶尔花屏"
    refused = browse("").post(place, outcome="solved", remark=said)
    assert refused.status_code == 422 and said in refused.text and "最多 500 字" in refused.text
    assert incident_of(site, NUMBER).state == "resolved"
