"""What does this installation change of the dictionary, what would that do, and what is in use?

One page for whoever looks after the words: the working copy, what is proposed, a preview, versions and their history.
Whatever is refused comes back with what was typed, line by line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from indexer import workbench
from indexer.workbench import Preview
from kb import dictionary
from kb.access import Permission, Person
from kb.dictionary_lines import LineKind, write_file
from kb.errors import Conflict, IndexUnavailable, Invalid, KBError, NotFound, StaleVersion
from web import labels
from web.context import needs, person, services
from web.forms import clean, whole
from web.pages.admin import JobState, rebuild_job
from web.services import Services

bp = Blueprint("dictionary", __name__, url_prefix="/admin/dictionary")


@bp.get("")
@needs(Permission.OPERATE)
def show() -> ResponseReturnValue:
    return _page(values=request.args.to_dict())


@bp.get("/preview")
@needs(Permission.OPERATE)
def preview() -> ResponseReturnValue:
    """What would the working copy change?"""
    try:
        found = services().preview_dictionary()
    except IndexUnavailable as exc:
        return _page(error=exc), exc.status
    return _page(preview=found)


@bp.post("/edit")
@needs(Permission.OPERATE)
def edit() -> ResponseReturnValue:
    """Add the lines that were typed, or take them out: all or none."""
    form = request.form
    kind, text, reason = _kind(form.get("kind", "")), clean(form.get("lines", "")), form.get("reason", "")
    here = services()
    try:
        with here.database.write() as session:
            known = workbench.known(session, here.generations)
            seen = form.get("version", type=whole)
            if form.get("do") == "remove":
                for line in filter(str.strip, text.splitlines()):
                    dictionary.remove(session, person(), kind, line, reason=reason, known=known, version=seen)
                    seen = None  # what follows rests on our own change
            else:
                dictionary.add(session, person(), kind, text, reason=reason, known=known, version=seen)
            session.commit()
    except (Invalid, Conflict, NotFound) as exc:
        return _page(error=exc, values=form.to_dict() | {"lines": text}), exc.status
    flash(gettext("已保存到工作副本，启用后才生效"), "good")
    return redirect(url_for("dictionary.show"))


@bp.post("/import")
@needs(Permission.OPERATE)
def take_in() -> ResponseReturnValue:
    """Make the working copy what a text says."""
    form, here = request.form, services()
    text = clean(form.get("file", ""))
    try:
        with here.database.write() as session:
            known = workbench.known(session, here.generations)
            reason, seen = form.get("reason", ""), form.get("version", type=whole)
            came, went = dictionary.replace(session, person(), text, reason=reason, known=known, version=seen)
            session.commit()
    except (Invalid, Conflict) as exc:
        return _page(error=exc, of="import", values=form.to_dict() | {"file": text}), exc.status
    flash(gettext("工作副本已替换：新增 %(came)s 行，去掉 %(went)s 行", came=came, went=went), "good")
    return redirect(url_for("dictionary.show"))


@bp.get("/export")
@needs(Permission.OPERATE)
def give_out() -> ResponseReturnValue:
    with services().database.read() as session:
        here = dictionary.working(session)
    text = write_file(here.lines, f"问渠词典，工作副本 {here.version}")
    return Response(
        text, mimetype="text/plain", headers={"Content-Disposition": 'attachment; filename="wenqu-dictionary.txt"'}
    )


@bp.post("/apply")
@needs(Permission.OPERATE)
def apply() -> ResponseReturnValue:
    """Freeze the working copy and put it in use, in the background."""
    form, here = request.form, services()
    reason = form.get("reason", "")
    try:
        _refuse_while_busy()
        number = here.freeze_dictionary(person(), reason=reason, version=form.get("version", type=whole))
        rebuild_job().start(partial(_use, here, person(), number, reason))
    except (Invalid, Conflict) as exc:
        return _page(error=exc, of="apply", values=form.to_dict()), exc.status
    return redirect(url_for("dictionary.show") + "#use")


@bp.post("/rollback")
@needs(Permission.OPERATE)
def rollback() -> ResponseReturnValue:
    """Put an earlier version in use again, in the background; `also` makes it the working copy too."""
    form, here = request.form, services()
    reason, number = form.get("reason", ""), form.get("number", -1, type=whole)
    try:
        _refuse_while_busy()
        with here.database.write() as session:
            dictionary.lines_of(session, number)
            if form.get("also"):
                dictionary.reset(session, person(), number, reason=reason)
            dictionary.check_reason(reason)
            session.commit()
        rebuild_job().start(partial(_use, here, person(), number, reason))
    except (Invalid, Conflict, NotFound) as exc:
        return _page(error=exc, of="rollback", values=form.to_dict()), exc.status
    return redirect(url_for("dictionary.show") + "#use")


def _refuse_while_busy() -> None:
    if rebuild_job().state is JobState.RUNNING:
        raise Conflict("正在重建索引或换词典，请等它完成 · a rebuild is running: wait for it")


def _use(here: Services, by: Person, number: int, reason: str, progress: Callable[[int], None]) -> str:
    here.use_dictionary(by, number, reason=reason, progress=progress)
    return f"词典 v{number} 已启用 · dictionary v{number} in use"


def _kind(value: str) -> LineKind:
    return LineKind(value) if value in set(LineKind) else LineKind.TERM


def _page(
    *,
    error: KBError | None = None,
    of: str = "edit",
    values: dict[str, str] | None = None,
    preview: Preview | None = None,
) -> str:
    """The page; what was refused stands in the form `of` with what had been typed."""
    here = services()
    in_use = workbench.version_in_use(here.database, here.generations)
    with here.database.read() as session:
        working = dictionary.working(session)
        try:
            same = set(working.lines) == set(dictionary.lines_of(session, in_use))
        except NotFound:
            same = False
        history = dictionary.history(session)
        return render_template(
            "admin/dictionary.html",
            in_use=in_use,
            working=working,
            same=same,
            groups={kind: [line for line in working.lines if line.kind is kind] for kind in LineKind},
            kinds=labels.names("line_kind"),
            versions=dictionary.versions(session, 20),
            history=history,
            between=[row for row in history if isinstance(error, StaleVersion) and row.id > error.yours],
            proposals=here.proposals(),
            preview=preview,
            job=rebuild_job(),
            error=error,
            of=of,
            fields=error.fields if isinstance(error, Invalid) else {},
            values=values or {},
        )
