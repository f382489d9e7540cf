"""What does the benchmark want of an engine, and how does the product give it?

An engine is built once, opened in a process of its own, and asked in batches. `Product` is the whole product query:
analysis, words with synonyms, pairs of characters, names, coverage. `ProductTerms` is its block and kernel on the terms
that all others index: one face, no pairs, no synonyms, plain BM25 with k1 = 1.2 and b = 0.75, asked through
`Snapshot.search` with a plan made of the terms, so conditions, ranking and ids are in the time and analysis is not.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer import native
from indexer.document import IndexDocument
from indexer.engines.base import FACETS, Scope, SearchRequest
from indexer.engines.whoosh_engine import WhooshEngine
from indexer.engines.whoosh_engine.block import MOST_DOCUMENTS, Writer
from indexer.engines.whoosh_engine.codec import BlockSegment
from indexer.engines.whoosh_engine.segment import OpenSegment
from indexer.engines.whoosh_engine.snapshot import Snapshot, View
from indexer.plan import Concept, Condition, Plan
from indexer.projection import EVERYWHERE, FACES, Card, Projection, Space, packed
from indexer.query import Filter, parse
from indexer.ranking import Field, Parameters
from tests.benchmarks.material import Asked, Cut, Material, analyzer, changed, number_of

K1, B = 1.2, 0.75  # of BM25, for every engine that can be told
_AT_ONCE = 6_000  # documents of one block while building: about what `Generations` takes of this length


class Missing(Exception):
    """The engine cannot run here; the text says why."""


@dataclass(frozen=True)
class Answer:
    """The numbers of the documents found, best first, and how long it took."""

    numbers: list[int]
    ms: float


class Engine(ABC):
    """An engine over one folder. `search`, `change` and `_open` are timed from here; Lucene times itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def build(self, material: Material) -> None:
        """Index all documents into the folder, which is empty."""

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    def search(self, asked: Asked, limit: int) -> list[int]:
        """The numbers of the best documents."""

    def change(self, old: Cut, new: Cut, word: str) -> list[int]:
        """Put a changed document in the place of the old one, durably, and look for its new word."""
        raise Missing("has to be built anew")

    def open(self) -> float:
        """Open the index; returns the milliseconds."""
        began = time.perf_counter()
        self._open()
        return (time.perf_counter() - began) * 1000

    def batch(self, asked: Sequence[Asked], limit: int, budget_s: float) -> list[Answer]:
        """Answer one question after the other until they or the time are used up; at least one."""
        answers: list[Answer] = []
        until = time.perf_counter() + budget_s
        for one in asked:
            began = time.perf_counter()
            numbers = self.search(one, limit)
            ended = time.perf_counter()
            answers.append(Answer(numbers, (ended - began) * 1000))
            if ended > until:
                break
        return answers

    def changes(self, documents: Sequence[Cut]) -> list[float]:
        """Change documents one by one; returns the milliseconds until each was found by its new word."""
        taken = []
        for number, old in enumerate(documents):
            new, word = changed(old, number)
            began = time.perf_counter()
            found = self.change(old, new, word)
            taken.append((time.perf_counter() - began) * 1000)
            if found[:1] != [old.number]:
                raise AssertionError(f"changed {old.number}, found {found}")
        return taken

    @property
    def process(self) -> int:
        """The process that holds the index."""
        return os.getpid()

    def version(self) -> str:
        """What runs, for the report."""
        return ""

    def close(self) -> None:
        """Let go."""
        return


class Product(Engine):
    """The product as it is."""

    def build(self, material: Material) -> None:
        self.folder.rmdir()  # an index is created in a folder that is not there
        engine = WhooshEngine.create(self.folder, analyzer(material.work))
        documents = material.documents()
        batches = iter(lambda: list(itertools.islice(documents, _AT_ONCE)), [])
        engine.fill(batches, processes=os.cpu_count() or 1)

    def _open(self) -> None:
        self._engine = WhooshEngine(self.folder, analyzer(self.folder.parent.parent))
        self._scope = Scope.everything()

    def search(self, asked: Asked, limit: int) -> list[int]:
        if asked.prefix:
            return [number_of(one.id) for one in self._engine.suggest(asked.text, self._scope)]
        typed = " ".join([*(f"{name}:{value}" for name, value in asked.filters), asked.text])
        request = SearchRequest(parse(typed), self._scope, limit, facets=FACETS if asked.facets else ())
        return [number_of(hit.id) for hit in self._engine.search(request).hits]

    def change(self, old: Cut, new: Cut, word: str) -> list[int]:
        # The terms serve as the text, so analysis is in the time, as it is in the product.
        document = IndexDocument(
            f"S-{old.number:07}", 2, old.kind, "", new.terms, category=old.category, audience=old.audience
        )
        self._engine.apply([document], [])
        return self.search(Asked(word, (word,)), 10)

    def version(self) -> str:
        return f"kernel {native.NAME}"


class ProductTerms(Engine):
    """The product's blocks and kernel on the terms that all engines index."""

    def build(self, material: Material) -> None:
        documents = material.cut()
        for number in itertools.count():
            writer = Writer()
            for one in itertools.islice(documents, MOST_DOCUMENTS):
                writer.add(_projection(one))
            if not writer.count:
                return
            writer.write(self.folder / f"{number:04}.blk")

    def _open(self) -> None:
        blocks = [OpenSegment(path.stem, path) for path in sorted(self.folder.glob("*.blk"))]
        field = Field(K1, tuple(float(face == "body") for face in FACES), (B,) * len(FACES))
        parameters = Parameters(fields=dict.fromkeys(Space, field), coverage=0.0)
        self._snapshot = Snapshot(
            1, [View(BlockSegment(block.count), block) for block in blocks], parameters, today=dt.date.today()
        )
        self._nothing = parse("")  # the snapshot goes by the plan
        self._scope = Scope.everything()

    def search(self, asked: Asked, limit: int) -> list[int]:
        plan = Plan(
            concepts=tuple(Concept(((term, 1.0),)) for term in asked.terms),
            grams=(),
            pinyin=(),
            required=(),
            forbidden=(),
            conditions=tuple(Condition(Filter(name, (value,), 0), frozenset(), False) for name, value in asked.filters),
            keys=frozenset(),
        )
        request = SearchRequest(self._nothing, self._scope, limit)
        return [number_of(hit.id) for hit in self._snapshot.search(request, plan).hits]

    def version(self) -> str:
        return f"kernel {native.NAME}"


def _projection(one: Cut) -> Projection:
    """A cut document with all its terms in the face `body`."""
    body = FACES.index("body")
    counts = Counter(one.terms.split(" "))
    rows = {term: packed([0] * body + [count]) for term, count in counts.items()}
    lengths = tuple(counts.total() if face == body else 0 for face in range(len(FACES)))
    none = (0,) * len(FACES)
    card = Card(
        id=f"S-{one.number:07}", version=1, title="", kind=one.kind, category=one.category, devices=(), districts=(EVERYWHERE,),
        codes=(), audience=one.audience, owner_group="", updated=0, reused=0, confidence="", year="", keys=frozenset(),
        filter_keys=("", frozenset(), frozenset(), frozenset()),
    )  # fmt: skip
    return Projection(
        card,
        {Space.WORDS: rows, Space.GRAMS: {}, Space.PINYIN: {}},
        {Space.WORDS: lengths, Space.GRAMS: none, Space.PINYIN: none},
        ("",) * len(FACES),
        ("", ""),
    )
