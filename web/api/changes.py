"""Changes for programs: the same steps and the same two gates as on the pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apiflask import APIBlueprint
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.orm import Session

from kb import changes, entries, process
from kb.access import Permission, Person
from kb.lifecycle import CHANGE_UNMET_TEXT, Caused, ChangeKind, ChangeOutcome
from kb.models import Change
from web.api import doors
from web.api.schemas import Input, Step, Words
from web.context import person, services

bp = APIBlueprint("api_changes", __name__, url_prefix="/api/v1/changes", tag="changes")


class ChangeQuery(Input):
    mine: bool = False
    done: bool = False
    limit: int = Field(default=50, ge=1, le=200)


class NewChange(Input):
    kind: ChangeKind = ChangeKind.NORMAL
    title: Words = Field(max_length=process.MAX_TITLE)
    description: Words = Field(max_length=process.MAX_TEXT)
    category: Words
    owner_group: Words
    nodes: list[Words] = Field(default_factory=list, max_length=changes.MAX_NODES)
    problems: list[Words] = Field(default_factory=list, max_length=200)
    incidents: list[Words] = Field(default_factory=list, max_length=200)


class Reasoned(Step):
    reason: Words = Field(default="", max_length=500)


class Remarked(Step):
    remark: Words = Field(default="", max_length=500)


class Window(Step):
    window_start: AwareDatetime
    window_end: AwareDatetime
    implementer: Words = Field(description="用户名 · user name")


class ChangeResults(Step):
    outcome: ChangeOutcome
    test_results: Words = Field(default="", max_length=process.MAX_TEXT)
    caused: Caused | None = None
    incidents: list[Words] = Field(default_factory=list, max_length=200)


class Tied(Step):
    number: Words = Field(description="PRB- 或 INC- 编号 · of a problem or an incident")


class Plan(BaseModel):
    kind: str
    entry: str | None = Field(description="无权查看时为空 · null where you may not see it")
    revision: int
    state: str


class Clash(BaseModel):
    change: str
    nodes: list[str]


class ChangeOut(BaseModel):
    number: str
    state: str
    kind: str
    title: str
    description: str
    nodes: list[str]
    plans: list[Plan]
    requester: str
    approver: str | None
    implementer: str | None
    reviewer: str | None
    window_start: dt.datetime | None
    window_end: dt.datetime | None
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    outcome: str
    test_results: str
    caused: str
    rollback_reason: str
    problems: list[str]
    incidents: list[str]
    caused_incidents: list[str]
    unmet: list[str] = Field(description="下一道门槛尚缺 · what the next gate lacks")
    conflicts: list[Clash]
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class ChangesOut(BaseModel):
    changes: list[ChangeOut]


def as_json(session: Session, by: Person, change: Change) -> dict[str, Any]:
    """A change as one person may see it: a restricted document has no number."""
    return {
        "number": change.number,
        "state": change.state,
        "kind": change.kind,
        "title": change.title,
        "description": change.description,
        "nodes": change.nodes,
        "plans": [
            {
                "kind": plan.kind,
                "entry": plan.entry.number if entries.may_read(by, plan.entry) else None,
                "revision": plan.revision.number,
                "state": plan.revision.state,
            }
            for plan in change.plans
        ],
        "requester": change.requester.username,
        "approver": change.approver.username if change.approver else None,
        "implementer": change.implementer.username if change.implementer else None,
        "reviewer": change.reviewer.username if change.reviewer else None,
        "window_start": change.window_start,
        "window_end": change.window_end,
        "started_at": change.started_at,
        "finished_at": change.finished_at,
        "outcome": change.outcome,
        "test_results": change.test_results,
        "caused": change.caused,
        "rollback_reason": change.rollback_reason,
        "problems": [row.number for row in change.problems],
        "incidents": [row.number for row in changes.of_role(change, changes.ANSWERS)],
        "caused_incidents": [row.number for row in changes.of_role(change, changes.CAUSED)],
        "unmet": [CHANGE_UNMET_TEXT[item] for item in changes.unmet(change)],
        "conflicts": [{"change": number, "nodes": list(nodes)} for number, nodes in changes.conflicts(session, change)],
        "version": change.version,
        "created_at": change.created_at,
        "updated_at": change.updated_at,
    }


@bp.get("")
@bp.input(ChangeQuery, location="query", arg_name="asked")
@bp.output(ChangesOut)
def index(asked: ChangeQuery) -> dict[str, object]:
    """Open changes, the next window first; `done` for the others."""
    with services().database.read() as session:
        rows = changes.listing(session, person(), mine=asked.mine, done=asked.done, limit=asked.limit)
        return {"changes": [as_json(session, person(), row) for row in rows]}


@bp.post("")
@bp.input(NewChange, arg_name="given")
@bp.output(ChangeOut, status_code=201)
def begin(given: NewChange) -> dict[str, Any]:
    """Begin a change with its three documents as drafts."""
    values = given.model_dump(exclude={"problems", "incidents"})
    with services().database.write() as session:
        change = changes.begin(
            session, person(), **values, problem_numbers=given.problems, incident_numbers=given.incidents
        )
        answer = as_json(session, person(), change)
        session.commit()
    return answer


@bp.get("/<number>")
@bp.output(ChangeOut)
def show(number: str) -> dict[str, Any]:
    """One change, with what its next gate lacks and the windows it meets."""
    with services().database.read() as session:
        return as_json(session, person(), changes.find(session, person(), number))


_STEPS: doors.Steps[Change] = (
    ("rename_plans", Step, "Rest it on the newest revisions of its documents.",
     lambda session, it, given: changes.rename_plans(session, person(), it)),
    ("submit", Step, "Hand the request in.",
     lambda session, it, given: changes.submit(session, services().store, person(), it)),
    ("take_back", Reasoned, "Make it a draft again; an approval is void.",
     lambda session, it, given: changes.take_back(session, person(), it, reason=given.reason)),
    ("approve", Remarked, "Approve it; 409 `gate_closed` while its documents are not approved.",
     lambda session, it, given: changes.approve(session, person(), it, remark=given.remark)),
    ("reject", Reasoned, "Refuse it for good.",
     lambda session, it, given: changes.reject(session, person(), it, reason=given.reason)),
    ("cancel", Reasoned, "It is not needed any more.",
     lambda session, it, given: changes.cancel(session, person(), it, reason=given.reason)),
    ("schedule", Window, "Set window and implementer.",
     lambda session, it, given: changes.schedule(
         session, person(), it, start=given.window_start, end=given.window_end, implementer=given.implementer)),
    ("start", Step, "Begin; 409 `gate_closed` while the first gate is not met.",
     lambda session, it, given: changes.start(session, person(), it)),
    ("finish", Step, "The work is done.", lambda session, it, given: changes.finish(session, person(), it)),
    ("roll_back", Reasoned, "It was taken back to what was before.",
     lambda session, it, given: changes.roll_back(session, person(), it, reason=given.reason)),
    ("record", ChangeResults, "Write down what came of it.",
     lambda session, it, given: changes.record(
         session, person(), it, outcome=given.outcome, test_results=given.test_results, caused=given.caused,
         numbers=given.incidents)),
    ("review", Remarked, "Look at the results; 409 `gate_closed` while the second gate is not met.",
     lambda session, it, given: changes.review(session, person(), it, remark=given.remark)),
    ("close", Step, "Close it; 409 `gate_closed` while the second gate is not met.",
     lambda session, it, given: changes.close(session, person(), it)),
    ("tie", Tied, "Tie a problem or an incident to it.",
     lambda session, it, given: changes.tie(session, person(), it, given.number)),
)  # fmt: skip


doors.add(bp, _STEPS, permission=Permission.HANDLE_CHANGES, find=changes.find, as_json=as_json, out=ChangeOut)
