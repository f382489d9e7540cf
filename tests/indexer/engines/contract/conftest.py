"""A small library, and entries of several years, in every engine of the product."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from indexer import Engine, IndexDocument, Scope

STAFF = Scope(frozenset({"public", "staff"}), frozenset(), staff_text=True)


def solution(id: str, title: str, body: str = "", version: int = 1, **more: Any) -> IndexDocument:
    return IndexDocument(id, version, "solution", title, body, **more)


@pytest.fixture
def library(engine: Engine) -> Engine:
    """A small library in two commits, so that an engine with segments has two of them."""
    engine.apply(
        [
            solution(
                "SOL-TV-001",
                "机顶盒开机后电视黑屏没有画面",
                "先看信号源。屏幕显示 E04 时核对智能卡。",
                staff_body="测量用户端电平,低于45dBμV时检查分支器",
                symptoms=("盒子开了没影儿", "电视黑乎乎的"),
                codes=("E04",),
                devices=("机顶盒", "HG8245H"),
                category="数字电视/机顶盒",
                owner_group="team-tv",
                updated=dt.date(2026, 5, 1),
            ),
            solution("SOL-NET-001", "宽带拨号提示691", "账号或密码错误。登录网关10.0.3.17核对。", codes=("691",)),
        ],
        [],
    )
    engine.apply(
        [
            solution("SOL-DB-001", "监听异常", "报ORA-12541,无法完成数据库连接,超时后重试。", audience="staff"),
            solution(
                "SOL-DB-002", "主备切换", "数据库,连接池与主备切换说明。", audience="restricted", owner_group="dba"
            ),
            IndexDocument("POL-001", 3, "policy", "变更管理制度", "割接窗口为零点至四点。端口0/1/3除外。"),
        ],
        [],
    )
    return engine


@pytest.fixture
def dated(engine: Engine) -> Engine:
    """Entries of several years and districts, in two commits."""
    made = {
        "A": (dt.date(2024, 5, 1), ("城东片区",), 2),
        "B": (dt.date(2025, 5, 1), ("城东片区", "城西片区"), 0),
        "C": (dt.date(2026, 5, 1), (), 7),
        "D": (None, ("城西片区",), 2),
        "E": (dt.date(2026, 5, 1), (), 0),
    }
    for commit in ("ABC", "DE"):
        engine.apply(
            [
                solution(
                    id, "机顶盒" * (1 + (id in "BD")), updated=made[id][0], districts=made[id][1], reused=made[id][2]
                )
                for id in commit
            ],
            [],
        )
    return engine
