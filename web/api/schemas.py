"""Which JSON goes in and out? Field names are those of the domain; input that does not fit is refused by field."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from indexer import FACETS, Sort
from kb import doubts, incidents, notes
from kb.documents import MAX_BODY
from kb.lifecycle import CancelReason, ContactMethod, Decision, HandoverReason, Outcome, Part, VerificationMethod
from web.forms import LARGEST


def _encodable(text: str) -> str:
    """JSON can spell half of a surrogate pair, which no database can keep."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise ValueError("不是合法的 Unicode 文本 · not valid Unicode text") from exc
    return text


Words = Annotated[str, AfterValidator(_encodable)]
RowNumber = Annotated[int, Field(ge=0, le=LARGEST)]


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SearchQuery(Input):
    q: Words = Field(description="查询语言见 README · in the query language")
    limit: int = Field(default=10, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=10_000)
    facet: str = Field(default="", description=f"逗号分隔：{','.join(FACETS)} · comma-separated: {','.join(FACETS)}")
    sort: Sort = Field(default=Sort.RELEVANCE, description="只有筛选而没有词时按日期 · attributes alone go by date")
    exact: bool = Field(default=False, description="按原词，不纠错 · as typed, without correction")


class ExplainQuery(Input):
    q: Words = Field(description="与检索相同 · as for a search")
    id: Words = Field(description="词条编号 · number of the entry")


class SuggestQuery(Input):
    q: Words = Field(default="", max_length=100)
    limit: int = Field(default=8, ge=1, le=20)


class IncidentQuery(Input):
    mine: bool = False
    done: bool = False
    limit: int = Field(default=50, ge=1, le=200)


class Report(Input):
    """A fault. Without an account `contact_phone` is required, and the answer holds the confirmation link."""

    description: Words = Field(max_length=incidents.MAX_DESCRIPTION)
    title: Words = Field(default="", max_length=incidents.MAX_TITLE)
    channel: str = "web"
    priority: int | None = Field(default=None, ge=1, le=4, description="默认由影响与紧急得出 · from impact and urgency")
    impact: int = Field(default=4, ge=1, le=4)
    urgency: int = Field(default=4, ge=1, le=4)
    category: Words = ""
    subscriber: Words = Field(default="", description="用户编号 · number of the subscriber")
    site: Words = ""
    device: Words = ""
    node: Words = Field(default="", description="已发布拓扑中的节点 · id or name of a node of a published topology")
    district: Words = ""
    contact_name: Words = ""
    contact_phone: Words = ""
    address: Words = ""


class Step(Input):
    """A step of an incident. `version` is that of the incident as the caller knows it; without it the step is taken
    on whatever the incident is now."""

    version: int | None = None


class Wait(Step):
    reason: Words


class Note(Input):
    """A note. With a `key` it can be sent again: it is written once. With a `version` it is refused where the incident
    has gone on since, so that its author looks again."""

    text: Words = Field(min_length=1, max_length=notes.MAX_NOTE)
    key: Words = Field(default="", max_length=notes.MAX_KEY, description="每条备注一个，重发不重复 · one for each note")
    version: int | None = None
    written_at: AwareDatetime | None = Field(default=None, description="写下的时间 · when it was written")


class Link(Step):
    entry: Words = Field(description="解决方案编号 · number of the solution")
    query: str = Field(default="", max_length=4000, description="查到它所用的词 · what was searched for to find it")


class Verify(Step):
    outcome: Outcome
    method: VerificationMethod = VerificationMethod.CALL_BACK
    said_by: Words = Field(min_length=1, max_length=80)
    remark: Words = Field(default="", max_length=incidents.MAX_REMARK)
    code: Words = Field(default="", max_length=20, description="现场确认码，仅 on_site · the user's code, for on_site")
    again: bool = Field(default=False, description="说法矛盾后再次确认 · said once more after a contradiction")
    reporter: Words = Field(
        default="", description="并入的报修编号，其报修人所说 · the merged report whose reporter speaks"
    )


class Attempt(Step):
    """Somebody tried to reach the user in vain."""

    method: ContactMethod
    remark: Words = Field(default="", max_length=incidents.MAX_REMARK)


class HandOver(Step):
    reason: HandoverReason
    remark: Words = Field(min_length=1, max_length=incidents.MAX_REMARK)
    line: int | None = Field(default=None, ge=1, le=3)
    unit: Words = Field(default="", description="组或站 · key of a group or station")
    person: Words = Field(default="", description="用户名 · user name")


class Merge(Step):
    into: Words = Field(description="主事件编号 · number of the main incident")


class Parent(Step):
    parent: Words = Field(default="", description="区域故障编号，空则解除 · number of the area fault, none if empty")


class Reopen(Step):
    reason: Words


class Cancel(Step):
    reason: CancelReason
    remark: Words = Field(default="", max_length=500)


class Judgement(Input):
    part: Part
    decision: Decision
    reason: Words = ""


class NoticeQuery(Input):
    unread: bool = Field(default=False, description="只要未读 · unread ones alone")
    limit: int = Field(default=50, ge=1, le=200)


class MarkRead(Input):
    ids: list[RowNumber] | None = Field(default=None, max_length=1000, description="空则全部 · all without")


class Notice(BaseModel):
    """A change that concerns you. Of a record that you may no longer see there is nothing but that it changed."""

    id: int
    at: dt.datetime
    read: bool
    type: str
    number: str
    title: str
    action: str
    to_state: str
    because: str
    said: str
    said_en: str
    reason: str


class Notices(BaseModel):
    unread: int
    notices: list[Notice]


class Marked(BaseModel):
    marked: int


class Assigned(Input):
    assignee: Words = Field(description="用户名 · user name of a lead who may decide on it")
    reason: Words = Field(max_length=500)


class NewDelegation(Input):
    to: Words = Field(description="用户名 · user name of another lead")
    starts: dt.date
    ends: dt.date = Field(description="含这一天 · included")
    reason: Words = Field(default="", max_length=200)


class Evidence(Input):
    evidence: Words = Field(max_length=doubts.MAX_EVIDENCE, description="依据 · what speaks against it")


class Correction(Input):
    body: Words = Field(max_length=MAX_BODY, description="改好的全文 · the whole text, put right")
    base: int = Field(description="所改的版次 · number of the revision that was corrected")


class Snippet(BaseModel):
    """One hit. `highlights` are [start, end) pairs of characters in `snippet`."""

    id: str
    kind: str
    title: str
    score: float
    covers: list[str]
    snippet: str
    highlights: list[list[int]]
    tier: str
    pinned: bool = Field(description="由知识管理员为这个查询置顶 · put on top of this query by hand")
    audience: str
    category: str
    updated_at: str
    source_path: str


class Corrected(BaseModel):
    """What was probably meant. `applied` says that the hits are those of this query, not of what was typed."""

    query: str
    applied: bool


class Offer(BaseModel):
    query: str
    total: int


class Results(BaseModel):
    """`relaxed` is the weaker tier that had to help, `as_words` the phrases that nobody has and that were looked for as
    words, `offers` the queries with less asked that would find something where this one finds nothing."""

    query: str
    total: int
    sort: Sort
    relaxed: str
    as_words: list[str]
    offers: list[Offer]
    correction: Corrected | None
    took_ms: float
    hits: list[Snippet]
    facets: dict[str, list[tuple[str, int]]]


class Matched(BaseModel):
    """A term that the entry has; `faces` tells how often in which face."""

    term: str
    typed: bool
    weight: float
    faces: dict[str, int]


class Piece(BaseModel):
    """What one thing typed adds; `df` entries have it."""

    typed: str
    matches: list[Matched]
    df: int
    idf: float
    weight: float
    score: float


class Meaning(BaseModel):
    """Where a sentence encoder puts a hit, among those of its tier that have a vector; ranks count from 1."""

    cosine: float
    by_words: int
    by_meaning: int
    fused: float
    rank: int


class Explained(BaseModel):
    """`score` is the sum of `pieces` times `coverage_factor`, plus `grams_added`, all of it times `prior`. Without a `tier` the entry was not
    found; `missed` are the conditions that it does not meet. `meaning` is there where a sentence encoder changes the order."""

    id: str
    tier: str | None
    score: float
    pieces: list[Piece]
    coverage: float
    coverage_factor: float
    grams: list[Piece]
    grams_added: float
    prior: float
    documents: int
    missed: list[str]
    meaning: Meaning | None


class Suggestion(BaseModel):
    id: str
    title: str


class Suggestions(BaseModel):
    suggestions: list[Suggestion]


class Entry(BaseModel):
    number: str
    kind: str
    state: str
    title: str
    revision: int
    updated_at: dt.datetime
    attributes: dict[str, Any]
    body: str = Field(description="Markdown；用户只得到公开的一面 · subscribers get the shared face")
    related: list[str]


class Revised(BaseModel):
    """A revision that was made of an entry."""

    number: str
    revision: int
    state: str


class Doubted(BaseModel):
    number: str
    revision: int
    evidence: str
    since: dt.datetime


class RelatedEntry(BaseModel):
    number: str
    kind: str
    title: str
    shared: list[str] = Field(description="两条都有的词 · telling words that both have")


class RelatedEntries(BaseModel):
    related: list[RelatedEntry]


class Incident(BaseModel):
    number: str
    state: str
    title: str
    description: str
    channel: str
    priority: int
    impact: int
    urgency: int
    category: str
    line: int
    unit: str | None
    district: str | None
    assignee: str | None
    duplicate_of: str | None
    parent: str | None
    solution: str | None
    references: list[str]
    unmet: list[str] = Field(description="关闭门槛尚缺 · what keeps it from closing")
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class NoteWritten(BaseModel):
    id: int
    incident: str
    text: str
    author: str
    written_at: dt.datetime
    created_at: dt.datetime


class Incidents(BaseModel):
    incidents: list[Incident]


class Reported(BaseModel):
    number: str
    confirmation: str | None = Field(description="仅无账号报修时给出 · only for a report without an account")
    door_code: str = Field(description="现场确认码，只给用户，只出现这一次 · for the user alone, and shown this once")


class Code(BaseModel):
    door_code: str = Field(
        description="新的现场确认码，只给用户，只出现这一次 · for the user alone, and shown this once"
    )


class Review(BaseModel):
    id: int
    number: str
    revision: int
    title: str
    state: str
    author: str | None
    submitted_at: dt.datetime | None
    due_at: dt.datetime | None
    assignee: str | None
    publishes_on: dt.date | None = Field(description="已通过审核，到这天发布 · approved, and published on that day")
    decided: list[str]


class Reviews(BaseModel):
    reviews: list[Review]


class Delegation(BaseModel):
    id: int
    to: str = Field(description="代审人 · name of the deputy")
    starts: dt.date
    ends: dt.date
    reason: str


class Delegations(BaseModel):
    delegations: list[Delegation] = Field(description="自己未结束的委托 · one's own that are not over")
