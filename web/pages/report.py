"""What does somebody without an account do about a fault? Try what is known, report it, and say whether it was mended."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from kb import incidents, privacy, verification
from kb.access import SUBSCRIBER, Permission
from kb.accounts import SYSTEM
from kb.confirmations import contradiction
from kb.errors import BadQuery, IndexUnavailable, Invalid
from kb.lifecycle import ASKED_INCIDENT, DONE_INCIDENT, IncidentState, Outcome, VerificationMethod
from kb.models import Incident
from web import links, lists
from web.context import person, services
from web.search import Page

bp = Blueprint("report", __name__)
_SETTLED = DONE_INCIDENT | {IncidentState.VERIFIED}
FIRST_TRY = 4  # solutions offered before a report is taken
_WORDS = 500  # characters of a description that are searched by

# What each state means to whoever waits for the repair.
PLAIN = {
    IncidentState.NEW: "已受理，等待安排维修人员",
    IncidentState.ASSIGNED: "已安排维修人员",
    IncidentState.IN_PROGRESS: "维修人员正在处理",
    IncidentState.PENDING: "已暂缓，维修人员会再联系您",
    IncidentState.RESOLVED: "维修人员认为已修好，请您确认",
    IncidentState.VERIFIED: "您已确认修好，谢谢",
    IncidentState.CLOSED: "已修好，本次报修结束",
    IncidentState.REOPENED: "已重新安排处理",
    IncidentState.CANCELLED: "本次报修已取消",
}


@bp.route("/report", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    if person().may(Permission.HANDLE_INCIDENTS):
        return redirect(url_for("incidents.new"))  # staff register for others, and get no link to confirm by
    if request.method == "GET":
        return _form({"description": request.args.get("description", "")})
    values = request.form.to_dict()
    page = None if values.get("tried") else _first_try(values.get("description", ""))
    if page is not None and page.hits:
        return _form(values, page=page)  # nothing is reported yet: perhaps one of these helps
    try:
        with services().database.write() as session:
            incident = _report(session, values)
            code = verification.issue_code(session, incident)
            session.commit()
            place = links.confirmation(incident, code)
    except Invalid as exc:
        return _form(values, fields=exc.fields), exc.status
    cookie["reported"] = incident.number
    return redirect(place)


@bp.route("/confirm/<token>", methods=["GET", "POST"])
def confirm(token: str) -> ResponseReturnValue:
    number, code = links.read(token)
    if request.method == "POST":
        try:
            _confirm(number)
        except Invalid as exc:
            return _status(number, code, fields=exc.fields), exc.status
        return redirect(url_for("report.confirm", token=token))
    return _status(number, code), 200


@bp.post("/confirm/<token>/code")
def renew_code(token: str) -> ResponseReturnValue:
    """Another code, on another link: the link before still confirms, and shows none."""
    number, _ = links.read(token)
    with services().database.write() as session:
        incident = incidents.find(session, SYSTEM, number)
        code = verification.renew_code(session, person(), incident, own_link=True)
        session.commit()
        place = links.confirmation(incident, code)
    return redirect(place)


def _report(session: Session, values: dict[str, str]) -> Incident:
    return incidents.report(
        session,
        SUBSCRIBER,
        title="",
        description=values.get("description", ""),
        district=values.get("district", ""),
        contact_name=values.get("contact_name", ""),
        contact_phone=values.get("contact_phone", ""),
        address=values.get("address", ""),
    )


def _confirm(number: str) -> None:
    """The signature was checked: whoever sends this holds the link, and nobody else's permission is needed."""
    try:
        outcome = Outcome(request.form.get("outcome", ""))
    except ValueError as exc:
        raise Invalid("请选择好了或没好", fields={"outcome": "请选择「好了」或「没好」 · choose one"}) from exc
    with services().database.write() as session:
        reported = incidents.find(session, SYSTEM, number)
        incident, reporter = _main(reported)
        withdrawn = (
            incident.state == IncidentState.VERIFIED and outcome is Outcome.UNSOLVED
        )  # said too soon that it is good
        asked = incident.state == IncidentState.RESOLVED
        said_so = outcome is Outcome.SOLVED and verification.confirmed(incident, reporter)
        if not (asked or withdrawn) or said_so:
            return  # answered already, perhaps by a second tap: the page says how things stand
        incidents.verify(
            session,
            person(),
            incident,
            outcome,
            VerificationMethod.SIGNED_LINK,
            said_by=reported.contact_name or "报修人",
            remark=request.form.get("remark", ""),
            again=request.form.get("again") == "1",
            reporter=reporter,
        )
        session.commit()


def _form(values: dict[str, str], *, page: Page | None = None, fields: dict[str, str] | None = None) -> str:
    with services().database.read() as session:
        return render_template(
            "report/new.html", values=values, page=page, fields=fields or {}, districts=lists.districts(session)
        )


def _first_try(description: str) -> Page | None:
    try:
        return services().search.search(person(), description[:_WORDS], pasted=True, limit=FIRST_TRY)
    except (BadQuery, IndexUnavailable):
        return None  # a report is taken whatever search can or cannot do


def _main(reported: Incident) -> tuple[Incident, Incident | None]:
    """The incident in which a report is repaired, and whose word this reporter's is there, see `kb.handovers`."""
    if reported.duplicate_of is None:
        return reported, None
    return reported.duplicate_of, reported if reported.ask_reporter else None


def _status(number: str, code: str, *, fields: dict[str, str] | None = None) -> str:
    with services().database.read() as session:
        reported = incidents.find(session, SYSTEM, number)
        incident, reporter = _main(reported)
        said = [row for row in incident.verifications if row.reporter_id == (reporter.id if reporter else None)]
        asked = incident.state == IncidentState.RESOLVED
        confirmed = verification.confirmed(incident, reporter)
        unclear = asked and verification.asked_again(incident, reporter)
        return render_template(
            "report/confirm.html",
            incident=reported,
            title=privacy.mask(reported.title),
            said=gettext(PLAIN[IncidentState(incident.state)]),
            asking=asked and not confirmed,
            answered=confirmed and incident.state in ASKED_INCIDENT,
            unclear=said[-1].remark if unclear else "",
            doubt=contradiction(said[-1].remark) if unclear else "",
            code=code if verification.is_code(reported, code) and reported.state not in DONE_INCIDENT else "",
            token=request.view_args["token"] if request.view_args and reported.state not in _SETTLED else "",
            values=request.form if fields else {"remark": said[-1].remark} if unclear else {},
            fresh=cookie.get("reported") == number and incident.state == IncidentState.NEW,
            link=links.confirmation(reported, code),
            fields=fields or {},
        )
