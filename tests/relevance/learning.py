"""How soon does a solution that nobody wrote sayings for catch up? Success@1/3 after 0, 1, 2, 4, 8, 16 incidents.

    python -m tests.relevance.learning [PART …] [--with-sayings]

The judged reports (see `shipped.py`) are asked of the shipped library without its sayings. The sayings of each solution, in
an order that a seed decides, stand for what the people of its incidents say: they become captured words, as when incidents
close one after another. `--with-sayings` leaves the solutions theirs, and gives them one another's reports instead.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from indexer import feed
from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.learning import SEED, STEPS, Report, Step, after, curve
from kb import captured, documents
from kb.settings import Settings
from tests.relevance.shipped import PARTS, covered, installed, reports

_SAYINGS = re.compile(rf"^{documents.SYMPTOM_SECTION}$.*?(?=^环境$)", re.MULTILINE | re.DOTALL)


def asked(part: str) -> list[Report]:
    """The judged reports of a part, with the entries that answer them."""
    entry = covered()
    return [Report(one.text, tuple(dict.fromkeys(entry[symptom] for symptom in one.right))) for one in reports(part)]


def shipped(analyzer: Analyzer) -> list[IndexDocument]:
    """The documents of a fresh installation."""
    with installed(analyzer) as services:
        return list(feed.everything(services.database, services.store))


def without_sayings(library: Sequence[IndexDocument]) -> Iterator[IndexDocument]:
    """The same documents as somebody would have written them who knew the fault and not what people say of it."""
    for document in library:
        yield dataclasses.replace(document, symptoms=(), body=_SAYINGS.sub("", document.body))


def sayings(library: Sequence[IndexDocument], seed: int) -> dict[str, list[str]]:
    """What each solution is told by its incidents, in order; the numbering of the entries decides nothing."""
    told = {document.id: list(document.symptoms) for document in library if document.symptoms}
    for id in sorted(told):
        random.Random(f"{seed} {id}").shuffle(told[id])
    return told


def table(steps: Sequence[Step]) -> Iterator[str]:
    yield f"{'incidents':>9}{'s@1':>8}{'s@3':>8}"
    for step in steps:
        yield f"{step.incidents:>9}" + "".join(f"{share:>8.3f}" for share in step.success.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--with-sayings", action="store_true")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kb-learning-") as cache:
        analyzer = Analyzer(Settings().dictionary_path, Path(cache))
        library = shipped(analyzer)
        for part in given.parts or ["dev"]:
            if given.with_sayings:
                steps = curve(library, asked(part), analyzer, choose=captured.chosen, seed=given.seed)
            else:
                told = sayings(library, given.seed)
                poor = list(without_sayings(library))
                steps = after(poor, told, asked(part), analyzer, choose=captured.chosen, steps=(*STEPS, 16))
            print(f"{part}: {steps[0].reports} reports")
            print("\n".join(table(steps)))


if __name__ == "__main__":
    main()
