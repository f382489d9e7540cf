"""Can an incident be closed by any door while its gate is not met? Every changing route is tried, by page and API."""

from __future__ import annotations

import pytest

from kb import entries, incidents
from kb.lifecycle import Outcome, VerificationMethod
from tests.kb import samples
from tests.web.conftest import IN_ADDRESSES, SECRET, SOLUTION, entry_of, incident_of, person_of
from web import links

EVERYTHING = {
    "outcome": "unsolved", "method": "call_back", "said_by": "用户", "remark": "x", "reason": "duplicate", "state": "closed",
    "status": "closed", "closed_at": "2026-11-23T00:00:00Z", "verified": "1", "force": "1", "resolution": "solved",
    "decision": "approve", "description": "x", "contact_phone": "13800001234", "tried": "1",
}  # fmt: skip
DOORS = ("incidents.close", "api_incidents.close")


def _unverified(session, tech, incident):
    incidents.take(session, tech, incident)
    incidents.link(session, tech, incident, entries.find(session, tech, SOLUTION))
    incidents.resolve(session, tech, incident)


def _without_solution(session, tech, incident):
    incidents.take(session, tech, incident)
    incidents.resolve(session, tech, incident)
    incidents.verify(session, tech, incident, Outcome.SOLVED, VerificationMethod.CALL_BACK, said_by="用户")


def _solution_in_review(session, tech, incident):
    incidents.take(session, tech, incident)
    revision = incidents.write_solution(session, tech, incident, samples.attributes(), samples.BODY)
    incidents.resolve(session, tech, incident)
    incidents.verify(session, tech, incident, Outcome.SOLVED, VerificationMethod.CALL_BACK, said_by="用户")
    assert revision.state == "draft"


def _make(site, prepare) -> str:
    tech = person_of(site, "tech")
    with site.database.write() as session:
        incident = samples.incident(session, tech)
        prepare(session, tech, incident)
        session.commit()
        return incident.number


@pytest.mark.parametrize(
    ("name", "prepare"),
    [("lead", _unverified), ("lead", _without_solution), ("lead", _solution_in_review), ("tech", _unverified), ("admin", _without_solution)],
)  # fmt: skip
def test_no_route_closes_an_incident_whose_gate_is_not_met(app, site, browse, prepare, name):
    number = _make(site, prepare)
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in rule.methods and rule.endpoint != "account.logout"]
    assert {rule.endpoint for rule in rules} >= set(DOORS)
    browser = browse(name)
    with app.test_request_context():
        token = links.confirmation(incident_of(site, number)).rpartition("/")[2]
    # the doors named for it first, while the incident is as it was prepared
    for rule in sorted(rules, key=lambda rule: rule.endpoint not in DOORS):
        values = IN_ADDRESSES | {"number": number, "token": token}
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, {k: values[k] for k in rule.arguments})
        version = incident_of(site, number).version
        fields = EVERYTHING | {"version": version, "entry": SECRET, "incident": number}
        if rule.endpoint.startswith("api_"):
            answers = [browser.send(path, **fields), browser.send(path, version=version), browser.send(path)]
        else:
            answers = [browser.post(path, **fields)]
        assert all(answer.status_code < 500 for answer in answers), (rule, answers)
        assert incident_of(site, number).state != "closed", rule
        if rule.endpoint in DOORS:
            assert answers[-1].status_code == 409


def test_the_refusal_names_what_is_missing(site, browse):
    number = _make(site, _without_solution)
    browser = browse("tech")
    version = incident_of(site, number).version
    page = browser.post(f"/incidents/{number}/close", version=version)
    assert page.status_code == 409
    assert "尚未关联解决方案" in page.text
    problem = browser.send(f"/api/v1/incidents/{number}/close")
    assert (problem.status_code, problem.json["code"]) == (409, "gate_closed")
    assert any("尚未关联解决方案" in item for item in problem.json["unmet"])


def test_with_the_gate_met_both_doors_close(site, browse):
    for door in ("page", "api"):
        number = _make(site, _unverified)
        tech = person_of(site, "tech")
        with site.database.write() as session:
            samples.confirmed(session, tech, incidents.find(session, tech, number))
            session.commit()
        if door == "page":
            page = browse("tech").get(f"/incidents/{number}").text
            assert "条件都已满足" in page
            answer = browse("tech").post(f"/incidents/{number}/close", version=incident_of(site, number).version)
            assert answer.status_code == 302
        else:
            assert browse("tech").send(f"/api/v1/incidents/{number}/close").json["state"] == "closed"
        assert incident_of(site, number).state == "closed"


def test_the_close_button_waits_for_the_gate_and_each_condition_leads_to_its_fix(site, browse):
    number = _make(site, _unverified)
    page = browse("tech").get(f"/incidents/{number}").text
    assert 'disabled aria-describedby="gate">关闭事件' in page
    assert '<a href="#verify">回访用户</a>' in page
    assert entry_of(site, SOLUTION).title in page
