"""Is the product well? For monitors: JSON, 200 or 503, nothing secret. The same findings make the page for operators."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from indexer import native
from kb import outbox
from kb.models import ContentObject
from web import lists
from web.context import services

bp = Blueprint("health", __name__)
REBUILD = "kb index rebuild"  # the command that helps
_KERNELS = {"native": "原生评分内核", "numpy": "没有原生内核（安装时没有编译器），较慢"}
LATE_S = 60.0  # seconds a change may wait for the index before the worker is thought to be gone


@dataclass(frozen=True)
class Check:
    """One part of the product. `red` stops it from answering; `yellow` wants an operator soon."""

    name: str
    title: str
    colour: str  # green, yellow or red
    said: str
    hint: str = ""  # the command that helps


def checks() -> list[Check]:
    """What is found, part by part; nothing in here raises."""
    return [_database(), _index(), _outbox(), _store()]


@bp.get("/health")
def show() -> ResponseReturnValue:
    found = checks()
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


def _database() -> Check:
    try:
        database = services().database
        revision = database.schema_revision()
        if database.is_current():
            return Check("database", "数据库", "green", f"迁移版本 {revision}，最新")
        return Check("database", "数据库", "red", f"迁移版本 {revision}，不是最新", "kb init")
    except SQLAlchemyError as exc:
        return Check("database", "数据库", "red", f"打不开：{type(exc).__name__}")


def _index() -> Check:
    status = services().generations.status()
    if not status.usable:
        return Check("index", "索引", "red", "；".join(status.reasons), REBUILD)
    if status.stale:
        return Check("index", "索引", "yellow", "；".join(status.reasons), REBUILD)
    generation = status.manifest.generation if status.manifest else "?"
    return Check("index", "索引", "green", f"第 {generation} 代，{status.documents} 条，{_KERNELS[native.NAME]}")


def _outbox() -> Check:
    try:
        with services().database.read() as session:
            waiting, oldest = outbox.waiting(session), lists.oldest_waiting(session)
    except SQLAlchemyError as exc:
        return Check("outbox", "待索引", "red", f"读不出：{type(exc).__name__}")
    if oldest is not None and oldest.total_seconds() > LATE_S:
        said = f"{waiting} 项在等，最久 {int(oldest.total_seconds())} 秒：索引进程可能没有运行"
        return Check("outbox", "待索引", "yellow", said, "kb worker")
    return Check("outbox", "待索引", "green", f"{waiting} 项在等")


def _store() -> Check:
    root = services().store.root
    try:
        with services().database.read() as session:
            count, size = session.execute(select(func.count(), func.sum(ContentObject.size))).one()
    except SQLAlchemyError as exc:
        return Check("store", "内容存储", "red", f"读不出：{type(exc).__name__}")
    if count and not root.is_dir():
        return Check(
            "store", "内容存储", "red", f"登记了 {count} 个对象，但文件夹不在了", "从备份恢复 restore a backup"
        )
    return Check("store", "内容存储", "green", f"{count} 个对象，{(size or 0) / 1_000_000:.1f} MB")
