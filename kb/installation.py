"""How does an empty data directory become a working installation, and stay one when the product is upgraded?

`prepare` can run any number of times: it migrates the database, loads the organisation and the categories, checks in what
is new in the shipped library, and makes the first accounts. Demo accounts exist only in a demo installation.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import accounts, importer, library
from kb.accounts import SYSTEM
from kb.db import Database
from kb.errors import Conflict
from kb.importer import File, ImportReport, Progress
from kb.lifecycle import Origin, Role
from kb.models import Category, Setting, Unit
from kb.store import ContentStore

LIBRARY_SOURCE = "library"
_MODE = "mode"

# One demo login per role that has one, with the unit it works in.
DEMO_ACCOUNTS: tuple[tuple[str, str, Role, str], ...] = (
    ("tech", "演示技术员", Role.TECHNICIAN, "group-city-1"),
    ("lead", "演示技术负责人", Role.REVIEWER, "team-tv"),
    ("manager", "演示知识管理员", Role.KNOWLEDGE_MANAGER, "team-ops"),
    ("admin", "演示管理员", Role.ADMINISTRATOR, "team-ops"),
)


def prepare(database: Database, store: ContentStore, *, progress: Progress | None = None) -> ImportReport:
    """Migrate, load the organisation and the categories, and check in the shipped library where it is new or changed."""
    database.upgrade()
    with database.write() as session:
        load_organisation(session)
        load_taxonomy(session)
        session.commit()
    return importer.load(
        database, store, SYSTEM, _library_files(), source=LIBRARY_SOURCE, origin=Origin.LIBRARY, progress=progress
    )


def _library_files() -> Iterator[File]:
    root = library.library_path()
    for path in library.files(root):
        yield File(path.relative_to(root).as_posix(), path.read_bytes())


def load_organisation(session: Session) -> None:
    """Add the units of `organisation.yml` that are not there yet; existing ones are the operator's to change."""
    known = {unit.key: unit for unit in session.scalars(select(Unit))}
    for unit in library.organisation():
        if unit.key not in known:
            parent = known[unit.parent] if unit.parent else None
            known[unit.key] = Unit(key=unit.key, kind=unit.kind, name=unit.name, parent=parent)
            session.add(known[unit.key])
    session.flush()


def load_taxonomy(session: Session) -> None:
    """Add the categories of `taxonomy.yml` that are not there yet; a retired one stays retired."""
    shipped = library.taxonomy()
    known = {row.path: row for row in session.scalars(select(Category))}
    for path, row in known.items():
        row.shipped = path in shipped
    session.add_all(Category(path=path, shipped=True) for path in shipped if path not in known)
    session.flush()


def mode(session: Session) -> str | None:
    """`demo`, `real`, or None before `kb init` has run."""
    row = session.get(Setting, _MODE)
    return row.value if row else None


def make_demo(session: Session) -> list[tuple[str, str, Role]]:
    """Make the demo accounts with random passwords; returns (username, password, role) of those made now."""
    if mode(session) == "real":
        raise Conflict("这是正式环境，不建立演示账号 · this is a real installation: no demo accounts")
    _set_mode(session, "demo")
    made = []
    for username, display_name, role, unit in DEMO_ACCOUNTS:
        if accounts.find(session, username) is None:
            password = secrets.token_urlsafe(9)
            accounts.create(
                session,
                SYSTEM,
                username=username,
                display_name=display_name,
                role=role,
                password=password,
                unit_key=unit,
                demo=True,
            )
            made.append((username, password, role))
    return made


def make_real(session: Session, *, username: str, display_name: str, password: str) -> None:
    """Make the first administrator of a real installation."""
    if mode(session) is not None or accounts.administrators(session):
        raise Conflict("已初始化过 · already initialised; use `kb user` for further accounts")
    _set_mode(session, "real")
    accounts.create(
        session,
        SYSTEM,
        username=username,
        display_name=display_name,
        role=Role.ADMINISTRATOR,
        password=password,
    )


def remember_demo_logins(path: Path, made: list[tuple[str, str, Role]]) -> list[tuple[str, str, str]]:
    """Keep demo passwords beside the demo data, so that a second `make run` can print them again."""
    known = [tuple(line.split("\t")) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    if made:
        names = {username for username, _, _ in made}
        known = [row for row in known if row[0] not in names] + [(name, word, role.value) for name, word, role in made]
        path.touch(mode=0o600)
        path.write_text("".join("\t".join(row) + "\n" for row in known), "utf-8")
    return [(row[0], row[1], row[2]) for row in known]


def _set_mode(session: Session, value: str) -> None:
    session.merge(Setting(name=_MODE, value=value))
