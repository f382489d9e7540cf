"""Which categories may a text have, and how does the tree of them change?

The product ships a tree of two levels; an installation adds to it and retires what it does not want. A category is never
deleted, because texts name it: no new text gets a retired one, and what has it keeps it and is found by it. A name changes
only while no text has it, because revisions do not change.
"""

from __future__ import annotations

import re
import unicodedata

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from kb import audit, clock
from kb.access import Permission, Person
from kb.errors import Conflict, Invalid, NotFound
from kb.models import Category, Entry, Revision
from kb.plain import one_line

LONGEST = 30  # characters of a name
_NAME = re.compile(r"\w[\w ()（）·+.&-]*")  # no mark that means something in a path or in a query
_NAMED = 10  # entries in a message


def tree(session: Session) -> list[Category]:
    """All categories, those below one parent together, each in the order in which it came."""
    rows = list(session.scalars(select(Category).order_by(Category.id)))
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.parent, row.id)
    return sorted(rows, key=lambda row: (first[row.parent], row.id))


def paths(session: Session, *, also: str = "") -> list[str]:
    """The categories that a text may be given, and the retired one that the text at hand has already."""
    return [row.path for row in tree(session) if row.retired_at is None or row.path == also]


def get(session: Session, category_id: int) -> Category:
    """Raises NotFound."""
    category = session.get(Category, category_id)
    if category is None:
        raise NotFound("没有这个类目 · no such category")
    return category


def unknown(session: Session, path: str) -> bool:
    """Has the tree no such category, in use or retired?"""
    return session.scalar(select(Category.id).where(Category.path == path)) is None


def closed(session: Session, path: str, number: str = "") -> bool:
    """Is this a retired category that the entry of that number has not had before?"""
    retired = select(Category.id).where(Category.path == path, Category.retired_at.is_not(None))
    if session.scalar(retired) is None:
        return False
    had = select(Revision.id).join(Entry, Entry.id == Revision.entry_id).where(Entry.number == number, _names(path))
    return session.scalar(had.limit(1)) is None


def refusal(path: str) -> str:
    """What is said of a category that is closed."""
    return f"类目「{path}」已停用，请另选 · the category is retired, choose another"


# --- how the tree changes ----------------------------------------------------------------------------------------


def add(session: Session, by: Person, *, parent: str, name: str) -> Category:
    """Make a category of this installation's own. Raises Invalid by field."""
    by.require(Permission.ORGANISE)
    category = Category(path=_path(session, parent, name))
    session.add(category)
    session.flush()
    audit.record(session, by, category, "create", reason=category.path)
    return category


def retire(session: Session, by: Person, category: Category) -> None:
    """No new text gets it; a second time changes nothing."""
    by.require(Permission.ORGANISE)
    if category.retired_at is None:
        category.retired_at = clock.now()
        audit.record(session, by, category, "retire", reason=category.path)


def restore(session: Session, by: Person, category: Category) -> None:
    """Texts may get it again."""
    by.require(Permission.ORGANISE)
    if category.retired_at is not None:
        category.retired_at = None
        audit.record(session, by, category, "restore", reason=category.path)


def rename(session: Session, by: Person, category: Category, *, parent: str, name: str) -> Category:
    """Another name, another parent, or both, while no text has it or has had it; else Conflict names the entries.

    An upgrade knows a shipped one by its path: that one stays as it is, retired, and another takes its place."""
    by.require(Permission.ORGANISE)
    if f"{one_line(parent)}/{one_line(name)}" == category.path:
        return category
    path = _path(session, parent, name, but=category)
    if using := _using(session, category.path):
        raise Conflict(
            f"{len(using)} 条词条的文本写着「{category.path}」，不能改名，可停用后另建：{'、'.join(using[:_NAMED])} · "
            "entries have this category: retire it and add another",
            entries=using[:_NAMED],
        )
    if category.shipped:
        made = add(session, by, parent=parent, name=name)
        retire(session, by, category)
        return made
    before, category.path = category.path, path
    session.flush()
    audit.record(session, by, category, "rename", reason=f"{before} → {path}")
    return category


def _path(session: Session, parent: str, name: str, *, but: Category | None = None) -> str:
    """The path of what was typed. Raises Invalid by field for what cannot be one, is there already, or nearly is."""
    parent, name = one_line(parent), one_line(name)
    fields = {
        field: f"1~{LONGEST} 字，可用汉字、字母、数字、空格和 ()·+.&-，不含斜杠、逗号 · "
        f"1-{LONGEST} letters, digits, spaces and ()·+.&-, no slash or comma"
        for field, text in (("parent", parent), ("name", name))
        if len(text) > LONGEST or not _NAME.fullmatch(text)
    }
    path, others = f"{parent}/{name}", [row for row in tree(session) if row is not but]
    if not fields:
        written = {row.parent for row in others if _like(row.parent) == _like(parent)}
        if written and parent not in written:
            fields["parent"] = f"上级写作「{min(written)}」 · the parent is written 「{min(written)}」"
        twin = next((row for row in others if _like(row.path) == _like(path)), None)
        if twin is not None:
            fields["name"] = _taken(twin, path)
    if fields:
        raise Invalid("；".join(fields.values()), fields=fields)
    return path


def _taken(twin: Category, path: str) -> str:
    if twin.path != path:
        return (
            f"与「{twin.path}」只差大小写、全半角或空格 · differs from 「{twin.path}」 in case, width or spaces alone"
        )
    if twin.retired_at is not None:
        return f"「{path}」已停用，可恢复它 · it is there, retired: restore it"
    return f"「{path}」已有 · it is there already"


def _like(text: str) -> str:
    """The same for texts that differ in case, width or spaces alone."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _names(path: str) -> ColumnElement[bool]:
    """Does the revision have this category?"""
    same: ColumnElement[bool] = Revision.attributes["category"].as_string() == path
    return same


def _using(session: Session, path: str) -> list[str]:
    """Numbers of the entries of which any revision names the category."""
    named = select(Revision.entry_id).where(_names(path))
    return sorted(session.scalars(select(Entry.number).where(or_(Entry.category == path, Entry.id.in_(named)))))
