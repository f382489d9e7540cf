"""What can a subscriber try alone, and did it help?

The steps are the numbered items of the section 用户自助. A last item that says whom to call is none: it is what to do
otherwise. What came of trying is kept by revision: it helped, or a report was made of it. From that follows how much is
solved without anybody driving out, and a technician sees what was tried already.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from kb import documents, entries, markup
from kb.access import Permission, Person
from kb.documents import Kind
from kb.models import Entry, Incident, Revision, SelfHelp
from kb.store import ContentStore

SOLVED, REPORTED = "solved", "reported"
MOST = 99  # steps; the database knows no more
_ITEM = re.compile(r"^\d{1,2}[.)、]\s*(?=\S)", flags=re.MULTILINE)
_CALL = re.compile("报修|客服|服务台|服务点|营业厅")


class Steps(NamedTuple):
    """What is said before the steps, the steps, and what to do if none has helped; Markdown."""

    before: str
    steps: tuple[str, ...]
    otherwise: str


class Tally(NamedTuple):
    """How often trying helped, and how often a report was made of it."""

    solved: int
    reported: int


def steps(kind: Kind, body: str) -> Steps | None:
    """The steps that the public face of a solution has for subscribers; None where nothing is numbered."""
    if kind is not Kind.SOLUTION:
        return None
    text = next((s.text for s in documents.sections(body) if s.title == documents.SELF_HELP_SECTION), "")
    before, *items = (part.strip() for part in _ITEM.split(text))
    otherwise = items.pop() if items and _CALL.search(items[-1]) else ""
    return Steps(before, tuple(items[:MOST]), otherwise) if items else None


def helped(session: Session, revision: Revision, tried: int) -> None:
    """Somebody says that it is good again, after so many steps."""
    session.add(SelfHelp(revision_id=revision.id, outcome=SOLVED, tried=tried))
    session.flush()


def reported(session: Session, incident: Incident, revision: Revision, tried: int) -> None:
    """So many steps did not help, and the incident was reported."""
    session.add(SelfHelp(revision_id=revision.id, outcome=REPORTED, tried=tried, incident_id=incident.id))
    session.flush()


def before_report(
    session: Session, store: ContentStore, by: Person, incident: Incident
) -> tuple[Entry, list[str]] | None:
    """The solution whose steps its reporter had tried, and these steps; None if none, or not for this person to see."""
    row = session.scalar(
        select(SelfHelp)
        .where(SelfHelp.incident_id == incident.id)
        .options(selectinload(SelfHelp.revision).selectinload(Revision.entry))
    )
    if row is None or not entries.may_see_revision(by, row.revision):
        return None
    found = steps(Kind(row.revision.entry.kind), entries.text_of(store, row.revision))
    return row.revision.entry, [markup.to_text(step) for step in found.steps[: row.tried]] if found else []


def tally(session: Session, by: Person, *, entry: Entry | None = None, since: dt.datetime | None = None) -> Tally:
    """Of one entry or of all, since a moment or ever: the first by the sum of both is the self-service rate."""
    by.require(Permission.READ_STAFF)
    query = select(SelfHelp.outcome, func.count()).group_by(SelfHelp.outcome)
    if entry is not None:
        query = query.join(Revision).where(Revision.entry_id == entry.id)
    if since is not None:
        query = query.where(SelfHelp.created_at >= since)
    found = dict(session.execute(query).all())
    return Tally(found.get(SOLVED, 0), found.get(REPORTED, 0))
