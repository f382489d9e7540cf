"""Deadlines, reminders, escalation, and many forms at once. The two decisions themselves: test_entries."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import assignment, audit, entries, reviews
from kb.accounts import SYSTEM
from kb.db import Database
from kb.documents import Kind
from kb.errors import NotAllowed
from kb.lifecycle import Decision, Part
from kb.models import AuditRow, Revision
from kb.precheck import Near
from kb.store import ContentStore
from tests.conftest import BOTH, Clock, People
from tests.kb import samples


@pytest.mark.parametrize(
    ("submitted", "days", "due"),
    [
        ("2026-11-23T02:00", 3, "2026-11-26"),  # Monday to Thursday
        ("2026-11-26T02:00", 3, "2026-12-01"),  # Thursday over the weekend to Tuesday
        ("2026-11-27T15:59", 1, "2026-11-30"),  # Friday, one minute to midnight in China
        ("2026-11-27T16:00", 1, "2026-11-30"),  # Saturday there
        ("2026-11-28T02:00", 1, "2026-11-30"),
        ("2026-09-30T02:00", 1, "2026-10-05"),  # the first three days of October are holidays, then comes a weekend
        ("2026-04-30T02:00", 2, "2026-05-05"),
    ],
)
def test_the_deadline_counts_working_days(submitted: str, days: int, due: str) -> None:
    moment = reviews.deadline(dt.datetime.fromisoformat(submitted).replace(tzinfo=dt.UTC), days, samples.CALENDAR)
    assert moment == dt.datetime.fromisoformat(f"{due}T15:59:59").replace(tzinfo=dt.UTC)


def told(session: Session, revision: Revision) -> list[str]:
    rows = audit.history(session, revision)
    return [row.action for row in rows if row.action in ("review_reminded", "review_escalated")]


def test_each_is_reminded_once_and_escalated_once(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        assert reviews.remind_due(session, 3, samples.CALENDAR) == 0
        stopped_clock.advance(days=2, hours=14)
        assert [reviews.remind_due(session, 3, samples.CALENDAR) for _ in range(3)] == [1, 0, 0]
        assert reviews.turns(session, people.lead2) == []
        stopped_clock.advance(days=2)  # Friday at midnight: one working day too late
        assert [reviews.remind_due(session, 3, samples.CALENDAR) for _ in range(3)] == [1, 0, 0]
        assert told(session, revision) == ["review_reminded", "review_escalated"]
        assert reviews.escalated(session, [revision]) == {revision.id}
        assert [row.id for row in reviews.turns(session, people.lead2)] == [revision.id]
        stopped_clock.advance(minutes=1)
        entries.recall(session, store, people.tech, revision)
        entries.submit(session, people.tech, revision)  # handed in again, the time begins again
        assert reviews.escalated(session, [revision]) == set()
        assert reviews.remind_due(session, 3, samples.CALENDAR) == 0
        stopped_clock.advance(days=7)
        assert reviews.remind_due(session, 3, samples.CALENDAR) == 2


def test_what_is_decided_is_not_reminded_of(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        samples.published(session, store, people.tech, people.lead)
        stopped_clock.advance(days=30)
        assert reviews.remind_due(session, 3, samples.CALENDAR) == 0


def test_forms_are_approved_together_where_the_precheck_passes_in_every_point(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        good = samples.submitted(session, people.tech)
        phone = samples.submitted(session, people.tech, samples.BODY + "\n电话 13812345678\n")
        look = samples.submitted(session, people.tech, devices=[])
        own = samples.submitted(session, people.lead)
        done, refused = reviews.approve_forms(
            session, store, people.lead, [good, phone, look, own, good], similar=lambda title, body: []
        )
        assert done == [good]
        assert [(row.revision.id, row.why[:2]) for row in refused] == [
            (phone.id, "个人"), (look.id, "设备"), (own.id, "作者"), (good.id, "这一"),
        ]  # fmt: skip
        assert [(review.part, review.decision) for review in good.reviews] == [(Part.FORMAL, Decision.APPROVE)]
        assert good.state == "in_review"
        with pytest.raises(NotAllowed):
            reviews.approve_forms(session, store, people.tech, [phone])


def test_a_near_duplicate_or_a_missing_search_is_looked_at_one_by_one(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        near = [Near("SOL-000009", "别的", 0.5)]
        for similar in (None, lambda title, body: near):
            done, refused = reviews.approve_forms(session, store, people.lead, [revision], similar=similar)
            assert (done, len(refused)) == ([], 1)


def test_reasons_stay(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech, kind=Kind.POLICY, category="管理制度/技术类")
        reviews.decide(session, store, people.lead, revision, Part.CONTENT, Decision.RETURN, reason="第三条不符")
        session.commit()
    with database.read() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "content_return")).one()
        assert row.reason == "第三条不符"


@BOTH
def test_the_next_of_ones_turns_comes_in_their_order_and_goes_round(
    database: Database, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        rows = []
        for name in "甲乙丙丁":
            rows.append(samples.submitted(session, people.tech, title=f"机顶盒方案{name}"))
            stopped_clock.advance(hours=1)
        assignment.reassign(session, people.lead, rows[1], "lead2", reason="休假")
        for row in (rows[0], rows[2], rows[3]):
            row.assignee_id = people.lead.id
        session.flush()
        order = [reviews.following(session, people.lead, row) for row in rows]
        assert order == [rows[2], rows[2], rows[3], rows[0]]
        assert reviews.following(session, people.lead2, rows[0]) is rows[1]
        assert reviews.following(session, people.lead2, rows[1]) is None
        audit.record(session, SYSTEM, rows[0], "review_escalated")  # everybody's now
        assert reviews.following(session, people.lead2, rows[1]) is rows[0]
