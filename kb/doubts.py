"""Is what is published still right? Evidence that it is not, and what became of it.

A doubt takes nothing out of sight: the entry stays published, marked, and stands in the review queue until a lead who is
not its author confirms it with a reason, another revision passes both reviews, or it is retired.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from kb import audit, clock
from kb.access import Permission, Person, may_see
from kb.accounts import SYSTEM
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.lifecycle import Answer, EntryState
from kb.models import Doubt, Entry, Revision
from kb.plain import plain

MAX_EVIDENCE = 2_000  # characters


def question(session: Session, by: Person, entry: Entry, evidence: str) -> Doubt:
    """Put a published entry into doubt. The same evidence twice is one doubt."""
    if by is not SYSTEM:
        by.require(Permission.WRITE_ENTRIES)
        if not may_see(by, entry.audience, entry.owner_group):
            raise NotFound(f"没有词条 {entry.number}，或您无权查看 · no such entry, or not for you to see")
    if entry.state != EntryState.PUBLISHED or entry.published_revision_id is None:
        raise Conflict(f"{entry.number} 不在发布中 · only a published entry is doubted", number=entry.number)
    evidence = plain(evidence)
    if not evidence or len(evidence) > MAX_EVIDENCE:
        problem = f"请写明依据，最多 {MAX_EVIDENCE} 字 · say what speaks against it"
        raise Invalid(problem, fields={"evidence": problem})
    for known in open_doubts(session, entry):
        if known.evidence == evidence and known.revision_id == entry.published_revision_id:
            return known
    doubt = Doubt(
        entry=entry,
        revision_id=entry.published_revision_id,
        raised_by_id=by.id,
        evidence=evidence,
    )
    session.add(doubt)
    entry.questioned_at = entry.questioned_at or clock.now()
    session.flush()
    audit.record(session, by, entry, "question", reason=evidence)
    return doubt


def confirm(session: Session, by: Person, entry: Entry, *, reason: str) -> None:
    """A lead who did not write it holds that it is right, and says why; that answers all open doubts about it."""
    by.require(Permission.REVIEW)
    if not may_see(by, entry.audience, entry.owner_group):
        raise NotFound(f"没有词条 {entry.number}，或您无权查看 · no such entry, or not for you to see")
    if entry.questioned_at is None:
        raise Conflict(f"{entry.number} 没有存疑 · it is not in doubt", number=entry.number)
    if any(by.id in _authors(session, doubt.revision) for doubt in open_doubts(session, entry)):
        raise NotAllowed("作者不能确认自己的修订 · authors do not confirm their own revision")
    if not reason.strip():
        problem = "请写明为什么仍然正确 · say why it is right all the same"
        raise Invalid(problem, fields={"reason": problem})
    answer(session, by, entry, Answer.CONFIRMED, reason=reason.strip())


def _authors(session: Session, revision: Revision) -> set[int | None]:
    """Who wrote it: of a minor correction, that is whoever wrote what it corrects, too."""
    base = session.get(Revision, revision.base_id) if revision.base_id is not None else None
    return {revision.author_id, base.author_id if base else None}


def answer(session: Session, by: Person, entry: Entry, given: Answer, *, reason: str = "") -> None:
    """Close the open doubts about an entry, if there are any. The database asks again who confirms."""
    if entry.questioned_at is None:
        return
    now = clock.now()  # one moment for all that are answered together
    for doubt in open_doubts(session, entry):
        doubt.answer, doubt.answered_at = given, now
        doubt.answered_by_id, doubt.reason = by.id, reason
    entry.questioned_at = None
    session.flush()
    audit.record(session, by, entry, f"doubt_{given}", reason=reason)


def open_doubts(session: Session, entry: Entry) -> list[Doubt]:
    """What speaks against an entry and has not been answered, oldest first."""
    return list(
        session.scalars(
            select(Doubt)
            .where(Doubt.entry_id == entry.id, Doubt.answered_at.is_(None))
            .order_by(Doubt.id)
            .options(selectinload(Doubt.raised_by), selectinload(Doubt.revision))
        )
    )


def questioned(session: Session, by: Person) -> list[Entry]:
    """Published entries in doubt that this person may see, longest in doubt first."""
    rows = session.scalars(
        select(Entry)
        .where(Entry.questioned_at.is_not(None), Entry.state == EntryState.PUBLISHED)
        .order_by(Entry.questioned_at, Entry.id)
    )
    return [row for row in rows if may_see(by, row.audience, row.owner_group)]
