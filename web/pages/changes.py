"""Changes: from a request with its three documents, through two gates, to what came of it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from kb import changes, clock, entries, taxonomy
from kb.access import Permission
from kb.errors import Invalid, KBError, NotFound
from kb.lifecycle import (
    CHANGE_STEPS,
    DONE_CHANGE,
    PLANS_BEFORE,
    RESULT_STATES,
    Caused,
    ChangeKind,
    ChangeOutcome,
    ChangeState,
)
from kb.models import Change
from web import lists
from web.context import needs, person, services
from web.process import add_steps, chosen, history_of, moment, several, typed

bp = Blueprint("changes", __name__, url_prefix="/changes")
LISTED = 100  # changes on one list
_TABS = ("open", "mine", "done")
_FORM_TIME = "%Y-%m-%dT%H:%M"
_Use = Callable[[Session, Change], object]


@bp.get("")
@needs(Permission.HANDLE_CHANGES)
def index() -> ResponseReturnValue:
    tab = request.args.get("tab", "open")
    tab = tab if tab in _TABS else "open"
    with services().database.read() as session:
        rows = changes.listing(session, person(), mine=tab == "mine", done=tab == "done", limit=LISTED)
        shown = [(row, changes.unmet(row)) for row in rows]
        return render_template("changes/index.html", tab=tab, changes=shown, limit=LISTED)


@bp.route("/new", methods=["GET", "POST"])
@needs(Permission.HANDLE_CHANGES)
def new() -> ResponseReturnValue:
    error: KBError | None = None
    if request.method == "POST":
        try:
            with services().database.write() as session:
                change = changes.begin(
                    session,
                    person(),
                    kind=chosen(ChangeKind, typed("kind"), "kind"),
                    title=typed("title"),
                    description=typed("description"),
                    category=typed("category"),
                    owner_group=typed("owner_group"),
                    nodes=several(typed("nodes")),
                    problem_numbers=several(typed("problems")),
                    incident_numbers=several(typed("incidents")),
                )
                number = change.number
                session.commit()
        except (Invalid, NotFound) as exc:
            error = exc
        else:
            flash(gettext("已建立 %(number)s 和三份文件的草稿。写完后提交", number=number), "good")
            return redirect(url_for("changes.show", number=number))
    with services().database.read() as session:
        page = render_template(
            "changes/new.html",
            values={"kind": "normal"} | (request.form if error else request.args).to_dict(),
            fields=getattr(error, "fields", {}),
            error=error,
            categories=[
                (path, path) for path in taxonomy.paths(session, also=typed("category")) if path.startswith("变更/")
            ],
            owners=lists.owner_groups(session, person()),
        )
    return page, error.status if error else 200


@bp.get("/<number>")
@needs(Permission.HANDLE_CHANGES)
def show(number: str) -> ResponseReturnValue:
    return _page(number), 200


# --- the steps: one form each, all with the version of the change that the form was made from ----------------------


def _schedule(session: Session, change: Change) -> None:
    changes.schedule(
        session,
        person(),
        change,
        start=moment(typed("window_start"), "window_start"),
        end=moment(typed("window_end"), "window_end"),
        implementer=typed("implementer"),
    )


def _record(session: Session, change: Change) -> None:
    caused = typed("caused")
    changes.record(
        session,
        person(),
        change,
        outcome=chosen(ChangeOutcome, typed("outcome"), "outcome"),
        test_results=typed("test_results"),
        caused=chosen(Caused, caused, "caused") if caused else None,
        numbers=several(typed("incidents")),
    )


_STEPS: dict[str, _Use] = {
    "rename_plans": lambda session, it: changes.rename_plans(session, person(), it),
    "submit": lambda session, it: changes.submit(session, services().store, person(), it),
    "take_back": lambda session, it: changes.take_back(session, person(), it, reason=typed("reason")),
    "approve": lambda session, it: changes.approve(session, person(), it, remark=typed("remark")),
    "reject": lambda session, it: changes.reject(session, person(), it, reason=typed("reason")),
    "cancel": lambda session, it: changes.cancel(session, person(), it, reason=typed("reason")),
    "schedule": _schedule,
    "start": lambda session, it: changes.start(session, person(), it),
    "finish": lambda session, it: changes.finish(session, person(), it),
    "roll_back": lambda session, it: changes.roll_back(session, person(), it, reason=typed("reason")),
    "record": _record,
    "review": lambda session, it: changes.review(session, person(), it, remark=typed("remark")),
    "close": lambda session, it: changes.close(session, person(), it),
    "tie": lambda session, it: changes.tie(session, person(), it, typed("number")),
}


# --- what they share -------------------------------------------------------------------------------------------


def _page(number: str, error: KBError | None = None) -> str:
    by = person()
    with services().database.read() as session:
        change = changes.find(session, by, number)
        lead, asked = by.may(Permission.DECIDE_CHANGES), by.id == change.requester_id
        start, end = change.window_start, change.window_end
        return render_template(
            "changes/show.html",
            change=change,
            unmet=changes.unmet(change),
            steps=CHANGE_STEPS[ChangeState(change.state)],
            done=change.state in DONE_CHANGE,
            recording=change.state in RESULT_STATES,
            before=PLANS_BEFORE[ChangeKind(change.kind)],
            # a document that was restricted meanwhile is named only to those who may read it
            plans=[(row, entries.may_read(by, row.entry)) for row in change.plans],
            outdated=changes.outdated(session, change),
            conflicts=changes.conflicts(session, change),
            answered=changes.of_role(change, changes.ANSWERS),
            caused=changes.of_role(change, changes.CAUSED),
            decides=lead and not asked,
            asked=asked,
            does=by.id == change.implementer_id,
            lead=lead,
            people=[user for user in lists.users(session) if user.active and user.id != change.approver_id],
            window={
                "window_start": start.astimezone(clock.LOCAL).strftime(_FORM_TIME) if start else "",
                "window_end": end.astimezone(clock.LOCAL).strftime(_FORM_TIME) if end else "",
                "implementer": change.implementer.username if change.implementer else "",
            },
            history=history_of(session, by, change),
            error=error,
            fields=getattr(error, "fields", {}),
            typed=request.form if error else {},
        )


add_steps(bp, _STEPS, permission=Permission.HANDLE_CHANGES, find=changes.find, page=_page)
