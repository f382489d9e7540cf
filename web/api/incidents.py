"""Incidents for programs: the same steps and the same closing gate as on the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from kb import entries, handovers, incidents, notes, verification
from kb.access import Permission, Person
from kb.errors import Conflict
from kb.lifecycle import DONE_INCIDENT, UNMET_TEXT, VerificationMethod
from kb.models import Incident
from web import asked_users as asked
from web import links
from web.api import schemas
from web.context import person, services

bp = APIBlueprint("api_incidents", __name__, url_prefix="/api/v1/incidents", tag="incidents")


def as_json(by: Person, incident: Incident) -> dict[str, Any]:
    """An incident without its people: names, numbers and addresses stay on the page of whoever handles it."""
    solution = incident.solution
    return {
        "number": incident.number,
        "state": incident.state,
        "title": incident.title,
        "description": incident.description,
        "channel": incident.channel,
        "priority": incident.priority,
        "impact": incident.impact,
        "urgency": incident.urgency,
        "category": incident.category,
        "line": incident.line,
        "unit": incident.unit.key if incident.unit else None,
        "duplicate_of": incident.duplicate_of.number if incident.duplicate_of else None,
        "parent": incident.parent.number if incident.parent else None,
        "district": incident.district.key if incident.district else None,
        "assignee": incident.assignee.username if incident.assignee else None,
        "solution": solution.number if solution and entries.may_read(by, solution) else None,
        "references": [row.entry.number for row in incident.references if entries.may_read(by, row.entry)],
        "unmet": [] if incident.state in DONE_INCIDENT else [UNMET_TEXT[item] for item in incidents.unmet(incident)],
        "version": incident.version,
        "created_at": incident.created_at,
        "updated_at": incident.updated_at,
    }


@bp.get("")
@bp.input(schemas.IncidentQuery, location="query", arg_name="asked")
@bp.output(schemas.Incidents)
def index(asked: schemas.IncidentQuery) -> dict[str, object]:
    """Open incidents, the most urgent first; `done` for the others."""
    with services().database.read() as session:
        rows = incidents.listing(session, person(), mine=asked.mine, done=asked.done, limit=asked.limit)
        return {"incidents": [as_json(person(), row) for row in rows]}


@bp.post("")
@bp.input(schemas.Report, arg_name="given")
@bp.output(schemas.Reported, status_code=201)
def report(given: schemas.Report) -> dict[str, object]:
    """Report a fault; anybody may."""
    with services().database.write() as session:
        incident = incidents.report(session, person(), store=services().store, **given.model_dump())
        code = verification.issue_code(session, incident)
        session.commit()
    own = person().id is None  # the link is the reporter's word, so staff get none
    link = links.confirmation(incident, code) if own else None
    return {"number": incident.number, "confirmation": link, "door_code": code}


@bp.get("/<number>")
@bp.output(schemas.Incident)
def show(number: str) -> dict[str, Any]:
    """One incident, with what keeps it from closing."""
    with services().database.read() as session:
        return as_json(person(), incidents.find(session, person(), number))


@bp.post("/<number>/take")
@bp.input(schemas.Step, arg_name="given")
@bp.output(schemas.Incident)
def take(number: str, given: schemas.Step) -> dict[str, Any]:
    """Start working on it oneself."""
    return _step(number, given, lambda session, incident: incidents.take(session, person(), incident))


@bp.post("/<number>/wait")
@bp.input(schemas.Wait, arg_name="given")
@bp.output(schemas.Incident)
def wait(number: str, given: schemas.Wait) -> dict[str, Any]:
    """Set it aside until something happens."""
    return _step(number, given, lambda session, incident: incidents.wait(session, person(), incident, given.reason))


@bp.post("/<number>/resolve")
@bp.input(schemas.Step, arg_name="given")
@bp.output(schemas.Incident)
def resolve(number: str, given: schemas.Step) -> dict[str, Any]:
    """Mark it repaired; now the user has the word."""
    return _step(number, given, lambda session, incident: incidents.resolve(session, person(), incident))


@bp.post("/<number>/notes")
@bp.input(schemas.Note, arg_name="given")
@bp.output(schemas.NoteWritten, status_code=201)
def note(number: str, given: schemas.Note) -> dict[str, Any]:
    """Write a note down; sent again with the same key it is written once. 409 `stale_version` if the incident went on."""
    by = person()
    with services().database.write() as session:
        incident = incidents.find(session, by, number)
        written = notes.write(
            session, by, incident, given.text, key=given.key, version=given.version, written_at=given.written_at
        )
        session.commit()
        return {
            "id": written.id,
            "incident": incident.number,
            "text": written.text,
            "author": written.author.username,
            "written_at": written.written_at,
            "created_at": written.created_at,
        }


@bp.post("/<number>/link")
@bp.input(schemas.Link, arg_name="given")
@bp.output(schemas.Incident)
def link(number: str, given: schemas.Link) -> dict[str, Any]:
    """Name the published solution that resolves it."""

    def step(session: Session, incident: Incident) -> None:
        incidents.link(session, person(), incident, entries.find(session, person(), given.entry), words=given.query)

    return _step(number, given, step)


@bp.post("/<number>/verify")
@bp.input(schemas.Verify, arg_name="given")
@bp.output(schemas.Incident)
def verify(number: str, given: schemas.Verify) -> dict[str, Any]:
    """Write down what the user said of the repair."""
    if given.method is VerificationMethod.SIGNED_LINK:
        raise Conflict("用户链接只能由用户本人使用 · only the user confirms through the link")

    def step(session: Session, incident: Incident) -> None:
        asked.record(session, person(), incident, asked.Said(**given.model_dump(exclude={"version"})))

    return _step(number, given, step)


@bp.post("/<number>/attempt")
@bp.input(schemas.Attempt, arg_name="given")
@bp.output(schemas.Incident)
def attempt(number: str, given: schemas.Attempt) -> dict[str, Any]:
    """Note an attempt to reach the user that failed; the verification stays open."""
    return _step(
        number,
        given,
        lambda session, incident: verification.attempt(session, person(), incident, given.method, remark=given.remark),
    )


@bp.post("/<number>/code")
@bp.input(schemas.Step, arg_name="given")
@bp.output(schemas.Code)
def renew_code(number: str, given: schemas.Step) -> dict[str, str]:
    """Another code for the user in place of one that was used, is void or was lost; whoever asks for it cannot use it."""
    codes: list[str] = []
    _step(number, given, lambda session, it: codes.append(verification.renew_code(session, person(), it)))
    return {"door_code": codes[0]}


@bp.post("/<number>/hand-over")
@bp.input(schemas.HandOver, arg_name="given")
@bp.output(schemas.Incident)
def hand_over(number: str, given: schemas.HandOver) -> dict[str, Any]:
    """Give it to another line, group or person, with what was searched for."""
    fields = given.model_dump(exclude={"version"})
    return _step(number, given, lambda session, incident: handovers.hand_over(session, person(), incident, **fields))


@bp.post("/<number>/merge")
@bp.input(schemas.Merge, arg_name="given")
@bp.output(schemas.Incident)
def merge(number: str, given: schemas.Merge) -> dict[str, Any]:
    """Cancel it as a duplicate of another; its reporter is asked there. Only a technical lead does."""

    def step(session: Session, incident: Incident) -> None:
        handovers.merge(session, person(), incident, incidents.find(session, person(), given.into))

    return _step(number, given, step)


@bp.post("/<number>/parent")
@bp.input(schemas.Parent, arg_name="given")
@bp.output(schemas.Incident)
def parent(number: str, given: schemas.Parent) -> dict[str, Any]:
    """Make it part of an area fault, or of none."""

    def step(session: Session, incident: Incident) -> None:
        area = incidents.find(session, person(), given.parent) if given.parent else None
        handovers.set_parent(session, person(), incident, area)

    return _step(number, given, step)


@bp.post("/<number>/share-solution")
@bp.input(schemas.Step, arg_name="given")
@bp.output(schemas.Incident)
def share_solution(number: str, given: schemas.Step) -> dict[str, Any]:
    """Give an area fault's solution to its open children that have none."""
    return _step(number, given, lambda session, incident: handovers.share_solution(session, person(), incident))


@bp.post("/<number>/close")
@bp.input(schemas.Step, arg_name="given")
@bp.output(schemas.Incident)
def close(number: str, given: schemas.Step) -> dict[str, Any]:
    """Close it; 409 `gate_closed` with the unmet conditions while the gate is not met."""
    return _step(number, given, lambda session, incident: incidents.close(session, person(), incident))


@bp.post("/<number>/reopen")
@bp.input(schemas.Reopen, arg_name="given")
@bp.output(schemas.Incident)
def reopen(number: str, given: schemas.Reopen) -> dict[str, Any]:
    """It is not solved after all."""
    return _step(
        number, given, lambda session, incident: incidents.reopen(session, person(), incident, reason=given.reason)
    )


@bp.post("/<number>/cancel")
@bp.input(schemas.Cancel, arg_name="given")
@bp.output(schemas.Incident)
def cancel(number: str, given: schemas.Cancel) -> dict[str, Any]:
    """It was no incident; only a technical lead says so."""
    return _step(
        number,
        given,
        lambda session, incident: incidents.cancel(session, person(), incident, given.reason, remark=given.remark),
    )


def _step(number: str, given: schemas.Step, step: Callable[[Session, Incident], object]) -> dict[str, Any]:
    by = person()
    by.require(Permission.HANDLE_INCIDENTS)
    with services().database.write() as session:
        incident = incidents.find(session, by, number)
        if given.version is not None:
            incidents.check_version(incident, given.version)
        step(session, incident)
        answer = as_json(by, incident)
        session.commit()
    return answer
