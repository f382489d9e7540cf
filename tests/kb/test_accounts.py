"""Accounts are made by administrators, passwords are checked in constant time, and the last administrator stays."""

from __future__ import annotations

import pytest

from kb import access, accounts
from kb.access import Permission
from kb.db import Database
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.lifecycle import Role
from tests.conftest import PASSWORD, People


def test_sign_in(database: Database) -> None:
    with database.read() as session:
        user = accounts.authenticate(session, " TECH ", PASSWORD)
        assert user is not None and user.username == "tech"
        assert accounts.authenticate(session, "tech", PASSWORD + "x") is None
        assert accounts.authenticate(session, "nobody", PASSWORD) is None
        assert PASSWORD not in user.password_hash


def test_an_inactive_account_does_not_sign_in_and_its_sessions_end(database: Database, people: People) -> None:
    with database.write() as session:
        user = accounts.get(session, "tech")
        epoch = user.session_epoch
        accounts.change(session, people.admin, user, active=False)
        assert accounts.authenticate(session, "tech", PASSWORD) is None
        assert user.session_epoch > epoch


def test_the_last_administrator_stays(database: Database, people: People) -> None:
    with database.write() as session:
        admin = accounts.get(session, "admin")
        for change in ({"active": False}, {"role": Role.TECHNICIAN}):
            with pytest.raises(Conflict, match="至少保留一名"):
                accounts.change(session, people.admin, admin, **change)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"username": "a b"}, "username"), ({"password": "short"}, "password"), ({"unit_key": "nowhere"}, "unit")],
)
def test_bad_accounts_name_the_field(changes: dict[str, str], field: str, database: Database, people: People) -> None:
    values = {"username": "new", "display_name": "", "password": "long enough pw", "unit_key": ""} | changes
    with database.write() as session, pytest.raises(Invalid) as caught:
        accounts.create(session, people.admin, role=Role.TECHNICIAN, **values)
    assert list(caught.value.fields) == [field]


def test_only_administrators_manage_accounts(database: Database, people: People) -> None:
    with database.write() as session:
        user = accounts.get(session, "tech")
        for person in (people.tech2, people.lead, people.manager, people.subscriber):
            with pytest.raises(NotAllowed):
                accounts.set_password(session, person, user, "long enough pw")
            with pytest.raises(NotAllowed):
                accounts.change(session, person, user, role=Role.ADMINISTRATOR)
        accounts.set_password(session, people.tech, user, "a new long password")
        assert accounts.authenticate(session, "tech", "a new long password")


def test_unknown_and_taken_names(database: Database, people: People) -> None:
    with database.write() as session:
        with pytest.raises(NotFound):
            accounts.get(session, "nobody")
        with pytest.raises(Conflict, match="已有人使用"):
            accounts.create(
                session, people.admin, username="Tech", display_name="", role=Role.TECHNICIAN, password="long enough pw"
            )


def test_a_unit_reaches_down_not_up(database: Database) -> None:
    with database.write() as session:
        user = accounts.get(session, "tech")  # of 城区维护一组
        groups = access.person(session, user).groups
        assert groups == {"group-city-1", "district-city-1", "district-city-2", "district-city-3"}


def test_nobody_but_a_lead_reviews_and_cancels() -> None:
    for role, permissions in access.PERMISSIONS.items():
        assert (Permission.REVIEW in permissions) is (role is Role.REVIEWER)
        assert (Permission.CANCEL_INCIDENTS in permissions) is (role is Role.REVIEWER)
