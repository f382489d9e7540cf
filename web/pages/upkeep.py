"""What waits for whoever looks after the knowledge?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from indexer import workbench
from kb import clock, dictionary, doubts, golden, reviews, validity
from kb.access import Permission, Person
from kb.errors import NotFound
from web.context import needs, person, services
from web.languages import content, counted
from web.pages import health
from web.services import Services

bp = Blueprint("upkeep", __name__, url_prefix="/admin")
_SHOWN = 3  # texts of a task


@dataclass(frozen=True)
class Task:
    """Something that waits: how many, what is said of it, and where it is done. The tone is that of a badge."""

    title: str
    count: int
    said: object
    place: str
    tone: str = "wait"


@bp.get("/upkeep")
@needs(Permission.OPERATE)
def show() -> ResponseReturnValue:
    here = services()
    with here.database.read() as session:
        return render_template(
            "admin/upkeep.html", tasks=tasks(here, session, person()), expiring=validity.expiring(session, person())
        )


def tasks(here: Services, session: Session, by: Person) -> list[Task]:
    """What waits, part by part; a part where nothing waits counts 0."""
    return [
        _proposals(here),
        _dictionary(here, session),
        _golden(session),
        _expiring(session, by),
        _doubts(session, by),
        _queue(here, session, by),
        _health(here),
    ]


def _quoted(texts: Sequence[str]) -> object:
    """The first few, in the words in which they were typed."""
    return content("、".join(texts[:_SHOWN]))


def _waited(since: dt.datetime | None) -> str:
    """How long the oldest has waited, once that is a day."""
    days = (clock.now() - since).days if since else 0
    return counted("最早的已 %(num)s 天", days) if days else ""


def _proposals(here: Services) -> Task:
    found = here.proposals()
    return Task(
        gettext("查不到的说法，提议加词"),
        len(found),
        _quoted([one.text for one in found]),
        url_for("dictionary.show") + "#proposals",
    )


def _dictionary(here: Services, session: Session) -> Task:
    """Lines by which the working copy differs from what is in use."""
    working = set(dictionary.working(session).lines)
    in_use = workbench.version_in_use(here.database, here.generations)
    try:
        differing = len(working ^ set(dictionary.lines_of(session, in_use)))
    except NotFound:  # the version in use came from another database
        differing = len(working)
    return Task(gettext("词典改动未启用"), differing, "", url_for("dictionary.show") + "#use")


def _golden(session: Session) -> Task:
    run = golden.last_run(session)
    failed = [outcome.query for outcome in golden.outcomes(run) if outcome.failed] if run else []
    return Task(gettext("金标查询不通过"), len(failed), _quoted(failed), url_for("golden.show"), "bad")


def _expiring(session: Session, by: Person) -> Task:
    found = validity.expiring(session, by)
    said = gettext("最早 %(day)s", day=found[0].valid_until) if found else ""
    return Task(gettext("30 天内到期的词条"), len(found), said, url_for("upkeep.show") + "#expiring")


def _doubts(session: Session, by: Person) -> Task:
    found = doubts.questioned(session, by)
    since = found[0].questioned_at if found else None
    return Task(gettext("存疑的词条"), len(found), _waited(since), url_for("reviews.index", tab="all") + "#doubts")


def _queue(here: Services, session: Session, by: Person) -> Task:
    """How long does what is in review wait, and how much of it is overdue?"""
    waiting = [row for row in reviews.in_review(session, by) if not row.scheduled]
    days, calendar, now = here.settings.review_days, here.calendar(), clock.now()
    late = sum(1 for row in waiting if (due := reviews.due(row, days, calendar)) is not None and due < now)
    said = _waited(waiting[0].submitted_at if waiting else None)
    if late:
        said = gettext("%(oldest)s，逾期 %(late)s 件", oldest=said, late=late)
    return Task(
        gettext("审核中的修订"), len(waiting), said, url_for("reviews.index", tab="all"), "bad" if late else "wait"
    )


def _health(here: Services) -> Task:
    found = [check for check in health.checks(here) if check.colour != "green"]
    tone = "bad" if any(check.colour == "red" for check in found) else "wait"
    return Task(
        gettext("状态不正常"),
        len(found),
        gettext("、").join(check.title for check in found),
        url_for("admin.show"),
        tone,
    )
