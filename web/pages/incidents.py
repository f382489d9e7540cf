"""From report to closed: what happened on the left, what is known about it on the right."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import (
    audit,
    clock,
    entries,
    handovers,
    incidents,
    nodes,
    notes,
    photos,
    priorities,
    searches,
    selfhelp,
    verification,
)
from kb.access import Permission
from kb.errors import BadQuery, Conflict, IndexUnavailable, Invalid, KBError, NotAllowed, NotFound
from kb.lifecycle import (
    DONE_INCIDENT,
    INCIDENT_STEPS,
    CancelReason,
    ContactMethod,
    HandoverReason,
    IncidentState,
    Outcome,
    VerificationMethod,
)
from kb.models import AuditRow, Entry, Incident
from web import forms, lists
from web.asked_users import Said, record
from web.context import SANDBOX, needs, person, remember, services
from web.search import Page

bp = Blueprint("incidents", __name__, url_prefix="/incidents")
SUGGESTIONS = 6  # hits beside an incident
_WORDS = 1000  # characters of a description that say enough to search by; a pasted log goes on for pages
LISTED = 100  # incidents on one list
_Choice = TypeVar("_Choice", Outcome, VerificationMethod, CancelReason, ContactMethod, HandoverReason)
_LINKS = ("link", "relink", "refer")  # steps whose audit row names entries
_TABS = ("mine", "open", "overdue", "waiting", "unreachable", "done")
_QUEUES = ("waiting", "unreachable")


@bp.get("")
@needs(Permission.HANDLE_INCIDENTS)
def index() -> ResponseReturnValue:
    tab = request.args.get("tab", "mine")
    tab = tab if tab in _TABS else "mine"
    by, calendar = person(), services().calendar()
    with services().database.read() as session:
        waiting = verification.waiting(session, by, unreachable=tab == "unreachable") if tab in _QUEUES else []
        rows = (
            [row.incident for row in waiting]
            if tab in _QUEUES
            else incidents.listing(session, by, mine=tab == "mine", done=tab == "done", limit=LISTED)
        )
        due = {row.id: priorities.due(row, calendar) for row in rows}
        if tab == "overdue":
            rows = [row for row in rows if due[row.id].missed]
        shown = [(row, [] if row.state in DONE_INCIDENT else incidents.unmet(row)) for row in rows]
        return render_template(
            "incidents/index.html",
            tab=tab,
            incidents=shown,
            due=due,
            waiting={row.incident.id: row for row in waiting},
            counts=lists.incident_counts(session),
            limit=LISTED,
            now=clock.now(),
        )


@bp.get("/cancelled")
@needs(Permission.CANCEL_INCIDENTS)
def cancelled() -> ResponseReturnValue:
    """A sample of what was cancelled in a month, to be looked at again: it is the one way past the gate."""
    month = request.args.get("month") or clock.today().strftime("%Y-%m")
    with services().database.read() as session:
        count, sample = incidents.cancelled_sample(session, person(), month)
        return render_template("incidents/cancelled.html", month=month, count=count, incidents=sample)


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
                    priority=form.get("priority", type=forms.whole),
                    impact=form.get("impact", 4, type=forms.whole),
                    urgency=form.get("urgency", 4, type=forms.whole),
                    category=form.get("category", ""),
                    subscriber=form.get("subscriber", ""),
                    site=form.get("site", ""),
                    device=form.get("device", ""),
                    node=form.get("node", ""),
                    district=form.get("district", ""),
                    contact_name=form.get("contact_name", ""),
                    contact_phone=form.get("contact_phone", ""),
                    address=form.get("address", ""),
                    store=services().store,
                )
                number, code = incident.number, verification.issue_code(session, incident)
                session.commit()
        except Invalid as exc:
            error = exc
        else:
            flash(
                gettext(
                    "已登记 %(number)s。请把现场确认码 %(code)s 告诉用户：只显示这一次，修好后由用户告诉上门的人。",
                    number=number,
                    code=code,
                ),
                "good",
            )
            return redirect(url_for("incidents.show", number=number))
    with services().database.read() as session:
        page = render_template(
            "incidents/new.html",
            values={"channel": "phone", "impact": "4", "urgency": "4"} | request.form.to_dict(),
            fields=error.fields if error else {},
            districts=lists.districts(session),
            nodes=nodes.published(session, services().store, person()).values(),
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


def _verify(session: Session, incident: Incident) -> None:
    """Staff write down what the user said."""
    said = Said(
        outcome=_chosen(Outcome, "outcome"),
        method=_chosen(VerificationMethod, "method"),
        said_by=_typed("said_by"),
        remark=_typed("remark"),
        code=_typed("code"),
        again=_typed("again") == "1",
        reporter=_typed("reporter"),
    )
    record(session, person(), incident, said)


def _renew_code(session: Session, incident: Incident) -> None:
    """Another code for the user, who is told it now."""
    code = verification.renew_code(session, person(), incident)
    said = gettext("请把新的现场确认码 %(code)s 告诉用户：只显示这一次。您已知道它，须由别人到场确认。", code=code)
    flash(said, "good")


def _hand_over(session: Session, incident: Incident) -> None:
    handovers.hand_over(
        session, person(), incident,
        reason=_chosen(HandoverReason, "reason"), remark=_typed("remark"),
        line=request.form.get("line", type=forms.whole), unit=_typed("unit"), person=_typed("person"),
    )  # fmt: skip


def _parent(session: Session, incident: Incident) -> None:
    area = incidents.find(session, person(), _typed("parent")) if _typed("parent") else None
    handovers.set_parent(session, person(), incident, area)


def _link(session: Session, incident: Incident) -> None:
    entry = entries.find(session, person(), _typed("entry"))
    incidents.link(session, person(), incident, entry, words=_typed("words"), search=_typed("search"))


_Use = Callable[[Session, Incident], object]
_STEPS: dict[str, _Use] = {
    "take": lambda session, it: incidents.take(session, person(), it),
    "wait": lambda session, it: incidents.wait(session, person(), it, _typed("reason")),
    "resolve": lambda session, it: incidents.resolve(session, person(), it),
    "verify": _verify,
    "code": _renew_code,
    "attempt": lambda session, it: verification.attempt(
        session, person(), it, _chosen(ContactMethod, "method"), remark=_typed("remark")
    ),
    "hand_over": _hand_over,
    "merge": lambda session, it: handovers.merge(
        session, person(), it, incidents.find(session, person(), _typed("into"))
    ),
    "parent": _parent,
    "share_solution": lambda session, it: handovers.share_solution(session, person(), it),
    "close": lambda session, it: incidents.close(session, person(), it),
    "reopen": lambda session, it: incidents.reopen(session, person(), it, reason=_typed("reason")),
    "cancel": lambda session, it: incidents.cancel(
        session, person(), it, _chosen(CancelReason, "reason"), remark=_typed("remark")
    ),
    "note": lambda session, it: notes.write(session, person(), it, _typed("text"), key=_typed("key")),
    "link": _link,
    "refer": lambda session, it: incidents.refer(
        session, person(), it, entries.find(session, person(), _typed("entry"))
    ),
}
_OF_LEADS = ("merge", "cancel")


def _door(use: _Use, permission: Permission) -> Callable[[str], ResponseReturnValue]:
    @needs(permission)
    def view(number: str) -> ResponseReturnValue:
        try:
            with services().database.write() as session:
                incident = incidents.find(session, person(), number)
                incidents.check_version(incident, request.form.get("version", 0, type=forms.whole))
                use(session, incident)
                session.commit()
        except (Conflict, Invalid, NotAllowed, NotFound) as exc:
            # the incident as it is now, the reason on top, and what was typed still in its form
            return _page(number, error=exc), exc.status
        return redirect(url_for("incidents.show", number=number))

    return view


for _name, _use in _STEPS.items():
    _permission = Permission.CANCEL_INCIDENTS if _name in _OF_LEADS else Permission.HANDLE_INCIDENTS
    bp.add_url_rule(f"/<number>/{_name.replace('_', '-')}", _name, _door(_use, _permission), methods=["POST"])


@bp.post("/<number>/photos")
@needs(Permission.HANDLE_INCIDENTS)
def add_photo(number: str) -> ResponseReturnValue:
    """Keep the pictures that were taken; whatever the incident has become meanwhile, they are of it."""
    most = services().settings.max_upload_mb * 1_000_000
    try:
        with services().database.write() as session:
            incident = incidents.find(session, person(), number)
            for file in request.files.getlist("photo"):
                photos.add(
                    session, services().store, person(), incident, file.filename or "", file.read(), most_bytes=most
                )
            session.commit()
    except (Conflict, Invalid) as exc:
        return _page(number, error=exc), exc.status
    return redirect(url_for("incidents.show", number=number, _anchor="photos"))


@bp.get("/<number>/photos/<int:photo_id>")
@needs(Permission.HANDLE_INCIDENTS)
def photo(number: str, photo_id: int) -> ResponseReturnValue:
    """A picture, to whoever may read the incident; HEIC of earlier days, which browsers do not show, as a file."""
    with services().database.read() as session:
        found = photos.find(incidents.find(session, person(), number), photo_id)
        data = services().store.get(found.sha256)
    response = send_file(
        io.BytesIO(data),
        mimetype=found.media_type,
        as_attachment=found.media_type == "image/heic",
        download_name=found.filename,
    )
    response.headers["Content-Security-Policy"] = SANDBOX
    return response


# --- what they share -------------------------------------------------------------------------------------------


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
            node=nodes.published(session, services().store, by).get(incident.node) if incident.node else None,
            note_key=_typed("key") or secrets.token_hex(16),
            most_mb=services().settings.max_upload_mb,
            history=history,
            hidden=_hidden(session, history),
            trail=searches.trail(session, incident),
            tried=selfhelp.before_report(session, services().store, by, incident),
            cancel_reasons=list(CancelReason),
            due=priorities.due(incident, services().calendar()),
            pending=verification.pending(incident) if incident.state == IncidentState.RESOLVED else None,
            asked_again=verification.asked_again(incident),
            others=verification.others(incident),
            reporters=[
                ("", gettext("本事件的报修人")),
                *((row.number, row.number) for row in verification.others(incident)),
            ],
            code_holds=verification.code_holds(incident),
            units=[unit for unit in lists.units(session) if unit.kind != "district"],
            staff=[user for user in lists.users(session) if user.active],
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
