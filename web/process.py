"""What do the pages, the API and the commands of problems and changes share?"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import audit, clock, documents, entries, process
from kb.access import Permission, Person
from kb.errors import Conflict, Invalid, KBError, NotAllowed, NotFound
from kb.models import Change, Entry, Problem
from web import forms
from web.context import needs, person, services

_BETWEEN = re.compile(r"[\s、,，;；]+")
HIDDEN = "受限词条"
Choice = TypeVar("Choice", bound=StrEnum)
Record = TypeVar("Record", Problem, Change)


def add_steps(
    bp: Blueprint,
    steps: Mapping[str, Callable[[Session, Record], object]],
    *,
    permission: Permission,
    find: Callable[[Session, Person, str], Record],
    page: Callable[[str, KBError], str],
) -> None:
    """Give a blueprint a form for each step, sent with the version of the record that its page was made from. What is
    refused is shown on `page`: the record as it is now, the reason on top, and what was typed still in its form."""

    def door(use: Callable[[Session, Record], object]) -> Callable[[str], ResponseReturnValue]:
        @needs(permission)
        def view(number: str) -> ResponseReturnValue:
            try:
                with services().database.write() as session:
                    record = find(session, person(), number)
                    process.check_version(record, request.form.get("version", 0, type=forms.whole))
                    use(session, record)
                    session.commit()
            except (Conflict, Invalid, NotAllowed, NotFound) as exc:
                return page(number, exc), exc.status
            return redirect(url_for(f"{bp.name}.show", number=number))

        return view

    for name, use in steps.items():
        bp.add_url_rule(f"/<number>/{name}", name, door(use), methods=["POST"])


def typed(name: str) -> str:
    """What was typed into a field of the form that was sent."""
    return request.form.get(name, "")


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
