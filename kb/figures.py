"""Which figures does the knowledge in use rest on, and which of them has nobody confirmed here?

A figure leaves the list when a revision of its entry that says so is approved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.documents import Confidence
from kb.lifecycle import EntryState
from kb.models import Entry, Revision


@dataclass(frozen=True)
class Used:
    """A figure with the published entry that uses it."""

    number: str
    title: str
    owner_group: str
    name: str
    value: str
    unit: str
    confidence: Confidence


def listing(session: Session, *, confidence: Confidence, owner_group: str = "") -> Iterator[Used]:
    """The figures of this confidence in published entries (of one owner group, or of all), by entry number."""
    wanted = (
        select(Revision)
        .join(Entry, Entry.published_revision_id == Revision.id)
        .where(Entry.state == EntryState.PUBLISHED)
        .order_by(Entry.number)
    )
    if owner_group:
        wanted = wanted.where(Entry.owner_group == owner_group)
    for revision in session.scalars(wanted):
        attributes = revision.read_attributes()
        for figure in attributes.figures:
            if figure.confidence is confidence:
                yield Used(
                    number=revision.entry.number,
                    title=attributes.title,
                    owner_group=attributes.owner_group,
                    name=figure.name,
                    value=figure.value,
                    unit=figure.unit,
                    confidence=figure.confidence,
                )
