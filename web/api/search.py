"""GET /api/v1/search and /api/v1/suggest: what this person may find."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, jsonify

from kb.errors import Invalid
from web.api import schemas
from web.context import person, services
from web.search import FACETS

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
        person(), asked.q, exact=asked.exact, limit=asked.limit, offset=asked.offset, facets=facets
    )
    # Said as it is: `Results` describes the answer, and reading back what was just made would cost more than making it.
    return jsonify(
        query=page.query.text,
        total=page.total,
        relaxed=page.relaxed,
        correction=page.correction_as_json(),
        took_ms=round(page.took_ms, 2),
        hits=[hit.as_json() for hit in page.hits],
        facets=page.facets,
    )


@bp.get("/suggest")
@bp.input(schemas.SuggestQuery, location="query", arg_name="asked")
@bp.output(schemas.Suggestions)
def suggest(asked: schemas.SuggestQuery) -> dict[str, object]:
    """Entries offered for what has been typed so far."""
    found = services().search.suggest(person(), asked.q, asked.limit)
    return {"suggestions": [{"id": item.id, "title": item.title} for item in found]}
