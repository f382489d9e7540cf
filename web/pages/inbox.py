"""What has happened that concerns me, and which of it have I not read?"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from kb import notices
from kb.access import Permission
from kb.lifecycle import RevisionState
from kb.models import Change, Entry, Incident, Problem, Revision, User
from kb.notices import Item
from web import forms
from web.context import needs, person, services

bp = Blueprint("inbox", __name__, url_prefix="/inbox")
SHOWN = 100  # notices on the page; the oldest read ones are left out


@bp.get("")
@needs(Permission.READ_STAFF)
def show() -> ResponseReturnValue:
    by = person()
    with services().database.read() as session:
        items = notices.inbox(session, by, limit=SHOWN)
        newest = max((item.notice.id for item in items), default=0)
        return render_template("inbox/show.html", items=items, newest=newest, link=link)


@bp.post("/read")
@needs(Permission.READ_STAFF)
def read() -> ResponseReturnValue:
    """Mark one notice read, or all that the page showed: what came meanwhile stays unread."""
    one, until = request.form.get("id", type=forms.whole), request.form.get("until", type=forms.whole)
    if one is not None or until is not None:
        with services().database.write() as session:
            notices.mark_read(session, person(), None if one is None else [one], until=until)
            session.commit()
    return redirect(url_for("inbox.show"))


def link(item: Item) -> str:
    """The page of the record that a notice is about; "" for none that its reader may open."""
    record, by = item.record, person()
    if isinstance(record, Incident):
        return url_for("incidents.show", number=record.number)
    if isinstance(record, Entry):
        return url_for("entries.show", number=record.number)
    if isinstance(record, Revision):
        if record.author_id != by.id and record.submitted_at is not None and by.may(Permission.REVIEW):
            return url_for("reviews.show", revision_id=record.id)
        if record.state == RevisionState.DRAFT and record.author_id == by.id:
            return url_for("drafts.edit", number=record.entry.number)
        return url_for("entries.revision", number=record.entry.number, revision_number=record.number)
    if isinstance(record, Problem):
        return url_for("problems.show", number=record.number)
    if isinstance(record, Change):
        return url_for("changes.show", number=record.number)
    if isinstance(record, User):
        return url_for("account.show" if record.id == by.id else "reviews.index")
    return ""


def unread() -> int:
    """The number beside the link in the header; 0 when nobody is signed in. A page of errors must not fail for it."""
    if person().id is None:
        return 0
    try:
        with services().database.read() as session:
            return notices.unread(session, person())
    except SQLAlchemyError:
        return 0
