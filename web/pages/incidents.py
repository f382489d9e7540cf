"""From report to closed: what happened on the left, what is known about it on the right."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import audit, entries, incidents, searches
from kb.access import Permission
from kb.errors import BadQuery, Conflict, IndexUnavailable, Invalid, KBError
from kb.lifecycle import DONE_INCIDENT, INCIDENT_STEPS, CancelReason, IncidentState, Outcome, VerificationMethod
from kb.models import AuditRow, Entry, Incident
from web import lists
from web.context import needs, person, remember, services
from web.search import Page

bp = Blueprint("incidents", __name__, url_prefix="/incidents")
SUGGESTIONS = 6  # hits beside an incident
_WORDS = 1000  # characters of a description that say enough to search by; a pasted log goes on for pages
LISTED = 100  # incidents on one list
_Choice = TypeVar("_Choice", Outcome, VerificationMethod, CancelReason)
_LINKS = ("link", "relink", "refer")  # steps whose audit row names entries
_TABS = ("mine", "open", "done")


@bp.get("")
@needs(Permission.HANDLE_INCIDENTS)
def index() -> ResponseReturnValue:
    tab = request.args.get("tab", "mine")
    tab = tab if tab in _TABS else "mine"
    with services().database.read() as session:
        rows = incidents.listing(session, person(), mine=tab == "mine", done=tab == "done", limit=LISTED)
        shown = [(row, [] if row.state in DONE_INCIDENT else incidents.unmet(row)) for row in rows]
        counts = lists.incident_counts(session)
        return render_template("incidents/index.html", tab=tab, incidents=shown, counts=counts, limit=LISTED)


@bp.route("/new", methods=["GET", "POST"])
@needs(Permission.HANDLE_INCIDENTS)
def new() -> ResponseReturnValue:
    error = None
    if request.method == "POST":
        form = request.form
        try:
            with services().database.write() as session:
                incident = incidents.report(
                    session,
                    person(),
                    title=form.get("title", ""),
                    description=form.get("description", ""),
                    channel=form.get("channel", "phone"),
                    priority=form.get("priority", 4, type=int),
                    district=form.get("district", ""),
                    contact_name=form.get("contact_name", ""),
                    contact_phone=form.get("contact_phone", ""),
                    address=form.get("address", ""),
                )
                number = incident.number
                session.commit()
        except Invalid as exc:
            error = exc
        else:
            flash(f"已登记 {number}", "good")
            return redirect(url_for("incidents.show", number=number))
    with services().database.read() as session:
        page = render_template(
            "incidents/new.html",
            values={"channel": "phone", "priority": "4"} | request.form.to_dict(),
            fields=error.fields if error else {},
            districts=lists.districts(session),
            channels=incidents.CHANNELS,
        )
    return page, error.status if error else 200


@bp.get("/<number>")
@needs(Permission.HANDLE_INCIDENTS)
def show(number: str) -> ResponseReturnValue:
    return _page(number), 200


@bp.get("/<number>/suggestions")
@needs(Permission.HANDLE_INCIDENTS)
def suggestions(number: str) -> ResponseReturnValue:
    """The right pane alone, for the search box that refreshes it while somebody types."""
    with services().database.read() as session:
        incident = incidents.find(session, person(), number)
        return render_template("incidents/_suggestions.html", incident=incident, **_suggestions(incident))


# --- the steps: one form each, all with the version of the incident that the form was made from --------------------


@bp.post("/<number>/take")
@needs(Permission.HANDLE_INCIDENTS)
def take(number: str) -> ResponseReturnValue:
    return _step(number, lambda session, incident: incidents.take(session, person(), incident))


@bp.post("/<number>/wait")
@needs(Permission.HANDLE_INCIDENTS)
def wait(number: str) -> ResponseReturnValue:
    return _step(number, lambda session, incident: incidents.wait(session, person(), incident, _typed("reason")))


@bp.post("/<number>/resolve")
@needs(Permission.HANDLE_INCIDENTS)
def resolve(number: str) -> ResponseReturnValue:
    return _step(number, lambda session, incident: incidents.resolve(session, person(), incident))


@bp.post("/<number>/verify")
@needs(Permission.HANDLE_INCIDENTS)
def verify(number: str) -> ResponseReturnValue:
    """Staff write down what the user said. The user's own link is `report.confirm` and nothing else."""

    def step(session: Session, incident: Incident) -> None:
        outcome, method = _chosen(Outcome, "outcome"), _chosen(VerificationMethod, "method")
        if method is VerificationMethod.SIGNED_LINK:
            raise Conflict("用户链接只能由用户本人使用 · only the user confirms through the link")
        incidents.verify(
            session, person(), incident, outcome, method, said_by=_typed("said_by"), remark=_typed("remark")
        )

    return _step(number, step)


@bp.post("/<number>/close")
@needs(Permission.HANDLE_INCIDENTS)
def close(number: str) -> ResponseReturnValue:
    return _step(number, lambda session, incident: incidents.close(session, person(), incident))


@bp.post("/<number>/reopen")
@needs(Permission.HANDLE_INCIDENTS)
def reopen(number: str) -> ResponseReturnValue:
    return _step(
        number, lambda session, incident: incidents.reopen(session, person(), incident, reason=_typed("reason"))
    )


@bp.post("/<number>/cancel")
@needs(Permission.CANCEL_INCIDENTS)
def cancel(number: str) -> ResponseReturnValue:
    return _step(
        number,
        lambda session, incident: incidents.cancel(
            session, person(), incident, _chosen(CancelReason, "reason"), remark=_typed("remark")
        ),
    )


@bp.post("/<number>/link")
@needs(Permission.HANDLE_INCIDENTS)
def link(number: str) -> ResponseReturnValue:
    return _step(
        number,
        lambda session, incident: incidents.link(
            session,
            person(),
            incident,
            entries.find(session, person(), _typed("entry")),
            words=_typed("words"),
            search=_typed("search"),
        ),
    )


@bp.post("/<number>/refer")
@needs(Permission.HANDLE_INCIDENTS)
def refer(number: str) -> ResponseReturnValue:
    return _step(
        number,
        lambda session, incident: incidents.refer(
            session, person(), incident, entries.find(session, person(), _typed("entry"))
        ),
    )


# --- what they share -------------------------------------------------------------------------------------------


def _step(number: str, step: Callable[[Session, Incident], object]) -> ResponseReturnValue:
    try:
        with services().database.write() as session:
            incident = incidents.find(session, person(), number)
            incidents.check_version(incident, request.form.get("version", 0, type=int))
            step(session, incident)
            session.commit()
    except (Conflict, Invalid) as exc:
        # the incident as it is now, the reason on top, and what was typed still in its form
        return _page(number, error=exc), exc.status
    return redirect(url_for("incidents.show", number=number))


def _page(number: str, *, error: KBError | None = None) -> str:
    by = person()
    with services().database.read() as session:
        incident = incidents.find(session, by, number)
        unmet = incidents.unmet(incident)
        solution = incident.solution
        history = audit.history(session, incident)
        return render_template(
            "incidents/show.html",
            incident=incident,
            unmet=unmet,
            steps=INCIDENT_STEPS[IncidentState(incident.state)],
            done=incident.state in DONE_INCIDENT,
            # a restricted solution is named only to those who may read it
            solution=solution if solution and entries.may_read(by, solution) else None,
            references=[row for row in incident.references if entries.may_read(by, row.entry)],
            history=history,
            hidden=_hidden(session, history),
            trail=searches.trail(session, incident),
            cancel_reasons=list(CancelReason),
            error=error,
            fields=getattr(error, "fields", {}),
            typed=request.form if error else {},
            **_suggestions(incident),
        )


def _hidden(session: Session, history: list[AuditRow]) -> set[str]:
    """Numbers of entries that were linked and that this person may not know of."""
    named = {text for row in history if row.action in _LINKS for text in (row.from_state, row.to_state, row.reason)}
    rows = session.scalars(select(Entry).where(Entry.number.in_(named)))
    return {entry.number for entry in rows if not entries.may_read(person(), entry)}


def _suggestions(incident: Incident) -> dict[str, object]:
    """What is known that may fit: from the incident's own text until somebody types better words."""
    words = request.args.get("q", "").strip()
    text = words or f"{incident.title}\n{incident.description[:_WORDS]}"
    page: Page | None = None
    problem = token = ""
    try:
        page = services().search.search(person(), text, pasted=not words, limit=SUGGESTIONS)
    except (BadQuery, IndexUnavailable) as exc:
        problem = exc.message
    else:
        token = remember(words, page, incident=incident.id)
    return {"words": words, "page": page, "problem": problem, "token": token}


def _typed(name: str) -> str:
    return request.form.get(name, "")


def _chosen(of: type[_Choice], name: str) -> _Choice:
    try:
        return of(_typed(name))
    except ValueError as exc:
        problem = "请选择一项 · choose one"
        raise Invalid(problem, fields={name: problem}) from exc
