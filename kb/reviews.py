"""How does a revision get through its review, and who is waiting for whom?

Two decisions on each revision, content and form, by two leads or by one who decides twice, never by its author. What was
decided, and why, is kept for ever. A timer reminds of what is due and escalates what is overdue, each once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session, selectinload

from kb import audit, clock, precheck
from kb.access import Permission, Person
from kb.accounts import SYSTEM
from kb.documents import Kind
from kb.entries import may_see_revision, step
from kb.errors import Conflict, Invalid, KBError, NotAllowed, NotFound
from kb.lifecycle import (
    WAITING_REVISION,
    Decision,
    EntryState,
    Part,
    RevisionState,
    approved_parts,
)
from kb.models import AuditRow, Entry, Review, Revision
from kb.publishing import check_in
from kb.servicehours import Calendar
from kb.store import ContentStore

REMIND_BEFORE = dt.timedelta(days=1)  # of the deadline
ESCALATE_AFTER = 1  # working days past the deadline
BULK = 50  # revisions whose form is approved at once
MOST_WORDS = 5  # of a query, by which what is in review is looked for
MOST_LOOKED_AT = 50  # revisions that say them, before those that somebody may not see are left out


# --- who waits, and until when -----------------------------------------------------------------------------------


def deadline(submitted_at: dt.datetime, days: int, calendar: Calendar) -> dt.datetime:
    """The end of the local day, so many working days after it was handed in."""
    day = submitted_at.astimezone(clock.LOCAL).date()
    while days > 0:
        day += dt.timedelta(days=1)
        days -= calendar.office(day)
    return dt.datetime.combine(day, dt.time(23, 59, 59), clock.LOCAL).astimezone(dt.UTC)


def due(revision: Revision, days: int, calendar: Calendar) -> dt.datetime | None:
    """Until when is this revision to be decided on? None for what does not wait."""
    if revision.state not in WAITING_REVISION or revision.submitted_at is None or revision.scheduled:
        return None
    return deadline(revision.submitted_at, days, calendar)


def review_queue(session: Session, by: Person) -> list[Revision]:
    """Revisions waiting for a decision that this person may make, oldest first, whoever's turn it is."""
    by.require(Permission.REVIEW)
    return _decidable(by, in_review(session, by))


def _decidable(by: Person, rows: Iterable[Revision]) -> list[Revision]:
    return [row for row in rows if row.author_id != by.id and not row.scheduled]


def in_review(session: Session, by: Person) -> list[Revision]:
    """Everything in review that this person may see, whoever wrote it, and what is approved for a later day; oldest first."""
    rows = session.scalars(
        select(Revision)
        .where(Revision.state.in_(sorted(WAITING_REVISION)))
        .order_by(Revision.submitted_at, Revision.id)
        .options(
            selectinload(Revision.entry),
            selectinload(Revision.reviews),
            selectinload(Revision.author),
            selectinload(Revision.assignee),
        )
    )
    return [row for row in rows if may_see_revision(by, row)]


def unreviewed(session: Session, by: Person, words: Iterable[str], *, limit: int = 5) -> list[Revision]:
    """Solutions in review that were never published and say all of these words, for colleagues, newest first. They stand
    in no index: they count in no search, satisfy no gate, and no subscriber sees them."""
    wanted = [word for word in words if word][:MOST_WORDS]
    if not wanted or not by.may(Permission.READ_STAFF):
        return []
    rows = session.scalars(
        select(Revision)
        .join(Entry, Entry.id == Revision.entry_id)
        .where(
            Revision.state.in_(sorted(WAITING_REVISION)),
            Entry.state == EntryState.DRAFT,
            Entry.kind == Kind.SOLUTION,
            *(
                or_(Revision.title.contains(word, autoescape=True), Revision.body.contains(word, autoescape=True))
                for word in wanted
            ),
        )
        .order_by(Revision.submitted_at.desc(), Revision.id.desc())
        .limit(MOST_LOOKED_AT)
        .options(selectinload(Revision.entry), selectinload(Revision.author), selectinload(Revision.reviews))
    )
    return [row for row in rows if may_see_revision(by, row) and not row.scheduled][:limit]


def turns(session: Session, by: Person, known: Iterable[Revision] | None = None) -> list[Revision]:
    """Of the queue, what is this person's turn: assigned to them or to nobody, or escalated to all. `known` is what
    `in_review` has found for them already."""
    by.require(Permission.REVIEW)
    rows = _decidable(by, in_review(session, by) if known is None else known)
    raised = escalated(session, rows)
    return [row for row in rows if row.assignee_id in (None, by.id) or row.id in raised]


def following(session: Session, by: Person, revision: Revision) -> Revision | None:
    """Which of this person's turns comes after that revision? After the last one the first; None where there is no other."""
    by.require(Permission.REVIEW)
    raised = select(AuditRow.subject_id).where(
        AuditRow.subject_type == "revision", AuditRow.action == "review_escalated"
    )
    later = tuple_(Revision.submitted_at, Revision.id) > (revision.submitted_at, revision.id)
    for place in (later, ~later):
        rows = session.scalars(
            select(Revision)
            .where(
                Revision.state.in_(sorted(WAITING_REVISION)),
                Revision.id != revision.id,
                or_(Revision.author_id.is_(None), Revision.author_id != by.id),
                or_(Revision.assignee_id.is_(None), Revision.assignee_id == by.id, Revision.id.in_(raised)),
                place,
            )
            .order_by(Revision.submitted_at, Revision.id)
        )
        for row in rows:
            if may_see_revision(by, row) and turns(session, by, [row]):
                return row
    return None


def escalated(session: Session, revisions: Sequence[Revision]) -> set[int]:
    """Which of these were escalated since they were handed in?"""
    return _told(session, revisions, "review_escalated")


def remind_due(session: Session, days: int, calendar: Calendar) -> int:
    """Remind of revisions that are nearly due, escalate those that are overdue; returns how many of both. A timer calls
    this; every revision is reminded of once and escalated once for each time it is handed in."""
    rows = session.scalars(
        select(Revision)
        .where(Revision.state.in_(sorted(WAITING_REVISION)))
        .options(selectinload(Revision.reviews), selectinload(Revision.assignee))
    )
    waiting = [row for row in rows if not row.scheduled]
    reminded, raised = _told(session, waiting, "review_reminded"), escalated(session, waiting)
    told = 0
    for revision in waiting:
        assert revision.submitted_at is not None  # it waits
        due = deadline(revision.submitted_at, days, calendar)
        if revision.id not in reminded and clock.now() >= due - REMIND_BEFORE:
            who = revision.assignee.display_name if revision.assignee else ""
            audit.record(session, SYSTEM, revision, "review_reminded", reason=f"{who} {due:%Y-%m-%d}".strip())
            told += 1
        if revision.id not in raised and clock.now() >= deadline(due, ESCALATE_AFTER, calendar):
            audit.record(session, SYSTEM, revision, "review_escalated", reason=f"逾期，全体负责人可见 {due:%Y-%m-%d}")
            told += 1
    return told


def _told(session: Session, revisions: Sequence[Revision], action: str) -> set[int]:
    """Of which of these has such a row been written since they were handed in?"""
    rows = session.execute(
        select(AuditRow.subject_id, func.max(AuditRow.at))
        .where(
            AuditRow.subject_type == "revision",
            AuditRow.subject_id.in_([revision.id for revision in revisions]),
            AuditRow.action == action,
        )
        .group_by(AuditRow.subject_id)
    )
    last = dict(rows.all())
    return {
        revision.id
        for revision in revisions
        if revision.id in last and revision.submitted_at is not None and last[revision.id] >= revision.submitted_at
    }


# --- deciding ------------------------------------------------------------------------------------------------------


def decide(
    session: Session,
    store: ContentStore,
    by: Person,
    revision: Revision,
    part: Part,
    decision: Decision,
    *,
    reason: str = "",
    similar: precheck.Similar | None = None,
) -> Revision:
    """Give one of the two decisions. The second approval checks the revision in, or leaves that to the day it names; a return
    ends the review. Raises Conflict with `yours` and `latest` where somebody decided first."""
    by.require(Permission.REVIEW)
    if revision.author_id == by.id:
        raise NotAllowed("作者不能审核自己的修订 · authors do not review their own revision")
    if not may_see_revision(by, revision):
        raise NotFound("没有这份修订 · no such revision")
    reason = reason.strip()
    both = {"yours": {"decision": decision, "reason": reason}, "latest": _standing(revision, part)}
    if revision.state not in WAITING_REVISION:
        raise Conflict("这份修订不在审核中 · the revision is not in review", state=revision.state, **both)
    if any(review.part == part for review in revision.reviews):
        raise Conflict("这一项已有决定 · this part has been decided", part=part, **both)
    if decision is Decision.RETURN and not reason:
        problem = "退回须写明原因 · a return needs a reason"
        raise Invalid(problem, fields={"reason": problem})
    if part is Part.FORMAL and decision is Decision.APPROVE:
        failed = [c for c in precheck.run(session, store, revision, similar) if c.outcome is precheck.Finding.FAIL]
        if failed:
            raise Conflict(
                "预检未通过，不能通过形式审核 · the pre-check fails: " + "; ".join(c.message for c in failed),
                checks=[c.message for c in failed],
            )
    review = Review(revision=revision, part=part, decision=decision, reason=reason, reviewer_id=by.id)
    session.add(review)
    session.flush()
    action = f"{part}_{decision}"
    if decision is Decision.RETURN:
        step(session, by, revision, RevisionState.RETURNED, action, reason=reason)
    elif approved_parts([(r.part, r.decision) for r in revision.reviews]) == set(Part):
        if revision.state == RevisionState.SUBMITTED:
            revision.state = RevisionState.IN_REVIEW
            session.flush()
        if revision.scheduled and revision.scheduled > clock.today():
            revision.assignee_id = None  # it is nobody's turn any more
            when = f"{revision.scheduled} 起发布"
            audit.record(session, by, revision, action, before=revision.state, after=revision.state, reason=when)
        else:
            check_in(session, store, by, revision, action)
    else:
        step(session, by, revision, RevisionState.IN_REVIEW, action, reason=reason)
    return revision


def _standing(revision: Revision, part: Part) -> dict[str, str]:
    """The decision that somebody gave on a part, else on the other one; empty where there is none."""
    for review in sorted(revision.reviews, key=lambda review: review.part != part):
        said = {"part": review.part, "decision": review.decision, "reason": review.reason}
        return said | {"reviewer": review.reviewer.display_name}
    return {}


@dataclass(frozen=True)
class Refused:
    """A revision whose form could not be approved with the others, and why not."""

    revision: Revision
    why: str


def approve_forms(
    session: Session,
    store: ContentStore,
    by: Person,
    revisions: Iterable[Revision],
    *,
    similar: precheck.Similar | None = None,
) -> tuple[list[Revision], list[Refused]]:
    """Approve the form of those whose pre-check passes in every point; what a person must look at is refused here."""
    by.require(Permission.REVIEW)
    done: list[Revision] = []
    refused: list[Refused] = []
    for revision in list(revisions)[:BULK]:
        open_points = [
            f"{check.name}：{check.message}"
            for check in precheck.run(session, store, revision, similar)
            if check.outcome is not precheck.Finding.PASS
        ]
        if open_points:
            refused.append(Refused(revision, "；".join(open_points)))
            continue
        try:
            decide(session, store, by, revision, Part.FORMAL, Decision.APPROVE, similar=similar)
        except KBError as exc:  # refused before anything was changed
            refused.append(Refused(revision, exc.message))
        else:
            done.append(revision)
    return done, refused
