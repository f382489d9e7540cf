"""Who may do what, and who may see which entry?

One table of permissions by role, one predicate for entries, in SQL and in Python alike. Search uses `Sight` to
trim inside the engine and this predicate again on every hit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Boolean, ColumnElement, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from kb import clock
from kb.documents import Audience
from kb.errors import NotAllowed
from kb.lifecycle import EntryState, Role
from kb.models import Entry, Unit, User

ALL_GROUPS = "*"


class Permission(StrEnum):
    READ_STAFF = "read_staff"  # staff entries, the technician's side of solutions
    HANDLE_INCIDENTS = "handle_incidents"
    WRITE_ENTRIES = "write_entries"
    REVIEW = "review"
    CANCEL_INCIDENTS = "cancel_incidents"
    RETIRE_ENTRIES = "retire_entries"
    TEND_CAPTURED = "tend_captured"  # the words that incidents gave an entry
    READ_ALL_GROUPS = "read_all_groups"  # restricted entries of every owner group
    IMPORT = "import"
    OPERATE = "operate"  # index, health, content store, dictionary, golden queries
    MANAGE_USERS = "manage_users"


P = Permission
_STAFF = frozenset({P.READ_STAFF, P.HANDLE_INCIDENTS, P.WRITE_ENTRIES})

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.SUBSCRIBER: frozenset(),
    Role.TECHNICIAN: _STAFF,
    Role.REVIEWER: _STAFF | {P.REVIEW, P.CANCEL_INCIDENTS, P.RETIRE_ENTRIES, P.TEND_CAPTURED},
    Role.KNOWLEDGE_MANAGER: _STAFF | {P.RETIRE_ENTRIES, P.TEND_CAPTURED, P.READ_ALL_GROUPS, P.IMPORT, P.OPERATE},
    Role.ADMINISTRATOR: _STAFF | {P.READ_ALL_GROUPS, P.IMPORT, P.OPERATE, P.MANAGE_USERS},
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


def likely_published() -> ColumnElement[bool]:
    """Is the entry published, said so that SQLite looks others up first. Nearly all are; not told, it expects ten, and
    reads them all to find three by number."""
    return func.likely(Entry.state == EntryState.PUBLISHED, type_=Boolean)


def searchable() -> ColumnElement[bool]:
    """Is the entry published and within its validity on the day the statement runs?"""
    today = bindparam("today", callable_=clock.today, type_=Entry.valid_until.type, unique=True)
    return and_(
        likely_published(),
        or_(Entry.valid_until.is_(None), Entry.valid_until >= today),
    )
