"""Which documents match, found by looking at every one of them?

Slow, exact and in memory: the judge of the other engines in tests. It shares their formulas (`indexer/ranking.py`)
and the cutting of text, and nothing of how they find, mask, count or sort.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from indexer import ranking
from indexer.analysis import Analyzer, Token, is_cjk
from indexer.document import IndexDocument
from indexer.engines.base import KNOWN_MOST, Explanation, Hit, Results, Scope, SearchRequest, Sort, Suggestion, Tier
from indexer.explanation import explain
from indexer.plan import Concept, Plan, plan
from indexer.projection import FACES, UNKEPT, Card, Projection, Space, project, row
from indexer.query import Phrase, Word
from indexer.ranking import TIERS, Floats, Parameters
from indexer.spelling import like
from indexer.suggestions import Typed, level
from kb import clock


@dataclass(frozen=True)
class _Entry:
    document: IndexDocument
    projection: Projection
    grams: tuple[list[list[Token]], ...]  # per face that may be quoted, per item of the face; staff text last

    @property
    def card(self) -> Card:
        return self.projection.card


class _Facts:
    """One entry among all: see `explanation.Facts`."""

    def __init__(self, entry: _Entry, entries: list[_Entry], prior: float) -> None:
        self._entry, self._entries, self.prior = entry, entries, prior
        self.documents = len(entries)

    def counts(self, space: Space, term: str) -> tuple[int, ...]:
        return row(self._entry.projection.counts[space].get(term, 0))

    def lengths(self, space: Space) -> Floats:
        return np.asarray(self._entry.projection.lengths[space], np.float64)

    def averages(self, space: Space) -> Floats:
        lengths = np.array([entry.projection.lengths[space] for entry in self._entries], np.float64)
        return np.asarray(lengths.mean(axis=0))

    def frequency(self, space: Space, concept: Concept, faces: Sequence[int]) -> int:
        def has(entry: _Entry, term: str) -> bool:
            counts = row(entry.projection.counts[space].get(term, 0))
            return any(counts[face] for face in faces)

        return sum(any(has(entry, term) for term, _ in concept.terms) for entry in self._entries)


class ScanEngine:
    """The protocol of `engines/base.py` over a dictionary."""

    def __init__(
        self, analyzer: Analyzer, parameters: Parameters | None = None, *, today: Callable[[], dt.date] = clock.today
    ) -> None:
        self._analyzer = analyzer
        self._today = today
        self._parameters = parameters or Parameters()
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def apply(self, upserts: Sequence[IndexDocument], removals: Sequence[str]) -> None:
        entries = dict(self._entries)
        for document in upserts:
            known = entries.get(document.id)
            if document.id not in removals and (known is None or known.document.version < document.version):
                entries[document.id] = self._entry(document)
        for id in removals:
            entries.pop(id, None)
        with self._lock:
            self._entries = entries

    def _entry(self, document: IndexDocument) -> _Entry:
        tags = (*document.devices, *document.codes, *document.category.split("/"))
        texts = ((document.title,), document.symptoms, tags, (document.body,), (document.staff_body,))
        grams = tuple([self._analyzer.grams(text) for text in face] for face in texts)
        return _Entry(document, project(document, self._analyzer), grams)

    def count(self) -> int:
        return len(self._entries)

    def versions(self) -> dict[str, int]:
        return {id: entry.document.version for id, entry in self._entries.items()}

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        counts = [entry.projection.counts[Space.WORDS] for entry in self._entries.values()]
        return [sum(term in known for known in counts) for term in terms]

    def optimise(self) -> None:
        """Nothing to merge: there is one dictionary."""

    def close(self) -> None:
        self._entries = {}

    def search(self, request: SearchRequest) -> Results:
        began = time.perf_counter()
        entries = list(self._entries.values())
        wanted = plan(request.query, self._analyzer, self._parameters)
        found, relaxed = self._found(entries, request, wanted)
        ordered = sorted(found, key=lambda place: self._order(request.sort, entries[place].card, *found[place]))
        hits = [
            Hit(entries[place].card.id, entries[place].card.version, found[place][1], found[place][0])
            for place in ordered[request.offset : request.offset + request.limit]
        ]
        facets: dict[str, list[tuple[str, int]]] = {}
        for name in request.facets:
            besides = wanted.besides(name)
            places = found if besides is wanted else self._counted(entries, request, wanted, besides)
            counted = Counter(value for place in places for value in entries[place].card.facet(name))
            facets[name] = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        return Results(hits, len(found), facets, (time.perf_counter() - began) * 1000, relaxed)

    def _found(
        self, entries: list[_Entry], request: SearchRequest, wanted: Plan
    ) -> tuple[dict[int, tuple[Tier, float]], str]:
        if wanted.nothing:
            return {}, ""
        allowed = {place for place, entry in enumerate(entries) if self._allowed(entry, request, wanted)}
        return self._ranked(entries, allowed, wanted, request.scope)

    def _counted(self, entries: list[_Entry], request: SearchRequest, wanted: Plan, besides: Plan) -> Iterable[int]:
        """The documents that a facet counts: what is found without its own filter."""
        if besides.nothing and not wanted.nothing:
            return [place for place, entry in enumerate(entries) if entry.card.visible(request.scope)]
        return self._found(entries, request, besides)[0]

    @staticmethod
    def _order(sort: Sort, card: Card, tier: Tier, score: float) -> tuple[object, ...]:
        if sort is Sort.RELEVANCE:
            return ranking.order_key(TIERS.index(tier), score, card.updated, card.id)
        return -getattr(card, ranking.SORTED_BY[sort]), card.id

    def _allowed(self, entry: _Entry, request: SearchRequest, wanted: Plan) -> bool:
        return entry.card.visible(request.scope) and not self._missed(entry, request, wanted)

    def _contains(self, faces: Sequence[list[list[Token]]], phrase: Phrase | Word, *, empty: bool = True) -> bool:
        """Do the tokens of the phrase stand in a row somewhere? The last one of Chinese may run on in the text."""
        tokens = [token.text for token in self._analyzer.grams(phrase.text)]
        if not tokens:
            return empty
        last = tokens[-1]
        if is_cjk(last[0]) and len(tokens) > 1 and tokens[-2][-1:] == last and len(tokens[-2]) == 2:
            tokens.pop()
            last = tokens[-1]
        for face in faces:
            for item in face:
                texts = [token.text for token in item]
                for start in range(len(texts) - len(tokens) + 1):
                    row = texts[start : start + len(tokens)]
                    if row[:-1] == tokens[:-1] and (row[-1].startswith(last) if is_cjk(last[0]) else row[-1] == last):
                        return True
        return False

    def _ranked(
        self, entries: list[_Entry], allowed: set[int], wanted: Plan, scope: Scope
    ) -> tuple[dict[int, tuple[Tier, float]], str]:
        """Tier and score of each document found, and the weakest tier that had to help."""
        if not wanted.by_words:
            return dict.fromkeys(allowed, (Tier.WORDS, 0.0)), ""
        parameters = self._parameters
        words, matched, total = self._sum(entries, Space.WORDS, wanted.concepts, scope)
        grams, _, _ = self._sum(entries, Space.GRAMS, wanted.grams, scope)
        priors = self._priors(entries)
        scores = ranking.combined(words, matched, total, grams, parameters) * priors
        found: dict[int, tuple[Tier, float]] = {}
        for place in allowed:
            if entries[place].card.keys & wanted.keys:
                found[place] = (Tier.EXACT, float(scores[place]))
            elif words[place] > 0 or wanted.required:
                found[place] = (Tier.WORDS, float(scores[place]))
        relaxed = ""
        if len(found) < parameters.enough and wanted.grams:
            for place in allowed - found.keys():
                has = sum(self._counts(entries[place], Space.GRAMS, one, scope).any() for one in wanted.grams)
                if has >= parameters.gram_share * len(wanted.grams):
                    found[place] = (Tier.BIGRAMS, float(grams[place] * priors[place]))
                    relaxed = Tier.BIGRAMS
        if len(found) < parameters.enough and wanted.pinyin:
            said = {one for way in wanted.pinyin for one in way}
            sounds = {one: self._sum(entries, Space.PINYIN, (one,), scope)[0] for one in said}
            for place in allowed - found.keys():
                ways = [
                    sum(float(sounds[one][place]) for one in way)
                    for way in wanted.pinyin
                    if all(self._counts(entries[place], Space.PINYIN, one, scope).any() for one in way)
                ]
                if ways:
                    found[place] = (Tier.PINYIN, max(ways) * float(priors[place]))
                    relaxed = Tier.PINYIN
        return found, relaxed

    def _priors(self, entries: list[_Entry]) -> Floats:
        numbers, cards = self._parameters.prior, [entry.card for entry in entries]
        return ranking.prior(
            np.array([card.updated for card in cards], np.int64),
            np.array([card.reused for card in cards], np.int64),
            np.array([numbers.founded(card.confidence) for card in cards]),
            today=self._today().toordinal(),
            numbers=numbers,
        )

    def explain(self, request: SearchRequest, id: str) -> Explanation | None:
        entry = self._entries.get(id)
        if entry is None or not entry.card.visible(request.scope):
            return None
        entries = list(self._entries.values())
        wanted = plan(request.query, self._analyzer, self._parameters)
        tiers = {entries[place].card.id: tier for place, (tier, _) in self._found(entries, request, wanted)[0].items()}
        return explain(
            id, wanted, _Facts(entry, entries, float(self._priors([entry])[0])), tiers.get(id), self._parameters,
            staff_text=request.scope.staff_text, missed=self._missed(entry, request, wanted),
        )  # fmt: skip

    def _missed(self, entry: _Entry, request: SearchRequest, wanted: Plan) -> list[str]:
        faces = entry.grams if request.scope.staff_text else entry.grams[:-1]
        query = request.query
        missed = [str(one) for one in wanted.conditions if entry.card.passes(one.filter, one.keys) == one.negated]
        missed += [f'"{self._analyzer.phrase(one.text)}"' for one in query.phrases if not self._contains(faces, one)]
        excluded: list[Phrase | Word] = [*query.not_words, *query.not_phrases]
        return missed + [
            f'-"{self._analyzer.phrase(one.text)}"' for one in excluded if self._contains(faces, one, empty=False)
        ]

    def _counts(self, entry: _Entry, space: Space, concept: Concept, scope: Scope) -> Floats:
        """The pooled counts of a concept in each face that the asker may match."""
        pooled = np.zeros(len(FACES))
        for term, weight in concept.terms:
            if counts := entry.projection.counts[space].get(term, 0):
                pooled += weight * np.asarray(row(counts))
        return pooled[ranking.faces(staff_text=scope.staff_text)]

    def _sum(
        self, entries: list[_Entry], space: Space, concepts: Sequence[Concept], scope: Scope
    ) -> tuple[Floats, Floats, float]:
        """Per document the sum of contributions and of the weights of matched concepts; and the sum of all weights."""
        sums, matched, total = np.zeros(len(entries)), np.zeros(len(entries)), 0.0
        if not entries:
            return sums, matched, total
        rows = ranking.faces(staff_text=scope.staff_text)
        lengths = np.array([entry.projection.lengths[space] for entry in entries], dtype=np.float64).T[rows]
        norms = ranking.length_norms(lengths, lengths.mean(axis=1), self._parameters.fields[space])
        for concept in concepts:
            counts = np.array([self._counts(entry, space, concept, scope) for entry in entries]).T
            has = counts.any(axis=0)
            weight = concept.weight * ranking.idf(int(has.sum()), len(entries))
            sums += weight * ranking.saturation(counts, norms, self._parameters.fields[space])
            matched += weight * has
            total += weight
        return sums, matched, total

    def known(self, terms: Sequence[str], scope: Scope, *, pairs: bool = False) -> list[int]:
        space = Space.GRAMS if pairs else Space.WORDS
        seen = [entry for entry in self._entries.values() if entry.card.visible(scope)]
        concepts = [Concept(((term, 1.0),)) for term in terms]
        return [
            min(
                KNOWN_MOST,
                sum(bool(np.delete(self._counts(entry, space, one, scope), UNKEPT).any()) for entry in seen),
            )
            for one in concepts
        ]

    def near(self, word: str, most: int) -> list[str]:
        terms = {term for entry in self._entries.values() for term in entry.projection.counts[Space.WORDS]}
        return sorted(like(word, terms, most))

    def suggest(self, prefix: str, scope: Scope, limit: int = 8) -> list[Suggestion]:
        typed = Typed.read(prefix, self._analyzer)
        found = []
        for entry in self._entries.values():
            title, symptoms = entry.projection.texts[:2]
            full, initials = entry.projection.spelt
            fits = level(typed, title=title, symptoms=symptoms, full=full, initials=initials)
            if fits is not None and entry.card.visible(scope):
                found.append((fits, len(entry.card.title), entry.card.id, entry.card.title))
        return [Suggestion(id, title) for _, _, id, title in sorted(found)[:limit]]
