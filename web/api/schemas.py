"""Which JSON goes in and out? Field names are those of the domain; input that does not fit is refused by field."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kb import incidents
from kb.lifecycle import CancelReason, Decision, Outcome, Part, VerificationMethod


def _encodable(text: str) -> str:
    """JSON can spell half of a surrogate pair, which no database can keep."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise ValueError("不是合法的 Unicode 文本 · not valid Unicode text") from exc
    return text


Words = Annotated[str, AfterValidator(_encodable)]


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SearchQuery(Input):
    q: Words = Field(description="查询语言见 README · in the query language")
    limit: int = Field(default=10, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=10_000)
    facet: str = Field(default="", description="逗号分隔：kind,category,device,audience · comma-separated")
    exact: bool = Field(default=False, description="按原词，不纠错 · as typed, without correction")


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
    priority: int = Field(default=4, ge=1, le=4)
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


class Link(Step):
    entry: Words = Field(description="解决方案编号 · number of the solution")


class Verify(Step):
    outcome: Outcome
    method: VerificationMethod = VerificationMethod.CALL_BACK
    said_by: Words = Field(min_length=1, max_length=80)
    remark: Words = Field(default="", max_length=incidents.MAX_REMARK)


class Reopen(Step):
    reason: Words


class Cancel(Step):
    reason: CancelReason
    remark: Words = Field(default="", max_length=500)


class Judgement(Input):
    part: Part
    decision: Decision
    reason: Words = ""


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
    audience: str
    category: str
    updated_at: str
    source_path: str


class Corrected(BaseModel):
    """What was probably meant. `applied` says that the hits are those of this query, not of what was typed."""

    query: str
    applied: bool


class Results(BaseModel):
    query: str
    total: int
    relaxed: str
    correction: Corrected | None
    took_ms: float
    hits: list[Snippet]
    facets: dict[str, list[tuple[str, int]]]


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


class Incident(BaseModel):
    number: str
    state: str
    title: str
    description: str
    channel: str
    priority: int
    district: str | None
    assignee: str | None
    solution: str | None
    references: list[str]
    unmet: list[str] = Field(description="关闭门槛尚缺 · what keeps it from closing")
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class Incidents(BaseModel):
    incidents: list[Incident]


class Reported(BaseModel):
    number: str
    confirmation: str | None = Field(description="仅无账号报修时给出 · only for a report without an account")


class Review(BaseModel):
    id: int
    number: str
    revision: int
    title: str
    state: str
    author: str | None
    submitted_at: dt.datetime | None
    decided: list[str]


class Reviews(BaseModel):
    reviews: list[Review]
