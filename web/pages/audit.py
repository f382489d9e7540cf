"""Who did what, when and why? The trail of every record, to be searched and taken along as a table."""

from __future__ import annotations

import csv
import datetime as dt
import io

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from kb import audit
from kb.access import Permission
from kb.audit import Wanted
from kb.models import AuditRow
from web import forms, labels
from web.context import needs, person, services

bp = Blueprint("audit", __name__, url_prefix="/admin/audit")
PAGE_SIZE = 50  # rows
MOST_EXPORTED = 20_000  # rows of a table that is taken along
_ASKED = ("subject", "actor", "action", "since", "until")
_LONGEST = 100  # characters of what is looked for
_FORMULA = ("=", "+", "-", "@", "\t")  # what a spreadsheet would work out instead of showing it
_STATES = ("entry_state", "revision_state", "role", "unit_kind")  # also noted of other records than their own
_PLACES = {
    "entry": ("entries.show", "number"),
    "incident": ("incidents.show", "number"),
    "problem": ("problems.show", "number"),
    "change": ("changes.show", "number"),
}


@bp.get("")
@needs(Permission.OPERATE)
def show() -> ResponseReturnValue:
    wanted, problems = _wanted()
    before = request.args.get("before", type=forms.whole)
    with services().database.read() as session:
        found = [] if problems else audit.search(session, person(), wanted, before=before, limit=PAGE_SIZE + 1)
        rows = found[:PAGE_SIZE]
        names = audit.names(session, rows)
    asked = {name: value[:_LONGEST] for name in _ASKED if (value := request.args.get(name))}
    page = render_template(
        "admin/audit.html",
        rows=[
            (row, names[row.id], _place(row, names[row.id]), _state(row, row.from_state), _state(row, row.to_state))
            for row in rows
        ],
        actions=sorted(labels.names("action"), key=lambda one: one[1]),
        asked=asked,
        fields=problems,
        newest=before is None,
        older=url_for("audit.show", **asked, before=rows[-1].id) if len(found) > PAGE_SIZE else "",
        most=MOST_EXPORTED,
    )
    return page, 422 if problems else 200


@bp.get("/table.csv")
@needs(Permission.OPERATE)
def table() -> ResponseReturnValue:
    """The same rows for a spreadsheet, the newest MOST_EXPORTED."""
    wanted, problems = _wanted()
    with services().database.read() as session:
        rows = [] if problems else audit.search(session, person(), wanted, limit=MOST_EXPORTED)
        names = audit.names(session, rows)
    made = io.StringIO()
    writer = csv.writer(made)
    head = ("时间", "谁", "对象", "编号", "动作", "从", "到", "原因")
    writer.writerow([gettext(name) for name in head])
    for row in rows:
        kind, action = labels.label(row.subject_type, "subject_type"), labels.label(row.action, "action")
        states = _state(row, row.from_state), _state(row, row.to_state)
        said = (row.actor, kind, names[row.id], action, *states, row.reason)
        writer.writerow([row.at.isoformat(timespec="seconds"), *map(_cell, said)])
    headers = {"Content-Disposition": 'attachment; filename="wenqu-audit.csv"'}
    # the mark before it tells Excel the encoding
    return Response("\ufeff" + made.getvalue(), mimetype="text/csv", headers=headers)


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _wanted() -> tuple[Wanted, dict[str, str]]:
    """What the address asks for, and by field what it cannot mean."""
    given, problems = request.args, {}
    days: dict[str, dt.date | None] = {}
    for name in ("since", "until"):
        try:
            days[name] = dt.date.fromisoformat(given[name]) if given.get(name) else None
        except ValueError:
            problems[name] = "请写成 2026-11-23 · a date"
    text = {name: given.get(name, "")[:_LONGEST] for name in ("subject", "actor", "action")}
    return Wanted(**text, since=days.get("since"), until=days.get("until")), problems


def _state(row: AuditRow, value: str) -> str:
    """A state, or whatever else was noted, in the words of the pages."""
    known = (of for of in (f"{row.subject_type}_state", *_STATES) if value in labels.LABELS.get(of, {}))
    of = next(known, "")
    return labels.label(value, of) if of else value


def _place(row: AuditRow, name: str) -> str:
    """Where the record is shown, if it has a page."""
    if row.subject_type == "revision" and "/" in name:
        number, _, place = name.partition("/")
        return url_for("entries.revision", number=number, revision_number=int(place))
    if not name or row.subject_type not in _PLACES:
        return ""
    endpoint, argument = _PLACES[row.subject_type]
    return url_for(endpoint, **{argument: name})
