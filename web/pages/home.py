"""The first page: what does this person most likely want now?"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kb import clock, entries, incidents, priorities, reviews
from kb.access import Permission, Person
from kb.lifecycle import Unmet
from kb.models import Entry, Incident
from kb.priorities import Due
from web import lists
from web.context import person, services
from web.pages import upkeep

bp = Blueprint("home", __name__)
NEWEST = 8
MINE = 20  # open incidents shown; which ones, is known when it is known which are overdue
COMMON = 6  # faults offered to subscribers
# What a technician does first of what is missing: a solution is needed before anybody can be asked whether it helped.
_IN_ORDER = (
    Unmet.NO_SOLUTION,
    Unmet.NOT_A_SOLUTION,
    Unmet.SOLUTION_NOT_APPROVED,
    Unmet.NOT_VERIFIED,
    Unmet.OTHERS_NOT_VERIFIED,
)


@dataclass(frozen=True)
class Mine:
    """An open incident of one's own, the one thing it needs next (None: it can close), and by when it is due."""

    incident: Incident
    needs: Unmet | None
    due: Due
    solution: Entry | None


@bp.get("/")
def show() -> ResponseReturnValue:
    by = person()
    if by.id is None:
        return _subscriber()
    with services().database.read() as session:
        page: dict[str, object] = {
            "newest": entries.listing(session, by, kind="solution", limit=NEWEST),
            "popular": lists.popular(session, by, limit=NEWEST),
            "categories": lists.categories(session, by),
        }
        if by.may(Permission.HANDLE_INCIDENTS):
            page |= {
                "mine": _mine(session, by),
                "shown": MINE,
                "counts": lists.incident_counts(session),
                "written": entries.written_by(session, by),
            }
        if by.may(Permission.REVIEW):
            page["queue"] = reviews.turns(session, by)
        if by.may(Permission.OPERATE):
            page["tasks"] = upkeep.tasks(services(), session, by)
        return render_template("home/show.html", hour=clock.now().astimezone(clock.LOCAL).hour, **page)


def _mine(session: Session, by: Person) -> list[Mine]:
    """One's own open incidents, overdue ones first, then by when they are due."""
    calendar = services().calendar()
    rows = []
    for incident in incidents.listing(session, by, mine=True):
        missing = incidents.unmet(incident)
        first = next((item for item in _IN_ORDER if item in missing), None)
        solution = incident.solution if incident.solution and entries.may_read(by, incident.solution) else None
        rows.append(Mine(incident, first, priorities.due(incident, calendar), solution))
    return sorted(rows, key=lambda row: (not row.due.missed, row.due.resolution))


def _subscriber() -> ResponseReturnValue:
    """What others ask first, then what has solved most, then one solution of each of the largest categories."""
    by = person()
    with services().database.read() as session:
        asked = services().searches.popular(session, by, limit=COMMON)
        solved = [] if len(asked) == COMMON else [entry for entry, _ in lists.popular(session, by, limit=COMMON)]
        if len(asked) + len(solved) < COMMON:
            known = {entry.id for entry in solved}
            solved += [entry for entry in lists.typical(session, by, limit=COMMON) if entry.id not in known]
        return render_template(
            "home/subscriber.html",
            asked=asked,
            solved=solved[: COMMON - len(asked)],
            categories=lists.categories(session, by),
        )
