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


@bp.get("/")
def show() -> ResponseReturnValue:
    by = person()
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
