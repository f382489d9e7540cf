"""Problems for programs: the same steps and the same gate as on the pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from kb import entries, problems, process
from kb.access import Permission, Person
from kb.lifecycle import DONE_PROBLEM, PROBLEM_UNMET_TEXT, ProblemCancelReason
from kb.models import Problem
from web.api import doors
from web.api.schemas import Input, Step, Words
from web.context import person, services

bp = APIBlueprint("api_problems", __name__, url_prefix="/api/v1/problems", tag="problems")


class ProblemQuery(Input):
    known: bool = Field(default=False, description="只列已知错误 · known errors alone")
    done: bool = False
    limit: int = Field(default=50, ge=1, le=200)


class NewProblem(Input):
    title: Words = Field(max_length=process.MAX_TITLE)
    description: Words = Field(max_length=process.MAX_TEXT)
    incidents: list[Words] = Field(default_factory=list, max_length=200)


class Again(Step):
    reason: Words = Field(default="", description="再次调查时必填 · needed to investigate again")


class Known(Step):
    root_cause: Words = Field(max_length=process.MAX_TEXT)
    workaround: Words = Field(default="", max_length=process.MAX_TEXT)


class Cancelled(Step):
    reason: ProblemCancelReason
    remark: Words = Field(default="", max_length=500)


class OneIncident(Step):
    incident: Words


class NewSolution(Step):
    category: Words
    owner_group: Words
    service: Words


class Chosen(Step):
    entry: Words = Field(description="解决方案编号 · number of the solution")


class Offered(Step):
    incidents: list[Words] = Field(max_length=200)


class ProblemOut(BaseModel):
    number: str
    state: str
    title: str
    description: str
    priority: int
    impact: int
    root_cause: str
    workaround: str
    owner: str | None
    solution: str | None
    incidents: list[str]
    changes: list[str]
    unmet: list[str] = Field(description="关闭条件尚缺 · what keeps it from closing")
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class ProblemsOut(BaseModel):
    problems: list[ProblemOut]


def as_json(session: Session, by: Person, problem: Problem) -> dict[str, Any]:
    """A problem as one person may see it: a restricted solution has no number."""
    weight, solution = problems.weight(problem), problem.solution
    return {
        "number": problem.number,
        "state": problem.state,
        "title": problem.title,
        "description": problem.description,
        "priority": weight.priority,
        "impact": weight.impact,
        "root_cause": problem.root_cause,
        "workaround": problem.workaround,
        "owner": problem.owner.username if problem.owner else None,
        "solution": solution.number if solution and entries.may_read(by, solution) else None,
        "incidents": [row.number for row in problem.incidents],
        "changes": [row.number for row in problem.changes],
        "unmet": []
        if problem.state in DONE_PROBLEM
        else [PROBLEM_UNMET_TEXT[item] for item in problems.unmet(problem)],
        "version": problem.version,
        "created_at": problem.created_at,
        "updated_at": problem.updated_at,
    }


@bp.get("")
@bp.input(ProblemQuery, location="query", arg_name="asked")
@bp.output(ProblemsOut)
def index(asked: ProblemQuery) -> dict[str, object]:
    """Open problems, the heaviest first; `done` for the others, `known` for known errors."""
    with services().database.read() as session:
        rows = problems.listing(session, person(), known=asked.known, done=asked.done, limit=asked.limit)
        return {"problems": [as_json(session, person(), row) for row in rows]}


@bp.post("")
@bp.input(NewProblem, arg_name="given")
@bp.output(ProblemOut, status_code=201)
def begin(given: NewProblem) -> dict[str, Any]:
    """Open a problem behind incidents, which go their own way."""
    with services().database.write() as session:
        problem = problems.begin(
            session, person(), title=given.title, description=given.description, numbers=given.incidents
        )
        answer = as_json(session, person(), problem)
        session.commit()
    return answer


@bp.get("/<number>")
@bp.output(ProblemOut)
def show(number: str) -> dict[str, Any]:
    """One problem, with what keeps it from closing."""
    with services().database.read() as session:
        return as_json(session, person(), problems.find(session, person(), number))


_STEPS: doors.Steps[Problem] = (
    ("investigate", Again, "Look for the cause oneself.",
     lambda session, it, given: problems.investigate(session, person(), it, reason=given.reason)),
    ("write_down", Known, "Write down cause and workaround.",
     lambda session, it, given: problems.write_down(
         session, person(), it, root_cause=given.root_cause, workaround=given.workaround)),
    ("know", Step, "Make it a known error.", lambda session, it, given: problems.know(session, person(), it)),
    ("resolve", Step, "Mark the cause removed.", lambda session, it, given: problems.resolve(session, person(), it)),
    ("close", Step, "Close it; 409 `gate_closed` while its gate is not met.",
     lambda session, it, given: problems.close(session, person(), it)),
    ("cancel", Cancelled, "It was no problem; only a technical lead says so.",
     lambda session, it, given: problems.cancel(session, person(), it, given.reason, remark=given.remark)),
    ("add_incident", OneIncident, "Group an incident under it.",
     lambda session, it, given: problems.add_incident(session, person(), it, given.incident)),
    ("remove_incident", OneIncident, "The incident had another cause.",
     lambda session, it, given: problems.remove_incident(session, person(), it, given.incident)),
    ("write_solution", NewSolution, "Begin its solution as a draft.",
     lambda session, it, given: problems.write_solution(
         session, person(), it, category=given.category, owner_group=given.owner_group, service=given.service)),
    ("choose_solution", Chosen, "Take a solution that is there already.",
     lambda session, it, given: problems.choose_solution(
         session, person(), it, entries.find(session, person(), given.entry))),
    ("offer", Offered, "Link its approved solution to open incidents that have none.",
     lambda session, it, given: problems.offer(session, person(), it, given.incidents)),
)  # fmt: skip


doors.add(bp, _STEPS, permission=Permission.HANDLE_PROBLEMS, find=problems.find, as_json=as_json, out=ProblemOut)
