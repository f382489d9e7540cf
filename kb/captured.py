"""Which words of people whose incident an entry solved help the next one to find it?

When an incident closes as verified, the search that led to its solution and the incident's own words become hidden
matching words of the solution: search matches by them and shows them to nobody. They go when the incident is reopened,
and a lead or a knowledge manager takes out what is wrong. Imports give none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from kb import audit, clock, outbox, privacy, searches
from kb.access import Permission, Person
from kb.errors import Invalid, NotFound
from kb.models import CapturedText, Entry, Incident

MAX_TEXT = 200  # characters of each text
MOST = 20  # texts that count for an entry: about as many as a solution has sayings of its own
LOOKED_AT = 100  # newest texts of an entry among which those are chosen
ALIKE = 0.7  # share of common pairs of characters from which a text adds nothing
MAX_REASON = 200  # characters

QUERY, INCIDENT = "query", "incident"


def capture(session: Session, by: Person, incident: Incident) -> None:
    """The incident has closed: what its people said now belongs to its solution. Search hears of it in any case, because
    what an entry has solved speaks for it."""
    entry = incident.solution
    if entry is None:
        return
    removed = set(
        session.scalars(
            select(CapturedText.digest).where(CapturedText.entry_id == entry.id, CapturedText.removed_at.is_not(None))
        )
    )
    for source, text in ((QUERY, searches.led_to(session, incident, entry)), (INCIDENT, said(incident))):
        digest = _digest(text)
        if searches.normalise(text) and digest not in removed:
            session.add(
                CapturedText(entry_id=entry.id, incident_id=incident.id, source=source, text=text, digest=digest)
            )
            removed.add(digest)  # a query that says just what the incident says counts once
            audit.record(session, by, entry, "capture", reason=f"{incident.number} {source}")
    outbox.announce(session, entry, unseen=True)


def withdraw(session: Session, by: Person, incident: Incident) -> None:
    """The incident is open again: it proves nothing any more."""
    entry = incident.solution
    if entry is None:
        return
    rows = session.scalars(
        select(CapturedText).where(
            CapturedText.entry_id == entry.id,
            CapturedText.incident_id == incident.id,
            CapturedText.removed_at.is_(None),
        )
    ).all()
    for row in rows:
        session.delete(row)
        audit.record(session, by, entry, "withdraw_captured", reason=f"{incident.number} {row.source}")
    outbox.announce(session, entry, unseen=True)


def remove(session: Session, by: Person, entry: Entry, captured_id: int, *, reason: str) -> None:
    """Take a text out for good, wherever the entry has it from; the same wording is not captured again."""
    by.require(Permission.TEND_CAPTURED)
    reason = " ".join(reason.split())
    if not reason or len(reason) > MAX_REASON:
        problem = f"请写明原因，最多 {MAX_REASON} 字 · a reason of at most {MAX_REASON} characters"
        raise Invalid(problem, fields={"reason": problem})
    rows = session.scalars(
        select(CapturedText).where(CapturedText.entry_id == entry.id, CapturedText.removed_at.is_(None))
    ).all()
    digest = next((row.digest for row in rows if row.id == captured_id), None)
    if digest is None:
        raise NotFound(f"{entry.number} 没有这条匹配词 · no such words", number=entry.number)
    for row in rows:
        if row.digest == digest:
            row.text, row.removed_at, row.removed_by_id, row.removed_reason = "", clock.now(), by.id, reason
    outbox.announce(session, entry, unseen=True)
    audit.record(session, by, entry, "remove_captured", reason=reason)


def newest(session: Session, entry: Entry) -> list[CapturedText]:
    """The texts an entry has, newest first; not all of them count, see `words`. For those who may `TEND_CAPTURED`."""
    rows = session.scalars(
        select(CapturedText)
        .where(CapturedText.entry_id == entry.id, CapturedText.removed_at.is_(None))
        .order_by(CapturedText.id.desc())
        .limit(LOOKED_AT)
        .options(selectinload(CapturedText.incident))
    )
    return list(rows)


def words(session: Session, entries: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The texts that count in search, of those of these entries (row ids) that have any."""
    newest = func.row_number().over(partition_by=CapturedText.entry_id, order_by=CapturedText.id.desc())
    ranked = (
        select(CapturedText.id, CapturedText.entry_id, CapturedText.text, newest.label("place"))
        .where(CapturedText.entry_id.in_(entries), CapturedText.removed_at.is_(None))
        .subquery()
    )
    rows = session.execute(
        select(ranked.c.entry_id, ranked.c.text).where(ranked.c.place <= LOOKED_AT).order_by(ranked.c.id.desc())
    )
    found: dict[int, list[str]] = {}
    for entry, text in rows:
        found.setdefault(entry, []).append(text)
    return {entry: chosen(texts) for entry, texts in found.items()}


def chosen(texts: Iterable[str]) -> tuple[str, ...]:
    """Of these texts, newest first, the ones that count: no two much alike, and not too many."""
    kept: list[tuple[str, set[str]]] = []
    for text in texts:
        pairs = searches.character_pairs(f" {searches.normalise(text)} ")
        if all(len(pairs & other) < ALIKE * len(pairs | other) for _, other in kept):
            kept.append((text, pairs))
        if len(kept) == MOST:
            break
    return tuple(text for text, _ in kept)


def said(incident: Incident) -> str:
    """The incident's own words, without its people."""
    title, description = incident.title, incident.description
    words = description if title in description else f"{title} {description}"
    private = (incident.contact_name, incident.contact_phone, incident.address)
    return privacy.anonymous(" ".join(words.split()), *private)[:MAX_TEXT]


def _digest(text: str) -> str:
    return hashlib.sha256(searches.normalise(text).encode("utf-8")).hexdigest()
