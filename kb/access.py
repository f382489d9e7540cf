"""Who may do what, and who may see which entry?

One table of permissions by role, one predicate for entries, in SQL and in Python alike. Search uses `Sight` to
trim inside the engine and this predicate again on every hit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Boolean, ColumnElement, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from kb import clock
from kb.db import likely
from kb.documents import Audience
from kb.errors import NotAllowed, NotFound
from kb.lifecycle import ENTRY_NAMES, EntryState, Role
from kb.models import Entry, Unit, User

ALL_GROUPS = "*"


class Permission(StrEnum):
    READ_STAFF = "read_staff"  # staff entries, the technician's side of solutions
    HANDLE_INCIDENTS = "handle_incidents"
    WRITE_ENTRIES = "write_entries"
    REVIEW = "review"
    CORRECT = "correct"  # minor corrections, which nobody reviews
    CANCEL_INCIDENTS = "cancel_incidents"
    HANDLE_PROBLEMS = "handle_problems"
    LEAD_PROBLEMS = "lead_problems"  # cancel one, and be told what looks like one
    HANDLE_CHANGES = "handle_changes"  # request, schedule and implement, each as the person named
    DECIDE_CHANGES = "decide_changes"  # approve, reject, review the results: never one's own
    RETIRE_ENTRIES = "retire_entries"
    TEND_CAPTURED = "tend_captured"  # the words that incidents gave an entry
    READ_ALL_GROUPS = "read_all_groups"  # restricted entries of every owner group
    EXPLAIN_ACCESS = "explain_access"  # why somebody else finds an entry, or does not
    IMPORT = "import"
    OPERATE = "operate"  # index, health, content store, dictionary, golden queries
    ORGANISE = "organise"  # units of the organisation, categories
    MANAGE_USERS = "manage_users"


P = Permission
_STAFF = frozenset({P.READ_STAFF, P.HANDLE_INCIDENTS, P.HANDLE_PROBLEMS, P.HANDLE_CHANGES, P.WRITE_ENTRIES})
_LEAD = frozenset({P.REVIEW, P.CANCEL_INCIDENTS, P.LEAD_PROBLEMS, P.DECIDE_CHANGES})

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.SUBSCRIBER: frozenset(),
    Role.TECHNICIAN: _STAFF,
    Role.REVIEWER: _STAFF | _LEAD | {P.CORRECT, P.RETIRE_ENTRIES, P.TEND_CAPTURED, P.EXPLAIN_ACCESS},
    Role.KNOWLEDGE_MANAGER: _STAFF
    | {
        P.CORRECT,
        P.RETIRE_ENTRIES,
        P.TEND_CAPTURED,
        P.READ_ALL_GROUPS,
        P.IMPORT,
        P.OPERATE,
        P.ORGANISE,
        P.EXPLAIN_ACCESS,
    },
    Role.ADMINISTRATOR: _STAFF | {P.READ_ALL_GROUPS, P.IMPORT, P.OPERATE, P.ORGANISE, P.MANAGE_USERS, P.EXPLAIN_ACCESS},
}


@dataclass(frozen=True)
class Person:
    """Whoever asks: an account, or a subscriber without one (`id` is None)."""

    id: int | None
    name: str
    role: Role
    groups: frozenset[str] = frozenset()  # keys of their unit and all units below it

    def may(self, permission: Permission) -> bool:
        return permission in PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        if not self.may(permission):
            raise NotAllowed(f"{self.name} 没有此项权限 · not permitted: {permission}", permission=permission)


SUBSCRIBER = Person(None, "用户", Role.SUBSCRIBER)


def person(session: Session, user: User) -> Person:
    """Who is this account, with the groups it belongs to?"""
    groups: set[str] = set()
    if user.unit_id is not None:
        units = list(session.scalars(select(Unit)))
        level = {user.unit_id}
        while level:
            groups |= {unit.key for unit in units if unit.id in level}
            level = {unit.id for unit in units if unit.parent_id in level}
    return Person(user.id, user.display_name, Role(user.role), frozenset(groups))


@dataclass(frozen=True)
class Sight:
    """What a person may see, in the terms the index knows."""

    audiences: frozenset[str]
    groups: frozenset[str]
    staff_text: bool


def sight(by: Person) -> Sight:
    """Which audiences and groups does this person see?"""
    if not by.may(P.READ_STAFF):
        return Sight(frozenset({Audience.PUBLIC}), frozenset(), staff_text=False)
    groups = frozenset({ALL_GROUPS}) if by.may(P.READ_ALL_GROUPS) else by.groups
    return Sight(frozenset(Audience), groups, staff_text=True)


def may_see(by: Person, audience: str, owner_group: str) -> bool:
    """May this person see something with this audience and owner?"""
    seen = sight(by)
    if audience != Audience.RESTRICTED:
        return audience in seen.audiences
    return ALL_GROUPS in seen.groups or owner_group in seen.groups


def visible(by: Person) -> ColumnElement[bool]:
    """The same as a condition on `Entry`, without regard to its state."""
    return seen_by(sight(by))


def seen_by(seen: Sight) -> ColumnElement[bool]:
    """The same for all who see the same."""
    plain = Entry.audience.in_(sorted(seen.audiences - {Audience.RESTRICTED}))
    if ALL_GROUPS in seen.groups:
        return or_(plain, Entry.audience == Audience.RESTRICTED)
    return or_(plain, and_(Entry.audience == Audience.RESTRICTED, Entry.owner_group.in_(sorted(seen.groups))))


@dataclass(frozen=True)
class Reason:
    """One rule by which a person finds an entry, or does not: does it let them, and what does it say here?"""

    rule: str  # state, validity, audience, group or role
    lets: bool
    said: str


def reasons(asker: Person, of: Person, entry: Entry) -> list[Reason]:
    """Why does `of` find this entry, or why not? They find it if every rule lets them: together the rules are what
    `searchable` and `visible` say. Raises NotAllowed for whom it is no business, NotFound for what they may not see."""
    asker.require(P.EXPLAIN_ACCESS)
    if not may_see(asker, entry.audience, entry.owner_group):
        raise NotFound(f"没有词条 {entry.number}，或您无权查看 · no such entry, or not for you to see")
    name, until, today = of.name, entry.valid_until, clock.today()
    staff, all_groups = of.may(P.READ_STAFF), of.may(P.READ_ALL_GROUPS)
    restricted, owned = entry.audience == Audience.RESTRICTED, all_groups or entry.owner_group in of.groups
    if entry.audience == Audience.PUBLIC:
        audience = "公开，人人可见 · public, for everybody"
    elif staff:
        audience = f"不公开，{name}是员工 · not public, and they are staff"
    else:
        audience = f"不公开，{name}不是员工 · not public, and they are no staff"
    if not restricted:
        group = "不受限，归口组不起作用 · not restricted, the owner group does not matter"
    elif owned:
        group = f"受限，{name}看得到归口组 {entry.owner_group} · restricted, and they see its owner group"
    else:
        group = f"受限，{name}看不到归口组 {entry.owner_group} · restricted to an owner group that is not theirs"
    if until is None:
        validity = "没有期限 · no limit"
    else:
        validity = f"有效至 {until} · valid until then" if until >= today else f"{until} 已到期 · expired then"
    state = f"{ENTRY_NAMES[EntryState(entry.state)]} · {entry.state}"
    what = "看所有员工词条，受限的看全部归口组" if all_groups else "看员工词条，受限的只看自己的归口组"
    does = (
        "staff entries, restricted ones of every group"
        if all_groups
        else "staff entries, restricted ones of their groups"
    )
    role = f"{what} · {of.role}: {does}" if staff else f"只看公开词条 · {of.role}: public entries alone"
    return [
        Reason("state", entry.state == EntryState.PUBLISHED, state),
        Reason("validity", until is None or until >= today, validity),
        Reason("audience", entry.audience == Audience.PUBLIC or staff, audience),
        Reason("group", not restricted or (staff and owned), group),
        Reason("role", staff or entry.audience == Audience.PUBLIC, role),
    ]


def likely_published() -> ColumnElement[bool]:
    """Is the entry published, said so that SQLite looks others up first. Nearly all are; not told, it expects ten, and
    reads them all to find three by number."""
    return likely(Entry.state == EntryState.PUBLISHED, type_=Boolean)


def searchable() -> ColumnElement[bool]:
    """Is the entry published and within its validity on the day the statement runs?"""
    today = bindparam("today", callable_=clock.today, type_=Entry.valid_until.type, unique=True)
    return and_(
        likely_published(),
        or_(Entry.valid_until.is_(None), Entry.valid_until >= today),
    )
