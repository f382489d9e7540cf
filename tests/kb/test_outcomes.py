"""A refused confirmation counts against the solution's revision, and one that keeps failing goes back to review."""

from __future__ import annotations

from sqlalchemy.orm import Session

from kb import doubts, entries, incidents, outcomes
from kb.db import Database
from kb.lifecycle import Outcome, VerificationMethod
from kb.models import Entry, Incident
from kb.outcomes import Tally
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples


def _applied(session: Session, people: People, entry: Entry, *, held: bool) -> Incident:
    incident = samples.resolved(session, people.tech)
    incidents.link(session, people.tech, incident, entry)
    if held:
        incidents.close(session, people.tech, samples.confirmed(session, people.tech, incident))
    else:
        incidents.verify(
            session,
            people.tech,
            incident,
            Outcome.UNSOLVED,
            VerificationMethod.CALL_BACK,
            said_by="用户",
            remark="还是花屏",
        )
    return incident


def test_a_solution_that_keeps_failing_is_questioned_once_with_the_evidence(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        first = _applied(session, people, entry, held=False)
        for _ in range(3):
            _applied(session, people, entry, held=True)
        assert doubts.open_doubts(session, entry) == []
        second = _applied(session, people, entry, held=False)
        _applied(session, people, entry, held=False)
        session.flush()
        (doubt,) = doubts.open_doubts(session, entry)
        assert first.number in doubt.evidence and second.number in doubt.evidence and "还是花屏" in doubt.evidence
        assert outcomes.tallies(session, people.tech, entry) == [Tally(1, 3, 3)]


def test_two_failures_far_apart_question_nothing(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        _applied(session, people, entry, held=False)
        for _ in range(outcomes.LAST - 1):
            _applied(session, people, entry, held=True)
        _applied(session, people, entry, held=False)
        assert doubts.open_doubts(session, entry) == []


def test_the_latest_word_on_an_incident_counts(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        incident = _applied(session, people, entry, held=True)
        incidents.reopen(session, people.tech, incident, reason="又不行了")
        assert outcomes.tallies(session, people.tech, entry) == [Tally(1, 0, 1)]
        incidents.resolve(session, people.tech, incident)
        incidents.close(session, people.tech, samples.confirmed(session, people.tech, incident))
        assert outcomes.tallies(session, people.tech, entry) == [Tally(1, 1, 0)]


def test_a_new_revision_begins_without_the_old_ones_failures(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        for _ in range(outcomes.REFUSED):
            _applied(session, people, entry, held=False)
        assert doubts.open_doubts(session, entry) != []
        revision = entries.revise(session, store, people.tech, entry)
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        assert doubts.open_doubts(session, entry) == []
        _applied(session, people, entry, held=True)
        assert outcomes.tallies(session, people.tech, entry) == [Tally(2, 1, 0), Tally(1, 0, 2)]
