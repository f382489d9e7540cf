"""Two decisions by somebody else, on a page that shows what they are about."""

from __future__ import annotations

import re

import pytest

from kb import entries, incidents, reviews
from kb.lifecycle import Decision, Part
from kb.models import Revision
from tests.kb import samples
from tests.web.conftest import SOLUTION, person_of


@pytest.fixture
def revision_id(site) -> int:
    with site.database.write() as session:
        revision = samples.submitted(session, person_of(site, "tech"), title="机顶盒画面卡顿的处理")
        session.commit()
        return revision.id


def state_of(site, revision_id) -> str:
    with site.database.read() as session:
        return session.get_one(Revision, revision_id).state


def test_two_approvals_publish_and_make_findable(site, browse, revision_id, index):
    browser = browse("lead")
    assert "机顶盒画面卡顿的处理" in browser.get("/reviews").text
    page = browser.get(f"/reviews/{revision_id}").text
    for shown in ("内容审核", "形式审核", "预检", "小节齐全"):
        assert shown in page
    assert browser.post(f"/reviews/{revision_id}/content", decision="approve").location == f"/reviews/{revision_id}"
    assert state_of(site, revision_id) == "in_review"
    assert browser.post(f"/reviews/{revision_id}/content", decision="approve").status_code == 409
    assert browse("lead2").post(f"/reviews/{revision_id}/formal", decision="approve").location == "/reviews"
    assert state_of(site, revision_id) == "approved"
    assert "机顶盒画面卡顿的处理" not in browser.get("/reviews").text
    index()
    found = browse("").get("/api/v1/search?q=画面卡顿").json["hits"]
    assert "机顶盒画面卡顿的处理" in [hit["title"] for hit in found]


def test_a_return_needs_a_reason_and_reaches_the_author(site, browse, revision_id):
    refused = browse("lead").post(f"/reviews/{revision_id}/formal", decision="return", reason=" ")
    assert refused.status_code == 422
    assert "退回须写明原因" in refused.text
    assert browse("lead").post(f"/reviews/{revision_id}/formal", decision="return", reason="缺照片").status_code == 302
    assert "缺照片" in browse("tech").get("/reviews").text
    assert "已退回" in browse("tech").get("/").text


def test_a_decision_is_one_of_two(browse, revision_id):
    for form in ({"decision": "maybe"}, {}):
        refused = browse("lead").post(f"/reviews/{revision_id}/content", reason="写好的意见", **form)
        assert refused.status_code == 422
        assert 'id="decision-problem">请选择通过或退回' in refused.text
        assert "写好的意见</textarea>" in refused.text
    assert browse("lead").post(f"/reviews/{revision_id}/third", decision="approve").status_code == 404


def test_nobody_reviews_their_own(site, browse):
    with site.database.write() as session:
        own = samples.submitted(session, person_of(site, "lead"), title="负责人自己写的方案")
        session.commit()
        own_id = own.id
    browser = browse("lead")
    assert "负责人自己写的方案" not in browser.get("/reviews").text
    page = browser.get(f"/reviews/{own_id}").text
    assert "须由别人审核" in page
    assert 'value="approve"' not in page
    for part in ("content", "formal"):
        assert browser.post(f"/reviews/{own_id}/{part}", decision="approve").status_code == 403
        assert browser.send(f"/api/v1/reviews/{own_id}", part=part, decision="approve").status_code == 403
    assert state_of(site, own_id) == "submitted"


@pytest.mark.parametrize("name", ["", "tech", "manager", "admin"])
def test_only_reviewers_decide(site, browse, revision_id, name):
    browser = browse(name)
    expected = 403 if name else 401
    assert browser.post(f"/reviews/{revision_id}/content", decision="approve").status_code == expected
    answer = browser.send(f"/api/v1/reviews/{revision_id}", part="content", decision="approve")
    assert answer.status_code == expected
    assert state_of(site, revision_id) == "submitted"


def test_a_failing_precheck_keeps_the_formal_approval_back(site, browse):
    with site.database.write() as session:
        revision = samples.submitted(
            session, person_of(site, "tech"), samples.BODY + "\n电话 13812345678\n", title="机顶盒方案里有电话"
        )
        session.commit()
        revision_id = revision.id
    refused = browse("lead").post(f"/reviews/{revision_id}/formal", decision="approve", reason="写好的意见")
    assert refused.status_code == 409
    assert "手机号" in refused.text
    assert "写好的意见" in refused.text


def test_what_differs_from_the_published_revision_is_marked(site, browse):
    with site.database.write() as session:
        tech2 = person_of(site, "tech2")
        entry = entries.find(session, tech2, SOLUTION)
        changed = samples.attributes(devices=["光猫"])
        revision = entries.revise(
            session,
            site.store,
            tech2,
            entry,
            note="换了设备",
            attributes=changed,
            body=samples.BODY.replace("射频线松脱", "光纤松脱"),
        )
        entries.submit(session, tech2, revision)
        session.commit()
        revision_id = revision.id
    page = browse("lead").get(f"/reviews/{revision_id}").text
    for shown in ("与第 1 版的不同", "<del>机顶盒</del>", "<ins>光猫</ins>", "换了设备", "有改动"):
        assert shown in page


def test_an_audience_and_an_owner_are_compared_by_name(site, browse):
    with site.database.write() as session:
        tech2 = person_of(site, "tech2")
        changed = samples.attributes(audience="staff", owner_group="team-access")
        entry = entries.find(session, tech2, SOLUTION)
        revision = entries.revise(session, site.store, tech2, entry, attributes=changed, body=samples.BODY)
        entries.submit(session, tech2, revision)
        session.commit()
        revision_id = revision.id
    page = browse("lead").get(f"/reviews/{revision_id}").text
    assert "<del>公开</del>" in page and "<ins>员工</ins>" in page
    assert "team-access</ins>" not in page and "<th>归口组</th>" in page


def test_an_earlier_revision_is_not_compared_with_what_came_after_it(site, browse):
    with site.database.write() as session:
        tech2, lead = person_of(site, "tech2"), person_of(site, "lead")
        entry = entries.find(session, tech2, SOLUTION)
        text = samples.BODY.replace("射频线松脱", "光纤松脱")
        returned = entries.revise(session, site.store, tech2, entry, attributes=samples.attributes(), body=text)
        entries.submit(session, tech2, returned)
        reviews.decide(session, site.store, lead, returned, Part.CONTENT, Decision.RETURN, reason="不对")
        better = entries.revise(session, site.store, tech2, entry, attributes=samples.attributes(), body=text)
        entries.submit(session, tech2, better)
        samples.approve(session, site.store, lead, better)
        session.commit()
        returned_id = returned.id
    page = browse("lead").get(f"/reviews/{returned_id}").text
    assert "已退回" in page
    assert "的不同" not in page and "有改动" not in page


def test_drafts_are_not_shown_to_reviewers(site, browse):
    with site.database.write() as session:
        draft = entries.create(
            session, person_of(site, "tech"), samples.attributes(title="没交的草稿在这"), samples.BODY
        )
        session.commit()
        draft_id = draft.id
    assert browse("lead").get(f"/reviews/{draft_id}").status_code == 404


def test_the_queue_takes_a_fixed_number_of_statements(site, browse, revision_id, count_statements):
    browser = browse("lead")

    def statements() -> int:
        count_statements.clear()
        assert browser.get("/reviews").status_code == 200
        return len(count_statements)

    few = statements()
    with site.database.write() as session:
        for number in range(20):
            samples.submitted(session, person_of(site, "tech"), title=f"第 {number} 份待审方案")
        session.commit()
    assert statements() <= few


def test_the_difference_is_shown_word_by_word_and_a_moved_section_is_named(site, browse):
    with site.database.write() as session:
        tech2 = person_of(site, "tech2")
        entry = entries.find(session, tech2, SOLUTION)
        cause, environment = "## 原因\n\n射频线松脱。\n\n", "## 环境\n\n数字电视，机顶盒经射频线接墙上用户盒。\n\n"
        body = samples.BODY.replace(cause, "").replace(environment, cause + environment).replace("F 头", "N 头")
        revision = entries.revise(session, site.store, tech2, entry, body=body)
        entries.submit(session, tech2, revision)
        session.commit()
        revision_id = revision.id
    page = browse("lead").get(f"/reviews/{revision_id}").text
    assert "<del>F</del><ins>N</ins> 头" in page
    assert "移动的小节" in page and "已移动" in page


def test_the_incident_and_the_solution_are_compared(site, browse):
    with site.database.write() as session:
        tech = person_of(site, "tech")
        made = samples.incident(session, tech)
        codes = [{"code": "E04", "vendor": "永新视博"}]
        written = samples.attributes(devices=["机顶盒", "光猫"], error_codes=codes)
        revision = incidents.write_solution(session, tech, made, written, samples.BODY)
        entries.say_why_new(tech, revision, "都没有说到射频线", hits=3)
        entries.submit(session, tech, revision)
        session.commit()
        revision_id = revision.id
    page = browse("lead").get(f"/reviews/{revision_id}").text
    assert "都没有说到射频线" in page
    for value, said in (("机顶盒", "事件里也说到"), ("光猫", "事件里没有"), ("E04", "事件里没有")):
        assert f'{value} <span class="badge {"good" if "也" in said else "wait"}">{said}' in page


def test_whose_turn_it_is_can_be_passed_on(site, browse, revision_id):
    lead, lead2 = browse("lead"), browse("lead2")
    assert "机顶盒画面卡顿的处理" not in lead2.get("/reviews").text
    assert '<td data-name="轮到">lead</td>' in lead2.get("/reviews?tab=all").text
    refused = lead.post(f"/reviews/{revision_id}/assign", assignee="lead2", reason="")
    assert refused.status_code == 422 and 'id="reason-problem">请写明为什么转交' in refused.text
    assert lead.post(f"/reviews/{revision_id}/assign", assignee="lead2", reason="休假").status_code == 302
    assert "机顶盒画面卡顿的处理" in lead2.get("/reviews").text
    assert "休假" in lead2.get(f"/reviews/{revision_id}").text
    assert browse("tech").post(f"/reviews/{revision_id}/assign", assignee="lead2", reason="x").status_code == 403


def test_a_deadline_is_shown_and_an_escalated_one_is_everybodys(site, browse, stopped_clock):
    with site.database.write() as session:
        samples.submitted(session, person_of(site, "tech"), title="机顶盒画面卡顿的处理")
        session.commit()
    assert "限 11-26" in browse("lead").get("/reviews").text
    answer = browse("lead").get("/api/v1/reviews").json["reviews"][0]
    assert (answer["assignee"], answer["due_at"][:10]) == ("lead", "2026-11-26")
    stopped_clock.advance(days=7)
    with site.database.write() as session:
        reviews.remind_due(session, 3, samples.CALENDAR)
        session.commit()
    page = browse("lead2").get("/reviews").text
    assert "逾期 11-26" in page and "已升级" in page


def test_forms_are_approved_together(site, browse, revision_id):
    with site.database.write() as session:
        bad = samples.submitted(session, person_of(site, "tech"), title="机顶盒方案缺设备", devices=[]).id
        session.commit()
    browser = browse("lead")
    assert browser.post("/reviews/forms", revision=[str(revision_id), str(bad)]).status_code == 302
    page = browser.get("/reviews").text
    assert "形式审核通过" in page and "没有写涉及设备" in page
    assert (state_of(site, revision_id), state_of(site, bad)) in (
        ("in_review", "submitted"),
        ("submitted", "submitted"),
    )
    assert browse("tech").post("/reviews/forms", revision=str(bad)).status_code == 403


def test_a_deputy_is_named_for_some_days(browse, stopped_clock):
    browser = browse("lead")
    refused = browser.post("/reviews/delegate", to="lead2", starts="2026-11-25", ends="2026-11-24", reason="休假原因")
    assert refused.status_code == 422
    assert 'id="ends-problem"' in refused.text and 'value="休假原因"' in refused.text
    wrong = browser.post("/reviews/delegate", to="lead2", starts="明天", ends="2026-11-24")
    assert wrong.status_code == 422 and 'id="starts-problem"' in wrong.text
    assert browser.post("/reviews/delegate", to="lead2", starts="2026-11-23", ends="2026-11-24").status_code == 302
    assert "2026-11-23 至 2026-11-24 由 lead2 代审" in browser.get("/reviews").text
    assert browser.post("/reviews/delegations/1/end").status_code == 302
    assert "由 lead2 代审" not in browser.get("/reviews").text


@pytest.mark.parametrize(("part", "decision"), [("content", "approve"), ("formal", "return")])
def test_what_was_typed_is_not_lost_to_a_quicker_colleague(browse, revision_id, part, decision):
    first = browse("lead2").post(f"/reviews/{revision_id}/{part}", decision=decision, reason="先看的")
    assert first.status_code == 302
    late = browse("lead").post(f"/reviews/{revision_id}/content", decision="return", reason="写了半天的意见")
    assert late.status_code == 409
    assert "写了半天的意见" in late.text and "先看的" in late.text


@pytest.mark.parametrize(("part", "decision"), [("content", "approve"), ("formal", "return")])
def test_a_program_that_decides_too_late_is_told_both_decisions(browse, revision_id, part, decision):
    browse("lead2").post(f"/reviews/{revision_id}/{part}", decision=decision, reason="先看的")
    late = browse("lead").send(f"/api/v1/reviews/{revision_id}", part="content", decision="return", reason="步骤不全")
    assert late.status_code == 409
    assert late.json["yours"] == {"decision": "return", "reason": "步骤不全"}
    latest = late.json["latest"]
    assert (latest["part"], latest["decision"], latest["reason"]) == (part, decision, "先看的")


def test_what_is_approved_for_a_later_day_is_shown_as_such_to_staff_alone(site, browse):
    with site.database.write() as session:
        revision = samples.submitted(
            session,
            person_of(site, "tech"),
            title="机顶盒画面卡顿的处理",
            valid_from="2099-12-01",
            valid_until="2100-01-01",
        )
        session.commit()
        number, made = revision.entry.number, revision.id
    browse("lead").post(f"/reviews/{made}/content", decision="approve")
    answer = browse("lead2").send(f"/api/v1/reviews/{made}", part="formal", decision="approve").json
    assert (answer["state"], answer["publishes_on"], answer["due_at"]) == ("in_review", "2099-12-01", None)
    assert "机顶盒画面卡顿的处理" not in browse("lead").get("/reviews").text
    assert "2099-12-01 起发布" in browse("lead").get("/reviews?tab=all").text
    assert "两项审核已通过，2099-12-01 起发布" in browse("lead").get(f"/reviews/{made}").text
    page = browse("tech2").get(f"/entries/{number}").text
    assert "待生效" in page and "2099-12-01 起发布" in page
    assert browse("").get(f"/entries/{number}").status_code == 404


def _titles(page: str) -> list[str]:
    return re.findall(r"data-walk-to>([^<]+)</a>", page)


def test_the_queue_counts_its_tabs_and_begins_with_what_is_due_first(site, browse, stopped_clock):
    with site.database.write() as session:
        for days, title in ((0, "先交的机顶盒方案"), (1, "后交的机顶盒方案"), (0, "同一天晚交的机顶盒方案")):
            stopped_clock.advance(days=days, hours=1)
            samples.submitted(session, person_of(site, "tech"), title=title)
        session.commit()
    stopped_clock.advance(hours=26)
    page = browse("lead").get("/reviews").text
    assert "待我审 <small>3</small>" in page and "我提交的 <small>0</small>" in page and "全部 <small>3</small>" in page
    assert _titles(page) == ["先交的机顶盒方案", "后交的机顶盒方案", "同一天晚交的机顶盒方案"]
    assert ">2 天</time>" in page and ">1 天</time>" in page and "限 11-26" in page
    written = browse("tech").get("/reviews?tab=nonsense").text
    assert "我提交的 <small>3</small>" in written and "待我审" not in written


def test_a_page_of_the_queue_is_not_the_whole_of_it(site, browse, monkeypatch):
    monkeypatch.setattr("web.pages.reviews.PAGE_SIZE", 2)
    with site.database.write() as session:
        for number in range(3):
            samples.submitted(session, person_of(site, "tech"), title=f"第 {number} 份待审方案")
        session.commit()
    browser = browse("lead")
    assert _titles(browser.get("/reviews").text) == ["第 0 份待审方案", "第 1 份待审方案"]
    assert _titles(browser.get("/reviews?page=2").text) == ["第 2 份待审方案"]


def test_after_a_decision_the_next_one_opens(site, browse):
    with site.database.write() as session:
        tech = person_of(site, "tech")
        first, second, third = (samples.submitted(session, tech, title=f"机顶盒方案{n}").id for n in "甲乙丙")
        session.commit()
    browser = browse("lead")
    assert browser.get(f"/reviews/{second}/next").location == f"/reviews/{third}"
    assert browser.get(f"/reviews/{third}/next").location == f"/reviews/{first}"  # round
    assert browser.post(f"/reviews/{second}/content", decision="approve").location == f"/reviews/{second}"
    assert browser.post(f"/reviews/{second}/formal", decision="approve").location == f"/reviews/{third}"
    assert browser.post(f"/reviews/{third}/content", decision="return", reason="缺照片").location == f"/reviews/{first}"
    assert browser.get(f"/reviews/{first}/next").location == "/reviews"
    assert "没有下一份" in browser.get("/reviews").text
    assert browse("tech").get(f"/reviews/{first}/next").status_code == 403


def test_impact_and_near_duplicates_stand_beside_the_revision(site, browse):
    with site.database.write() as session:
        tech2 = person_of(site, "tech2")
        entry = entries.find(session, tech2, SOLUTION)
        made = samples.incident(session, tech2)
        incidents.link(session, tech2, made, entry)
        revision = entries.revise(session, site.store, tech2, entry, body=samples.BODY.replace("F 头", "N 头"))
        entries.submit(session, tech2, revision)
        copied = samples.submitted(session, tech2, title="机顶盒没有信号，另一份")
        session.commit()
        revised, copy, number = revision.id, copied.id, made.number
    page = browse("lead").get(f"/reviews/{revised}").text
    assert "1 件未结束的事件凭它解决" in page and number in page
    page = browse("lead").get(f"/reviews/{copy}").text
    near = page[page.index('id="alike"') :]
    assert f"/entries/{SOLUTION}" in near and "% 相同" in near


def test_each_key_is_shown_on_what_it_presses(browse, revision_id):
    page = browse("lead").get(f"/reviews/{revision_id}").text
    for key in ("c", "f", "n", "u"):
        assert re.search(
            rf'data-key="{key}"[^>]*aria-keyshortcuts="{key}"[^<]*<kbd aria-hidden="true">{key}</kbd>',
            page.replace("\n", ""),
        )
    assert page.count('data-key="r"') == 2 and 'id="keys"' in page
    assert 'href="#keys"' in browse("lead").get("/reviews").text
