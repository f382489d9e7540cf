"""Who changed what, when, from which state to which, and why?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from kb import clock, notices
from kb.access import Permission, Person
from kb.models import AuditRow, Category, Change, Entry, Incident, Problem, Revision, Unit, User

Subject = Entry | Revision | Incident | Problem | Change | User | Unit | Category


def record(
    session: Session, by: Person, subject: Subject, action: str, *, before: str = "", after: str = "", reason: str = ""
) -> None:
    """Leave a row in the same transaction as the change, and tell whom it concerns; the subject must have been flushed.

    Call it when the record is as it will be, but for `take`: there the one who had it before is told."""
    row = AuditRow(
        actor_id=by.id,
        actor=by.name,
        subject_type=type(subject).__name__.lower(),
        subject_id=subject.id,
        action=action,
        from_state=before,
        to_state=after,
        reason=reason,
    )
    session.add(row)
    notices.announce(session, by, subject, row)


def history(session: Session, subject: Subject) -> list[AuditRow]:
    """All rows about one record, oldest first."""
    return list(
        session.scalars(
            select(AuditRow)
            .where(AuditRow.subject_type == type(subject).__name__.lower(), AuditRow.subject_id == subject.id)
            .order_by(AuditRow.id)
        )
    )


# --- looking for rows ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """Which rows are looked for; what is empty says nothing."""

    subject: str = ""  # a number, user name, key or path; an entry's number brings its revisions along
    actor: str = ""  # part of a name, or a user name
    action: str = ""
    since: dt.date | None = None  # local days, both included
    until: dt.date | None = None


def search(
    session: Session, by: Person, wanted: Wanted, *, before: int | None = None, limit: int = 50
) -> list[AuditRow]:
    """The rows that are wanted, newest first, of those with an id below `before`."""
    by.require(Permission.OPERATE)
    conditions: list[ColumnElement[bool]] = []
    if wanted.subject.strip():
        conditions.append(_about(session, wanted.subject.strip()))
    if actor := wanted.actor.strip():
        known = select(User.id).where(User.username == actor.lower())
        conditions.append(or_(AuditRow.actor.contains(actor, autoescape=True), AuditRow.actor_id.in_(known)))
    if wanted.action:
        conditions.append(AuditRow.action == wanted.action)
    if wanted.since:
        conditions.append(AuditRow.at >= _midnight(wanted.since))
    if wanted.until:
        conditions.append(AuditRow.at < _midnight(wanted.until + dt.timedelta(days=1)))
    if before is not None:
        conditions.append(AuditRow.id < before)
    return list(session.scalars(select(AuditRow).where(*conditions).order_by(AuditRow.id.desc()).limit(limit)))


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), clock.LOCAL)


def _about(session: Session, name: str) -> ColumnElement[bool]:
    """The rows about whatever has this number, user name, key or path."""
    number = name.upper()
    asked = {
        "entry": select(Entry.id).where(Entry.number == number),
        "revision": select(Revision.id).join(Entry, Entry.id == Revision.entry_id).where(Entry.number == number),
        "incident": select(Incident.id).where(Incident.number == number),
        "problem": select(Problem.id).where(Problem.number == number),
        "change": select(Change.id).where(Change.number == number),
        "user": select(User.id).where(User.username == name.lower()),
        "unit": select(Unit.id).where(Unit.key == name.lower()),
        "category": select(Category.id).where(Category.path == name),
    }
    found = {kind: session.scalars(statement).all() for kind, statement in asked.items()}
    return or_(
        false(),
        *(and_(AuditRow.subject_type == kind, AuditRow.subject_id.in_(ids)) for kind, ids in found.items() if ids),
    )


def names(session: Session, rows: Iterable[AuditRow]) -> dict[int, str]:
    """By the id of a row: the number, user name, key or path of what it is about, a revision as `SOL-000001/2`."""
    ids: dict[str, set[int]] = {}
    rows = list(rows)
    for row in rows:
        ids.setdefault(row.subject_type, set()).add(row.subject_id)
    named = {
        "entry": select(Entry.id, Entry.number),
        "incident": select(Incident.id, Incident.number),
        "problem": select(Problem.id, Problem.number),
        "change": select(Change.id, Change.number),
        "user": select(User.id, User.username),
        "unit": select(Unit.id, Unit.key),
        "category": select(Category.id, Category.path),
    }
    found: dict[tuple[str, int], str] = {}
    for kind, statement in named.items():
        column = statement.selected_columns[0]
        if kind in ids:
            found |= {(kind, key): name for key, name in session.execute(statement.where(column.in_(ids[kind])))}
    if "revision" in ids:
        revisions = select(Revision.id, Entry.number, Revision.number).join(Entry, Entry.id == Revision.entry_id)
        for key, number, place in session.execute(revisions.where(Revision.id.in_(ids["revision"]))):
            found["revision", key] = f"{number}/{place}"
    return {row.id: found.get((row.subject_type, row.subject_id), "") for row in rows}
