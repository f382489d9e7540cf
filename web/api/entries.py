"""Entries for programs: one piece of knowledge as this person may read it, a doubt about it, a slip of the pen put right."""

from __future__ import annotations

from dataclasses import asdict

from apiflask import APIBlueprint

from kb import access, documents, doubts, entries, publishing
from kb.access import Permission
from kb.documents import Kind
from kb.errors import NotFound
from kb.models import Revision
from web import forms, lists
from web import words as wording
from web.api import schemas
from web.context import needs, person, services

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


@bp.post("/<number>/question")
@bp.input(schemas.Evidence, arg_name="given")
@bp.output(schemas.Doubted)
@needs(Permission.WRITE_ENTRIES)
def question(number: str, given: schemas.Evidence) -> dict[str, object]:
    """Say what speaks against a published entry: it is marked, and stands in the review queue. The same twice is one doubt."""
    with services().database.write() as session:
        doubt = doubts.question(session, person(), entries.find(session, person(), number), given.evidence)
        answer = {
            "number": doubt.entry.number,
            "revision": doubt.revision.number,
            "evidence": doubt.evidence,
            "since": doubt.created_at,
        }
        session.commit()
    return answer


@bp.post("/<number>/correct")
@bp.input(schemas.Correction, arg_name="given")
@bp.output(schemas.Revised)
@needs(Permission.CORRECT)
def correct(number: str, given: schemas.Correction) -> dict[str, object]:
    """Put a slip of the pen right without a review; 422 where it is more than that."""
    with services().database.write() as session:
        entry = entries.find(session, person(), number)
        body = forms.clean(given.body)
        made = publishing.correct(
            session, services().store, person(), entry, body, base=given.base, sounds=wording.sounds
        )
        answer = _revised(made)
        session.commit()
    return answer


@bp.post("/<number>/revisions/<int:revision_number>/restore")
@bp.output(schemas.Revised)
@needs(Permission.WRITE_ENTRIES)
def restore(number: str, revision_number: int) -> dict[str, object]:
    """Begin a draft with the text, attributes and files of an earlier revision; it is reviewed like any other."""
    with services().database.write() as session:
        entry = entries.find(session, person(), number)
        answer = _revised(entries.restore(session, services().store, person(), entry, revision_number))
        session.commit()
    return answer


def _revised(revision: Revision) -> dict[str, object]:
    return {"number": revision.entry.number, "revision": revision.number, "state": revision.state}
