"""Whose turn is it to review a revision?

Assignment says whose turn it is; it locks nobody out: any lead who may see a revision and is not its author may decide. A
revision is assigned when it is handed in: to a lead of its owner group, else of a district it is about, else to anybody
able; among those to the one with the fewest waiting. While a lead has delegated, another has their turns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kb import access, audit, clock
from kb.access import Permission, Person, may_see
from kb.accounts import SYSTEM
from kb.errors import Conflict, Invalid, NotFound
from kb.lifecycle import WAITING_REVISION, Role
from kb.models import Delegation, Revision, Unit, User
from kb.plain import one_line


@dataclass(frozen=True)
class Candidate:
    """A lead who could review. `load` counts what waits for them, `oldest` is how many days the oldest has waited."""

    id: int
    owns: bool  # belongs to the owner group
    near: bool  # looks after a district that the revision is about
    load: int
    oldest: int


def choose(candidates: Iterable[Candidate]) -> int | None:
    """Whose turn is it? Owner group before district before anybody; then the smaller load, the shorter wait, the lower id."""
    order = sorted(candidates, key=lambda one: (not one.owns, not one.near, one.load, one.oldest, one.id))
    return order[0].id if order else None


def assign(session: Session, by: Person, revision: Revision) -> User | None:
    """Give a revision that was just handed in to somebody; None where nobody is able."""
    chosen = choose(candidates(session, revision))
    return None if chosen is None else _give(session, by, revision, session.get_one(User, chosen))


def candidates(session: Session, revision: Revision) -> list[Candidate]:
    """Every lead who may decide on this revision, themselves or for somebody who has delegated to them."""
    attributes = revision.read_attributes()
    near = set(session.scalars(select(Unit.key).where(Unit.kind == "district", Unit.name.in_(attributes.districts))))
    if revision.incident is not None and revision.incident.district is not None:
        near.add(revision.incident.district.key)
    able = {lead.id: groups for lead, groups in _able(session, revision)}
    away = {absent: deputy for absent, deputy in _deputies(session).items() if deputy in able}
    loads = _loads(session)
    found: dict[int, Candidate] = {}
    for identity, groups in able.items():
        stands_in = away.get(identity, identity)
        load, oldest = loads.get(stands_in, (0, 0))
        before = found.get(stands_in)
        found[stands_in] = Candidate(
            stands_in,
            owns=attributes.owner_group in groups or (before is not None and before.owns),
            near=not near.isdisjoint(groups) or (before is not None and before.near),
            load=load,
            oldest=oldest,
        )
    return list(found.values())


def able_leads(session: Session, revision: Revision) -> list[User]:
    """Active leads, not the author, who may see the revision, by name."""
    return [lead for lead, _ in _able(session, revision)]


def reassign(session: Session, by: Person, revision: Revision, username: str, *, reason: str) -> None:
    """A lead passes a revision on, to themselves or to another, and says why."""
    by.require(Permission.REVIEW)
    if revision.state not in WAITING_REVISION or revision.scheduled:
        raise Conflict("这份修订不在审核中 · the revision is not in review", state=revision.state)
    to = next((lead for lead in able_leads(session, revision) if lead.username == username), None)
    if to is None:
        problem = "须是作者以外、看得到它的技术负责人 · a lead who may see it and is not its author"
        raise Invalid(problem, fields={"assignee": problem})
    reason = one_line(reason)
    if not reason:
        problem = "请写明为什么转交 · say why it is passed on"
        raise Invalid(problem, fields={"reason": problem})
    if revision.assignee_id != to.id:
        _give(session, by, revision, to, reason=reason)


def delegate(
    session: Session, by: Person, username: str, *, starts: dt.date, ends: dt.date, reason: str = ""
) -> Delegation:
    """A lead's turns are another lead's from one day to another; what waits for them already goes along."""
    by.require(Permission.REVIEW)
    to = session.scalar(select(User).where(User.username == username))
    fields: dict[str, str] = {}
    if to is None or to.role != Role.REVIEWER or not to.active or to.id == by.id:
        fields["to"] = "须是另一位技术负责人 · another lead"
    if ends < starts or ends < clock.today():
        fields["ends"] = "结束日期不早于开始和今天 · it ends neither before it starts nor before today"
    if fields:
        raise Invalid("; ".join(f"{name}: {text}" for name, text in fields.items()), fields=fields)
    assert to is not None and by.id is not None  # somebody else would not be a lead
    made = Delegation(from_id=by.id, to_id=to.id, starts=starts, ends=ends, reason=one_line(reason)[:200])
    session.add(made)
    session.flush()
    span = f"{starts} – {ends}"
    audit.record(
        session, by, session.get_one(User, by.id), "delegate_reviews",
        reason=f"{to.display_name} {span} {made.reason}".strip(),
    )  # fmt: skip
    if starts <= clock.today():
        for revision in session.scalars(
            select(Revision).where(Revision.assignee_id == by.id, Revision.state.in_(sorted(WAITING_REVISION)))
        ).all():
            if to.id in {lead.id for lead in able_leads(session, revision)}:
                _give(session, by, revision, to, reason=f"代办 {span}")
    return made


def end_delegation(session: Session, by: Person, delegation_id: int) -> None:
    """Take a delegation back from today on; what was passed on stays where it is."""
    found = session.get(Delegation, delegation_id)
    if found is None or found.from_id != by.id:
        raise NotFound("没有这项代办 · no such delegation")
    if found.ends >= clock.today():
        yesterday = clock.today() - dt.timedelta(days=1)
        found.starts, found.ends = min(found.starts, yesterday), yesterday
        audit.record(session, by, session.get_one(User, found.from_id), "end_delegation")


def delegations(session: Session, by: Person) -> list[tuple[Delegation, str]]:
    """A person's delegations that are not over, with the name of the deputy."""
    rows = session.execute(
        select(Delegation, User.display_name)
        .join(User, User.id == Delegation.to_id)
        .where(Delegation.from_id == by.id, Delegation.ends >= clock.today())
        .order_by(Delegation.starts)
    )
    return [(row, name) for row, name in rows]


def _give(session: Session, by: Person, revision: Revision, to: User, *, reason: str = "") -> User:
    before = revision.assignee.username if revision.assignee else ""
    revision.assignee_id = to.id
    session.flush()
    session.expire(revision, ["assignee"])
    audit.record(
        session, by if reason else SYSTEM, revision, "review_assigned",
        before=before[:20], after=to.username[:20], reason=reason,
    )  # fmt: skip
    return to


def _deputies(session: Session) -> dict[int, int]:
    """Who has whose turns today; the latest delegation counts, and a deputy's own delegation is not followed."""
    today = clock.today()
    rows = session.execute(
        select(Delegation.from_id, Delegation.to_id)
        .where(Delegation.starts <= today, Delegation.ends >= today)
        .order_by(Delegation.id)
    )
    return dict(rows.all())


def _loads(session: Session) -> dict[int, tuple[int, int]]:
    """How many revisions wait for each lead, and how many days the oldest has waited."""
    rows = session.execute(
        select(Revision.assignee_id, func.count(), func.min(Revision.submitted_at))
        .where(Revision.state.in_(sorted(WAITING_REVISION)), Revision.assignee_id.is_not(None))
        .group_by(Revision.assignee_id)
    )
    return {
        lead: (count, (clock.now() - since).days if since else 0) for lead, count, since in rows if lead is not None
    }


def _able(session: Session, revision: Revision) -> list[tuple[User, frozenset[str]]]:
    """Who could decide, with the groups they belong to."""
    attributes = revision.read_attributes()
    leads = session.scalars(
        select(User)
        .where(User.role == Role.REVIEWER, User.active.is_(True), User.id.is_distinct_from(revision.author_id))
        .order_by(User.display_name, User.id)
    )
    people = [(lead, access.person(session, lead)) for lead in leads]
    return [
        (lead, person.groups) for lead, person in people if may_see(person, attributes.audience, attributes.owner_group)
    ]
