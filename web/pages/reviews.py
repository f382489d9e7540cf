"""Two decisions on each revision: does it describe the incident right, and are its attributes right?"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kb import documents, entries, precheck
from kb.access import Permission
from kb.errors import Conflict, Invalid, KBError
from kb.lifecycle import WAITING_REVISION, Decision, Part
from kb.models import Revision
from web import lists, reading
from web.context import needs, person, services, similar

bp = Blueprint("reviews", __name__, url_prefix="/reviews")


@bp.get("")
@needs(Permission.WRITE_ENTRIES)
def index() -> ResponseReturnValue:
    by = person()
    tab = request.args.get("tab", "waiting" if by.may(Permission.REVIEW) else "written")
    with services().database.read() as session:
        if tab == "waiting" and by.may(Permission.REVIEW):
            rows = entries.review_queue(session, by)
        elif tab == "all":
            rows = lists.waiting_revisions(session, by)
        else:
            tab, rows = "written", entries.written_by(session, by)
        return render_template("reviews/index.html", tab=tab, revisions=rows)


@bp.get("/<int:revision_id>")
@needs(Permission.REVIEW)
def show(revision_id: int) -> ResponseReturnValue:
    return _page(revision_id), 200


@bp.post("/<int:revision_id>/<any(content, formal):part>")
@needs(Permission.REVIEW)
def decide(revision_id: int, part: str) -> ResponseReturnValue:
    look = similar()
    try:
        decision = _decision()
        with services().database.write() as session:
            revision = lists.submitted_revision(session, person(), revision_id)
            entries.decide(
                session, services().store, person(), revision, Part(part), decision,
                reason=request.form.get("reason", ""), similar=look,
            )  # fmt: skip
            number, state = revision.entry.number, revision.state
            session.commit()
    except (Conflict, Invalid) as exc:
        return _page(revision_id, error=exc), exc.status
    if state in WAITING_REVISION:
        return redirect(url_for("reviews.show", revision_id=revision_id))
    flash(f"{number} 两项审核通过，已发布" if state == "approved" else f"{number} 已退回作者", "good")
    return redirect(url_for("reviews.index"))


def _decision() -> Decision:
    try:
        return Decision(request.form.get("decision", ""))
    except ValueError as exc:
        problem = "请选择通过或退回 · approve or return"
        raise Invalid(problem, fields={"decision": problem}) from exc


@dataclass(frozen=True)
class Comparison:
    """What a revision changes of the published one."""

    published: int
    attributes: list[lists.Difference]
    sections: set[str]  # titles of sections that are new or changed
    gone: list[str]


def _comparison(session: Session, revision: Revision) -> Comparison | None:
    published = revision.entry.published
    if published is None or revision.number <= published.number:
        return None  # an earlier one changes nothing of what came after it
    store = services().store
    before = {s.title: s.text for s in documents.sections(entries.text_of(store, published))}
    after = {s.title: s.text for s in documents.sections(entries.text_of(store, revision))}
    return Comparison(
        published.number,
        lists.changed_attributes(session, published.read_attributes(), revision.read_attributes()),
        {title for title, text in after.items() if before.get(title) != text},
        [title for title in before if title not in after],
    )


def _page(revision_id: int, *, error: KBError | None = None) -> str:
    by = person()
    with services().database.read() as session:
        revision = lists.submitted_revision(session, by, revision_id)
        read = reading.read(services().store, by, revision)
        return render_template(
            "reviews/show.html",
            revision=revision,
            entry=revision.entry,
            incident=revision.incident,
            reading=read,
            owner=lists.unit_name(session, read.attributes.owner_group),
            related=lists.related(session, by, read.attributes.related),
            comparison=_comparison(session, revision),
            checks=precheck.run(session, services().store, revision, similar()),
            decided={review.part: review for review in revision.reviews},
            parts=list(Part),
            waiting=revision.state in WAITING_REVISION,
            mine=revision.author_id == by.id,
            error=error,
            fields=getattr(error, "fields", {}),
            typed=request.form if error else {},
        )
