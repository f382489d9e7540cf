"""Do the golden queries still find what they must, as the product shows its results?"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from indexer import pins
from indexer.dense import Dense
from indexer.engines.base import Engine, Scope, SearchRequest
from indexer.generations import Generations, Opened
from indexer.pins import Pins
from indexer.query import parse
from kb import clock, golden
from kb.db import Database
from kb.errors import BadQuery, IndexUnavailable
from kb.golden import LOWEST, Golden, Outcome
from kb.models import GoldenRun


def wanted(database: Database, path: Path | None) -> list[Golden]:
    """The shipped golden queries (none without a file) and this installation's own."""
    with database.read() as session:
        return [*(golden.shipped(path) if path else ()), *golden.local(session)]


def judge(engine: Engine, pinned: Pins, queries: Iterable[Golden], *, dense: Dense | None = None) -> list[Outcome]:
    """Where each query finds its entry, pinned results included. A query whose entry is not in the index (retired, say)
    is passed over. Without `dense` it is the words that are judged."""
    held = engine.versions()
    outcomes = []
    for one in queries:
        if one.entry not in held:
            continue
        hits = ranked(engine, pinned, one.query, dense=dense)
        rank = hits.index(one.entry) + 1 if one.entry in hits else None
        outcomes.append(Outcome(one.query, one.entry, one.lowest, rank))
    return outcomes


def ranked(engine: Engine, pinned: Pins, text: str, *, depth: int = LOWEST, dense: Dense | None = None) -> list[str]:
    """The first entries that a query finds for somebody who may see all; none for what is no query."""
    try:
        request = SearchRequest(query=parse(text), scope=Scope.everything(), limit=depth)
    except BadQuery:
        return []
    results = pins.search(engine, pinned, request, today=clock.today(), dense=dense)
    return [hit.id for hit in results.hits]


def basis(here: Opened, queries: Sequence[Golden], dense: Dense | None = None) -> str:
    """Names what a run rests on: the index in use, its dictionary, the code, the queries, and the model if there is one."""
    asked = zlib.crc32(repr(queries).encode())
    said = f"{here.generation} {here.vocabulary.name} {here.vocabulary.analyzer.fingerprint()} {asked:08x}"
    return f"{said} {dense.name}" if dense else said


def run(database: Database, generations: Generations, path: Path | None, *, occasion: str) -> GoldenRun:
    """Judge the index in use and keep the result. Raises IndexUnavailable."""
    here, queries = generations.opened(), wanted(database, path)
    outcomes = judge(here.engine, here.vocabulary.pins, queries, dense=generations.dense)
    with database.write() as session:
        kept = golden.keep(session, outcomes, occasion=occasion, basis=basis(here, queries, generations.dense))
        session.commit()
    return kept


def run_if_due(database: Database, generations: Generations, path: Path | None) -> GoldenRun | None:
    """The same when the index, its dictionary, the code or the queries changed since the last run, or a day has gone by."""
    try:
        now = basis(generations.opened(), wanted(database, path), generations.dense)
        with database.read() as session:
            if not golden.is_due(session, now):
                return None
        return run(database, generations, path, occasion="schedule")
    except IndexUnavailable:
        return None
