"""Writing: look first whether it is known, then draft, save, attach, hand in, take back, revise, withdraw.

The page of the editor asks `preview` while somebody types, and sends `create` (with the first picture), `save` and `attach`
by itself: a request that wants JSON gets it. Without script the same forms have buttons.
"""

from __future__ import annotations

import difflib
import re
import secrets
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import quote

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from kb import (
    clock,
    difference,
    documents,
    entries,
    incidents,
    minor,
    precheck,
    publishing,
    taxonomy,
    templates,
    validity,
)
from kb.access import Permission, Person
from kb.documents import Kind
from kb.errors import BadQuery, Conflict, IndexUnavailable, Invalid, KBError, NotAllowed, NotFound, StaleVersion
from kb.lifecycle import RevisionState
from kb.models import Entry, Incident, Revision
from web import forms, lists, reading
from web import words as wording
from web.context import needs, person, services, similar
from web.errors import wants_json
from web.labels import label
from web.search import Page

bp = Blueprint("drafts", __name__, url_prefix="/entries")
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp")  # that a browser shows
BEFORE_CREATE = 6  # hits shown before somebody writes what may be written already


@bp.get("/new")
@needs(Permission.WRITE_ENTRIES)
def new() -> ResponseReturnValue:
    """Search before create: the form opens after its author has seen what there is."""
    words, kind = request.args.get("q", "").strip(), _kind(request.args.get("kind", ""))
    if request.args.get("write"):
        values = forms.blank() | {
            "title": words[: documents.MAX_TITLE],
            "kind": kind,
            "body": templates.template(kind),
        }
        return _new_form(values | {"audience": "staff"}, kind)
    page, problem = _known(words) if words else (None, "")
    return render_template("entries/before_new.html", words=words, kind=kind, page=page, problem=problem)


@bp.post("/new")
@needs(Permission.WRITE_ENTRIES)
def create() -> ResponseReturnValue:
    values, number = forms.typed(request.form), ""
    if _looking():
        return _new_form(_filled(values), _kind(values["kind"]))
    try:
        attributes = forms.read_attributes(values)
        known, _ = _known(request.form.get("words") or attributes.title)
        with services().database.write() as session:
            revision = entries.begun(session, person(), request.form.get("form_key", ""))
            if revision is None:
                revision = _begin(session, attributes, values["body"], known)
            elif (revision.read_attributes(), revision.body) != (attributes, values["body"]):
                number = revision.entry.number  # the form was sent before, and knows of no version but the first
                entries.save(session, person(), revision, attributes, values["body"], version=1)
            number, version = revision.entry.number, revision.version
            session.commit()
    except (Conflict, Invalid) as exc:  # the incident has been closed meanwhile, say: what was typed is not lost
        if wants_json():
            raise
        if number and isinstance(exc, StaleVersion):
            return _compare(number, values, exc)
        return _new_form(values, _kind(values["kind"]), exc)
    flash(gettext("已建立 %(number)s。检查无误后提交审核", number=number), "good")
    place = url_for("drafts.edit", number=number)
    if wants_json():
        return {
            "number": number,
            "version": version,
            "place": place,
            "attach": url_for("drafts.attach", number=number),
        }
    return redirect(place)


@bp.get("/<number>/edit")
@needs(Permission.WRITE_ENTRIES)
def edit(number: str) -> ResponseReturnValue:
    with services().database.read() as session:
        revision = _open(session, number)
        _require_author(revision)
        if revision.state != RevisionState.DRAFT:  # it is taken back there, if it still can be
            flash(gettext("已提交审核，要修改请先撤回"), "wait")
            return redirect(url_for("entries.revision", number=number, revision_number=revision.number))
        return _saved_page(session, revision)


@bp.post("/<number>/edit")
@needs(Permission.WRITE_ENTRIES)
def save(number: str) -> ResponseReturnValue:
    values = forms.typed(request.form)
    version = request.form.get("version", 0, type=forms.whole)
    if _looking():
        with services().database.read() as session:
            revision = _open(session, number)
            _require_author(revision)
            return _edit_page(session, revision, _filled(values), version=version)
    try:
        attributes = forms.read_attributes(values)
        with services().database.write() as session:
            revision = _open(session, number)
            entries.save(session, person(), revision, attributes, values["body"], version=version)
            if request.form.get("then") == "submit":
                entries.submit(session, person(), revision)
            version = revision.version
            session.commit()
    except StaleVersion as exc:
        if wants_json():
            raise
        return _compare(number, values, exc)
    except (Conflict, Invalid, NotFound) as exc:  # handed in or given up elsewhere, say: what was typed is not lost
        if wants_json():
            raise
        with services().database.read() as session:
            return _edit_page(session, _last(session, number), values, version=version, error=exc), exc.status
    if wants_json():
        said = gettext("%(time)s 已自动保存", time=clock.now().astimezone(clock.LOCAL).strftime("%H:%M:%S"))
        return {"version": version, "said": said}
    if request.form.get("then") == "submit":
        flash(gettext("已提交审核"), "good")
        return redirect(url_for("entries.revision", number=number, revision_number=revision.number))
    flash(gettext("已保存"), "good")
    return redirect(url_for("drafts.edit", number=number))


@bp.post("/<number>/attachments")
@needs(Permission.WRITE_ENTRIES)
def attach(number: str) -> ResponseReturnValue:
    file = request.files.get("attachment")
    data = file.read() if file else b""
    limit = services().settings.max_upload_mb
    name, media_type = (file.filename or "", file.mimetype) if file else ("", "")
    said = gettext("附件已加上")

    def step(session: Session, revision: Revision) -> None:
        if len(data) > limit * 1_000_000:
            problem = f"附件最大 {limit} MB · at most {limit} MB"
            raise Invalid(problem, fields={"attachment": problem})
        _require_author(revision)
        nonlocal name, said
        known = entries.same_bytes(session, person(), data) if data else []
        own = next((file for file in known if file.revision_id == revision.id), None)
        if own is not None:
            name, said = own.filename, gettext("同样内容的附件已有（%(name)s），引用它，不重复存放", name=own.filename)
            return
        if wants_json():  # what is pasted is always called image.png
            name = entries.free_name(revision, name)
        name = entries.attach(session, services().store, person(), revision, name, data, media_type).filename
        elsewhere = next((file for file in known if file.revision.entry_id != revision.entry_id), None)
        if elsewhere is not None:
            said = gettext("附件已加上；同样内容 %(number)s 也在引用，只存一份", number=elsewhere.revision.entry.number)

    try:
        draft = _on_draft(number, step)
    except (Conflict, Invalid) as exc:
        if wants_json():
            raise
        with services().database.read() as session:
            revision = _open(session, number)
            _require_author(revision)
            return _saved_page(session, revision, exc), exc.status
    if wants_json():
        place = url_for("entries.attachment", number=number, revision_number=draft, filename=name)
        return {"name": name, "said": said, "place": place, "markdown": _reference(name)}
    flash(said, "good")
    return redirect(url_for("drafts.edit", number=number))


@bp.post("/preview")
@needs(Permission.WRITE_ENTRIES)
def preview() -> ResponseReturnValue:
    """What is typed, as it will be read, and what the machine says of it: for the page, while somebody types."""
    values, number = forms.typed(request.form), request.form.get("number", "")
    with services().database.read() as session:
        revision = _open(session, number) if number else None
        return {
            "preview": render_template("entries/_preview.html", preview=_preview(session, values, revision)),
            "checks": render_template("entries/_checks.html", **_checked(session, values, revision)),
        }


@bp.post("/<number>/submit")
@needs(Permission.WRITE_ENTRIES)
def submit(number: str) -> ResponseReturnValue:
    revision = _on_draft(number, lambda session, revision: entries.submit(session, person(), revision))
    flash(gettext("已提交审核"), "good")
    return redirect(url_for("entries.revision", number=number, revision_number=revision))


@bp.post("/<number>/recall")
@needs(Permission.WRITE_ENTRIES)
def recall(number: str) -> ResponseReturnValue:
    _on_draft(number, lambda session, revision: entries.recall(session, services().store, person(), revision))
    flash(gettext("已撤回，可以继续修改"), "good")
    return redirect(url_for("drafts.edit", number=number))


@bp.post("/<number>/discard")
@needs(Permission.WRITE_ENTRIES)
def discard(number: str) -> ResponseReturnValue:
    """Its author gives a draft up, or a lead somebody else's unfinished one."""
    with services().database.write() as session:
        entry = entries.find(session, person(), number)
        opened = entries.open_revision(session, entry)
        if opened is None:
            raise NotFound(f"{number} 没有未完成的修订 · no revision is open")
        entries.discard(session, person(), opened, reason=request.form.get("reason", ""))
        session.commit()
    flash(gettext("已放弃这份修订，文字留在版本记录里"), "good")
    return redirect(url_for("entries.show", number=number))


@bp.post("/<number>/detach")
@needs(Permission.WRITE_ENTRIES)
def detach(number: str) -> ResponseReturnValue:
    name = request.form.get("filename", "")
    _on_draft(number, lambda session, revision: entries.detach(session, person(), revision, name))
    flash(gettext("已去掉附件 %(name)s", name=name), "good")
    return redirect(url_for("drafts.edit", number=number))


@bp.post("/<number>/revise")
@needs(Permission.WRITE_ENTRIES)
def revise(number: str) -> ResponseReturnValue:
    with services().database.write() as session:
        entry = entries.find(session, person(), number)
        entries.find_revision(session, person(), number, entries.newest_revision(session, entry).number)
        entries.revise(session, services().store, person(), entry, note=request.form.get("note", "").strip())
        session.commit()
    return redirect(url_for("drafts.edit", number=number))


@bp.post("/<number>/revisions/<int:revision_number>/restore")
@needs(Permission.WRITE_ENTRIES)
def restore(number: str, revision_number: int) -> ResponseReturnValue:
    """Begin a draft with the text of an earlier revision."""
    with services().database.write() as session:
        entry = entries.find(session, person(), number)
        entries.restore(session, services().store, person(), entry, revision_number)
        session.commit()
    return redirect(url_for("drafts.edit", number=number))


@bp.route("/<number>/correct", methods=["GET", "POST"])
@needs(Permission.CORRECT)
def correct(number: str) -> ResponseReturnValue:
    """Put a slip of the pen right, without a review."""
    error: KBError | None = None
    if request.method == "POST":
        try:
            with services().database.write() as session:
                publishing.correct(
                    session, services().store, person(), entries.find(session, person(), number),
                    forms.clean(request.form.get("body", "")),
                    base=request.form.get("base", 0, type=forms.whole), sounds=wording.sounds,
                )  # fmt: skip
                session.commit()
        except (Conflict, Invalid) as exc:
            error = exc
        else:
            flash(gettext("已小改并发布，原审核人会收到告知"), "good")
            return redirect(url_for("entries.show", number=number))
    with services().database.read() as session:
        entry = entries.find(session, person(), number)
        if entry.published is None:
            raise NotFound(f"{number} 没有已发布的版本 · nothing published")
        text = entries.text_of(services().store, entry.published)
        typed = forms.clean(request.form["body"]) if error else text
        page = render_template(
            "entries/correct.html",
            entry=entry,
            base=entry.published.number,
            values={"body": typed},
            pieces=difference.compare(text, typed, wording.cut) if error else [],
            most=minor.MOST_CHANGED,
            error=error,
            fields=_fields(error),
        )
    return page, error.status if error else 200


@bp.post("/<number>/retire")
@needs(Permission.RETIRE_ENTRIES)
def retire(number: str) -> ResponseReturnValue:
    try:
        with services().database.write() as session:
            entry = entries.find(session, person(), number)
            successor = _successor(session, request.form.get("successor", "").strip())
            validity.retire(session, person(), entry, reason=request.form.get("reason", ""), successor=successor)
            session.commit()
    except (Conflict, Invalid) as exc:
        with services().database.read() as session:
            entry = entries.find(session, person(), number)
            page = render_template(
                "entries/retire.html", entry=entry, values=request.form, error=exc, fields=_fields(exc)
            )
        return page, exc.status
    flash(gettext("%(number)s 已停用，检索中不再出现", number=number), "good")
    return redirect(url_for("entries.show", number=number))


# --- what they share -------------------------------------------------------------------------------------------


def incident_values(incident: Incident) -> dict[str, str]:
    """The form of a solution that is written from an incident: its words, without its people."""
    values = forms.blank() | {"kind": Kind.SOLUTION, "audience": "public"}
    body = incidents.draft_from(incident)
    said = documents.symptoms(body)
    return values | {"title": said[0] if said else "", "body": body}


def _begin(session: Session, attributes: documents.Attributes, body: str, known: Page | None) -> Revision:
    """The first draft of an entry, of an incident if the form is of one, with the reason why what is known will not do."""
    by, key = person(), request.form.get("form_key", "")
    incident = _incident(session, by, request.form.get("incident", ""))
    if incident is None:
        revision = entries.create(session, by, attributes, body, form_key=key)
    else:
        incidents.check_version(incident, request.form.get("version", 0, type=forms.whole))
        revision = incidents.write_solution(session, by, incident, attributes, body, form_key=key)
    entries.say_why_new(by, revision, request.form.get("why_new", ""), hits=len(known.hits) if known else 0)
    return revision


def _known(words: str) -> tuple[Page | None, str]:
    """What there is already, before somebody writes it anew; or why nobody can say."""
    try:
        return services().search.search(person(), words, limit=BEFORE_CREATE), ""
    except (BadQuery, IndexUnavailable) as exc:
        return None, exc.message


def _kind(value: str) -> Kind:
    return Kind(value) if value in set(Kind) else Kind.SOLUTION


def _looking() -> bool:
    """Is this a button that shows or fills the form and saves nothing?"""
    return request.form.get("then") in ("preview", "template")


def _filled(values: dict[str, str]) -> dict[str, str]:
    """What was typed; a template where no text was."""
    empty = request.form.get("then") == "template" and not values["body"].strip()
    return values | {"body": templates.template(_kind(values["kind"]))} if empty else values


def _preview(session: Session, values: dict[str, str], revision: Revision | None) -> reading.Preview:
    return reading.preview(session, person(), _kind(values["kind"]), values["body"][: documents.MAX_BODY], revision)


def _checked(session: Session, values: dict[str, str], revision: Revision | None) -> dict[str, object]:
    """What the machine says of what is typed, or which fields it cannot read."""
    about = precheck.About(author_id=person().id)
    if revision is not None:
        about = precheck.About(revision.entry.number, revision.author_id, revision.attachments)
    try:
        attributes = forms.read_attributes(values)
    except Invalid as exc:
        return {"unreadable": exc.fields, "checks": []}
    body = values["body"][: documents.MAX_BODY]
    return {"unreadable": {}, "checks": precheck.check(session, services().store, about, attributes, body, similar())}


def _reference(name: str) -> str:
    """The Markdown that shows an attached image, or leads to an attached file."""
    path = PurePosixPath(name)
    mark = "!" if path.suffix.lower() in IMAGES else ""
    said = re.sub(r"[^\w .-]", "", path.stem)
    return f"{mark}[{said}](attachments/{quote(name)})"


def _incident(session: Session, by: Person, number: str) -> Incident | None:
    return incidents.find(session, by, number) if number else None


def _successor(session: Session, number: str) -> Entry | None:
    """The entry typed as the successor; a number that is none is a mistake in that field."""
    try:
        return entries.find(session, person(), number) if number else None
    except NotFound as exc:
        raise Invalid(exc.message, fields={"successor": exc.message}) from exc


def _open(session: Session, number: str) -> Revision:
    """The draft or revision in review of an entry, if this person may see it."""
    entry = entries.find(session, person(), number)
    revision = entries.open_revision(session, entry)
    if revision is None or not entries.may_see_revision(person(), revision):
        raise NotFound(f"{number} 没有未完成的修订 · there is no open revision", number=number)
    return revision


def _last(session: Session, number: str) -> Revision:
    """The open revision of an entry, or the newest where none is open any more, if this person may see it."""
    entry = entries.find(session, person(), number)
    revision = entries.open_revision(session, entry) or entries.newest_revision(session, entry)
    return entries.find_revision(session, person(), number, revision.number)


def _require_author(revision: Revision) -> None:
    if revision.author_id != person().id:
        raise NotAllowed("只有作者可以这样做 · only the author may do this")


def _on_draft(number: str, step: Callable[[Session, Revision], object]) -> int:
    with services().database.write() as session:
        revision = _open(session, number)
        step(session, revision)
        session.commit()
        return revision.number


def _choices(session: Session, values: dict[str, str]) -> dict[str, object]:
    return {
        "categories": [(path, path) for path in taxonomy.paths(session, also=values["category"])],
        "owner_groups": [
            (unit.key, unit.name) for unit in lists.owner_groups(session, person(), values["owner_group"])
        ],
    }


def _new_form(values: dict[str, str], kind: Kind, error: KBError | None = None) -> ResponseReturnValue:
    number = request.values.get("incident", "")
    with services().database.read() as session:
        incident = _incident(session, person(), number)
        if incident is not None and not error:
            values = incident_values(incident)
        looked_for = request.values.get("words") or request.values.get("q", "") or values["title"]
        known, problem = _known(looked_for) if looked_for else (None, "")
        page = render_template(
            "entries/new.html",
            values=values,
            kind=kind,
            incident=incident,
            words=looked_for,
            known=known,
            problem=problem,
            why_new=request.form.get("why_new", ""),
            form_key=request.form.get("form_key") or secrets.token_urlsafe(16),
            error=error,
            fields=_fields(error),
            preview=_preview(session, values, None) if _looking() else None,
            **(_checked(session, values, None) if _looking() else {"unreadable": {}, "checks": []}),
            **_choices(session, values),
        )
    return page, error.status if error else 200


def _saved_page(session: Session, revision: Revision, error: KBError | None = None) -> str:
    """The form with what is saved."""
    values = forms.values_of(revision.read_attributes(), entries.text_of(services().store, revision))
    return _edit_page(session, revision, values, version=revision.version, error=error)


def _fields(error: KBError | None) -> dict[str, str]:
    return error.fields if isinstance(error, Invalid) else {}


def _edit_page(
    session: Session, revision: Revision, values: dict[str, str], *, version: int, error: KBError | None = None
) -> str:
    checks = [] if error or _looking() else precheck.run(session, services().store, revision, similar())
    return render_template(
        "entries/edit.html",
        entry=revision.entry,
        revision=revision,
        values=values,
        version=version,
        error=error,
        fields=_fields(error),
        preview=_preview(session, values, revision) if _looking() else None,
        **(_checked(session, values, revision) if _looking() else {"unreadable": {}, "checks": checks}),
        max_upload_mb=services().settings.max_upload_mb,
        **_choices(session, values),
    )


def _compare(number: str, values: dict[str, str], error: StaleVersion) -> ResponseReturnValue:
    """Both versions side by side; saving again from here is a decision, not an accident."""
    with services().database.read() as session:
        revision = _open(session, number)
        saved = forms.values_of(revision.read_attributes(), entries.text_of(services().store, revision))
        differing = [
            (label(name, "field"), *(lists.shown(session, name, version[name].strip()) for version in (saved, values)))
            for name in forms.FIELDS
            if name != "body" and values[name].strip() != saved[name].strip()
        ]
        lines = difflib.unified_diff(saved["body"].splitlines(), values["body"].splitlines(), lineterm="", n=2)
        page = render_template(
            "entries/compare.html",
            entry=revision.entry,
            revision=revision,
            values=values,
            differing=differing,
            lines=[(line[0], line[1:]) for line in lines][2:],  # without the two lines that name files
            version=error.latest,
            saved=saved,
            error=error,
            fields={},
            **_choices(session, values),
        )
    return page, error.status
