"""How content is the user with the repair: one to five, once for each report, theirs to change until it is closed."""

from __future__ import annotations

from sqlalchemy.orm import Session

from kb import audit, clock, verification
from kb.access import Person
from kb.errors import Conflict, Invalid
from kb.incident_steps import short
from kb.lifecycle import DONE_INCIDENT
from kb.models import Incident, Rating

STARS = range(1, 6)


def may_rate(reported: Incident) -> bool:
    """Has its reporter confirmed the repair, and is the word still theirs to give or change?"""
    incident, reporter = reporter_of(reported)
    if incident.state in DONE_INCIDENT and reported.rating is not None:
        return False
    return verification.confirmed(incident, reporter)


def rate(session: Session, by: Person, reported: Incident, stars: int, *, remark: str = "") -> Rating:
    """Keep what the reporter gives the repair; said again, the last word counts until the incident is closed."""
    if stars not in STARS:
        problem = "请选 1 到 5 分 · choose 1 to 5"
        raise Invalid(problem, fields={"stars": problem})
    remark = short(remark, "rating_remark")
    if not may_rate(reported):
        raise Conflict(
            "确认修好以后、结束以前可以评价 · it is rated once confirmed, and changed until closed",
            state=reported.state,
        )
    rating = reported.rating
    if rating is None:
        rating = reported.rating = Rating(incident_id=reported.id)
    elif (rating.stars, rating.remark) == (stars, remark):
        return rating  # a second tap
    rating.stars, rating.remark, rating.updated_at = stars, remark, clock.now()
    session.flush()
    audit.record(session, by, reported, "rate", reason=f"{stars} {remark}".strip())
    return rating


def reporter_of(reported: Incident) -> tuple[Incident, Incident | None]:
    """The incident in which a report is repaired, and whose word this reporter's is there, see `kb.handovers`."""
    if reported.duplicate_of is None:
        return reported, None
    return reported.duplicate_of, reported if reported.ask_reporter else None
