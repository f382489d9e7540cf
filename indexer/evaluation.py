"""How well does the product rank, on judged queries?

A collection is a folder in BEIR form: `corpus.jsonl` {id, title, text}, `queries.jsonl` {id, text}, `qrels.tsv` (query
id, document id, grade). It is put into a throw-away index and searched exactly as the product searches. Measures are
those of the field: success@k, reciprocal rank, nDCG with exponential gain (Burges et al. 2005, as in BEIR's
trec_eval for binary grades), recall.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.base import Engine, Scope, SearchRequest
from indexer.engines.whoosh import WhooshEngine
from indexer.query import Query, Word
from indexer.ranking import Parameters

DEPTH = 100  # hits looked at a query
BATCH = 2_000  # documents a commit
Qrels = Mapping[str, Mapping[str, int]]
Progress = Callable[[str, int], None]


def read_corpus(path: Path) -> Iterator[IndexDocument]:
    """The documents of a collection, as entries that everybody may read."""
    for line in _lines(path):
        yield IndexDocument(line["id"], 1, "reference", line.get("title") or "", line["text"])


def read_queries(path: Path) -> dict[str, str]:
    """Query id -> text."""
    return {line["id"]: line["text"] for line in _lines(path)}


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Query id -> document id -> grade; a header line is skipped, and so are grades of 0."""
    qrels: dict[str, dict[str, int]] = {}
    for line in path.read_text("utf-8").splitlines():
        query, document, grade = line.split("\t")
        if grade.isdigit() and int(grade) > 0:
            qrels.setdefault(query, {})[document] = int(grade)
    return qrels


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def evaluate(
    corpus: Iterable[IndexDocument],
    queries: Mapping[str, str],
    qrels: Qrels,
    *,
    analyzer: Analyzer,
    parameters: Parameters | None = None,
    progress: Progress = lambda step, done: None,
) -> dict[str, float]:
    """Index a corpus aside, ask every judged query, and measure. Changes nothing of the installation."""
    with tempfile.TemporaryDirectory(prefix="kb-eval-") as folder:
        engine = WhooshEngine.create(Path(folder) / "index", analyzer, parameters=parameters)
        try:
            load(engine, corpus, progress=progress)
            return measure(engine, queries, qrels, progress=progress)
        finally:
            engine.close()


def load(engine: Engine, corpus: Iterable[IndexDocument], *, progress: Progress = lambda step, done: None) -> None:
    """Put a corpus into an engine in batches."""
    documents = iter(corpus)
    done = 0
    while batch := list(islice(documents, BATCH)):
        engine.apply(batch, [])
        done += len(batch)
        progress("index", done)


def measure(
    engine: Engine, queries: Mapping[str, str], qrels: Qrels, *, progress: Progress = lambda step, done: None
) -> dict[str, float]:
    """Ask every query that has a judgement. Queries are questions, not our language: nothing in them is an operator."""
    sums: dict[str, float] = {}
    asked = 0
    for number, (id, text) in enumerate(queries.items()):
        if id not in qrels:
            continue
        query = Query(text, words=tuple(Word(word, 0) for word in text.split()))
        results = engine.search(SearchRequest(query, Scope.everything(), limit=DEPTH))
        for name, value in scores([hit.id for hit in results.hits], qrels[id]).items():
            sums[name] = sums.get(name, 0.0) + value
        asked += 1
        progress("query", number + 1)
    return {name: value / asked for name, value in sums.items()} | {"queries": float(asked)}


def scores(ranked: Sequence[str], grades: Mapping[str, int]) -> dict[str, float]:
    """The measures of one query: what was ranked, best first, against the grades of what is relevant."""
    first = next((rank for rank, id in enumerate(ranked, 1) if id in grades), math.inf)
    measured = {f"success@{k}": float(first <= k) for k in (1, 3, 5, 10)}
    measured["recall@100"] = sum(id in grades for id in ranked[:100]) / len(grades)
    measured["mrr@10"] = 1 / first if first <= 10 else 0.0
    gained = sum((2 ** grades.get(id, 0) - 1) / math.log2(rank + 1) for rank, id in enumerate(ranked[:10], 1))
    ideal = sorted(grades.values(), reverse=True)[:10]
    best = sum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(ideal, 1))
    measured["ndcg@10"] = gained / best
    return measured
