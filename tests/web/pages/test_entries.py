"""An entry's page for each kind of reader and each state of the entry."""

from __future__ import annotations

from kb import entries, incidents, validity
from tests.kb import samples
from tests.web.conftest import SOLUTION, TOPOLOGY, person_of


def test_subscribers_see_how_to_help_themselves_and_where_to_report(browse):
    page = browse("").get(f"/entries/{SOLUTION}").text
    assert "用户自助" in page
    assert "移交" not in page
    assert f"/report?entry={SOLUTION}" in page
    assert "60~80" not in page


def test_staff_see_both_faces_attributes_figures_and_versions(browse):
    page = browse("tech").get(f"/entries/{SOLUTION}").text
    for shown in ("仅员工", "芝麻开门", "60~80", "单一来源", "数字电视组", "第 1 版", "接线图.png", "开始修订"):
        assert shown in page


def test_an_image_is_shown_and_everything_is_addressed_by_revision(browse):
    answer = browse("tech").get(f"/entries/{SOLUTION}/revisions/1/attachments/接线图.png")
    assert answer.content_type == "image/png"
    assert answer.data.startswith(b"\x89PNG")


def test_a_topology_is_two_tables(browse):
    page = browse("tech").get(f"/entries/{TOPOLOGY}").text
    assert "节点" in page and "链路" in page
    assert "双绞线" in page or "光纤" in page
    assert "nodes:" not in page


def test_a_retired_entry_leads_to_its_successor(site, browse):
    tech, lead = person_of(site, "tech"), person_of(site, "lead")
    with site.database.write() as session:
        better = samples.published(session, site.store, tech, lead, title="机顶盒无信号的更好办法")
        session.commit()
    answer = browse("lead").post(f"/entries/{SOLUTION}/retire", reason="", successor=better.number)
    assert answer.status_code == 302
    assert "已停用" in browse("tech").get(f"/entries/{SOLUTION}").text
    assert "机顶盒无信号的更好办法" in browse("tech").get(f"/entries/{SOLUTION}").text
    assert browse("").get(f"/entries/{SOLUTION}").status_code == 404


def test_only_a_lead_retires_and_says_why(browse):
    assert browse("tech").post(f"/entries/{SOLUTION}/retire", reason="不要了").status_code == 403
    refused = browse("lead").post(f"/entries/{SOLUTION}/retire", reason=" ", successor="")
    assert refused.status_code == 422
    assert "停用须写明原因" in refused.text


def test_an_expired_entry_says_so_to_staff_and_is_gone_for_subscribers(site, browse, stopped_clock):
    stopped_clock.advance(days=800)
    assert browse("").get(f"/entries/{SOLUTION}").status_code == 404
    assert "已过有效期" in browse("tech").get(f"/entries/{SOLUTION}").text
    with site.database.write() as session:
        validity.expire_due(session)
        session.commit()
    assert "已过有效期" in browse("tech").get(f"/entries/{SOLUTION}").text


def test_a_draft_is_for_staff(site, browse):
    with site.database.write() as session:
        revision = entries.create(session, person_of(site, "tech"), samples.attributes(), samples.BODY)
        session.commit()
        number = revision.entry.number
    assert browse("").get(f"/entries/{number}").status_code == 404
    assert browse("").get(f"/entries/{number}/revisions/1").status_code == 404
    page = browse("tech2").get(f"/entries/{number}").text
    assert "尚未发布" in page


def test_the_list_goes_by_kind(browse):
    assert TOPOLOGY in browse("tech").get("/entries?kind=topology").text
    assert SOLUTION not in browse("tech").get("/entries?kind=topology").text
    assert browse("tech").get("/entries?page=-1").status_code == 200


def test_a_doubt_is_marked_and_answered(browse):
    tech, lead = browse("tech"), browse("lead")
    refused = tech.post(f"/entries/{SOLUTION}/question", evidence=" ")
    assert refused.status_code == 422 and 'id="evidence-problem"' in refused.text
    assert tech.post(f"/entries/{SOLUTION}/question", evidence="照做三次都无效").status_code == 302
    page = lead.get(f"/entries/{SOLUTION}").text
    assert "此词条存疑" in page and "照做三次都无效" in page and "存疑</span>" in page
    assert "照做三次都无效" not in browse("").get(f"/entries/{SOLUTION}").text  # between ourselves
    assert SOLUTION in lead.get("/reviews").text
    assert tech.post(f"/entries/{SOLUTION}/confirm", reason="对").status_code == 403
    assert lead.post(f"/entries/{SOLUTION}/confirm", reason="复核无误").status_code == 302
    assert "此词条存疑" not in lead.get(f"/entries/{SOLUTION}").text


def test_who_refers_to_it_is_shown_before_it_is_retired(site, browse):
    with site.database.write() as session:
        tech = person_of(site, "tech")
        entries.create(session, tech, samples.attributes(title="引用它的一条", related=[SOLUTION]), samples.BODY)
        session.commit()
    page = browse("lead").get(f"/entries/{SOLUTION}").text
    assert "谁引用它" in page and "引用它的一条" in page and "1 份未完成的修订" in page


def test_colleagues_find_what_is_in_review_and_subscribers_do_not(site, browse):
    with site.database.write() as session:
        number = samples.submitted(session, person_of(site, "tech"), title="机顶盒螃蟹爬屏的处理").entry.number
        session.commit()
    page = browse("tech2").get("/search?q=螃蟹爬屏").text
    assert number in page and "未审" in page
    assert number not in browse("").get("/search?q=螃蟹爬屏").text


def test_an_incident_shows_that_its_solution_is_in_doubt_or_gone(site, browse):
    with site.database.write() as session:
        tech = person_of(site, "tech")
        made = samples.incident(session, tech)
        entry = entries.find(session, tech, SOLUTION)
        incidents.link(session, tech, made, entry)
        entries.question(session, tech, entry, "做不通")
        session.commit()
        number = made.number
    assert "这条存疑" in browse("tech").get(f"/incidents/{number}").text
    with site.database.write() as session:
        lead = person_of(site, "lead")
        validity.retire(session, lead, entries.find(session, lead, SOLUTION), reason="作废了")
        session.commit()
    page = browse("tech").get(f"/incidents/{number}").text
    assert "这条已停用" in page and "所用词条停用" in page and "作废了" in page
