"""The first page: what does this person most likely want now?"""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from kb import clock, entries, incidents, lifecycle, reviews
from kb.access import Permission
from web import lists
from web.context import person, services
from web.pages import upkeep

bp = Blueprint("home", __name__)
NEWEST = 8
COMMON = 6  # faults offered to subscribers


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
            mine = incidents.listing(session, by, mine=True, limit=20)
            page |= {
                "mine": [(incident, incidents.unmet(incident)) for incident in mine],
                "counts": lists.incident_counts(session),
                "written": entries.written_by(session, by),
                "unmet_text": lifecycle.UNMET_TEXT,
            }
        if by.may(Permission.REVIEW):
            page["queue"] = reviews.turns(session, by)
        if by.may(Permission.OPERATE):
            page["tasks"] = upkeep.tasks(services(), session, by)
        return render_template("home/show.html", morning=clock.now().astimezone(clock.LOCAL).hour < 12, **page)


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
