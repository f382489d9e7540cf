"""How does one talk to the database? Readers see a snapshot; writers take the lock before they read.

SQLite in WAL mode: any number of readers beside one writer. A write transaction begins IMMEDIATE, so that what a
state change reads is still true when it writes; leaving it without `commit()` rolls back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, event, inspect, text
from sqlalchemy.orm import Session

BUSY_TIMEOUT_MS = 15_000  # a writer waits this long for another before it fails
_WRITE = "kb_write"
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """One database file, opened once per process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.engine = _engine(path)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session over one consistent snapshot."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that holds the write lock from the start; only `commit()` keeps what it did."""
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options={_WRITE: True})
            yield session

    @contextmanager
    def watch(self) -> Iterator[Callable[[], int]]:
        """A number to ask for, in microseconds, that changes with every commit by anybody, here or in another process."""
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


def newest_revision() -> str:
    """The newest migration this version of the product has; files are named by revision, in order."""
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _engine(path: Path) -> Engine:
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
