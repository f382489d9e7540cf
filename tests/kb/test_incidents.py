"""An incident closes when its user confirmed the repair and its solution is approved, and no other way."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from kb import audit, entries, incidents, reviews, validity
from kb.db import Database
from kb.documents import Kind
from kb.errors import BadTransition, Conflict, GateClosed, Invalid, NotAllowed, NotFound, StaleVersion
from kb.lifecycle import CancelReason, Decision, IncidentState, Outcome, Part, Unmet, VerificationMethod
from kb.models import Incident
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import samples


def test_the_road_from_report_to_closed(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        assert incidents.unmet(incident) == [Unmet.NOT_VERIFIED, Unmet.NO_SOLUTION]
        revision = incidents.write_solution(session, people.tech, incident, samples.attributes(), samples.BODY)
        assert incidents.unmet(incident) == [Unmet.NOT_VERIFIED, Unmet.SOLUTION_NOT_APPROVED]
        samples.confirmed(session, people.tech, incident)
        assert incidents.unmet(incident) == [Unmet.SOLUTION_NOT_APPROVED]
        with pytest.raises(GateClosed) as caught:
            incidents.close(session, people.tech, incident)
        assert caught.value.unmet == [
            "关联的解决方案尚未通过两项审核 · the linked solution has not passed both reviews"
        ]
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        assert incidents.unmet(incident) == []
        incidents.close(session, people.tech, incident)
        session.commit()
        assert incident.state == IncidentState.CLOSED
        assert [
            row.to_state
            for row in audit.history(session, incident)
            if row.to_state and row.from_state in set(IncidentState)
        ] == [
            "in_progress",
            "resolved",
            "verified",
            "closed",
        ]


@pytest.mark.parametrize("verified", [False, True])
@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize("door", ["service", "sql"])
def test_gate_opens_for_verified_and_approved_alone(
    verified: bool, approved: bool, door: str, database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        revision = incidents.write_solution(session, people.tech, incident, samples.attributes(), samples.BODY)
        entries.submit(session, people.tech, revision)
        if approved:
            samples.approve(session, store, people.lead, revision)
        if verified:
            samples.confirmed(session, people.tech, incident)
        session.flush()

        def close() -> None:
            if door == "service":
                incidents.close(session, people.tech, incident)
            else:
                session.execute(text("UPDATE incidents SET state = 'closed' WHERE id = :id"), {"id": incident.id})

        if verified and approved:
            close()
        else:
            with pytest.raises((GateClosed, IntegrityError), match=r"close|closing gate"):
                close()


def test_database_refuses_a_closed_incident_that_loses_what_it_rests_on(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        incidents.link(session, people.tech, incident, samples.published(session, store, people.tech, people.lead))
        samples.confirmed(session, people.tech, incident)
        incidents.close(session, people.tech, incident)
        session.flush()
        for change in ("solution_entry_id = NULL, solution_revision_id = NULL", "resolved_at = NULL"):
            with pytest.raises(IntegrityError, match="closing gate"), session.begin_nested():
                session.execute(text(f"UPDATE incidents SET {change} WHERE id = {incident.id}"))
        for statement in ("DELETE FROM verifications", "UPDATE verifications SET outcome = 'unsolved'"):
            with pytest.raises(IntegrityError, match="never"), session.begin_nested():
                session.execute(text(statement))


@pytest.mark.parametrize("state", ["closed", "verified", "cancelled"])
def test_database_refuses_an_incident_born_closed(state: str, database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        names = [column.name for column in Incident.__table__.columns if column.name not in ("id", "number", "state")]
        listed = ", ".join(names)
        with pytest.raises(IntegrityError, match="does not begin closed"):
            session.execute(
                text(
                    f"INSERT INTO incidents (number, state, {listed}) SELECT 'INC-9', :state, {listed} FROM incidents "
                    "WHERE id = :id"
                ),
                {"id": incident.id, "state": state},
            )


def test_a_confirmation_from_before_the_last_repair_does_not_count(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        incidents.link(session, people.tech, incident, samples.published(session, store, people.tech, people.lead))
        samples.confirmed(session, people.tech, incident)
        stopped_clock.advance(hours=1)
        incidents.reopen(session, people.tech, incident, reason="又不行了")
        stopped_clock.advance(hours=1)
        incidents.resolve(session, people.tech, incident)
        assert incidents.unmet(incident) == [Unmet.NOT_VERIFIED]
        with pytest.raises(GateClosed):
            incidents.close(session, people.tech, incident)


def test_a_user_who_says_unsolved_reopens_it(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        incidents.verify(
            session,
            people.subscriber,
            incident,
            Outcome.UNSOLVED,
            VerificationMethod.SIGNED_LINK,
            said_by="报修人",
            remark="还是没信号",
        )
        assert incident.state == IncidentState.REOPENED
        assert audit.history(session, incident)[-1].reason == "还是没信号"


def test_a_verified_incident_that_turns_out_unsolved_cannot_close(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        incidents.link(session, people.tech, incident, samples.published(session, store, people.tech, people.lead))
        samples.confirmed(session, people.tech, incident)
        incidents.verify(session, people.tech, incident, Outcome.UNSOLVED, VerificationMethod.CALL_BACK, said_by="用户")
        with pytest.raises(GateClosed):
            incidents.close(session, people.tech, incident)


def test_only_what_is_resolved_can_be_confirmed(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        with pytest.raises(Conflict, match="标记已解决后"):
            samples.confirmed(session, people.tech, incident)


def test_a_confirmation_names_who_gave_it(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        with pytest.raises(Invalid, match="谁确认"):
            incidents.verify(session, people.tech, incident, Outcome.SOLVED, VerificationMethod.CALL_BACK, said_by=" ")


def test_a_subscriber_confirms_through_the_signed_link_alone(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        with pytest.raises(NotAllowed):
            incidents.verify(
                session, people.subscriber, incident, Outcome.SOLVED, VerificationMethod.CALL_BACK, said_by="我"
            )


def test_a_retired_solution_does_not_close(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        incident = samples.resolved(session, people.tech)
        incidents.link(session, people.tech, incident, entry)
        samples.confirmed(session, people.tech, incident)
        validity.retire(session, people.lead, entry, reason="写错了")
        with pytest.raises(GateClosed, match="两项审核"):
            incidents.close(session, people.tech, incident)


def test_the_revision_that_was_applied_stays_good_when_it_is_superseded(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        incident = samples.resolved(session, people.tech)
        incidents.link(session, people.tech, incident, entry)
        samples.confirmed(session, people.tech, incident)
        revision = entries.revise(session, store, people.tech, entry)
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        incidents.close(session, people.tech, incident)
        session.flush()
        assert incident.solution_revision_id != entry.published_revision_id


def test_a_returned_solution_keeps_its_incident_waiting_for_the_next_revision(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        first = incidents.write_solution(session, people.tech, incident, samples.attributes(), samples.BODY)
        entries.submit(session, people.tech, first)
        reviews.decide(session, store, people.lead, first, Part.CONTENT, Decision.RETURN, reason="步骤不全")
        second = entries.revise(session, store, people.tech, first.entry)
        session.refresh(incident)
        assert incident.solution_revision_id == second.id
        assert second.incident_id == incident.id
        row = audit.history(session, incident)[-1]
        assert (row.action, row.from_state, row.to_state) == ("solution_revised", "1", "2")
        entries.submit(session, people.tech, second)
        samples.approve(session, store, people.lead, second)
        samples.confirmed(session, people.tech, incident)
        incidents.close(session, people.tech, incident)


def test_only_approved_solutions_are_linked(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        draft = samples.submitted(session, people.tech).entry
        with pytest.raises(Conflict, match="尚未通过审核"):
            incidents.link(session, people.tech, incident, draft)
        policy = samples.published(
            session, store, people.tech, people.lead, "## 目的\n\n文", kind=Kind.POLICY, category="管理制度/技术类"
        )
        with pytest.raises(Conflict, match="不是解决方案"):
            incidents.link(session, people.tech, incident, policy)
        version = incident.version
        incidents.refer(session, people.tech, incident, policy)
        incidents.refer(session, people.tech, incident, policy)
        assert [reference.entry for reference in incident.references] == [policy]
        assert incident.version == version + 1  # a page made before knows nothing of the reference
        incidents.cancel(session, people.lead, incident, CancelReason.DUPLICATE)
        with pytest.raises(Conflict, match="先重开"):
            incidents.refer(session, people.tech, incident, policy)


def test_a_remark_has_an_end(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        said: dict[str, Any] = {
            "outcome": Outcome.SOLVED,
            "method": VerificationMethod.CALL_BACK,
            "said_by": "用户本人",
        }
        with pytest.raises(Invalid) as caught:
            incidents.verify(session, people.tech, incident, remark="好" * 501, **said)
        assert set(caught.value.fields) == {"remark"}
        incidents.verify(session, people.tech, incident, remark=" " + "好" * 500 + " ", **said)
        assert incident.verifications[-1].remark == "好" * 500


def test_linking_again_replaces_and_is_audited(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        one = samples.published(session, store, people.tech, people.lead)
        two = samples.published(session, store, people.tech, people.lead, title="另一条机顶盒无信号方案")
        incidents.link(session, people.tech, incident, one)
        incidents.link(session, people.tech, incident, two)
        assert incident.solution is two
        row = audit.history(session, incident)[-1]
        assert (row.action, row.from_state, row.to_state) == ("relink", one.number, two.number)


def test_a_technician_cannot_link_what_they_may_not_see(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.manager, people.lead, audience="restricted")
        with pytest.raises(NotFound):
            incidents.link(session, people.tech2, samples.incident(session, people.tech2), entry)


def test_cancelling_is_for_leads_with_a_reason_from_the_list(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        with pytest.raises(NotAllowed):
            incidents.cancel(session, people.tech, incident, CancelReason.DUPLICATE)
        incidents.cancel(session, people.lead, incident, CancelReason.DUPLICATE, remark="同 INC-000001")
        session.flush()
        assert incident.state == IncidentState.CANCELLED
        with pytest.raises(BadTransition):
            incidents.take(session, people.tech, incident)


def test_what_is_resolved_is_never_cancelled(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        with pytest.raises(BadTransition):
            incidents.cancel(session, people.lead, incident, CancelReason.WITHDRAWN)


def test_subscribers_do_not_touch_incidents(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        for act in (
            lambda: incidents.take(session, people.subscriber, incident),
            lambda: incidents.close(session, people.subscriber, incident),
            lambda: incidents.reopen(session, people.subscriber, incident, reason="x"),
            lambda: incidents.find(session, people.subscriber, incident.number),
            lambda: incidents.listing(session, people.subscriber),
        ):
            with pytest.raises(NotAllowed):
                act()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": "", "description": " "}, "description"),
        ({"title": "x" * 121}, "title"),
        ({"description": "x" * 20_001}, "description"),
        ({"channel": "pigeon"}, "channel"),
        ({"priority": 0}, "priority"),
        ({"district": "station-city"}, "district"),
        ({"contact_name": "x" * 81}, "contact_name"),
    ],
)
def test_a_bad_report_names_the_field(
    changes: dict[str, object], field: str, database: Database, people: People
) -> None:
    with database.write() as session, pytest.raises(Invalid) as caught:
        samples.incident(session, people.tech, **changes)
    assert list(caught.value.fields) == [field]


def test_a_report_without_login_needs_a_phone_number(database: Database, people: People) -> None:
    with database.write() as session:
        with pytest.raises(Invalid) as caught:
            samples.incident(session, people.subscriber, channel="web")
        assert list(caught.value.fields) == ["contact_phone"]
        made = samples.incident(session, people.subscriber, channel="web", contact_phone="13800000000")
        assert made.number == "INC-000001"


def test_a_draft_from_an_incident_carries_its_words_without_personal_data(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(
            session, people.tech, description="没信号了\n请打13912345678，身份证11010519491231002X"
        )
        draft = incidents.draft_from(incident)
        assert "- 没信号了" in draft
        assert "139" not in draft and "110105" not in draft
        assert draft.count("## ") == 7


def test_a_page_that_was_overtaken_changes_nothing(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        version = incident.version
        incidents.take(session, people.tech, incident)
        with pytest.raises(StaleVersion):
            incidents.check_version(incident, version)


def test_listings_put_the_urgent_and_old_first(database: Database, people: People) -> None:
    with database.write() as session:
        for priority in (4, 1, 4):
            samples.incident(session, people.tech, priority=priority)
        mine = samples.incident(session, people.tech2)
        incidents.take(session, people.tech2, mine)
        session.flush()
        assert [i.number[-1] for i in incidents.listing(session, people.tech)] == ["2", "1", "3", "4"]
        assert incidents.listing(session, people.tech2, mine=True) == [mine]
        assert incidents.listing(session, people.tech, done=True) == []
