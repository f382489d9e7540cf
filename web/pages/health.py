"""Is the product well? For monitors: JSON, 200 or 503, nothing secret. The same findings make the page for operators."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from indexer import native
from kb import golden, mail, outbox
from kb.models import ContentObject
from web import lists
from web.context import services
from web.labels import local_time
from web.languages import counted
from web.services import Services

bp = Blueprint("health", __name__)
REBUILD = "kb index rebuild"  # the command that helps
KERNELS = {"native": "原生评分内核", "numpy": "没有原生内核（安装时没有编译器），较慢"}
LATE_S = 60.0  # seconds a change may wait for the index before the worker is thought to be gone


@dataclass(frozen=True)
class Check:
    """One part of the product. `red` stops it from answering, or from finding what it must; `yellow` wants an operator soon."""

    name: str
    title: str
    colour: str  # green, yellow or red
    said: str
    hint: str = ""  # the command that helps


def checks(here: Services) -> list[Check]:
    """What is found, part by part; nothing in here raises."""
    return [_database(here), _index(here), _golden(here), _outbox(here), _store(here), _mail(here), *_dense(here)]


@bp.get("/health")
def show() -> ResponseReturnValue:
    found = checks(services())
    well = all(check.colour != "red" for check in found)
    answer = {
        "status": "ok" if all(check.colour == "green" for check in found) else "degraded" if well else "down",
        "checks": {check.name: check.colour for check in found},
        "kernel": native.NAME,
    }
    return jsonify(answer), 200 if well else 503


@bp.get("/health/live")
def live() -> ResponseReturnValue:
    """Does the process answer at all?"""
    return jsonify({"status": "ok"})


def _database(here: Services) -> Check:
    try:
        database = here.database
        revision = database.schema_revision()
        if database.is_current():
            return Check(
                "database", gettext("数据库"), "green", gettext("迁移版本 %(revision)s，最新", revision=revision)
            )
        return Check(
            "database",
            gettext("数据库"),
            "red",
            gettext("迁移版本 %(revision)s，不是最新", revision=revision),
            "kb init",
        )
    except SQLAlchemyError as exc:
        return Check("database", gettext("数据库"), "red", gettext("打不开：%(error)s", error=type(exc).__name__))


def _index(here: Services) -> Check:
    status = here.generations.status()
    if not status.usable:
        return Check("index", gettext("索引"), "red", "；".join(status.reasons), REBUILD)
    if status.stale:
        return Check("index", gettext("索引"), "yellow", "；".join(status.reasons), REBUILD)
    generation = status.manifest.generation if status.manifest else "?"
    return Check(
        "index",
        gettext("索引"),
        "green",
        counted(
            "第 %(generation)s 代，%(num)s 条，%(kernel)s",
            status.documents,
            generation=generation,
            kernel=gettext(KERNELS[native.NAME]),
        ),
    )


def _golden(here: Services) -> Check:
    title = gettext("金标查询")
    try:
        with here.database.read() as session:
            run = golden.last_run(session)
    except SQLAlchemyError as exc:
        return Check("golden", title, "red", gettext("读不出：%(error)s", error=type(exc).__name__))
    if run is None:
        return Check("golden", title, "green", gettext("还没有核对过"))
    if run.failed:
        named = "；".join(str(outcome) for outcome in golden.outcomes(run) if outcome.failed)
        return Check(
            "golden",
            title,
            "red",
            gettext(
                "%(asked)s 个查询有 %(failed)s 个不通过：%(named)s", asked=run.asked, failed=run.failed, named=named
            ),
            "kb golden run",
        )
    return Check("golden", title, "green", counted("%(num)s 个查询都通过，%(at)s", run.asked, at=local_time(run.at)))


def _outbox(here: Services) -> Check:
    try:
        with here.database.read() as session:
            waiting, oldest = outbox.waiting(session), lists.oldest_waiting(session)
    except SQLAlchemyError as exc:
        return Check("outbox", gettext("待索引"), "red", gettext("读不出：%(error)s", error=type(exc).__name__))
    if oldest is not None and oldest.total_seconds() > LATE_S:
        said = counted(
            "%(num)s 项在等，最久 %(seconds)s 秒：索引进程可能没有运行", waiting, seconds=int(oldest.total_seconds())
        )
        return Check("outbox", gettext("待索引"), "yellow", said, "kb worker")
    return Check("outbox", gettext("待索引"), "green", counted("%(num)s 项在等", waiting))


def _dense(here: Services) -> list[Check]:
    """Nothing where the operator has named no model."""
    dense, title = here.generations.dense, gettext("语义重排")
    if dense is None:
        return []
    if dense.problem:
        return [
            Check(
                "dense", title, "yellow", gettext("KB_DENSE_MODEL 不能用，检索照常：%(problem)s", problem=dense.problem)
            )
        ]
    return [Check("dense", title, "green", counted("%(num)s 条向量", dense.count))]


def _store(here: Services) -> Check:
    root = here.store.root
    try:
        with here.database.read() as session:
            count, size = session.execute(select(func.count(), func.sum(ContentObject.size))).one()
    except SQLAlchemyError as exc:
        return Check("store", gettext("内容存储"), "red", gettext("读不出：%(error)s", error=type(exc).__name__))
    if count and not root.is_dir():
        return Check(
            "store",
            gettext("内容存储"),
            "red",
            counted("登记了 %(num)s 个对象，但文件夹不在了", count),
            "从备份恢复 · restore a backup",
        )
    return Check(
        "store",
        gettext("内容存储"),
        "green",
        counted("%(num)s 个对象，%(size)s MB", count, size=f"{(size or 0) / 1_000_000:.1f}"),
    )


def _mail(here: Services) -> Check:
    """Yellow at most: what a mail says stands in the inbox too."""
    title = gettext("邮件")
    if not here.settings.smtp_host:
        return Check("mail", title, "green", gettext("没有启用"))
    try:
        with here.database.read() as session:
            found = mail.standing(session)
    except SQLAlchemyError as exc:
        return Check("mail", title, "yellow", gettext("读不出：%(error)s", error=type(exc).__name__))
    if not found.late and not found.given_up:
        return Check("mail", title, "green", counted("%(num)s 封在等", found.waiting))
    said = gettext(
        "%(waiting)s 封在等，%(late)s 封久未送出，一天内放弃 %(given_up)s 封：%(error)s",
        waiting=found.waiting,
        late=found.late,
        given_up=found.given_up,
        error=found.error or gettext("邮件服务器没有应答"),
    )
    return Check("mail", title, "yellow", said, "核对 KB_SMTP_* · check KB_SMTP_*")
