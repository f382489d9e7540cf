"""Which steps may a record take, and may this incident close?

Everything here is pure: tables and functions over plain values. Pages, API, commands, imports and timers all ask
the same functions; the database repeats the promises that matter most (two reviews, and the gates of incidents,
problems and changes) as triggers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from kb.documents import Kind
from kb.errors import BadTransition

_State = TypeVar("_State", bound=StrEnum)


class Role(StrEnum):
    """What kind of person is this? Subscribers need no account."""

    SUBSCRIBER = "subscriber"
    TECHNICIAN = "technician"
    REVIEWER = "reviewer"  # a technical lead
    KNOWLEDGE_MANAGER = "knowledge_manager"
    ADMINISTRATOR = "administrator"


class RevisionState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"  # one of the two decisions has been made
    RETURNED = "returned"
    APPROVED = "approved"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


class EntryState(StrEnum):
    DRAFT = "draft"  # never published yet
    PUBLISHED = "published"
    EXPIRED = "expired"  # past its validity: hidden from search until a new revision is approved
    RETIRED = "retired"


class Origin(StrEnum):
    """How a revision came to be: written and reviewed here, shipped with the product, imported as reference, or a
    correction of a few characters of a reviewed one (see `kb.minor`)."""

    WRITTEN = "written"
    LIBRARY = "library"
    IMPORTED = "imported"
    MINOR = "minor"


class Part(StrEnum):
    CONTENT = "content"  # does it describe the incident right?
    FORMAL = "formal"  # are its attributes right?


class Decision(StrEnum):
    APPROVE = "approve"
    RETURN = "return"


class Answer(StrEnum):
    """What became of a doubt about a published revision?"""

    CONFIRMED = "confirmed"  # a lead who is not its author holds that it is right
    REVISED = "revised"  # another revision passed both reviews
    RETIRED = "retired"


class Standing(StrEnum):
    """How far may an entry be relied on? The article states of KCS, worked out and never stored."""

    WIP = "wip"  # being written
    NOT_VALIDATED = "not_validated"  # handed in, not reviewed
    SCHEDULED = "scheduled"  # both reviews passed, and it is published on a later day
    VALIDATED = "validated"  # both reviews passed, or shipped with the product
    QUESTIONED = "questioned"  # validated, and there is evidence against it
    EXPIRED = "expired"
    ARCHIVED = "archived"


class IncidentState(StrEnum):
    NEW = "new"
    ASSIGNED = "assigned"  # a line, group or person has it and has not begun
    IN_PROGRESS = "in_progress"
    PENDING = "pending"
    RESOLVED = "resolved"
    VERIFIED = "verified"
    CLOSED = "closed"
    REOPENED = "reopened"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    SOLVED = "solved"
    UNCLEAR = "unclear"  # said to be solved, in words that say otherwise: asked again
    UNSOLVED = "unsolved"


class VerificationMethod(StrEnum):
    SIGNED_LINK = "signed_link"  # the user's own word
    CALL_BACK = "call_back"  # heard by the person who recorded it
    ON_SITE = "on_site"  # the user gave the technician the code of their report


class ContactMethod(StrEnum):
    """How was it tried to reach the user?"""

    CALL = "call"
    MESSAGE = "message"
    VISIT = "visit"


class HandoverReason(StrEnum):
    """Why does an incident go on to another line, group or person?"""

    DISPATCH = "dispatch"  # the first assignment
    SKILL = "skill"
    ON_SITE_WORK = "on_site_work"
    NO_KNOWLEDGE = "no_knowledge"  # searched and found nothing that helps
    WRONG_UNIT = "wrong_unit"
    SHIFT = "shift"
    OVERDUE = "overdue"


class CancelReason(StrEnum):
    """Why something was no incident after all. There is no other way past the gate, and this one counts."""

    DUPLICATE = "duplicate"
    FALSE_REPORT = "false_report"
    WITHDRAWN = "withdrawn"


# Foreign reference material and diagrams are nobody's solution to an incident: whoever may import publishes them.
UNREVIEWED_IMPORT_KINDS = frozenset({Kind.REFERENCE, Kind.TOPOLOGY})

_R, _I, _E = RevisionState, IncidentState, EntryState

REVISION_STEPS: dict[RevisionState, frozenset[RevisionState]] = {
    # to approved only by library, import and minor correction, see Origin; to returned when it is given up
    _R.DRAFT: frozenset({_R.SUBMITTED, _R.APPROVED, _R.RETURNED}),
    _R.SUBMITTED: frozenset({_R.DRAFT, _R.IN_REVIEW, _R.RETURNED}),
    _R.IN_REVIEW: frozenset({_R.APPROVED, _R.RETURNED}),  # a decision was of this text, which no longer changes
    _R.RETURNED: frozenset(),
    _R.APPROVED: frozenset({_R.SUPERSEDED, _R.RETIRED}),
    _R.SUPERSEDED: frozenset(),
    _R.RETIRED: frozenset(),
}

ENTRY_STEPS: dict[EntryState, frozenset[EntryState]] = {
    _E.DRAFT: frozenset({_E.PUBLISHED}),
    _E.PUBLISHED: frozenset({_E.PUBLISHED, _E.EXPIRED, _E.RETIRED}),
    _E.EXPIRED: frozenset({_E.PUBLISHED, _E.RETIRED}),
    _E.RETIRED: frozenset(),
}

INCIDENT_STEPS: dict[IncidentState, frozenset[IncidentState]] = {
    _I.NEW: frozenset({_I.ASSIGNED, _I.IN_PROGRESS, _I.CANCELLED}),
    _I.ASSIGNED: frozenset({_I.ASSIGNED, _I.IN_PROGRESS, _I.CANCELLED}),
    _I.IN_PROGRESS: frozenset({_I.ASSIGNED, _I.PENDING, _I.RESOLVED, _I.CANCELLED}),
    _I.PENDING: frozenset({_I.ASSIGNED, _I.IN_PROGRESS, _I.CANCELLED}),
    _I.RESOLVED: frozenset({_I.VERIFIED, _I.REOPENED}),
    _I.VERIFIED: frozenset({_I.CLOSED, _I.RESOLVED, _I.REOPENED}),  # to resolved when the user's word becomes unclear
    _I.CLOSED: frozenset({_I.REOPENED}),
    _I.REOPENED: frozenset({_I.ASSIGNED, _I.IN_PROGRESS, _I.RESOLVED}),
    _I.CANCELLED: frozenset(),
}

OPEN_REVISION = frozenset({_R.DRAFT, _R.SUBMITTED, _R.IN_REVIEW})
WAITING_REVISION = frozenset({_R.SUBMITTED, _R.IN_REVIEW})
DONE_INCIDENT = frozenset({_I.CLOSED, _I.CANCELLED})
ASKED_INCIDENT = frozenset({_I.RESOLVED, _I.VERIFIED})  # the user has the word
HANDED_OVER = frozenset(state for state, steps in INCIDENT_STEPS.items() if _I.ASSIGNED in steps)


# what people call the states; the codes go to programs
REVISION_NAMES: dict[str, str] = {
    _R.DRAFT: "草稿",
    _R.SUBMITTED: "待审",
    _R.IN_REVIEW: "审核中",
    _R.RETURNED: "已退回",
    _R.APPROVED: "已发布",
    _R.SUPERSEDED: "已被替代",
    _R.RETIRED: "已停用",
}
ENTRY_NAMES: dict[str, str] = {
    _E.DRAFT: "未发布",
    _E.PUBLISHED: "已发布",
    _E.EXPIRED: "已过期",
    _E.RETIRED: "已停用",
}
STANDING_NAMES: dict[str, str] = {
    Standing.WIP: "编写中",
    Standing.NOT_VALIDATED: "未审",
    Standing.SCHEDULED: "待生效",
    Standing.VALIDATED: "已审",
    Standing.QUESTIONED: "存疑",
    Standing.EXPIRED: "已过期",
    Standing.ARCHIVED: "已停用",
}
INCIDENT_NAMES: dict[str, str] = {
    _I.NEW: "新建",
    _I.ASSIGNED: "已派单",
    _I.IN_PROGRESS: "处理中",
    _I.PENDING: "挂起",
    _I.RESOLVED: "已解决待确认",
    _I.VERIFIED: "用户已确认",
    _I.CLOSED: "已关闭",
    _I.REOPENED: "已重开",
    _I.CANCELLED: "已取消",
}


def check_revision_step(here: str, there: RevisionState) -> None:
    _check(REVISION_STEPS, here, there, REVISION_NAMES, "修订 revision")


def check_entry_step(here: str, there: EntryState) -> None:
    _check(ENTRY_STEPS, here, there, ENTRY_NAMES, "词条 entry")


def check_incident_step(here: str, there: IncidentState) -> None:
    _check(INCIDENT_STEPS, here, there, INCIDENT_NAMES, "事件 incident")


def _check(
    steps: Mapping[_State, frozenset[_State]], here: str, there: _State, names: Mapping[str, str], record: str
) -> None:
    """Raises BadTransition for a step that the table does not have; `record` is what it is called in Chinese and English."""
    if there in steps[type(there)(here)]:
        return
    zh, en = record.split()
    message = f"{zh}不能从「{names[here]}」变为「{names[there]}」 · the {en} cannot go from {here} to {there}"
    raise BadTransition(message.replace("_", " "), here=here, there=there)


def standing(entry_state: str, open_state: str | None, *, questioned: bool) -> Standing:
    """How far may an entry be relied on, given its state and that of its open revision, if there is one?"""
    if entry_state == EntryState.PUBLISHED:
        return Standing.QUESTIONED if questioned else Standing.VALIDATED
    if entry_state == EntryState.DRAFT:
        return Standing.NOT_VALIDATED if open_state in WAITING_REVISION else Standing.WIP
    return Standing.EXPIRED if entry_state == EntryState.EXPIRED else Standing.ARCHIVED


def approved_parts(reviews: list[tuple[str, str]]) -> set[Part]:
    """Which parts have been approved, given (part, decision) pairs?"""
    return {Part(part) for part, decision in reviews if decision == Decision.APPROVE}


class Unmet(StrEnum):
    """A condition of the closing gate that is not met."""

    NOT_VERIFIED = "not_verified"
    OTHERS_NOT_VERIFIED = "others_not_verified"
    NO_SOLUTION = "no_solution"
    SOLUTION_NOT_APPROVED = "solution_not_approved"
    NOT_A_SOLUTION = "not_a_solution"


UNMET_TEXT: dict[Unmet, str] = {
    Unmet.NOT_VERIFIED: "用户尚未确认已解决 · the user has not confirmed the repair",
    Unmet.OTHERS_NOT_VERIFIED: "并入的报修尚有报修人未确认 · a merged report's reporter has not confirmed the repair",
    Unmet.NO_SOLUTION: "尚未关联解决方案 · no resolving solution is linked",
    Unmet.SOLUTION_NOT_APPROVED: "关联的解决方案尚未通过两项审核 · the linked solution has not passed both reviews",
    Unmet.NOT_A_SOLUTION: "关联的词条不是解决方案 · the linked entry is not a solution",
}


@dataclass(frozen=True)
class ClosingFacts:
    """All that the gate looks at. `verified` is what the user last said, since the last resolution or reopening, and
    `others_verified` whether all whose reports were merged into this one said so too."""

    verified: bool
    solution_kind: str | None
    solution_entry_state: str | None
    solution_revision_state: str | None
    others_verified: bool = True


def closing_gate(facts: ClosingFacts) -> list[Unmet]:
    """Which conditions keep this incident from closing? Empty when none does.

    The revision that was applied must have been approved; that a newer one replaced it since does not undo that.
    A retired solution no longer counts: it was withdrawn as wrong or obsolete.
    """
    unmet: list[Unmet] = []
    if not facts.verified:
        unmet.append(Unmet.NOT_VERIFIED)
    if not facts.others_verified:
        unmet.append(Unmet.OTHERS_NOT_VERIFIED)
    if facts.solution_revision_state is None:
        unmet.append(Unmet.NO_SOLUTION)
        return unmet
    if facts.solution_kind != Kind.SOLUTION:
        unmet.append(Unmet.NOT_A_SOLUTION)
    approved = facts.solution_revision_state in (_R.APPROVED, _R.SUPERSEDED)
    if not approved or facts.solution_entry_state not in (_E.PUBLISHED, _E.EXPIRED):
        unmet.append(Unmet.SOLUTION_NOT_APPROVED)
    return unmet


# --- problems: one cause behind several incidents ----------------------------------------------------------------


class ProblemState(StrEnum):
    NEW = "new"
    INVESTIGATING = "investigating"
    KNOWN_ERROR = "known_error"  # cause and workaround are known and written down; the repair may take long
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class ProblemCancelReason(StrEnum):
    """Why something was no problem after all; a lead says so."""

    DUPLICATE = "duplicate"
    NO_COMMON_CAUSE = "no_common_cause"
    OBSOLETE = "obsolete"  # what had it is no longer in service


_P = ProblemState

PROBLEM_STEPS: dict[ProblemState, frozenset[ProblemState]] = {
    _P.NEW: frozenset({_P.INVESTIGATING, _P.CANCELLED}),
    _P.INVESTIGATING: frozenset({_P.KNOWN_ERROR, _P.RESOLVED, _P.CANCELLED}),
    _P.KNOWN_ERROR: frozenset({_P.INVESTIGATING, _P.RESOLVED, _P.CANCELLED}),
    _P.RESOLVED: frozenset({_P.CLOSED, _P.INVESTIGATING}),
    _P.CLOSED: frozenset(),  # what comes back is a new problem, with what the old one taught
    _P.CANCELLED: frozenset(),
}
DONE_PROBLEM = frozenset({_P.CLOSED, _P.CANCELLED})
PROBLEM_NAMES: dict[str, str] = {
    _P.NEW: "新建",
    _P.INVESTIGATING: "调查中",
    _P.KNOWN_ERROR: "已知错误",
    _P.RESOLVED: "已解决",
    _P.CLOSED: "已关闭",
    _P.CANCELLED: "已取消",
}


def check_problem_step(here: str, there: ProblemState) -> None:
    _check(PROBLEM_STEPS, here, there, PROBLEM_NAMES, "问题 problem")


class ProblemUnmet(StrEnum):
    """A condition of a problem's gate that is not met."""

    NO_ROOT_CAUSE = "no_root_cause"
    NO_WORKAROUND = "no_workaround"
    NO_SOLUTION = "no_solution"
    NOT_A_SOLUTION = "not_a_solution"
    SOLUTION_NOT_APPROVED = "solution_not_approved"


PROBLEM_UNMET_TEXT: dict[str, str] = {
    ProblemUnmet.NO_ROOT_CAUSE: "尚未写明根本原因 · the root cause is not recorded",
    ProblemUnmet.NO_WORKAROUND: "尚未写明临时措施 · the workaround is not recorded",
    ProblemUnmet.NO_SOLUTION: "尚无解决方案 · it has no solution",
    ProblemUnmet.NOT_A_SOLUTION: "选定的词条不是解决方案 · the chosen entry is not a solution",
    ProblemUnmet.SOLUTION_NOT_APPROVED: "解决方案尚未通过两项审核 · the solution has not passed both reviews",
}


@dataclass(frozen=True)
class ProblemFacts:
    """All that a problem's gates look at; the states are those of its solution and of what is published of it."""

    root_cause: str
    workaround: str
    solution_kind: str | None
    solution_entry_state: str | None
    solution_revision_state: str | None


def known_error_gate(facts: ProblemFacts) -> list[ProblemUnmet]:
    """What keeps this problem from being a known error? By ITIL one has a cause and a workaround, both written down."""
    unmet = [] if facts.root_cause.strip() else [ProblemUnmet.NO_ROOT_CAUSE]
    return unmet if facts.workaround.strip() else [*unmet, ProblemUnmet.NO_WORKAROUND]


def problem_gate(facts: ProblemFacts) -> list[ProblemUnmet]:
    """Which conditions keep this problem from closing? Empty when none does."""
    unmet = [] if facts.root_cause.strip() else [ProblemUnmet.NO_ROOT_CAUSE]
    if facts.solution_entry_state is None:
        return [*unmet, ProblemUnmet.NO_SOLUTION]
    if facts.solution_kind != Kind.SOLUTION:
        unmet.append(ProblemUnmet.NOT_A_SOLUTION)
    if facts.solution_revision_state != _R.APPROVED or facts.solution_entry_state not in (_E.PUBLISHED, _E.EXPIRED):
        unmet.append(ProblemUnmet.SOLUTION_NOT_APPROVED)
    return unmet


# --- changes: from a request to what came of it --------------------------------------------------------------------


class ChangeKind(StrEnum):
    STANDARD = "standard"
    NORMAL = "normal"
    EMERGENCY = "emergency"


class ChangeState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    IMPLEMENTING = "implementing"
    IMPLEMENTED = "implemented"
    ROLLED_BACK = "rolled_back"
    REVIEWED = "reviewed"  # its results have been looked at
    CLOSED = "closed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class ChangeOutcome(StrEnum):
    SUCCESSFUL = "successful"
    PARTIAL = "partial"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


class Caused(StrEnum):
    """Did the change cause incidents? Saying nothing is no answer."""

    NONE = "none"
    SOME = "some"


_C = ChangeState

CHANGE_STEPS: dict[ChangeState, frozenset[ChangeState]] = {
    _C.DRAFT: frozenset({_C.SUBMITTED, _C.CANCELLED}),
    _C.SUBMITTED: frozenset({_C.DRAFT, _C.APPROVED, _C.REJECTED, _C.CANCELLED}),
    # to draft: what was approved is changed, so the approval is void
    _C.APPROVED: frozenset({_C.SCHEDULED, _C.DRAFT, _C.CANCELLED}),
    _C.SCHEDULED: frozenset({_C.SCHEDULED, _C.IMPLEMENTING, _C.DRAFT, _C.CANCELLED}),
    _C.IMPLEMENTING: frozenset({_C.IMPLEMENTED, _C.ROLLED_BACK}),
    _C.IMPLEMENTED: frozenset({_C.ROLLED_BACK, _C.REVIEWED}),
    _C.ROLLED_BACK: frozenset({_C.REVIEWED}),
    _C.REVIEWED: frozenset({_C.CLOSED}),
    _C.CLOSED: frozenset(),
    _C.REJECTED: frozenset(),
    _C.CANCELLED: frozenset(),
}
DONE_CHANGE = frozenset({_C.CLOSED, _C.REJECTED, _C.CANCELLED})
STARTED_CHANGE = frozenset({_C.IMPLEMENTING, _C.IMPLEMENTED, _C.ROLLED_BACK, _C.REVIEWED, _C.CLOSED})
RESULT_STATES = frozenset({_C.IMPLEMENTED, _C.ROLLED_BACK})  # when results are written down
CHANGE_NAMES: dict[str, str] = {
    _C.DRAFT: "草稿",
    _C.SUBMITTED: "待批",
    _C.APPROVED: "已批准",
    _C.SCHEDULED: "已排期",
    _C.IMPLEMENTING: "实施中",
    _C.IMPLEMENTED: "已实施",
    _C.ROLLED_BACK: "已回退",
    _C.REVIEWED: "已评审",
    _C.CLOSED: "已关闭",
    _C.REJECTED: "已否决",
    _C.CANCELLED: "已取消",
}

# Which documents are approved before anybody touches anything. An emergency may run its tests by a plan that is approved
# afterwards, because waiting does the harm; what is done, its risk and its way back are known before in any case.
PLANS_BEFORE: dict[ChangeKind, tuple[Kind, ...]] = {
    ChangeKind.STANDARD: (Kind.CHANGE_REQUEST, Kind.TEST_PLAN, Kind.TECH_PLAN),
    ChangeKind.NORMAL: (Kind.CHANGE_REQUEST, Kind.TEST_PLAN, Kind.TECH_PLAN),
    ChangeKind.EMERGENCY: (Kind.CHANGE_REQUEST, Kind.TECH_PLAN),
}
PLANS = (Kind.CHANGE_REQUEST, Kind.TEST_PLAN, Kind.TECH_PLAN)  # which every change has in the end


def check_change_step(here: str, there: ChangeState) -> None:
    _check(CHANGE_STEPS, here, there, CHANGE_NAMES, "变更 change")


class ChangeUnmet(StrEnum):
    """A condition of one of a change's two gates that is not met."""

    REQUEST_NOT_APPROVED = "request_not_approved"
    TEST_PLAN_NOT_APPROVED = "test_plan_not_approved"
    TECH_PLAN_NOT_APPROVED = "tech_plan_not_approved"
    NOT_APPROVED = "not_approved"
    NO_IMPLEMENTER = "no_implementer"
    IMPLEMENTER_APPROVED = "implementer_approved"
    NO_WINDOW = "no_window"
    OUTSIDE_WINDOW = "outside_window"
    NO_OUTCOME = "no_outcome"
    NO_TEST_RESULTS = "no_test_results"
    CAUSED_NOT_SAID = "caused_not_said"
    ROLLBACK_NOT_SAID = "rollback_not_said"


CHANGE_UNMET_TEXT: dict[str, str] = {
    ChangeUnmet.REQUEST_NOT_APPROVED: "变更申请所列版本未通过审核 · the change request is not approved in the revision named",
    ChangeUnmet.TEST_PLAN_NOT_APPROVED: "测试方案所列版本未通过审核 · the test plan is not approved in the revision named",
    ChangeUnmet.TECH_PLAN_NOT_APPROVED: "技术方案所列版本未通过审核 · the technical plan is not approved in the revision named",
    ChangeUnmet.NOT_APPROVED: "变更尚未批准 · the change is not approved",
    ChangeUnmet.NO_IMPLEMENTER: "尚未指定实施人 · no implementer is named",
    ChangeUnmet.IMPLEMENTER_APPROVED: "实施人不能是批准人 · the implementer approved the change",
    ChangeUnmet.NO_WINDOW: "尚未定实施窗口 · no window is set",
    ChangeUnmet.OUTSIDE_WINDOW: "现在不在实施窗口内 · now is not within the window",
    ChangeUnmet.NO_OUTCOME: "尚未写明实施结果 · the outcome is not recorded",
    ChangeUnmet.NO_TEST_RESULTS: "尚未写明测试结果 · the test results are not recorded",
    ChangeUnmet.CAUSED_NOT_SAID: "尚未写明引发了哪些事件，或没有引发 · it is not said which incidents it caused, or that none",
    ChangeUnmet.ROLLBACK_NOT_SAID: "回退与所写结果不符，或没有写明原因 · a roll-back and the outcome disagree, or it has no reason",
}
_PLAN_UNMET: dict[Kind, ChangeUnmet] = {
    Kind.CHANGE_REQUEST: ChangeUnmet.REQUEST_NOT_APPROVED,
    Kind.TEST_PLAN: ChangeUnmet.TEST_PLAN_NOT_APPROVED,
    Kind.TECH_PLAN: ChangeUnmet.TECH_PLAN_NOT_APPROVED,
}


@dataclass(frozen=True)
class PlanFacts:
    """One document of a change: the state of its entry and of the revision that the change names."""

    kind: str
    entry_state: str
    revision_state: str


@dataclass(frozen=True)
class ImplementationFacts:
    """All that the first gate looks at; `at` is the moment when somebody wants to begin."""

    kind: ChangeKind
    plans: tuple[PlanFacts, ...]
    approver_id: int | None
    implementer_id: int | None
    window_start: dt.datetime | None
    window_end: dt.datetime | None
    at: dt.datetime


def plans_gate(kind: ChangeKind, plans: Iterable[PlanFacts]) -> list[ChangeUnmet]:
    """Which plans keep this change from being approved or implemented? The revision named must be the one in force:
    a plan that was replaced, expired or withdrawn since is another plan."""
    good = {p.kind for p in plans if p.revision_state == _R.APPROVED and p.entry_state == _E.PUBLISHED}
    return [_PLAN_UNMET[needed] for needed in PLANS_BEFORE[kind] if needed not in good]


def implementation_gate(facts: ImplementationFacts) -> list[ChangeUnmet]:
    """The first gate: which conditions keep this change from being implemented now? Empty when none does."""
    unmet = plans_gate(facts.kind, facts.plans)
    if facts.approver_id is None:
        unmet.append(ChangeUnmet.NOT_APPROVED)
    if facts.implementer_id is None:
        unmet.append(ChangeUnmet.NO_IMPLEMENTER)
    elif facts.implementer_id == facts.approver_id:
        unmet.append(ChangeUnmet.IMPLEMENTER_APPROVED)
    if facts.window_start is None or facts.window_end is None:
        unmet.append(ChangeUnmet.NO_WINDOW)
    elif not facts.window_start <= facts.at < facts.window_end:
        unmet.append(ChangeUnmet.OUTSIDE_WINDOW)
    return unmet


@dataclass(frozen=True)
class ResultFacts:
    """All that the second gate looks at."""

    plans: tuple[PlanFacts, ...]
    outcome: str
    test_results: str
    caused: str
    caused_incidents: int
    rolled_back: bool
    rollback_reason: str


def result_gate(facts: ResultFacts) -> list[ChangeUnmet]:
    """The second gate: what of its results is not recorded, so that this change cannot be reviewed and closed?

    By now every plan has been approved, an emergency's test plan too; what happened to a plan afterwards does not count.
    """
    good = {p.kind for p in facts.plans if p.revision_state in (_R.APPROVED, _R.SUPERSEDED, _R.RETIRED)}
    unmet = [_PLAN_UNMET[needed] for needed in PLANS if needed not in good]
    if not facts.outcome:
        unmet.append(ChangeUnmet.NO_OUTCOME)
    if not facts.test_results.strip():
        unmet.append(ChangeUnmet.NO_TEST_RESULTS)
    if not facts.caused or (facts.caused == Caused.SOME) != (facts.caused_incidents > 0):
        unmet.append(ChangeUnmet.CAUSED_NOT_SAID)
    said = facts.outcome == ChangeOutcome.ROLLED_BACK
    if (facts.outcome and said != facts.rolled_back) or (facts.rolled_back and not facts.rollback_reason.strip()):
        unmet.append(ChangeUnmet.ROLLBACK_NOT_SAID)
    return unmet
