"""Databases for tests: how another process opens the same one, and a PostgreSQL server of our own.

The server listens on a socket in a folder and ends with the process, however that ends. It needs a server's programs and
the driver; where either is missing, the tests that ask for it are skipped by name.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from kb.db import Database

FAR = 60.0  # seconds that a server may take to answer
_TEMPLATE = "prepared"


def address(database: Database) -> str:
    """Where another process finds this database."""
    return str(database.path or database.engine.url.render_as_string(hide_password=False))


def open_database(address: str) -> Database:
    return Database(address if "://" in address else Path(address))


class Server:
    """Gives databases, empty or prepared once for all."""

    def __init__(self, folder: Path, prepare: Callable[[Database], None]) -> None:
        self._folder, self._prepare, self._numbers = folder, prepare, itertools.count()
        self._prepared = False

    def url(self, name: str) -> str:
        return f"postgresql://kb@/{name}?host={self._folder}"

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[Database]:
        if not (self._prepared or empty):
            self._run(f"CREATE DATABASE {_TEMPLATE}")
            database = Database(self.url(_TEMPLATE))
            self._prepare(database)
            database.close()
            self._prepared = True
        name = f"test{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {_TEMPLATE}"))
        database = Database(self.url(name))
        yield database
        database.close()
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def wait(self) -> None:
        until = time.monotonic() + FAR
        while True:
            try:
                return self._run("SELECT 1")
            except OperationalError:
                assert time.monotonic() < until
                time.sleep(0.1)

    def _run(self, statement: str) -> None:
        url = self.url("postgres").replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def server(prepare: Callable[[Database], None]) -> Iterator[Server]:
    """A running server; `prepare` fills what its databases begin with. Skips the test that asks where there is none."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed here")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed")
    folder = Path(tempfile.mkdtemp(prefix="kb-postgres-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        name = next(entry.pw_name for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody"))
        shutil.chown(folder, name)
        user = {"user": name, "group": pwd.getpwnam(name).pw_gid}
    try:
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "kb", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            check=True, capture_output=True, cwd=folder, **user,
        )  # fmt: skip
        run = f"'{programs}/postgres' -D data -k '{folder}' -c listen_addresses= -c fsync=off -c shared_buffers=16MB"
        script = f"{run} >log 2>&1 & cat >/dev/null; kill -INT $!; wait"
        process = subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, cwd=folder, **user)
        made = Server(folder, prepare)
        made.wait()
        yield made
        process.communicate(timeout=FAR)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path | None:
    """The folder of `initdb` and `postgres`, of the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).parent if named else None
