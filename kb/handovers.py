"""To whom does an incident go on, which reports are one fault, and which faults belong to an area fault?

- A hand-over names a line, a group or a person, a reason from the list and a text, and carries what was searched for.
- Reports of the same fault are merged: the duplicate is cancelled as such and points to the main one. Its reporter still
  has a fault that somebody repairs, so each reporter is asked; the main one closes when all have confirmed. Only a second
  report from the same telephone number is not asked twice.
- An area fault is the parent of single ones. Closing it closes none of them: each has its own user to confirm. They may
  be given its solution in one action.
"""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import audit, searches
from kb.access import Permission, Person
from kb.errors import Conflict, Invalid
from kb.incident_steps import needed, require_open, step, touch
from kb.lifecycle import DONE_INCIDENT, CancelReason, HandoverReason, IncidentState, Role
from kb.models import Handover, Incident, Unit, User

LINES = (1, 2, 3)
TRAIL = 20  # last searches that go along


def hand_over(
    session: Session,
    by: Person,
    incident: Incident,
    *,
    reason: HandoverReason,
    remark: str,
    line: int | None = None,
    unit: str = "",
    person: str = "",
) -> Handover:
    """Give it to another line, group (key) or person (user name); what is not named stays, but for the person."""
    by.require(Permission.HANDLE_INCIDENTS)
    remark = needed(remark, "remark", "为什么移交、已经做了什么 · why, and what has been done")
    to_unit, to_user = _unit(session, unit), _user(session, person)
    if line is None and to_unit is None and to_user is None:
        problem = "请选择移交给哪一线、哪个组或谁 · choose a line, a group or a person"
        raise Invalid(problem, fields={"unit": problem})
    if line is not None and line not in LINES:
        raise Invalid("支持级别为 1 到 3 · a line is 1 to 3", fields={"line": "支持级别为 1 到 3 · a line is 1 to 3"})
    before = (incident.line, incident.unit_id, incident.assignee_id)
    after = (
        line or incident.line,
        to_unit.id if to_unit else (to_user.unit_id if to_user and to_user.unit_id else incident.unit_id),
        to_user.id if to_user else None,
    )
    if before == after:
        raise Conflict("已经在那里了 · it is there already", state=incident.state)
    trail = [[row.text, row.hits] for row in searches.trail(session, incident)][-TRAIL:]
    made = Handover(
        incident_id=incident.id, by_id=by.id, from_line=before[0], to_line=after[0], from_unit_id=before[1],
        to_unit_id=after[1], from_user_id=before[2], to_user_id=after[2], reason=reason, remark=remark, trail=trail,
    )  # fmt: skip
    session.add(made)
    step(session, by, incident, IncidentState.ASSIGNED, "hand_over", reason=f"{reason} {remark}")
    incident.line, incident.unit_id, incident.assignee_id = after
    session.flush()
    session.expire(incident, ["unit", "assignee", "handovers"])
    return made


def merge(session: Session, by: Person, incident: Incident, main: Incident) -> None:
    """This report is of the same fault as `main`: it is cancelled as a duplicate, and its reporter is asked through main."""
    by.require(Permission.CANCEL_INCIDENTS)
    if incident.id == main.id:
        raise Conflict("不能并入自己 · an incident is not merged into itself")
    if incident.duplicates or incident.children:
        raise Conflict(f"{incident.number} 已有并入或下级的事件，请反向合并 · merge the other way round")
    if incident.verifications:
        raise Conflict(f"{incident.number} 的用户已答复，不能合并 · its user has answered")
    require_open(main)
    if main.state == IncidentState.VERIFIED:
        raise Conflict(f"{main.number} 的用户已确认，不能再并入 · it has been verified; nothing is merged into it")
    step(session, by, incident, IncidentState.CANCELLED, "merge", reason=main.number)
    incident.cancel_reason = CancelReason.DUPLICATE
    incident.duplicate_of_id = main.id
    incident.ask_reporter = not _same_reporter(incident, main)
    touch(main)
    audit.record(session, by, main, "merged_in", reason=incident.number)
    session.flush()
    session.expire(main, ["duplicates"])
    session.expire(incident, ["duplicate_of"])


def set_parent(session: Session, by: Person, incident: Incident, parent: Incident | None) -> None:
    """This fault is part of an area fault, or of none; areas have one level."""
    by.require(Permission.HANDLE_INCIDENTS)
    require_open(incident)
    if parent is not None:
        require_open(parent)
        if parent.id == incident.id or parent.parent_id is not None or incident.children:
            raise Conflict("区域故障只有一层 · an area fault has one level", number=parent.number)
    before = incident.parent.number if incident.parent else ""
    incident.parent_id = parent.id if parent else None
    touch(incident)
    audit.record(session, by, incident, "parent", reason=f"{before} → {parent.number if parent else ''}".strip())
    session.flush()
    session.expire(incident, ["parent"])
    if parent is not None:
        session.expire(parent, ["children"])


def share_solution(session: Session, by: Person, parent: Incident) -> list[Incident]:
    """Give the area fault's solution, in the same revision, to its open children that have none; returns those."""
    by.require(Permission.HANDLE_INCIDENTS)
    if parent.solution is None:
        raise Conflict(f"{parent.number} 尚未关联解决方案 · it has no solution to share")
    given = [row for row in parent.children if row.solution_entry_id is None and row.state not in DONE_INCIDENT]
    for child in given:
        child.solution_entry_id, child.solution_revision_id = parent.solution_entry_id, parent.solution_revision_id
        touch(child)
        audit.record(session, by, child, "link", after=parent.solution.number[:20], reason=parent.number)
    session.flush()
    for child in given:
        session.expire(child, ["solution", "solution_revision"])
    return given


def _same_reporter(one: Incident, other: Incident) -> bool:
    digits = [re.sub(r"\D", "", row.contact_phone) for row in (one, other)]
    return len(digits[0]) >= 7 and digits[0] == digits[1]


def _unit(session: Session, key: str) -> Unit | None:
    if not key:
        return None
    unit = session.scalar(select(Unit).where(Unit.key == key, Unit.kind != "district"))
    if unit is None:
        problem = f"没有这个组或站 {key} · no such group or station"
        raise Invalid(problem, fields={"unit": problem})
    return unit


def _user(session: Session, name: str) -> User | None:
    if not name:
        return None
    user = session.scalar(select(User).where(User.username == name.strip().lower(), User.active.is_(True)))
    if user is None or user.role == Role.SUBSCRIBER:
        problem = f"没有在用的员工 {name} · no active member of staff"
        raise Invalid(problem, fields={"person": problem})
    return user
