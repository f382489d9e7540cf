"""How do incidents of another system get in? From CSV or a workbook, row by row, with a report of each, never past the gate.

What was closed there arrives as resolved with its verification open: nobody here heard its user, and its solution passed no
review here. What it was and what was done stands in its text. A row is known by its old number: the same file again changes
nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import audit, clock, incidents, tables
from kb.access import Permission, Person
from kb.errors import Invalid, KBError
from kb.models import AuditRow, Entry, Incident, Unit
from kb.store import ContentStore

# heading in Chinese and English: the field of ours
COLUMNS = {
    "原编号": "old", "工单号": "old", "old_number": "old", "标题": "title", "title": "title", "故障现象": "description",
    "description": "description", "状态": "state", "state": "state", "受理时间": "created", "created": "created",
    "片区": "district", "district": "district", "联系人": "contact_name", "contact_name": "contact_name",
    "联系电话": "contact_phone", "contact_phone": "contact_phone", "地址": "address", "address": "address",
    "用户编号": "subscriber", "subscriber": "subscriber", "设备": "device", "device": "device", "站点": "site", "site": "site", "拓扑节点": "node", "node": "node", "类目": "category",
    "category": "category", "影响": "impact", "impact": "impact", "紧急": "urgency", "urgency": "urgency",
    "处理过程": "history", "history": "history", "解决方案": "solution", "solution": "solution",
}  # fmt: skip
_REPAIRED = {
    "已解决",
    "已完成",
    "已关闭",
    "已归档",
    "待回访",
    "resolved",
    "verified",
    "completed",
    "closed",
    "archived",
}


@dataclass(frozen=True)
class Row:
    """What became of one row: the incident it is now, or why not."""

    line: int  # of the file, the heading is 1
    old: str
    number: str = ""
    known: bool = False  # it had been imported before
    problem: str = ""


def read(data: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file or of a workbook by our field names, an empty one as {}, so that the first is row 2 of the
    file. Raises Invalid for a file without the needed columns, or one that `kb.tables` cannot read."""
    heading, *rows = tables.rows(data) or [[]]
    names = [COLUMNS.get(name.lower(), "") for name in heading]
    if "old" not in names or "description" not in names:
        problem = "表头须有「原编号」和「故障现象」 · the heading needs old_number and description"
        raise Invalid(problem, fields={"file": problem})
    return [{name: value for name, value in zip(names, row, strict=False) if name} for row in rows]


def load(session: Session, store: ContentStore, by: Person, rows: list[dict[str, str]], *, source: str) -> list[Row]:
    """Import the rows; a bad one is left out and named, the others get in. The caller commits."""
    by.require(Permission.IMPORT)
    imported = session.execute(
        select(AuditRow.reason, Incident.number)
        .join(Incident, Incident.id == AuditRow.subject_id)
        .where(AuditRow.subject_type == "incident", AuditRow.action == "import")
    )
    known = {row.reason: row.number for row in imported}
    found: list[Row] = []
    for line, row in enumerate(rows, start=2):
        if not any(row.values()):
            continue
        old = row.get("old", "")
        key = f"{source} {old}"
        if key in known:
            found.append(Row(line, old, known[key], known=True))
            continue
        try:
            with session.begin_nested():
                number = known[key] = _load(session, store, by, row, key)
        except KBError as exc:
            found.append(Row(line, old, problem=exc.message))
        else:
            found.append(Row(line, old, number))
    return found


def _load(session: Session, store: ContentStore, by: Person, row: dict[str, str], key: str) -> str:
    if not row.get("old"):
        raise Invalid("原编号: 不能为空 · the old number is missing", fields={"old": "不能为空 · missing"})
    incident = incidents.report(
        session,
        by,
        title=row.get("title", ""),
        contact_name=row.get("contact_name", ""),
        contact_phone=row.get("contact_phone", ""),
        address=row.get("address", ""),
        subscriber=row.get("subscriber", ""),
        device=row.get("device", ""),
        site=row.get("site", ""),
        node=row.get("node", ""),
        category=row.get("category", ""),
        description=_text(row),
        district=_district(session, row.get("district", "")),
        channel="phone",
        impact=_level(row, "impact"),
        urgency=_level(row, "urgency"),
        store=store,
    )
    incident.created_at = _moment(row.get("created", "")) or incident.created_at
    audit.record(session, by, incident, "import", reason=key)
    if row.get("solution"):
        entry = session.scalar(select(Entry).where(Entry.number == row["solution"].upper()))
        if entry is None:
            problem = f"没有词条 {row['solution']} · no such entry"
            raise Invalid(f"解决方案: {problem}", fields={"solution": problem})
        incidents.link(session, by, incident, entry)
    if row.get("state", "").lower() in _REPAIRED:
        incidents.take(session, by, incident)
        incidents.resolve(session, by, incident)
    session.flush()
    return incident.number


def _text(row: dict[str, str]) -> str:
    kept = [f"原编号 {row['old']}", f"原状态 {row.get('state') or '未注明'}"]
    if row.get("created"):
        kept.append(f"受理时间 {row['created']}")
    history = f"\n处理过程：{row['history']}" if row.get("history") else ""
    return f"{row.get('description', '')}\n\n导入：{'，'.join(kept)}{history}" if row.get("description") else ""


def _level(row: dict[str, str], name: str) -> int:
    value = row.get(name) or "4"
    if value not in ("1", "2", "3", "4"):
        raise Invalid(f"{name}: 取值 1 到 4 · 1 to 4", fields={name: "取值 1 到 4 · 1 to 4"})
    return int(value)


def _district(session: Session, given: str) -> str:
    """The key of a district given by key or name."""
    found = session.scalar(select(Unit.key).where(Unit.kind == "district", Unit.name == given)) if given else None
    return found or given


def _moment(text: str) -> dt.datetime | None:
    """A moment in local time, such as 2026-11-23 08:30 or 2026/11/23."""
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text.replace("/", "-"))
    except ValueError as exc:
        problem = f"{text} 不是时间，写作 2026-11-23 08:30 · not a moment"
        raise Invalid(f"受理时间: {problem}", fields={"created": problem}) from exc
    moment = moment if moment.tzinfo else moment.replace(tzinfo=clock.LOCAL)
    if moment > clock.now():
        raise Invalid("受理时间: 在将来 · in the future", fields={"created": "在将来 · in the future"})
    return moment
