"""How does the knowledge get out again, as files that anybody can read and `kb import` can take?"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from kb import documents, entries
from kb.access import Person, searchable, visible
from kb.db import Database
from kb.models import Entry, Revision
from kb.store import ContentStore

_CHUNK = 500  # entries read at a time


def run(database: Database, store: ContentStore, by: Person, folder: Path) -> int:
    """Write every published entry that this person may see, with its attachments; returns how many.

    A document goes to `<kind>/<number>.md`, attachments to `<kind>/<number>.files/<name>`. Existing files of the same
    name are replaced whole, others are left alone.
    """
    count, last = 0, 0
    while True:
        with database.read() as session:
            rows = session.scalars(
                select(Entry)
                .where(Entry.id > last, searchable(), visible(by))
                .order_by(Entry.id)
                .limit(_CHUNK)
                .options(selectinload(Entry.published).selectinload(Revision.attachments))
            ).all()
            for entry in rows:
                assert entry.published is not None  # the database holds published entries to it
                place = folder / entry.kind
                document = entries.read_document(store, entry.published)
                _replace(place / f"{entry.number}.md", documents.dump(document).encode("utf-8"))
                for attachment in entry.published.attachments:
                    _replace(place / f"{entry.number}.files" / attachment.filename, store.get(attachment.sha256))
                last, count = entry.id, count + 1
        if len(rows) < _CHUNK:
            return count


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)
