"""Incidents go on with what was searched for, reports of one fault become one, and area faults close nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from kb import handovers, incidents, searches
from kb.db import Database
from kb.errors import BadTransition, Conflict, GateClosed, Invalid, NotAllowed
from kb.lifecycle import HandoverReason, IncidentState, Outcome, Unmet, VerificationMethod
from kb.models import Search
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples

CALL = VerificationMethod.CALL_BACK


def test_a_hand_over_carries_the_trail_and_a_reason(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        incidents.take(session, people.tech, incident)
        session.add(Search(token="t", role="technician", text="无信号 红灯", key="k", hits=3, incident_id=incident.id))
        made = handovers.hand_over(
            session, people.tech, incident, reason=HandoverReason.SKILL, remark="量过电平正常", line=2, unit="team-tv"
        )
        assert (incident.state, incident.line, incident.assignee_id) == (IncidentState.ASSIGNED, 2, None)
        assert incident.unit is not None and incident.unit.key == "team-tv"
        assert made.trail == [["无信号 红灯", 3]]
        assert searches.trail(session, incident) != []
        handovers.hand_over(
            session, people.tech, incident, reason=HandoverReason.DISPATCH, remark="请去看看", person="tech2"
        )
        assert incident.assignee_id == people.tech2.id and incident.unit.key == "team-access"
        with pytest.raises(Conflict, match="已经在那里"):
            handovers.hand_over(
                session, people.tech, incident, reason=HandoverReason.SHIFT, remark="交班", person="tech2"
            )


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"remark": " "}, "remark"), ({}, "unit"), ({"line": 4}, "line"), ({"unit": "nowhere"}, "unit"),
     ({"unit": "district-city-1"}, "unit"), ({"person": "nobody"}, "person")],
)  # fmt: skip
def test_a_hand_over_that_says_too_little_is_refused(
    changes: dict[str, object], field: str, database: Database, people: People
) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        given: dict[str, Any] = {"reason": HandoverReason.SKILL, "remark": "x"}
        with pytest.raises(Invalid) as caught:
            handovers.hand_over(session, people.tech, incident, **(given | changes))
        assert list(caught.value.fields) == [field]


def test_what_waits_for_the_user_is_not_handed_over(database: Database, people: People) -> None:
    with database.write() as session, pytest.raises(BadTransition):
        handovers.hand_over(
            session,
            people.tech,
            samples.resolved(session, people.tech),
            reason=HandoverReason.SHIFT,
            remark="x",
            line=2,
        )


def test_every_reporter_of_a_merged_fault_is_asked(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        main = samples.incident(session, people.tech, contact_phone="13800000001")
        other = samples.incident(session, people.tech, contact_phone="13800000002")
        same = samples.incident(session, people.tech, contact_phone="138-0000-0001")
        with pytest.raises(NotAllowed):
            handovers.merge(session, people.tech, other, main)
        handovers.merge(session, people.lead, other, main)
        handovers.merge(session, people.lead, same, main)
        assert (other.state, other.cancel_reason, other.duplicate_of) == ("cancelled", "duplicate", main)
        assert (other.ask_reporter, same.ask_reporter) == (True, False)
        incidents.take(session, people.tech, main)
        incidents.resolve(session, people.tech, main)
        incidents.link(session, people.tech, main, samples.published(session, store, people.tech, people.lead))
        samples.confirmed(session, people.tech, main)
        assert main.state == IncidentState.RESOLVED
        assert incidents.unmet(main) == [Unmet.OTHERS_NOT_VERIFIED]
        with pytest.raises(GateClosed, match="报修人"):
            incidents.close(session, people.lead, main)
        incidents.verify(session, people.tech, main, Outcome.SOLVED, CALL, said_by="邻居", reporter=other)
        assert main.state == IncidentState.VERIFIED
        incidents.close(session, people.tech, main)


def test_one_reporter_who_refuses_reopens_it_for_all(database: Database, people: People) -> None:
    with database.write() as session:
        main, other = samples.incident(session, people.tech), samples.incident(session, people.tech)
        handovers.merge(session, people.lead, other, main)
        incidents.take(session, people.tech, main)
        incidents.resolve(session, people.tech, main)
        samples.confirmed(session, people.tech, main)
        incidents.verify(session, people.tech, main, Outcome.UNSOLVED, CALL, said_by="邻居", reporter=other)
        assert main.state == IncidentState.REOPENED


def test_what_cannot_be_merged(database: Database, people: People) -> None:
    with database.write() as session:
        one, two, three = (samples.incident(session, people.tech) for _ in range(3))
        with pytest.raises(Conflict, match="自己"):
            handovers.merge(session, people.lead, one, one)
        handovers.merge(session, people.lead, two, one)
        with pytest.raises(Conflict, match="反向"):
            handovers.merge(session, people.lead, one, three)
        with pytest.raises(Conflict, match="已结束"):
            handovers.merge(session, people.lead, three, two)
        with pytest.raises(Conflict, match="已确认"):
            confirmed = samples.confirmed(session, people.tech, samples.resolved(session, people.tech))
            handovers.merge(session, people.lead, three, confirmed)
        with pytest.raises(Conflict, match="并入"):
            incidents.verify(
                session,
                people.tech,
                samples.resolved(session, people.tech),
                Outcome.SOLVED,
                CALL,
                said_by="x",
                reporter=two,
            )


def test_closing_an_area_fault_closes_no_child(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        parent = samples.resolved(session, people.tech)
        children = [samples.resolved(session, people.tech) for _ in range(2)]
        for child in children:
            handovers.set_parent(session, people.tech, child, parent)
        with pytest.raises(Conflict, match="一层"):
            handovers.set_parent(session, people.tech, parent, samples.incident(session, people.tech))
        with pytest.raises(Conflict, match="尚未"):
            handovers.share_solution(session, people.tech, parent)
        incidents.link(session, people.tech, parent, samples.published(session, store, people.tech, people.lead))
        assert handovers.share_solution(session, people.tech, parent) == children
        assert handovers.share_solution(session, people.tech, parent) == []
        samples.confirmed(session, people.tech, parent)
        incidents.close(session, people.tech, parent)
        assert [child.state for child in children] == ["resolved", "resolved"]
        assert [incidents.unmet(child) for child in children] == [[Unmet.NOT_VERIFIED]] * 2
