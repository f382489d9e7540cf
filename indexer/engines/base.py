"""What does the product ask of a search engine, and what does it get back?

The protocol is small on purpose: an engine can be replaced in a week, and one contract suite
(`tests/indexer/engines/test_contract.py`) runs over every engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from indexer.document import IndexDocument
from indexer.query import Query

FACETS = ("kind", "category", "device", "audience")  # what hits can be counted by
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


@dataclass(frozen=True)
class SearchRequest:
    """One page of a search. `facets` names what to count over all hits: see FACETS."""

    query: Query
    scope: Scope
    limit: int = 10
    offset: int = 0
    facets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A document found; scores compare within one result and tier only."""

    id: str
    version: int
    score: float
    tier: Tier


@dataclass(frozen=True)
class Results:
    """A page of hits. `total` and `facets` count everything the asker may see; `relaxed` names the weakest
    tier that had to be tried because words alone found little ("" when none)."""

    hits: list[Hit]
    total: int
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    took_ms: float = 0.0
    relaxed: str = ""


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

    def suggest(self, prefix: str, scope: Scope, limit: int = 8) -> list[Suggestion]:
        """Entries whose title or symptoms contain what was typed so far, in characters or in pinyin."""
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
