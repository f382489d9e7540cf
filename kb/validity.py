"""Until when does an entry hold, who relies on it, and how does it go?

Retiring names a successor or a reason, and tells every open incident that rests on the entry. A timer reminds of entries
whose validity ends soon, and takes those out of search whose validity has ended.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, selectinload

from kb import audit, clock, doubts, entries, outbox
from kb.access import Permission, Person, visible
from kb.accounts import SYSTEM
from kb.errors import Invalid
from kb.lifecycle import (
    DONE_INCIDENT,
    OPEN_REVISION,
    Answer,
    EntryState,
    RevisionState,
    check_entry_step,
    check_revision_step,
)
from kb.models import AuditRow, Entry, Incident, Reference, Revision

REMIND_BEFORE = dt.timedelta(days=30)  # before an entry's validity ends
BATCH = 500  # entries that one turn of the timer looks at
LISTED = 50  # incidents and entries that an impact names


def retire(session: Session, by: Person, entry: Entry, *, reason: str, successor: Entry | None = None) -> None:
    """Withdraw an entry for good; it leaves search at once."""
    by.require(Permission.RETIRE_ENTRIES)
    reason = reason.strip()
    if not reason and successor is None:
        problem = "停用须写明原因或指定替代词条 · retiring needs a reason or a successor"
        raise Invalid(problem, fields={"reason": problem})
    if successor is not None and (successor.id == entry.id or successor.state != EntryState.PUBLISHED):
        problem = "替代词条须是另一条已发布的词条 · the successor is another, published entry"
        raise Invalid(problem, fields={"successor": problem})
    check_entry_step(entry.state, EntryState.RETIRED)
    opened = entries.open_revision(session, entry)
    if opened is not None:  # nobody's unfinished draft keeps a wrong entry in use
        entries.step(session, by, opened, RevisionState.RETURNED, "discard", reason=reason or "词条停用")
    if entry.published is not None:
        check_revision_step(entry.published.state, RevisionState.RETIRED)
        before, entry.published.state = entry.published.state, RevisionState.RETIRED
        audit.record(session, by, entry.published, "retire", before=before, after=RevisionState.RETIRED, reason=reason)
    doubts.answer(session, by, entry, Answer.RETIRED, reason=reason)
    before, entry.state = entry.state, EntryState.RETIRED
    entry.successor = successor
    outbox.announce(session, entry, narrowing=True)
    audit.record(session, by, entry, "retire", before=before, after=entry.state, reason=reason)
    told = f"{entry.number} {reason} {f'→ {successor.number}' if successor else ''}".strip()
    for incident in session.scalars(select(Incident).where(_rests_on(entry), _OPEN)):
        audit.record(session, by, incident, "solution_retired", reason=told)


def expire_due(session: Session) -> int:
    """Take entries past their validity out of search; returns how many. A timer calls this."""
    due = session.scalars(
        select(Entry).where(Entry.state == EntryState.PUBLISHED, Entry.valid_until < clock.today()).limit(500)
    ).all()
    for entry in due:
        check_entry_step(entry.state, EntryState.EXPIRED)
        entry.state = EntryState.EXPIRED
        outbox.announce(session, entry, narrowing=True)
        audit.record(session, SYSTEM, entry, "expire", before=EntryState.PUBLISHED, after=EntryState.EXPIRED)
    return len(due)


def expiring(session: Session, by: Person, *, limit: int = 200) -> list[Entry]:
    """Published entries that this person may see and whose validity ends soon, the soonest first."""
    return list(
        session.scalars(
            select(Entry)
            .where(
                Entry.state == EntryState.PUBLISHED,
                Entry.valid_until.between(clock.today(), clock.today() + REMIND_BEFORE),
                visible(by),
            )
            .order_by(Entry.valid_until, Entry.number)
            .limit(limit)
        )
    )


def remind_due(session: Session) -> int:
    """Remind once of every published entry whose validity ends soon; returns of how many. A timer calls this."""
    reminded = exists().where(
        AuditRow.subject_type == "entry",
        AuditRow.subject_id == Entry.id,
        AuditRow.action == "validity_reminded",
        AuditRow.at >= Revision.approved_at,
    )
    due = session.scalars(
        select(Entry)
        .join(Revision, Revision.id == Entry.published_revision_id)
        .where(
            Entry.state == EntryState.PUBLISHED,
            Entry.valid_until.between(clock.today(), clock.today() + REMIND_BEFORE),
            ~reminded,
        )
        .limit(BATCH)
    ).all()
    for entry in due:
        audit.record(session, SYSTEM, entry, "validity_reminded", reason=f"{entry.valid_until} 到期")
    return len(due)


# --- who relies on an entry ----------------------------------------------------------------------------------------

_OPEN = Incident.state.not_in(sorted(DONE_INCIDENT))


@dataclass(frozen=True)
class Impact:
    """What a change or a retirement of an entry touches, as one person may see it."""

    resolving: list[Incident]  # the newest incidents whose solution it is
    open_incidents: int  # of all incidents whose solution it is
    referring: list[Incident]  # open incidents that refer to it besides
    entries: list[Entry]  # published entries that name it as related
    drafts: list[Revision]  # open revisions that name it, as related or in their text


def impact(session: Session, by: Person, entry: Entry) -> Impact:
    """Who relies on this entry? A published text is in the store, so of published entries the attribute is asked; the
    numbers in their texts are links that the pre-check of their next revision looks at."""
    solution = Incident.solution_entry_id == entry.id
    named = f'%"{entry.number}"%'
    count = session.scalar(select(func.count()).select_from(Incident).where(solution, _OPEN))
    return Impact(
        resolving=list(session.scalars(select(Incident).where(solution).order_by(Incident.id.desc()).limit(LISTED))),
        open_incidents=count or 0,
        referring=list(
            session.scalars(
                select(Incident)
                .join(Reference, Reference.incident_id == Incident.id)
                .where(Reference.entry_id == entry.id, _OPEN)
                .order_by(Incident.id.desc())
                .limit(LISTED)
            )
        ),
        entries=list(
            session.scalars(
                select(Entry)
                .join(Revision, Revision.id == Entry.published_revision_id)
                .where(
                    Entry.state == EntryState.PUBLISHED,
                    Entry.id != entry.id,
                    Revision.attributes["related"].as_string().like(named),
                    visible(by),
                )
                .order_by(Entry.number)
                .limit(LISTED)
            )
        ),
        drafts=[
            revision
            for revision in session.scalars(
                select(Revision)
                .where(
                    Revision.state.in_(sorted(OPEN_REVISION)),
                    Revision.entry_id != entry.id,
                    or_(
                        Revision.attributes["related"].as_string().like(named),
                        Revision.body.contains(entry.number, autoescape=True),
                    ),
                )
                .order_by(Revision.id)
                .limit(LISTED)
                .options(selectinload(Revision.entry), selectinload(Revision.author))
            )
            if entries.may_see_revision(by, revision)
        ],
    )


def _rests_on(entry: Entry) -> ColumnElement[bool]:
    """Incidents whose solution it is, or that refer to it."""
    refers = exists().where(Reference.incident_id == Incident.id, Reference.entry_id == entry.id)
    return or_(Incident.solution_entry_id == entry.id, refers)
