"""Why does a search find an entry, or not, and why does somebody see it, or not? For staff, who mend what is wrong."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from kb import access, accounts, entries
from kb.access import SUBSCRIBER, Permission
from kb.errors import BadQuery
from web import lists
from web.asked import Asked
from web.context import needs, person, services

bp = Blueprint("why", __name__, url_prefix="/entries")


@bp.get("/<number>/why")
@needs(Permission.READ_STAFF)
def show(number: str) -> ResponseReturnValue:
    """The parts of a score; for leads and managers also whether a person of their choice (`for`) finds the entry."""
    asked, by, username = Asked.read(request), person(), request.args.get("for", "")
    reasons, people, of = [], [], SUBSCRIBER
    with services().database.read() as session:
        entry = entries.find(session, by, number)
        if by.may(Permission.EXPLAIN_ACCESS):
            people = [user for user in lists.users(session) if user.active]
            of = access.person(session, accounts.get(session, username)) if username else SUBSCRIBER
            reasons = access.reasons(by, of, entry)
    told, problem, status = None, None, 200
    if not asked.empty:
        try:
            told = services().search.explain(by, asked.text, entry.number)
        except BadQuery as exc:
            problem, status = exc, exc.status
    return render_template(
        "search/why.html",
        asked=asked,
        entry=entry,
        told=told,
        problem=problem,
        reasons=reasons,
        people=[("", SUBSCRIBER.name), *((user.username, user.display_name) for user in people)],
        username=username,
        of=of,
    ), status
