"""Which queries must find which entry, and how did they fare lately?

A standing judged set: what the product ships (`golden.tsv`) and what this installation adds. The index is asked
elsewhere (`indexer/golden.py`); here is the set, and the runs that were kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kb import clock, dictionary
from kb.access import Permission, Person
from kb.dictionary_lines import DictionaryAction
from kb.errors import Conflict, Invalid, NotFound
from kb.models import Entry, GoldenQuery, GoldenRun

KEPT_RUNS = 500
DUE = dt.timedelta(hours=24)  # between runs while nothing changes
LOWEST = 20  # rank that anybody may ask for
LONGEST = 200  # characters of a query


class Golden(NamedTuple):
    """`query` must find `entry` among its first `lowest` hits."""

    query: str
    entry: str
    lowest: int
    local: bool = False


class Outcome(NamedTuple):
    """Where the entry stood; None when it was not among the first LOWEST."""

    query: str
    entry: str
    lowest: int
    rank: int | None

    @property
    def failed(self) -> bool:
        return self.rank is None or self.rank > self.lowest

    def __str__(self) -> str:
        stood = f"在第 {self.rank} 位 · at {self.rank}" if self.rank else "没有找到 · not found"
        return f"「{self.query}」前 {self.lowest} 条没有 {self.entry}（{stood}）"


def shipped(path: Path) -> list[Golden]:
    """The shipped set. Each line: query, entry, lowest rank allowed."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    return [Golden(query, entry, int(lowest)) for query, entry, lowest in (line.split("\t") for line in lines)]


def local(session: Session) -> list[Golden]:
    """What this installation added."""
    rows = session.scalars(select(GoldenQuery).order_by(GoldenQuery.id))
    return [Golden(row.query, row.entry, row.lowest, True) for row in rows]


def add(session: Session, by: Person, query: str, entry: str, lowest: int, *, reason: str = "") -> None:
    """Add a query. Raises Invalid by field, Conflict when it is there."""
    by.require(Permission.OPERATE)
    query, entry = " ".join(query.split()), entry.strip().upper()
    fields = {}
    if not 1 <= len(query) <= LONGEST:
        fields["query"] = f"请填写查询，最多 {LONGEST} 字 · a query of at most {LONGEST} characters"
    if not 1 <= lowest <= LOWEST:
        fields["lowest"] = f"名次在 1 到 {LOWEST} 之间 · a rank from 1 to {LOWEST}"
    if session.scalar(select(Entry.id).where(Entry.number == entry, Entry.published_revision_id.is_not(None))) is None:
        fields["entry"] = f"没有已发布的词条「{entry[:60]}」 · no such published entry"
    if fields:
        raise Invalid("; ".join(fields.values()), fields=fields)
    if _find(session, query, entry) is not None:
        raise Conflict(f"「{query}」与 {entry} 已是金标查询 · it is a golden query already")
    session.add(GoldenQuery(query=query, entry=entry, lowest=lowest))
    said = f"{query} => {entry} | {lowest}"
    dictionary.record(session, by, DictionaryAction.GOLDEN_ADD, text=said, reason=reason)


def remove(session: Session, by: Person, query: str, entry: str, *, reason: str = "") -> None:
    """Take one of our own away; shipped ones stay. Raises NotFound."""
    by.require(Permission.OPERATE)
    found = _find(session, query, entry.strip().upper())
    if found is None:
        raise NotFound("没有这条本地金标查询 · no such golden query of this installation", query=query)
    session.delete(found)
    dictionary.record(session, by, DictionaryAction.GOLDEN_REMOVE, text=f"{query} => {found.entry}", reason=reason)


def _find(session: Session, query: str, entry: str) -> GoldenQuery | None:
    return session.scalar(select(GoldenQuery).where(GoldenQuery.query == query, GoldenQuery.entry == entry))


def keep(session: Session, outcomes: Sequence[Outcome], *, occasion: str, basis: str) -> GoldenRun:
    """Keep what a run found, and forget the oldest runs."""
    run = GoldenRun(
        occasion=occasion,
        basis=basis,
        asked=len(outcomes),
        failed=sum(outcome.failed for outcome in outcomes),
        results=[list(outcome) for outcome in outcomes],
    )
    session.add(run)
    session.flush()
    session.execute(delete(GoldenRun).where(GoldenRun.id <= run.id - KEPT_RUNS))
    return run


def last_run(session: Session) -> GoldenRun | None:
    """The latest run, if there has been one."""
    return session.scalar(select(GoldenRun).order_by(GoldenRun.id.desc()).limit(1))


def outcomes(run: GoldenRun) -> list[Outcome]:
    """What a run found, query by query."""
    return [Outcome(*row) for row in run.results]


def is_due(session: Session, basis: str) -> bool:
    """Has what a run rests on changed since the last one, or a day gone by?"""
    run = last_run(session)
    return run is None or run.basis != basis or clock.now() - run.at >= DUE
