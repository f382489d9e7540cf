"""What did those who work on an incident write down about it?

A note is a record and no step: it is taken in any state, and leaves the incident's version alone, so that two notes
written without a line do not contradict each other. It carries a key, by which sending it again changes nothing, and may
carry the version of the incident that its author saw: if the incident has gone on since, the author is asked first.
"""

from __future__ import annotations

import datetime as dt
import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import audit, clock
from kb.access import Permission, Person
from kb.errors import Conflict, Invalid
from kb.incident_steps import check_version
from kb.models import Incident, Note
from kb.plain import plain

MAX_NOTE = 2000  # characters
MAX_KEY = 64  # characters


def write(
    session: Session,
    by: Person,
    incident: Incident,
    text: str,
    *,
    key: str = "",
    version: int | None = None,
    written_at: dt.datetime | None = None,
) -> Note:
    """Write a note down, once for each `key` of this author; a note that is there already is returned as it is.

    Raises StaleVersion if the incident is not at `version` any more, Conflict if the key was used for another note.
    """
    by.require(Permission.HANDLE_INCIDENTS)
    assert by.id is not None  # whoever handles incidents has an account
    text, key = _checked(text, key)
    known = session.scalar(select(Note).where(Note.author_id == by.id, Note.key == key))
    if known is not None:
        if known.incident_id != incident.id or known.text != text:
            raise Conflict("这个键已用于另一条备注 · the key belongs to another note", key=key)
        return known
    if version is not None:
        check_version(incident, version)
    now = clock.now()
    # a phone's clock may be wrong, and no note is older than what it is about
    written = min(max(written_at or now, incident.created_at), now)
    note = Note(incident_id=incident.id, author_id=by.id, key=key, text=text, written_at=written)
    session.add(note)
    incident.updated_at = now
    session.flush()
    session.expire(incident, ["notes"])
    audit.record(session, by, incident, "note")
    return note


def _checked(text: str, key: str) -> tuple[str, str]:
    text, key = plain(text).strip(), key.strip() or secrets.token_hex(16)
    problem = ""
    if not text:
        problem = "请写下备注 · write something down"
    elif len(text) > MAX_NOTE:
        problem = f"备注最多 {MAX_NOTE} 字，长的分几条记 · at most {MAX_NOTE} characters a note"
    if problem:
        raise Invalid(problem, fields={"text": problem})
    if len(key) > MAX_KEY:
        problem = f"键最多 {MAX_KEY} 个字符 · at most {MAX_KEY} characters"
        raise Invalid(problem, fields={"key": problem})
    return text, key
