"""What of the database does the index get to see?

Only what is published and valid today; everything is re-read from SQL by id, so a late or repeated request indexes
today's text. One projection serves the worker and the rebuild alike.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from indexer.document import IndexDocument
from kb import captured, clock, documents, entries, markup, topology
from kb.access import searchable
from kb.db import Database
from kb.documents import Attributes, Confidence, Kind
from kb.errors import StoreCorrupt
from kb.lifecycle import IncidentState, Outcome
from kb.models import Entry, Incident, Revision, Verification
from kb.store import ContentStore

log = logging.getLogger(__name__)

_READ = selectinload(Entry.published).selectinload(Revision.attachments)
CHUNK = 200  # entries read from SQL at a time: memory stays flat over any number of entries


class Batch(NamedTuple):
    """What to index, what to remove, and the number of every entry asked for by its row id."""

    documents: list[IndexDocument]
    removals: list[str]
    numbers: dict[int, str]


def document(
    store: ContentStore, entry: Entry, revision: Revision, *, words: tuple[str, ...] = (), reused: int = 0
) -> IndexDocument:
    """One published entry as search sees it, its two faces kept apart. `words` are those captured for it; `reused`: see
    `solved_by`."""
    attributes = revision.read_attributes()
    body = entries.text_of(store, revision)
    faces = documents.faces(Kind(entry.kind), body)
    said = documents.symptoms(body) if entry.kind == Kind.SOLUTION else []
    shared, staff = _on_drawings(store, revision, faces.shared)
    return IndexDocument(
        id=entry.number,
        version=entry.version,
        kind=entry.kind,
        title=entry.title,
        body=_joined(markup.to_text(faces.shared), shared),
        staff_body=_joined(markup.to_text(faces.staff), staff),
        symptoms=tuple(markup.to_text(line) for line in said),
        codes=tuple(code.code for code in attributes.error_codes),
        devices=tuple(attributes.devices),
        districts=tuple(attributes.districts),
        category=entry.category,
        audience=entry.audience,
        owner_group=entry.owner_group,
        updated=revision.approved_at.astimezone(clock.LOCAL).date() if revision.approved_at else None,
        captured=words,
        reused=reused,
        confidence=_least(attributes),
    )


def _on_drawings(store: ContentStore, revision: Revision, text: str) -> tuple[str, str]:
    """What stands on the drawings in the attached files: on those that the shared text shows, and on the others, which
    only staff may open. Blocks in the text are text already."""
    said: tuple[list[str], list[str]] = [], []
    for file in revision.attachments:
        if topology.is_diagram(file.filename):
            shown = file.filename in documents.shown_files(text)
            said[not shown].extend(topology.labels(topology.read_file(file.filename, store.get(file.sha256))))
    return "\n".join(said[0]), "\n".join(said[1])


def _joined(*texts: str) -> str:
    return "\n".join(text for text in texts if text)


def _least(attributes: Attributes) -> str:
    """The confidence of the least founded figure; nothing without figures."""
    held = {figure.confidence for figure in attributes.figures}
    return next((str(one) for one in reversed(Confidence) if one in held), "")


def solved_by(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """How many closed incidents did each of these entries solve, as the user said? By row id; in one query."""
    said = select(Verification.id).where(
        Verification.incident_id == Incident.id, Verification.outcome == Outcome.SOLVED
    )
    found = session.execute(
        select(Incident.solution_entry_id, func.count())
        .where(Incident.solution_entry_id.in_(ids), Incident.state == IncidentState.CLOSED, said.exists())
        .group_by(Incident.solution_entry_id)
    )
    return {entry: number for entry, number in found if entry is not None}


def read(session: Session, store: ContentStore, ids: Sequence[int]) -> Batch:
    """Of these entries: the documents to index, and the numbers to remove because they are not for search."""
    rows = session.execute(select(Entry, searchable()).where(Entry.id.in_(ids)).options(_READ)).all()
    batch = Batch(documents=[], removals=[], numbers={entry.id: entry.number for entry, _ in rows})
    words, reused = captured.words(session, ids), solved_by(session, ids)
    for entry, wanted in rows:
        if not wanted or entry.published is None:
            batch.removals.append(entry.number)
            continue
        try:
            made = document(
                store, entry, entry.published, words=words.get(entry.id, ()), reused=reused.get(entry.id, 0)
            )
            batch.documents.append(made)
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
