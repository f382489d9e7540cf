"""What do people look for, what do they find, and which words led an incident to its solution?

One row a search *intent*: what somebody types within half a minute is one intent, and its last wording is kept. Personal
data is masked before anything is remembered, and no subscriber is named.

A search waits for nothing here: rows stay in memory until a thread writes them, a second's worth in one transaction. A
process that is killed loses that second; one that ends writes it.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import threading
import time
import unicodedata
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, cast

from sqlalchemy import ColumnElement, Executable, Subquery, case, delete, distinct, func, or_, select, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session, aliased, selectinload

from kb import clock, privacy
from kb.access import Permission, Person, searchable, visible
from kb.db import Database, insert_or
from kb.lifecycle import DONE_INCIDENT, Role
from kb.models import Entry, Incident, Search

log = logging.getLogger(__name__)

MAX_TEXT = 200  # characters kept of a wording
SAME_INTENT = dt.timedelta(seconds=30)  # between two wordings of one intent
FLUSH_S = 1.0  # seconds that a search may stay unwritten
MOST_PENDING = 10_000  # searches kept while the database is locked; more are dropped
MOST_ASKERS = 10_000  # people whose last search a process remembers
HOUSEKEEPING_S = 3600.0  # seconds between looks at what is asked often and what is too old
PRUNED_AT_ONCE = 5_000  # rows deleted in one transaction
MOST_OFTEN = 5_000  # wordings kept at hand for `popular`
OFTEN = 3  # people who must have asked before a wording is shown to others
SOON = dt.timedelta(minutes=10)  # within which another search may have been for the same thing
CANDIDATES = 50  # wordings with a prefix whose hits are looked at


# --- what was searched, written in the background --------------------------------------------------------------------


class _Row(NamedTuple):
    """A search as the table has it, but for what came of it."""

    token: str
    at: dt.datetime
    role: str
    person_id: int | None
    text: str
    key: str
    hits: int
    relaxed: str
    top_id: int | None
    incident_id: int | None


@dataclass
class _Last:
    """The last search of one asker, in this process."""

    token: str
    key: str
    at: dt.datetime
    incident_id: int | None
    opened: bool = False


class SearchLog:
    """The searches of one process on their way into the database. Safe between threads."""

    def __init__(self, database: Database, *, keep_days: int = 180) -> None:
        self._database, self._keep = database, dt.timedelta(days=keep_days)
        self._pending: dict[str, _Row] = {}
        self._opened: dict[str, tuple[int, int]] = {}
        self._last: OrderedDict[str, _Last] = OrderedDict()
        self._often: dict[bool, list[_Often]] = {True: [], False: []}
        self._writing, self._changing, self._stop = threading.Lock(), threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def record(
        self,
        by: Person,
        asker: str,
        text: str,
        *,
        hits: int,
        relaxed: str = "",
        top: int | None = None,
        incident: int | None = None,
        again: bool = False,
    ) -> str:
        """Remember a search; returns the token that links on its page carry, "" for nothing to remember. `asker` tells
        askers apart within this process and is not kept. `top` is the row id of the first hit. `again` is a page or a
        facet of a search: it gets the token of that search and is none itself."""
        text = kept_of(text)
        key, now = normalise(text), clock.now()
        if not key:
            return ""
        with self._changing:
            last = self._last.get(asker)
            same = last is not None and last.incident_id == incident and now - last.at <= SAME_INTENT
            if again:
                return last.token if last is not None and last.key == key and last.incident_id == incident else ""
            if last is None or not same or (last.key != key and (last.opened or not refines(key, last.key))):
                last = _Last(secrets.token_hex(8), key, now, incident)
            last.key, last.at = key, now
            self._last[asker] = last
            self._last.move_to_end(asker)
            if len(self._last) > MOST_ASKERS:
                self._last.popitem(last=False)
            if len(self._pending) < MOST_PENDING:
                self._pending[last.token] = _Row(
                    last.token, now, by.role, by.id, text, key, hits, relaxed, top, incident
                )
            self._begin()
            return last.token

    def opened(self, asker: str, token: str, entry: int, rank: int) -> None:
        """The asker opened a hit of that search: the row id of the entry, and its rank from 1. The first one counts."""
        with self._changing:
            last = self._last.get(asker)
            if last is not None and last.token == token:
                last.opened = True
            if len(self._opened) < MOST_PENDING:
                self._opened.setdefault(token, (entry, rank))
            self._begin()

    def popular(self, session: Session, by: Person, prefix: str = "", *, limit: int = 8) -> list[str]:
        """Wordings that begin so and that at least three people have asked, the most asked first: only those whose first
        hit this person may see, and to subscribers only what subscribers have asked."""
        often, key = self._often[by.may(Permission.READ_STAFF)], normalise(prefix)
        start = bisect_left(often, key, key=lambda one: one.key)
        found: list[_Often] = []
        for one in often[start:]:
            if not one.key.startswith(key):
                break
            found.append(one)
        found = sorted(found, key=lambda one: -one.asked)[:CANDIDATES]
        tops = {one.top for one in found}
        seen = set(session.scalars(select(Entry.id).where(Entry.id.in_(tops), searchable(), visible(by))))
        return [one.text for one in found if one.top in seen][:limit]

    def flush(self) -> None:
        """Write what is pending, in one transaction; afterwards all that was remembered before is in the database."""
        with self._writing:
            self._write()

    def _write(self) -> None:
        with self._changing:
            rows, clicks = self._pending, self._opened
            self._pending, self._opened = {}, {}
        if not rows and not clicks:
            return
        try:
            with self._database.write() as session:
                if rows:
                    session.connection().execute(_upsert(session), [row._asdict() for row in rows.values()])
                for token, (entry, rank) in clicks.items():
                    session.execute(
                        update(Search)
                        .where(Search.token == token, Search.opened_id.is_(None))
                        .values(opened_id=entry, opened_rank=rank)
                    )
                for row in rows.values():
                    _fold(session, row)
                session.commit()
        except OperationalError as exc:  # locked for long: later
            log.warning("the log of searches waits: %s", exc.orig)
            with self._changing:
                self._pending, self._opened = rows | self._pending, self._opened | clicks
        except SQLAlchemyError:
            log.exception("%d searches could not be logged", len(rows))

    def look_after(self) -> None:
        """Drop what is too old, and see what is asked often."""
        prune(self._database, clock.now() - self._keep)
        with self._database.read() as session:
            self._often = {
                staff: sorted(_often(session, staff=staff), key=lambda one: one.key) for staff in (True, False)
            }

    def close(self) -> None:
        """Write what is left."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _begin(self) -> None:
        if self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, name="search log", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        looked_after = -HOUSEKEEPING_S
        while not self._stop.wait(FLUSH_S):
            self.flush()
            if time.monotonic() - looked_after >= HOUSEKEEPING_S:
                looked_after = time.monotonic()
                try:
                    self.look_after()
                except SQLAlchemyError:  # the next time, then
                    log.exception("the log of searches could not be looked after")


def _upsert(session: Session) -> Executable:
    """A search, or its next wording."""
    new = insert_or(session, Search.__table__)
    changes = {name: new.excluded[name] for name in ("at", "text", "key", "hits", "relaxed", "top_id")}
    return cast(Executable, new.on_conflict_do_update(index_elements=["token"], set_=changes))


def _fold(session: Session, row: _Row) -> None:
    """Another process may have logged another wording of the same intent: of those that led to nothing the last stays."""
    if row.person_id is None:
        return
    rows = session.execute(
        select(Search.id, Search.key, Search.at).where(
            Search.person_id == row.person_id,
            Search.at.between(row.at - SAME_INTENT, row.at + SAME_INTENT),
            Search.incident_id.is_(None) if row.incident_id is None else Search.incident_id == row.incident_id,
            Search.opened_id.is_(None),
            Search.linked_id.is_(None),
        )
    )
    alike = sorted((other.at, other.id) for other in rows if refines(row.key, other.key))
    for _, earlier in alike[:-1]:
        session.execute(delete(Search).where(Search.id == earlier))


def kept_of(text: str) -> str:
    """What is kept of a wording: one line without personal data, and only the beginning of a pasted page."""
    return privacy.anonymous(" ".join(text[: 2 * MAX_TEXT].split()))[:MAX_TEXT]


def normalise(text: str) -> str:
    """The form in which wordings are compared: letters and digits alone, NFKC, lower case."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def refines(one: str, other: str) -> bool:
    """Are these two wordings, normalised, of one intent? Yes if one begins with the other, or if they share half of the
    pairs of characters of the shorter."""
    if one.startswith(other) or other.startswith(one):
        return True
    pairs, others = character_pairs(one), character_pairs(other)
    return 2 * len(pairs & others) >= max(1, min(len(pairs), len(others)))


def character_pairs(text: str) -> set[str]:
    return {text[start : start + 2] for start in range(len(text) - 1)}


# --- the words that led an incident to its solution ------------------------------------------------------------------


def linked(session: Session, by: Person, incident: Incident, entry: Entry, *, words: str = "", token: str = "") -> None:
    """The incident was tied to the entry: the search that led to it is the one with this token and these words, else the
    incident's last. The row may still wait in the log of this process or another; then it is made here."""
    text = kept_of(words)
    if normalise(text):
        token = token[:16] or secrets.token_hex(8)
        values = {
            "token": token, "at": clock.now(), "role": by.role, "person_id": by.id, "text": text,
            "key": normalise(text), "incident_id": incident.id,
        }  # fmt: skip
        session.execute(insert_or(session, Search).values(values).on_conflict_do_nothing(index_elements=["token"]))
        condition = Search.token == token
    else:
        newest = select(func.max(Search.id)).where(Search.incident_id == incident.id).scalar_subquery()
        condition = Search.id == newest
    session.execute(update(Search).where(condition, Search.incident_id == incident.id).values(linked_id=entry.id))


def trail(session: Session, incident: Incident) -> list[Search]:
    """What was searched for from this incident, oldest first."""
    rows = session.scalars(
        select(Search)
        .where(Search.incident_id == incident.id)
        .order_by(Search.at, Search.id)
        .options(selectinload(Search.linked))
    )
    return list(rows)


def led_to(session: Session, incident: Incident, entry: Entry) -> str:
    """The last words by which this incident came to this entry; "" if it came without a search."""
    found = session.scalar(
        select(Search.text)
        .where(Search.incident_id == incident.id, Search.linked_id == entry.id)
        .order_by(Search.at.desc(), Search.id.desc())
        .limit(1)
    )
    return found or ""


# --- what the log tells ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failed:
    """A wording that found nothing, or only by a weaker tier without anybody opening a hit."""

    text: str  # as it was typed last
    asked: int  # intents
    people: int  # staff who asked; every subscriber counts as another
    hits: int  # of the last one
    last: dt.datetime


def failed(session: Session, since: dt.datetime, *, limit: int = 100) -> list[Failed]:
    """What people looked for in vain, the same wordings together, the most asked first."""
    asked, people = func.count(), func.count(distinct(_asker()))
    grouped = (
        select(Search.key, asked.label("asked"), people.label("people"), func.max(Search.at).label("last"))
        .where(
            Search.at >= since,
            or_(Search.hits == 0, Search.relaxed != ""),
            Search.opened_id.is_(None),
            Search.linked_id.is_(None),
        )
        .group_by(Search.key)
        .order_by(asked.desc(), func.max(Search.at).desc())
        .limit(limit)
        .subquery()
    )
    rows = session.execute(
        select(Search.text, grouped.c.asked, grouped.c.people, Search.hits, grouped.c.last)
        .join(grouped, _is_last_of(grouped))
        .order_by(grouped.c.asked.desc(), grouped.c.last.desc())
    )
    return [Failed(*row) for row in rows]


def _is_last_of(grouped: Subquery) -> ColumnElement[bool]:
    """Is this search the last one of its group?"""
    other = aliased(Search)
    newest = select(other.id).where(other.key == grouped.c.key, other.at == grouped.c.last)
    return Search.id == newest.order_by(other.id.desc()).limit(1).correlate(grouped).scalar_subquery()


def helped(session: Session, since: dt.datetime) -> dict[str, list[str]]:
    """By the wording of a search in vain: what the same member of staff searched for next, within SOON, and found."""
    rows = session.execute(
        select(
            Search.person_id, Search.at, Search.text, Search.hits, Search.relaxed, Search.opened_id, Search.linked_id
        )
        .where(Search.at >= since, Search.person_id.is_not(None))
        .order_by(Search.at, Search.id)
    )
    waiting: dict[int | None, tuple[dt.datetime, str]] = {}
    found: dict[str, list[str]] = {}
    for person, at, wording, hits, relaxed, opened, linked in rows:
        before = waiting.pop(person, None)
        if opened is None and linked is None and (hits == 0 or relaxed):
            waiting[person] = (at, wording)
        elif before and at - before[0] <= SOON:
            found.setdefault(before[1], []).append(wording)
    return found


def frequent(session: Session, since: dt.datetime, *, limit: int = 100) -> list[str]:
    """What is searched for most, the last wording of each, the most frequent first."""
    grouped = (
        select(Search.key, func.count().label("asked"), func.max(Search.at).label("last"))
        .where(Search.at >= since)
        .group_by(Search.key)
        .order_by(func.count().desc(), func.max(Search.at).desc())
        .limit(limit)
        .subquery()
    )
    query = select(Search.text).join(grouped, _is_last_of(grouped))
    return list(session.scalars(query.order_by(grouped.c.asked.desc(), grouped.c.last.desc())))


def newest(session: Session, since: dt.datetime, *, limit: int = 100) -> list[Search]:
    """The last searches, newest first."""
    query = select(Search).where(Search.at >= since).order_by(Search.at.desc(), Search.id.desc())
    return list(session.scalars(query.limit(limit)))


def prune(database: Database, before: dt.datetime) -> int:
    """Delete searches that are older, but for those of incidents still open; returns how many."""
    still_open = select(Incident.id).where(Incident.state.not_in(sorted(DONE_INCIDENT)))
    old = select(Search.id).where(
        Search.at < before, or_(Search.incident_id.is_(None), Search.incident_id.not_in(still_open))
    )
    gone = 0
    while True:
        with database.write() as session:
            ids = session.scalars(old.limit(PRUNED_AT_ONCE)).all()
            session.execute(delete(Search).where(Search.id.in_(ids)))
            session.commit()
        gone += len(ids)
        if len(ids) < PRUNED_AT_ONCE:
            return gone


@dataclass(frozen=True)
class _Often:
    key: str
    text: str
    top: int
    asked: int


def _often(session: Session, *, staff: bool) -> Iterator[_Often]:
    """Wordings that several people have asked and that found something; nothing that had to be masked."""
    people = func.count(distinct(_asker()))
    often = (
        select(Search.key, people.label("people"), func.max(Search.at).label("last"))
        .where(Search.top_id.is_not(None), Search.relaxed == "", Search.text.not_like("%[%"))
        .group_by(Search.key)
        .having(people >= OFTEN)
        .order_by(people.desc())
        .limit(MOST_OFTEN)
    )
    if not staff:
        often = often.where(Search.role == Role.SUBSCRIBER)
    grouped = often.subquery()
    query = select(Search.key, Search.text, Search.top_id, grouped.c.people).join(grouped, _is_last_of(grouped))
    for key, text, top, asked in session.execute(query.order_by(grouped.c.people.desc())):
        if top is not None:  # the query says so, but its type does not
            yield _Often(key, text, top, asked)


def _asker() -> ColumnElement[int]:
    """Who asked: staff by their number, every subscriber as somebody else."""
    return case((Search.person_id.is_not(None), Search.person_id), else_=-Search.id)
