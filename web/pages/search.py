"""What was found, why, and how can it be narrowed?"""

from __future__ import annotations

import contextlib
import re

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from kb import entries, incidents, numbers
from kb.access import Permission
from kb.documents import ENTRY_ID, Kind
from kb.errors import BadQuery, NotFound
from web import lists
from web.asked import FILTERS, LAST_PAGE, PAGE_SIZE, Asked
from web.context import person, services

bp = Blueprint("search", __name__)
SUGGESTIONS = 8
_PREFIXES = {*numbers.PREFIX.values(), numbers.INCIDENT}
_SHORT_NUMBER = re.compile(r"([A-Z]+(?:-[A-Z]+)*)(-?)(\d{1,6})")


@bp.get("/search")
def results() -> ResponseReturnValue:
    asked = Asked.read(request)
    place = None if asked.filters else _numbered(asked.words)
    if place:
        return redirect(place)
    page, problem, status = None, None, 200
    if not asked.empty:
        try:
            page = services().search.search(
                person(), asked.text, exact=asked.exact, limit=PAGE_SIZE, offset=asked.offset, facets=FILTERS
            )
        except BadQuery as exc:
            problem, status = exc, exc.status
    pages = min((page.total + PAGE_SIZE - 1) // PAGE_SIZE, LAST_PAGE) if page else 0
    if 0 < pages < asked.page:  # an old address, or entries gone since: there is something, only not so far on
        return redirect(asked.at(pages).url)
    offered = []
    if page is None or not page.hits:
        with services().database.read() as session:
            offered = lists.popular(session, person())
    return render_template(
        "search/results.html", asked=asked, page=page, problem=problem, pages=pages, offered=offered
    ), status


@bp.get("/suggest")
def suggest() -> ResponseReturnValue:
    """What the search box offers while somebody types: searches of many people, and entries. Their own searches stand
    in their browser."""
    typed = request.args.get("q", "")[:100]
    found = services().search.suggest(person(), typed, SUGGESTIONS)
    with services().database.read() as session:
        searches = lists.searches(session, person(), typed)
    return jsonify(
        searches=searches,
        entries=[{"title": item.title, "url": url_for("entries.show", number=item.id)} for item in found],
    )


def _numbered(words: str) -> str | None:
    """A number that was typed in full is a destination, not a question."""
    by = person()
    written = _written_out(words.upper())
    with services().database.read() as session:
        known = entries.find_visible(session, by, [number for number in written if ENTRY_ID.match(number)])
        for number in written:
            if number in known:
                return url_for("entries.show", number=number)
            if number.startswith("INC-") and by.may(Permission.HANDLE_INCIDENTS):
                with contextlib.suppress(NotFound):
                    return url_for("incidents.show", number=incidents.find(session, by, number).number)
    return None


def _written_out(number: str) -> list[str]:
    """The numbers that may be meant: as it stands, with the zeros that a number has (SOL-1), with the prefix of
    solutions where a series is named (TV-001)."""
    short = _SHORT_NUMBER.fullmatch(number)
    if not short:
        return [number]
    head, hyphen, digits = short.groups()
    if head.split("-")[0] not in _PREFIXES:
        head = f"{numbers.PREFIX[Kind.SOLUTION]}-{head}" if hyphen else ""
    return [number, *(f"{head}-{int(digits):0{width}}" for width in (6, 3) if head)]
