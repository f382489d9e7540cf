"""What does this installation change of the shipped dictionary: who, when, why, and what was it before?

The shipped files are the base and belong to the product. On top of them lies the working copy: lines added, and shipped
lines taken away. To put it in use makes a version of it, numbered and never changed; version 0 is the shipped dictionary
as it is. The working copy is edited by several people: whoever has not seen the latest change is told, and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kb.access import Permission, Person
from kb.dictionary_lines import (
    SECTIONS,
    DictionaryAction,
    Known,
    Line,
    LineKind,
    pointless,
    problems,
    read_file,
    read_lines,
    taken,
)
from kb.errors import Conflict, Invalid, NotFound, StaleVersion
from kb.models import DictionaryChange, DictionaryLine, DictionaryVersion

_A = DictionaryAction
EDIT = Permission.OPERATE
_EDITS = (_A.ADD, _A.REMOVE, _A.REPLACE)
MOST_AT_ONCE = 2000  # lines of one import
LONGEST_REASON = 500  # characters


@dataclass(frozen=True)
class Working:
    """The working copy; `version` is that of the latest change to it."""

    version: int
    lines: tuple[Line, ...]


def working(session: Session) -> Working:
    """What has been edited, whether or not it is in use."""
    rows = session.execute(select(DictionaryLine.kind, DictionaryLine.text, DictionaryLine.removed))
    latest = session.scalar(select(func.max(DictionaryChange.id)).where(DictionaryChange.action.in_(_EDITS)))
    return Working(latest or 0, tuple(sorted(Line(LineKind(kind), text, removed) for kind, text, removed in rows)))


def add(
    session: Session, by: Person, kind: LineKind, text: str, *, reason: str, known: Known, version: int | None = None
) -> list[Line]:
    """Add what was typed, one thing a line: all of it or nothing. A shipped line that had been taken away is put back.
    `version` is the working copy as the editor saw it. Raises Invalid with a sentence a line, StaleVersion."""
    here = _begin(session, by, version, reason)
    rows, wrong = read_lines(kind, text)
    if not rows and not wrong:
        wrong = [(1, "请写一行 · write a line")]
    held = {(line.kind, line.text): line for line in here.lines}
    wrong += [(n, "工作副本里已有 · the working copy has it") for n, line in rows if _has(held, line)]
    back = [line for _, line in rows if (gone := held.get((line.kind, line.text))) and gone.removed]
    new = [line for _, line in rows if line not in back]
    found = problems([*(line for line in here.lines if not line.removed), *new], known)
    wrong += [(number, found[line]) for number, line in rows if line in found]
    wrong += [(number, said) for number, line in rows if line in new and (said := pointless(line, known))]
    _refuse(wrong, text)
    for line in back:
        _take(session, line)
    session.add_all(DictionaryLine(kind=line.kind, text=line.text) for line in new)
    _note(session, by, _A.ADD, new + back, reason)
    return new + back


def _has(held: dict[tuple[LineKind, str], Line], line: Line) -> bool:
    known = held.get((line.kind, line.text))
    return known is not None and not known.removed


def remove(
    session: Session, by: Person, kind: LineKind, text: str, *, reason: str, known: Known, version: int | None = None
) -> None:
    """Take a line out: one of ours is gone, a shipped one no longer holds here. Raises NotFound, StaleVersion."""
    here = _begin(session, by, version, reason)
    gone = taken(kind, text)
    line = Line(kind, gone.text)
    if line in here.lines:
        _take(session, line)
    elif line.text in known.shipped.lines[kind] and gone not in here.lines:
        session.add(DictionaryLine(kind=kind, text=line.text, removed=True))
    else:
        raise NotFound(f"{SECTIONS[kind]}里没有「{line.text}」 · no such line", line=line.text)
    _note(session, by, _A.REMOVE, [line], reason)


def replace(
    session: Session, by: Person, text: str, *, reason: str, known: Known, version: int | None = None
) -> tuple[int, int]:
    """Make the working copy what a file says; returns how many lines came and went. Raises Invalid, StaleVersion."""
    here = _begin(session, by, version, reason)
    rows, wrong = read_file(text)
    if len(rows) > MOST_AT_ONCE:
        raise Invalid(f"一次最多 {MOST_AT_ONCE} 行 · at most {MOST_AT_ONCE} lines at once")
    found = problems([line for _, line in rows], known)
    wrong += [(number, found[line]) for number, line in rows if line in found]
    wrong += [(n, said) for n, line in rows if line not in here.lines and (said := pointless(line, known))]
    _refuse(wrong, text)
    return _become(session, by, here, [line for _, line in rows], reason)


def reset(session: Session, by: Person, number: int, *, reason: str, version: int | None = None) -> tuple[int, int]:
    """Make the working copy what a version holds."""
    return _become(session, by, _begin(session, by, version, reason), lines_of(session, number), reason)


def _become(session: Session, by: Person, here: Working, lines: Sequence[Line], reason: str) -> tuple[int, int]:
    wanted, held = set(lines), set(here.lines)
    for line in held - wanted:
        _take(session, line)
    session.flush()
    session.add_all(DictionaryLine(kind=kind, text=text, removed=gone) for kind, text, gone in sorted(wanted - held))
    if wanted != held:
        _note(session, by, _A.REPLACE, sorted(wanted ^ held), reason)
    return len(wanted - held), len(held - wanted)


def _begin(session: Session, by: Person, version: int | None, reason: str) -> Working:
    by.require(EDIT)
    here = working(session)
    if version is not None and version != here.version:
        raise StaleVersion(
            "词典刚被别人改过，请看过再提交，您填写的内容还在 · somebody changed the dictionary in between",
            yours=version,
            latest=here.version,
        )
    check_reason(reason)
    return here


def check_reason(reason: str) -> None:
    """Raise Invalid when nobody could learn from it why."""
    if not 1 <= len(reason.strip()) <= LONGEST_REASON:
        said = f"请写明原因，最多 {LONGEST_REASON} 字 · say why, in at most {LONGEST_REASON} characters"
        raise Invalid(said, fields={"reason": said})


def _refuse(wrong: Iterable[tuple[int, str]], text: str) -> None:
    """Raise Invalid with all that is wrong, line by line."""
    lines = text.splitlines() or [""]
    said = [f"第 {number} 行「{lines[number - 1].strip()[:40]}」：{what}" for number, what in sorted(set(wrong))]
    if said:
        raise Invalid(
            f"有 {len(said)} 行要改，一行也没有保存 · {len(said)} lines need attention, nothing was saved",
            problems=said,
            fields={"lines": "\n".join(said)},
        )


def _take(session: Session, line: Line) -> None:
    row = session.scalar(
        select(DictionaryLine).where(DictionaryLine.kind == line.kind, DictionaryLine.text == line.text)
    )
    if row is not None:
        session.delete(row)


def _note(session: Session, by: Person, action: DictionaryAction, lines: Sequence[Line], reason: str) -> None:
    """One row a kind, so that a large import does not bury the history."""
    for kind in dict.fromkeys(line.kind for line in lines):
        texts = [("-" if line.removed else "") + line.text for line in lines if line.kind is kind]
        record(session, by, action, kind=kind, text="\n".join(texts), reason=reason)


# --- versions ---------------------------------------------------------------------------------------------------


def make_version(session: Session, by: Person, *, reason: str, known: Known, version: int | None = None) -> int:
    """Freeze the working copy under the next number. Raises Invalid when a line of it has become wrong (an entry that
    was pinned is gone, a shipped line too), StaleVersion."""
    here = _begin(session, by, version, reason)
    if found := problems(here.lines, known):
        said = [f"「{line.text}」：{what}" for line, what in found.items()]
        raise Invalid("工作副本里有几行要先改 · some lines need attention first", problems=said)
    number = 1 + (session.scalar(select(func.max(DictionaryVersion.number))) or 0)
    session.add(
        DictionaryVersion(
            number=number,
            actor_id=by.id,
            actor=by.name,
            reason=reason.strip(),
            lines=[list(line) for line in here.lines],
        )
    )
    record(session, by, _A.APPLY, version=number, reason=reason)
    return number


def lines_of(session: Session, number: int) -> list[Line]:
    """The lines of a version; 0 has none. Raises NotFound."""
    if number == 0:
        return []
    found = session.get(DictionaryVersion, number) if 0 < number < 2**31 else None
    if found is None:
        raise NotFound(f"没有词典版本 {number} · no such version of the dictionary", version=number)
    return [Line(LineKind(kind), text, removed) for kind, text, removed in found.lines]


def versions(session: Session, limit: int = 50) -> list[DictionaryVersion]:
    """The youngest versions, the latest first."""
    return list(session.scalars(select(DictionaryVersion).order_by(DictionaryVersion.number.desc()).limit(limit)))


def last_in_use(session: Session) -> int:
    """Which version was put in use last? What a lost index is made with."""
    return (
        session.scalar(
            select(DictionaryChange.version)
            .where(DictionaryChange.action == _A.IN_USE)
            .order_by(DictionaryChange.id.desc())
            .limit(1)
        )
        or 0
    )


def require_change(session: Session, number: int) -> None:
    """Raise Conflict when the working copy says what this version says: there is nothing to put in use."""
    if set(working(session).lines) == set(lines_of(session, number)):
        raise Conflict("工作副本与使用中的词典相同，没有可启用的改动 · nothing has changed")


def record(
    session: Session,
    by: Person,
    action: DictionaryAction,
    *,
    kind: str = "",
    text: str = "",
    version: int | None = None,
    reason: str = "",
) -> None:
    """Leave a row in the history."""
    session.add(
        DictionaryChange(
            actor_id=by.id, actor=by.name, action=action, kind=kind, text=text, version=version, reason=reason.strip()
        )
    )
    session.flush()


def history(session: Session, limit: int = 50) -> list[DictionaryChange]:
    """The latest changes, the youngest first."""
    return list(session.scalars(select(DictionaryChange).order_by(DictionaryChange.id.desc()).limit(limit)))
