"""Who has an account, and is this their password?"""

from __future__ import annotations

import re
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import access, audit
from kb.access import Person
from kb.errors import Conflict, Invalid, NotFound
from kb.lifecycle import Role
from kb.models import Unit, User
from kb.plain import one_line

MIN_PASSWORD = 10  # characters
MAX_EMAIL = 254  # characters, RFC 5321
_USERNAME = re.compile(r"^[a-z0-9][a-z0-9._-]{1,59}$")
_EMAIL = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\Z")
_hasher = PasswordHasher()
# compared with when the name is unknown, so that the answer takes as long as for a known one
_DECOY = _hasher.hash(secrets.token_urlsafe(16))

SYSTEM = Person(None, "系统", Role.ADMINISTRATOR)


def create(
    session: Session,
    by: Person,
    *,
    username: str,
    display_name: str,
    role: Role,
    password: str,
    unit_key: str = "",
    demo: bool = False,
) -> User:
    """Make an account."""
    by.require(access.Permission.MANAGE_USERS)
    username = username.strip().lower()
    if not _USERNAME.match(username):
        problem = "用户名用 2~60 位小写字母、数字和 . _ - · 2-60 lower-case letters, digits and . _ -"
        raise Invalid(problem, fields={"username": problem})
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise Conflict(f"用户名 {username} 已有人使用 · the username is taken", username=username)
    user = User(
        username=username,
        display_name=one_line(display_name)[:80] or username,
        role=Role(role),
        password_hash=_hash(password),
        unit_id=_unit_id(session, unit_key),
        demo=demo,
    )
    session.add(user)
    session.flush()
    audit.record(session, by, user, "create", after=user.role)
    return user


def authenticate(session: Session, username: str, password: str) -> User | None:
    """The active account with this name and password, else None; takes the same time either way."""
    user = find(session, username)
    try:
        _hasher.verify(user.password_hash if user else _DECOY, password)
    except (VerificationError, InvalidHashError):
        return None
    return user if user and user.active else None


def set_password(session: Session, by: Person, user: User, password: str) -> None:
    """Change a password; sessions opened with the old one end."""
    if by.id != user.id:
        by.require(access.Permission.MANAGE_USERS)
    user.password_hash = _hash(password)
    user.session_epoch += 1
    audit.record(session, by, user, "set_password")


def change(
    session: Session,
    by: Person,
    user: User,
    *,
    role: Role | None = None,
    active: bool | None = None,
    unit: str | None = "",
) -> None:
    """Change an account's role, unit, or whether it may sign in. The last administrator stays one.

    What is not given stays as it is; the unit None takes the account out of the one it is in.
    """
    by.require(access.Permission.MANAGE_USERS)
    leaves = (role is not None and role is not Role.ADMINISTRATOR) or active is False
    if user.role == Role.ADMINISTRATOR and user.active and leaves and len(administrators(session)) == 1:
        raise Conflict("至少保留一名管理员 · at least one administrator has to remain")
    before = f"{user.role}{'' if user.active else ' (inactive)'}"
    user.role = role or user.role
    user.active = user.active if active is None else active
    user.unit_id = user.unit_id if unit == "" else _unit_id(session, unit or "")
    user.session_epoch += 1
    audit.record(session, by, user, "change", before=before[:20], after=user.role)


def set_email(session: Session, by: Person, user: User, email: str) -> None:
    """Where chosen notices of this account go by mail; "" for nowhere."""
    if by.id != user.id:
        by.require(access.Permission.MANAGE_USERS)
    email = email.strip()
    if email and (len(email) > MAX_EMAIL or not _EMAIL.match(email)):
        problem = "邮件地址形如 name@example.org · an address such as name@example.org"
        raise Invalid(problem, fields={"email": problem})
    if email != user.email:
        user.email = email
        audit.record(session, by, user, "set_email")


def find(session: Session, username: str) -> User | None:
    return session.scalar(select(User).where(User.username == username.strip().lower()))


def get(session: Session, username: str) -> User:
    user = find(session, username)
    if user is None:
        raise NotFound(f"没有用户 {username} · no such user", username=username)
    return user


def administrators(session: Session) -> list[User]:
    """All active administrators, oldest first."""
    return list(
        session.scalars(select(User).where(User.role == Role.ADMINISTRATOR, User.active.is_(True)).order_by(User.id))
    )


def _hash(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        problem = f"密码至少 {MIN_PASSWORD} 位 · at least {MIN_PASSWORD} characters"
        raise Invalid(problem, fields={"password": problem})
    return _hasher.hash(password)


def _unit_id(session: Session, key: str) -> int | None:
    if not key:
        return None
    unit = session.scalar(select(Unit.id).where(Unit.key == key))
    if unit is None:
        problem = f"没有组织单位 {key} · no such unit"
        raise Invalid(problem, fields={"unit": problem})
    return unit
