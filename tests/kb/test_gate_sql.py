"""Whoever writes to the database directly meets the same gate: every way around it that we could think of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb import clock, handovers, incidents, verification
from kb.db import Database
from kb.lifecycle import CancelReason, ContactMethod, HandoverReason, Outcome, VerificationMethod
from kb.models import Incident
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples


class Stage(NamedTuple):
    session: Session
    closed: Incident
    ready: Incident  # verified, but its solution is a draft
    repaired: Incident  # nobody has said anything
    merged: Incident  # into `repaired`
    people: People


@pytest.fixture
def stage(database: Database, store: ContentStore, people: People) -> Iterator[Stage]:
    with database.write() as session:
        tech = people.tech
        entry = samples.published(session, store, tech, people.lead)
        closed = samples.resolved(session, tech)
        incidents.link(session, tech, closed, entry)
        incidents.close(session, tech, samples.confirmed(session, tech, closed))
        ready = samples.resolved(session, tech)
        incidents.write_solution(session, tech, ready, samples.attributes(title="另一条"), samples.BODY)
        samples.confirmed(session, tech, ready)
        repaired = samples.incident(session, tech)
        merged = samples.incident(session, tech)
        handovers.merge(session, people.lead, merged, repaired)
        handovers.hand_over(session, tech, repaired, reason=HandoverReason.SKILL, remark="x", line=2)
        incidents.take(session, tech, repaired)
        incidents.resolve(session, tech, repaired)
        incidents.link(session, tech, repaired, entry)
        verification.attempt(session, tech, repaired, ContactMethod.CALL)
        session.flush()
        yield Stage(session, closed, ready, repaired, merged, people)


STATEMENTS = [
    # into closed without the rule
    ("UPDATE incidents SET state = 'closed' WHERE id = {ready}", "no approved resolving solution"),
    ("UPDATE incidents SET state = 'closed' WHERE id = {repaired}", "not confirmed"),
    ("UPDATE incidents SET state = 'verified' WHERE id = {repaired}", "without the user's word"),
    ("UPDATE incidents SET state = 'closed', resolved_at = '2000-01-01' WHERE id = {repaired}", "not confirmed"),
    ("UPDATE incidents SET state = 'closed', solution_entry_id = (SELECT solution_entry_id FROM incidents WHERE id = {closed}) "
     "WHERE id = {ready}", "no approved resolving solution"),
    ("UPDATE OR REPLACE incidents SET id = {closed} WHERE id = {repaired}", "never deleted|UNIQUE|FOREIGN"),
    # out of closed, or what it rests on
    ("UPDATE incidents SET state = 'new' WHERE id = {closed}", "reopened or stays"),
    ("UPDATE incidents SET state = 'cancelled', cancel_reason = 'withdrawn' WHERE id = {closed}", "reopened or stays|not cancelled"),
    ("UPDATE incidents SET solution_revision_id = (SELECT solution_revision_id FROM incidents WHERE id = {ready}), "
     "solution_entry_id = (SELECT solution_entry_id FROM incidents WHERE id = {ready}) WHERE id = {closed}", "keeps what it rests on"),
    ("UPDATE incidents SET solution_entry_id = NULL, solution_revision_id = NULL WHERE id = {closed}", "keeps what it rests on"),
    ("UPDATE incidents SET resolved_at = NULL WHERE id = {closed}", "keeps what it rests on"),
    ("UPDATE incidents SET resolved_at = '2999-01-01' WHERE id = {closed}", "keeps what it rests on"),
    ("UPDATE incidents SET number = 'INC-X' WHERE id = {closed}", "keeps what it rests on"),
    ("DELETE FROM incidents WHERE id = {closed}", "never deleted"),
    ("DELETE FROM verifications WHERE incident_id = {closed}", "never deleted"),
    ("UPDATE verifications SET outcome = 'unsolved' WHERE incident_id = {closed}", "never changed"),
    ("UPDATE verifications SET incident_id = {repaired} WHERE incident_id = {closed}", "never changed"),
    ("INSERT INTO verifications (incident_id, outcome, method, said_by, remark, created_at) "
     "VALUES ({closed}, 'unsolved', 'signed_link', 'x', '', '2030-01-01')", "not closed yet"),
    ("INSERT OR REPLACE INTO verifications (id, incident_id, outcome, method, said_by, remark, created_at) "
     "SELECT min(id), {repaired}, 'solved', 'signed_link', 'x', '', '2030-01-01' FROM verifications", "never deleted"),
    # the solution's approval
    ("UPDATE revisions SET state = 'returned', body = 'x', object_sha256 = NULL "
     "WHERE id = (SELECT solution_revision_id FROM incidents WHERE id = {closed})", "was approved|does not change"),
    ("UPDATE revisions SET state = 'draft' WHERE id = (SELECT solution_revision_id FROM incidents WHERE id = {closed})", "was approved|with a decision"),
    ("UPDATE entries SET state = 'draft' WHERE id = (SELECT solution_entry_id FROM incidents WHERE id = {closed})", "was published"),
    ("UPDATE entries SET kind = 'policy' WHERE id = (SELECT solution_entry_id FROM incidents WHERE id = {closed})", "kind"),
    ("DELETE FROM revisions WHERE id = (SELECT solution_revision_id FROM incidents WHERE id = {closed})", "not deleted"),
    ("DELETE FROM reviews", "never deleted"),
    # cancelling, merging
    ("UPDATE incidents SET state = 'cancelled', cancel_reason = 'withdrawn' WHERE id = {repaired}", "not cancelled"),
    ("UPDATE incidents SET state = 'cancelled' WHERE id = {merged}", ""),  # nothing changes: no refusal
    ("UPDATE incidents SET duplicate_of_id = NULL WHERE id = {merged}", "stays as it is"),
    ("UPDATE incidents SET ask_reporter = NOT ask_reporter WHERE id = {merged}", "stays as it is"),
    ("UPDATE incidents SET state = 'new', cancel_reason = '', duplicate_of_id = NULL WHERE id = {merged}", "stays as it is"),
    ("UPDATE incidents SET cancel_reason = 'no time' WHERE id = {merged}", "stays as it is|cancel_reason_known"),
    ("UPDATE incidents SET cancel_reason = 'duplicate', duplicate_of_id = {repaired} WHERE id = {ready}", "cancelled_has_reason"),
    ("INSERT INTO verifications (incident_id, reporter_id, outcome, method, said_by, remark, created_at) "
     "VALUES ({repaired}, {ready}, 'solved', 'signed_link', 'x', '', '2030-01-01')", "not merged"),
    ("INSERT INTO verifications (incident_id, outcome, method, said_by, remark, created_at) "
     "VALUES ({repaired}, 'solved', 'call_back', 'x', '', '2030-01-01')", "heard_by_somebody"),
    # history
    ("UPDATE handovers SET remark = 'y'", "never changed"), ("DELETE FROM handovers", "never deleted"),
    ("UPDATE contact_attempts SET remark = 'y'", "never changed"), ("DELETE FROM contact_attempts", "never deleted"),
    ("UPDATE solution_outcomes SET outcome = 'held'", "never changed"), ("DELETE FROM solution_outcomes", "never deleted"),
    ("DELETE FROM audit", "never deleted"),
]  # fmt: skip


def _run(stage: Stage, statement: str, said: str) -> None:
    ids = {name: getattr(stage, name).id for name in ("closed", "ready", "repaired", "merged")}
    if not said:
        stage.session.execute(text(statement.format(**ids)))
        return
    with pytest.raises(IntegrityError, match=said), stage.session.begin_nested():
        stage.session.execute(text(statement.format(**ids)))


@pytest.mark.parametrize(("statement", "said"), STATEMENTS, ids=[statement[:60] for statement, _ in STATEMENTS])
def test_direct_sql_is_refused(statement: str, said: str, stage: Stage) -> None:
    _run(stage, statement, said)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_direct_sql_is_refused_by_postgresql_too(stage: Stage) -> None:
    for statement, said in STATEMENTS:
        if " OR REPLACE " not in statement:  # which is SQLite's alone
            _run(stage, statement, said)
    for table in ("incidents", "verifications", "reviews", "audit", "doubts", "changes", "problems", "handovers"):
        _run(stage, f"TRUNCATE {table} CASCADE", "never deleted")


def test_a_merged_reporter_who_is_not_asked_keeps_the_row_open(stage: Stage) -> None:
    tech = stage.people.tech
    samples.confirmed(stage.session, tech, stage.repaired)
    stage.session.flush()
    for state in ("verified", "closed"):
        with (
            pytest.raises(IntegrityError, match=r"merged report|without the user's word"),
            stage.session.begin_nested(),
        ):
            stage.session.execute(text(f"UPDATE incidents SET state = '{state}' WHERE id = {stage.repaired.id}"))
    incidents.verify(
        stage.session,
        tech,
        stage.repaired,
        Outcome.SOLVED,
        VerificationMethod.CALL_BACK,
        said_by="y",
        reporter=stage.merged,
    )
    incidents.close(stage.session, tech, stage.repaired)
    stage.session.flush()


def test_nothing_is_merged_into_what_is_verified(stage: Stage) -> None:
    fresh = samples.incident(stage.session, stage.people.tech)
    statement = (
        "UPDATE incidents SET state = 'cancelled', cancel_reason = 'duplicate', duplicate_of_id = {} WHERE id = {}"
    )
    with pytest.raises(IntegrityError, match="still open"):
        stage.session.execute(text(statement.format(stage.ready.id, fresh.id)))


def test_a_closed_incident_keeps_its_version_and_may_be_reopened(stage: Stage) -> None:
    stage.session.execute(text(f"UPDATE incidents SET version = version + 1 WHERE id = {stage.closed.id}"))
    stage.session.refresh(stage.closed)
    incidents.reopen(stage.session, stage.people.tech, stage.closed, reason="又坏了")
    stage.session.flush()


def test_cancelled_incidents_are_counted_and_sampled_alike_for_all(stage: Stage) -> None:
    session, lead = stage.session, stage.people.lead
    for _ in range(30):
        incidents.cancel(session, lead, samples.incident(session, lead), CancelReason.FALSE_REPORT)
    session.flush()
    month = clock.today().strftime("%Y-%m")
    count, sample = incidents.cancelled_sample(session, lead, month, size=5)
    again = incidents.cancelled_sample(session, stage.people.lead2, month, size=5)
    assert (count, len(sample)) == (31, 5) and again == (count, sample)
    assert incidents.cancelled_sample(session, lead, "2020-01") == (0, [])
