"""How does one talk to the database? Readers see a snapshot; writers take the lock before they read.

SQLite in WAL mode: any number of readers beside one writer. A write transaction begins IMMEDIATE, so that what a
state change reads is still true when it writes; leaving it without `commit()` rolls back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

BUSY_TIMEOUT_MS = 15_000  # a writer waits this long for another before it fails
_WRITE = "kb_write"


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

    def close(self) -> None:
        self.engine.dispose()

    def upgrade(self, revision: str = "head") -> None:
        """Bring the schema up to a revision, by default the newest."""
        command.upgrade(self._alembic(), revision)

    def downgrade(self, revision: str) -> None:
        command.downgrade(self._alembic(), revision)

    def schema_revision(self) -> str | None:
        """Which migration is the file at? None for an empty file."""
        with self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def is_current(self) -> bool:
        """Has every migration been applied?"""
        return self.schema_revision() == ScriptDirectory.from_config(self._alembic()).get_current_head()

    def _alembic(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["engine"] = self.engine
        return config


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun by _on_begin, not by the driver
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=FULL")  # an approval that was acknowledged survives a power cut
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
