"""What did the asker mean by what was typed?

The language is ours, so neither people nor saved links depend on an engine:

    网关 超时              words; a document with more of them stands higher
    "主备切换" “主备切换”    a phrase that must occur, character for character (also 「」 and 『』)
    -演练  -"割接窗口"      must not occur
    kind:policy            a filter (种类: too); several values with commas, `-kind:policy` for all others
    year:2024..2026        a filter over a range; either end may be missing

A text of several lines is a pasted log and is taken literally: no operator in it means anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from rapidfuzz.distance import OSA

from kb.errors import BadQuery

MAX_LENGTH = 4000  # characters; a pasted stack trace fits, a pasted file does not
# Phrases, filters and exclusions in one query. Each may cost a look into every text: 600 of them took 8 s at 24,145
# documents, and nobody types more than a few.
MAX_CONDITIONS = 12

# Field -> the ways to write it. The first one is shown in messages.
FIELDS: dict[str, tuple[str, ...]] = {
    "kind": ("种类", "类型"),
    "category": ("类目", "类别"),
    "device": ("设备",),
    "code": ("代码", "错误码"),
    "district": ("片区",),
    "audience": ("受众",),
    "year": ("年份",),
    "group": ("归口", "归口组"),
    "id": ("编号",),
}
_FIELD_OF = {alias: name for name, aliases in FIELDS.items() for alias in (name, *aliases)}

# Fields with a closed set of values -> each value and its Chinese names.
VALUES: dict[str, dict[str, tuple[str, ...]]] = {
    "kind": {
        "solution": ("解决方案", "方案"),
        "change_request": ("变更申请", "变更"),
        "test_plan": ("测试方案",),
        "tech_plan": ("技术方案",),
        "policy": ("制度", "规范"),
        "topology": ("拓扑",),
        "reference": ("参考资料", "参考", "资料"),
    },
    "audience": {"public": ("公开", "用户"), "staff": ("员工", "内部"), "restricted": ("受限", "保密")},
}

_QUOTES = {'"': '"', "“": "”", "”": "”", "＂": "＂", "「": "」", "『": "』", "„": "“", "«": "»"}
_MINUS = "-－−"
_FIELD = re.compile(r"([A-Za-z]{2,12}|[\u4e00-\u9fff]{2,3})[:：]")
_YEARS = re.compile(r"(\d{4})?年?(?:(?:\.\.|[-~～－至])(\d{4})?年?)?")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Word:
    """Plain text between spaces. It and its minus stand from `start` to `end` in what was typed, in characters."""

    text: str
    start: int
    end: int = 0


@dataclass(frozen=True)
class Phrase:
    """Text that must occur as it stands."""

    text: str
    start: int
    end: int = 0


@dataclass(frozen=True)
class Filter:
    """One attribute, one or several values (any of them)."""

    field: str
    values: tuple[str, ...]
    start: int
    end: int = 0


Part = Word | Phrase | Filter


@dataclass(frozen=True)
class Query:
    """What was asked. Filters of one field are alternatives, filters of different fields must all hold."""

    text: str
    words: tuple[Word, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    filters: tuple[Filter, ...] = ()
    not_words: tuple[Word, ...] = ()
    not_phrases: tuple[Phrase, ...] = ()
    not_filters: tuple[Filter, ...] = ()

    @cached_property
    def plain(self) -> str:
        """The plain words as one text, with single spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def ranked(self) -> bool:
        """Does it ask for words, by which hits can be ranked? Otherwise attributes alone choose."""
        return bool(self.words or self.phrases)

    @property
    def empty(self) -> bool:
        """Does the query ask for nothing at all?"""
        return not (
            self.words or self.phrases or self.filters or self.not_words or self.not_phrases or self.not_filters
        )


@dataclass
class _Parts:
    words: list[Word] = field(default_factory=list)
    phrases: list[Phrase] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)

    @property
    def conditions(self) -> int:
        return len(self.phrases) + len(self.filters)


def parse(text: str, *, max_length: int = MAX_LENGTH) -> Query:
    """Read what was typed. Raises BadQuery with the position (in characters) and what to do instead."""
    if (length := _length(text)) > max_length:
        raise BadQuery(
            f"查询太长({length} 个字符),请缩短到 {max_length} 个以内 · "
            f"the query has {length} characters, shorten it to {max_length}",
            position=min(len(text), max_length),
        )
    text = _LONE_SURROGATE.sub("\ufffd", text)
    if "\n" in text.strip() or "\r" in text.strip():
        return literal(text)
    wanted, unwanted = _Parts(), _Parts()
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        negated = _negates(text, place)
        start = place
        place = _read(text, place + negated, unwanted if negated else wanted, start)
        if wanted.conditions + unwanted.conditions + len(unwanted.words) > MAX_CONDITIONS:
            raise BadQuery(
                f"短语、筛选和排除合计最多 {MAX_CONDITIONS} 个 · at most {MAX_CONDITIONS} phrases, filters and exclusions",
                position=start,
            )
    return Query(
        text,
        tuple(wanted.words),
        tuple(wanted.phrases),
        tuple(wanted.filters),
        tuple(unwanted.words),
        tuple(unwanted.phrases),
        tuple(unwanted.filters),
    )


def literal(text: str) -> Query:
    """A text that was not typed into the search box, such as an incident's description: nothing in it is an operator, and
    what follows MAX_LENGTH characters is not looked at."""
    text = _LONE_SURROGATE.sub("\ufffd", text[:MAX_LENGTH])
    if _length(text) > MAX_LENGTH:
        text = unicodedata.normalize("NFKC", text)[:MAX_LENGTH]
    return Query(text, words=tuple(Word(found.group(), *found.span()) for found in re.finditer(r"\S+", text)))


def cut(text: str, parts: Iterable[Part]) -> str:
    """What was typed without some parts of it, with single spaces where they stood."""
    pieces, place = [], 0
    for part in sorted(parts, key=lambda part: part.start):
        pieces.append(text[place : part.start].strip())
        place = part.end
    return " ".join(piece for piece in [*pieces, text[place:].strip()] if piece)


def _length(text: str) -> int:
    """Characters that a text has when it is looked up: ﷺ becomes eighteen. What is too long anyway is not worked out."""
    return len(text) if len(text) > MAX_LENGTH else max(len(text), len(unicodedata.normalize("NFKC", text)))


def _negates(text: str, place: int) -> bool:
    """Is this a minus before a word, phrase or filter? A flag such as `-n` or `--force`, and a lone dash, are text."""
    if text[place] not in _MINUS or place + 1 >= len(text):
        return False
    following = text[place + 1]
    if following in _QUOTES:
        return _closing(text, place + 1) > 0
    if not following.isalnum():
        return False
    return not (following.isascii() and (place + 2 >= len(text) or text[place + 2].isspace()))


def _closing(text: str, place: int) -> int:
    """Where does the quotation that opens at `place` end? -1 when it never does: then the mark is plain text."""
    return text.find(_QUOTES[text[place]], place + 1)


def _read(text: str, place: int, into: _Parts, start: int) -> int:
    """Read one phrase, filter or word; returns the place behind it."""
    if text[place] in _QUOTES and (end := _closing(text, place)) > 0:
        if text[place + 1 : end].strip():
            into.phrases.append(Phrase(text[place + 1 : end].strip(), start, end + 1))
        return end + 1
    named = _FIELD.match(text, place)
    if named and (name := _field_name(text, named)):
        raw, end = _value(text, named.end())
        into.filters.append(Filter(name, _values(name, raw, named.end()), start, end))
        return end
    end = place + 1
    while end < len(text) and not text[end].isspace():
        if text[end] in "“「『" and _closing(text, end) > 0:
            break
        end += 1
    into.words.append(Word(text[place:end], start, end))
    return end


def _field_name(text: str, named: re.Match[str]) -> str | None:
    """Which field is meant? None when it is text with a colon: http://, 10:30, 错误:691."""
    written = named.group(1)
    known = _FIELD_OF.get(written.lower())
    if known:
        return known
    after = text[named.end() : named.end() + 1]
    if not written.isascii() or not after or after.isspace() or after in "/\\:":
        return None
    # One slip of the finger after a right first letter; `node:` and `mode:` in a log are one letter from `code:`.
    near = [name for name in FIELDS if len(name) > 2 and name[0] == written[0].lower()]
    for name in near:
        if OSA.distance(name, written.lower()) <= (2 if len(name) > 6 else 1):
            raise BadQuery(
                f"没有字段「{written}」,是不是 {name}(或 {FIELDS[name][0]})? · "
                f"no field '{written}'; did you mean {name}?",
                position=named.start(),
                suggestion=name,
            )
    return None


def _value(text: str, place: int) -> tuple[str, int]:
    if place < len(text) and text[place] in _QUOTES and (end := _closing(text, place)) > 0:
        return text[place + 1 : end], end + 1
    end = place
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[place:end], end


def _values(name: str, raw: str, place: int) -> tuple[str, ...]:
    values = tuple(part.strip() for part in re.split("[,，]", raw) if part.strip())
    if not values:
        raise BadQuery(
            f"{FIELDS[name][0]}: 后面缺少取值;要查这几个字请加引号 · "
            f"{name}: needs a value right after the colon; put it in quotes to search for the text",
            position=place,
        )
    if name == "year":
        return tuple(_year(value, place) for value in values)
    return tuple(_closed(name, value, place) for value in values) if name in VALUES else values


def _year(value: str, place: int) -> str:
    """A year, or from which to which, either end open: 2026, 2024..2026, 2024.. and ..2026 (and 2024-2026)."""
    found = _YEARS.fullmatch(value)
    if not found or not any(found.groups()):
        raise BadQuery(
            f"年份写作 2026 或 2024..2026,不是「{value}」 · a year is written 2026, several 2024..2026",
            position=place,
            suggestion="",
        )
    first, last = found.groups()
    if value.rstrip("年") == first:
        return str(int(first))
    return f"{first or ''}..{last or ''}"


def years(value: str) -> tuple[int, int]:
    """The first and last year that a value of the field `year` means."""
    first, between, last = value.partition("..")
    ends = int(first or 0), int((last if between else first) or 9999)
    return min(ends), max(ends)


def _closed(name: str, value: str, place: int) -> str:
    """The value of a closed set that is meant, by its key or a Chinese name."""
    for key, names in VALUES[name].items():
        if value.lower() == key or value in names:
            return key
    nearest = min(VALUES[name], key=lambda key: OSA.distance(key, value.lower()))
    shown = ", ".join(f"{key}({names[0]})" for key, names in VALUES[name].items())
    hint = f";是不是 {nearest}? · did you mean {nearest}?" if OSA.distance(nearest, value.lower()) <= 2 else ""
    raise BadQuery(
        f"{FIELDS[name][0]}没有「{value}」这个取值,可用: {shown}{hint} · no {name} '{value}'",
        position=place,
        suggestion=nearest if hint else "",
    )
