"""What does a knowledge document look like on disk, and is this one well formed?

A document is UTF-8 Markdown with YAML front matter. `content/README.md` is the schema in words; `FrontMatter` is
the same schema in code, and tests hold the two together. Files without front matter are accepted by `read_plain`
as reference material: that is how a folder of foreign Markdown gets in.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import frontmatter
import yaml
from frontmatter.default_handlers import YAMLHandler
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails

from kb.errors import Invalid
from kb.plain import one_line


class Kind(StrEnum):
    """The kinds of entry. `process` kinds come out of incident and change work; the others are looked up."""

    SOLUTION = "solution"
    CHANGE_REQUEST = "change_request"
    TEST_PLAN = "test_plan"
    TECH_PLAN = "tech_plan"
    POLICY = "policy"
    TOPOLOGY = "topology"
    REFERENCE = "reference"


CHANGE_KINDS = frozenset({Kind.CHANGE_REQUEST, Kind.TEST_PLAN, Kind.TECH_PLAN})


class Audience(StrEnum):
    """Who may read an entry: anybody, any member of staff, or one owner group."""

    PUBLIC = "public"
    STAFF = "staff"
    RESTRICTED = "restricted"


class Confidence(StrEnum):
    """How well a figure is founded: two independent sources, one, or experience that nobody checked."""

    VERIFIED = "verified"
    SINGLE_SOURCE = "single_source"
    UNVERIFIED = "unverified"


UNVERIFIED_MARK = "待本地确认"

# Section titles of a solution, in order, and whether a subscriber reads them.
SOLUTION_SECTIONS: dict[str, bool] = {
    "现象": True,
    "环境": True,
    "原因": True,
    "用户自助": True,
    "检查": False,
    "处理步骤": False,
    "移交": False,
    "安全": True,
}
REQUIRED_SECTIONS = ("现象", "环境", "原因", "用户自助", "检查", "处理步骤", "移交")
STAFF_SECTIONS = frozenset(name for name, public in SOLUTION_SECTIONS.items() if not public)
SYMPTOM_SECTION = "现象"
SELF_HELP_SECTION = "用户自助"

ENTRY_ID = re.compile(r"^(SOL|CHG|POL|TOP|REF)-[A-Z0-9]+(?:-[A-Z0-9]+)*$")
MENTION = re.compile(r"(?<![A-Z0-9-])(?:SOL|CHG|POL|TOP|REF)-[A-Z0-9]+(?:-[A-Z0-9]+)*")
_SHOWN_FILE = re.compile(r"\]\(<?attachments/([^)>\s]+)")  # ![图](attachments/name)
MAX_TITLE = 120  # characters; longer is a paragraph, not a title
MAX_BODY = 1_000_000  # characters of one document


class ErrorCode(BaseModel):
    """A code on a screen or in a log, with the vendor without whom it means nothing."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    code: str = Field(min_length=1, max_length=60)
    vendor: str = Field(min_length=1, max_length=60)
    meaning: str = Field(default="", max_length=200)


class Figure(BaseModel):
    """A threshold or value that the text uses, with its unit and how well it is founded."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    name: str = Field(min_length=1, max_length=80)
    value: str = Field(min_length=1, max_length=120)
    unit: str = Field(default="", max_length=40)
    confidence: Confidence


class Environment(BaseModel):
    """What was true before and after the fault: the service, the form of network, the vendor."""

    model_config = ConfigDict(extra="forbid")

    service: str = Field(min_length=1, max_length=80)
    network: str = Field(default="", max_length=80)
    vendor: str = Field(default="", max_length=80)


class Attributes(BaseModel):
    """What the formal review is about: everything known of a document besides its text and its id."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=2, max_length=MAX_TITLE)
    kind: Kind
    category: str = Field(min_length=1, max_length=80)
    audience: Audience
    owner_group: str = Field(min_length=1, max_length=60)
    valid_until: dt.date | None = None
    valid_from: dt.date | None = None  # published on this day, where it comes after the approval
    devices: list[str] = Field(default_factory=list)
    districts: list[str] = Field(default_factory=list)  # names; none is all of them
    error_codes: list[ErrorCode] = Field(default_factory=list)
    covers: list[str] = Field(default_factory=list)
    figures: list[Figure] = Field(default_factory=list)
    related: list[str] = Field(default_factory=list)
    change: str = ""
    environment: Environment | None = None

    @field_validator("valid_from")
    @classmethod
    def _begins_before_it_ends(cls, valid_from: dt.date | None, info: ValidationInfo) -> dt.date | None:
        until = info.data.get("valid_until")
        if valid_from is not None and until is not None and valid_from > until:
            raise ValueError("生效日期晚于有效期止 · it is after valid_until")
        return valid_from

    @field_validator("title")
    @classmethod
    def _one_line(cls, title: str) -> str:
        title = one_line(title)
        if len(title) < 2:
            raise ValueError("标题至少 2 字 · at least two characters")
        return title


class FrontMatter(Attributes):
    """The front matter of a file written for the library: the attributes, complete, and the entry's id."""

    id: str = Field(max_length=60)

    @field_validator("id")
    @classmethod
    def _id_form(cls, value: str) -> str:
        if not ENTRY_ID.fullmatch(value):
            raise ValueError("编号须形如 SOL-TV-001 · an id looks like SOL-TV-001")
        return value

    @model_validator(mode="after")
    def _complete_for_kind(self) -> FrontMatter:
        if self.kind is Kind.SOLUTION and not self.covers:
            raise ValueError("covers: 解决方案至少覆盖一个现象 · a solution covers at least one symptom")
        if self.kind is Kind.SOLUTION and self.environment is None:
            raise ValueError("environment: 解决方案须写明业务 · a solution names its service")
        if self.valid_until is None and self.kind not in (Kind.REFERENCE, Kind.TOPOLOGY):
            raise ValueError("valid_until: 缺少必填项 · required")
        if self.kind in CHANGE_KINDS and not self.change:
            raise ValueError("change: 变更文件须写变更号 · a change document names its change")
        return self

    def attributes(self) -> Attributes:
        return Attributes(**self.model_dump(exclude={"id"}))


@dataclass(frozen=True)
class Document:
    """A document read from disk: its id (None for foreign files), attributes and Markdown body."""

    id: str | None
    attributes: Attributes
    body: str


@dataclass(frozen=True)
class Section:
    """One second-level section of a body; the text before the first heading has an empty title."""

    title: str
    text: str


def sections(body: str) -> list[Section]:
    """Which second-level sections does the body have, in order? Headings inside code fences do not count."""
    found: list[Section] = []
    title, fence = "", ""
    lines: list[str] = []
    for line in body.splitlines():
        mark = re.match(r"^ {0,3}(`{3,}|~{3,})", line)
        if mark:
            if not fence:
                fence = mark.group(1)
            elif line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        heading = None if fence else re.match(r"^## +(.+?)\s*#*\s*$", line)
        if heading:
            if title or any(text.strip() for text in lines):
                found.append(Section(title, "\n".join(lines).strip("\n")))
            title, lines = heading.group(1), []
        else:
            lines.append(line)
    if title or any(text.strip() for text in lines):
        found.append(Section(title, "\n".join(lines).strip("\n")))
    return found


@dataclass(frozen=True)
class Faces:
    """The two faces of one document: what its whole audience reads, and what only staff read."""

    shared: str
    staff: str


def faces(kind: Kind, body: str) -> Faces:
    """Which part of the body is for everybody in its audience, and which for staff alone?"""
    if kind is not Kind.SOLUTION:
        return Faces(shared=body, staff="")
    shared: list[str] = []
    staff: list[str] = []
    for section in sections(body):
        text = f"## {section.title}\n\n{section.text}" if section.title else section.text
        (staff if section.title in STAFF_SECTIONS else shared).append(text)
    return Faces(shared="\n\n".join(shared), staff="\n\n".join(staff))


def shown_files(text: str) -> set[str]:
    """The names of the attached files that a text shows or leads to."""
    return {unquote(name) for name in _SHOWN_FILE.findall(text)}


def mentions(body: str) -> set[str]:
    """Which entries does the text name by their number?"""
    return set(MENTION.findall(body))


def symptoms(body: str) -> list[str]:
    """In which words do people report this? The list items of the 现象 section."""
    for section in sections(body):
        if section.title == SYMPTOM_SECTION:
            items = re.findall(r"^\s*[-*+]\s+(.+?)\s*$", section.text, flags=re.MULTILINE)
            return items or [line.strip() for line in section.text.splitlines() if line.strip()]
    return []


# pydantic's kinds of mistake -> our sentence; the braces are filled from what pydantic says about the mistake
_MISTAKES = {
    "missing": "缺少必填项 · required",
    "extra_forbidden": "没有这个键 · unknown key",
    "enum": "取值不在允许范围 · not an allowed value ({expected})",
    "literal_error": "取值不在允许范围 · not an allowed value ({expected})",
    "string_too_short": "至少 {min_length} 个字 · at least {min_length} characters",
    "string_too_long": "最多 {max_length} 个字 · at most {max_length} characters",
    "string_type": "须是文字 · must be text",
    "less_than_equal": "最大 {le} · at most {le}",
    "greater_than_equal": "最小 {ge} · at least {ge}",
}
_MISTAKES |= dict.fromkeys(
    ("date_from_datetime_parsing", "date_from_datetime_inexact", "date_parsing", "date_type"),
    "日期写作 2027-11-30 这样 · a date is written like 2027-11-30",
)
_MISTAKES |= dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "须是整数 · must be a whole number")
_MISTAKES |= dict.fromkeys(("bool_parsing", "bool_type"), "须是 true 或 false · must be true or false")
_MISTAKES |= dict.fromkeys(("list_type", "tuple_type"), "须是列表 · must be a list")
_MISTAKES |= dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), "须是键值对 · must be a mapping")


def explain(error: ValidationError) -> list[str]:
    """What is wrong with the front matter, one sentence a field, in Chinese and English?"""
    return [f"{where or 'front matter'}: {said}" for where, said in mistakes(error)]


def mistakes(error: ValidationError) -> list[tuple[str, str]]:
    """Where in the input is which mistake? What pydantic says is English alone, and forms show it in Chinese pages."""
    return [(".".join(str(part) for part in item["loc"]), _mistake(item)) for item in error.errors()]


def _mistake(item: ErrorDetails) -> str:
    if item["type"] == "value_error":
        return item["msg"].removeprefix("Value error, ")  # a sentence of ours
    told = item.get("ctx", {})
    if item["type"] == "string_too_short" and told.get("min_length") == 1:
        return _MISTAKES["missing"]  # a form sends what was left out as an empty text
    if item["type"] in _MISTAKES:
        return _MISTAKES[item["type"]].format_map(told)
    return f"取值不对 · {item['msg']}"


def _load(text: str) -> tuple[dict[str, Any], str]:
    try:
        post = frontmatter.loads(text, handler=YAMLHandler())
    except (ValueError, TypeError, RecursionError) as exc:  # a date such as 2021-02-30, a key that is a list
        raise Invalid(f"front matter 读不出来 · cannot be read: {exc}") from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = f"第 {mark.line + 2} 行 · line {mark.line + 2}: " if mark else ""
        raise Invalid(f"front matter 不是合法的 YAML · not valid YAML: {line}{getattr(exc, 'problem', exc)}") from exc
    if not isinstance(post.metadata, dict):
        raise Invalid("front matter 须是键值对 · must be a mapping")
    if not all(isinstance(key, str) for key in post.metadata):
        raise Invalid("front matter 的键须是文字 · keys must be text")
    return dict(post.metadata), post.content


def parse(text: str) -> Document:
    """Read a library document; every problem of its front matter is named in the error."""
    meta, body = _load(text)
    if not meta:
        raise Invalid("缺少 front matter · the file has no front matter")
    try:
        front = FrontMatter(**meta)
    except ValidationError as exc:
        raise Invalid("; ".join(explain(exc)), problems=explain(exc)) from exc
    return Document(front.id, front.attributes(), body.strip() + "\n")


def dump(document: Document) -> str:
    """The file for a document: what `parse` reads back unchanged."""
    meta: dict[str, Any] = {"id": document.id} if document.id else {}
    meta |= document.attributes.model_dump(mode="json", exclude_defaults=True)
    head = yaml.safe_dump(meta, allow_unicode=True, sort_keys=False, width=1000)
    return f"---\n{head}---\n\n{document.body.strip()}\n"


def looks_like_library(text: str) -> bool:
    """Does the file carry our front matter (a kind), rather than none or somebody else's?"""
    if not text.startswith("---"):
        return False
    try:
        meta, _ = _load(text)
    except Invalid:
        return False
    return isinstance(meta.get("kind"), str) and meta["kind"] in set(Kind) and "id" in meta


def read_plain(path: PurePosixPath, text: str, *, category: str, audience: Audience, owner_group: str) -> Document:
    """Read a foreign Markdown file as reference material: the first heading is its title, else its name."""
    try:
        meta, body = _load(text)
    except Invalid:
        meta, body = {}, text  # somebody else's front matter, and broken: keep every character as text
    heading = re.search(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$", body, flags=re.MULTILINE)
    title = meta.get("title") if isinstance(meta.get("title"), str) else None
    title = plain_title(title or (heading.group(1) if heading else "")) or plain_title(path.stem)
    attributes = Attributes(
        title=title if len(title) > 1 else plain_title(path.as_posix()),  # a one-letter file name says nothing
        kind=Kind.REFERENCE,
        category=category,
        audience=audience,
        owner_group=owner_group,
    )
    return Document(None, attributes, body.strip() + "\n")


def plain_title(text: str) -> str:
    """A heading without its Markdown and HTML, cut to the longest title allowed."""
    text = re.sub(r"<[^>]*>|\{#[^}]*\}", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\\([\\`*_{}\[\]()#+.!<>|-])", r"\1", text)
    return " ".join(text.replace("**", "").replace("`", "").split())[:MAX_TITLE].strip()


def check_solution(document: Document) -> list[str]:
    """What keeps this solution from following the template? Empty when nothing does."""
    found = [section.title for section in sections(document.body) if section.title]
    problems = [f"缺少小节 · missing section: {name}" for name in REQUIRED_SECTIONS if name not in found]
    problems += [f"未知小节 · unknown section: {name}" for name in found if name not in SOLUTION_SECTIONS]
    known = [name for name in found if name in SOLUTION_SECTIONS]
    if known != sorted(known, key=list(SOLUTION_SECTIONS).index):
        problems.append("小节顺序不对 · sections out of order")
    if len(set(known)) != len(known):
        problems.append("小节重复 · a section stands twice")
    unverified = [f.name for f in document.attributes.figures if f.confidence is Confidence.UNVERIFIED]
    if unverified and UNVERIFIED_MARK not in document.body:
        problems.append(
            f"未核实的数值没有标「{UNVERIFIED_MARK}」 · unmarked unverified figures: {', '.join(unverified)}"
        )
    return problems
