"""GET /api/v1/entries/<number>: one piece of knowledge, as this person may read it."""

from __future__ import annotations

from dataclasses import asdict

from apiflask import APIBlueprint

from kb import access, documents, entries
from kb.documents import Kind
from kb.errors import NotFound
from web import lists
from web.api import schemas
from web.context import person, services

bp = APIBlueprint("api_entries", __name__, url_prefix="/api/v1/entries", tag="entries")


@bp.get("/<number>")
@bp.output(schemas.Entry)
def show(number: str) -> dict[str, object]:
    """The published revision of an entry."""
    by, store = person(), services().store
    with services().database.read() as session:
        entry = entries.find(session, by, number)
        revision = entry.published
        if revision is None:
            raise NotFound(f"{number} 尚未发布 · not published yet", number=number)
        attributes = revision.read_attributes()
        related = [other.number for other in lists.related(session, by, attributes.related)]
        body = entries.text_of(store, revision)
        if not access.sight(by).staff_text:
            body = documents.faces(Kind(entry.kind), body).shared
        return {
            "number": entry.number,
            "kind": entry.kind,
            "state": entry.state,
            "title": entry.title,
            "revision": revision.number,
            "updated_at": entry.updated_at,
            "attributes": attributes.model_dump(mode="json", exclude={"title", "kind", "related"}),
            "body": body,
            "related": related,
        }


@bp.get("/<number>/related")
@bp.output(schemas.RelatedEntries)
def related(number: str) -> dict[str, object]:
    """Published entries like this one that this person may find, at most five, the most alike first."""
    with services().database.read() as session:
        found = entries.find(session, person(), number).number
    return {"related": [asdict(other) for other in services().search.related(person(), found)]}
