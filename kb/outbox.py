"""Which changes must search still hear of, and which may it no longer show?

Rows are written in the transaction that changes an entry. The worker takes them in order, re-reads the entries and
marks the rows after the index commit, so every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from kb import clock
from kb.db import columns
from kb.models import Entry, OutboxRow


def announce(session: Session, entry: Entry, *, narrowing: bool = False, unseen: bool = False) -> None:
    """The entry changed: search must re-read it. `narrowing` when somebody loses sight of it, `unseen` when nothing
    that anybody reads has changed."""
    entry.version += 1
    if not unseen:
        entry.updated_at = clock.now()
    session.add(OutboxRow(entry_id=entry.id, narrowing=narrowing))


@dataclass(frozen=True)
class Batch:
    """Pending rows and the entries they name, each once."""

    rows: tuple[int, ...]
    entries: tuple[int, ...]


def pending(session: Session, limit: int) -> Batch:
    """The oldest rows that the index has not heard of."""
    found = session.execute(
        select(OutboxRow.id, OutboxRow.entry_id).where(OutboxRow.done_at.is_(None)).order_by(OutboxRow.id).limit(limit)
    ).all()
    return Batch(tuple(row.id for row in found), tuple(dict.fromkeys(row.entry_id for row in found)))


def acknowledge(session: Session, rows: Sequence[int], versions: dict[int, int]) -> None:
    """The index has committed: mark the rows with the version it holds of each entry (0 for one it left out)."""
    for row in session.scalars(select(OutboxRow).where(OutboxRow.id.in_(rows))):
        row.done_at = clock.now()
        row.indexed_version = versions.get(row.entry_id, 0)


def changed_since(session: Session, position: int) -> set[str]:
    """Numbers of the entries that changed after this position."""
    changed = select(Entry.number).join(OutboxRow, OutboxRow.entry_id == Entry.id).where(OutboxRow.id > position)
    return set(session.scalars(changed))


def acknowledge_until(session: Session, position: int) -> None:
    """A new index holds everything up to this position: mark those rows done."""
    session.execute(
        update(OutboxRow).where(OutboxRow.done_at.is_(None), OutboxRow.id <= position).values(done_at=clock.now())
    )


def position(session: Session) -> int:
    """The id of the newest row, done or not; 0 for none."""
    return session.scalar(select(func.max(OutboxRow.id))) or 0


def waiting(session: Session) -> int:
    """How many rows has the index not heard of?"""
    return session.scalar(select(func.count()).where(OutboxRow.done_at.is_(None))) or 0


# Asked before every search. SQLite would read all pending rows, of which an import makes thousands, and takes the index
# over the narrowing ones only when told to.
_OUT_OF_SIGHT = (
    "SELECT entries.number FROM outbox {} JOIN entries ON entries.id = outbox.entry_id "
    "WHERE outbox.done_at IS NULL AND outbox.narrowing"
)
_OUT_OF_SIGHT_IN = {
    "sqlite": text(_OUT_OF_SIGHT.format("INDEXED BY ix_outbox_narrowing")),
    "postgresql": text(_OUT_OF_SIGHT.format("")),
}


def out_of_sight(session: Session) -> frozenset[str]:
    """Numbers of entries that somebody lost sight of and the index may still show."""
    return frozenset(columns(session, _OUT_OF_SIGHT_IN[session.get_bind().dialect.name]).scalars())


def forget_done(session: Session, *, keep: int = 10_000) -> None:
    """Drop acknowledged rows except the newest `keep`, which tell when an entry became findable."""
    newest = position(session)
    session.execute(delete(OutboxRow).where(OutboxRow.done_at.is_not(None), OutboxRow.id <= newest - keep))
