"""Problems: which incidents have one cause, what is known of it, and which solution came of it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from kb import entries, problems, taxonomy
from kb.access import Permission
from kb.errors import Invalid, KBError, NotFound
from kb.lifecycle import DONE_PROBLEM, PROBLEM_STEPS, EntryState, ProblemCancelReason, ProblemState
from kb.models import Problem
from web import lists
from web.context import needs, person, services
from web.languages import counted
from web.process import add_steps, chosen, history_of, several, typed

bp = Blueprint("problems", __name__, url_prefix="/problems")
LISTED = 100  # problems on one list
_TABS = ("open", "known", "done")
_Use = Callable[[Session, Problem], object]


@bp.get("")
@needs(Permission.HANDLE_PROBLEMS)
def index() -> ResponseReturnValue:
    tab = request.args.get("tab", "open")
    tab = tab if tab in _TABS else "open"
    by = person()
    with services().database.read() as session:
        rows = problems.listing(session, by, known=tab == "known", done=tab == "done", limit=LISTED)
        return render_template(
            "problems/index.html",
            tab=tab,
            problems=[(row, problems.weight(row), [] if tab == "done" else problems.unmet(row)) for row in rows],
            suspicions=problems.suspected(session, by) if by.may(Permission.LEAD_PROBLEMS) else [],
            limit=LISTED,
        )


@bp.route("/new", methods=["GET", "POST"])
@needs(Permission.HANDLE_PROBLEMS)
def new() -> ResponseReturnValue:
    error: KBError | None = None
    if request.method == "POST":
        try:
            with services().database.write() as session:
                problem = problems.begin(
                    session,
                    person(),
                    title=typed("title"),
                    description=typed("description"),
                    numbers=several(typed("incidents")),
                )
                number = problem.number
                session.commit()
        except (Invalid, NotFound) as exc:
            error = exc
        else:
            flash(gettext("已建立 %(number)s", number=number), "good")
            return redirect(url_for("problems.show", number=number))
    page = render_template(
        "problems/new.html",
        values=(request.form if error else request.args).to_dict(),
        fields=getattr(error, "fields", {}),
        error=error,
    )
    return page, error.status if error else 200


@bp.get("/<number>")
@needs(Permission.HANDLE_PROBLEMS)
def show(number: str) -> ResponseReturnValue:
    return _page(number), 200


# --- the steps: one form each, all with the version of the problem that the form was made from ---------------------


def _write_solution(session: Session, problem: Problem) -> None:
    revision = problems.write_solution(
        session,
        person(),
        problem,
        category=typed("category"),
        owner_group=typed("owner_group"),
        service=typed("service"),
    )
    flash(gettext("已建立草稿 %(number)s，写完后提交审核", number=revision.entry.number), "good")


def _offer(session: Session, problem: Problem) -> None:
    linked = problems.offer(session, person(), problem, request.form.getlist("incident"))
    flash(counted("已关联到 %(num)s 件事件", len(linked)), "good")


_STEPS: dict[str, _Use] = {
    "investigate": lambda session, it: problems.investigate(session, person(), it, reason=typed("reason")),
    "write_down": lambda session, it: problems.write_down(
        session, person(), it, root_cause=typed("root_cause"), workaround=typed("workaround")
    ),
    "know": lambda session, it: problems.know(session, person(), it),
    "resolve": lambda session, it: problems.resolve(session, person(), it),
    "close": lambda session, it: problems.close(session, person(), it),
    "cancel": lambda session, it: problems.cancel(
        session, person(), it, chosen(ProblemCancelReason, typed("reason"), "reason"), remark=typed("remark")
    ),
    "add_incident": lambda session, it: problems.add_incident(session, person(), it, typed("incidents")),
    "remove_incident": lambda session, it: problems.remove_incident(session, person(), it, typed("incidents")),
    "write_solution": _write_solution,
    "choose_solution": lambda session, it: problems.choose_solution(
        session, person(), it, entries.find(session, person(), typed("entry"))
    ),
    "offer": _offer,
}


# --- what they share -------------------------------------------------------------------------------------------


def _page(number: str, error: KBError | None = None) -> str:
    by = person()
    with services().database.read() as session:
        problem = problems.find(session, by, number)
        solution = problem.solution
        readable = solution is not None and entries.may_read(by, solution)
        approved = readable and solution is not None and solution.state == EntryState.PUBLISHED
        return render_template(
            "problems/show.html",
            problem=problem,
            weight=problems.weight(problem),
            unmet=problems.unmet(problem),
            steps=PROBLEM_STEPS[ProblemState(problem.state)],
            done=problem.state in DONE_PROBLEM,
            solution=solution if readable else None,
            newest=entries.newest_revision(session, solution) if solution is not None and readable else None,
            waiting=problems.waiting(problem) if approved else [],
            history=history_of(session, by, problem),
            categories=[
                (path, path) for path in taxonomy.paths(session, also=typed("category")) if not path.startswith("变更/")
            ],
            owners=lists.owner_groups(session, by),
            error=error,
            fields=getattr(error, "fields", {}),
            typed=request.form if error else {},
        )


add_steps(bp, _STEPS, permission=Permission.HANDLE_PROBLEMS, find=problems.find, page=_page)
