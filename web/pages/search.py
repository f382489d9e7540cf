"""What was found, why, and how can it be narrowed?"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from indexer import Sort
from indexer.projection import EVERYWHERE
from kb import entries, incidents, numbers, reviews
from kb.access import Permission
from kb.documents import ENTRY_ID, Kind
from kb.errors import BadQuery, NotFound
from web import lists, words
from web.asked import FILTERS, LAST_PAGE, PAGE_SIZE, Asked, shown
from web.context import person, remember, services
from web.search import Page

bp = Blueprint("search", __name__)
SUGGESTIONS = 8
OFTEN = 3  # searches of many people above them
MOST_SHOWN = 8  # values of a facet, before 更多
MOST_FOLDED = 24  # behind it
_PREFIXES = {*numbers.PREFIX.values(), numbers.INCIDENT}
_SHORT_NUMBER = re.compile(r"([A-Z]+(?:-[A-Z]+)*)(-?)(\d{1,6})")


@bp.get("/search")
def results() -> ResponseReturnValue:
    asked = Asked.read(request)
    place = None if asked.filters else _numbered(asked.words)
    if place:
        return redirect(place)
    page, problem, status, token = None, None, 200, ""
    if not asked.empty:
        try:
            page = services().search.search(
                person(),
                asked.text,
                exact=asked.exact,
                limit=PAGE_SIZE,
                offset=asked.offset,
                facets=FILTERS,
                sort=asked.sort,
            )
        except BadQuery as exc:
            problem, status = exc, exc.status
        else:
            token = remember(asked.words, page, again=bool(asked.filters) or asked.page > 1)
    pages = min((page.total + PAGE_SIZE - 1) // PAGE_SIZE, LAST_PAGE) if page else 0
    if 0 < pages < asked.page:  # an old address, or entries gone since: there is something, only not so far on
        return redirect(asked.at(pages).url)
    offered, others = [], []
    if page is None or not page.hits:
        with services().database.read() as session:
            offered = lists.popular(session, person())
            others = services().searches.popular(session, person())
    in_review = []
    if asked.page == 1 and asked.words and person().may(Permission.READ_STAFF):
        with services().database.read() as session:
            in_review = reviews.unreviewed(session, person(), sorted(words.words(asked.words), key=len, reverse=True))
    return render_template(
        "search/results.html",
        in_review=in_review,
        asked=asked,
        page=page,
        problem=problem,
        pages=pages,
        token=token,
        offered=offered,
        others=others,
        facets=[list_ for name in FILTERS if page and (list_ := FacetList.of(name, asked, page))],
        sorts=[sort for sort in Sort if sort is not Sort.RELEVANCE or (page and page.query.ranked)],
    ), status


@dataclass(frozen=True)
class Choice:
    """A value of a facet, with the address that adds it to the filters, or takes it away if it is `chosen`."""

    value: str
    count: int
    url: str
    chosen: bool


@dataclass(frozen=True)
class FacetList:
    """The values of a facet as the page lists them: some, and what 更多 unfolds."""

    name: str
    choices: list[Choice]
    more: list[Choice]
    beside: Choice | None = None  # what holds in every district, where some were chosen

    @classmethod
    def of(cls, name: str, asked: Asked, page: Page) -> FacetList | None:
        """None where there is nothing to choose. Chosen values come first, whatever their count."""
        counts = dict(page.facets.get(name, []))
        chosen = asked.filters.get(name, ())
        if not chosen and len(counts) < 2:
            return None
        order = sorted(counts, reverse=True) if name == "year" else list(counts)
        picked = [
            Choice(shown(name, value), counts.get(value, 0), asked.without(name, value).url, chosen=True)
            for value in chosen
        ]
        others = [value for value in order if value not in chosen][: MOST_SHOWN + MOST_FOLDED]
        offered = [
            Choice(shown(name, value), counts[value], asked.narrowed(name, value), chosen=False) for value in others
        ]
        room = max(0, MOST_SHOWN - len(picked))
        beside = next((one for one in offered if chosen and name == "district" and one.value == EVERYWHERE), None)
        return cls(name, picked + offered[:room], offered[room:], beside)


@bp.get("/suggest")
def suggest() -> ResponseReturnValue:
    """What the search box offers while somebody types: searches of many people, and entries. Their own searches stand
    in their browser."""
    typed = request.args.get("q", "")[:100]
    found = services().search.suggest(person(), typed, SUGGESTIONS)
    with services().database.read() as session:
        searches = services().searches.popular(session, person(), typed, limit=OFTEN)
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
