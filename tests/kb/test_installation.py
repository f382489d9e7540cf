"""An empty data directory becomes a working installation, demo or real, and says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb import accounts, installation
from kb.db import Database
from kb.errors import Conflict, Invalid
from kb.lifecycle import Role


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    database = Database(tmp_path / "empty" / "kb.sqlite3")
    database.upgrade()
    with database.write() as session:
        installation.load_organisation(session)
        session.commit()
    return database


def test_a_demo_has_one_login_per_role_with_random_passwords(empty: Database, tmp_path: Path) -> None:
    with empty.write() as session:
        made = installation.make_demo(session)
        session.commit()
    assert {role for _, _, role in made} == set(Role) - {Role.SUBSCRIBER}
    assert len({password for _, password, _ in made}) == len(made)
    path = tmp_path / "logins"
    assert len(installation.remember_demo_logins(path, made)) == len(made)
    with empty.write() as session:
        for username, password, _ in made:
            user = accounts.authenticate(session, username, password)
            assert user is not None and user.demo
        assert installation.make_demo(session) == []  # a second time makes none
    assert [row[:2] for row in installation.remember_demo_logins(path, [])] == [(u, p) for u, p, _ in made]
    assert path.stat().st_mode & 0o077 == 0


def test_a_real_installation_has_no_demo_accounts(empty: Database) -> None:
    with empty.write() as session:
        with pytest.raises(Invalid, match="密码至少"):
            installation.make_real(session, username="boss", display_name="", password="short")
        session.rollback()
    with empty.write() as session:
        installation.make_real(session, username="boss", display_name="站长", password="long enough pw")
        session.commit()
        with pytest.raises(Conflict, match="正式环境"):
            installation.make_demo(session)
        with pytest.raises(Conflict, match="已初始化"):
            installation.make_real(session, username="boss2", display_name="", password="long enough pw")
