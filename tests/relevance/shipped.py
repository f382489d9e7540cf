"""Does the shipped library answer the fault reports that people really make? Success@1/3/10 by area.

    python -m tests.relevance.shipped [PART …] [--misses]

A report is right when an entry that covers one of its judged symptoms is among the first hits of the whole search, as a
technician sees it, over a fresh installation. PART is `dev` (tune on it), `check` (look at its figures, not at its
reports), `closed` or `fresh` (each opened once, at the end of a piece of work); without one, dev and check are measured.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from indexer.analysis import Analyzer
from kb import documents, installation, library
from kb.access import Person
from kb.lifecycle import Role
from kb.settings import Settings
from web.services import Services, open_services

HERE = Path(__file__).parent
PARTS = ("dev", "check", "closed", "fresh")
DEPTHS = (1, 3, 10)
ASKER = Person(None, "relevance", Role.TECHNICIAN)


@dataclass(frozen=True)
class Report:
    """What somebody said, over which channel, and the symptoms (as in `covers`) that it may mean, the likeliest first."""

    id: str
    channel: str
    text: str
    right: tuple[str, ...]

    @property
    def area(self) -> str:
        """Letters of the symptom: TV, CA, IT…"""
        return self.right[0].partition("-")[0]


@dataclass(frozen=True)
class Outcome:
    """What was found first for a report, what should have been, and at which rank it was (None: not in the ten)."""

    report: Report
    wanted: frozenset[str]
    found: tuple[str, ...]

    @property
    def rank(self) -> int | None:
        return next((rank for rank, number in enumerate(self.found, 1) if number in self.wanted), None)


def reports(part: str) -> list[Report]:
    """The judged reports of a part."""
    lines = (HERE / f"{part}.tsv").read_text("utf-8").splitlines()[1:]
    return [Report(id, channel, text, tuple(right.split(","))) for id, channel, text, right in map(_fields, lines)]


def _fields(line: str) -> list[str]:
    return line.split("\t")


@contextmanager
def installed(analyzer: Analyzer | None = None) -> Iterator[Services]:
    """A fresh installation of the shipped library, indexed; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kb-relevance-") as folder:
        services = open_services(Settings(data_dir=Path(folder)), analyzer=analyzer)
        try:
            installation.prepare(services.database, services.store)
            services.rebuild(golden=False)
            yield services
        finally:
            services.close()


def covered() -> dict[str, str]:
    """Symptom -> the entry that covers it."""
    read = (documents.parse(path.read_text("utf-8")) for path in library.files())
    return {symptom: str(document.id) for document in read for symptom in document.attributes.covers}


def ask(services: Services, asked: Iterable[Report]) -> Iterator[Outcome]:
    """Search for every report, as pasted text."""
    entry = covered()
    for report in asked:
        page = services.search.search(ASKER, report.text, pasted=True, limit=max(DEPTHS))
        wanted = frozenset(entry[symptom] for symptom in report.right)
        yield Outcome(report, wanted, tuple(hit.id for hit in page.hits))


def success(outcomes: Sequence[Outcome], depth: int) -> float:
    """For which share of the reports is a right entry among the first `depth`?"""
    return sum(outcome.rank is not None and outcome.rank <= depth for outcome in outcomes) / len(outcomes)


def blame(outcome: Outcome, analyzer: Analyzer, words: dict[str, Counter[str]], pairs: dict[str, set[str]]) -> str:
    """Why was the right entry not among the first three? By what share of the report it holds, against the third hit:
    `ranking` if it holds as many of its words, `vocabulary` if it holds as many of its pairs of characters and fewer
    of its words (they were cut otherwise, or a synonym is missing), `entry` if it holds fewer of both."""
    third = outcome.found[2]
    asked = {token.text for token in analyzer.query_tokens(outcome.report.text)} - analyzer.stopwords
    letters = _pairs(outcome.report.text)

    def shares(number: str) -> tuple[int, int]:
        said = sum(any(word in words[number] for word in (term, *analyzer.synonyms(term))) for term in asked)
        return said, len(letters & pairs[number])

    right = max((shares(number) for number in outcome.wanted), default=(0, 0))
    other = shares(third)
    if right[0] >= other[0]:
        return "ranking"
    return "vocabulary" if right[1] >= other[1] else "entry"


def _pairs(text: str) -> set[str]:
    return {text[start : start + 2] for start in range(len(text) - 1)}


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lines of the report: an area each, and all."""
    yield f"{'area':<6}{'reports':>8}" + "".join(f"{f's@{depth}':>8}" for depth in DEPTHS)
    areas = sorted({outcome.report.area for outcome in outcomes})
    for area in [*areas, "all"]:
        chosen = [outcome for outcome in outcomes if area in ("all", outcome.report.area)]
        yield f"{area:<6}{len(chosen):>8}" + "".join(f"{success(chosen, depth):>8.3f}" for depth in DEPTHS)


def misses(services: Services, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Every report whose right entry is not among the first three, with what is to blame."""
    analyzer = services.generations.analyzer
    texts = {str(document.id): f"{document.attributes.title}\n{document.body}" for document in _read()}
    words = {number: analyzer.counts(text).terms for number, text in texts.items()}
    pairs = {number: _pairs(text) for number, text in texts.items()}
    for outcome in outcomes:
        if outcome.rank is None or outcome.rank > 3:
            why = blame(outcome, analyzer, words, pairs)
            yield "\t".join(
                [why, str(outcome.rank or "-"), ",".join(sorted(outcome.wanted)), ",".join(outcome.found[:3]),
                 outcome.report.text]
            )  # fmt: skip


def _read() -> Iterator[documents.Document]:
    return (documents.parse(path.read_text("utf-8")) for path in library.files())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], default=["dev", "check"])
    parser.add_argument("--misses", action="store_true", help="list reports whose entry is not among the first three")
    options = parser.parse_args()
    with installed() as services:
        for part in options.parts:
            outcomes = list(ask(services, reports(part)))
            print(f"\n{part}", *table(outcomes), sep="\n")
            if options.misses:
                print("\nblame\trank\twanted\tfound\treport", *misses(services, outcomes), sep="\n")


if __name__ == "__main__":
    main()
