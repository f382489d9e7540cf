"""What is a line of the dictionary, is it a good one, and what do the lines of an installation make of the shipped files?

Pure: text in, text out. People write lines; `add` and `import` read the same form:

    光衰                                    a word (kind term)
    机顶盒,电视盒 | 0.5                      a group of words that mean the same, with a weight (kind synonym)
    款带,宽代 => 宽带 | 查询                  one way: who types the left also gets the right; `查询` keeps its words out of the cut
    劳驾                                    a word that says nothing in a query (kind stopword)
    盒子没信号 => SOL-TV-006 | 2026-11-01..2026-12-31   an entry on top of a query (kind pin), the days may be left out

A file has sections ([词语], [同义词], [停用词], [置顶]); there, a minus before a line takes it out of the shipped dictionary.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kb.documents import ENTRY_ID

LONGEST_WORD = 30  # characters
LONGEST_QUERY = 100  # characters of a pinned query
LONGEST_LINE = 400  # characters
QUERY_SIDE = "查询"
BOTH_SIDES = "两端"
_SIDES = {QUERY_SIDE: True, "query": True, BOTH_SIDES: False, "both": False}
_E_CODE = re.compile(r"e[-\s]?\d+")
_BROAD = "[宽]"
FILES = {"term": "terms.txt", "synonym": "synonyms.txt", "stopword": "stopwords.txt", "pin": "pins.tsv"}


class LineKind(StrEnum):
    TERM = "term"
    SYNONYM = "synonym"
    STOPWORD = "stopword"
    PIN = "pin"


class DictionaryAction(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"  # the whole working copy, by an import or a reset
    APPLY = "apply"  # asked for: a version was made
    IN_USE = "in_use"
    REFUSED = "refused"  # it was not put in use, and why
    GOLDEN_ADD = "golden_add"
    GOLDEN_REMOVE = "golden_remove"


SECTIONS = {LineKind.TERM: "词语", LineKind.SYNONYM: "同义词", LineKind.STOPWORD: "停用词", LineKind.PIN: "置顶"}
_SECTION_OF = {name: kind for kind, name in SECTIONS.items()} | {str(kind): kind for kind in LineKind}


class Line(NamedTuple):
    """One line in its canonical form; a `removed` one says that the shipped line of this text does not hold."""

    kind: LineKind
    text: str
    removed: bool = False


class Synonym(NamedTuple):
    """A group (`targets` empty) or a one-way line."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    query_side: bool
    weight: float | None

    @property
    def words(self) -> tuple[str, ...]:
        return self.sources + self.targets


class Pinned(NamedTuple):
    query: str
    entry: str
    since: dt.date | None
    until: dt.date | None


@dataclass(frozen=True)
class Known:
    """What a line is held to beside its own form."""

    shipped: Shipped
    exists: Callable[[str], bool]  # is there a published entry of this number?
    knows: Callable[[str], bool] = lambda word: True  # does the cut in use hold this word whole?


@dataclass(frozen=True)
class Shipped:
    """The shipped dictionary: its lines by kind, and its broad words, such as 盒子."""

    lines: Mapping[LineKind, frozenset[str]]
    broad: frozenset[str]


class Problem(ValueError):
    """What is wrong with one line, in Chinese and English."""


def canonical(kind: LineKind, text: str) -> str:
    """The one way to write what a line says. Raises Problem."""
    if kind is LineKind.SYNONYM:
        written = _write_synonym(synonym(text))
        if len(written) > LONGEST_LINE:
            raise Problem(f"一行最多 {LONGEST_LINE} 个字，请分成几行 · at most {LONGEST_LINE} characters a line")
        return written
    if kind is LineKind.PIN:
        return _write_pin(pin(text))
    return _word(text)


def taken(kind: LineKind, text: str) -> Line:
    """A shipped line to be taken away; it may be of a form that nobody would be let to add."""
    try:
        return Line(kind, canonical(kind, text), True)
    except Problem:
        return Line(kind, _form(text), True)


def _form(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _word(text: str) -> str:
    word = _form(text)
    if not 1 <= len(word) <= LONGEST_WORD:
        raise Problem(f"「{word[:40]}」要有 1 到 {LONGEST_WORD} 个字 · a word has 1 to {LONGEST_WORD} characters")
    if re.search(r"\s", word):
        raise Problem(f"「{word}」里有空格，一个词不能有空格 · a word has no spaces")
    if unsuitable := next((char for char in word if char in ",|=>#" or not char.isprintable()), ""):
        raise Problem(f"「{word}」里有 {unsuitable!r}，请去掉 · a word has no {unsuitable!r}")
    return word


def synonym(text: str) -> Synonym:
    """Read a line of synonyms. Raises Problem."""
    said, *options = (part.strip() for part in _form(text).split("|"))
    left, arrow, right = said.partition("=>")
    sources, targets = _words(left), _words(right) if arrow else ()
    if len(sources) < (1 if arrow else 2) or (arrow and not targets):
        raise Problem("至少要两个词，用逗号隔开，或写成 甲 => 乙 · at least two words, by commas, or one => other")
    words = sources + targets
    if len({word.lower() for word in words}) < len(words):
        raise Problem("同一个词写了两次 · a word stands twice")
    if code := next((word for word in words if _E_CODE.fullmatch(word.lower())), ""):
        raise Problem(
            f"{code} 是显示代码，各厂商含义不同，不能作同义词 · display codes differ between vendors: never synonyms"
        )
    query_side, weight = False, None
    for option in options:
        if option in _SIDES:
            query_side = _SIDES[option]
            continue
        try:
            weight = round(float(option), 2)
        except ValueError:
            raise Problem(
                f"不认识「{option}」：可写 {QUERY_SIDE}、{BOTH_SIDES} 或 0 到 1 的权重 · a side or a weight"
            ) from None
        if not 0 < weight <= 1:
            raise Problem("权重要大于 0、不超过 1 · a weight is above 0 and at most 1")
    return Synonym(sources, targets, query_side, weight)


def _words(text: str) -> tuple[str, ...]:
    return tuple(_word(word) for word in re.split("[,，、]", text) if word.strip())


def _write_synonym(one: Synonym, *, query: str = QUERY_SIDE) -> str:
    said = ",".join(one.sources) + (f" => {','.join(one.targets)}" if one.targets else "")
    return said + (f" | {query}" if one.query_side else "") + (f" | {one.weight:g}" if one.weight else "")


def pin(text: str) -> Pinned:
    """Read a pinned result. Raises Problem."""
    said, _, days = (part.strip() for part in _form(text).partition("|"))
    query, arrow, number = (part.strip() for part in said.rpartition("=>"))
    if not arrow or not 1 <= len(query) <= LONGEST_QUERY or not query.isprintable():
        raise Problem(f"写成 查询 => 词条编号，查询最多 {LONGEST_QUERY} 个字 · write: query => number of an entry")
    if not ENTRY_ID.fullmatch(number.upper()):
        raise Problem(f"「{number}」不是词条编号 · not the number of an entry")
    since, until = _days(days) if days else (None, None)
    return Pinned(query, number.upper(), since, until)


def _days(text: str) -> tuple[dt.date | None, dt.date | None]:
    first, dots, last = (part.strip() for part in text.partition(".."))
    try:
        since, until = (dt.date.fromisoformat(day) if day else None for day in (first, last))
    except ValueError:
        dots = ""
        since = until = None
    if not dots:
        raise Problem("日期写成 2026-11-01..2026-12-31，可只写一边 · days: first..last, either may be left out")
    if since and until and since > until:
        raise Problem("开始日期在结束日期之后 · the first day is after the last")
    return since, until


def _write_pin(one: Pinned) -> str:
    days = f" | {one.since or ''}..{one.until or ''}" if one.since or one.until else ""
    return f"{one.query} => {one.entry}{days}"


def pointless(line: Line, known: Known) -> str:
    """Why a line need not be added, if so. One that an upgrade made pointless does no harm and stays."""
    shipped = line.text in known.shipped.lines[line.kind]
    if line.removed:
        return "" if shipped else "随产品的词典里没有这一行 · the shipped dictionary has no such line"
    return "随产品的词典里已有 · the shipped dictionary has it already" if shipped else ""


def problems(lines: Iterable[Line], known: Known) -> dict[Line, str]:
    """What is wrong with each of these lines, seen together with the shipped ones. Lines without fault are left out."""
    found: dict[Line, str] = {}
    lines = list(lines)
    ways = {pair for line in lines if (pair := _way(line))}
    cut = {word.lower() for line in lines if not line.removed for word in _of_the_cut(line)}
    for line in lines:
        try:
            said = _problem(line, known, ways, cut)
        except Problem as exc:
            said = str(exc)
        if said:
            found[line] = said
    return found


def _problem(line: Line, known: Known, ways: set[tuple[str, str]], cut: set[str]) -> str:
    if line.removed:
        return ""
    if line.kind is LineKind.PIN:
        number = pin(line.text).entry
        return "" if known.exists(number) else f"没有已发布的词条 {number} · no published entry {number}"
    if line.kind is not LineKind.SYNONYM:
        return ""
    one = synonym(line.text)
    broad = next((word for word in one.words if word in known.shipped.broad), "")
    if broad and not one.query_side:
        return f"「{broad}」是泛指词，只能在查询端扩展，请加 | {QUERY_SIDE} · a broad word: add | {QUERY_SIDE}"
    if (way := _way(line)) and way[::-1] in ways:
        return "两行互为单向，请改成一个等价组（用逗号） · two lines lead into each other: make them one group"
    if one.query_side and (dead := next((w for w in one.words if w.lower() not in cut and not known.knows(w)), "")):
        return (
            f"「{dead}」不是词典里的词，查询会把它切开，这一行不起作用：改为两端，或先把它加为词语 · "
            f"queries do not hold it as one word: expand on both sides, or add the word"
        )
    return ""


def _way(line: Line) -> tuple[str, str] | None:
    """A one-way line between two words, for which going back would make a circle."""
    if line.kind is not LineKind.SYNONYM or line.removed:
        return None
    try:
        one = synonym(line.text)
    except Problem:
        return None
    return (one.sources[0], one.targets[0]) if len(one.sources) == len(one.targets) == 1 else None


def _of_the_cut(line: Line) -> tuple[str, ...]:
    if line.kind is LineKind.TERM:
        return (line.text,)
    if line.kind is LineKind.SYNONYM:
        one = synonym(line.text)
        return () if one.query_side else one.words
    return ()


# --- many lines -------------------------------------------------------------------------------------------------


def read_lines(kind: LineKind, text: str) -> tuple[list[tuple[int, Line]], list[tuple[int, str]]]:
    """What was typed, a line each: the lines with their numbers, and what is wrong by number."""
    return _read(((number, kind, line) for number, line in enumerate(text.splitlines(), 1)), minus=False)


def read_file(text: str) -> tuple[list[tuple[int, Line]], list[tuple[int, str]]]:
    """The same from a file with sections."""
    kind: LineKind | None = None
    rows: list[tuple[int, LineKind, str]] = []
    wrong: list[tuple[int, str]] = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        head = re.fullmatch(r"\[(.+)\]", line.strip())
        if head:
            kind = _SECTION_OF.get(head.group(1).strip().lower())
            if kind is None:
                wrong.append(
                    (number, f"没有「{head.group(1)}」这一节，可用 {'、'.join(SECTIONS.values())} · no such section")
                )
        elif line.strip() and not line.lstrip().startswith("#"):
            if kind is None:
                wrong.append((number, "这一行前面没有节名，如 [词语] · no section such as [词语] before this line"))
            else:
                rows.append((number, kind, line))
    lines, more = _read(rows, minus=True)
    return lines, sorted(wrong + more)


def _read(
    rows: Iterable[tuple[int, LineKind, str]], *, minus: bool
) -> tuple[list[tuple[int, Line]], list[tuple[int, str]]]:
    lines: list[tuple[int, Line]] = []
    wrong: list[tuple[int, str]] = []
    for number, kind, text in rows:
        if not text.strip():
            continue
        removed = minus and text.lstrip().startswith("-")
        try:
            line = taken(kind, text.strip().removeprefix("-")) if removed else Line(kind, canonical(kind, text))
        except Problem as exc:
            wrong.append((number, str(exc)))
            continue
        if any((known.kind, known.text) == (line.kind, line.text) for _, known in lines):
            wrong.append((number, "与前面一行重复 · the same line again"))
        else:
            lines.append((number, line))
    return lines, wrong


def write_file(lines: Iterable[Line], heading: str) -> str:
    """The lines as a file that `read_file` reads back."""
    out = [f"# {heading}"]
    wanted = sorted(lines, key=lambda line: (line.removed, line.text))
    for kind, name in SECTIONS.items():
        if of_kind := [line for line in wanted if line.kind is kind]:
            out += ["", f"[{name}]", *(("-" if line.removed else "") + line.text for line in of_kind)]
    return "\n".join(out) + "\n"


# --- the shipped files ------------------------------------------------------------------------------------------


@cache
def shipped(folder: Path) -> Shipped:
    """Read the shipped dictionary; a missing file is an empty one."""
    texts = _texts(folder)
    synonyms = (line for line in texts["synonyms.txt"].splitlines() if line.strip() and not line.startswith("#"))
    lines = {
        LineKind.TERM: frozenset(_form(line.split()[0]) for line in texts["terms.txt"].splitlines() if line.split()),
        LineKind.SYNONYM: frozenset(_shipped_synonym(line) for line in synonyms),
        LineKind.STOPWORD: frozenset(
            _form(word) for line in texts["stopwords.txt"].splitlines() for word in line.partition("#")[0].split()
        ),
        LineKind.PIN: frozenset[str](),
    }
    marked = (line.partition(_BROAD) for line in texts["synonyms.txt"].splitlines() if line.startswith("#"))
    broad = frozenset(word for head, _, words in marked if head == "# " for word in words.split())
    return Shipped(lines, broad)


def _shipped_synonym(line: str) -> str:
    """A shipped line as `canonical` would write it, without asking whether it is a good one."""
    left, arrow, right = (
        ",".join(_form(w) for w in part.split(",")) if part != "=>" else part for part in line.partition("=>")
    )
    return f"{left} => {right}" if arrow else left


def _texts(folder: Path) -> dict[str, str]:
    names = ("terms.txt", "synonyms.txt", "stopwords.txt")
    return {name: (folder / name).read_text("utf-8") if (folder / name).is_file() else "" for name in names}


def texts(folder: Path, lines: Iterable[Line]) -> dict[str, str]:
    """The files of the dictionary that these lines and the shipped files make together, by name.

    Shipped lines stay as they are, local ones follow: an upgrade changes what is below, never what was added here.
    """
    files = _texts(folder)
    lines = sorted(lines)
    gone = {kind: {line.text for line in lines if line.kind is kind and line.removed} for kind in LineKind}
    added = {kind: [line.text for line in lines if line.kind is kind and not line.removed] for kind in LineKind}
    terms = [
        t for t in files["terms.txt"].splitlines() if not (t.split() and _form(t.split()[0]) in gone[LineKind.TERM])
    ]
    stop = [_without(line, gone[LineKind.STOPWORD]) for line in files["stopwords.txt"].splitlines()]
    synonyms = _kept_synonyms(files["synonyms.txt"].splitlines(), gone[LineKind.SYNONYM])
    ours = [_write_synonym(synonym(text), query="query") for text in added[LineKind.SYNONYM]]
    pins = [pin(text) for text in added[LineKind.PIN]]
    return {
        "terms.txt": _joined(terms + added[LineKind.TERM]),
        "synonyms.txt": _joined(synonyms + ours),
        "stopwords.txt": _joined(stop + added[LineKind.STOPWORD]),
        "pins.tsv": _joined(f"{p.query}\t{p.entry}\t{p.since or ''}\t{p.until or ''}" for p in pins),
    }


def _without(line: str, gone: set[str]) -> str:
    words, mark, comment = line.partition("#")
    return " ".join(word for word in words.split() if _form(word) not in gone) + mark + comment


def _kept_synonyms(lines: Iterable[str], gone: set[str]) -> list[str]:
    """Without the lines that are gone, nor the mark before one: it would make the next group a broad one."""
    kept: list[str] = []
    for line in lines:
        if line.strip() and not line.startswith("#") and _shipped_synonym(line) in gone:
            if kept and kept[-1].startswith("#") and _BROAD in kept[-1]:
                kept.pop()
        else:
            kept.append(line)
    return kept


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
