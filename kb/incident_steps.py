"""What do all use cases of incidents share? The step with its audit row, the version, the words that are required."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import audit, clock
from kb.access import Permission, Person
from kb.errors import Conflict, Invalid, NotFound, StaleVersion
from kb.lifecycle import DONE_INCIDENT, IncidentState, check_incident_step
from kb.models import Incident

MAX_REMARK = 500  # characters of what a user, or a colleague, said


def find(session: Session, by: Person, number: str) -> Incident:
    """The incident with this number; only staff read incidents."""
    by.require(Permission.HANDLE_INCIDENTS)
    incident = session.scalar(select(Incident).where(Incident.number == number.strip().upper()))
    if incident is None:
        raise NotFound(f"没有事件 {number} · no such incident", number=number)
    return incident


def step(session: Session, by: Person, incident: Incident, to: IncidentState, action: str, *, reason: str = "") -> None:
    """Take a step of the table, and leave its audit row."""
    check_incident_step(incident.state, to)
    session.flush()  # the database judges each step, so that none is left out
    before, incident.state = incident.state, to
    touch(incident)
    audit.record(session, by, incident, action, before=before, after=to, reason=reason)


def touch(incident: Incident) -> None:
    """A page made before this change knows nothing of it."""
    incident.version += 1
    incident.updated_at = clock.now()


def check_version(incident: Incident, version: int) -> None:
    """Refuse a change made on a page that somebody else has overtaken."""
    if incident.version != version:
        raise StaleVersion(
            "事件已被别人更新，请看最新情况后再操作 · the incident changed meanwhile; look at it again",
            yours=version,
            latest=incident.version,
        )


def require_open(incident: Incident) -> None:
    if incident.state in DONE_INCIDENT:
        raise Conflict("事件已结束，先重开 · the incident is done; reopen it first", state=incident.state)


def needed(value: str, field: str, what: str) -> str:
    """Text that has to be there, of at most `MAX_REMARK` characters."""
    value = short(value, field)
    if not value:
        raise Invalid(f"请写明{what}", fields={field: f"请写明{what}"})
    return value


def short(value: str, field: str) -> str:
    value = value.strip()
    if len(value) > MAX_REMARK:
        problem = f"备注最多 {MAX_REMARK} 字 · at most {MAX_REMARK} characters"
        raise Invalid(problem, fields={field: problem})
    return value
