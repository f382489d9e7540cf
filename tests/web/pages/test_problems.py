"""A problem's way over the pages and the API: suspected, explained, solved, offered, closed."""

from __future__ import annotations

import pytest

from kb import entries, incidents, problems
from kb.models import Incident
from tests.kb import samples
from tests.web.conftest import SECRET, SECRET_WORDS, incident_of, person_of

NUMBER = "PRB-000001"


@pytest.fixture
def three(site):
    """Open incidents of one district."""
    with site.database.write() as session:
        tech = person_of(site, "tech")
        numbers = [samples.incident(session, tech, district="district-zhuji-1").number for _ in range(3)]
        session.commit()
    return numbers


@pytest.fixture
def tech(browse, three):
    browser = browse("tech")
    answer = browser.post("/problems/new", title="朱集成片无信号", description="同一光节点", incidents="、".join(three))
    assert answer.status_code == 302 and answer.location.endswith(NUMBER)
    return browser


def problem_of(site):
    with site.database.read() as session:
        found = problems.find(session, person_of(site, "tech"), NUMBER)
        assert found.solution is None or found.solution.number
        return found


def do(site, browser, verb, **form):
    return browser.post(f"/problems/{NUMBER}/{verb}", version=problem_of(site).version, **form)


def test_from_suspicion_to_closed(site, browse, tech, three):
    lead = browse("lead")
    assert NUMBER in tech.get(f"/incidents/{three[0]}").text
    assert do(site, tech, "investigate").status_code == 302
    refused = do(site, tech, "know")
    assert refused.status_code == 409 and "尚未写明根本原因" in refused.text and "尚未写明临时措施" in refused.text
    assert do(site, tech, "write_down", root_cause="供电器老化", workaround="切备用").status_code == 302
    assert do(site, tech, "know").status_code == 302
    assert "切备用" in tech.get("/problems?tab=known").text
    refused = do(site, tech, "offer", incident=three)
    assert refused.status_code == 409
    made = do(site, tech, "write_solution", category="数字电视/信号质量", owner_group="team-tv", service="数字电视")
    assert made.status_code == 302
    number = problem_of(site).solution.number
    page = tech.get(f"/entries/{number}/edit").text
    assert "供电器老化" in page and "切备用" in page
    assert do(site, tech, "resolve").status_code == 302
    refused = do(site, tech, "close")
    assert refused.status_code == 409 and "解决方案尚未通过两项审核" in refused.text
    with site.database.write() as session:
        author, entry = person_of(site, "tech"), problems.find(session, person_of(site, "tech"), NUMBER).solution
        revision = entries.newest_revision(session, entry)
        attributes = revision.read_attributes().model_copy(update={"covers": ["TV-005"], "devices": ["光节点"]})
        entries.save(session, author, revision, attributes, samples.BODY, version=revision.version)
        entries.submit(session, author, revision)
        samples.approve(session, site.store, person_of(site, "lead"), revision)
        session.commit()
    assert "一次关联" in tech.get(f"/problems/{NUMBER}").text
    assert incident_of(site, three[0]).solution_entry_id is None
    assert do(site, tech, "offer", incident=three[:2]).status_code == 302
    linked = [incident_of(site, it).solution_entry_id is not None for it in three]
    assert linked == [True, True, False]
    assert do(site, tech, "close").status_code == 302
    assert "已关闭" in lead.get(f"/problems/{NUMBER}").text and NUMBER in lead.get("/problems?tab=done").text


def test_leads_alone_are_told_of_a_suspicion(site, browse, three):
    page = browse("lead").get("/problems").text
    assert "疑似区域故障" in page and "朱集镇区片区" in page and three[0] in page
    assert "疑似区域故障" not in browse("tech").get("/problems").text
    prefilled = browse("lead").get("/problems/new?title=朱集&incidents=" + "、".join(three)).text
    assert three[2] in prefilled


def test_only_a_lead_cancels_and_says_why(site, browse, tech):
    refused = do(site, tech, "cancel", reason="duplicate")
    assert refused.status_code == 403
    answer = do(site, browse("lead"), "cancel", reason="", remark="看错了")
    assert answer.status_code == 422 and "请选择一项" in answer.text and "看错了" in answer.text
    assert do(site, browse("lead"), "cancel", reason="no_common_cause", remark="各有原因").status_code == 302
    assert "没有共同原因" in tech.get(f"/problems/{NUMBER}").text


def test_a_stale_form_is_told_and_keeps_what_was_typed(site, tech):
    version = problem_of(site).version
    do(site, tech, "investigate")
    answer = tech.post(f"/problems/{NUMBER}/write_down", version=version, root_cause="供电器老化了", workaround="")
    assert answer.status_code == 409 and "已被别人更新" in answer.text and "供电器老化了" in answer.text


def test_a_restricted_solution_is_named_to_its_group_alone(site, browse, tech):
    with site.database.write() as session:
        made = problems.find(session, person_of(site, "tech2"), NUMBER)
        revision = entries.create(
            session, person_of(site, "tech2"), samples.attributes(title=SECRET_WORDS, audience="restricted", owner_group="team-access"), samples.BODY
        )  # fmt: skip
        problems.choose_solution(session, person_of(site, "tech2"), made, revision.entry)
        number = revision.entry.number
        session.commit()
    for path in (f"/problems/{NUMBER}", f"/api/v1/problems/{NUMBER}"):
        assert number in browse("tech2").get(path).text
        page = tech.get(path).text
        assert number not in page and SECRET_WORDS not in page
    assert tech.send(f"/api/v1/problems/{NUMBER}/choose_solution", entry=SECRET).status_code == 404


def test_hostile_text_stays_text(tech):
    attack = '"><script>alert(1)</script>'
    answer = tech.post("/problems/new", title=attack, description=attack)
    assert "<script>alert" not in tech.get(answer.location).text
    assert "<script>alert" not in tech.get("/problems").text


def test_a_list_page_asks_no_more_for_more_rows(tech, three, count_statements):
    tech.get("/problems")
    count_statements.clear()
    tech.get("/problems")
    one = len(count_statements)
    for _ in range(3):
        tech.post("/problems/new", title="又一个问题", description="x", incidents=three[0])
    count_statements.clear()
    tech.get("/problems")
    assert len(count_statements) == one


def test_programs_take_the_same_steps(site, browse, tech, three):
    begun = tech.send("/api/v1/problems", title="城东掉线", description="同一台 OLT", incidents=three)
    assert begun.status_code == 201 and begun.json["priority"] == 3 and begun.json["incidents"] == three
    path = f"/api/v1/problems/{begun.json['number']}"
    assert tech.send(f"{path}/investigate", version=1).json["state"] == "investigating"
    refused = tech.send(f"{path}/know")
    assert (refused.status_code, refused.json["code"]) == (409, "gate_closed") and len(refused.json["unmet"]) == 2
    stale = tech.send(f"{path}/resolve", version=1)
    assert (stale.json["yours"], stale.json["latest"]) == (1, 2)
    assert tech.send(f"{path}/cancel", reason="duplicate").status_code == 403
    assert browse("lead").send(f"{path}/cancel", reason="duplicate").json["state"] == "cancelled"
    assert browse("").get(path).status_code == 401
    assert [it["number"] for it in tech.get("/api/v1/problems").json["problems"]] == [NUMBER]


def test_an_incident_is_the_same_for_its_problem(site, tech, three):
    """The gate of an incident sees nothing of its problem."""
    with site.database.read() as session:
        row = session.query(Incident).filter_by(number=three[0]).one()
        assert row.version == 1 and len(incidents.unmet(row)) == 2
