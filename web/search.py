"""Given a person and what they typed, what do they get to see?

The index answers with ids; every hit is read from SQL again for state and audience, and what is shown of it (title,
snippet) comes from the database and the content store, never from the index.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from markupsafe import Markup
from sqlalchemy.orm import Session

from indexer import (
    Explanation,
    Hit,
    Query,
    Results,
    Scope,
    SearchRequest,
    Sort,
    Suggestion,
    Tier,
    literal,
    parse,
    pins,
    relaxing,
)
from indexer.dense import Dense
from indexer.generations import Generations, Opened
from indexer.query import Phrase
from indexer.relaxing import Offer
from indexer.similarity import Said, difference, likeness, shingles, telling
from indexer.snippets import Readable, Snippet, Snippets
from indexer.spelling import Correction, correction
from kb import access, clock, documents, entries, markup, outbox
from kb.access import SUBSCRIBER, Person
from kb.db import Database
from kb.documents import Kind
from kb.entries import Visible
from kb.errors import IndexUnavailable, StoreCorrupt
from kb.kept import Kept
from kb.precheck import Near
from kb.store import ContentStore

MAX_PAGE = 100  # hits
_KEPT_BYTES = 32_000_000  # of the texts that people find most: 5,000 of them
_LOOKED_AT = 5  # hits of what was probably meant: one of them has to be there for the asker
CANDIDATES = 20  # entries compared with a text
SIMILAR = RELATED = 5  # entries shown
LEAST_SHARED, SHOWN_SHARED = 2, 4  # words


@dataclass(frozen=True)
class Found:
    """One hit as it is shown."""

    id: str
    kind: str
    title: str
    score: float
    tier: str
    covers: list[str]
    snippet: Snippet
    entry: Visible
    title_html: Markup
    pinned: bool = False  # put on top of this query by hand

    def as_json(self) -> dict[str, object]:
        """The stable contract of `kb search --json` and the API."""
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "score": round(self.score, 6),
            "covers": self.covers,
            "snippet": self.snippet.text,
            "highlights": [list(span) for span in self.snippet.spans],
            "tier": self.tier,
            "pinned": self.pinned,
            "audience": self.entry.audience,
            "category": self.entry.category,
            "updated_at": self.entry.updated_at.isoformat(),
            "source_path": self.entry.source_path,
        }


@dataclass(frozen=True)
class Related:
    """An entry to read beside another, and why: the telling words that both have."""

    number: str
    kind: str
    title: str
    shared: list[str]


@dataclass(frozen=True)
class Page:
    """One page of results. `query` is what was asked in the end: `as_words` are the phrases that nobody has and that
    were looked for as words, `relaxed` the weaker tier that had to help, `offers` what could be left out where nothing
    was found. `sort` is what orders: attributes alone rank nothing, so without words the newest come first.
    `correction` is what was probably meant by what was `typed`: the hits are those of the corrected words if it is
    `corrected`, otherwise it is offered."""

    query: Query
    hits: list[Found]
    total: int
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    took_ms: float = 0.0
    relaxed: str = ""
    as_words: tuple[Phrase, ...] = ()
    offers: tuple[Offer, ...] = ()
    sort: Sort = Sort.RELEVANCE
    typed: str = ""
    correction: Correction | None = None
    corrected: bool = False

    def correction_as_json(self) -> dict[str, object] | None:
        """What was probably meant, and whether these are its hits."""
        if self.correction is None:
            return None
        return {"query": self.correction.apply(self.typed), "applied": self.corrected}


class SearchService:
    """Search as one person sees it."""

    def __init__(self, database: Database, store: ContentStore, generations: Generations) -> None:
        self._database, self._store, self._generations = database, store, generations
        self._kept: Kept[Readable] = Kept(_KEPT_BYTES, lambda readable: readable.bytes)

    def search(
        self,
        by: Person,
        text: str,
        *,
        pasted: bool = False,
        exact: bool = False,
        limit: int = 10,
        offset: int = 0,
        facets: Sequence[str] = (),
        sort: Sort = Sort.RELEVANCE,
    ) -> Page:
        """A page of hits that this person may see. `pasted` text is taken literally: a minus or a colon in a report
        is no operator. Unless it is `exact` or pasted, what was mistyped is corrected. Raises BadQuery, IndexUnavailable."""
        query = literal(text) if pasted else parse(text)
        sort = sort if query.ranked or sort is not Sort.RELEVANCE else Sort.DATE
        limit = max(1, min(limit, MAX_PAGE))
        with self._database.read() as session:
            scope = self._scope(by, outbox.out_of_sight(session))
            request = SearchRequest(query, scope, limit, max(0, offset), tuple(facets), sort)
            here = self._generations.opened()
            ask = partial(_ask, here, self._generations.dense)
            answer = relaxing.search(ask, request)
            meant = None if exact or pasted else self._meant(session, by, here, request)
            corrected = meant is not None and meant.runs_at_once(total=answer.results.total)
            if meant and corrected:
                answer = relaxing.search(ask, replace(request, query=parse(meant.apply(query.text))))
            results = answer.results
            visible = entries.find_visible(session, by, [hit.id for hit in results.hits])
        snippets = Snippets(answer.query, here.vocabulary.analyzer)
        hits = []
        for hit in results.hits:
            if hit.id in visible:
                with contextlib.suppress(StoreCorrupt):  # health tells; the other hits are still of use
                    shown = self._show(snippets, hit, visible[hit.id], staff_text=scope.staff_text)
                    hits.append(replace(shown, pinned=True) if hit.id in results.pinned else shown)
        lost = len(results.hits) - len(hits)  # gone since the index saw them: never counted either
        return Page(
            answer.query, hits, results.total - lost, results.facets, results.took_ms, results.relaxed, answer.as_words,
            answer.offers, sort, query.text, meant, corrected,
        )  # fmt: skip

    def explain(self, by: Person, text: str, number: str) -> Explanation | None:
        """Why does this person's search find an entry, which they may see, or why not? None if the index does not have it
        for them. Raises BadQuery, IndexUnavailable."""
        here = self._generations.opened()
        with self._database.read() as session:
            request = SearchRequest(parse(text), self._scope(by, outbox.out_of_sight(session)), limit=0)
        answer = relaxing.loosened(partial(_ask, here, None), request)
        asked = replace(request, query=answer.query)
        told = here.engine.explain(asked, number)
        dense = self._generations.dense
        if told is None or dense is None:
            return told
        below = replace(request.scope, exclude=request.scope.exclude | answer.results.pinned)
        return replace(told, meaning=dense.meaning(here.engine, replace(asked, scope=below), number))

    def _meant(self, session: Session, by: Person, here: Opened, request: SearchRequest) -> Correction | None:
        """What was probably meant, if its words lead this person somewhere under the same conditions."""
        meant = correction(request.query, here.engine, request.scope, here.vocabulary.analyzer)
        if meant is None:
            return None
        words = literal(meant.text).words
        asked = replace(
            request,
            query=replace(request.query, words=words),
            limit=_LOOKED_AT,
            offset=0,
            facets=(),
            sort=Sort.RELEVANCE,
        )
        hits = [hit.id for hit in here.engine.search(asked).hits if hit.tier in (Tier.EXACT, Tier.WORDS)]
        return meant if hits and entries.find_visible(session, by, hits) else None

    def suggest(self, by: Person, prefix: str, limit: int = 8) -> list[Suggestion]:
        """Entries offered while typing, checked like hits."""
        with self._database.read() as session:
            scope = self._scope(by, outbox.out_of_sight(session))
            offered = self._generations.current().suggest(prefix, scope, limit)
            visible = entries.find_visible(session, by, [item.id for item in offered])
        return [Suggestion(item.id, visible[item.id].title) for item in offered if item.id in visible]

    def similar(self, by: Person, title: str, body: str) -> list[Near]:
        """Published entries that this person may see and that say the same as this text, at least in part, the most
        alike first, with what either side says alone."""
        mine = Said(title, documents.symptoms(body), body)
        analyzer = self._generations.analyzer
        own = shingles(mine.text, analyzer)
        near = []
        for entry, theirs in self._candidates(by, self._telling(mine, indexed=False)):
            other = shingles(theirs.text, analyzer)
            near.append((likeness(own, other), entry, theirs, other))
        near.sort(key=lambda item: -item[0])
        return [
            Near(
                entry.number, entry.title, alike,
                tuple(difference(mine.text, other, analyzer)), tuple(difference(theirs.text, own, analyzer)),
            )
            for alike, entry, theirs, other in near[:SIMILAR]
        ]  # fmt: skip

    def related(self, by: Person, number: str) -> list[Related]:
        """What else to read beside a published entry: at most RELATED entries that this person may see, the most telling
        words in common with each, the most alike first. Nothing for an entry that this person may not find."""
        with self._database.read() as session:
            entry = entries.find_visible(session, by, [number]).get(number)
        if entry is None:
            return []
        try:
            said = self._said(entry, staff_text=access.sight(by).staff_text)
        except StoreCorrupt:
            return []
        words, analyzer = self._telling(said, indexed=True), self._generations.analyzer
        found: list[Related] = []
        for other, theirs in self._candidates(by, words, but=[number]):
            text = analyzer.key(theirs.text)
            if len(shared := [word for word in words if analyzer.key(word) in text]) >= LEAST_SHARED:
                found.append(Related(other.number, other.kind, other.title, shared[:SHOWN_SHARED]))
            if len(found) == RELATED:
                break
        return found

    def _telling(self, said: Said, *, indexed: bool) -> list[str]:
        engine = self._generations.current()
        return telling(said, self._generations.analyzer, engine.frequencies, engine.count(), indexed=indexed)

    def _candidates(
        self, by: Person, words: Sequence[str], *, but: Iterable[str] = ()
    ) -> Iterator[tuple[Visible, Said]]:
        """Entries that this person may see and that have the most of these words, the best first; read when asked for."""
        with self._database.read() as session:
            scope = self._scope(by, outbox.out_of_sight(session).union(but))
            request = SearchRequest(query=literal(" ".join(words)), scope=scope, limit=CANDIDATES)
            # A model among the words would put its entries first, whatever they say: here all words count alike.
            hits = sorted(self._generations.current().search(request).hits, key=lambda hit: -hit.score)
            visible = entries.find_visible(session, by, [hit.id for hit in hits])
        for entry in (visible[hit.id] for hit in hits if hit.id in visible):
            try:
                said = self._said(entry, staff_text=scope.staff_text)
            except StoreCorrupt:  # health tells
                continue
            yield entry, said

    def _said(self, entry: Visible, *, staff_text: bool) -> Said:
        """What a person reads of an entry, in Markdown."""
        faces = documents.faces(Kind(entry.kind), self._store.get(entry.text_sha256).decode("utf-8"))
        body = f"{faces.shared}\n\n{faces.staff}" if staff_text else faces.shared
        return Said(entry.title, documents.symptoms(body), body)

    def warm_up(self) -> None:
        """Load what the first search would wait for: dictionaries and the index, if there is one."""
        self._generations.analyzer.load()
        with contextlib.suppress(IndexUnavailable):
            self.search(SUBSCRIBER, "预热")
            self.suggest(SUBSCRIBER, "yure")

    def _show(self, snippets: Snippets, hit: Hit, entry: Visible, *, staff_text: bool) -> Found:
        # What is published is checked in: its text is an object, known by its hash, that never changes.
        text = self._kept.get(
            (entry.text_sha256, entry.kind, staff_text), lambda: self._read(entry, staff_text=staff_text)
        )
        title = self._kept.get(entry.title, lambda: Readable.of(entry.title))
        return Found(
            id=entry.number,
            kind=entry.kind,
            title=entry.title,
            score=hit.score,
            tier=str(hit.tier),
            covers=entry.covers,
            snippet=snippets.snippet(text),
            entry=entry,
            title_html=Markup(snippets.highlight(title).to_html()),
        )

    def _read(self, entry: Visible, *, staff_text: bool) -> Readable:
        """The plain text that a person reads of an entry: both faces of a solution, or the shared one alone."""
        faces = documents.faces(Kind(entry.kind), self._store.get(entry.text_sha256).decode("utf-8"))
        return Readable.of(markup.to_text(f"{faces.shared}\n\n{faces.staff}" if staff_text else faces.shared))

    @staticmethod
    def _scope(by: Person, exclude: frozenset[str]) -> Scope:
        sight = access.sight(by)
        return Scope(
            audiences=frozenset(str(audience) for audience in sight.audiences),
            groups=sight.groups,
            staff_text=sight.staff_text,
            exclude=exclude,
        )


def _ask(here: Opened, dense: Dense | None, request: SearchRequest) -> Results:
    """Search as it is shown: with what somebody put on top, and in the order of the operator's model, if there is one."""
    return pins.search(here.engine, here.vocabulary.pins, request, today=clock.today(), dense=dense)
