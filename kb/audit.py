"""Who changed what, when, from which state to which, and why?"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import notices
from kb.access import Person
from kb.models import AuditRow, Change, Entry, Incident, Problem, Revision, User

Subject = Entry | Revision | Incident | Problem | Change | User


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
