"""Reviews for programs: the queue, and the two decisions. Authors decide here on their own as little as anywhere."""

from __future__ import annotations

from apiflask import APIBlueprint

from kb import reviews
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
        "due_at": reviews.due(revision, services().settings.review_days),
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
