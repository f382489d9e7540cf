"""Two decisions by somebody else, on a page that shows what they are about."""

from __future__ import annotations

import pytest

from kb import entries
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
        entries.decide(session, site.store, lead, returned, Part.CONTENT, Decision.RETURN, reason="不对")
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
