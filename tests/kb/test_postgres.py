"""PostgreSQL keeps the same promises: migrations, triggers, one writer, and what the product asks of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from kb import clock, entries, incidents, notices, outbox, reviews, searches
from kb.db import Database
from kb.errors import Invalid
from kb.lifecycle import Outcome, VerificationMethod
from kb.models import Base, Incident, Notice, Revision, Search
from kb.numbers import next_number
from kb.searches import SearchLog
from kb.store import ContentStore
from tests.conftest import BOTH, People
from tests.databases import Server, address, open_database
from tests.kb import samples

ROOT = Path(__file__).parents[2]
POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def empty(postgres: Server) -> Iterator[Database]:
    with postgres.database(empty=True) as database:
        yield database


def test_migrations_equal_the_models_and_go_down_and_up(empty: Database) -> None:
    empty.upgrade()
    assert empty.is_current()
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    functions = text("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    with empty.read() as session:
        made = session.scalar(functions)
    empty.downgrade("base")
    assert inspect(empty.engine).get_table_names() == ["alembic_version"]
    with empty.read() as session:
        assert session.scalar(functions) == 0
    empty.upgrade()
    with empty.read() as session:
        assert session.scalar(functions) == made > 30


# --- the two promises, against whoever writes SQL ----------------------------------------------------------------


@pytest.fixture
def waiting(database: Database, people: People) -> tuple[Incident, Revision]:
    """An incident with a submitted solution of tech's, neither confirmed nor approved."""
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        incidents.take(session, people.tech, incident)
        revision = incidents.write_solution(session, people.tech, incident, samples.attributes(), samples.BODY)
        entries.submit(session, people.tech, revision)
        incidents.resolve(session, people.tech, incident)
        session.commit()
        return incident, revision


def _refused(database: Database, said: str, statement: str, **values: Any) -> None:
    with database.write() as session, pytest.raises(IntegrityError, match=said):
        session.execute(text(statement), values)
        session.commit()


CLOSE = "UPDATE incidents SET state = 'closed' WHERE id = :id"
REVIEW = (
    "INSERT INTO reviews (revision_id, part, decision, reason, reviewer_id, created_at) "
    "VALUES (:revision, :part, 'approve', '', :by, CURRENT_TIMESTAMP)"
)
APPROVE = "UPDATE revisions SET state = 'approved', object_sha256 = :hash, body = NULL WHERE id = :id"


@BOTH
def test_no_incident_closes_before_its_gate_is_met(
    database: Database, store: ContentStore, people: People, waiting: tuple[Incident, Revision]
) -> None:
    number, revision_id = waiting[0].number, waiting[1].id
    key = waiting[0].id
    _refused(database, "not confirmed the repair", CLOSE, id=key)
    with database.write() as session:
        incident = incidents.find(session, people.tech, number)
        incidents.verify(session, people.tech, incident, Outcome.SOLVED, VerificationMethod.CALL_BACK, said_by="用户")
        session.commit()
    _refused(database, "no approved resolving solution", CLOSE, id=key)
    with database.write() as session:
        samples.approve(session, store, people.lead, session.get_one(Revision, revision_id))
        session.commit()
    with database.write() as session:
        incidents.close(session, people.tech, incidents.find(session, people.tech, number))
        session.commit()
    _refused(database, "closing gate", "UPDATE incidents SET solution_revision_id = NULL, solution_entry_id = NULL")


@BOTH
def test_no_revision_is_approved_without_two_reviews_by_others(
    database: Database, store: ContentStore, people: People, waiting: tuple[Incident, Revision]
) -> None:
    key = waiting[1].id
    with database.write() as session:
        stored = store.put(session, b"x", "text/plain")
        session.commit()
    _refused(database, "two reviews", APPROVE, id=key, hash=stored)
    _refused(database, "author does not review", REVIEW, revision=key, part="content", by=people.tech.id)
    with database.write() as session:
        session.execute(text(REVIEW), {"revision": key, "part": "content", "by": people.lead.id})
        session.commit()
    _refused(database, "two reviews", APPROVE, id=key, hash=stored)
    with database.write() as session:
        session.execute(text(REVIEW), {"revision": key, "part": "formal", "by": people.lead.id})
        session.execute(text(APPROVE), {"id": key, "hash": stored})
        session.commit()


@BOTH
def test_what_was_said_and_done_stays(database: Database, people: People, waiting: tuple[Incident, Revision]) -> None:
    with database.write() as session:
        session.execute(text(REVIEW), {"revision": waiting[1].id, "part": "content", "by": people.lead.id})
        session.commit()
    _refused(database, "never changed", "UPDATE audit SET actor = 'x'")
    _refused(database, "never deleted", "DELETE FROM reviews")
    _refused(database, "does not change", "UPDATE revisions SET attributes = '{}'")
    _refused(database, "not deleted", "DELETE FROM revisions")
    _refused(database, "kind of an entry", "UPDATE entries SET kind = 'policy'")


# --- the application -----------------------------------------------------------------------------------------------


@POSTGRESQL
def test_writers_take_turns_and_readers_keep_their_snapshot(database: Database) -> None:
    other = open_database(address(database))
    with database.watch() as commits, database.read() as reader:
        before, seen = reader.scalar(text("SELECT count(*) FROM counters")), commits()
        assert commits() == seen
        with database.write() as session:
            assert next_number(session, "X") == "X-000001"
            session.commit()
        with other.write() as session:
            assert next_number(session, "X") == "X-000002"
            session.commit()
        assert commits() != seen
        assert reader.scalar(text("SELECT count(*) FROM counters")) == before
    other.close()


@BOTH
def test_searches_are_logged_and_told(database: Database, people: People) -> None:
    log = SearchLog(database)
    for words in ("光猫红灯", "光猫红灯闪"):
        log.record(people.tech, "1", words, hits=0, relaxed="", top=None)
    log.flush()
    since = clock.now() - searches.SOON
    with database.read() as session:
        assert [row.text for row in session.scalars(select(Search))] == ["光猫红灯闪"]
        assert [(one.text, one.asked) for one in searches.failed(session, since)] == [("光猫红灯闪", 1)]
        assert searches.frequent(session, since) == ["光猫红灯闪"]
    log.look_after()
    log.close()


@BOTH
def test_what_is_published_is_found_and_told(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        session.commit()
    with database.read() as session:
        assert list(entries.find_visible(session, people.subscriber, [entry.number])) == [entry.number]
        assert reviews.review_queue(session, people.lead) == []
        assert notices.unread(session, people.tech) == 2
        assert outbox.out_of_sight(session) == frozenset()
        assert session.scalar(select(func.count()).select_from(Notice)) == 3


def test_a_url_that_is_none_is_told() -> None:
    with pytest.raises(Invalid, match="KB_DATABASE_URL"):
        Database("not a url")


def test_values_are_compared_in_words_that_both_databases_know() -> None:
    """`IS` between values is SQLite's alone: in queries that is `is_distinct_from`."""
    paths = [path for folder in ("kb", "indexer", "web") for path in (ROOT / folder).rglob("*.py")]
    wrong = re.compile(r"\.is_(?:not)?\((?!None\)|True\)|False\))|IS NOT (?:NEW|OLD)\b")
    assert {path.name for path in paths if wrong.search(path.read_text("utf-8"))} == set()
