"""Which queries must find which entry, and do they?"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from kb import golden
from kb.access import Permission
from kb.errors import Conflict, IndexUnavailable, Invalid, KBError, NotFound
from web import forms
from web.context import needs, person, services

bp = Blueprint("golden", __name__, url_prefix="/admin/golden")


@bp.get("")
@needs(Permission.OPERATE)
def show() -> ResponseReturnValue:
    """The queries with their latest ranks; a search result may have filled in the form."""
    return _page(values={"lowest": "3"} | request.args.to_dict())


@bp.post("")
@needs(Permission.OPERATE)
def add() -> ResponseReturnValue:
    form = request.form
    try:
        with services().database.write() as session:
            lowest = form.get("lowest", 0, type=forms.whole)
            query, entry = form.get("query", ""), form.get("entry", "")
            golden.add(session, person(), query, entry, lowest, reason=form.get("reason", ""))
            session.commit()
    except (Invalid, Conflict) as exc:
        return _page(error=exc, values=form.to_dict()), exc.status
    flash(gettext("已加入，下次核对起生效"), "good")
    return redirect(url_for("golden.show"))


@bp.post("/remove")
@needs(Permission.OPERATE)
def remove() -> ResponseReturnValue:
    form = request.form
    try:
        with services().database.write() as session:
            golden.remove(session, person(), form.get("query", ""), form.get("entry", ""))
            session.commit()
    except NotFound as exc:
        return _page(error=exc, values={"lowest": "3"}), exc.status
    flash(gettext("已去掉"), "good")
    return redirect(url_for("golden.show"))


@bp.post("/run")
@needs(Permission.OPERATE)
def run() -> ResponseReturnValue:
    try:
        found = services().run_golden()
    except IndexUnavailable as exc:
        return _page(error=exc, values={"lowest": "3"}), exc.status
    flash(
        gettext("%(asked)s 个查询，不通过 %(failed)s 个", asked=found.asked, failed=found.failed),
        "bad" if found.failed else "good",
    )
    return redirect(url_for("golden.show"))


def _page(*, error: KBError | None = None, values: dict[str, str]) -> str:
    here = services()
    with here.database.read() as session:
        queries = [*golden.local(session), *golden.shipped(here.golden)]
        latest = golden.last_run(session)
        outcomes = {(one.query, one.entry): one for one in golden.outcomes(latest)} if latest else {}
        rows = [(query, outcomes.get((query.query, query.entry))) for query in queries]
        rows.sort(key=lambda row: not (row[1] and row[1].failed))  # those that fail first
        return render_template(
            "admin/golden.html",
            rows=rows,
            latest=latest,
            error=error,
            fields=error.fields if isinstance(error, Invalid) else {},
            values=values,
        )
