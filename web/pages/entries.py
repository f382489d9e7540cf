"""One piece of knowledge, as this person may read it: text, attributes, files, versions, and who relies on it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import PurePosixPath

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import captured, doubts, entries, selfhelp, validity
from kb.access import Permission, Person
from kb.documents import Kind
from kb.errors import Conflict, IndexUnavailable, Invalid, KBError, NotAllowed, NotFound
from kb.lifecycle import DONE_INCIDENT, EntryState, RevisionState
from kb.models import Entry, Incident, Revision
from web import forms, lists, reading
from web.context import SANDBOX, asker, needs, person, services
from web.search import Related

bp = Blueprint("entries", __name__, url_prefix="/entries")
PAGE_SIZE = 30  # entries
_REMEMBERED = 30  # revisions that a browser has said to have helped
LAST_PAGE = 100_000  # nobody turns that many pages, and SQLite counts no further than 64 bits

# What a browser may show; everything else is handed over as a file. Decided by the name, never by what was uploaded.
_SHOWN = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".txt": "text/plain; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
}


@bp.get("")
def index() -> ResponseReturnValue:
    """Published entries, newest first: for whoever would rather look than ask."""
    kind = request.args.get("kind", "")
    page = min(max(1, request.args.get("page", 1, type=int)), LAST_PAGE)
    with services().database.read() as session:
        found = entries.listing(session, person(), kind=kind, limit=PAGE_SIZE + 1, offset=(page - 1) * PAGE_SIZE)
        counts = lists.categories(session, person())
        return render_template(
            "entries/index.html",
            entries=found[:PAGE_SIZE],
            kind=kind,
            page=page,
            more=len(found) > PAGE_SIZE,
            categories=counts,
        )


@bp.get("/<number>")
def show(number: str) -> ResponseReturnValue:
    with services().database.read() as session:
        entry = entries.find(session, person(), number)
        page = _page(session, entry, entry.published or _newest(session, entry))
    token, rank = request.args.get("s", "")[:16], request.args.get("r", 0, type=forms.whole)
    if token and 0 < rank <= LAST_PAGE:  # opened from a page of results
        services().searches.opened(asker(), token, entry.id, rank)
    return page


@bp.post("/<number>/helped")
def helped(number: str) -> ResponseReturnValue:
    """A subscriber says that a step helped: counted once for each browser and revision."""
    with services().database.write() as session:
        revision = entries.find(session, person(), number).published
        steps = (
            selfhelp.steps(Kind(revision.entry.kind), entries.text_of(services().store, revision)) if revision else None
        )
        tried = request.form.get("step", 0, type=forms.whole)
        if revision is None or steps is None or not 0 < tried <= len(steps.steps):
            raise NotFound(f"{number} 没有这一步 · no such step", number=number)
        said = cookie.get("helped", [])
        if person().id is None and revision.id not in said:
            selfhelp.helped(session, revision, tried)
            session.commit()
            cookie["helped"] = [*said, revision.id][-_REMEMBERED:]
    return redirect(url_for("entries.show", number=number, step=tried, good=1))


@bp.post("/<number>/captured/<int:captured_id>/remove")
@needs(Permission.TEND_CAPTURED)
def remove_captured(number: str, captured_id: int) -> ResponseReturnValue:
    with services().database.write() as session:
        entry = entries.find(session, person(), number)
        captured.remove(session, person(), entry, captured_id, reason=request.form.get("reason", ""))
        session.commit()
    flash(gettext("已去掉，稍后检索不再按它匹配"), "good")
    return redirect(url_for("entries.show", number=number))


@bp.post("/<number>/question")
@needs(Permission.WRITE_ENTRIES)
def question(number: str) -> ResponseReturnValue:
    """Something speaks against what is published."""
    return _about(
        number,
        lambda session, entry: doubts.question(session, person(), entry, request.form.get("evidence", "")),
        gettext("已标记存疑，并进入审核列表"),
    )


@bp.post("/<number>/confirm")
@needs(Permission.REVIEW)
def confirm(number: str) -> ResponseReturnValue:
    """It is right all the same."""
    return _about(
        number,
        lambda session, entry: doubts.confirm(session, person(), entry, reason=request.form.get("reason", "")),
        gettext("已确认仍然正确"),
    )


def _about(number: str, step: Callable[[Session, Entry], object], done: str) -> ResponseReturnValue:
    try:
        with services().database.write() as session:
            step(session, entries.find(session, person(), number))
            session.commit()
    except (Conflict, Invalid, NotAllowed) as exc:
        with services().database.read() as session:
            entry = entries.find(session, person(), number)
            return _page(session, entry, entry.published or _newest(session, entry), exc), exc.status
    flash(done, "good")
    return redirect(url_for("entries.show", number=number))


@bp.get("/<number>/revisions/<int:revision_number>")
def revision(number: str, revision_number: int) -> ResponseReturnValue:
    with services().database.read() as session:
        found = entries.find_revision(session, person(), number, revision_number)
        return _page(session, found.entry, found)


@bp.get("/<number>/revisions/<int:revision_number>/attachments/<path:filename>")
def attachment(number: str, revision_number: int, filename: str) -> ResponseReturnValue:
    """A file, to whoever may read the revision it belongs to."""
    store = services().store
    with services().database.read() as session:
        found = entries.find_revision(session, person(), number, revision_number)
        wanted = next((file for file in found.attachments if file.filename == filename), None)
        if wanted is None or not reading.may_open(store, person(), wanted):
            raise NotFound(f"{number} 没有附件 {filename} · no such attachment", number=number)
        data = store.get(wanted.sha256)
    shown = _SHOWN.get(PurePosixPath(filename).suffix.lower())
    response = send_file(
        io.BytesIO(data),
        mimetype=shown or "application/octet-stream",
        as_attachment=shown is None,
        download_name=filename,  # sent as RFC 8187 has it: a header in Chinese characters is no header
    )
    response.headers["Content-Security-Policy"] = SANDBOX
    return response


def _newest(session: Session, entry: Entry) -> Revision:
    found = lists.revisions(session, person(), entry)
    if not found:
        raise NotFound(f"没有词条 {entry.number}，或您无权查看 · no such entry, or not for you to see")
    return found[0]


def _alike(by: Person, entry: Entry) -> list[Related]:
    """What else to read; a page without it is better than none."""
    try:
        return services().search.related(by, entry.number)
    except IndexUnavailable:
        return []


def _working(session: Session, by: Person) -> Incident | None:
    """The incident from which the entry was opened, for staff."""
    number = request.args.get("incident", "")[:20]
    if not number or not by.may(Permission.HANDLE_INCIDENTS):
        return None
    return session.scalar(select(Incident).where(Incident.number == number))


def _page(session: Session, entry: Entry, shown: Revision, error: KBError | None = None) -> str:
    by = person()
    staff = by.may(Permission.READ_STAFF)
    read = reading.read(services().store, by, shown)
    revisions = lists.revisions(session, by, entry) if staff else []
    opened = next((row for row in revisions if row.state in ("draft", "submitted", "in_review")), None)
    successor = lists.related(session, by, [entry.successor.number]) if entry.successor else []
    working = _working(session, by)
    return render_template(
        "entries/show.html",
        entry=entry,
        revision=shown,
        reading=read,
        owner=lists.unit_name(session, read.attributes.owner_group),
        related=lists.related(session, by, read.attributes.related),
        revisions=revisions,
        opened=opened,
        impact=validity.impact(session, by, entry) if staff else None,
        alone=selfhelp.tally(session, by, entry=entry) if staff else None,
        tried=request.args.get("step", 0, type=forms.whole),
        captured=captured.newest(session, entry) if by.may(Permission.TEND_CAPTURED) else [],
        standing=entries.standing(session, entry) if staff else "",
        doubts=doubts.open_doubts(session, entry) if staff else [],
        alike=_alike(by, entry) if shown.id == entry.published_revision_id else [],
        successor=successor[0] if successor else None,
        expired=entry.state == EntryState.PUBLISHED and not entries.find_visible(session, by, [entry.number]),
        outdated=shown.id != entry.published_revision_id and entry.published_revision_id is not None,
        mine=shown.author_id == by.id and by.id is not None,
        working=working,
        linkable=working is not None
        and entry.kind == Kind.SOLUTION
        and shown.id == entry.published_revision_id
        and entry.state == EntryState.PUBLISHED
        and working.state not in DONE_INCIDENT
        and working.solution_entry_id != entry.id,
        RevisionState=RevisionState,
        back=url_for("entries.show", number=entry.number),
        error=error,
        fields=getattr(error, "fields", {}),
        typed=request.form if error else {},
    )
