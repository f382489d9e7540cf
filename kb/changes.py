"""How does a change go from a request to what came of it?

Each function is one use case in the caller's transaction; the caller commits. A change collects its own knowledge: its
request, test plan and technical plan are entries, begun with the change and reviewed as any other. Two gates in
`lifecycle` decide: nothing is touched before the plans are approved in the revisions named, within the window, by
somebody who did not approve; nothing is closed before its results are recorded. The database asks both again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from kb import audit, clock, documents, entries, incidents, problems, process
from kb.access import Permission, Person, person
from kb.change_templates import NAMES, template, unfilled
from kb.documents import Kind
from kb.errors import Conflict, GateClosed, NotAllowed, NotFound
from kb.lifecycle import (
    CHANGE_UNMET_TEXT,
    DONE_CHANGE,
    PLANS,
    PLANS_BEFORE,
    RESULT_STATES,
    Caused,
    ChangeKind,
    ChangeOutcome,
    ChangeState,
    ChangeUnmet,
    ImplementationFacts,
    PlanFacts,
    ResultFacts,
    check_change_step,
    implementation_gate,
    plans_gate,
    result_gate,
)
from kb.models import Change, ChangeIncident, ChangePlan, Incident, User
from kb.numbers import CHANGE, next_number
from kb.store import ContentStore

MAX_NODES = 200  # devices of one change
ANSWERS, CAUSED = "answers", "caused"  # what an incident is to a change
KIND_NAMES: dict[str, str] = {
    ChangeKind.STANDARD: "标准变更",
    ChangeKind.NORMAL: "常规变更",
    ChangeKind.EMERGENCY: "紧急变更",
}
_S = ChangeState
_EDITABLE = frozenset({_S.DRAFT, _S.SUBMITTED})  # while nobody has approved anything
_LISTED = (
    selectinload(Change.requester),
    selectinload(Change.implementer),
    selectinload(Change.plans).selectinload(ChangePlan.entry),
    selectinload(Change.plans).selectinload(ChangePlan.revision),
    selectinload(Change.incidents).selectinload(ChangeIncident.incident),
)


# --- reading ---------------------------------------------------------------------------------------------------


def find(session: Session, by: Person, number: str) -> Change:
    """The change with this number; only staff read changes."""
    by.require(Permission.HANDLE_CHANGES)
    change = session.scalar(select(Change).where(Change.number == number.strip().upper()))
    if change is None:
        raise NotFound(f"没有变更 {number} · no such change", number=number)
    return change


def listing(session: Session, by: Person, *, mine: bool = False, done: bool = False, limit: int = 100) -> list[Change]:
    """Changes, open ones unless `done`; the next window first, then those without one."""
    by.require(Permission.HANDLE_CHANGES)
    states = sorted(DONE_CHANGE) if done else sorted(set(ChangeState) - DONE_CHANGE)
    query = select(Change).where(Change.state.in_(states)).options(*_LISTED)
    if mine:
        query = query.where((Change.requester_id == by.id) | (Change.implementer_id == by.id))
    order = (Change.id.desc(),) if done else (Change.window_start.is_(None), Change.window_start, Change.id)
    return list(session.scalars(query.order_by(*order).limit(limit)))


def _plans(change: Change) -> tuple[PlanFacts, ...]:
    return tuple(PlanFacts(plan.kind, plan.entry.state, plan.revision.state) for plan in change.plans)


def unmet_to_begin(change: Change) -> list[ChangeUnmet]:
    """What keeps this change from being implemented now?"""
    return implementation_gate(
        ImplementationFacts(
            kind=ChangeKind(change.kind),
            plans=_plans(change),
            approver_id=change.approver_id,
            implementer_id=change.implementer_id,
            window_start=change.window_start,
            window_end=change.window_end,
            at=clock.now(),
        )
    )


def unmet_to_close(change: Change) -> list[ChangeUnmet]:
    """What of its results is missing?"""
    return result_gate(
        ResultFacts(
            plans=_plans(change),
            outcome=change.outcome,
            test_results=change.test_results,
            caused=change.caused,
            caused_incidents=len(of_role(change, CAUSED)),
            rolled_back=change.rolled_back_at is not None,
            rollback_reason=change.rollback_reason,
        )
    )


def unmet(change: Change) -> list[ChangeUnmet]:
    """What stands before the gate that comes next? Nothing, where none does."""
    if change.state in DONE_CHANGE or change.state in (_S.IMPLEMENTING, _S.REVIEWED):
        return []
    return unmet_to_close(change) if change.state in RESULT_STATES else unmet_to_begin(change)


def of_role(change: Change, role: str) -> list[Incident]:
    """The incidents that this change answers, or those that it caused."""
    return [row.incident for row in change.incidents if row.role == role]


@dataclass(frozen=True)
class Slot:
    """When something is worked on."""

    number: str
    nodes: frozenset[str]
    start: dt.datetime
    end: dt.datetime


def clashes(mine: Slot, others: Iterable[Slot]) -> list[tuple[str, tuple[str, ...]]]:
    """Which of the others work at the same time on the same nodes, and on which?"""
    return [
        (other.number, tuple(sorted(mine.nodes & other.nodes)))
        for other in others
        if other.number != mine.number
        and mine.nodes & other.nodes
        and mine.start < other.end
        and other.start < mine.end
    ]


def conflicts(session: Session, change: Change) -> list[tuple[str, tuple[str, ...]]]:
    """Scheduled or running changes whose windows meet this one's on the same device."""
    mine = _slot(change)
    if mine is None or change.state not in (_S.SCHEDULED, _S.IMPLEMENTING):
        return []
    rows = session.scalars(
        select(Change)
        .where(
            Change.state.in_((_S.SCHEDULED, _S.IMPLEMENTING)),
            Change.window_start < mine.end,
            Change.window_end > mine.start,
        )
        .order_by(Change.id)
    )
    return clashes(mine, [slot for slot in map(_slot, rows) if slot is not None])


def _slot(change: Change) -> Slot | None:
    if change.window_start is None or change.window_end is None:
        return None
    return Slot(change.number, frozenset(change.nodes), change.window_start, change.window_end)


# --- the request -----------------------------------------------------------------------------------------------


def begin(
    session: Session,
    by: Person,
    *,
    kind: ChangeKind,
    title: str,
    description: str,
    category: str,
    owner_group: str,
    nodes: Sequence[str] = (),
    problem_numbers: Iterable[str] = (),
    incident_numbers: Iterable[str] = (),
) -> Change:
    """Begin a change: its three documents begin with it, from their templates, as drafts of whoever asks."""
    by.require(Permission.HANDLE_CHANGES)
    title, description = process.titled(title, description)
    nodes = _nodes(nodes)
    behind = [problems.find(session, by, number) for number in dict.fromkeys(problem_numbers)]
    answered = [incidents.find(session, by, number) for number in dict.fromkeys(incident_numbers)]
    change = Change(
        number=next_number(session, CHANGE),
        kind=kind,
        title=title,
        description=description,
        nodes=nodes,
        requester_id=by.id,
        problems=behind,
        incidents=[ChangeIncident(incident=row, role=ANSWERS) for row in answered],
    )
    session.add(change)
    session.flush()
    values = {
        "number": change.number,
        "title": title,
        "kind": KIND_NAMES[kind],
        "description": description,
        "nodes": "、".join(nodes) or "未列",
        "related": "、".join([*(row.number for row in behind), *(row.number for row in answered)]) or "无",
    }
    for plan in PLANS:
        attributes = entries.attributes_from(
            process.staff_attributes(
                f"{title}：{NAMES[plan]}", plan, category, owner_group, change=change.number, devices=nodes
            )
        )
        revision = entries.create(session, by, attributes, template(plan, values))
        change.plans.append(ChangePlan(kind=plan, entry=revision.entry, revision=revision))
    session.flush()
    audit.record(session, by, change, "begin", after=_S.DRAFT)
    return change


def rename_plans(session: Session, by: Person, change: Change) -> bool:
    """Rest the change on the newest revision of each of its documents; says whether that changed anything.

    Only while nobody has approved it: an approval is for the revisions named. An emergency's test plan may still be
    returned and written anew, until the results are reviewed.
    """
    by.require(Permission.HANDLE_CHANGES)
    late = change.kind == ChangeKind.EMERGENCY and change.state not in DONE_CHANGE | {_S.REVIEWED}
    moved = []
    for plan in change.plans:
        newest = entries.newest_revision(session, plan.entry)
        if newest.id == plan.revision_id:
            continue
        if change.state in _EDITABLE or (late and plan.kind == Kind.TEST_PLAN):
            plan.revision = newest
            moved.append(f"{plan.entry.number} 第 {newest.number} 版")
    if moved:
        process.touch(change)
        session.flush()
        audit.record(session, by, change, "rename_plans", reason="、".join(moved))
    return bool(moved)


def outdated(session: Session, change: Change) -> dict[int, int]:
    """Of which plans is there a newer revision than the one named? Plan id to the newest number."""
    newest = {plan.id: entries.newest_revision(session, plan.entry) for plan in change.plans}
    return {plan.id: newest[plan.id].number for plan in change.plans if newest[plan.id].id != plan.revision_id}


def submit(session: Session, store: ContentStore, by: Person, change: Change) -> None:
    """Hand the request in, with the newest revision of each document; what must be said in them has been said."""
    _require_requester(by, change)
    check_change_step(change.state, _S.SUBMITTED)
    rename_plans(session, by, change)
    before = PLANS_BEFORE[ChangeKind(change.kind)]
    missing = [
        f"{NAMES[Kind(plan.kind)]}（{plan.entry.number}）的「{name}」还没有写 · not written yet"
        for plan in change.plans
        if plan.kind in before
        for name in unfilled(Kind(plan.kind), entries.text_of(store, plan.revision))
    ]
    if missing:
        raise GateClosed("还不能提交 · it cannot be submitted yet: " + "; ".join(missing), unmet=missing)
    process.step(session, by, change, _S.SUBMITTED, "submit_change")


def take_back(session: Session, by: Person, change: Change, *, reason: str = "") -> None:
    """Make it a draft again. Once it is approved that needs a reason, and the approval, window and implementer are void."""
    _require_requester(by, change)
    check_change_step(change.state, _S.DRAFT)
    if change.state != _S.SUBMITTED:
        reason = process.text(reason, "reason", "为什么收回 · why it is taken back")
    before, change.state = change.state, _S.DRAFT
    change.approver_id = change.implementer_id = change.window_start = change.window_end = None
    process.touch(change)
    session.flush()
    session.expire(change, ["approver", "implementer"])
    audit.record(session, by, change, "take_back", before=before, after=_S.DRAFT, reason=reason)


def approve(session: Session, by: Person, change: Change, *, remark: str = "") -> None:
    """Approve it: a lead who did not ask for it, when its plans are approved in the revisions named."""
    _require_decider(by, change)
    check_change_step(change.state, _S.APPROVED)
    _require(plans_gate(ChangeKind(change.kind), _plans(change)), "还不能批准 · it cannot be approved yet")
    change.approver_id = by.id
    process.step(session, by, change, _S.APPROVED, "approve_change", reason=process.text(remark, "remark"))


def reject(session: Session, by: Person, change: Change, *, reason: str) -> None:
    """Refuse it for good, with a reason."""
    _require_decider(by, change)
    check_change_step(change.state, _S.REJECTED)
    change.closed_at = clock.now()
    process.step(
        session, by, change, _S.REJECTED, "reject_change", reason=process.text(reason, "reason", "为什么否决 · why")
    )


def cancel(session: Session, by: Person, change: Change, *, reason: str) -> None:
    """It is not needed any more: whoever asked says so, or a lead."""
    if by.id != change.requester_id:
        by.require(Permission.DECIDE_CHANGES)
    check_change_step(change.state, _S.CANCELLED)
    change.closed_at = clock.now()
    process.step(session, by, change, _S.CANCELLED, "cancel", reason=process.text(reason, "reason", "为什么取消 · why"))


# --- the work --------------------------------------------------------------------------------------------------


def schedule(
    session: Session, by: Person, change: Change, *, start: dt.datetime, end: dt.datetime, implementer: str
) -> None:
    """Set the window and who does it, or set them anew. Whoever asked may, and a lead."""
    if by.id != change.requester_id:
        by.require(Permission.DECIDE_CHANGES)
    check_change_step(change.state, _S.SCHEDULED)
    fields: dict[str, str] = {}
    user = session.scalar(select(User).where(User.username == implementer.strip(), User.active.is_(True)))
    if user is None or not person(session, user).may(Permission.HANDLE_CHANGES):
        fields["implementer"] = "没有这个员工 · no such member of staff"
    elif user.id == change.approver_id:
        fields["implementer"] = CHANGE_UNMET_TEXT[ChangeUnmet.IMPLEMENTER_APPROVED]
    if end <= start:
        fields["window_end"] = "窗口须在开始之后结束 · the window ends after it begins"
    elif end <= clock.now():
        fields["window_end"] = "窗口已经过去 · the window is over"
    process.refuse(fields)
    assert user is not None  # or its field would have been refused
    change.window_start, change.window_end, change.implementer_id = start, end, user.id
    said = f"{_local(start)} 至 {_local(end)}，{user.display_name}"
    process.step(session, by, change, _S.SCHEDULED, "schedule", reason=said)
    session.expire(change, ["implementer"])


def start(session: Session, by: Person, change: Change) -> None:
    """Begin, if the first gate is met; only the implementer named may."""
    _require_implementer(by, change)
    check_change_step(change.state, _S.IMPLEMENTING)
    _require(unmet_to_begin(change), "还不能实施 · it cannot be implemented yet")
    change.started_at = clock.now()
    process.step(session, by, change, _S.IMPLEMENTING, "start")


def finish(session: Session, by: Person, change: Change) -> None:
    """The work is done as planned."""
    _require_implementer(by, change)
    check_change_step(change.state, _S.IMPLEMENTED)
    change.finished_at = clock.now()
    process.step(session, by, change, _S.IMPLEMENTED, "finish")


def roll_back(session: Session, by: Person, change: Change, *, reason: str) -> None:
    """It was taken back to what was before, and why: the implementer says so, or a lead."""
    if by.id != change.implementer_id:
        by.require(Permission.DECIDE_CHANGES)
    check_change_step(change.state, _S.ROLLED_BACK)
    change.rollback_reason = process.text(reason, "reason", "为什么回退 · why it was rolled back")
    change.rolled_back_at = clock.now()
    change.finished_at = change.finished_at or change.rolled_back_at
    change.outcome = ChangeOutcome.ROLLED_BACK
    process.step(session, by, change, _S.ROLLED_BACK, "roll_back", reason=change.rollback_reason)


def record(
    session: Session,
    by: Person,
    change: Change,
    *,
    outcome: ChangeOutcome,
    test_results: str,
    caused: Caused | None,
    numbers: Iterable[str] = (),
) -> None:
    """Write down what came of it; again until it is reviewed. Whoever asked may, and the implementer."""
    by.require(Permission.HANDLE_CHANGES)
    if by.id not in (change.requester_id, change.implementer_id):
        raise NotAllowed("由申请人或实施人填写结果 · the requester or the implementer records the results")
    if change.state not in RESULT_STATES:
        raise Conflict("实施或回退之后才能填写结果 · results come after the work", state=change.state)
    rolled = change.rolled_back_at is not None
    wanted = list(dict.fromkeys(numbers))
    fields: dict[str, str] = {}
    if (outcome == ChangeOutcome.ROLLED_BACK) != rolled:
        fields["outcome"] = (
            "已回退的变更，结果只能是已回退 · it was rolled back"
            if rolled
            else "要写已回退，先执行「回退」并写明原因 · roll it back first"
        )
    if caused is Caused.NONE and wanted:
        fields["caused"] = "写了引发的事件，又选了没有引发 · incidents are named, and none chosen"
    if caused is Caused.SOME and not wanted:
        fields["incidents"] = "请写引发的事件号 · name the incidents it caused"
    process.refuse(fields)
    found = [incidents.find(session, by, number) for number in wanted]
    change.outcome, change.caused = outcome, caused or ""
    change.test_results = process.text(test_results, "test_results")
    kept = [row for row in change.incidents if row.role != CAUSED or row.incident in found]
    known = {row.incident.id for row in kept if row.role == CAUSED}
    for gone in [row for row in change.incidents if row not in kept]:
        session.delete(gone)
    session.add_all(ChangeIncident(change_id=change.id, incident=it, role=CAUSED) for it in found if it.id not in known)
    process.touch(change)
    session.flush()
    session.expire(change, ["incidents"])
    audit.record(session, by, change, "record_results", reason="、".join([outcome, *wanted]))


def review(session: Session, by: Person, change: Change, *, remark: str) -> None:
    """Look at the results, if the second gate is met: a lead who did not do the work, in words."""
    by.require(Permission.DECIDE_CHANGES)
    if by.id == change.implementer_id:
        raise NotAllowed("实施人不能评审自己的实施 · implementers do not review their own work")
    check_change_step(change.state, _S.REVIEWED)
    _require(unmet_to_close(change), "还不能评审 · it cannot be reviewed yet")
    change.reviewer_id = by.id
    process.step(
        session,
        by,
        change,
        _S.REVIEWED,
        "review_change",
        reason=process.text(remark, "remark", "评审意见 · your judgement"),
    )


def close(session: Session, by: Person, change: Change) -> None:
    """Close it, if the second gate is still met."""
    by.require(Permission.HANDLE_CHANGES)
    check_change_step(change.state, _S.CLOSED)
    _require(unmet_to_close(change), "还不能关闭 · it cannot close yet")
    change.closed_at = clock.now()
    process.step(session, by, change, _S.CLOSED, "close")


# --- what it is tied to ----------------------------------------------------------------------------------------


def tie(session: Session, by: Person, change: Change, number: str) -> None:
    """Tie a problem (PRB-…) or an incident (INC-…) to the change that answers it; each is once."""
    by.require(Permission.HANDLE_CHANGES)
    if change.state in DONE_CHANGE:
        raise Conflict("变更已结束 · the change is done", state=change.state)
    number = number.strip().upper()
    if number.startswith("PRB-"):
        problem = problems.find(session, by, number)
        if problem in change.problems:
            return
        change.problems.append(problem)
    else:
        incident = incidents.find(session, by, number)
        if incident in of_role(change, ANSWERS):
            return
        change.incidents.append(ChangeIncident(incident=incident, role=ANSWERS))
    process.touch(change)
    session.flush()
    audit.record(session, by, change, "tie", reason=number)


# --- what they share -------------------------------------------------------------------------------------------


def _nodes(given: Sequence[str]) -> list[str]:
    nodes = list(dict.fromkeys(node.strip() for node in given if node.strip()))
    if len(nodes) > MAX_NODES or any(len(node) > documents.MAX_TITLE for node in nodes):
        process.refuse({"nodes": f"最多 {MAX_NODES} 台，逐台写编号 · at most {MAX_NODES} devices, one id each"})
    return nodes


def _local(moment: dt.datetime) -> str:
    return moment.astimezone(clock.LOCAL).strftime("%Y-%m-%d %H:%M")


def _require_requester(by: Person, change: Change) -> None:
    by.require(Permission.HANDLE_CHANGES)
    if by.id != change.requester_id:
        raise NotAllowed("只有申请人可以这样做 · only the requester may do this")


def _require_decider(by: Person, change: Change) -> None:
    by.require(Permission.DECIDE_CHANGES)
    if by.id == change.requester_id:
        raise NotAllowed("申请人不能批准自己的变更 · requesters do not decide on their own change")


def _require_implementer(by: Person, change: Change) -> None:
    by.require(Permission.HANDLE_CHANGES)
    if change.implementer_id is None or by.id != change.implementer_id:
        raise NotAllowed("只有指定的实施人可以这样做 · only the implementer named may do this")


def _require(missing: list[ChangeUnmet], what: str) -> None:
    if missing:
        texts = [CHANGE_UNMET_TEXT[item] for item in missing]
        raise GateClosed(f"{what}: " + "; ".join(texts), unmet=texts)
