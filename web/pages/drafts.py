"""Writing: look first whether it is known, then draft, save, attach, hand in, take back, revise, withdraw."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kb import documents, entries, incidents, library, precheck
from kb.access import Permission, Person
from kb.documents import Kind
from kb.errors import BadQuery, IndexUnavailable, Invalid, KBError, NotAllowed, NotFound, StaleVersion
from kb.models import Incident, Revision
from web import forms, lists
from web.context import needs, person, services, similar

bp = Blueprint("drafts", __name__, url_prefix="/entries")
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
            "body": _template(kind),
        }
        return _new_form(values | {"audience": "staff"}, kind)
    page, problem = None, ""
    if words:
        try:
            page = services().search.search(person(), words, limit=BEFORE_CREATE)
        except (BadQuery, IndexUnavailable) as exc:
            problem = exc.message
    return render_template("entries/before_new.html", words=words, kind=kind, page=page, problem=problem)


@bp.post("/new")
@needs(Permission.WRITE_ENTRIES)
def create() -> ResponseReturnValue:
    values = forms.typed(request.form)
    try:
        attributes = forms.read_attributes(values)
        with services().database.write() as session:
            incident = _incident(session, person(), request.form.get("incident", ""))
            if incident is not None:
                incidents.check_version(incident, request.form.get("version", 0, type=int))
                revision = incidents.write_solution(session, person(), incident, attributes, values["body"])
            else:
                revision = entries.create(session, person(), attributes, values["body"])
            number = revision.entry.number
            session.commit()
    except (Invalid, StaleVersion) as exc:
        return _new_form(values, _kind(values["kind"]), exc)
    flash(f"已建立 {number}。检查无误后提交审核", "good")
    return redirect(url_for("drafts.edit", number=number))


@bp.get("/<number>/edit")
@needs(Permission.WRITE_ENTRIES)
def edit(number: str) -> ResponseReturnValue:
    with services().database.read() as session:
        revision = _open(session, number)
        _require_author(revision)
        values = forms.values_of(revision.read_attributes(), entries.text_of(services().store, revision))
        return _edit_page(session, revision, values, version=revision.version)


@bp.post("/<number>/edit")
@needs(Permission.WRITE_ENTRIES)
def save(number: str) -> ResponseReturnValue:
    values = forms.typed(request.form)
    version = request.form.get("version", 0, type=int)
    try:
        attributes = forms.read_attributes(values)
        with services().database.write() as session:
            revision = _open(session, number)
            entries.save(session, person(), revision, attributes, values["body"], version=version)
            if request.form.get("then") == "submit":
                entries.submit(session, person(), revision)
            session.commit()
    except StaleVersion as exc:
        return _compare(number, values, exc)
    except Invalid as exc:
        with services().database.read() as session:
            return _edit_page(session, _open(session, number), values, version=version, error=exc), exc.status
    if request.form.get("then") == "submit":
        flash("已提交审核", "good")
        return redirect(url_for("entries.revision", number=number, revision_number=revision.number))
    flash("已保存", "good")
    return redirect(url_for("drafts.edit", number=number))


@bp.post("/<number>/attachments")
@needs(Permission.WRITE_ENTRIES)
def attach(number: str) -> ResponseReturnValue:
    file = request.files.get("attachment")
    data = file.read() if file else b""
    limit = services().settings.max_upload_mb
    if len(data) > limit * 1_000_000:
        problem = f"附件最大 {limit} MB · at most {limit} MB"
        raise Invalid(problem, fields={"attachment": problem})
    name, media_type = (file.filename or "", file.mimetype) if file else ("", "")
    _on_draft(
        number,
        lambda session, revision: entries.attach(session, services().store, person(), revision, name, data, media_type),
    )
    flash("附件已加上", "good")
    return redirect(url_for("drafts.edit", number=number))


@bp.post("/<number>/submit")
@needs(Permission.WRITE_ENTRIES)
def submit(number: str) -> ResponseReturnValue:
    revision = _on_draft(number, lambda session, revision: entries.submit(session, person(), revision))
    flash("已提交审核", "good")
    return redirect(url_for("entries.revision", number=number, revision_number=revision))


@bp.post("/<number>/recall")
@needs(Permission.WRITE_ENTRIES)
def recall(number: str) -> ResponseReturnValue:
    _on_draft(number, lambda session, revision: entries.recall(session, person(), revision))
    flash("已撤回，可以继续修改", "good")
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


@bp.post("/<number>/retire")
@needs(Permission.RETIRE_ENTRIES)
def retire(number: str) -> ResponseReturnValue:
    successor_number = request.form.get("successor", "").strip()
    with services().database.write() as session:
        entry = entries.find(session, person(), number)
        successor = entries.find(session, person(), successor_number) if successor_number else None
        entries.retire(session, person(), entry, reason=request.form.get("reason", ""), successor=successor)
        session.commit()
    flash(f"{number} 已停用，检索中不再出现", "good")
    return redirect(url_for("entries.show", number=number))


# --- what they share -------------------------------------------------------------------------------------------


def incident_values(incident: Incident) -> dict[str, str]:
    """The form of a solution that is written from an incident: its words, without its people."""
    values = forms.blank() | {"kind": Kind.SOLUTION, "audience": "public"}
    body = incidents.draft_from(incident)
    said = documents.symptoms(body)
    return values | {"title": said[0] if said else "", "body": body}


def _kind(value: str) -> Kind:
    return Kind(value) if value in set(Kind) else Kind.SOLUTION


def _template(kind: Kind) -> str:
    if kind is Kind.SOLUTION:
        return "\n".join(f"## {name}\n\n" for name in documents.REQUIRED_SECTIONS)
    if kind is Kind.TOPOLOGY:
        return "```topology\nnodes:\n  - {id: N1, type: switch, name: 名称}\nlinks: []\n```\n"
    return ""


def _incident(session: Session, by: Person, number: str) -> Incident | None:
    return incidents.find(session, by, number) if number else None


def _open(session: Session, number: str) -> Revision:
    """The draft or revision in review of an entry, if this person may see it."""
    entry = entries.find(session, person(), number)
    revision = entries.open_revision(session, entry)
    if revision is None or not lists.visible_revision(person(), revision):
        raise NotFound(f"{number} 没有未完成的修订 · there is no open revision", number=number)
    return revision


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
        "categories": [(path, path) for path in library.taxonomy()],
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
        page = render_template(
            "entries/new.html",
            values=values,
            kind=kind,
            incident=incident,
            error=error,
            fields=getattr(error, "fields", {}),
            **_choices(session, values),
        )
    return page, error.status if error else 200


def _edit_page(
    session: Session, revision: Revision, values: dict[str, str], *, version: int, error: KBError | None = None
) -> str:
    return render_template(
        "entries/edit.html",
        entry=revision.entry,
        revision=revision,
        values=values,
        version=version,
        error=error,
        fields=getattr(error, "fields", {}),
        checks=[] if error else precheck.run(session, services().store, revision, similar()),
        max_upload_mb=services().settings.max_upload_mb,
        **_choices(session, values),
    )


def _compare(number: str, values: dict[str, str], error: StaleVersion) -> ResponseReturnValue:
    """Both versions side by side; saving again from here is a decision, not an accident."""
    with services().database.read() as session:
        revision = _open(session, number)
        saved = forms.values_of(revision.read_attributes(), entries.text_of(services().store, revision))
        differing = [name for name in forms.FIELDS if name != "body" and values[name].strip() != saved[name].strip()]
        lines = difflib.unified_diff(saved["body"].splitlines(), values["body"].splitlines(), lineterm="", n=2)
        page = render_template(
            "entries/compare.html",
            entry=revision.entry,
            revision=revision,
            values=values,
            saved=saved,
            differing=differing,
            lines=[(line[0], line[1:]) for line in lines][2:],  # without the two lines that name files
            version=error.latest,
            error=error,
            fields={},
            names=lists.ATTRIBUTE_NAMES,
            **_choices(session, values),
        )
    return page, error.status
