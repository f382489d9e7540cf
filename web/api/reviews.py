"""Reviews for programs: the queue, the two decisions, and whose turn it is. Authors decide on their own as little as anywhere."""

from __future__ import annotations

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from kb import assignment, reviews
from kb.access import Permission
from kb.models import Revision
from web import lists
from web.api import schemas
from web.context import needs, person, services, similar

bp = APIBlueprint("api_reviews", __name__, url_prefix="/api/v1/reviews", tag="reviews")


def as_json(revision: Revision) -> dict[str, object]:
    return {
        "id": revision.id,
        "number": revision.entry.number,
        "revision": revision.number,
        "title": revision.title,
        "state": revision.state,
        "author": revision.author.username if revision.author else None,
        "submitted_at": revision.submitted_at,
        "due_at": reviews.due(revision, services().settings.review_days, services().calendar()),
        "assignee": revision.assignee.username if revision.assignee else None,
        "publishes_on": revision.scheduled,
        "decided": [f"{review.part}_{review.decision}" for review in revision.reviews],
    }


@bp.get("")
@bp.output(schemas.Reviews)
def index() -> dict[str, object]:
    """Revisions waiting for a decision that this person may make, oldest first."""
    with services().database.read() as session:
        return {"reviews": [as_json(revision) for revision in reviews.review_queue(session, person())]}


@bp.post("/<int:revision_id>")
@bp.input(schemas.Judgement, arg_name="given")
@bp.output(schemas.Review)
@needs(Permission.REVIEW)
def decide(revision_id: int, given: schemas.Judgement) -> dict[str, object]:
    """Give one of the two decisions; the second approval publishes."""
    look = similar()
    with services().database.write() as session:
        revision = lists.submitted_revision(session, person(), revision_id)
        reviews.decide(
            session, services().store, person(), revision, given.part, given.decision,
            reason=given.reason, similar=look,
        )  # fmt: skip
        answer = as_json(revision)
        session.commit()
    return answer


@bp.post("/<int:revision_id>/assign")
@bp.input(schemas.Assigned, arg_name="given")
@bp.output(schemas.Review)
@needs(Permission.REVIEW)
def assign(revision_id: int, given: schemas.Assigned) -> dict[str, object]:
    """Pass a revision on to another lead, or take it oneself."""
    with services().database.write() as session:
        revision = lists.submitted_revision(session, person(), revision_id)
        assignment.reassign(session, person(), revision, given.assignee, reason=given.reason)
        answer = as_json(revision)
        session.commit()
    return answer


@bp.get("/delegations")
@bp.output(schemas.Delegations)
@needs(Permission.REVIEW)
def delegations() -> dict[str, object]:
    """To whom one has delegated one's turns, and until when."""
    with services().database.read() as session:
        return _delegations(session)


@bp.post("/delegations")
@bp.input(schemas.NewDelegation, arg_name="given")
@bp.output(schemas.Delegations, status_code=201)
@needs(Permission.REVIEW)
def delegate(given: schemas.NewDelegation) -> dict[str, object]:
    """Give one's turns to another lead for some days."""
    with services().database.write() as session:
        assignment.delegate(session, person(), given.to, starts=given.starts, ends=given.ends, reason=given.reason)
        answer = _delegations(session)
        session.commit()
    return answer


@bp.post("/delegations/<int:delegation_id>/end")
@bp.output(schemas.Delegations)
@needs(Permission.REVIEW)
def end_delegation(delegation_id: int) -> dict[str, object]:
    """Take one's turns back from today on."""
    with services().database.write() as session:
        assignment.end_delegation(session, person(), delegation_id)
        answer = _delegations(session)
        session.commit()
    return answer


def _delegations(session: Session) -> dict[str, object]:
    return {
        "delegations": [
            {"id": row.id, "to": deputy, "starts": row.starts, "ends": row.ends, "reason": row.reason}
            for row, deputy in assignment.delegations(session, person())
        ]
    }
