"""Has the user said that it is solved: who, how, when; and what if they cannot be reached, or say two things at once?

There is no waiver. A repair that its user has not confirmed stays open however long it takes: `waiting` lists what is to be
asked, with the attempts so far and when the next one is due; nothing closes by time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from kb import audit, captured, clock, outcomes
from kb.access import Permission, Person
from kb.confirmations import contradiction
from kb.errors import Conflict, Invalid, NotAllowed
from kb.incident_steps import needed, require_open, short, step, touch
from kb.lifecycle import ASKED_INCIDENT, ContactMethod, IncidentState, Outcome, VerificationMethod
from kb.models import AuditRow, ContactAttempt, Incident, Verification

CODE_DIGITS = 6
CODE_TRIES = 3  # wrong ones, after which the code is void
RETRIES = tuple(dt.timedelta(days=days) for days in (1, 1, 2, 3, 7))  # until the next attempt; the last one repeats


# --- what the user said ------------------------------------------------------------------------------------------


def verify(
    session: Session,
    by: Person,
    incident: Incident,
    outcome: Outcome,
    method: VerificationMethod,
    *,
    said_by: str,
    remark: str = "",
    again: bool = False,
    reporter: Incident | None = None,
) -> Verification:
    """Record what the user said of the repair.

    `unsolved` reopens the incident. A `solved` whose remark contradicts it is kept as `unclear` and does not count; asked
    again (`again`), the person may say so once more, and both are kept. `reporter` is the merged report whose reporter
    speaks, None for the incident's own. On site, solved takes the user's code: see `at_door`.
    """
    if method is VerificationMethod.ON_SITE and outcome is Outcome.SOLVED:
        problem = "现场确认须输入用户的确认码 · on site, the user's code is needed"
        raise Invalid(problem, fields={"code": problem})
    return _record(session, by, incident, outcome, method, _Words(said_by, remark, again, reporter))


def at_door(
    session: Session,
    by: Person,
    incident: Incident,
    code: str,
    *,
    said_by: str,
    remark: str = "",
    again: bool = False,
) -> Verification | None:
    """The user gives the technician on site the code of the report: it holds once. None if it is wrong: the caller commits
    that too, because after `CODE_TRIES` wrong ones the code is void, and another is needed (`renew_code`)."""
    by.require(Permission.HANDLE_INCIDENTS)
    if by.id is not None and by.id in _knowing(session, incident):
        raise NotAllowed(
            "登记或重发的人知道确认码，须由别人到场确认 · whoever registered it, or asked for the code, knows it"
        )
    if not code_holds(incident):
        raise Conflict(
            "确认码已失效，请重发一个或电话回访 · the code is void; issue another, or call the user",
            failures=incident.door_code_failures,
        )
    if incident.state not in ASKED_INCIDENT:
        raise _not_resolved(incident)
    if not _matches(code, incident.door_code_hash):
        incident.door_code_failures += 1
        audit.record(session, by, incident, "wrong_code")
        return None
    words = _Words(said_by, remark, again)
    made = _record(session, by, incident, Outcome.SOLVED, VerificationMethod.ON_SITE, words)
    if made.outcome == Outcome.SOLVED:
        incident.door_code_hash = ""
    return made


def code_holds(incident: Incident) -> bool:
    """Is there a code that was neither used nor guessed at too often?"""
    return bool(incident.door_code_hash) and incident.door_code_failures < CODE_TRIES


def is_code(incident: Incident, code: str) -> bool:
    """Is this the code that holds?"""
    return code_holds(incident) and _matches(code, incident.door_code_hash)


def renew_code(session: Session, by: Person, incident: Incident, *, own_link: bool = False) -> str:
    """Another code in place of one that was used, is void, or was lost: on the user's own link (`own_link`), or read to the
    user by a member of staff, who then knows it and cannot be the one at the door."""
    if not own_link:
        by.require(Permission.HANDLE_INCIDENTS)
    require_open(incident)
    touch(incident)
    code = issue_code(session, incident)
    audit.record(session, by, incident, "renew_code")
    return code


def _knowing(session: Session, incident: Incident) -> set[int]:
    """Who of the staff has seen a code of this incident?"""
    told = session.scalars(
        select(AuditRow.actor_id).where(
            AuditRow.subject_type == "incident", AuditRow.subject_id == incident.id, AuditRow.action == "renew_code"
        )
    )
    return {id_ for id_ in (incident.opened_by_id, *told) if id_ is not None}


def issue_code(session: Session, incident: Incident) -> str:
    """A code for the user, to be shown to them alone and this once: the database keeps its hash."""
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    incident.door_code_hash, incident.door_code_failures = _hash(code, secrets.token_bytes(8)), 0
    session.flush()
    return code


@dataclass(frozen=True)
class _Words:
    """Who said what, once more after a contradiction or not, as the incident's own reporter or as that of a merged report."""

    said_by: str
    remark: str
    again: bool
    reporter: Incident | None = None


def _record(
    session: Session, by: Person, incident: Incident, outcome: Outcome, method: VerificationMethod, words: _Words
) -> Verification:
    if method is not VerificationMethod.SIGNED_LINK:
        by.require(Permission.HANDLE_INCIDENTS)
        if by.id is None:
            raise NotAllowed("确认须由具名人员记录 · a named person records what the user said")
    said_by, remark = needed(words.said_by, "said_by", "谁确认的 · who said so"), short(words.remark, "remark")
    reporter = words.reporter
    if incident.state not in ASKED_INCIDENT:
        raise _not_resolved(incident)
    if reporter is not None and reporter.duplicate_of_id != incident.id:
        raise Conflict(f"{reporter.number} 没有并入 {incident.number} · it was not merged into this incident")
    if outcome is Outcome.SOLVED and contradiction(remark) and not (words.again and asked_again(incident, reporter)):
        outcome = Outcome.UNCLEAR
    verification = Verification(
        incident=incident,
        outcome=outcome,
        method=method,
        said_by=said_by[:80],
        remark=remark,
        recorded_by_id=by.id,
        reporter_id=reporter.id if reporter else None,
        created_at=clock.now(),
    )
    session.add(verification)
    session.flush()
    heard = f"{said_by} {remark}".strip()
    if outcome is Outcome.UNSOLVED:
        outcomes.refused(session, incident, remark or "用户确认未解决")
        reopen_it(session, by, incident, remark or "用户确认未解决")
    elif confirmed_by_all(incident):
        if incident.state == IncidentState.RESOLVED:
            step(session, by, incident, IncidentState.VERIFIED, f"verify_{method}", reason=heard)
    elif incident.state == IncidentState.VERIFIED:
        step(session, by, incident, IncidentState.RESOLVED, "unclear", reason=heard)
    else:
        touch(incident)
        audit.record(
            session, by, incident, "unclear" if outcome is Outcome.UNCLEAR else f"verify_{method}", reason=heard
        )
    return verification


def reopen_it(session: Session, by: Person, incident: Incident, reason: str) -> None:
    """The step itself, for whoever may say so."""
    if incident.state == IncidentState.CLOSED:
        captured.withdraw(session, by, incident)
    step(session, by, incident, IncidentState.REOPENED, "reopen", reason=reason)
    incident.resolved_at = incident.closed_at = None


# --- who has confirmed -------------------------------------------------------------------------------------------


def confirmed(incident: Incident, reporter: Incident | None = None) -> bool:
    """Was "solved" the last word of this reporter (None: the incident's own) after the repair?"""
    last = _last(incident, reporter)
    return last is not None and last.outcome == Outcome.SOLVED


def asked_again(incident: Incident, reporter: Incident | None = None) -> bool:
    """Did this reporter's last word contradict itself?"""
    last = _last(incident, reporter)
    return last is not None and last.outcome == Outcome.UNCLEAR


def others(incident: Incident) -> list[Incident]:
    """Reports merged into this one whose reporters are still to confirm: each is somebody else's fault, and is asked."""
    return [row for row in incident.duplicates if row.ask_reporter and not confirmed(incident, row)]


def confirmed_by_all(incident: Incident) -> bool:
    return confirmed(incident) and not others(incident)


def _last(incident: Incident, reporter: Incident | None) -> Verification | None:
    whose = reporter.id if reporter else None
    said = [row for row in incident.verifications if row.reporter_id == whose]
    if incident.resolved_at is None or not said or said[-1].created_at < incident.resolved_at:
        return None
    return said[-1]


# --- who cannot be reached ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """A repair whose user has not confirmed it."""

    incident: Incident
    attempts: list[ContactAttempt]  # since the repair
    due: dt.datetime  # of the next attempt
    age: dt.timedelta  # since the repair


def attempt(session: Session, by: Person, incident: Incident, method: ContactMethod, *, remark: str = "") -> None:
    """Somebody tried to reach the user in vain."""
    by.require(Permission.HANDLE_INCIDENTS)
    if by.id is None:
        raise NotAllowed("联系记录须有具名人员 · a named person made the attempt")
    if incident.state != IncidentState.RESOLVED:
        raise _not_resolved(incident)
    remark = short(remark, "remark")
    incident.attempts.append(ContactAttempt(method=method, remark=remark, by_id=by.id, created_at=clock.now()))
    touch(incident)
    audit.record(session, by, incident, "attempt", reason=f"{method} {remark}".strip())


def waiting(session: Session, by: Person, *, unreachable: bool = False, limit: int = 200) -> list[Waiting]:
    """Repairs to be confirmed, the oldest first; `unreachable`: those tried in vain since the repair alone."""
    by.require(Permission.HANDLE_INCIDENTS)
    query = select(Incident).where(Incident.state == IncidentState.RESOLVED)
    if unreachable:
        query = query.where(Incident.attempts.any(ContactAttempt.created_at >= Incident.resolved_at))
    rows = session.scalars(
        query.order_by(Incident.resolved_at, Incident.id)
        .limit(limit)
        .options(
            selectinload(Incident.attempts).selectinload(ContactAttempt.by),
            selectinload(Incident.district),
            selectinload(Incident.assignee),
        )
    )
    return [pending(row) for row in rows]


def pending(incident: Incident) -> Waiting:
    """How one repair stands with its user; the incident has been resolved."""
    since = incident.resolved_at or incident.updated_at
    tried = [row for row in incident.attempts if row.created_at >= since]
    last = tried[-1].created_at if tried else since
    due = last + RETRIES[min(max(len(tried) - 1, 0), len(RETRIES) - 1)] if tried else since
    return Waiting(incident, tried, due, clock.now() - since)


def _not_resolved(incident: Incident) -> Conflict:
    return Conflict(
        "维修人员标记已解决后才能确认 · it can be confirmed once it is marked resolved", state=incident.state
    )


def _hash(code: str, salt: bytes) -> str:
    # slow enough that a million codes take hours, quick enough for a request: 4096 rounds of scrypt, 4 MB
    return f"{salt.hex()}${hashlib.scrypt(code.encode(), salt=salt, n=4096, r=8, p=1, dklen=32).hex()}"


def _matches(code: str, kept: str) -> bool:
    salt = bytes.fromhex(kept.partition("$")[0])
    return secrets.compare_digest(_hash("".join(code.split()), salt), kept)
