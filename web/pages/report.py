"""What does somebody without an account do about a fault? Try what is known, report it, and say whether it was mended."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import unicodedata
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from kb import clock, entries, incidents, markup, numbers, priorities, privacy, ratings, selfhelp, verification
from kb.access import SUBSCRIBER, Permission
from kb.accounts import SYSTEM
from kb.confirmations import contradiction
from kb.documents import Kind
from kb.errors import BadQuery, Conflict, IndexUnavailable, Invalid, NotFound
from kb.lifecycle import ASKED_INCIDENT, DONE_INCIDENT, IncidentState, Outcome, VerificationMethod
from kb.models import Incident, Revision
from web import auth, forms, links, lists
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
# And what comes next.
NEXT = {
    IncidentState.NEW: "会有维修人员打电话给您，请保持电话畅通。",
    IncidentState.ASSIGNED: "维修人员会先打电话约时间。",
    IncidentState.IN_PROGRESS: "维修人员可能会打电话给您，请留意。",
    IncidentState.PENDING: "您不用做什么，等维修人员联系。",
    IncidentState.RESOLVED: "请试一试，再用报修时给您的链接告诉我们好了没有，或等回访电话。",
    IncidentState.VERIFIED: "您不用再做什么。",
    IncidentState.CLOSED: "再有故障请重新报修。",
    IncidentState.REOPENED: "维修人员会再联系您。",
    IncidentState.CANCELLED: "还有故障请重新报修。",
}
STARS = {5: "非常满意", 4: "满意", 3: "一般", 2: "不满意", 1: "很不满意"}
_REPAIRING = (IncidentState.NEW, IncidentState.ASSIGNED, IncidentState.IN_PROGRESS, IncidentState.REOPENED)
_NUMBER = re.compile(rf"(?:{numbers.INCIDENT}-?)?0*(\d{{1,9}})")
TAIL = 4  # digits of the telephone


@dataclass(frozen=True)
class Standing:
    """How things stand with a report, in the words of whoever waits for it."""

    number: str
    reported: dt.datetime
    said: str
    next: str
    expected: dt.datetime | None  # the repair, where one is to come
    late: bool


@dataclass(frozen=True)
class Tried:
    """The solution whose first steps did not help."""

    revision: Revision
    steps: list[str]


@bp.route("/report", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    if person().may(Permission.HANDLE_INCIDENTS):
        return redirect(url_for("incidents.new"))  # staff register for others, and get no link to confirm by
    if request.method == "GET":
        return _form(_prefilled(request.args.to_dict()))
    values = request.form.to_dict()
    looked = values.get("tried") or request.form.get("steps", 0, type=forms.whole) > 0
    page = None if looked else _first_try(values.get("description", ""))
    if page is not None and page.hits:
        return _form(values, page=page)  # nothing is reported yet: perhaps one of these helps
    try:
        with services().database.write() as session:
            incident = _report(session, values)
            tried = _tried(session, values)
            if tried is not None and tried.steps:
                selfhelp.reported(session, incident, tried.revision, len(tried.steps))
            code = verification.issue_code(session, incident)
            session.commit()
            place = links.confirmation(incident, code)
    except Invalid as exc:
        return _form(values, fields=exc.fields), exc.status
    cookie["reported"] = incident.number
    return redirect(place)


@bp.route("/report/status", methods=["GET", "POST"])
def status() -> ResponseReturnValue:
    """How a report stands, to whoever knows its number and the end of the telephone that was left with it. An unknown number
    and a wrong telephone get one answer."""
    values = request.form.to_dict() or {"number": request.args.get("number", "")}
    if request.method == "GET":
        return render_template("report/status.html", values=values, standing=None, fields={})
    number, tail = _number(values.get("number", "")), _digits(values.get("tail", ""))
    about = (f"address {request.remote_addr}", f"report {number}")
    auth.ration_guesses(*about)
    with services().database.read() as session:
        try:
            reported = incidents.find(session, SYSTEM, number)
            kept = _digits(reported.contact_phone)[-TAIL:]
        except NotFound:
            reported, kept = None, ""
        known = len(kept) == TAIL and secrets.compare_digest(kept, tail)
        if reported is not None and known:
            return render_template("report/status.html", values=values, standing=_standing(reported), fields={})
    auth.wrong_guess(*about)
    problem = "没有查到，请核对编号和报修时留的电话后四位 · nothing found: check the number and the last four digits"
    return render_template("report/status.html", values=values, standing=None, fields={"tail": problem}), 404


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


@bp.post("/confirm/<token>/rating")
def rate(token: str) -> ResponseReturnValue:
    """How content whoever holds the link is with the repair."""
    number, code = links.read(token)
    try:
        with services().database.write() as session:
            reported = incidents.find(session, SYSTEM, number)
            stars, remark = request.form.get("stars", 0, type=forms.whole), request.form.get("rating_remark", "")
            ratings.rate(session, person(), reported, stars, remark=remark)
            session.commit()
    except (Conflict, Invalid) as exc:
        return _status(number, code, error=exc), exc.status
    flash(gettext("谢谢您的评价"), "good")
    return redirect(url_for("report.confirm", token=token))


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
        incident, reporter = ratings.reporter_of(reported)
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
            "report/new.html",
            values=values,
            page=page,
            fields=fields or {},
            tried=_tried(session, values),
            districts=lists.districts(session),
        )


def _prefilled(given: dict[str, str]) -> dict[str, str]:
    """The form as a page of ours opens it: about a solution that did not help, or with the words of a search."""
    values = {name: given[name] for name in ("description", "entry", "steps") if name in given}
    with services().database.read() as session:
        tried = _tried(session, values)
        if tried is not None:
            values.setdefault("description", tried.revision.title)
    return values


def _tried(session: Session, values: dict[str, str]) -> Tried | None:
    """What was tried, read from the solution itself: a form says no more than which, and how far."""
    try:
        revision = entries.find(session, person(), values.get("entry", "")).published
        count = int(values.get("steps") or 0)
    except (NotFound, ValueError):
        return None
    if revision is None:
        return None
    found = selfhelp.steps(Kind(revision.entry.kind), entries.text_of(services().store, revision))
    return Tried(revision, [markup.to_text(step) for step in found.steps[: max(0, count)]] if found else [])


def _first_try(description: str) -> Page | None:
    try:
        return services().search.search(person(), description[:_WORDS], pasted=True, limit=FIRST_TRY)
    except (BadQuery, IndexUnavailable):
        return None  # a report is taken whatever search can or cannot do


def _number(typed: str) -> str:
    """The number of a report as people type it: INC-000012, inc12, 12, in full-width characters."""
    text = "".join(unicodedata.normalize("NFKC", typed).split()).upper()[:40]
    found = _NUMBER.fullmatch(text)
    return f"{numbers.INCIDENT}-{int(found.group(1)):06d}" if found else text


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", text[:40]))


def _standing(reported: Incident) -> Standing:
    incident, _ = ratings.reporter_of(reported)
    state = IncidentState(incident.state)
    due = priorities.due(incident, services().calendar()).resolution if state in _REPAIRING else None
    late = due is not None and due < clock.now()
    return Standing(
        reported.number, reported.created_at, gettext(PLAIN[state]), gettext(NEXT[state]), None if late else due, late
    )


def _status(
    number: str, code: str, *, fields: dict[str, str] | None = None, error: Conflict | Invalid | None = None
) -> str:
    fields = error.fields if isinstance(error, Invalid) else fields
    with services().database.read() as session:
        reported = incidents.find(session, SYSTEM, number)
        incident, reporter = ratings.reporter_of(reported)
        said = [row for row in incident.verifications if row.reporter_id == (reporter.id if reporter else None)]
        asked = incident.state == IncidentState.RESOLVED
        confirmed = verification.confirmed(incident, reporter)
        unclear = asked and verification.asked_again(incident, reporter)
        return render_template(
            "report/confirm.html",
            incident=reported,
            title=privacy.mask(reported.title),
            standing=_standing(reported),
            error=error,
            rating=reported.rating,
            may_rate=ratings.may_rate(reported),
            stars=STARS,
            asking=asked and not confirmed,
            answered=confirmed and incident.state in ASKED_INCIDENT,
            unclear=said[-1].remark if unclear else "",
            doubt=contradiction(said[-1].remark) if unclear else "",
            code=code if verification.is_code(reported, code) and reported.state not in DONE_INCIDENT else "",
            token=request.view_args["token"] if request.view_args else "",
            renewable=reported.state not in _SETTLED,
            values=request.form if fields else {"remark": said[-1].remark} if unclear else {},
            fresh=cookie.get("reported") == number and incident.state == IncidentState.NEW,
            link=links.confirmation(reported, code),
            fields=fields or {},
        )
