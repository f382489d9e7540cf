"""How does an incident go from report to closed, and what is it tied to on the way?

Each function is one use case in the caller's transaction; the caller commits. Whatever the door (page, API, command,
timer), closing goes through `close`, which asks `lifecycle.closing_gate`; the database asks again.
"""

from __future__ import annotations

import datetime as dt
import random
import re

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from kb import audit, captured, clock, documents, entries, nodes, outcomes, priorities, privacy, searches, verification
from kb.access import Permission, Person, may_see
from kb.documents import Attributes, Kind
from kb.errors import Conflict, GateClosed, Invalid, NotFound
from kb.incident_steps import MAX_REMARK, check_version, find, needed, require_open, step, touch
from kb.lifecycle import (
    DONE_INCIDENT,
    UNMET_TEXT,
    CancelReason,
    ClosingFacts,
    EntryState,
    IncidentState,
    Unmet,
    closing_gate,
)
from kb.models import AuditRow, Entry, Incident, Reference, Revision, Unit
from kb.numbers import INCIDENT, next_number
from kb.plain import one_line, plain
from kb.store import ContentStore
from kb.verification import verify

__all__ = [
    "CHANNELS", "MAX_DESCRIPTION", "MAX_REMARK", "MAX_TITLE", "cancel", "cancelled_sample", "check_version", "close",
    "draft_from", "find", "link", "listing", "refer", "reopen", "report", "resolve", "take", "unmet", "verify", "wait",
    "write_solution",
]  # fmt: skip

CHANNELS = ("web", "phone", "inspection", "monitoring")
MAX_TITLE = 120  # characters
MAX_DESCRIPTION = 20_000  # characters: a pasted log fits

_CANCELS = ("cancel", "merge")  # audit actions

# What a list shows of each incident, and what its gate is judged by: read for all of them at once.
_LISTED = (
    selectinload(Incident.assignee),
    selectinload(Incident.district),
    selectinload(Incident.solution),
    selectinload(Incident.solution_revision),
    selectinload(Incident.verifications),
    selectinload(Incident.duplicates),
    selectinload(Incident.unit),
    selectinload(Incident.references).selectinload(Reference.entry),
)


# --- reading ---------------------------------------------------------------------------------------------------


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
            verified=verification.confirmed(incident),
            others_verified=not verification.others(incident),
            solution_kind=solution.kind if solution else None,
            solution_entry_state=solution.state if solution else None,
            solution_revision_state=revision.state if revision else None,
        )
    )


# --- the way of an incident ------------------------------------------------------------------------------------


def report(
    session: Session,
    by: Person,
    *,
    title: str,
    description: str,
    channel: str = "web",
    priority: int | None = None,
    impact: int = 4,
    urgency: int = 4,
    category: str = "",
    subscriber: str = "",
    site: str = "",
    device: str = "",
    node: str = "",
    district: str = "",
    contact_name: str = "",
    contact_phone: str = "",
    address: str = "",
    store: ContentStore | None = None,
) -> Incident:
    """Open an incident: anybody may report one. It goes to the group that looks after its district. Its priority follows from
    impact and urgency, unless staff give one. `store` has the topologies, in one of which a `node` must be (`kb.nodes`)."""
    if by.id is None:  # how urgent it is, where in the network, and how it came, is for staff to say
        channel, priority, impact, urgency, category, node = "web", None, 4, 4, "", ""
    description = plain(description)
    title = one_line(title) or one_line(description)[:60]
    contact_name, contact_phone, address = one_line(contact_name), one_line(contact_phone), one_line(address)
    category, subscriber, site, device, node = map(one_line, (category, subscriber, site, device, node))
    fields: dict[str, str] = {}
    if not title:
        fields["description"] = "请写明故障现象 · describe the fault"
    if len(title) > MAX_TITLE:
        fields["title"] = f"标题最多 {MAX_TITLE} 字，其余写在描述里 · at most {MAX_TITLE} characters"
    if len(description) > MAX_DESCRIPTION:
        fields["description"] = f"描述最多 {MAX_DESCRIPTION} 字 · at most {MAX_DESCRIPTION} characters"
    if channel not in CHANNELS:
        fields["channel"] = "未知渠道 · unknown channel"
    for name, level in (("impact", impact), ("urgency", urgency)):
        if level not in priorities.LEVELS:
            fields[name] = "取值 1 到 4 · 1 to 4"
    if priority not in (None, *priorities.LEVELS):
        fields["priority"] = "优先级为 1 到 4 · priority is 1 to 4"
    if by.id is None and not re.search(r"\d{5}", re.sub(r"[-\s]", "", contact_phone)):
        fields["contact_phone"] = "请留联系电话，维修人员要联系您 · a phone number, so that we can call you"
    for name, value, most in (
        ("contact_name", contact_name, 80),
        ("contact_phone", contact_phone, 40),
        ("address", address, 200),
        ("category", category, 80),
        ("subscriber", subscriber, 40),
        ("site", site, 80),
        ("device", device, 80),
        ("node", node, 80),
    ):
        if len(value.strip()) > most:
            fields[name] = f"最多 {most} 字 · at most {most} characters"
    if node and "node" not in fields:
        if store is None:
            raise ValueError("a node is looked up in the topologies of a store")
        try:
            node = nodes.checked(nodes.published(session, store, by), node)
        except Invalid as exc:
            fields |= exc.fields
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
        priority=priority or priorities.priority(impact, urgency),
        impact=impact,
        urgency=urgency,
        category=category,
        subscriber=subscriber,
        site=site,
        device=device,
        node=node,
        district=unit,
        unit=unit.parent if unit else None,
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
    step(session, by, incident, IncidentState.IN_PROGRESS, "take")
    incident.assignee_id = by.id
    incident.responded_at = incident.responded_at or clock.now()


def wait(session: Session, by: Person, incident: Incident, reason: str) -> None:
    """Set an incident aside until something happens; says what."""
    by.require(Permission.HANDLE_INCIDENTS)
    step(
        session,
        by,
        incident,
        IncidentState.PENDING,
        "wait",
        reason=needed(reason, "reason", "等待什么 · waiting for what"),
    )


def resolve(session: Session, by: Person, incident: Incident) -> None:
    """The technician holds it repaired; now the user has the word."""
    by.require(Permission.HANDLE_INCIDENTS)
    step(session, by, incident, IncidentState.RESOLVED, "resolve")
    incident.resolved_at = clock.now()


def close(session: Session, by: Person, incident: Incident) -> None:
    """Close it, if the gate is met; else `GateClosed` lists what is missing."""
    by.require(Permission.HANDLE_INCIDENTS)
    missing = unmet(incident)
    if missing:
        texts = [UNMET_TEXT[item] for item in missing]
        raise GateClosed("还不能关闭 · it cannot close yet: " + "; ".join(texts), unmet=texts)
    step(session, by, incident, IncidentState.CLOSED, "close")
    incident.closed_at = clock.now()
    outcomes.held(session, incident)
    captured.capture(session, by, incident)


def reopen(session: Session, by: Person, incident: Incident, *, reason: str) -> None:
    """It is not solved after all."""
    by.require(Permission.HANDLE_INCIDENTS)
    reason = needed(reason, "reason", "为什么重开 · why")
    if incident.state in (IncidentState.VERIFIED, IncidentState.CLOSED):  # the user had confirmed it, and it failed
        outcomes.refused(session, incident, reason)
    verification.reopen_it(session, by, incident, reason)


def cancel(session: Session, by: Person, incident: Incident, reason: CancelReason, *, remark: str = "") -> None:
    """It was no incident: only a lead says so, with a reason from the list, and not after the user has spoken of a repair."""
    by.require(Permission.CANCEL_INCIDENTS)
    if incident.verifications or incident.duplicates:
        raise Conflict(
            "用户已答复，或有别的报修并入，不能取消 · its user has answered, or reports were merged into it",
            state=incident.state,
        )
    step(session, by, incident, IncidentState.CANCELLED, "cancel", reason=f"{reason} {remark}".strip())
    incident.cancel_reason = reason


def cancelled_sample(session: Session, by: Person, month: str, *, size: int = 10) -> tuple[int, list[Incident]]:
    """How many incidents were cancelled in a month (2026-11, local time), and a random few of them to look at again: the
    same ones for everybody who asks, and nobody can tell beforehand which."""
    by.require(Permission.CANCEL_INCIDENTS)
    try:
        first = dt.datetime.strptime(month, "%Y-%m").replace(tzinfo=clock.LOCAL)
    except ValueError as exc:
        problem = "月份写作 2026-11 · a month is written 2026-11"
        raise Invalid(problem, fields={"month": problem}) from exc
    after = (first + dt.timedelta(days=32)).replace(day=1)
    at = (
        select(func.max(AuditRow.at))
        .where(AuditRow.subject_type == "incident", AuditRow.subject_id == Incident.id, AuditRow.action.in_(_CANCELS))
        .scalar_subquery()
    )
    rows = session.scalars(
        select(Incident)
        .where(Incident.state == IncidentState.CANCELLED, at >= first, at < after)
        .order_by(Incident.id)
        .options(selectinload(Incident.assignee), selectinload(Incident.duplicate_of))
    ).all()
    draw = random.Random(f"cancelled {month} {len(rows)}")
    return len(rows), draw.sample(list(rows), min(size, len(rows)))


# --- what it is tied to ----------------------------------------------------------------------------------------


def link(session: Session, by: Person, incident: Incident, entry: Entry, *, words: str = "", search: str = "") -> None:
    """Make a published solution the one that resolves this incident; an earlier one is replaced, audited. `words` are
    what was searched for when it was found, `search` is the token of that search."""
    by.require(Permission.HANDLE_INCIDENTS)
    require_open(incident)
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
    require_open(incident)
    if not any(reference.entry is entry for reference in incident.references):
        incident.references.append(Reference(entry=entry))
        touch(incident)
        audit.record(session, by, incident, "refer", reason=entry.number)


def write_solution(
    session: Session, by: Person, incident: Incident, attributes: Attributes, body: str, *, form_key: str = ""
) -> Revision:
    """Write a new solution from this incident and tie it to it; the gate waits for its approval."""
    by.require(Permission.HANDLE_INCIDENTS)
    require_open(incident)
    if attributes.kind is not Kind.SOLUTION:
        raise Invalid("kind: 事件只能写解决方案 · an incident gets a solution", fields={"kind": "solution"})
    revision = entries.create(session, by, attributes, body, incident=incident, form_key=form_key)
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
    touch(incident)
    session.flush()
    session.expire(incident, ["solution", "solution_revision"])
    audit.record(session, by, incident, "relink" if before else "link", before=before[:20], after=entry.number[:20])
