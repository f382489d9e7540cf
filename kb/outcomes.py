"""Did a solution hold where it was applied, and which one keeps failing?

A closed incident says that the revision it was closed with held; a refused confirmation, or a reopening after one, says
that it did not. Of each incident the latest word counts. A published revision that fails `REFUSED` of its last `LAST`
incidents goes back to review by itself, with the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from kb import doubts
from kb.access import Permission, Person
from kb.accounts import SYSTEM
from kb.lifecycle import EntryState
from kb.models import Entry, Incident, Revision, SolutionOutcome

REFUSED, LAST = 2, 5  # incidents
HELD, REFUSAL = "held", "refused"


@dataclass(frozen=True)
class Tally:
    """How often one revision held and was refused, by incidents."""

    revision: int  # number within its entry
    held: int
    refused: int


def held(session: Session, incident: Incident) -> None:
    """The incident has closed with its solution."""
    _record(session, incident, HELD, "")


def refused(session: Session, incident: Incident, said: str) -> None:
    """The user says that it is not solved, or not any more; a solution that keeps failing is questioned."""
    if incident.solution is None or incident.solution_revision_id is None:
        return
    _record(session, incident, REFUSAL, said)
    recent = _latest(session, incident.solution_revision_id)
    failed = [row for row in recent if row.outcome == REFUSAL]
    published = incident.solution.state == EntryState.PUBLISHED
    current = incident.solution.published_revision_id == incident.solution_revision_id
    if len(failed) >= REFUSED and published and current:
        cases = "；".join(f"{row.incident.number} {row.said}".strip() for row in failed)
        evidence = f"最近 {len(recent)} 次应用中 {len(failed)} 次被用户否定：{cases}"
        known = doubts.open_doubts(session, incident.solution)
        if not any(
            doubt.revision_id == incident.solution_revision_id and doubt.raised_by_id is None for doubt in known
        ):
            doubts.question(session, SYSTEM, incident.solution, evidence)


def tallies(session: Session, by: Person, entry: Entry) -> list[Tally]:
    """Of each revision that was applied, newest first, how often it held."""
    by.require(Permission.READ_STAFF)
    newest = func.max(SolutionOutcome.id)
    last = (
        select(newest.label("id"))
        .join(Revision, Revision.id == SolutionOutcome.revision_id)
        .where(Revision.entry_id == entry.id)
        .group_by(SolutionOutcome.revision_id, SolutionOutcome.incident_id)
        .subquery()
    )
    rows = session.execute(
        select(Revision.number, SolutionOutcome.outcome, func.count())
        .join(Revision, Revision.id == SolutionOutcome.revision_id)
        .where(SolutionOutcome.id.in_(select(last.c.id)))
        .group_by(Revision.number, SolutionOutcome.outcome)
    ).all()
    counts = {(number, outcome): count for number, outcome, count in rows}
    numbers = sorted({number for number, _, _ in rows}, reverse=True)
    return [Tally(n, counts.get((n, HELD), 0), counts.get((n, REFUSAL), 0)) for n in numbers]


def _latest(session: Session, revision_id: int) -> Sequence[SolutionOutcome]:
    last = (
        select(func.max(SolutionOutcome.id))
        .where(SolutionOutcome.revision_id == revision_id)
        .group_by(SolutionOutcome.incident_id)
    )
    return session.scalars(
        select(SolutionOutcome)
        .where(SolutionOutcome.id.in_(last))
        .order_by(SolutionOutcome.id.desc())
        .limit(LAST)
        .options(selectinload(SolutionOutcome.incident))
    ).all()


def _record(session: Session, incident: Incident, outcome: str, said: str) -> None:
    assert incident.solution_revision_id is not None
    session.add(
        SolutionOutcome(
            revision_id=incident.solution_revision_id, incident_id=incident.id, outcome=outcome, said=said[:500]
        )
    )
    session.flush()
