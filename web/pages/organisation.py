"""How is the organisation made up, who is in which unit, and what is a unit called?"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from kb import organisation
from kb.access import Permission
from kb.errors import Conflict, Invalid, KBError
from web import labels, lists
from web.context import needs, person, services

bp = Blueprint("organisation", __name__, url_prefix="/admin/organisation")


@bp.get("")
@needs(Permission.ORGANISE)
def show() -> ResponseReturnValue:
    return _page()


@bp.post("")
@needs(Permission.ORGANISE)
def add() -> ResponseReturnValue:
    form = request.form
    try:
        with services().database.write() as session:
            unit = organisation.add(
                session,
                person(),
                key=form.get("key", ""),
                kind=form.get("kind", ""),
                name=form.get("name", ""),
                parent=form.get("parent", ""),
            )
            session.commit()
    except (Invalid, Conflict) as exc:
        return _page(exc), exc.status
    flash(gettext("已建立「%(name)s」", name=unit.name), "good")
    return redirect(url_for("organisation.show") + f"#{unit.key}")


@bp.post("/<key>")
@needs(Permission.ORGANISE)
def change(key: str) -> ResponseReturnValue:
    """Another name, another place in the tree, or both."""
    form = request.form
    try:
        with services().database.write() as session:
            unit = organisation.get(session, key)
            organisation.rename(session, person(), unit, form.get("name", ""))
            if "parent" in form:
                organisation.move(session, person(), unit, form["parent"])
            session.commit()
    except (Invalid, Conflict) as exc:
        return _page(exc, of=key), exc.status
    flash(gettext("已保存"), "good")
    return redirect(url_for("organisation.show") + f"#{key}")


def _page(error: KBError | None = None, *, of: str = "") -> str:
    """The tree; what was refused stands in the form of the unit `of`, or in the one for a new unit."""
    with services().database.read() as session:
        units = lists.units(session)
        return render_template(
            "admin/organisation.html",
            tree=lists.organisation(session),
            kinds=labels.names("unit_kind"),
            above={
                kind: [(unit.key, unit.name) for unit in units if unit.kind == parent]
                for kind, parent in organisation.PARENT.items()
            },
            parents=[(unit.key, unit.name) for unit in units if unit.kind in set(organisation.PARENT.values())],
            error=error,
            of=of,
            fields=error.fields if isinstance(error, Invalid) else {},
            values=request.form.to_dict() if error else {},
        )
