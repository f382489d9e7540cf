"""Signing in and out, and one's own password."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from kb import access, accounts
from kb.access import Permission
from kb.errors import Invalid
from kb.models import User
from web import auth
from web.context import needs, person, services

bp = Blueprint("account", __name__)


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    target = _after_login()
    if request.method == "GET":
        if person().id is not None:
            return redirect(target)
        return render_template("account/login.html", target=target, username="", problem="")
    username = request.form.get("username", "")
    with services().database.read() as session:
        user = accounts.authenticate(session, username, request.form.get("password", ""))
        if user is None:
            problem = "用户名或密码不对，或账号已停用 · wrong user name or password, or the account is not active"
            return render_template("account/login.html", target=target, username=username, problem=problem), 401
        auth.sign_in(user, access.person(session, user))
    return redirect(target)


def _after_login() -> str:
    """Where to go once signed in; signing in or out again is no place to arrive at."""
    target = auth.local_path(request.values.get("next"))
    gates = (url_for("account.login"), url_for("account.logout"))
    return url_for("home.show") if urlsplit(target).path.rstrip("/") in gates else target


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    auth.sign_out()
    return redirect(url_for("home.show"))


@bp.route("/account", methods=["GET", "POST"])
@needs(Permission.READ_STAFF)
def show() -> ResponseReturnValue:
    by, fields, status = person(), {}, 200
    if request.method == "POST":
        try:
            _change_password()
        except Invalid as exc:
            fields, status = exc.fields, exc.status
        else:
            flash(gettext("密码已修改，其他设备上的登录已失效"), "good")
            return redirect(url_for("account.show"))
    with services().database.read() as session:
        user = session.get_one(User, by.id)
        return render_template("account/show.html", user=user, fields=fields, email=user.email), status


@bp.post("/account/email")
@needs(Permission.READ_STAFF)
def email() -> ResponseReturnValue:
    by, typed = person(), request.form.get("email", "")
    try:
        with services().database.write() as session:
            accounts.set_email(session, by, session.get_one(User, by.id), typed)
            session.commit()
    except Invalid as exc:
        with services().database.read() as session:
            user = session.get_one(User, by.id)
            return render_template("account/show.html", user=user, fields=exc.fields, email=typed), exc.status
    flash(gettext("邮件地址已保存") if typed.strip() else gettext("不再发邮件"), "good")
    return redirect(url_for("account.show"))


def _change_password() -> None:
    """The present password is asked for: an unattended screen must not be enough."""
    by, new = person(), request.form.get("password", "")
    if new != request.form.get("password_again", ""):
        raise Invalid("两次输入不一致", fields={"password_again": "两次输入不一致 · the two differ"})
    database = services().database
    with database.read() as session:
        username = session.get_one(User, by.id).username
        if accounts.authenticate(session, username, request.form.get("password_now", "")) is None:
            raise Invalid("现在的密码不对", fields={"password_now": "现在的密码不对 · not your present password"})
    with database.write() as session:
        user = session.get_one(User, by.id)
        accounts.set_password(session, by, user, new)
        session.commit()
        auth.sign_in(user, by)  # the change ended this session too
