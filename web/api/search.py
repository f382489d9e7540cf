"""GET /api/v1/search, /search/explain and /suggest: what may this person find, and why?"""

from __future__ import annotations

from dataclasses import asdict

from apiflask import APIBlueprint
from flask import Response, jsonify

from indexer import FACETS
from indexer.query import cut
from kb import entries
from kb.access import Permission
from kb.errors import Invalid, NotFound
from web.api import schemas
from web.context import needs, person, remember, services

bp = APIBlueprint("api_search", __name__, url_prefix="/api/v1", tag="search")


@bp.get("/search")
@bp.input(schemas.SearchQuery, location="query", arg_name="asked")
@bp.output(schemas.Results)
def search(asked: schemas.SearchQuery) -> Response:
    """Hits for a query, best first."""
    facets = tuple(name for name in asked.facet.split(",") if name)
    if unknown := set(facets) - set(FACETS):
        said = f"没有分面 {', '.join(sorted(unknown))} · no such facet; there are {', '.join(FACETS)}"
        raise Invalid(f"facet: {said}", fields={"facet": said})
    page = services().search.search(
        person(), asked.q, exact=asked.exact, limit=asked.limit, offset=asked.offset, facets=facets, sort=asked.sort
    )
    remember(asked.q, page, again=asked.offset > 0)
    # Said as it is: `Results` describes the answer, and reading back what was just made would cost more than making it.
    return jsonify(
        query=page.typed,
        total=page.total,
        sort=page.sort,
        relaxed=page.relaxed,
        as_words=[phrase.text for phrase in page.as_words],
        offers=[{"query": cut(page.query.text, offer.parts), "total": offer.total} for offer in page.offers],
        correction=page.correction_as_json(),
        took_ms=round(page.took_ms, 2),
        hits=[hit.as_json() for hit in page.hits],
        facets=page.facets,
    )


@bp.get("/search/explain")
@bp.input(schemas.ExplainQuery, location="query", arg_name="asked")
@bp.output(schemas.Explained)
@needs(Permission.READ_STAFF)
def explain(asked: schemas.ExplainQuery) -> Response:
    """Why a query finds an entry, part by part, or why not. For staff."""
    with services().database.read() as session:
        entry = entries.find(session, person(), asked.id)
    told = services().search.explain(person(), asked.q, entry.number)
    if told is None:
        raise NotFound(f"{entry.number} 不在检索范围里 · not in the index", number=entry.number)
    return jsonify(asdict(told))


@bp.get("/suggest")
@bp.input(schemas.SuggestQuery, location="query", arg_name="asked")
@bp.output(schemas.Suggestions)
def suggest(asked: schemas.SuggestQuery) -> dict[str, object]:
    """Entries offered for what has been typed so far."""
    found = services().search.suggest(person(), asked.q, asked.limit)
    return {"suggestions": [{"id": item.id, "title": item.title} for item in found]}
