"""How does one talk to the database? Readers see a snapshot; writers take the lock before they read.

SQLite in WAL mode, or PostgreSQL: any number of readers beside one writer. A write transaction begins IMMEDIATE, or takes
one lock of the whole database, so that what a state change reads is still true when it writes, and ids are given in the
order of commits; leaving it without `commit()` rolls back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    Executable,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import GenericFunction

from kb.errors import Invalid

BUSY_TIMEOUT_MS = 15_000  # a writer waits this long for another before it fails
CONNECTIONS = 20  # that a process may have open to PostgreSQL
_WRITE = "kb_write"
_WRITE_LOCK = 0x77656E7175  # PostgreSQL knows it by number: "wenqu"
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """One database, opened once per process: a SQLite file by its path, or a PostgreSQL database by its URL."""

    def __init__(self, where: Path | str) -> None:
        self.path = where if isinstance(where, Path) else None
        self.engine = _sqlite(where) if isinstance(where, Path) else _postgresql(where)
        self._writing: dict[str, Any] = {_WRITE: True}
        if self.path is None:  # what others commit while it waits for the lock must be seen once it has it
            self._writing["isolation_level"] = "READ COMMITTED"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session over one consistent snapshot."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that holds the write lock from the start; only `commit()` keeps what it did."""
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options=self._writing)
            yield session

    @contextmanager
    def watch(self) -> Iterator[Callable[[], int]]:
        """A number to ask for, in microseconds, that changes with every commit by anybody, here or in another process."""
        if self.path is None:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as asked:
                running = text("SELECT pg_current_snapshot()::text")  # which transactions are under way
                yield lambda: hash(asked.scalar(running))
            return
        connection = self.engine.raw_connection()
        cursor = connection.cursor()
        try:
            yield lambda: int(cursor.execute("PRAGMA data_version").fetchone()[0])
        finally:
            connection.close()

    def close(self) -> None:
        self.engine.dispose()

    def upgrade(self, revision: str = "head") -> None:
        """Bring the schema up to a revision, by default the newest."""
        from alembic import command  # takes a second to import, and only set-up and tests migrate

        command.upgrade(self._alembic(), revision)

    def downgrade(self, revision: str) -> None:
        from alembic import command

        command.downgrade(self._alembic(), revision)

    def schema_revision(self) -> str | None:
        """Which migration is the file at? None for an empty file."""
        if not inspect(self.engine).has_table("alembic_version"):
            return None
        with self.engine.connect() as connection:
            found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found

    def is_current(self) -> bool:
        """Has every migration been applied?"""
        return self.schema_revision() == newest_revision()

    def _alembic(self) -> Any:
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["engine"] = self.engine
        return config


def columns(session: Session, statement: Executable, parameters: dict[str, Any] | None = None) -> CursorResult[Any]:
    """The rows of a statement that selects columns and no objects, a quarter cheaper than by way of the ORM."""
    session.flush()  # as every statement of the ORM does: it sees what this session has changed
    return session.connection().execute(statement, parameters)


def insert_or(session: Session, table: Any) -> Any:
    """An INSERT that can say `on_conflict_…`, as the database of this session spells it."""
    return (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(table)


class likely(GenericFunction[bool]):
    """Tells SQLite that a condition holds for nearly every row; PostgreSQL knows by itself."""

    inherit_cache = True


@compiles(likely, "postgresql")
def _likely(element: likely, compiler: Any, **more: Any) -> str:
    inner: ColumnElement[bool] = next(iter(element.clauses))
    return str(compiler.process(inner, **more))


def newest_revision() -> str:
    """The newest migration this version of the product has; files are named by revision, in order."""
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _postgresql(url: str) -> Engine:
    try:
        given = make_url(url).set(drivername="postgresql+psycopg")
        engine = create_engine(given, isolation_level="REPEATABLE READ", pool_size=CONNECTIONS)
    except (ArgumentError, ImportError) as exc:
        raise Invalid(
            "KB_DATABASE_URL 形如 postgresql://用户@主机/库，并须安装 psycopg · not a PostgreSQL URL, or psycopg is missing"
        ) from exc

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITE, False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_TIMEOUT_MS}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")

    return engine


def _sqlite(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun by _on_begin, not by the driver
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA recursive_triggers=ON")  # so that REPLACE counts as the deletion it is
        cursor.execute("PRAGMA synchronous=FULL")  # an approval that was acknowledged survives a power cut
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
