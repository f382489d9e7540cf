"""Knowledge and incidents for tests, shortest form that passes the pre-check."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from kb import entries, incidents, reviews, servicehours
from kb.access import Person
from kb.documents import Attributes, Audience, Kind
from kb.lifecycle import Decision, Outcome, Part, VerificationMethod
from kb.models import Entry, Incident, Revision
from kb.store import ContentStore

BODY = """## 现象

- 盒子开着，电视上写无信号
- 机顶盒没信号，隔壁都好好的

## 环境

数字电视，机顶盒经射频线接墙上用户盒。

## 原因

射频线松脱。

## 用户自助

1. 把机顶盒后面的信号线拧紧，画面恢复即好。
2. 仍不行请报修。

## 检查

1. 场强仪量用户口电平。

## 处理步骤

1. 重做 F 头，暗号芝麻开门。

## 移交

楼栋放大器故障移交维护组。
"""


CALENDAR = servicehours.read()


def attributes(**changes: object) -> Attributes:
    values: dict[str, object] = {
        "title": "机顶盒提示无信号的处理",
        "kind": Kind.SOLUTION,
        "category": "数字电视/信号质量",
        "audience": Audience.PUBLIC,
        "owner_group": "team-tv",
        "valid_until": "2027-11-30",
        "devices": ["机顶盒"],
        "covers": ["TV-005"],
        "environment": {"service": "数字电视"},
    }
    return Attributes.model_validate(values | changes)


def submitted(session: Session, by: Person, body: str = BODY, **changes: object) -> Revision:
    revision = entries.create(session, by, attributes(**changes), body)
    entries.submit(session, by, revision)
    return revision


def approve(session: Session, store: ContentStore, by: Person, revision: Revision) -> Entry:
    for part in Part:
        reviews.decide(session, store, by, revision, part, Decision.APPROVE, similar=lambda title, body: [])
    return revision.entry


def published(
    session: Session, store: ContentStore, author: Person, lead: Person, body: str = BODY, **changes: object
) -> Entry:
    return approve(session, store, lead, submitted(session, author, body, **changes))


def incident(session: Session, by: Person, **changes: Any) -> Incident:
    values: dict[str, Any] = {"title": "机顶盒没信号", "description": "电视上写无信号，邻居家正常", "channel": "phone"}
    return incidents.report(session, by, **(values | changes))


def resolved(session: Session, by: Person, **changes: str) -> Incident:
    made = incident(session, by, **changes)
    incidents.take(session, by, made)
    incidents.resolve(session, by, made)
    return made


def confirmed(session: Session, by: Person, made: Incident) -> Incident:
    incidents.verify(session, by, made, Outcome.SOLVED, VerificationMethod.CALL_BACK, said_by="用户本人")
    return made
