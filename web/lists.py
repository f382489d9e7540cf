"""Which rows does a page list? Lists, counts and queues come from SQL, each with a fixed number of statements.

Every list of entries is trimmed to what the person may see; incidents are for staff and their callers have asked for
the permission.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from kb import clock
from kb.access import Person, searchable, visible
from kb.documents import Attributes, Kind
from kb.entries import may_read, may_see_revision
from kb.errors import NotFound
from kb.lifecycle import DONE_INCIDENT, EntryState, IncidentState, Role
from kb.models import Category, Entry, Incident, OutboxRow, Revision, Unit, User
from web.labels import LABELS, label


def popular(session: Session, by: Person, *, limit: int = 8) -> list[tuple[Entry, int]]:
    """Solutions with the number of incidents they have resolved, most first; one still open is not resolved yet."""
    uses = func.count(Incident.id)
    rows = session.execute(
        select(Entry, uses)
        .join(Incident, Incident.solution_entry_id == Entry.id)
        .where(searchable(), visible(by), Incident.state == IncidentState.CLOSED)
        .group_by(Entry.id)
        .order_by(uses.desc(), Entry.number)
        .limit(limit)
    )
    return [(entry, count) for entry, count in rows]


def typical(session: Session, by: Person, *, limit: int) -> list[Entry]:
    """The first solution of each of the largest categories: something to begin with where nobody has asked yet."""
    first = (
        select(func.min(Entry.id))
        .where(searchable(), visible(by), Entry.state == EntryState.PUBLISHED, Entry.kind == Kind.SOLUTION)
        .group_by(Entry.category)
        .order_by(func.count().desc(), func.min(Entry.id))
        .limit(limit)
    )
    return list(session.scalars(select(Entry).where(Entry.id.in_(first)).order_by(Entry.number)))


def categories(session: Session, by: Person) -> list[tuple[str, list[tuple[str, int]]]]:
    """The category tree with counts of published entries: (top, [(path, count)])."""
    rows = session.execute(
        select(Entry.category, func.count())
        .where(Entry.state == EntryState.PUBLISHED, searchable(), visible(by))  # the equation: an index alone answers
        .group_by(Entry.category)
    ).all()
    tree: dict[str, list[tuple[str, int]]] = {}
    for path, count in sorted(rows, key=lambda row: -row[1]):
        tree.setdefault(path.partition("/")[0], []).append((path, count))
    return sorted(tree.items(), key=lambda branch: -sum(count for _, count in branch[1]))


def related(session: Session, by: Person, numbers: Sequence[str]) -> list[Entry]:
    """Of these entries the ones this person may read, in the order given."""
    found = {entry.number: entry for entry in session.scalars(select(Entry).where(Entry.number.in_(numbers)))}
    return [found[number] for number in numbers if number in found and may_read(by, found[number])]


def revisions(session: Session, by: Person, entry: Entry) -> list[Revision]:
    """An entry's revisions that this person may see, newest first: an earlier one may have had another audience."""
    rows = session.scalars(
        select(Revision)
        .where(Revision.entry_id == entry.id)
        .order_by(Revision.number.desc())
        .options(selectinload(Revision.author), selectinload(Revision.reviews))
    )
    return [row for row in rows if may_see_revision(by, row)]


def submitted_revision(session: Session, by: Person, revision_id: int) -> Revision:
    """A revision by its id, as reviewers know it: one that was never handed in is not theirs to look at."""
    revision = session.get(Revision, revision_id)
    if revision is None or revision.submitted_at is None or not may_see_revision(by, revision):
        raise NotFound("没有这份修订 · no such revision")
    return revision


def incident_counts(session: Session) -> dict[str, int]:
    """How many open incidents are in each state?"""
    rows = session.execute(
        select(Incident.state, func.count())
        .where(Incident.state.not_in(sorted(DONE_INCIDENT)))
        .group_by(Incident.state)
    )
    found = dict(rows.all())
    return {state: found[state] for state in IncidentState if state in found}


def districts(session: Session) -> list[Unit]:
    """The districts that a fault can be in, each with the group that looks after it."""
    return list(
        session.scalars(
            select(Unit).where(Unit.kind == "district").order_by(Unit.id).options(selectinload(Unit.parent))
        )
    )


def reviewers(session: Session, by: Person) -> list[User]:
    """The other leads, who may stand in for this one."""
    return list(
        session.scalars(
            select(User)
            .where(User.role == Role.REVIEWER, User.active.is_(True), User.id.is_distinct_from(by.id))
            .order_by(User.display_name, User.id)
        )
    )


def units(session: Session) -> list[Unit]:
    return list(session.scalars(select(Unit).order_by(Unit.id)))


@dataclass(frozen=True)
class Branch:
    """A unit with the people in it and the units below it."""

    unit: Unit
    people: list[User]
    below: list[Branch]

    def __len__(self) -> int:
        return len(self.people) + sum(map(len, self.below))


def organisation(session: Session) -> list[Branch]:
    """The tree of units, stations before teams."""
    people: dict[int | None, list[User]] = {}
    for user in session.scalars(select(User).order_by(User.display_name, User.id)):
        people.setdefault(user.unit_id, []).append(user)
    below: dict[int | None, list[Unit]] = {}
    for unit in session.scalars(select(Unit).order_by(Unit.kind, Unit.id)):
        below.setdefault(unit.parent_id, []).append(unit)

    def branch(unit: Unit) -> Branch:
        return Branch(unit, people.get(unit.id, []), [branch(one) for one in below.get(unit.id, [])])

    return [branch(unit) for unit in below.get(None, [])]


@dataclass(frozen=True)
class Usage:
    """How much stands under one category."""

    path: str
    category: Category | None  # None where the tree has no such
    published: int = 0
    unfinished: int = 0  # never published yet
    gone: int = 0  # expired or retired
    incidents: int = 0


def usage(session: Session, tree: Sequence[Category]) -> tuple[list[Usage], list[Usage]]:
    """The categories of the tree in its order, and those that are used though it has them not."""
    entries: dict[str, Counter[str]] = {}
    for path, state, count in session.execute(
        select(Entry.category, Entry.state, func.count()).group_by(Entry.state, Entry.category)
    ):
        entries.setdefault(path, Counter())[state] = count
    reported = select(Incident.category, func.count()).group_by(Incident.category)
    incidents = {path: count for path, count in session.execute(reported) if path}

    def used(path: str, category: Category | None = None) -> Usage:
        states = entries.get(path, Counter())
        gone = states[EntryState.EXPIRED] + states[EntryState.RETIRED]
        unfinished = states.total() - states[EntryState.PUBLISHED] - gone
        return Usage(path, category, states[EntryState.PUBLISHED], unfinished, gone, incidents.get(path, 0))

    others = sorted((entries.keys() | incidents.keys()) - {row.path for row in tree})
    return [used(row.path, row) for row in tree], [used(path) for path in others]


def owner_groups(session: Session, by: Person, chosen: str = "") -> list[Unit]:
    """Who can own an entry: teams and groups, and whatever is chosen already."""
    rows = session.scalars(select(Unit).where(Unit.kind.in_(("team", "group", "station"))).order_by(Unit.id))
    mine = sorted(rows, key=lambda unit: (unit.key not in by.groups, unit.id))
    if chosen and all(unit.key != chosen for unit in mine):
        mine += session.scalars(select(Unit).where(Unit.key == chosen))
    return mine


def users(session: Session) -> list[User]:
    return list(
        session.scalars(select(User).order_by(User.active.desc(), User.username).options(selectinload(User.unit)))
    )


def unit_name(session: Session, key: str) -> str:
    return session.scalar(select(Unit.name).where(Unit.key == key)) or key


def oldest_waiting(session: Session) -> dt.timedelta | None:
    """How long has the oldest change waited for the index?"""
    since = session.scalar(select(func.min(OutboxRow.created_at)).where(OutboxRow.done_at.is_(None)))
    return None if since is None else clock.now() - since


def entry_counts(session: Session) -> dict[str, int]:
    """How many entries are published, by kind?"""
    rows = session.execute(
        select(Entry.kind, func.count())
        .where(Entry.state == EntryState.PUBLISHED, searchable())
        .group_by(Entry.category, Entry.kind)  # in the order of the index that has all that is asked
    )
    found: Counter[str] = Counter()
    for kind, count in rows:
        found[kind] += count
    return {kind: found[kind] for kind in Kind if kind in found}


@dataclass(frozen=True)
class Difference:
    """One attribute or section that differs between two revisions."""

    name: str
    before: str
    after: str


_COMPARED = (
    "title", "category", "audience", "owner_group", "valid_until", "valid_from", "devices", "districts", "error_codes", "covers",
    "figures", "related", "change", "environment",
)  # fmt: skip


def changed_attributes(session: Session, before: Attributes, after: Attributes) -> list[Difference]:
    """Which attributes differ, in the words of the pages?"""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [
        Difference(label(name, "field"), shown(session, name, old[name]), shown(session, name, new[name]))
        for name in _COMPARED
        if old[name] != new[name]
    ]


def shown(session: Session, name: str, value: object) -> str:
    """The value of an attribute as people read it: names for codes, a list as one line."""
    if isinstance(value, list):
        return "、".join(shown(session, name, item) for item in value)
    if isinstance(value, dict):
        return " ".join(shown(session, key, item) for key, item in value.items() if item)
    text = str(value or "")
    if name == "owner_group":
        return unit_name(session, text)
    return label(text, name) if name in LABELS else text
