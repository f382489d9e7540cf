"""How much better are reports found once incidents like them have been closed?

Judged reports are dealt into folds. Each fold is withheld in turn; the reports of the others become captured words of the
entries they are judged to belong to, one more an entry at each step, as incidents that close one after another would
give them. What is printed is how often a withheld report, whose words no entry was given, finds a right entry.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.base import Engine, Scope, SearchRequest
from indexer.engines.whoosh_engine import WhooshEngine
from indexer.evaluation import Progress, load, read_corpus, read_qrels, read_queries
from indexer.query import literal
from kb.errors import Invalid

STEPS = (0, 1, 2, 4, 8)  # incidents an entry
FOLDS = 5
SEED = 1
DEPTHS = (1, 3)
Choose = Callable[[Sequence[str]], tuple[str, ...]]  # which of an entry's texts count, newest first


@dataclass(frozen=True)
class Report:
    """What somebody said, and the ids of the entries that answer it, the likeliest first."""

    text: str
    right: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """What was found after so many incidents an entry. `taught` counts the reports of which some right entry is given
    words from the first incident on; the shares beside it are of those alone, the others are of all."""

    incidents: int
    reports: int
    success: Mapping[int, float]  # by depth
    taught: int
    success_taught: Mapping[int, float]


def read_reports(path: Path, covered: Mapping[str, str]) -> list[Report]:
    """Reports of a table with a heading: id, channel, text, and what is right, comma-separated: symptoms, which
    `covered` maps to an entry, or ids of entries. Raises Invalid for another form."""
    reports = []
    for number, line in enumerate(path.read_text("utf-8").splitlines()[1:], 2):
        try:
            _, _, text, right = line.split("\t")
        except ValueError as exc:
            raise Invalid(f"{path.name} 第 {number} 行不是四列 · line {number} has not four columns") from exc
        reports.append(Report(text, tuple(dict.fromkeys(covered.get(one, one) for one in right.split(",")))))
    return reports


def read_collection(folder: Path) -> tuple[list[IndexDocument], list[Report]]:
    """The documents and judged queries of a folder in BEIR form. Raises Invalid for a folder without the three files."""
    try:
        queries, qrels = read_queries(folder / "queries.jsonl"), read_qrels(folder / "qrels.tsv")
        documents = list(read_corpus(folder / "corpus.jsonl"))
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError) as exc:
        raise Invalid(f"不是 BEIR 形式的目录 · not a folder in BEIR form: {exc}") from exc
    graded = {id: sorted(grades, key=lambda document: -grades[document]) for id, grades in qrels.items()}
    return documents, [Report(text, tuple(graded[id])) for id, text in queries.items() if id in graded]


def curve(
    documents: Iterable[IndexDocument],
    reports: Sequence[Report],
    analyzer: Analyzer,
    *,
    choose: Choose,
    steps: Sequence[int] = STEPS,
    folds: int = FOLDS,
    seed: int = SEED,
    progress: Progress = lambda done: None,
) -> list[Step]:
    """Success on withheld reports after each number of incidents, over all folds: every report is withheld once.

    The same seed gives the same folds and the same order of incidents. `progress` is told the searches done."""
    plain = [replace(document, captured=()) for document in documents]
    ids = {document.id for document in plain}
    known = [report for report in reports if not ids.isdisjoint(report.right)]
    if len(known) < folds:
        raise Invalid(f"可用的报告不足 {folds} 条 · fewer than {folds} reports that these entries answer")
    random.Random(seed).shuffle(known)
    found: list[list[_Place]] = [[] for _ in steps]
    for fold in range(folds):
        lessons: dict[str, list[str]] = {}
        for nth, report in enumerate(known):
            if nth % folds != fold:  # it belongs to the likeliest entry that there is
                lessons.setdefault(next(id for id in report.right if id in ids), []).append(report.text)
        for places, more in zip(
            found, _places(plain, lessons, known[fold::folds], analyzer, choose, steps), strict=True
        ):
            places += more
            progress(sum(map(len, found)))
    return [_step(*one) for one in zip(steps, found, strict=True)]


def after(
    documents: Iterable[IndexDocument],
    lessons: Mapping[str, Sequence[str]],
    reports: Sequence[Report],
    analyzer: Analyzer,
    *,
    choose: Choose,
    steps: Sequence[int] = STEPS,
) -> list[Step]:
    """Success on these reports after each number of incidents, of which each entry has its own in `lessons`, in order."""
    plain = [replace(document, captured=()) for document in documents]
    return [_step(*one) for one in zip(steps, _places(plain, lessons, reports, analyzer, choose, steps), strict=True)]


class _Place(NamedTuple):
    """Where the first right hit of a report stood, one beyond the depth for nowhere; is any of its entries taught?"""

    rank: int
    taught: bool


def _places(
    plain: Sequence[IndexDocument],
    lessons: Mapping[str, Sequence[str]],
    reports: Sequence[Report],
    analyzer: Analyzer,
    choose: Choose,
    steps: Sequence[int],
) -> Iterator[list[_Place]]:
    """For each step, the places of all reports."""
    with tempfile.TemporaryDirectory(prefix="kb-learning-") as aside:
        engine = WhooshEngine.create(Path(aside) / "index", analyzer)
        try:
            load(engine, plain)
            for version, step in enumerate(steps, 2):
                taught = [document for document in plain if document.id in lessons]
                engine.apply(
                    [
                        replace(document, version=version, captured=choose(lessons[document.id][:step][::-1]))
                        for document in taught
                    ],
                    [],
                )
                yield [_Place(_rank(engine, report), not lessons.keys().isdisjoint(report.right)) for report in reports]
        finally:
            engine.close()


def _rank(engine: Engine, report: Report) -> int:
    """At which place stands the first right entry? One beyond the depth if at none."""
    hits = engine.search(SearchRequest(literal(report.text), Scope.everything(), limit=DEPTHS[-1])).hits
    return next((place for place, hit in enumerate(hits, 1) if hit.id in report.right), DEPTHS[-1] + 1)


def _step(incidents: int, places: Sequence[_Place]) -> Step:
    ranks, taught = [place.rank for place in places], [place.rank for place in places if place.taught]
    return Step(incidents, len(ranks), _success(ranks), len(taught), _success(taught))


def _success(ranks: Sequence[int]) -> dict[int, float]:
    return {depth: sum(rank <= depth for rank in ranks) / len(ranks) if ranks else 0.0 for depth in DEPTHS}
