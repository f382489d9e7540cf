"""The trail is searched by what it is about, by whom, by what was done and when, newest first and page by page."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from kb import audit
from kb.audit import Wanted
from kb.db import Database
from kb.errors import NotAllowed
from kb.store import ContentStore
from tests.conftest import BOTH, Clock, People
from tests.kb import samples

pytestmark = BOTH


@pytest.fixture
def trail(database: Database, store: ContentStore, people: People, stopped_clock: Clock) -> Database:
    """A solution that was written, reviewed and published, and the next day an incident."""
    with database.write() as session:
        samples.published(session, store, people.tech, people.lead)
        stopped_clock.advance(days=1)
        samples.incident(session, people.tech2)
        session.commit()
    return database


def _found(database: Database, people: People, **wanted: Any) -> list[str]:
    with database.read() as session:
        return [row.action for row in audit.search(session, people.manager, Wanted(**wanted))]


def test_rows_are_found_by_what_they_are_about(trail: Database, people: People) -> None:
    about = _found(trail, people, subject="sol-000001")
    assert {"submit", "content_approve", "formal_approve"} <= set(about) and "report" not in about
    assert _found(trail, people, subject="INC-000001")[-1] == "report"
    assert _found(trail, people, subject="tech") == ["create"]  # the account
    assert _found(trail, people, subject="SOL-999999") == []


def test_rows_are_found_by_person_action_and_day(trail: Database, people: People) -> None:
    assert set(_found(trail, people, actor="lead", action="content_approve")) == {"content_approve"}
    assert _found(trail, people, actor="100%") == []
    day = dt.date(2026, 11, 24)
    assert "report" in _found(trail, people, since=day, until=day)
    assert "submit" not in _found(trail, people, since=day)
    assert "report" not in _found(trail, people, until=day - dt.timedelta(days=1))


def test_pages_follow_each_other_without_a_gap(trail: Database, people: People) -> None:
    with trail.read() as session:
        every = [row.id for row in audit.search(session, people.manager, Wanted(), limit=1000)]
        first = audit.search(session, people.manager, Wanted(), limit=3)
        second = audit.search(session, people.manager, Wanted(), before=first[-1].id, limit=3)
    assert [row.id for row in first + second] == every[:6] == sorted(every[:6], reverse=True)


def test_what_a_row_is_about_has_a_name(trail: Database, people: People) -> None:
    with trail.read() as session:
        rows = audit.search(session, people.manager, Wanted(), limit=1000)
        names = audit.names(session, rows)
    assert {"SOL-000001", "SOL-000001/1", "INC-000001", "lead"} <= set(names.values())
    assert all(names.values())


def test_operators_alone_read_the_trail(trail: Database, people: People) -> None:
    for by in (people.tech, people.lead, people.subscriber):
        with trail.read() as session, pytest.raises(NotAllowed):
            audit.search(session, by, Wanted())
