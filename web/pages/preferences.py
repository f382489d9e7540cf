"""Which language and which colours does this browser want? Kept in cookies of its own, so it needs no account."""

from __future__ import annotations

import datetime as dt

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from web import auth, languages

bp = Blueprint("preferences", __name__)
THEME = "theme"
THEMES = {"": "随系统", "light": "浅色", "dark": "深色", "contrast": "高对比"}  # the first leaves it to the device
LANGUAGES = {languages.CHINESE: "中文", languages.ENGLISH: "English"}
_KEPT = dt.timedelta(days=365)
_CHOICES = {languages.COOKIE: LANGUAGES, THEME: THEMES}


@bp.get("/preferences")
def show() -> ResponseReturnValue:
    """A choice in the address is kept, and leads back to `next`; without one, the page to choose on."""
    chosen = {name: request.args[name] for name, known in _CHOICES.items() if request.args.get(name) in known}
    if not chosen:
        page = {name: gettext(text) for name, text in THEMES.items()}
        return render_template("preferences/show.html", themes=page, languages=LANGUAGES)
    back = redirect(auth.local_path(request.args.get("next") or url_for("preferences.show")))
    for name, value in chosen.items():
        back.set_cookie(
            name,
            value,
            max_age=_KEPT,
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
    return back


def theme() -> str:
    """The colours this browser chose; empty where it follows its device."""
    chosen = request.cookies.get(THEME, "")
    return chosen if chosen in THEMES else ""


def here() -> str:
    """The address of this page if it can be asked for again, for the way back from a choice.

    A page that answers a form may hold what was typed, and cannot: there the choice is made in a tab of its own.
    """
    return request.full_path.rstrip("?") if request.method == "GET" else url_for("preferences.show")
