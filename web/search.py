"""Given a person and what they typed, what do they get to see?

The index answers with ids; every hit is read from SQL again for state and audience, and what is shown of it (title,
snippet) comes from the database and the content store, never from the index.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup
from sqlalchemy.orm import Session

from indexer import Engine, Hit, Query, Scope, SearchRequest, Suggestion, Tier, literal, parse
from indexer.generations import Generations
from indexer.snippets import Readable, Snippet, Snippets
from indexer.spelling import Correction, correction
from kb import access, documents, entries, markup, outbox
from kb.access import SUBSCRIBER, Person
from kb.db import Database
from kb.documents import Kind
from kb.entries import Visible
from kb.errors import IndexUnavailable, StoreCorrupt
from kb.kept import Kept
from kb.precheck import Near
from kb.store import ContentStore

FACETS = ("kind", "category", "device", "audience")
MAX_PAGE = 100  # hits
_KEPT_BYTES = 32_000_000  # of the texts that people find most: 5,000 of them
_LOOKED_AT = 5  # hits of what was probably meant: one of them has to be there for the asker
SIMILAR = 5  # entries looked at for a near-duplicate
SIMILAR_BY = 1000  # characters of title and symptoms that say enough to look by


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
            "audience": self.entry.audience,
            "category": self.entry.category,
            "updated_at": self.entry.updated_at.isoformat(),
            "source_path": self.entry.source_path,
        }


@dataclass(frozen=True)
class Page:
    """One page of results; `relaxed` says which weaker tier had to help. `correction` is what was probably meant: the
    hits are those of the corrected words if it is `corrected`, otherwise it is offered."""

    query: Query
    hits: list[Found]
    total: int
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    took_ms: float = 0.0
    relaxed: str = ""
    correction: Correction | None = None
    corrected: bool = False

    def correction_as_json(self) -> dict[str, object] | None:
        """What was probably meant, and whether these are its hits."""
        if self.correction is None:
            return None
        return {"query": self.correction.apply(self.query.text), "applied": self.corrected}


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
    ) -> Page:
        """A page of hits that this person may see. `pasted` text is taken literally: a minus or a colon in a report
        is no operator. Unless it is `exact` or pasted, what was mistyped is corrected. Raises BadQuery, IndexUnavailable."""
        query = literal(text) if pasted else parse(text)
        limit = max(1, min(limit, MAX_PAGE))
        with self._database.read() as session:
            scope = self._scope(by, outbox.out_of_sight(session))
            request = SearchRequest(query=query, scope=scope, limit=limit, offset=max(0, offset), facets=tuple(facets))
            engine = self._generations.current()
            results = engine.search(request)
            meant = None if exact or pasted else self._meant(session, by, engine, request)
            corrected = meant is not None and meant.runs_at_once(total=results.total)
            if meant and corrected:
                request = replace(request, query=parse(meant.apply(query.text)))
                results = engine.search(request)
            visible = entries.find_visible(session, by, [hit.id for hit in results.hits])
        snippets = Snippets(request.query, self._generations.analyzer)
        hits = []
        for hit in results.hits:
            if hit.id in visible:
                with contextlib.suppress(StoreCorrupt):  # health tells; the other hits are still of use
                    hits.append(self._show(snippets, hit, visible[hit.id], staff_text=scope.staff_text))
        lost = len(results.hits) - len(hits)  # gone since the index saw them: never counted either
        total = results.total - lost
        return Page(query, hits, total, results.facets, results.took_ms, results.relaxed, meant, corrected)

    def _meant(self, session: Session, by: Person, engine: Engine, request: SearchRequest) -> Correction | None:
        """What was probably meant, if its words lead this person somewhere under the same conditions."""
        meant = correction(request.query, engine, request.scope, self._generations.analyzer)
        if meant is None:
            return None
        words = literal(meant.text).words
        asked = replace(request, query=replace(request.query, words=words), limit=_LOOKED_AT, offset=0, facets=())
        hits = [hit.id for hit in engine.search(asked).hits if hit.tier in (Tier.EXACT, Tier.WORDS)]
        return meant if hits and entries.find_visible(session, by, hits) else None

    def suggest(self, by: Person, prefix: str, limit: int = 8) -> list[Suggestion]:
        """Entries offered while typing, checked like hits."""
        with self._database.read() as session:
            scope = self._scope(by, outbox.out_of_sight(session))
            offered = self._generations.current().suggest(prefix, scope, limit)
            visible = entries.find_visible(session, by, [item.id for item in offered])
        return [Suggestion(item.id, visible[item.id].title) for item in offered if item.id in visible]

    def similar(self, by: Person, title: str, body: str) -> list[Near]:
        """Published entries that say nearly the same and that this person may see, the most alike first."""
        words = "\n".join([title, *documents.symptoms(body)])[:SIMILAR_BY]
        analyzer = self._generations.analyzer
        mine = {token.text for token in analyzer.query_tokens(words)}
        with self._database.read() as session:
            scope = self._scope(by, outbox.out_of_sight(session))
            request = SearchRequest(query=literal(words), scope=scope, limit=SIMILAR)
            hits = self._generations.current().search(request).hits
            near = []
            for entry in entries.find_visible(session, by, [hit.id for hit in hits]).values():
                try:
                    said = documents.symptoms(self._store.get(entry.text_sha256).decode("utf-8"))
                except StoreCorrupt:
                    continue
                theirs = {token.text for token in analyzer.query_tokens("\n".join([entry.title, *said]))}
                near.append(Near(entry.number, entry.title, len(mine & theirs) / len(mine) if mine else 0.0))
        return sorted(near, key=lambda item: -item.likeness)

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
