"""What do the pages, the API and the commands of problems and changes share?"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import audit, clock, documents, entries
from kb.access import Person
from kb.errors import Invalid
from kb.models import Change, Entry, Problem

_BETWEEN = re.compile(r"[\s、,，;；]+")
HIDDEN = "受限词条"
Choice = TypeVar("Choice", bound=StrEnum)


def several(text: str) -> list[str]:
    """Numbers or ids as people type them, between commas or on lines."""
    return [part for part in _BETWEEN.split(text.strip()) if part]


def chosen(of: type[Choice], text: str, field: str) -> Choice:
    """The value chosen. Raises Invalid naming the field."""
    try:
        return of(text)
    except ValueError as exc:
        problem = "请选择一项 · choose one"
        raise Invalid(problem, fields={field: problem}) from exc


def moment(text: str, field: str) -> dt.datetime:
    """A local time as `datetime-local` sends it. Raises Invalid naming the field."""
    try:
        return dt.datetime.fromisoformat(text.strip()).replace(tzinfo=clock.LOCAL).astimezone(dt.UTC)
    except (ValueError, OverflowError) as exc:
        problem = "时间写作 2026-12-08 00:00 · a time is written like that"
        raise Invalid(problem, fields={field: problem}) from exc


@dataclass(frozen=True)
class Event:
    """A row of a history as one person may see it."""

    action: str
    actor: str
    at: dt.datetime
    before: str
    after: str
    reason: str


def history_of(session: Session, by: Person, record: Problem | Change) -> list[Event]:
    """What happened to a record; entries that this person may not know of have no number."""
    rows = audit.history(session, record)
    named = {
        number for row in rows for number in documents.MENTION.findall(f"{row.from_state} {row.to_state} {row.reason}")
    }
    found = session.scalars(select(Entry).where(Entry.number.in_(named)))
    hidden = {entry.number for entry in found if not entries.may_read(by, entry)}

    def seen(text: str) -> str:
        return documents.MENTION.sub(lambda it: HIDDEN if it[0] in hidden else it[0], text)

    return [
        Event(row.action, row.actor, row.at, seen(row.from_state), seen(row.to_state), seen(row.reason)) for row in rows
    ]
