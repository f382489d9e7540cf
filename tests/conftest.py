"""What every test may ask for: a migrated database, a content store, people of each role, a clock to turn."""

from __future__ import annotations

import datetime as dt
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexer.analysis import Analyzer
from indexer.worker import Worker
from kb import access, accounts, clock, installation
from kb.access import Person
from kb.accounts import SYSTEM
from kb.db import Database
from kb.library import library_path
from kb.lifecycle import Role
from kb.settings import Settings
from kb.store import ContentStore
from tests import databases
from web.services import Services, open_services

PASSWORD = "correct horse 9"
ACCOUNTS = (
    ("tech", Role.TECHNICIAN, "group-city-1"),
    ("tech2", Role.TECHNICIAN, "team-access"),
    ("lead", Role.REVIEWER, "team-tv"),
    ("lead2", Role.REVIEWER, "team-access"),
    ("manager", Role.KNOWLEDGE_MANAGER, "team-ops"),
    ("admin", Role.ADMINISTRATOR, "team-ops"),
)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.moment

    def advance(self, **delta: float) -> None:
        self.moment += dt.timedelta(**delta)


@dataclass(frozen=True)
class People:
    """One person per role, two of those whose opposite number matters."""

    tech: Person
    tech2: Person
    lead: Person
    lead2: Person
    manager: Person
    admin: Person
    subscriber: Person = access.SUBSCRIBER


@pytest.fixture
def stopped_clock() -> Iterator[Clock]:
    stopped = Clock()
    clock.set_clock(stopped)
    yield stopped
    clock.set_clock(None)


def _prepare(database: Database) -> None:
    """Migrated, with the organisation, the categories and the accounts."""
    database.upgrade()
    with database.write() as session:
        installation.load_organisation(session)
        installation.load_taxonomy(session)
        for name, role, unit in ACCOUNTS:
            accounts.create(
                session, SYSTEM, username=name, display_name=name, role=role, password=PASSWORD, unit_key=unit
            )
        session.commit()


@pytest.fixture(scope="session")
def postgres() -> Iterator[databases.Server]:
    with databases.server(_prepare) as server:
        yield server


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared database; each test gets a copy."""
    path = tmp_path_factory.mktemp("template") / "kb.sqlite3"
    database = Database(path)
    _prepare(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


# For tests of what both databases promise.
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database(_template: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of one's own: SQLite, or what `BOTH` asks for."""
    if getattr(request, "param", "sqlite") == "postgresql":
        with request.getfixturevalue("postgres").database() as database:
            yield database
        return
    path = tmp_path / "data" / "kb.sqlite3"
    path.parent.mkdir()
    shutil.copy(_template, path)
    database = Database(path)
    yield database
    database.close()


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "data" / "store")


@pytest.fixture
def people(database: Database) -> People:
    with database.read() as session:
        return People(**{name: access.person(session, accounts.get(session, name)) for name, _, _ in ACCOUNTS})


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where jieba keeps its parsed dictionary; processes that tests start share it."""
    return tmp_path_factory.mktemp("jieba")


@pytest.fixture(scope="session")
def analyzer(cache_dir: Path) -> Analyzer:
    """One analyzer for all tests that do not change the dictionary: loading one takes a second."""
    analyzer = Analyzer(library_path() / "dictionary", cache_dir)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's own, see pyproject.toml
        analyzer.load()
    return analyzer


@pytest.fixture
def services(database: Database, analyzer: Analyzer) -> Iterator[Services]:
    """A small installation over `database`: accounts, no library, an empty index."""
    services = open_services(Settings(data_dir=database.path.parent), analyzer=analyzer)
    services.rebuild(golden=False)
    yield services
    services.close()


@pytest.fixture
def worker(services: Services) -> Worker:
    """The index worker of `services`, to be turned by hand."""
    return Worker(services.database, services.store, services.generations)
