"""Which categories are there, what stands under each, and how does whoever manages knowledge change them?"""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from kb import taxonomy
from kb.access import Permission
from kb.errors import Conflict, Invalid, KBError
from web import lists
from web.context import needs, person, services

bp = Blueprint("taxonomy", __name__, url_prefix="/admin/taxonomy")


@bp.get("")
@needs(Permission.ORGANISE)
def show() -> ResponseReturnValue:
    return _page()


@bp.post("")
@needs(Permission.ORGANISE)
def add() -> ResponseReturnValue:
    try:
        with services().database.write() as session:
            made = taxonomy.add(
                session, person(), parent=request.form.get("parent", ""), name=request.form.get("name", "")
            )
            session.commit()
    except Invalid as exc:
        return _page(exc), exc.status
    flash(gettext("已建立「%(name)s」", name=made.path), "good")
    return _back(made.id)


@bp.post("/<int:category_id>")
@needs(Permission.ORGANISE)
def rename(category_id: int) -> ResponseReturnValue:
    """Another name, another parent, or both."""
    form = request.form
    try:
        with services().database.write() as session:
            category = taxonomy.get(session, category_id)
            category = taxonomy.rename(
                session, person(), category, parent=form.get("parent", ""), name=form.get("name", "")
            )
            session.commit()
    except (Invalid, Conflict) as exc:
        return _page(exc, of=category_id), exc.status
    flash(gettext("已保存"), "good")
    return _back(category.id)


@bp.post("/<int:category_id>/retire")
@needs(Permission.ORGANISE)
def retire(category_id: int) -> ResponseReturnValue:
    with services().database.write() as session:
        category = taxonomy.get(session, category_id)
        taxonomy.retire(session, person(), category)
        session.commit()
    flash(gettext("已停用「%(name)s」，新词条不能再选它", name=category.path), "good")
    return _back(category_id)


@bp.post("/<int:category_id>/restore")
@needs(Permission.ORGANISE)
def restore(category_id: int) -> ResponseReturnValue:
    with services().database.write() as session:
        category = taxonomy.get(session, category_id)
        taxonomy.restore(session, person(), category)
        session.commit()
    flash(gettext("已恢复「%(name)s」", name=category.path), "good")
    return _back(category_id)


def _back(category_id: int) -> ResponseReturnValue:
    return redirect(url_for("taxonomy.show") + f"#category-{category_id}")


def _page(error: KBError | None = None, *, of: int = 0) -> str:
    """The tree; what was refused stands in the form of the category `of`, or in the one for a new category."""
    with services().database.read() as session:
        known, others = lists.usage(session, taxonomy.tree(session))
        branches = [(parent, list(below)) for parent, below in groupby(known, lambda one: one.path.partition("/")[0])]
        return render_template(
            "admin/taxonomy.html",
            branches=branches,
            number=len(known),
            others=others,
            error=error,
            of=of,
            fields=error.fields if isinstance(error, Invalid) else {},
            values=request.form.to_dict() if error else {},
            longest=taxonomy.LONGEST,
        )
