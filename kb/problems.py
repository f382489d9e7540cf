"""Which cause is behind several incidents, and how does it go from a suspicion to a solution?

Each function is one use case in the caller's transaction; the caller commits. A problem groups incidents and leaves them
alone: linking one changes neither its state nor its gate. What the problem teaches is an entry of kind solution, reviewed
as any other, and offered to the incidents; taking it over is each incident's own use case.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from kb import audit, clock, documents, entries, incidents, privacy, process
from kb.access import Permission, Person
from kb.documents import Kind
from kb.errors import Conflict, GateClosed, NotFound
from kb.lifecycle import (
    DONE_INCIDENT,
    DONE_PROBLEM,
    PROBLEM_UNMET_TEXT,
    IncidentState,
    ProblemCancelReason,
    ProblemFacts,
    ProblemState,
    ProblemUnmet,
    check_problem_step,
    known_error_gate,
    problem_gate,
)
from kb.models import Entry, Incident, Problem, Reference, Revision
from kb.numbers import PROBLEM, next_number
from kb.plain import one_line
from kb.topology import NODE_ID

SUSPECT_WINDOW = dt.timedelta(hours=4)  # a fault of an area is reported by its users within hours
SUSPECT_LEAST = 3  # open incidents in the window: two neighbours may have two faults

_NUMBERS = ("SOL-", "CHG-", "POL-", "TOP-", "REF-")

_LISTED = (
    selectinload(Problem.incidents).selectinload(Incident.district),
    selectinload(Problem.owner),
    selectinload(Problem.solution).selectinload(Entry.published),
)


# --- reading ---------------------------------------------------------------------------------------------------


def find(session: Session, by: Person, number: str) -> Problem:
    """The problem with this number; only staff read problems."""
    by.require(Permission.HANDLE_PROBLEMS)
    problem = session.scalar(select(Problem).where(Problem.number == number.strip().upper()))
    if problem is None:
        raise NotFound(f"没有问题 {number} · no such problem", number=number)
    return problem


def listing(
    session: Session, by: Person, *, known: bool = False, done: bool = False, limit: int = 100
) -> list[Problem]:
    """Problems, open ones unless `done`, known errors alone if `known`; the heaviest and oldest first."""
    by.require(Permission.HANDLE_PROBLEMS)
    states = [ProblemState.KNOWN_ERROR] if known else sorted(DONE_PROBLEM if done else set(ProblemState) - DONE_PROBLEM)
    query = select(Problem).where(Problem.state.in_(states)).options(*_LISTED)
    if done:
        return list(session.scalars(query.order_by(Problem.id.desc()).limit(limit)))
    rows = list(session.scalars(query.order_by(Problem.id)))  # open problems are few; their weight is not in the row
    return sorted(rows, key=lambda row: (weight(row).priority, row.id))[:limit]


def facts(problem: Problem) -> ProblemFacts:
    """What the gates look at."""
    solution = problem.solution
    published = solution.published if solution else None
    return ProblemFacts(
        root_cause=problem.root_cause,
        workaround=problem.workaround,
        solution_kind=solution.kind if solution else None,
        solution_entry_state=solution.state if solution else None,
        solution_revision_state=published.state if published else None,
    )


def unmet(problem: Problem) -> list[ProblemUnmet]:
    """What keeps this problem from closing?"""
    return problem_gate(facts(problem))


@dataclass(frozen=True)
class Weight:
    """How far a problem reaches and how soon it must go, each 1 (most) to 4, and what follows."""

    impact: int
    urgency: int
    priority: int


def weigh(reports: Sequence[tuple[int, str]]) -> Weight:
    """The weight of a problem by its incidents, given as (priority, district or "").

    Impact: several districts 1, several incidents in one 2, two incidents in unknown places 3, one or none 4. Urgency is
    that of the most urgent incident. Priority is half of their sum, rounded down, as in the shipped priority matrix.
    """
    districts = {district for _, district in reports if district}
    if len(districts) > 1:
        impact = 1
    elif len(reports) > 2 or (districts and len(reports) > 1):
        impact = 2
    else:
        impact = 3 if len(reports) == 2 else 4
    urgency = min((priority for priority, _ in reports), default=4)
    return Weight(impact, urgency, max(1, (impact + urgency) // 2))


def weight(problem: Problem) -> Weight:
    """The weight by all its incidents but those that were none."""
    counted = [row for row in problem.incidents if row.state != IncidentState.CANCELLED]
    return weigh([(row.priority, row.district.key if row.district else "") for row in counted])


# --- the way of a problem --------------------------------------------------------------------------------------


def begin(session: Session, by: Person, *, title: str, description: str, numbers: Iterable[str] = ()) -> Problem:
    """Open a problem, with the incidents it is suspected to be behind."""
    by.require(Permission.HANDLE_PROBLEMS)
    title, description = process.titled(title, description)
    rows = [incidents.find(session, by, number) for number in dict.fromkeys(numbers)]
    problem = Problem(
        number=next_number(session, PROBLEM), title=title, description=description, opened_by_id=by.id, incidents=rows
    )
    session.add(problem)
    session.flush()
    audit.record(session, by, problem, "begin", after=ProblemState.NEW, reason="、".join(row.number for row in rows))
    return problem


def investigate(session: Session, by: Person, problem: Problem, *, reason: str = "") -> None:
    """Look for the cause oneself; again, with a reason, when what was held for it was not."""
    by.require(Permission.HANDLE_PROBLEMS)
    check_problem_step(problem.state, ProblemState.INVESTIGATING)
    if problem.state != ProblemState.NEW:
        reason = process.text(reason, "reason", "为什么重新调查 · why again")
    problem.owner_id = by.id
    process.step(session, by, problem, ProblemState.INVESTIGATING, "investigate", reason=reason)


def write_down(session: Session, by: Person, problem: Problem, *, root_cause: str, workaround: str) -> None:
    """Write down cause and workaround as they are known by now."""
    by.require(Permission.HANDLE_PROBLEMS)
    _require_open(problem)
    root_cause, workaround = process.text(root_cause, "root_cause"), process.text(workaround, "workaround")
    if problem.state == ProblemState.KNOWN_ERROR:  # a known error stays known
        _require_known(ProblemFacts(root_cause, workaround, None, None, None))
    if (root_cause, workaround) == (problem.root_cause, problem.workaround):
        return
    problem.root_cause, problem.workaround = root_cause, workaround
    process.touch(problem)
    session.flush()
    audit.record(session, by, problem, "write_down")


def know(session: Session, by: Person, problem: Problem) -> None:
    """Make it a known error: cause and workaround are recorded, the repair is yet to come."""
    by.require(Permission.HANDLE_PROBLEMS)
    check_problem_step(problem.state, ProblemState.KNOWN_ERROR)
    _require_known(facts(problem))
    problem.known_at = clock.now()
    process.step(session, by, problem, ProblemState.KNOWN_ERROR, "know")


def resolve(session: Session, by: Person, problem: Problem) -> None:
    """The cause is removed; it closes when what was learnt is approved."""
    by.require(Permission.HANDLE_PROBLEMS)
    check_problem_step(problem.state, ProblemState.RESOLVED)
    process.step(session, by, problem, ProblemState.RESOLVED, "resolve")


def close(session: Session, by: Person, problem: Problem) -> None:
    """Close it, if the gate is met; else `GateClosed` lists what is missing."""
    by.require(Permission.HANDLE_PROBLEMS)
    check_problem_step(problem.state, ProblemState.CLOSED)
    _require(unmet(problem), "还不能关闭 · it cannot close yet")
    problem.closed_at = clock.now()
    process.step(session, by, problem, ProblemState.CLOSED, "close")


def cancel(session: Session, by: Person, problem: Problem, reason: ProblemCancelReason, *, remark: str = "") -> None:
    """It was no problem: only a lead says so, with a reason from the list."""
    by.require(Permission.LEAD_PROBLEMS)
    check_problem_step(problem.state, ProblemState.CANCELLED)
    problem.cancel_reason = reason
    problem.closed_at = clock.now()
    process.step(session, by, problem, ProblemState.CANCELLED, "cancel", reason=f"{reason} {one_line(remark)}".strip())


# --- its incidents ---------------------------------------------------------------------------------------------


def add_incident(session: Session, by: Person, problem: Problem, number: str) -> None:
    """Group an incident under this problem; the incident itself does not change. Twice is once."""
    by.require(Permission.HANDLE_PROBLEMS)
    _require_open(problem)
    incident = incidents.find(session, by, number)
    if incident not in problem.incidents:
        problem.incidents.append(incident)
        process.touch(problem)
        session.flush()
        audit.record(session, by, problem, "add_incident", reason=incident.number)


def remove_incident(session: Session, by: Person, problem: Problem, number: str) -> None:
    """It had another cause."""
    by.require(Permission.HANDLE_PROBLEMS)
    _require_open(problem)
    incident = incidents.find(session, by, number)
    if incident in problem.incidents:
        problem.incidents.remove(incident)
        process.touch(problem)
        session.flush()
        audit.record(session, by, problem, "remove_incident", reason=incident.number)


# --- what it teaches -------------------------------------------------------------------------------------------


def draft_from(problem: Problem) -> str:
    """The template of a solution with what the problem knows in it, personal data masked."""
    said = dict.fromkeys(one_line(row.title) for row in problem.incidents) or {problem.title: None}
    filled = {
        documents.SYMPTOM_SECTION: "\n".join(f"- {line}" for line in said),
        "原因": problem.root_cause,
        "处理步骤": problem.workaround and f"临时措施：\n\n{problem.workaround}",
    }
    parts = [f"## {name}\n\n{filled.get(name, '')}".rstrip() for name in documents.REQUIRED_SECTIONS]
    return privacy.mask("\n\n".join(parts)) + "\n"


def write_solution(
    session: Session, by: Person, problem: Problem, *, category: str, owner_group: str, service: str
) -> Revision:
    """Begin the solution of this problem: a draft with its template filled, which goes through both reviews."""
    by.require(Permission.HANDLE_PROBLEMS)
    _require_open(problem)
    if problem.solution is not None:
        raise Conflict(
            f"已有解决方案 {problem.solution.number}，请修订它 · it has one: revise it", number=problem.solution.number
        )
    attributes = entries.attributes_from(
        process.staff_attributes(
            privacy.mask(problem.title), Kind.SOLUTION, category, owner_group, environment={"service": service.strip()}
        )
    )
    revision = entries.create(session, by, attributes, draft_from(problem))
    _set_solution(session, by, problem, revision.entry)
    return revision


def choose_solution(session: Session, by: Person, problem: Problem, entry: Entry) -> None:
    """Take a solution that is there already; an earlier choice is replaced, audited."""
    by.require(Permission.HANDLE_PROBLEMS)
    _require_open(problem)
    if entry.kind != Kind.SOLUTION:
        raise Conflict(f"{entry.number} 不是解决方案 · not a solution", number=entry.number)
    if not entries.may_read(by, entry):
        raise NotFound(f"没有词条 {entry.number} · no such entry", number=entry.number)
    _set_solution(session, by, problem, entry)


def waiting(problem: Problem) -> list[Incident]:
    """Its open incidents that have no solution yet."""
    return [row for row in problem.incidents if row.state not in DONE_INCIDENT and row.solution_entry_id is None]


def offer(session: Session, by: Person, problem: Problem, numbers: Iterable[str]) -> list[Incident]:
    """Link the approved solution to those of its open incidents that were chosen, each by the incident's own use case.

    What has got a solution meanwhile is left alone. Returns those that were linked.
    """
    by.require(Permission.HANDLE_PROBLEMS)
    if problem.solution is None:
        raise Conflict(PROBLEM_UNMET_TEXT[ProblemUnmet.NO_SOLUTION])
    wanted = set(numbers)
    chosen = [row for row in waiting(problem) if row.number in wanted]
    for incident in chosen:
        incidents.link(session, by, incident, problem.solution)
    if chosen:
        audit.record(session, by, problem, "offer", reason="、".join(row.number for row in chosen))
    return chosen


# --- what looks like a problem ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """What of an incident tells where a fault may be; `marks` are (what, value): district, device or category."""

    number: str
    at: dt.datetime
    marks: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Suspicion:
    """Several open incidents with one mark within a window: 疑似区域故障."""

    what: str
    value: str
    numbers: tuple[str, ...]
    since: dt.datetime
    until: dt.datetime


def suspicions(
    reports: Iterable[Report], *, window: dt.timedelta = SUSPECT_WINDOW, least: int = SUSPECT_LEAST
) -> list[Suspicion]:
    """Where did `least` reports with one mark come within `window`? Windows that overlap are one suspicion; the largest
    first, and of the same incidents only the first mark by district, device, category."""
    by_mark: dict[tuple[str, str], list[Report]] = defaultdict(list)
    for report in sorted(reports, key=lambda report: (report.at, report.number)):
        for mark in report.marks:
            by_mark[mark].append(report)
    found = []
    for (what, value), rows in by_mark.items():
        for run in _runs(rows, window, least):
            found.append(Suspicion(what, value, tuple(row.number for row in run), run[0].at, run[-1].at))
    order = ("district", "device", "category")
    found.sort(key=lambda it: (-len(it.numbers), order.index(it.what), it.value, it.since))
    first: dict[frozenset[str], Suspicion] = {}
    for it in found:
        first.setdefault(frozenset(it.numbers), it)
    return list(first.values())


def _runs(rows: list[Report], window: dt.timedelta, least: int) -> Iterable[list[Report]]:
    """The stretches of `rows`, sorted by time, that windows with enough of them cover."""
    run: list[Report] = []
    end = start = 0  # of `rows`: up to where the run reaches, and where the window that ends here begins
    for here, row in enumerate(rows):
        while row.at - rows[start].at > window:
            start += 1
        if here - start + 1 < least:
            continue
        if run and start >= end:
            yield run
            run = []
        run += rows[max(start, end if run else start) : here + 1]
        end = here + 1
    if run:
        yield run


def suspected(session: Session, by: Person) -> list[Suspicion]:
    """What among the open incidents of no open problem looks like one? For leads alone."""
    by.require(Permission.LEAD_PROBLEMS)
    known = select(Incident.id).join(Problem.incidents).where(Problem.state.not_in(sorted(DONE_PROBLEM)))
    rows = session.scalars(
        select(Incident)
        .where(Incident.state.not_in(sorted(DONE_INCIDENT)), Incident.id.not_in(known))
        .options(
            selectinload(Incident.district),
            selectinload(Incident.solution),
            selectinload(Incident.references).selectinload(Reference.entry),
        )
    )
    return suspicions(Report(row.number, row.created_at, _marks(by, row)) for row in rows)


def _marks(by: Person, incident: Incident) -> frozenset[tuple[str, str]]:
    """Its district, the device and the node that it was registered with or that its text names, and its category, or where
    nobody gave one those of the entries it is tied to."""
    tied = [incident.solution, *(row.entry for row in incident.references)]
    categories = {entry.category for entry in tied if entry is not None and entries.may_read(by, entry)}
    marks = {("category", category) for category in ({incident.category} if incident.category else categories)}
    devices = {incident.device.upper(), incident.node.upper(), *nodes_in(f"{incident.title}\n{incident.description}")}
    marks |= {("device", device) for device in devices if device}
    if incident.district is not None:
        marks.add(("district", incident.district.name))
    return frozenset(marks)


def nodes_in(text: str) -> list[str]:
    """Which ids of the topology does a text name, in order, each once?"""
    return [node for node in dict.fromkeys(NODE_ID.findall(text)) if not node.startswith(_NUMBERS)]


# --- what they share -------------------------------------------------------------------------------------------


def _set_solution(session: Session, by: Person, problem: Problem, entry: Entry) -> None:
    before = problem.solution.number if problem.solution else ""
    if before == entry.number:
        return
    problem.solution = entry
    process.touch(problem)
    session.flush()
    audit.record(session, by, problem, "relink" if before else "link", before=before[:20], after=entry.number[:20])


def _require_open(problem: Problem) -> None:
    if problem.state in DONE_PROBLEM:
        raise Conflict("问题已结束，请另建问题 · the problem is done; open another", state=problem.state)


def _require_known(known: ProblemFacts) -> None:
    _require(known_error_gate(known), "还不是已知错误 · not a known error yet")


def _require(missing: list[ProblemUnmet], what: str) -> None:
    if missing:
        texts = [PROBLEM_UNMET_TEXT[item] for item in missing]
        raise GateClosed(f"{what}: " + "; ".join(texts), unmet=texts)
