"""What does the product ask of a search engine, and what does it get back?

The protocol is small on purpose: an engine can be replaced in a week, and one contract suite
(`tests/indexer/engines/contract/`) runs over every engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from indexer.document import IndexDocument
from indexer.query import Query

FACETS = ("kind", "category", "device", "district", "audience", "year")  # what hits can be counted by
MAX_LIMIT = 1000  # hits of one page; more is an export, and exports come from SQL
ALL_GROUPS = "*"
KNOWN_MOST = 1000  # documents that have a word: how many more there are is not counted


@dataclass(frozen=True)
class Scope:
    """What the asker may see. There is no default: a caller must say.

    `audiences` is a subset of public, staff, restricted; restricted entries are seen only for the owner groups in
    `groups` ("*" means all). `staff_text` says whether `staff_body` takes part in matching. `exclude` holds ids
    whose visibility was narrowed and not yet indexed: they are left out of hits, counts and suggestions.
    """

    audiences: frozenset[str]
    groups: frozenset[str]
    staff_text: bool
    exclude: frozenset[str] = frozenset()

    @classmethod
    def public(cls) -> Scope:
        """What a subscriber sees."""
        return cls(audiences=frozenset({"public"}), groups=frozenset(), staff_text=False)

    @classmethod
    def everything(cls) -> Scope:
        """All there is: maintenance and evaluation, never a request."""
        return cls(
            audiences=frozenset({"public", "staff", "restricted"}), groups=frozenset({ALL_GROUPS}), staff_text=True
        )

    def allows(self, *, id: str, audience: str, owner_group: str) -> bool:
        """May the asker know of this entry?"""
        if audience not in self.audiences or id in self.exclude:
            return False
        return audience != "restricted" or ALL_GROUPS in self.groups or owner_group in self.groups


class Tier(StrEnum):
    """Why a hit was found, strongest first. A hit of a stronger tier always stands above one of a weaker tier."""

    EXACT = "exact"  # the id, the whole title, or a code or model of the entry was typed
    WORDS = "words"  # dictionary words, their synonyms, phrases
    BIGRAMS = "bigrams"  # pairs of characters, where words found little
    PINYIN = "pinyin"  # Latin letters read as pinyin, where nothing else was found


class Sort(StrEnum):
    """What orders the hits. By anything but relevance, tiers do not order, and ties go by id."""

    RELEVANCE = "relevance"
    DATE = "date"  # the newest first
    REUSE = "reuse"  # what solved most incidents first


@dataclass(frozen=True)
class SearchRequest:
    """One page of a search. `facets` names what to count over all hits: see FACETS. A facet that the query filters by
    is counted as if it did not, so that it shows what the other values would find."""

    query: Query
    scope: Scope
    limit: int = 10
    offset: int = 0
    facets: tuple[str, ...] = ()
    sort: Sort = Sort.RELEVANCE


@dataclass(frozen=True)
class Hit:
    """A document found; scores compare within one result and tier only. They are those of the words, also where a model
    puts hits in another order."""

    id: str
    version: int
    score: float
    tier: Tier


@dataclass(frozen=True)
class Results:
    """A page of hits. `total` and `facets` count everything the asker may see; `relaxed` names the weakest
    tier that had to be tried because words alone found little ("" when none); `pinned` are the hits that somebody
    put on top of the query."""

    hits: list[Hit]
    total: int
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    took_ms: float = 0.0
    relaxed: str = ""
    pinned: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Match:
    """A term that a document has: what was `typed`, or a synonym of it; how often in each face, where it has it."""

    term: str
    typed: bool
    weight: float
    faces: dict[str, int]


@dataclass(frozen=True)
class Piece:
    """What one thing that was asked for adds to a score. `df` documents have it; without `matches` this one has not."""

    typed: str
    matches: tuple[Match, ...]
    df: int
    idf: float
    weight: float  # its idf, times what it counts as a part of an identifier
    score: float


@dataclass(frozen=True)
class Meaning:
    """Where the order by meaning puts a hit among those of its tier that have a vector: see `dense.py`. Ranks count from
    1: `by_words`, `by_meaning`, and `rank` by `fused`, the sum of what the two are worth."""

    cosine: float
    by_words: int
    by_meaning: int
    fused: float
    rank: int


@dataclass(frozen=True)
class Explanation:
    """Why a document stands where it does: `score` is the sum of `pieces` times `coverage_factor`, plus `grams_added`, all of it
    times `prior`, which speaks for the document whatever is asked.

    `coverage` is the share of the query's weight that the document has. Without a `tier` it was not found; `missed` are the
    conditions that it does not meet. `meaning` is there where a model changes the order that the scores give."""

    id: str
    tier: Tier | None
    score: float
    pieces: tuple[Piece, ...]
    coverage: float
    coverage_factor: float
    grams: tuple[Piece, ...]
    grams_added: float
    prior: float
    documents: int
    missed: tuple[str, ...]
    meaning: Meaning | None = None


@dataclass(frozen=True)
class Suggestion:
    """An entry offered while the asker is still typing."""

    id: str
    title: str


class Engine(Protocol):
    """A place where documents are found. Safe to call from several threads."""

    def search(self, request: SearchRequest) -> Results:
        """The best hits first. Raises BadQuery for what only the engine can refuse, IndexUnavailable without index."""
        ...

    def explain(self, request: SearchRequest, id: str) -> Explanation | None:
        """Why does this request find the document, or why not? None if the asker may not know of it, or it is not here.
        Page, facets and order of the request do not matter. Raises what `search` raises."""
        ...

    def suggest(self, prefix: str, scope: Scope, limit: int = 8) -> list[Suggestion]:
        """Entries whose title or symptoms contain what was typed so far, in characters or in pinyin."""
        ...

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """In how many documents does each word of the index stand, whoever may see them? Documents deleted since the
        latest merge may still count: good enough to weigh words, never to be shown."""
        ...

    def known(self, terms: Sequence[str], scope: Scope, *, pairs: bool = False) -> list[int]:
        """How many documents that the asker may see have each term, a word or a pair of characters, in a text that the
        asker may match? Captured words are in no text.
        Counts end at KNOWN_MOST."""
        ...

    def near(self, word: str, most: int) -> list[str]:
        """The words of Latin letters alone that are one to `most` slips (OSA) away from one, whoever may see them: ask
        `known` before one is shown."""
        ...

    def apply(self, upserts: Sequence[IndexDocument], removals: Sequence[str]) -> None:
        """Take a batch in, in one atomic commit. An upsert not newer than what is indexed is skipped, so a batch may
        run twice; an id in both lists is removed. Raises IndexLocked while somebody else writes."""
        ...

    def count(self) -> int:
        """How many documents are indexed?"""
        ...

    def versions(self) -> dict[str, int]:
        """Which version of each id is indexed?"""
        ...

    def optimise(self) -> None:
        """Merge what many small batches left behind. Changes no result."""
        ...

    def close(self) -> None:
        """Let go of files and memory."""
        ...
