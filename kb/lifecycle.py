"""Which steps may a record take, and may this incident close?

Everything here is pure: tables and functions over plain values. Pages, API, commands, imports and timers all ask
the same functions; the database repeats the two promises that matter most (two reviews, closing gate) as triggers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kb.documents import Kind
from kb.errors import BadTransition


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
    VALIDATED = "validated"  # both reviews passed, or shipped with the product
    QUESTIONED = "questioned"  # validated, and there is evidence against it
    EXPIRED = "expired"
    ARCHIVED = "archived"


class IncidentState(StrEnum):
    NEW = "new"
    IN_PROGRESS = "in_progress"
    PENDING = "pending"
    RESOLVED = "resolved"
    VERIFIED = "verified"
    CLOSED = "closed"
    REOPENED = "reopened"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    SOLVED = "solved"
    UNSOLVED = "unsolved"


class VerificationMethod(StrEnum):
    SIGNED_LINK = "signed_link"
    CALL_BACK = "call_back"
    ON_SITE = "on_site"


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
    _I.NEW: frozenset({_I.IN_PROGRESS, _I.CANCELLED}),
    _I.IN_PROGRESS: frozenset({_I.PENDING, _I.RESOLVED, _I.CANCELLED}),
    _I.PENDING: frozenset({_I.IN_PROGRESS, _I.CANCELLED}),
    _I.RESOLVED: frozenset({_I.VERIFIED, _I.REOPENED}),
    _I.VERIFIED: frozenset({_I.CLOSED, _I.REOPENED}),
    _I.CLOSED: frozenset({_I.REOPENED}),
    _I.REOPENED: frozenset({_I.IN_PROGRESS, _I.RESOLVED}),
    _I.CANCELLED: frozenset(),
}

OPEN_REVISION = frozenset({_R.DRAFT, _R.SUBMITTED, _R.IN_REVIEW})
WAITING_REVISION = frozenset({_R.SUBMITTED, _R.IN_REVIEW})
DONE_INCIDENT = frozenset({_I.CLOSED, _I.CANCELLED})


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
    Standing.VALIDATED: "已审",
    Standing.QUESTIONED: "存疑",
    Standing.EXPIRED: "已过期",
    Standing.ARCHIVED: "已停用",
}
INCIDENT_NAMES: dict[str, str] = {
    _I.NEW: "新建",
    _I.IN_PROGRESS: "处理中",
    _I.PENDING: "挂起",
    _I.RESOLVED: "已解决待确认",
    _I.VERIFIED: "用户已确认",
    _I.CLOSED: "已关闭",
    _I.REOPENED: "已重开",
    _I.CANCELLED: "已取消",
}


def check_revision_step(here: str, there: RevisionState) -> None:
    if there not in REVISION_STEPS[RevisionState(here)]:
        raise _refusal(here, there, REVISION_NAMES, "修订", "revision")


def check_entry_step(here: str, there: EntryState) -> None:
    if there not in ENTRY_STEPS[EntryState(here)]:
        raise _refusal(here, there, ENTRY_NAMES, "词条", "entry")


def check_incident_step(here: str, there: IncidentState) -> None:
    if there not in INCIDENT_STEPS[IncidentState(here)]:
        raise _refusal(here, there, INCIDENT_NAMES, "事件", "incident")


def _refusal(here: str, there: str, names: dict[str, str], zh: str, en: str) -> BadTransition:
    message = f"{zh}不能从「{names[here]}」变为「{names[there]}」 · the {en} cannot go from {here} to {there}"
    return BadTransition(message.replace("_", " "), here=here, there=there)


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
    NO_SOLUTION = "no_solution"
    SOLUTION_NOT_APPROVED = "solution_not_approved"
    NOT_A_SOLUTION = "not_a_solution"


UNMET_TEXT: dict[Unmet, str] = {
    Unmet.NOT_VERIFIED: "用户尚未确认已解决 · the user has not confirmed the repair",
    Unmet.NO_SOLUTION: "尚未关联解决方案 · no resolving solution is linked",
    Unmet.SOLUTION_NOT_APPROVED: "关联的解决方案尚未通过两项审核 · the linked solution has not passed both reviews",
    Unmet.NOT_A_SOLUTION: "关联的词条不是解决方案 · the linked entry is not a solution",
}


@dataclass(frozen=True)
class ClosingFacts:
    """All that the gate looks at. `verified` is what the user last said, since the last resolution or reopening."""

    verified: bool
    solution_kind: str | None
    solution_entry_state: str | None
    solution_revision_state: str | None


def closing_gate(facts: ClosingFacts) -> list[Unmet]:
    """Which conditions keep this incident from closing? Empty when none does.

    The revision that was applied must have been approved; that a newer one replaced it since does not undo that.
    A retired solution no longer counts: it was withdrawn as wrong or obsolete.
    """
    unmet: list[Unmet] = []
    if not facts.verified:
        unmet.append(Unmet.NOT_VERIFIED)
    if facts.solution_revision_state is None:
        unmet.append(Unmet.NO_SOLUTION)
        return unmet
    if facts.solution_kind != Kind.SOLUTION:
        unmet.append(Unmet.NOT_A_SOLUTION)
    approved = facts.solution_revision_state in (_R.APPROVED, _R.SUPERSEDED)
    if not approved or facts.solution_entry_state not in (_E.PUBLISHED, _E.EXPIRED):
        unmet.append(Unmet.SOLUTION_NOT_APPROVED)
    return unmet
