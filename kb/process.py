"""What do problems and changes have in common? A step with its audit row, versions, and texts that must be there."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

from sqlalchemy.orm import Session

from kb import audit, clock
from kb.access import Person
from kb.documents import Audience, Kind
from kb.errors import Invalid, StaleVersion
from kb.models import Change, Problem
from kb.plain import one_line, plain

MAX_TITLE = 100  # characters: with the name of a document after it, still a title of an entry
MAX_TEXT = 20_000  # characters of a description, a cause, a result
VALID_DAYS = 365  # a draft made for a process is looked at again within a year unless its author says otherwise
Record = TypeVar("Record", Problem, Change)


def step(session: Session, by: Person, record: Record, to: str, action: str, *, reason: str = "") -> None:
    """Move a record whose step has been checked; leaves an audit row."""
    before, record.state = record.state, to
    touch(record)
    session.flush()  # so that the database judges each step by itself
    audit.record(session, by, record, action, before=before, after=to, reason=reason)


def touch(record: Problem | Change) -> None:
    record.version += 1
    record.updated_at = clock.now()


def check_version(record: Problem | Change, version: int) -> None:
    """Refuse a change made on a page that somebody else has overtaken."""
    if record.version != version:
        raise StaleVersion(
            f"{record.number} 已被别人更新，请看最新情况后再操作 · it changed meanwhile; look at it again",
            yours=version,
            latest=record.version,
        )


def titled(title: str, description: str) -> tuple[str, str]:
    """A title and a description as they are kept. Raises Invalid naming each field that does not fit."""
    title, description = one_line(title), plain(description)
    fields: dict[str, str] = {}
    if len(title) < 2:
        fields["title"] = "请写标题，至少 2 字 · a title of at least two characters"
    elif len(title) > MAX_TITLE:
        fields["title"] = f"标题最多 {MAX_TITLE} 字 · at most {MAX_TITLE} characters"
    if not description:
        fields["description"] = "请写明是什么、为什么 · say what it is and why"
    elif len(description) > MAX_TEXT:
        fields["description"] = f"最多 {MAX_TEXT} 字 · at most {MAX_TEXT} characters"
    refuse(fields)
    return title, description


def text(value: str, field: str, what: str = "") -> str:
    """A text as it is kept; `what` must be said if given. Raises Invalid."""
    value = plain(value)
    if not value and what:
        refuse({field: f"请写明{what}"})
    if len(value) > MAX_TEXT:
        refuse({field: f"最多 {MAX_TEXT} 字 · at most {MAX_TEXT} characters"})
    return value


def refuse(fields: dict[str, str]) -> None:
    """Raises Invalid with these sentences, if there are any."""
    if fields:
        raise Invalid("; ".join(f"{name}: {said}" for name, said in fields.items()), fields=fields)


def staff_attributes(title: str, kind: Kind, category: str, owner_group: str, **more: object) -> dict[str, object]:
    """What a draft made for a process begins with; its author says the rest."""
    return {
        "title": title,
        "kind": kind,
        "category": category,
        "audience": Audience.STAFF,
        "owner_group": owner_group,
        "valid_until": clock.today() + dt.timedelta(days=VALID_DAYS),
        **more,
    }
