"""How does an incident go from report to closed, and what is it tied to on the way?

Each function is one use case in the caller's transaction; the caller commits. Whatever the door (page, API, command,
timer), closing goes through `close`, which asks `lifecycle.closing_gate`; the database asks again.
"""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from kb import audit, captured, clock, documents, entries, privacy, searches
from kb.access import Permission, Person, may_see
from kb.documents import Attributes, Kind
from kb.errors import Conflict, GateClosed, Invalid, NotFound, StaleVersion
from kb.lifecycle import (
    DONE_INCIDENT,
    UNMET_TEXT,
    CancelReason,
    ClosingFacts,
    EntryState,
    IncidentState,
    Outcome,
    Unmet,
    VerificationMethod,
    check_incident_step,
    closing_gate,
)
from kb.models import Entry, Incident, Reference, Revision, Unit, Verification
from kb.numbers import INCIDENT, next_number
from kb.plain import one_line, plain

CHANNELS = ("web", "phone", "inspection", "monitoring")
MAX_TITLE = 120  # characters
MAX_DESCRIPTION = 20_000  # characters: a pasted log fits
MAX_REMARK = 500  # characters of what a user said

# What a list shows of each incident, and what its gate is judged by: read for all of them at once.
_LISTED = (
    selectinload(Incident.assignee),
    selectinload(Incident.district),
    selectinload(Incident.solution),
    selectinload(Incident.solution_revision),
    selectinload(Incident.verifications),
    selectinload(Incident.references).selectinload(Reference.entry),
)


# --- reading ---------------------------------------------------------------------------------------------------


def find(session: Session, by: Person, number: str) -> Incident:
    """The incident with this number; only staff read incidents."""
    by.require(Permission.HANDLE_INCIDENTS)
    incident = session.scalar(select(Incident).where(Incident.number == number.strip().upper()))
    if incident is None:
        raise NotFound(f"没有事件 {number} · no such incident", number=number)
    return incident


def listing(
    session: Session, by: Person, *, mine: bool = False, done: bool = False, limit: int = 100
) -> list[Incident]:
    """Incidents, open ones unless `done`; the most urgent and oldest first."""
    by.require(Permission.HANDLE_INCIDENTS)
    states = sorted(DONE_INCIDENT) if done else sorted(set(IncidentState) - DONE_INCIDENT)
    query = select(Incident).where(Incident.state.in_(states)).options(*_LISTED)
    if mine:
        query = query.where(Incident.assignee_id == by.id)
    order = (Incident.id.desc(),) if done else (Incident.priority, Incident.id)
    return list(session.scalars(query.order_by(*order).limit(limit)))


def unmet(incident: Incident) -> list[Unmet]:
    """What keeps this incident from closing?"""
    solution, revision = incident.solution, incident.solution_revision
    return closing_gate(
        ClosingFacts(
            verified=_is_verified(incident),
            solution_kind=solution.kind if solution else None,
            solution_entry_state=solution.state if solution else None,
            solution_revision_state=revision.state if revision else None,
        )
    )


def _is_verified(incident: Incident) -> bool:
    if incident.resolved_at is None or not incident.verifications:
        return False
    last = incident.verifications[-1]
    return last.outcome == Outcome.SOLVED and last.created_at >= incident.resolved_at


# --- the way of an incident ------------------------------------------------------------------------------------


def report(
    session: Session,
    by: Person,
    *,
    title: str,
    description: str,
    channel: str = "web",
    priority: int = 4,
    district: str = "",
    contact_name: str = "",
    contact_phone: str = "",
    address: str = "",
) -> Incident:
    """Open an incident: anybody may report one."""
    if by.id is None:  # how urgent it is, and how it came, is for staff to say
        channel, priority = "web", 4
    description = plain(description)
    title = one_line(title) or one_line(description)[:60]
    contact_name, contact_phone, address = one_line(contact_name), one_line(contact_phone), one_line(address)
    fields: dict[str, str] = {}
    if not title:
        fields["description"] = "请写明故障现象 · describe the fault"
    if len(title) > MAX_TITLE:
        fields["title"] = f"标题最多 {MAX_TITLE} 字，其余写在描述里 · at most {MAX_TITLE} characters"
    if len(description) > MAX_DESCRIPTION:
        fields["description"] = f"描述最多 {MAX_DESCRIPTION} 字 · at most {MAX_DESCRIPTION} characters"
    if channel not in CHANNELS:
        fields["channel"] = "未知渠道 · unknown channel"
    if priority not in (1, 2, 3, 4):
        fields["priority"] = "优先级为 1 到 4 · priority is 1 to 4"
    if by.id is None and not re.search(r"\d{5}", re.sub(r"[-\s]", "", contact_phone)):
        fields["contact_phone"] = "请留联系电话，维修人员要联系您 · a phone number, so that we can call you"
    for name, value, most in (
        ("contact_name", contact_name, 80),
        ("contact_phone", contact_phone, 40),
        ("address", address, 200),
    ):
        if len(value.strip()) > most:
            fields[name] = f"最多 {most} 字 · at most {most} characters"
    unit = session.scalar(select(Unit).where(Unit.key == district, Unit.kind == "district")) if district else None
    if district and unit is None:
        fields["district"] = "没有这个片区 · no such district"
    if fields:
        raise Invalid("; ".join(f"{name}: {text}" for name, text in fields.items()), fields=fields)
    incident = Incident(
        number=next_number(session, INCIDENT),
        title=title,
        description=description or title,
        channel=channel,
        priority=priority,
        district=unit,
        contact_name=contact_name,
        contact_phone=contact_phone,
        address=address,
        opened_by_id=by.id,
    )
    session.add(incident)
    session.flush()
    audit.record(session, by, incident, "report", after=IncidentState.NEW)
    return incident


def take(session: Session, by: Person, incident: Incident) -> None:
    """Start (or go on) working on an incident oneself."""
    by.require(Permission.HANDLE_INCIDENTS)
    _step(session, by, incident, IncidentState.IN_PROGRESS, "take")
    incident.assignee_id = by.id
    incident.responded_at = incident.responded_at or clock.now()


def wait(session: Session, by: Person, incident: Incident, reason: str) -> None:
    """Set an incident aside until something happens; says what."""
    by.require(Permission.HANDLE_INCIDENTS)
    _step(
        session,
        by,
        incident,
        IncidentState.PENDING,
        "wait",
        reason=_needed(reason, "reason", "等待什么 · waiting for what"),
    )


def resolve(session: Session, by: Person, incident: Incident) -> None:
    """The technician holds it repaired; now the user has the word."""
    by.require(Permission.HANDLE_INCIDENTS)
    _step(session, by, incident, IncidentState.RESOLVED, "resolve")
    incident.resolved_at = clock.now()


def verify(
    session: Session,
    by: Person,
    incident: Incident,
    outcome: Outcome,
    method: VerificationMethod,
    *,
    said_by: str,
    remark: str = "",
) -> Verification:
    """Record what the user said of the repair. `unsolved` reopens the incident."""
    if method is not VerificationMethod.SIGNED_LINK:
        by.require(Permission.HANDLE_INCIDENTS)
    said_by, remark = _needed(said_by, "said_by", "谁确认的 · who said so"), remark.strip()
    if len(remark) > MAX_REMARK:
        problem = f"备注最多 {MAX_REMARK} 字 · at most {MAX_REMARK} characters"
        raise Invalid(problem, fields={"remark": problem})
    if incident.state not in (IncidentState.RESOLVED, IncidentState.VERIFIED):
        raise Conflict(
            "维修人员标记已解决后才能确认 · it can be confirmed once it is marked resolved", state=incident.state
        )
    verification = Verification(
        incident=incident,
        outcome=outcome,
        method=method,
        said_by=said_by[:80],
        remark=remark,
        recorded_by_id=by.id,
        created_at=clock.now(),
    )
    session.add(verification)
    session.flush()
    if outcome is Outcome.UNSOLVED:
        _reopen(session, by, incident, remark or "用户确认未解决")
    elif incident.state == IncidentState.RESOLVED:
        _step(session, by, incident, IncidentState.VERIFIED, f"verify_{method}", reason=f"{said_by} {remark}".strip())
    return verification


def close(session: Session, by: Person, incident: Incident) -> None:
    """Close it, if the gate is met; else `GateClosed` lists what is missing."""
    by.require(Permission.HANDLE_INCIDENTS)
    missing = unmet(incident)
    if missing:
        texts = [UNMET_TEXT[item] for item in missing]
        raise GateClosed("还不能关闭 · it cannot close yet: " + "; ".join(texts), unmet=texts)
    _step(session, by, incident, IncidentState.CLOSED, "close")
    incident.closed_at = clock.now()
    captured.capture(session, by, incident)


def reopen(session: Session, by: Person, incident: Incident, *, reason: str) -> None:
    """It is not solved after all."""
    by.require(Permission.HANDLE_INCIDENTS)
    _reopen(session, by, incident, _needed(reason, "reason", "为什么重开 · why"))


def _reopen(session: Session, by: Person, incident: Incident, reason: str) -> None:
    if incident.state == IncidentState.CLOSED:
        captured.withdraw(session, by, incident)
    _step(session, by, incident, IncidentState.REOPENED, "reopen", reason=reason)
    incident.resolved_at = incident.closed_at = None


def cancel(session: Session, by: Person, incident: Incident, reason: CancelReason, *, remark: str = "") -> None:
    """It was no incident: only a lead says so, with a reason from the list."""
    by.require(Permission.CANCEL_INCIDENTS)
    incident.cancel_reason = reason
    _step(session, by, incident, IncidentState.CANCELLED, "cancel", reason=f"{reason} {remark}".strip())


# --- what it is tied to ----------------------------------------------------------------------------------------


def link(session: Session, by: Person, incident: Incident, entry: Entry, *, words: str = "", search: str = "") -> None:
    """Make a published solution the one that resolves this incident; an earlier one is replaced, audited. `words` are
    what was searched for when it was found, `search` is the token of that search."""
    by.require(Permission.HANDLE_INCIDENTS)
    _require_open(incident)
    if entry.kind != Kind.SOLUTION:
        raise Conflict(
            f"{entry.number} 不是解决方案，请作为参考引用 · not a solution; add it as a reference", number=entry.number
        )
    if entry.state != EntryState.PUBLISHED or entry.published_revision_id is None:
        raise Conflict(f"{entry.number} 尚未通过审核 · not approved", number=entry.number)
    if not may_see(by, entry.audience, entry.owner_group):
        raise NotFound(f"没有词条 {entry.number} · no such entry", number=entry.number)
    _set_solution(session, by, incident, entry, entry.published_revision_id)
    searches.linked(session, by, incident, entry, words=words, token=search)


def refer(session: Session, by: Person, incident: Incident, entry: Entry) -> None:
    """Refer to an entry besides the solution; any number, each once."""
    by.require(Permission.HANDLE_INCIDENTS)
    _require_open(incident)
    if not any(reference.entry is entry for reference in incident.references):
        incident.references.append(Reference(entry=entry))
        _touch(incident)
        audit.record(session, by, incident, "refer", reason=entry.number)


def write_solution(session: Session, by: Person, incident: Incident, attributes: Attributes, body: str) -> Revision:
    """Write a new solution from this incident and tie it to it; the gate waits for its approval."""
    by.require(Permission.HANDLE_INCIDENTS)
    _require_open(incident)
    if attributes.kind is not Kind.SOLUTION:
        raise Invalid("kind: 事件只能写解决方案 · an incident gets a solution", fields={"kind": "solution"})
    revision = entries.create(session, by, attributes, body, incident=incident)
    _set_solution(session, by, incident, revision.entry, revision.id)
    searches.linked(session, by, incident, revision.entry)
    return revision


def draft_from(incident: Incident) -> str:
    """The template of a solution with the incident's words in it, personal data masked."""
    said = [line.strip() for line in privacy.mask(incident.description).splitlines() if line.strip()]
    parts = []
    for name in documents.REQUIRED_SECTIONS:
        text = (
            "\n".join(f"- {line}" for line in dict.fromkeys([privacy.mask(incident.title), *said]))
            if name == documents.SYMPTOM_SECTION
            else ""
        )
        parts.append(f"## {name}\n\n{text}".rstrip())
    return "\n\n".join(parts) + "\n"


def _set_solution(session: Session, by: Person, incident: Incident, entry: Entry, revision_id: int) -> None:
    before = incident.solution.number if incident.solution else ""
    incident.solution_entry_id, incident.solution_revision_id = entry.id, revision_id
    _touch(incident)
    session.flush()
    session.expire(incident, ["solution", "solution_revision"])
    audit.record(session, by, incident, "relink" if before else "link", before=before[:20], after=entry.number[:20])


def _require_open(incident: Incident) -> None:
    if incident.state in DONE_INCIDENT:
        raise Conflict("事件已结束，先重开 · the incident is done; reopen it first", state=incident.state)


def _step(
    session: Session, by: Person, incident: Incident, to: IncidentState, action: str, *, reason: str = ""
) -> None:
    check_incident_step(incident.state, to)
    before, incident.state = incident.state, to
    _touch(incident)
    audit.record(session, by, incident, action, before=before, after=to, reason=reason)


def _touch(incident: Incident) -> None:
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


def _needed(value: str, field: str, what: str) -> str:
    value = value.strip()
    if not value:
        raise Invalid(f"请写明{what}", fields={field: f"请写明{what}"})
    return value
