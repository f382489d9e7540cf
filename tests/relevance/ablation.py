"""What does each part of the ranking add or cost? The figures of judged sets, and by how much each drops without it.

    python -m tests.relevance.ablation [BEIR FOLDER …]

Asks the shipped library the reports of `dev` and `check` (success@1/@3), and each folder its queries (nDCG@10), once as the
product ranks and once with each part left out: a tier, a face, synonyms, stop words, a weight. One index serves all, because
none of these changes what is indexed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from indexer import evaluation
from indexer.analysis import Analyzer
from indexer.engines.whoosh_engine import WhooshEngine
from indexer.projection import FACES, Space
from indexer.ranking import Parameters, Prior
from kb.settings import Settings
from tests.relevance.learning import asked, shipped

NO_PRIOR = Prior(new=1.0, old=1.0, reused=0.0, verified=1.0, single_source=1.0, unverified=1.0)


class NoSynonyms(Analyzer):
    def synonyms(self, term: str) -> dict[str, float]:
        return {}


class NoStopwords(Analyzer):
    @property
    def stopwords(self) -> frozenset[str]:
        return frozenset()


@dataclass(frozen=True)
class Judged:
    """A set: an index, queries, and which documents answer each. `measures` are the figures that are shown of it."""

    name: str
    index: Path
    queries: Mapping[str, str]
    qrels: evaluation.Qrels
    measures: tuple[str, ...]

    def figures(self, analyzer: Analyzer, parameters: Parameters) -> list[float]:
        engine = WhooshEngine(self.index, analyzer, parameters=parameters)
        try:
            found = evaluation.measure(engine, self.queries, self.qrels)
        finally:
            engine.close()
        return [found[measure] for measure in self.measures]


def without(parameters: Parameters) -> Iterator[tuple[str, Parameters, type[Analyzer]]]:
    """Every ranking that lacks one part, by name."""
    yield "synonyms", parameters, NoSynonyms
    yield "stop words", parameters, NoStopwords
    yield "pairs of characters", replace(parameters, grams=0.0), Analyzer
    yield "pairs that join words weigh more", replace(parameters, inside=1.0), Analyzer
    yield "weaker tiers", replace(parameters, enough=0), Analyzer
    yield "Latin words weigh more", replace(parameters, latin=1.0), Analyzer
    yield "long words weigh more", replace(parameters, long=1.0), Analyzer
    yield "parts of identifiers", replace(parameters, part=0.0), Analyzer
    yield "coverage", replace(parameters, coverage=0.0), Analyzer
    yield "prior", replace(parameters, prior=NO_PRIOR), Analyzer
    for face, name in enumerate(FACES):
        if name != "captured":  # empty here: `learning.py` tells what captured words add
            yield f"face {name}", _weighing(parameters, face, 0.0), Analyzer
            yield f"face {name} weighs 1", _weighing(parameters, face, 1.0), Analyzer


def _weighing(parameters: Parameters, face: int, weight: float) -> Parameters:
    fields = {
        space: replace(field, weights=(*field.weights[:face], weight, *field.weights[face + 1 :]))
        for space, field in parameters.fields.items()
        if space is not Space.PINYIN
    }
    return replace(parameters, fields={**parameters.fields, **fields})


def sets(folder: Path, analyzer: Analyzer, collections: list[Path]) -> Iterator[Judged]:
    """The reports over the shipped library, and each BEIR folder, indexed below a folder."""
    engine = WhooshEngine.create(folder / "library", analyzer)
    engine.fill([shipped(analyzer)])
    engine.close()
    for part in ("dev", "check"):
        reports = {str(number): report for number, report in enumerate(asked(part))}
        yield Judged(
            part, folder / "library", {id: report.text for id, report in reports.items()},
            {id: dict.fromkeys(report.right, 1) for id, report in reports.items()}, ("success@1", "success@3"),
        )  # fmt: skip
    for number, collection in enumerate(collections):
        engine = WhooshEngine.create(folder / str(number), analyzer)
        engine.fill([list(evaluation.read_corpus(collection / "corpus.jsonl"))])
        engine.close()
        queries = evaluation.read_queries(collection / "queries.jsonl")
        yield Judged(
            collection.name,
            folder / str(number),
            queries,
            evaluation.read_qrels(collection / "qrels.tsv"),
            ("ndcg@10",),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kb-ablation-") as folder:
        dictionary, cache = Settings().dictionary_path, Path(folder)
        judged = list(sets(cache, Analyzer(dictionary, cache), given.collections))
        columns = [f"{one.name} {measure}" for one in judged for measure in one.measures]
        print("| without | " + " | ".join(columns) + " |")
        print("|---|" + "---|" * len(columns))
        whole = [figure for one in judged for figure in one.figures(Analyzer(dictionary, cache), Parameters())]
        print("| – | " + " | ".join(f"{figure:.4f}" for figure in whole) + " |")
        for name, parameters, kind in without(Parameters()):
            less = [figure for one in judged for figure in one.figures(kind(dictionary, cache), parameters)]
            shown = [f"{there - here:+.4f}" for here, there in zip(whole, less, strict=True)]
            print(f"| {name} | " + " | ".join(shown) + " |", flush=True)


if __name__ == "__main__":
    main()
