"""A change's way over the pages, each refusal with its reason, and what was typed kept."""

from __future__ import annotations

import re

import pytest

from kb import changes, clock, entries, reviews
from kb.lifecycle import Part
from kb.models import Change
from tests.web.conftest import person_of

NUMBER = "CHA-000001"
FORM = {
    "title": "更换朱集光节点供电器", "description": "供电器老化，成片无信号", "kind": "normal", "category": "变更/网络改造",
    "owner_group": "team-access", "nodes": "LS-ZJ-ON-01、LS-ZJ-PWR-03",
}  # fmt: skip


def change_of(site) -> Change:
    with site.database.read() as session:
        change = changes.find(session, person_of(site, "tech"), NUMBER)
        [plan.entry.number for plan in change.plans], [plan.revision.state for plan in change.plans]
        return change


def do(site, browser, verb, **form):
    return browser.post(f"/changes/{NUMBER}/{verb}", version=change_of(site).version, **form)


def local(hours: float) -> str:
    return (clock.now() + clock.dt.timedelta(hours=hours)).astimezone(clock.LOCAL).strftime("%Y-%m-%dT%H:%M")


def edit(browser, number: str) -> None:
    """Answer what the template asks for, through the entry's own form, and hand it in."""
    page = browser.get(f"/entries/{number}/edit").text
    values = dict(re.findall(r'<(?:input|textarea)[^>]* name="(\w+)"[^>]*?value="([^"]*)"', page))
    values |= dict(re.findall(r'<textarea name="(\w+)"[^>]*>\n?(.*?)</textarea>', page, re.S))
    values |= {
        name: re.search(r'value="([^"]*)" selected|<option selected>([^<]*)<', chosen).group(0).split('"')[1]
        for name, chosen in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', page, re.S)
        if "selected" in chosen
    }
    values = {name: text for name, text in values.items() if name != "csrf_token"}
    values["body"] = values["body"].replace("待填：", "已写：")
    answer = browser.post(f"/entries/{number}/edit", **(values | {"then": "submit"}))
    assert answer.status_code == 302, answer.text[-3000:]


@pytest.fixture
def tech(browse):
    browser = browse("tech")
    answer = browser.post("/changes/new", **FORM)
    assert answer.status_code == 302 and answer.location.endswith(NUMBER)
    return browser


def approve_plans(site):
    with site.database.write() as session:
        change = changes.find(session, person_of(site, "tech"), NUMBER)
        for plan in change.plans:
            revision = entries.newest_revision(session, plan.entry)
            for part in Part:
                reviews.decide(
                    session, site.store, person_of(site, "lead"), revision, part, "approve", similar=lambda *_: []
                )
        session.commit()


def test_from_request_to_closed_with_every_refusal(site, browse, tech):
    lead, lead2, tech2, admin = browse("lead"), browse("lead2"), browse("tech2"), browse("admin")

    def refused(browser, verb, status, *said, **form):
        answer = do(site, browser, verb, **form)
        assert answer.status_code == status, (verb, answer.status_code)
        for words in said:
            assert words in answer.text, (verb, words)

    # not handed in before what is needed has been written, and by nobody else
    refused(tech, "submit", 409, "还不能提交", "回退方案", "影响分析")
    refused(tech2, "submit", 403, "只有申请人")
    for plan in change_of(site).plans:
        edit(tech, plan.entry.number)
    assert do(site, tech, "submit").status_code == 302
    # not approved before its documents are, not by whoever asked, not by a technician
    refused(lead, "approve", 409, "还不能批准", "技术方案所列版本未通过审核")
    approve_plans(site)
    refused(tech, "approve", 403)
    refused(tech2, "approve", 403)
    refused(admin, "approve", 403)
    refused(tech, "start", 403, "只有指定的实施人")
    assert do(site, lead, "approve", remark="同意").status_code == 302
    # not scheduled backwards, not for whoever approved
    window = {"window_start": local(-1), "window_end": local(2)}
    refused(tech, "schedule", 422, "批准人", implementer="lead", **window)
    refused(tech, "schedule", 422, "在开始之后结束", implementer="tech2", window_start=local(2), window_end=local(1))
    refused(tech, "schedule", 422, "时间写作", implementer="tech2", window_start="明晚", window_end=local(1))
    later = {"window_start": local(5), "window_end": local(7)}
    assert do(site, tech, "schedule", implementer="tech2", **later).status_code == 302
    refused(tech2, "start", 409, "现在不在实施窗口内")
    assert do(site, tech, "schedule", implementer="tech2", **window).status_code == 302
    refused(tech, "start", 403, "只有指定的实施人")
    assert do(site, tech2, "start").status_code == 302
    refused(tech, "cancel", 409, "不能从", reason="晚了")
    assert do(site, tech2, "finish").status_code == 302
    # not reviewed and not closed before its results are recorded
    refused(lead2, "review", 409, "尚未写明测试结果", "尚未写明实施结果", remark="好")
    refused(tech, "close", 409)
    kept = "用户口电平 66"
    refused(tech2, "record", 422, "引发的事件号", kept, outcome="successful", test_results=kept, caused="some")
    refused(lead, "record", 403, outcome="successful", test_results="x", caused="none")
    assert do(site, tech2, "record", outcome="successful", test_results=kept, caused="none").status_code == 302
    refused(tech2, "review", 403, remark="好")
    assert do(site, lead2, "review", remark="符合预期").status_code == 302
    refused(tech2, "record", 409, outcome="failed", test_results="x", caused="none")
    assert do(site, tech, "close").status_code == 302
    page = tech.get(f"/changes/{NUMBER}").text
    assert "已关闭" in page and kept in page and "评审结果" in page
    assert NUMBER in tech.get("/changes?tab=done").text


def test_a_stale_form_is_told_and_keeps_what_was_typed(site, browse, tech):
    version = change_of(site).version
    do(site, tech, "tie", number="INC-404")
    browse("tech2").post("/incidents/new", description="没信号")
    assert do(site, tech, "tie", number="INC-000001").status_code == 302
    answer = tech.post(f"/changes/{NUMBER}/cancel", version=version, reason="不做了，改期")
    assert answer.status_code == 409 and "已被别人更新" in answer.text and "不做了，改期" in answer.text
    problem = tech.send(f"/api/v1/changes/{NUMBER}/cancel", version=version, reason="x")
    assert (problem.status_code, problem.json["code"]) == (409, "stale_version")
    assert (problem.json["yours"], problem.json["latest"]) == (version, change_of(site).version)


def test_a_refused_request_keeps_what_was_typed(browse):
    answer = browse("tech").post("/changes/new", **(FORM | {"title": "x", "problems": "PRB-9"}))
    assert answer.status_code == 422 and "供电器老化" in answer.text and "至少 2 字" in answer.text


def test_lists_and_pages_are_for_staff(browse, tech):
    assert NUMBER in browse("lead").get("/changes").text and NUMBER in tech.get("/changes?tab=mine").text
    assert NUMBER not in browse("tech2").get("/changes?tab=mine").text
    nobody = browse("")
    assert nobody.get(f"/changes/{NUMBER}").status_code == 302
    assert nobody.get(f"/api/v1/changes/{NUMBER}").status_code == 401
    assert tech.get("/changes/CHA-000404").status_code == 404


def test_a_document_that_was_restricted_is_named_to_its_group_alone(site, tech, browse):
    with site.database.write() as session:
        entry = changes.find(session, person_of(site, "tech"), NUMBER).plans[2].entry
        entry.audience = "restricted"
        number = entry.number
        session.commit()
    assert number not in browse("lead").get(f"/changes/{NUMBER}").text
    assert number in browse("lead2").get(f"/changes/{NUMBER}").text
    assert [plan["entry"] for plan in browse("lead").get(f"/api/v1/changes/{NUMBER}").json["plans"]][2] is None


def test_hostile_text_stays_text(tech):
    attack = '"><script>alert(1)</script>{{ 7*7 }}'
    answer = tech.post("/changes/new", **(FORM | {"title": attack, "description": attack, "nodes": attack}))
    page = tech.get(answer.location).text
    assert "<script>alert" not in page and "{{ 7*7 }}" in page


def test_a_list_page_asks_no_more_for_more_rows(site, browse, tech, count_statements):
    tech.get("/changes")
    count_statements.clear()
    tech.get("/changes")
    one = len(count_statements)
    for _ in range(3):
        tech.post("/changes/new", **FORM)
    count_statements.clear()
    assert tech.get("/changes").text.count("CHA-0000") >= 4
    assert len(count_statements) == one


def test_programs_take_the_same_steps(site, browse, tech):
    begun = tech.send(
        "/api/v1/changes", title="扩容汇聚链路", description="带宽不足", category="变更/网络改造", owner_group="team-access", nodes=["LS-CD-SW-01"]
    )  # fmt: skip
    assert begun.status_code == 201
    number = begun.json["number"]
    assert [plan["kind"] for plan in begun.json["plans"]] == ["change_request", "test_plan", "tech_plan"]
    refused = tech.send(f"/api/v1/changes/{number}/submit", version=1)
    assert (refused.status_code, refused.json["code"]) == (409, "gate_closed") and len(refused.json["unmet"]) == 6
    assert (
        tech.send(
            f"/api/v1/changes/{number}/schedule", window_start="2026-12-08T00:00", window_end="x", implementer="tech2"
        ).status_code
        == 422
    )
    assert tech.get("/api/v1/changes?mine=true").json["changes"][0]["number"] == NUMBER
    assert tech.send(f"/api/v1/changes/{number}/cancel", reason="不做了").json["state"] == "cancelled"
