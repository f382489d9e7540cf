"""Two decisions on each revision: does it describe the incident right, and are its attributes right?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from kb import assignment, audit, clock, difference, documents, doubts, entries, precheck, reviews, validity
from kb.access import Permission
from kb.documents import Attributes
from kb.errors import Conflict, Invalid, KBError
from kb.lifecycle import WAITING_REVISION, Decision, Part
from kb.models import Incident, Revision
from web import forms, languages, lists, reading, words
from web.context import needs, person, services, similar

bp = Blueprint("reviews", __name__, url_prefix="/reviews")
PAGE_SIZE = 100  # revisions
LAST_PAGE = 1_000
FEW = 5  # of each kind of what relies on an entry, beside its review
_OF_REVIEW = ("submit", "recall", "review_assigned", "review_reminded", "review_escalated")  # rows shown beside it


@bp.get("")
@needs(Permission.WRITE_ENTRIES)
def index() -> ResponseReturnValue:
    return _list(request.args.get("tab", "waiting" if person().may(Permission.REVIEW) else "written")), 200


@bp.get("/<int:revision_id>")
@needs(Permission.REVIEW)
def show(revision_id: int) -> ResponseReturnValue:
    return _page(revision_id), 200


@bp.get("/<int:revision_id>/next")
@needs(Permission.REVIEW)
def following(revision_id: int) -> ResponseReturnValue:
    """The next of one's turns, or the queue where there is none."""
    with services().database.read() as session:
        after = reviews.following(session, person(), lists.submitted_revision(session, person(), revision_id))
    if after is None:
        flash(gettext("待您审核的没有下一份了"), "plain")
    return redirect(_place(after))


def _place(revision: Revision | None) -> str:
    return url_for("reviews.index") if revision is None else url_for("reviews.show", revision_id=revision.id)


@bp.post("/<int:revision_id>/<any(content, formal):part>")
@needs(Permission.REVIEW)
def decide(revision_id: int, part: str) -> ResponseReturnValue:
    look = similar()
    try:
        decision = _decision()
        with services().database.write() as session:
            revision = lists.submitted_revision(session, person(), revision_id)
            reviews.decide(
                session, services().store, person(), revision, Part(part), decision,
                reason=request.form.get("reason", ""), similar=look,
            )  # fmt: skip
            number, state, scheduled = revision.entry.number, revision.state, revision.scheduled
            after = reviews.following(session, person(), revision)
            session.commit()
    except (Conflict, Invalid) as exc:
        return _page(revision_id, error=exc), exc.status
    if scheduled:
        flash(gettext("%(number)s 两项审核通过，%(day)s 起发布", number=number, day=scheduled), "good")
        return redirect(_place(after))
    if state in WAITING_REVISION:
        return redirect(url_for("reviews.show", revision_id=revision_id))
    flash(
        gettext("%(number)s 两项审核通过，已发布", number=number)
        if state == "approved"
        else gettext("%(number)s 已退回作者", number=number),
        "good",
    )
    return redirect(_place(after))


@bp.post("/<int:revision_id>/assign")
@needs(Permission.REVIEW)
def assign(revision_id: int) -> ResponseReturnValue:
    """Pass a revision on to another lead, or take it oneself."""
    try:
        with services().database.write() as session:
            revision = lists.submitted_revision(session, person(), revision_id)
            assignment.reassign(
                session, person(), revision, request.form.get("assignee", ""), reason=request.form.get("reason", "")
            )
            session.commit()
    except (Conflict, Invalid) as exc:
        return _page(revision_id, error=exc), exc.status
    flash(gettext("已转交"), "good")
    return redirect(url_for("reviews.show", revision_id=revision_id))


@bp.post("/forms")
@needs(Permission.REVIEW)
def approve_forms() -> ResponseReturnValue:
    """Approve the form of all that were ticked and whose pre-check passes in every point."""
    look = similar()
    chosen = request.form.getlist("revision", type=forms.whole)[: reviews.BULK]
    with services().database.write() as session:
        rows = [lists.submitted_revision(session, person(), revision_id) for revision_id in chosen]
        done, refused = reviews.approve_forms(session, services().store, person(), rows, similar=look)
        said = [(row.revision.entry.number, row.why) for row in refused]
        session.commit()
    flash(
        gettext("形式审核通过 %(done)s 件，未通过 %(refused)s 件", done=len(done), refused=len(refused)),
        "good" if not refused else "wait",
    )
    for number, why in said:
        flash(gettext("%(number)s：%(why)s", number=number, why=languages.said(why)), "wait")
    return redirect(url_for("reviews.index"))


@bp.post("/delegate")
@needs(Permission.REVIEW)
def delegate() -> ResponseReturnValue:
    """Give one's turns to another lead for some days."""
    form = request.form
    try:
        with services().database.write() as session:
            assignment.delegate(
                session, person(), form.get("to", ""),
                starts=_day("starts"), ends=_day("ends"), reason=form.get("reason", ""),
            )  # fmt: skip
            session.commit()
    except Invalid as exc:
        return _list("waiting", error=exc), exc.status
    flash(gettext("已委托代审"), "good")
    return redirect(url_for("reviews.index"))


@bp.post("/delegations/<int:delegation_id>/end")
@needs(Permission.REVIEW)
def end_delegation(delegation_id: int) -> ResponseReturnValue:
    with services().database.write() as session:
        assignment.end_delegation(session, person(), delegation_id)
        session.commit()
    flash(gettext("代审已结束"), "good")
    return redirect(url_for("reviews.index"))


def _decision() -> Decision:
    try:
        return Decision(request.form.get("decision", ""))
    except ValueError as exc:
        problem = "请选择通过或退回 · approve or return"
        raise Invalid(problem, fields={"decision": problem}) from exc


def _day(field: str) -> dt.date:
    try:
        return dt.date.fromisoformat(request.form.get(field, ""))
    except ValueError as exc:
        problem = "请写成 2026-11-23 · a date"
        raise Invalid(problem, fields={field: problem}) from exc


def _list(tab: str, *, error: KBError | None = None) -> str:
    by = person()
    may_review = by.may(Permission.REVIEW)
    page = min(max(1, request.args.get("page", 1, type=forms.whole)), LAST_PAGE)
    with services().database.read() as session:
        waiting = reviews.in_review(session, by)
        tabs = {"waiting": reviews.turns(session, by, waiting)} if may_review else {}
        tabs |= {"written": entries.written_by(session, by), "all": waiting}
        tab = tab if tab in tabs else "written"
        due = _deadlines(tabs[tab])
        rows = sorted(tabs[tab], key=lambda row: _by_deadline(row, due[row.id]))[(page - 1) * PAGE_SIZE :]
        return render_template(
            "reviews/index.html",
            tab=tab,
            counts={name: len(found) for name, found in tabs.items()},
            revisions=rows[:PAGE_SIZE],
            page=page,
            more=len(rows) > PAGE_SIZE,
            due=due,
            escalated=reviews.escalated(session, rows[:PAGE_SIZE]),
            now=clock.now(),
            doubted=doubts.questioned(session, by) if tab != "written" else [],
            delegations=assignment.delegations(session, by) if may_review else [],
            deputies=lists.reviewers(session, by) if may_review and tab == "waiting" else [],
            error=error,
            fields=getattr(error, "fields", {}),
            typed=request.form if error else {},
        )


def _deadlines(rows: list[Revision]) -> dict[int, dt.datetime | None]:
    """Until when is each to be decided on? None for what does not wait."""
    days, calendar = services().settings.review_days, services().calendar()
    return {row.id: reviews.due(row, days, calendar) for row in rows}


def _by_deadline(revision: Revision, due: dt.datetime | None) -> tuple[bool, dt.datetime, int]:
    """What waits before what does not, then what is due first, then what came first."""
    since = revision.submitted_at or revision.created_at
    return due is None, due or since, revision.id


@dataclass(frozen=True)
class Comparison:
    """What a revision changes of the published one."""

    published: int
    attributes: list[lists.Difference]
    sections: dict[str, difference.Section]  # those that differ, by title
    gone: list[difference.Section]

    @property
    def moved(self) -> list[str]:
        return [title for title, section in self.sections.items() if section.moved]


def _comparison(session: Session, revision: Revision) -> Comparison | None:
    published = revision.entry.published
    if published is None or revision.number <= published.number:
        return None  # an earlier one changes nothing of what came after it
    store = services().store
    before, after = entries.text_of(store, published), entries.text_of(store, revision)
    kept = {section.title for section in documents.sections(after)}
    found = [one for one in difference.sections(before, after, words.cut) if one.differs]
    return Comparison(
        published.number,
        lists.changed_attributes(session, published.read_attributes(), revision.read_attributes()),
        {one.title: one for one in found if one.title in kept},
        [one for one in found if one.title not in kept],
    )


@dataclass(frozen=True)
class Agreement:
    """Something that the solution names: does the incident say it, too?"""

    what: str
    value: str
    said: bool


def _agreement(incident: Incident | None, attributes: Attributes, body: str) -> list[Agreement]:
    """Devices, codes and the ways of saying it, marked by whether the incident's words have them."""
    if incident is None:
        return []
    said = f"{incident.title}\n{incident.description}".casefold()
    named = [(gettext("设备"), device) for device in attributes.devices] + [
        (gettext("错误码"), code.code) for code in attributes.error_codes
    ]
    of_incident = words.words(said)
    symptoms = documents.symptoms(body)
    return [Agreement(what, value, value.casefold() in said) for what, value in named] + [
        Agreement(gettext("现象"), line, bool(of_incident & words.words(line))) for line in symptoms[:6]
    ]


def _page(revision_id: int, *, error: KBError | None = None) -> str:
    by, store = person(), services().store
    look = similar()
    remembered = cache(look) if look else None  # the pre-check and the list below it ask the same
    with services().database.read() as session:
        revision = lists.submitted_revision(session, by, revision_id)
        read, text = reading.read(store, by, revision), entries.text_of(store, revision)
        waiting = revision.state in WAITING_REVISION and not revision.scheduled
        number, title = revision.entry.number, read.attributes.title
        return render_template(
            "reviews/show.html",
            revision=revision,
            entry=revision.entry,
            incident=revision.incident,
            agreement=_agreement(revision.incident, read.attributes, text),
            reading=read,
            owner=lists.unit_name(session, read.attributes.owner_group),
            related=lists.related(session, by, read.attributes.related),
            comparison=_comparison(session, revision),
            checks=precheck.run(session, store, revision, remembered),
            alike=precheck.alike(number, title, text, remembered) if remembered else [],
            impact=validity.impact(session, by, revision.entry) if revision.entry.published else None,
            few=FEW,
            decided={review.part: review for review in revision.reviews},
            waiting=waiting,
            due=reviews.due(revision, services().settings.review_days, services().calendar()),
            leads=assignment.able_leads(session, revision) if waiting else [],
            doubts=doubts.open_doubts(session, revision.entry),
            history=[row for row in audit.history(session, revision) if row.action in _OF_REVIEW],
            now=clock.now(),
            mine=revision.author_id == by.id,
            error=error,
            fields=getattr(error, "fields", {}),
            typed=request.form if error else {},
        )
