"""Reporting and confirming without an account: the link is the proof, and the phone number stays private."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from kb import entries, incidents, selfhelp
from kb.lifecycle import Outcome
from tests.web.conftest import SOLUTION, incident_of, person_of, repair

PHONE = "13812345678"
NUMBER = "INC-000001"


def report(browser, **changes):
    form = {"description": "电视上写无信号", "contact_phone": PHONE, "contact_name": "王阿姨", "tried": "1"} | changes
    return browser.post("/report", **form)


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
    repair(site)
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
    repair(site)
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
    repair(site)
    browser.post(place, outcome="solved")
    page = browser.get(place).text
    assert "其实没好</button>" in page and ">好了</button>" not in page
    browser.post(place, outcome="unsolved", remark="又没信号了")
    assert incident_of(site, NUMBER).state == "reopened"


def test_enter_in_the_remark_presses_no_button(site, browse):
    place = report(browse("")).location
    repair(site)
    page = browse("").get(place).text
    assert '<textarea name="remark"' in page  # in a one-line field Enter would press the first button, and say yes


def test_a_remark_without_an_answer_is_kept(site, browse):
    place = report(browse("")).location
    repair(site)
    refused = browse("").post(place, remark="画面还是花")
    assert refused.status_code == 422 and "画面还是花" in refused.text


def test_a_remark_that_is_too_long_is_refused_and_not_cut(site, browse):
    place = report(browse("")).location
    repair(site)
    said = "好" * 495 + "，还是偶尔花屏"
    refused = browse("").post(place, outcome="solved", remark=said)
    assert refused.status_code == 422 and said in refused.text and "最多 500 字" in refused.text
    assert incident_of(site, NUMBER).state == "resolved"


# --- what was tried before ---------------------------------------------------------------------------------------

STEP = "把机顶盒后面的信号线拧紧"


def test_a_solution_is_steps_with_good_or_not_after_each(browse):
    page = browse("").get(f"/entries/{SOLUTION}").text
    assert "一步一步来" in page and 'aria-current="step"' in page
    assert page.index("第 1 步：好了") < page.index("第 1 步：没好")
    assert f"/report?entry={SOLUTION}&amp;steps=1" in page  # the last step leads to a report
    assert "仍不行请报修" in page and page.count("<li id=") == 1  # whom to call is no step
    assert "芝麻开门" not in page
    assert "一步一步来" not in browse("tech").get(f"/entries/{SOLUTION}").text


def test_each_step_leads_to_the_next(browse):
    number = "SOL-TV-001"
    first = browse("").get(f"/entries/{number}").text
    assert f"/entries/{number}?step=1#step-2" in first
    third = browse("").get(f"/entries/{number}?step=2").text
    assert third.count("试过了，没好") == 2
    assert 'id="step-3" class="here"' in third
    assert browse("").get(f"/entries/{number}?step=99999999999999999999").status_code == 200


def test_good_is_counted_once_for_each_browser(site, browse):
    browser = browse("")
    for _ in range(2):
        answer = browser.post(f"/entries/{SOLUTION}/helped", step="1")
        assert answer.status_code == 302
    assert "太好了" in browser.get(answer.location).text
    browse("").post(f"/entries/{SOLUTION}/helped", step="1")
    browse("tech").post(f"/entries/{SOLUTION}/helped", step="1")  # staff try nothing at home
    with site.database.read() as session:
        assert selfhelp.tally(session, person_of(site, "tech")) == (2, 0)
    assert "照着做好了 2 次" in browse("tech").get(f"/entries/{SOLUTION}").text


@pytest.mark.parametrize(("number", "step"), [(SOLUTION, "0"), (SOLUTION, "2"), (SOLUTION, "x"), ("POL-000001", "1")])
def test_only_steps_that_there_are_can_have_helped(browse, number, step):
    assert browse("").post(f"/entries/{number}/helped", step=step).status_code == 404


def test_a_report_carries_what_was_tried(site, browse):
    browser = browse("")
    form = browser.get(f"/report?entry={SOLUTION}&steps=1").text
    assert "机顶盒提示无信号的处理</textarea>" in form and STEP in form
    assert report(browser, tried="", entry=SOLUTION, steps="1").status_code == 302  # asked nothing more
    page = browse("tech").get(f"/incidents/{NUMBER}").text
    assert "用户已试过" in page and STEP in page and SOLUTION in page
    with site.database.read() as session:
        assert selfhelp.tally(session, person_of(site, "tech")) == (0, 1)


@pytest.mark.parametrize(
    ("entry", "steps"), [("POL-000001", "1"), ("SOL-NO-1", "1"), (SOLUTION, "x"), (SOLUTION, "-1")]
)
def test_a_report_is_taken_whatever_it_says_was_tried(browse, entry, steps):
    browser = browse("")
    assert browser.get(f"/report?entry={entry}&steps={steps}").status_code == 200
    assert report(browser, entry=entry, steps=steps).status_code == 302
    assert "用户已试过" not in browse("tech").get(f"/incidents/{NUMBER}").text


# --- how does it stand? ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "tail"), [(NUMBER, "5678"), ("inc-1", "5678"), (" １ ", "５６７８")])
def test_number_and_telephone_show_how_it_stands(browse, number, tail):
    browser = browse("")
    report(browser, address="朝阳里 3 栋")
    page = browser.post("/report/status", number=number, tail=tail)
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
    assert "已受理" in page.text and "保持电话畅通" in page.text and "前修好" in page.text
    for private in (PHONE, "朝阳里", "王阿姨", "电视上写无信号", "/confirm/"):
        assert private not in page.text


def test_an_unknown_number_and_a_wrong_telephone_get_one_answer(browse):
    browser = browse("")
    report(browser)
    answers = [
        browser.post("/report/status", number=NUMBER, tail="0000"),
        browser.post("/report/status", number=NUMBER, tail=""),
        browser.post("/report/status", number="INC-000009", tail="5678"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    said = {re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}
    assert len(said) == 1 and "没有查到" in said.pop()


def test_a_report_without_a_telephone_is_shown_to_nobody(site, browse):
    with site.database.write() as session:
        incidents.report(session, person_of(site, "tech"), title="没留电话", description="")
        session.commit()
    assert browse("").post("/report/status", number=NUMBER, tail="").status_code == 404


def test_guessing_ends_soon_from_one_address_and_about_one_report(browse):
    browser = browse("")
    report(browser)

    def ask(address: str, tail: str, number: str = NUMBER) -> int:
        form = {"csrf_token": browser.token, "number": number, "tail": tail}
        return browser.client.post("/report/status", data=form, environ_base={"REMOTE_ADDR": address}).status_code

    assert ask("10.0.0.1", "5678") == 200
    assert [ask("10.0.0.1", f"{guess:04d}") for guess in range(10)] == [404] * 10
    assert ask("10.0.0.1", "5678") == 429  # not even the right one
    assert ask("10.0.0.1", "5678", "INC-000002") == 429  # the address is known
    assert ask("10.0.0.2", "5678") == 429  # and so is the report
    assert ask("10.0.0.2", "5678", "INC-000002") == 404


# --- and how content are you? ------------------------------------------------------------------------------------


def test_whoever_confirmed_may_rate_until_it_is_closed(site, browse):
    browser, tech = browse(""), person_of(site, "tech")
    place = report(browser).location
    assert 'name="stars"' not in browser.get(place).text
    assert browser.post(f"{place}/rating", stars="5").status_code == 409
    repair(site)
    browser.post(place, outcome="solved")
    assert 'name="stars"' in browser.get(place).text
    refused = browser.post(f"{place}/rating", stars="6", rating_remark="师傅很细心")
    assert refused.status_code == 422 and "师傅很细心</textarea>" in refused.text and 'class="problem"' in refused.text
    assert browser.post(f"{place}/rating", stars="4", rating_remark="师傅很细心").status_code == 302
    assert "您打过 4 分" in browser.get(place).text
    assert browser.post(f"{place}/rating", stars="5", rating_remark="师傅很细心").status_code == 302
    shown = browse("tech").get(f"/incidents/{NUMBER}").text
    assert "5 分（满分 5 分）" in shown and "师傅很细心" in shown
    with site.database.write() as session:
        incident = incidents.find(session, tech, NUMBER)
        incidents.link(session, tech, incident, entries.find(session, tech, SOLUTION))
        incidents.close(session, tech, incident)
        session.commit()
    assert browser.post(f"{place}/rating", stars="1").status_code == 409
    assert "您打了 5 分" in browser.get(place).text
