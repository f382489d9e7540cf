"""Which units has the organisation, and how do they change?

Stations have groups, groups have districts; teams stand by themselves and own knowledge. A unit's key never changes,
because entries and accounts name it; its name and its place do. Who is in a unit sees what is restricted to it and to the
units below it, so a move changes what people see, and leaves an audit row like everything else.
"""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import audit
from kb.access import Permission, Person
from kb.errors import Conflict, Invalid, NotFound
from kb.lifecycle import OPEN_REVISION, RevisionState
from kb.models import Revision, Unit
from kb.plain import one_line

PARENT: dict[str, str | None] = {"station": None, "group": "station", "district": "group", "team": None}
LONGEST = 80  # characters of a name
_KEY = re.compile(r"[a-z][a-z0-9-]{1,59}")


def get(session: Session, key: str) -> Unit:
    """The unit with this key. Raises NotFound."""
    unit = session.scalar(select(Unit).where(Unit.key == key))
    if unit is None:
        raise NotFound(f"没有组织单位 {key} · no such unit", key=key)
    return unit


def add(session: Session, by: Person, *, key: str, kind: str, name: str, parent: str = "") -> Unit:
    """Make a unit. Raises Invalid by field."""
    by.require(Permission.ORGANISE)
    key, fields = key.strip().lower(), {}
    if not _KEY.fullmatch(key):
        fields["key"] = "代号用 2~60 位小写字母、数字和 - · 2-60 lower-case letters, digits and -"
    elif session.scalar(select(Unit.id).where(Unit.key == key)) is not None:
        fields["key"] = f"代号 {key} 已有 · the key is taken"
    if kind not in PARENT:
        fields["kind"] = "请选择种类 · choose a kind"
    else:
        fields |= _problems_of_name(session, kind, one_line(name)) | _problems_of_parent(session, kind, parent)
    if fields:
        raise Invalid("；".join(fields.values()), fields=fields)
    unit = Unit(key=key, kind=kind, name=one_line(name), parent=get(session, parent) if parent else None)
    session.add(unit)
    session.flush()
    audit.record(session, by, unit, "create", after=kind, reason=unit.name)
    return unit


def rename(session: Session, by: Person, unit: Unit, name: str) -> None:
    """Give a unit another name. A district that a text in use or in the making names keeps its own: revisions do not
    change, so they would name a district that is none."""
    by.require(Permission.ORGANISE)
    name = one_line(name)
    if name == unit.name:
        return
    if fields := _problems_of_name(session, unit.kind, name):
        raise Invalid("；".join(fields.values()), fields=fields)
    if unit.kind == "district" and (named := _naming(session, unit.name)):
        raise Conflict(
            f"{len(named)} 条词条写着「{unit.name}」，请先修订：{'、'.join(named[:10])} · entries name this district",
            entries=named[:10],
        )
    before, unit.name = unit.name, name
    session.flush()
    audit.record(session, by, unit, "rename", reason=f"{before} → {name}")


def move(session: Session, by: Person, unit: Unit, parent: str) -> None:
    """Put a unit below another one of the kind above it."""
    by.require(Permission.ORGANISE)
    if unit.parent is not None and unit.parent.key == parent:
        return
    if fields := _problems_of_parent(session, unit.kind, parent):
        raise Invalid("；".join(fields.values()), fields=fields)
    before, unit.parent = unit.parent, get(session, parent) if parent else None
    session.flush()
    names = [one.name if one else "" for one in (before, unit.parent)]
    audit.record(session, by, unit, "move", reason=" → ".join(names))


def _problems_of_name(session: Session, kind: str, name: str) -> dict[str, str]:
    if not 1 <= len(name) <= LONGEST:
        return {"name": f"请填写名称，最多 {LONGEST} 字 · a name of at most {LONGEST} characters"}
    if session.scalar(select(Unit.id).where(Unit.kind == kind, Unit.name == name)) is not None:
        return {"name": f"「{name}」已有 · the name is taken"}
    return {}


def _problems_of_parent(session: Session, kind: str, parent: str) -> dict[str, str]:
    above = PARENT[kind]
    if above is None:
        return {"parent": "服务站和专业组没有上级 · stations and teams have none above them"} if parent else {}
    if session.scalar(select(Unit.id).where(Unit.key == parent, Unit.kind == above)) is None:
        return {"parent": "维护组属于服务站，片区属于维护组 · groups belong to a station, districts to a group"}
    return {}


def _naming(session: Session, district: str) -> list[str]:
    """Numbers of the entries whose published or unfinished text names a district."""
    rows = session.scalars(
        select(Revision).where(
            Revision.state.in_(sorted(OPEN_REVISION | {RevisionState.APPROVED})),
            Revision.attributes["districts"].as_string() != "[]",
        )
    )
    return sorted({row.entry.number for row in rows if district in row.attributes.get("districts", ())})
