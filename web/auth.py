"""Who is signed in, and is that still true?

Pages know people by a signed session cookie, the API by the same cookie or by HTTP Basic. A cookie names the account,
the account's session epoch and the moment of signing in: it ends with the password, the deactivation, or the hours
that the settings allow. Whatever arrives with a cookie and changes something carries a CSRF token.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from limits import RateLimitItem, parse
from werkzeug.exceptions import TooManyRequests, UnsupportedMediaType

from kb import access, accounts, clock
from kb.access import SUBSCRIBER, Permission, Person
from kb.db import Database
from kb.errors import NotAllowed
from kb.models import User
from web.context import services

LIMITED = (
    "account.login",
    "account.show",
    "report.new",
    "report.status",
    "report.confirm",
    "report.renew_code",
    "report.rate",
    "entries.helped",
    "api_incidents.report",
)  # changing something here is rationed
_FAILED_BASIC = "failed-basic"
GUESSES = parse("10/hour")  # wrong answers to a question that takes a secret of few digits
_READING = ("GET", "HEAD", "OPTIONS")


class BadCredentials(NotAllowed):
    """The name and password sent with an API request are not those of an active account."""

    code = "bad_credentials"
    status = 401


@dataclass
class SignedIn(UserMixin):  # type: ignore[misc]  # flask-login has no types
    """What flask-login carries about the account of this request."""

    person: Person
    epoch: int
    since: int  # seconds since 1970: the hours of a login count from here, not from the last click

    def get_id(self) -> str:
        return f"{self.person.id}:{self.epoch}:{self.since}"


def init_app(app: Flask, database: Database) -> None:
    """Put sessions, CSRF protection and rate limits in place, before any view runs."""
    login = LoginManager(app)
    login.session_protection = None  # a phone changes its address on the way; the epoch ends what has to end
    login.user_loader(lambda value: _load(database, value, dt.timedelta(hours=services().settings.session_hours)))
    csrf = CSRFProtect(app)
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", headers_enabled=False)
    rate = parse(app.config["RATE_LIMIT"])

    @app.before_request
    def identify() -> None:
        g.person = SUBSCRIBER
        if request.endpoint is None or request.endpoint == "static":
            return
        if request.authorization is not None and request.path.startswith("/api/"):
            g.person = _basic(database, limiter, rate)
            # A browser sends a remembered password along with a form of another site, but JSON only after asking us.
            if request.method not in _READING and not request.is_json:
                raise UnsupportedMediaType()
            return
        if current_user.is_authenticated:
            g.person = current_user.person
        csrf.protect()


def limit(app: Flask) -> None:
    """Ration the views in LIMITED by address; called once they are all registered."""
    limiter: Limiter = next(iter(app.extensions["limiter"]))
    for endpoint in LIMITED:
        rationed: Any = limiter.limit(app.config["RATE_LIMIT"], methods=["POST"])
        app.view_functions[endpoint] = rationed(app.view_functions[endpoint])


def ration_guesses(*about: str) -> None:
    """Refuse a question once there were too many wrong answers about one of these: an address, a record."""
    limiter: Limiter = next(iter(current_app.extensions["limiter"]))
    if not all(limiter.limiter.test(GUESSES, "guess", key) for key in about):
        raise TooManyRequests()


def wrong_guess(*about: str) -> None:
    limiter: Limiter = next(iter(current_app.extensions["limiter"]))
    for key in about:
        limiter.limiter.hit(GUESSES, "guess", key)


def sign_in(user: User, person: Person) -> None:
    """Begin a session that shares nothing with the one before: neither its CSRF token nor anything in it.

    Its token is made here and not by the first page with a form: pages that are asked for side by side would each make one, and
    the session keeps the last.
    """
    session.clear()
    g.pop("csrf_token", None)
    session.permanent = True
    login_user(SignedIn(person, user.session_epoch, int(clock.now().timestamp())))
    generate_csrf()
    g.person = person


def sign_out() -> None:
    logout_user()
    session.clear()
    g.person = SUBSCRIBER


def local_path(target: str | None) -> str:
    """The target of `?next=` if it is a path of ours, else the home page.

    Browsers read `//host`, `/\\host` and paths with a tab in them as another site.
    """
    if not target or not target.startswith("/") or target.startswith("//"):
        return "/"
    if "\\" in target or any(ord(character) < 0x20 for character in target):
        return "/"
    parts = urlsplit(target)
    return "/" if parts.scheme or parts.netloc else target


def _load(database: Database, value: str, lifetime: dt.timedelta) -> SignedIn | None:
    try:
        user_id, epoch, since = (int(part) for part in value.split(":"))
    except ValueError:
        return None
    if clock.now() - dt.datetime.fromtimestamp(since, dt.UTC) > lifetime:
        return None
    with database.read() as db:
        user = db.get(User, user_id)
        if user is None or not user.active or user.session_epoch != epoch:
            return None
        return SignedIn(access.person(db, user), epoch, since)


def _basic(database: Database, limiter: Limiter, rate: RateLimitItem) -> Person:
    """The account named by an Authorization header; failures are rationed by address, successes are not."""
    given, address = request.authorization, get_remote_address()
    if not limiter.limiter.test(rate, _FAILED_BASIC, address):
        raise TooManyRequests()
    with database.read() as db:
        user = accounts.authenticate(db, (given and given.username) or "", (given and given.password) or "")
        if user is not None:
            return access.person(db, user)
    limiter.limiter.hit(rate, _FAILED_BASIC, address)
    raise BadCredentials("用户名或密码不对 · wrong user name or password", permission=Permission.READ_STAFF)
