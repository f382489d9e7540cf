"""What of the database does the index get to see?

Only what is published and valid today; everything is re-read from SQL by id, so a late or repeated request indexes
today's text. One projection serves the worker and the rebuild alike.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from indexer.document import IndexDocument
from kb import clock, documents, entries, markup
from kb.access import searchable
from kb.db import Database
from kb.documents import Kind
from kb.errors import StoreCorrupt
from kb.models import Entry, Revision
from kb.store import ContentStore

log = logging.getLogger(__name__)

CHUNK = 200  # entries read from SQL at a time: memory stays flat over any number of entries


class Batch(NamedTuple):
    """What to index, what to remove, and the number of every entry asked for by its row id."""

    documents: list[IndexDocument]
    removals: list[str]
    numbers: dict[int, str]


def document(store: ContentStore, entry: Entry, revision: Revision) -> IndexDocument:
    """One published entry as search sees it, its two faces kept apart."""
    attributes = revision.read_attributes()
    body = entries.text_of(store, revision)
    faces = documents.faces(Kind(entry.kind), body)
    said = documents.symptoms(body) if entry.kind == Kind.SOLUTION else []
    return IndexDocument(
        id=entry.number,
        version=entry.version,
        kind=entry.kind,
        title=entry.title,
        body=markup.to_text(faces.shared),
        staff_body=markup.to_text(faces.staff),
        symptoms=tuple(markup.to_text(line) for line in said),
        codes=tuple(code.code for code in attributes.error_codes),
        devices=tuple(attributes.devices),
        category=entry.category,
        audience=entry.audience,
        owner_group=entry.owner_group,
        updated=revision.approved_at.astimezone(clock.LOCAL).date() if revision.approved_at else None,
    )


def read(session: Session, store: ContentStore, ids: Sequence[int]) -> Batch:
    """Of these entries: the documents to index, and the numbers to remove because they are not for search."""
    rows = session.execute(
        select(Entry, searchable()).where(Entry.id.in_(ids)).options(selectinload(Entry.published))
    ).all()
    batch = Batch(documents=[], removals=[], numbers={entry.id: entry.number for entry, _ in rows})
    for entry, wanted in rows:
        if not wanted or entry.published is None:
            batch.removals.append(entry.number)
            continue
        try:
            batch.documents.append(document(store, entry, entry.published))
        except StoreCorrupt as exc:  # one lost text must not keep all others from being found
            log.error("%s cannot be indexed: %s", entry.number, exc.message)
            batch.removals.append(entry.number)
    return batch


def damaged(session: Session, store: ContentStore, numbers: Sequence[str]) -> set[str]:
    """Of these entries, those whose text the content store has lost."""
    lost = set()
    for entry in session.scalars(select(Entry).where(Entry.number.in_(numbers)).options(selectinload(Entry.published))):
        try:
            if entry.published is not None:
                entries.text_of(store, entry.published)
        except StoreCorrupt:
            lost.add(entry.number)
    return lost


def everything(database: Database, store: ContentStore) -> Iterator[IndexDocument]:
    """All documents that belong in the index, streamed."""
    last = 0
    while True:
        with database.read() as session:
            ids = session.scalars(
                select(Entry.id).where(Entry.id > last, searchable()).order_by(Entry.id).limit(CHUNK)
            ).all()
            batch = read(session, store, ids)
        yield from batch.documents
        if len(ids) < CHUNK:
            return
        last = ids[-1]


def expected(session: Session) -> dict[str, int]:
    """Which version of which entry should the index hold? What verification compares with."""
    return dict(session.execute(select(Entry.number, Entry.version).where(searchable())).all())


def ids_of(session: Session, numbers: Sequence[str]) -> list[int]:
    """Row ids of entries by number."""
    return list(session.scalars(select(Entry.id).where(Entry.number.in_(numbers))))
