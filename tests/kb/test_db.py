"""Migrations go up and down, match the models, and writers see what they read."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from kb.db import Database, newest_revision
from kb.models import Base, Counter, Entry
from kb.numbers import next_number
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    return Database(tmp_path / "new" / "kb.sqlite3")


def _schema(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        found = connection.scalars(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
        # a table that was made anew lists its constraints in any order
        return {"\n".join(sorted(line.strip(" ,\t") for line in sql.splitlines())) for sql in found}


def test_migrations_equal_the_models(empty: Database) -> None:
    empty.upgrade()
    assert empty.is_current()
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_newest_revision_is_alembics_head(empty: Database) -> None:
    assert empty.schema_revision() is None
    assert newest_revision() == ScriptDirectory.from_config(empty._alembic()).get_current_head()


def test_migrations_go_down_and_up_again(empty: Database) -> None:
    empty.upgrade()
    whole = _schema(empty)
    for revision in ("0001", "base"):
        empty.downgrade(revision)
        assert not empty.is_current()
    assert not any("CREATE TABLE entries" in sql for sql in _schema(empty))
    empty.upgrade()
    assert _schema(empty) == whole


def test_upgrading_keeps_what_is_there(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        samples.published(session, store, people.tech, people.lead)
        session.commit()
    database.downgrade("0001")
    database.upgrade()
    with database.read() as session:
        assert session.scalars(select(Entry)).one().state == "published"


def test_leaving_without_commit_rolls_back(database: Database) -> None:
    with database.write() as session:
        next_number(session, "X")
    with database.read() as session:
        assert session.get(Counter, "X") is None


def test_writers_take_turns_and_lose_no_update(database: Database) -> None:
    seen: list[str] = []

    def work() -> None:
        for _ in range(20):
            with database.write() as session:
                seen.append(next_number(session, "X"))
                session.commit()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [f"X-{number:06d}" for number in range(1, 81)]


def test_a_reader_keeps_its_snapshot(database: Database) -> None:
    with database.read() as reader:
        assert reader.get(Counter, "X") is None
        with database.write() as session:
            next_number(session, "X")
            session.commit()
        assert reader.scalars(select(Counter)).all() == []


def test_a_watcher_hears_of_every_commit_and_of_nothing_else(database: Database) -> None:
    other = Database(database.path)
    with database.watch() as commits:
        before = commits()
        with other.write() as session:
            next_number(session, "solution")
        assert commits() == before  # rolled back
        heard = {before}
        for writer in (other, database):
            with writer.write() as session:
                next_number(session, "solution")
                session.commit()
            heard.add(commits())
            assert commits() == commits()
        assert len(heard) == 3
    other.close()
