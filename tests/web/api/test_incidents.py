"""The API takes the same steps and meets the same gate."""

from __future__ import annotations

import pytest

from tests.web.conftest import SOLUTION, incident_of

NUMBER = "INC-000001"
PATH = f"/api/v1/incidents/{NUMBER}"


@pytest.fixture
def tech(browse):
    browser = browse("tech")
    made = browser.send("/api/v1/incidents", description="没有信号", contact_phone="13812345678", channel="phone")
    assert (made.status_code, made.json["number"], made.json["confirmation"]) == (201, NUMBER, None)
    return browser


def test_from_report_to_closed(tech):
    assert tech.send(f"{PATH}/take").json["state"] == "in_progress"
    assert tech.send(f"{PATH}/wait", reason="等人").json["state"] == "pending"
    assert tech.send(f"{PATH}/take").json["assignee"] == "tech"
    assert tech.send(f"{PATH}/link", entry=SOLUTION).json["solution"] == SOLUTION
    assert tech.send(f"{PATH}/resolve").json["unmet"] == ["用户尚未确认已解决 · the user has not confirmed the repair"]
    assert tech.send(f"{PATH}/verify", outcome="solved", said_by="王").json["unmet"] == []
    assert tech.send(f"{PATH}/close").json["state"] == "closed"
    assert tech.send(f"{PATH}/reopen", reason="又坏了").json["state"] == "reopened"
    assert [row["number"] for row in tech.get("/api/v1/incidents?mine=1").json["incidents"]] == [NUMBER]


def test_a_subscriber_reports_and_gets_the_link(browse):
    answer = browse("").send("/api/v1/incidents", description="没有信号", contact_phone="13812345678")
    assert answer.status_code == 201
    assert "/confirm/" in answer.json["confirmation"]


@pytest.mark.parametrize(
    ("json", "field"),
    [({}, "description"), ({"description": "x", "priority": 9}, "priority"), ({"description": "x", "priority": "high"}, "priority"),
     ({"description": "x" * 20_001}, "description"), ({"description": "x", "state": "closed"}, "state"),
     ({"description": "x", "channel": "pigeon"}, "channel"), ({"description": "x", "district": "nowhere"}, "district")],
)  # fmt: skip
def test_bad_input_is_422_by_field(browse, json, field):
    answer = browse("tech").send("/api/v1/incidents", **json)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert field in answer.json["fields"]


def test_a_subscriber_leaves_a_phone_number(browse):
    answer = browse("").send("/api/v1/incidents", description="没有信号")
    assert answer.status_code == 422
    assert "contact_phone" in answer.json["fields"]


def test_the_wrong_version_is_409_with_both(tech):
    answer = tech.send(f"{PATH}/take", version=7)
    assert (answer.status_code, answer.json["code"]) == (409, "stale_version")
    assert (answer.json["yours"], answer.json["latest"]) == (7, 1)


def test_a_step_out_of_order_is_409(tech):
    answer = tech.send(f"{PATH}/resolve")
    assert (answer.status_code, answer.json["code"]) == (409, "bad_transition")


def test_nobody_speaks_for_the_users_link(site, tech):
    tech.send(f"{PATH}/take")
    tech.send(f"{PATH}/resolve")
    assert tech.send(f"{PATH}/verify", outcome="solved", said_by="x", method="signed_link").status_code == 409
    assert incident_of(site, NUMBER).state == "resolved"


def test_only_a_lead_cancels(tech, browse):
    assert tech.send(f"{PATH}/cancel", reason="duplicate").status_code == 403
    assert browse("lead").send(f"{PATH}/cancel", reason="whatever").status_code == 422
    assert browse("lead").send(f"{PATH}/cancel", reason="duplicate").json["state"] == "cancelled"


def test_people_stay_out_of_it(tech):
    assert "13812345678" not in tech.get(PATH).text


@pytest.mark.parametrize("verb", ["take", "wait", "resolve", "link", "verify", "close", "reopen", "cancel"])
def test_subscribers_take_no_step(site, tech, browse, verb):
    fields = {"wait": {"reason": "x"}, "link": {"entry": SOLUTION}, "verify": {"outcome": "solved", "said_by": "x"},
              "reopen": {"reason": "x"}, "cancel": {"reason": "duplicate"}}  # fmt: skip
    assert browse("").send(f"{PATH}/{verb}", **fields.get(verb, {})).status_code == 401
    assert incident_of(site, NUMBER).version == 1


def test_the_list_takes_a_fixed_number_of_statements(site, tech, count_statements):
    def statements() -> int:
        count_statements.clear()
        assert tech.get("/api/v1/incidents").status_code == 200
        return len(count_statements)

    tech.send(f"{PATH}/take")
    tech.send(f"{PATH}/link", entry=SOLUTION)
    few = statements()
    for number in range(2, 14):
        tech.send("/api/v1/incidents", description="又一件", district="district-city-1")
        tech.send(f"/api/v1/incidents/INC-{number:06d}/take")
    assert statements() <= few + 3


def test_a_note_sent_twice_is_written_once_and_asked_about_where_the_incident_went_on(tech):
    given = {"text": "楼道箱锁着", "key": "k1", "version": 1, "written_at": "2026-11-23T10:00:00+08:00"}
    first, again = (tech.send(f"{PATH}/notes", **given) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json["id"] == again.json["id"] and first.json["author"] == "tech"
    tech.send(f"{PATH}/take")
    refused = tech.send(f"{PATH}/notes", text="还在等", key="k2", version=1)
    assert (refused.status_code, refused.json["code"], refused.json["latest"]) == (409, "stale_version", 2)
    assert tech.send(f"{PATH}/notes", **given).json["id"] == first.json["id"]
    assert tech.send(f"{PATH}/notes", text="还在等", key="k2", version=2).status_code == 201
    assert tech.send(f"{PATH}/notes", text="换了话", key="k2").json["code"] == "conflict"
    assert tech.send(f"{PATH}/notes", text="").json["code"] == "invalid"


def test_a_subscriber_writes_no_notes(tech, browse):
    assert browse("").send(f"{PATH}/notes", text="x").status_code == 401
