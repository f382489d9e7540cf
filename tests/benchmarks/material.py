"""What do all engines of the benchmark index, and what are they asked?

A document is cut once, by the product's analyzer, and kept as a line of `cut.tsv`: the number, the three attributes that
are filtered by, and the terms of title and text with blanks between them. Every engine that indexes terms reads these
lines, so all hold the same terms, the same counts and the same lengths. Questions are cut once as well. The documents themselves are
kept beside them for the product, so that reading the source is in nobody's time.
"""

from __future__ import annotations

import itertools
import pickle
import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from kb.library import library_path
from tests.benchmarks import corpora

LONG, SHORT = 6, 3  # words: a long question has at least, a short query at most so many
SUGGESTED = {
    "suggest one": "suggestions: one Chinese character",
    "suggest two": "suggestions: two Chinese characters",
    "suggest more": "suggestions: three to six Chinese characters",
    "suggest letter": "suggestions: one letter or digit",
    "suggest letters": "suggestions: two or three letters of a word",
    "suggest pinyin": "suggestions: pinyin of two to four characters",
    "suggest initials": "suggestions: initials of two to four characters",
}
KINDS = ("solution", "reference", "policy")
CATEGORIES = ("数字电视/机顶盒", "宽带接入/PON宽带", "企业IT/数据库", "企业IT/网络")
AUDIENCES = ("public", "staff")


@dataclass(frozen=True)
class Cut:
    """A document as terms; `terms` has blanks between them."""

    number: int
    kind: str
    category: str
    audience: str
    terms: str

    def line(self) -> str:
        """The document as a line of `cut.tsv`."""
        return "\t".join((str(self.number), self.kind, self.category, self.audience, self.terms)) + "\n"

    @classmethod
    def read(cls, line: str) -> Cut:
        """And back."""
        number, kind, category, audience, terms = line.rstrip("\n").split("\t")
        return cls(int(number), kind, category, audience, terms)


@dataclass(frozen=True)
class Asked:
    """A question: as it was typed, as terms, and what the documents found must be."""

    text: str
    terms: tuple[str, ...]
    filters: tuple[tuple[str, str], ...] = ()
    facets: bool = False
    prefix: bool = False  # the text is the beginning of a title, and suggestions are asked for


@dataclass(frozen=True)
class Material:
    """The documents of one size. Below `work` stand a folder a size, with a folder an engine in it; `made` changes with the
    product's analysis and file format, and what was made before is not taken then."""

    work: Path
    source: Path
    count: int
    made: str

    @property
    def folder(self) -> Path:
        """Where all of this size stands."""
        return self.work / f"{self.count}-{self.made}"

    @property
    def cut_path(self) -> Path:
        """Where the cut documents stand."""
        return self.folder / "cut.tsv"

    def documents(self) -> Iterator[IndexDocument]:
        """The documents as the product takes them."""
        with (self.folder / "documents.pickle").open("rb") as file:
            for _ in range(self.count):
                yield pickle.load(file)

    def cut(self) -> Iterator[Cut]:
        """The documents as terms."""
        with self.cut_path.open(encoding="utf-8") as lines:
            yield from map(Cut.read, lines)

    def prepare(self, analyzer: Analyzer) -> None:
        """Cut the documents, unless it has been done."""
        if self.cut_path.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.cut_path.with_suffix(".new")
        with aside.open("w", encoding="utf-8") as lines, (self.folder / "documents.pickle").open("wb") as file:
            for document in corpora.sections(self.source, self.count):
                lines.write(cut(document, analyzer).line())
                pickle.dump(document, file, pickle.HIGHEST_PROTOCOL)
        aside.replace(self.cut_path)


def analyzer(work: Path) -> Analyzer:
    """The analyzer with the shipped dictionary."""
    cache = work / "dictionary-cache"
    cache.mkdir(parents=True, exist_ok=True)
    return Analyzer(library_path() / "dictionary", cache)


def cut(document: IndexDocument, analyzer: Analyzer) -> Cut:
    """A document as terms."""
    terms = analyzer.counts(f"{document.title}\n{document.body}").terms
    return Cut(
        number_of(document.id), document.kind, document.category, document.audience, " ".join(sorted(terms.elements()))
    )


def number_of(id: str) -> int:
    """The number in the id that `corpora` gives."""
    return int(id.removeprefix("S-"))


def changed(old: Cut, number: int) -> tuple[Cut, str]:
    """A document with a new word, and the word: a change that can be looked for."""
    word = f"neu{number:05}"
    return replace(old, terms=f"{old.terms} {word}"), word


def questions(folder: Path, analyzer: Analyzer) -> dict[str, list[Asked]]:
    """All questions, shuffled, as `long` and `short`."""
    found: dict[str, list[Asked]] = {"long": [], "short": []}
    for text in corpora.queries(folder, 1_000_000):
        whole = dict.fromkeys(token.text for token in analyzer.query_tokens(text) if not token.part)
        terms = tuple(term for term in whole if term not in analyzer.stopwords)
        if len(terms) >= LONG:
            found["long"].append(Asked(text, terms))
        elif 1 <= len(terms) <= SHORT:
            found["short"].append(Asked(text, terms))
    return found


def prefixes(titles: list[str], analyzer: Analyzer, count: int) -> dict[str, list[Asked]]:
    """What is typed while looking for these titles: up to `count` different beginnings of each sort of SUGGESTED."""
    rng = random.Random(3)
    found: dict[str, dict[str, None]] = {name: {} for name in SUGGESTED}
    found["suggest letter"] = dict.fromkeys(string.ascii_lowercase + string.digits)
    rng.shuffle(titles)
    for title in titles:
        for word in re.findall("[a-z]{3,}", title.lower())[:1]:
            found["suggest letters"][word[: rng.randint(2, 3)]] = None
        for run in re.findall("[\u4e00-\u9fff]{4,}", title)[:1]:
            full, initials = analyzer.spelt(run[: rng.randint(2, 4)])
            beginnings = (run[:1], run[:2], run[: rng.randint(3, 6)], full, initials)
            sorts = ("suggest one", "suggest two", "suggest more", "suggest pinyin", "suggest initials")
            for sort, beginning in zip(sorts, beginnings, strict=True):
                found[sort][beginning] = None
    return {
        sort: [Asked(text, (), prefix=True) for text in itertools.islice(texts, count)] for sort, texts in found.items()
    }


def workloads(
    questions: dict[str, list[Asked]], suggested: dict[str, list[Asked]], count: int
) -> dict[str, list[Asked]]:
    """What is measured: up to `count` different questions of each sort, and `warm`, which is asked before."""
    rng = random.Random(3)
    long, short = questions["long"], questions["short"]
    choices = list(itertools.product(KINDS, CATEGORIES, AUDIENCES))
    filtered = [
        replace(one, filters=tuple(zip(("kind", "category", "audience"), rng.choice(choices), strict=True)))
        for one in long[count : 2 * count]
    ]
    return {
        "long": long[:count],
        "short": short[:count],
        "filtered": filtered,
        "facets": [replace(one, facets=True) for one in long[:count]],
        **suggested,
        "warm": long[2 * count :] + short[count:],
    }
