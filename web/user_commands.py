"""Which commands look after accounts?"""

from __future__ import annotations

import sys

import click
from sqlalchemy import select

from kb import accounts
from kb.accounts import SYSTEM
from kb.lifecycle import Role
from kb.models import Unit, User
from web.console import Group, opened, show

_ACCOUNT_ROLES = [role.value for role in Role if role is not Role.SUBSCRIBER]


@click.group(cls=Group)
def user() -> None:
    """账号 · accounts."""


@user.command("list")
@click.option("--json", "as_json", is_flag=True)
def user_list(*, as_json: bool) -> None:
    """列出账号 · all accounts."""
    with opened() as services, services.database.read() as session:
        rows = session.execute(
            select(User.username, User.display_name, User.role, Unit.key, User.active)
            .outerjoin(Unit, Unit.id == User.unit_id)
            .order_by(User.id)
        ).all()
    table = [
        {"username": name, "name": shown, "role": role, "unit": unit or "", "active": active}
        for name, shown, role, unit, active in rows
    ]
    if as_json:
        show(table)
        return
    for row in table:
        print(
            f"{row['username']:<16} {row['role']:<18} {row['unit']:<18} {'' if row['active'] else '停用 inactive '}{row['name']}"
        )


@user.command("add")
@click.argument("username")
@click.option("--role", type=click.Choice(_ACCOUNT_ROLES), required=True)
@click.option("--name", "display_name", default="")
@click.option("--unit", default="", help="组织单位的 key · key of the unit")
@click.option("--password-stdin", is_flag=True)
def user_add(*, username: str, role: str, display_name: str, unit: str, password_stdin: bool) -> None:
    """新建账号 · make an account."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else ask_password()
    with opened() as services, services.database.write() as session:
        accounts.create(
            session,
            SYSTEM,
            username=username,
            display_name=display_name,
            role=Role(role),
            password=password,
            unit_key=unit,
        )
        session.commit()
    print(f"已建立 created: {username}")


@user.command("set")
@click.argument("username")
@click.option("--role", type=click.Choice(_ACCOUNT_ROLES))
@click.option("--unit", default="")
@click.option("--active/--inactive", default=None)
@click.option("--email", help="消息也发到这个地址，空则不发 · where notices go too, empty for nowhere")
def user_set(*, username: str, role: str | None, unit: str, active: bool | None, email: str | None) -> None:
    """改角色、单位、启停、邮件地址 · change role, unit, whether they may sign in, or the e-mail address."""
    with opened() as services, services.database.write() as session:
        found = accounts.get(session, username)
        if email is not None:
            accounts.set_email(session, SYSTEM, found, email)
        if role or unit or active is not None or email is None:
            accounts.change(session, SYSTEM, found, role=Role(role) if role else None, active=active, unit=unit)
        session.commit()
    print(f"已更新 changed: {username}")


@user.command("password")
@click.argument("username")
@click.option("--password-stdin", is_flag=True)
def user_password(*, username: str, password_stdin: bool) -> None:
    """重设密码，其会话随即失效 · set a password; open sessions end."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else ask_password()
    with opened() as services, services.database.write() as session:
        accounts.set_password(session, SYSTEM, accounts.get(session, username), password)
        session.commit()
    print(f"已更新 changed: {username}")


def ask_password() -> str:
    return str(click.prompt("密码 password", hide_input=True, confirmation_prompt=True, err=True))
