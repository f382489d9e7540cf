"""What is approved for a later day is published on that day: not before, not twice, and nothing is lost meanwhile."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from kb import assignment, audit, entries, incidents, outbox, publishing, reviews
from kb.accounts import SYSTEM
from kb.db import Database
from kb.documents import Kind
from kb.errors import Conflict, Invalid, NotFound
from kb.lifecycle import EntryState, Origin, RevisionState, Standing, Unmet
from kb.models import Revision
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import samples

DAY = dt.date(2026, 12, 1)


@pytest.fixture(autouse=True)
def _stopped(stopped_clock: Clock) -> None:
    """It is 2026-11-23."""


def scheduled(session: Session, store: ContentStore, people: People, **changes: object) -> Revision:
    revision = samples.submitted(session, people.tech, valid_from=DAY.isoformat(), **changes)
    samples.approve(session, store, people.lead, revision)
    return revision


def test_it_is_published_on_its_day_and_once(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        revision = scheduled(session, store, people, audience="public")
        entry = revision.entry
        assert (revision.scheduled, revision.state, entry.state) == (DAY, RevisionState.IN_REVIEW, EntryState.DRAFT)
        assert entries.standing(session, entry) == Standing.SCHEDULED
        with pytest.raises(NotFound):
            entries.find(session, people.subscriber, entry.number)
        assert entries.listing(session, people.lead) == []
        assert outbox.waiting(session) == 0
        stopped_clock.advance(days=7, hours=13)  # 23:00 of the day before, in China
        assert publishing.publish_due(session, store) == 0
        stopped_clock.advance(hours=1)
        assert [publishing.publish_due(session, store) for _ in range(2)] == [1, 0]
        assert entries.find(session, people.subscriber, entry.number).published is revision
        assert (revision.scheduled, outbox.waiting(session)) == (None, 1)
        last = audit.history(session, revision)[-1]
        assert (last.action, last.from_state, last.to_state) == ("publish_scheduled", "in_review", "approved")


def test_what_is_published_stays_until_then(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        before = entry.published
        revision = entries.revise(
            session,
            store,
            people.tech,
            entry,
            attributes=samples.attributes(valid_from=DAY.isoformat(), title="新版处理办法"),
        )
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        assert (entry.published, entry.title) == (before, before and before.title)
        stopped_clock.advance(days=8)
        assert publishing.publish_due(session, store) == 1
        assert (entry.published, entry.title, before and before.state) == (revision, "新版处理办法", "superseded")


def test_it_waits_for_nobody_and_its_author_may_take_it_back(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        revision = scheduled(session, store, people)
        assert reviews.review_queue(session, people.lead) == [] and reviews.due(revision, 3, samples.CALENDAR) is None
        assert reviews.in_review(session, people.lead) == [revision]
        assert (revision.assignee_id, reviews.unreviewed(session, people.tech2, ["机顶盒"])) == (None, [])
        with pytest.raises(Conflict):
            assignment.reassign(session, people.lead, revision, "lead2", reason="忙")
        stopped_clock.advance(days=6)
        assert reviews.remind_due(session, 1, samples.CALENDAR) == 0
        again = entries.recall(session, store, people.tech, revision)
        assert (revision.state, again.state) == (RevisionState.RETURNED, RevisionState.DRAFT)
        stopped_clock.advance(days=6)
        assert publishing.publish_due(session, store) == 0


def test_no_other_way_publishes_it_before_its_day(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        revision = incidents.write_solution(
            session, people.tech, incident, samples.attributes(valid_from=DAY.isoformat()), samples.BODY
        )
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        assert Unmet.SOLUTION_NOT_APPROVED in incidents.unmet(incident)
        with pytest.raises(Conflict):
            incidents.link(session, people.tech, incident, revision.entry)
        with pytest.raises(Conflict, match="2026-12-01"):
            publishing.check_in(session, store, SYSTEM, revision, "x")
        imported = entries.create(
            session, SYSTEM, samples.attributes(kind=Kind.REFERENCE, valid_from=DAY.isoformat()), "正文", origin=Origin.IMPORTED
        )  # fmt: skip
        with pytest.raises(Conflict, match="2026-12-01"):
            publishing.publish_unreviewed(session, store, SYSTEM, imported)


def test_a_day_that_has_come_changes_nothing_and_one_after_the_end_is_refused(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead, valid_from="2026-11-23")
        assert entry.state == EntryState.PUBLISHED
    with pytest.raises(Invalid) as wrong:
        entries.attributes_from(samples.attributes().model_dump() | {"valid_from": "2030-01-01"})
    assert "valid_from" in wrong.value.fields


def test_one_that_is_refused_keeps_back_no_other(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        refused, good = scheduled(session, store, people), scheduled(session, store, people, title="另一条的处理办法")
        session.execute(text("UPDATE entries SET state = 'retired' WHERE id = :id"), {"id": refused.entry_id})
        session.expire_all()
        stopped_clock.advance(days=8)
        assert publishing.publish_due(session, store) == 1
        assert (refused.state, good.state) == (RevisionState.IN_REVIEW, RevisionState.APPROVED)
