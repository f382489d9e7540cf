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
from indexer.engines.whoosh_engine import WhooshEngine
from indexer.query import literal
from indexer.ranking import Parameters
from kb.errors import Invalid

DEPTH = 100  # hits looked at a query
BATCH = 2_000  # documents a commit
Qrels = Mapping[str, Mapping[str, int]]
Progress = Callable[[int], None]


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
    folder: Path,
    analyzer: Analyzer,
    *,
    limit: int | None = None,
    parameters: Parameters | None = None,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Index a collection aside, ask its judged queries (the first `limit`), and measure. Changes nothing of the
    installation. `progress` is told the number of documents and queries done. Raises Invalid for a folder without
    the three files."""
    try:
        queries, qrels = read_queries(folder / "queries.jsonl"), read_qrels(folder / "qrels.tsv")
        with tempfile.TemporaryDirectory(prefix="kb-eval-") as aside:
            engine = WhooshEngine.create(Path(aside) / "index", analyzer, parameters=parameters)
            try:
                done = load(engine, read_corpus(folder / "corpus.jsonl"), progress=progress)
                judged = {id: text for id, text in queries.items() if id in qrels}
                asked = dict(islice(judged.items(), limit))
                return measure(engine, asked, qrels, progress=lambda n: progress(done + n) if progress else None)
            finally:
                engine.close()
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError) as exc:
        raise Invalid(f"不是 BEIR 形式的目录 · not a folder in BEIR form: {exc}") from exc


def load(engine: Engine, corpus: Iterable[IndexDocument], *, progress: Progress | None = None) -> int:
    """Put a corpus into an engine in batches; returns the number of documents."""
    documents = iter(corpus)
    done = 0
    while batch := list(islice(documents, BATCH)):
        engine.apply(batch, [])
        done += len(batch)
        if progress is not None:
            progress(done)
    return done


def measure(
    engine: Engine, queries: Mapping[str, str], qrels: Qrels, *, progress: Progress | None = None
) -> dict[str, float]:
    """Ask every query that has a judgement. Queries are questions, not our language: nothing in them is an operator."""
    sums: dict[str, float] = {}
    asked = 0
    for id, text in queries.items():
        if id not in qrels:
            continue
        results = engine.search(SearchRequest(literal(text), Scope.everything(), limit=DEPTH))
        for name, value in scores([hit.id for hit in results.hits], qrels[id]).items():
            sums[name] = sums.get(name, 0.0) + value
        asked += 1
        if progress is not None:
            progress(asked)
    return {name: value / asked for name, value in sums.items()} | {"queries": asked}


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
