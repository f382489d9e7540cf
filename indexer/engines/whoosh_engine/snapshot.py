"""Which documents were there after one commit, and how do they score?

A snapshot is the open segments of one table of contents, laid end to end, with their deletions. It never changes, so
any number of threads search it; the engine swaps in the next one. Scores of a term are worked out over all segments
at once and kept, so many segments cost little once a term is warm.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import ranking
from indexer.engines.base import Hit, Results, Scope, SearchRequest, Suggestion, Tier
from indexer.engines.whoosh_engine.segment import Kept, Mask, OpenSegment
from indexer.plan import Concept, Plan
from indexer.projection import FACES, Card, Space
from indexer.ranking import TIERS, Floats, Parameters
from indexer.suggestions import LEVELS, Typed

_KEPT_TERMS = 1024  # warm terms, at 12 bytes a posting. At 24,145 documents a process grew from 241 to 407 MB
# over 200 questions, phrases, filters and suggestions; the texts of titles and symptoms are part of that.


@dataclass(frozen=True)
class _Scored:
    """A concept's documents, what it contributes to each before its idf, and how many of them live."""

    docs: NDArray[np.signedinteger]
    values: Floats
    df: int


class Snapshot:
    """A state of the index."""

    def __init__(
        self, generation: int, segments: Sequence[OpenSegment], deleted: Sequence[Sequence[int]], parameters: Parameters
    ) -> None:
        self.generation = generation
        self.segments = list(segments)
        self._parameters = parameters
        self._bases: list[int] = [0, *np.cumsum([segment.size for segment in segments]).tolist()]
        self.live: Mask = np.ones(self._bases[-1], np.bool_)
        for base, gone in zip(self._bases, deleted, strict=False):
            self.live[[base + doc for doc in gone]] = False
        self.count = int(self.live.sum())
        self._updated = np.concatenate([np.zeros(0, np.int64), *(segment.updated for segment in segments)])
        self._kept = Kept(_KEPT_TERMS)

    def locate(self, id: str) -> tuple[int, int] | None:
        """The segment and document number of a live id."""
        for number, segment in enumerate(self.segments):
            doc = segment.numbers.get(id)
            if doc is not None and self.live[self._bases[number] + doc]:
                return number, doc
        return None

    def card(self, doc: int) -> Card:
        number = bisect_right(self._bases, doc) - 1
        return self.segments[number].cards[doc - self._bases[number]]

    def cards(self) -> list[Card]:
        """The cards of all live documents."""
        return [self.card(int(doc)) for doc in np.flatnonzero(self.live)]

    def _visible(self, scope: Scope) -> Mask:
        mask: Mask = self.live & np.concatenate([np.zeros(0, np.bool_), *(one.visible(scope) for one in self.segments)])
        for id in scope.exclude:
            if place := self.locate(id):
                mask[self._bases[place[0]] + place[1]] = False
        return mask

    def _allowed(self, wanted: Plan, scope: Scope) -> Mask:
        """Whom the asker may know of and what the query's conditions let through."""
        mask = self._visible(scope)
        staff = scope.staff_text
        for segment, base in zip(self.segments, self._bases, strict=False):
            part = mask[base : base + segment.size]  # a view: what follows changes the mask
            for one in wanted.conditions:
                part &= segment.passing(one)
            for phrase in wanted.required:
                part &= segment.containing(phrase, staff_text=staff)
            for phrase in wanted.forbidden:
                part &= ~segment.containing(phrase, staff_text=staff)
        return mask

    # Scores

    def _norms(self, space: Space, *, staff_text: bool) -> Floats:
        return self._kept.get(("norms", space, staff_text), lambda: self._work_out_norms(space, staff_text))

    def _work_out_norms(self, space: Space, staff_text: bool) -> Floats:
        rows = ranking.faces(staff_text=staff_text)
        lengths = np.concatenate([one.lengths[space] for one in self.segments], axis=1)[rows]
        averages = lengths[:, self.live].mean(axis=1) if self.count else np.zeros(len(lengths))
        return ranking.length_norms(lengths, averages, self._parameters.fields[space])

    def _scored(self, space: Space, concept: Concept, *, staff_text: bool) -> _Scored:
        return self._kept.get(
            (space, concept.terms, staff_text), lambda: self._score(space, concept, staff_text=staff_text)
        )

    def _score(self, space: Space, concept: Concept, *, staff_text: bool) -> _Scored:
        docs: list[NDArray[np.signedinteger]] = []
        counts: list[Floats] = []
        for segment, base in zip(self.segments, self._bases, strict=False):
            found = [(segment.postings(space, term), weight) for term, weight in concept.terms]
            lists = [(postings[0], postings[1], weight) for postings, weight in found if postings is not None]
            if not lists:
                continue
            united = lists[0][0] if len(lists) == 1 else np.unique(np.concatenate([one[0] for one in lists]))
            pooled = np.zeros((len(FACES), len(united)))
            for numbers, rows, weight in lists:
                places = slice(None) if len(lists) == 1 else np.searchsorted(united, numbers)
                pooled[:, places] += weight * rows.T
            docs.append((united + base).astype(np.int32))
            counts.append(pooled[ranking.faces(staff_text=staff_text)])
        if not docs:
            return _Scored(np.zeros(0, np.int32), np.zeros(0), 0)
        places, table = np.concatenate(docs), np.concatenate(counts, axis=1)
        has = self.live[places] & table.any(axis=0)
        places, table = places[has], table[:, has]
        norms = self._norms(space, staff_text=staff_text)[:, places]
        return _Scored(places, ranking.saturation(table, norms, self._parameters.fields[space]), len(places))

    def _sum(
        self, space: Space, concepts: Sequence[Concept], *, staff_text: bool
    ) -> tuple[Floats, Floats, NDArray[np.int64], float]:
        """Per document the sum of contributions, the weight and the number of concepts it has; the sum of weights."""
        size = len(self.live)
        sums, matched, number, total = np.zeros(size), np.zeros(size), np.zeros(size, np.int64), 0.0
        for concept in concepts:
            scored = self._scored(space, concept, staff_text=staff_text)
            weight = concept.weight * ranking.idf(scored.df, self.count)
            sums[scored.docs] += weight * scored.values
            matched[scored.docs] += weight
            number[scored.docs] += 1
            total += weight
        return sums, matched, number, total

    # Answers

    def search(self, request: SearchRequest, wanted: Plan) -> Results:
        """One page of hits with totals and facets; the engine adds the time."""
        if wanted.nothing or not self.count:
            return Results([], 0, {name: [] for name in request.facets})
        allowed = self._allowed(wanted, request.scope)
        tiers, scores, relaxed = self._ranked(allowed, wanted, staff_text=request.scope.staff_text)
        found = np.flatnonzero(tiers >= 0)
        count = request.offset + request.limit
        places = ranking.top(
            tiers[found],
            scores[found],
            self._updated[found],
            lambda place: self.card(int(found[place])).id,
            count=count,
        )[request.offset :]
        hits = []
        for place in places:
            doc = int(found[place])
            card = self.card(doc)
            hits.append(Hit(card.id, card.version, float(scores[doc]), TIERS[tiers[doc]]))
        facets = {name: self._facet(name, tiers >= 0) for name in request.facets}
        return Results(hits, len(found), facets, relaxed=relaxed)

    def _ranked(self, allowed: Mask, wanted: Plan, *, staff_text: bool) -> tuple[NDArray[np.int8], Floats, str]:
        """Tier (-1: not found) and score of every document, and the weakest tier that had to help."""
        tiers = np.full(len(self.live), -1, np.int8)
        if not wanted.by_words:
            tiers[allowed] = TIERS.index(Tier.WORDS)
            return tiers, np.zeros(len(tiers)), ""
        parameters = self._parameters
        words, matched, _, total = self._sum(Space.WORDS, wanted.concepts, staff_text=staff_text)
        grams, _, has, _ = self._sum(Space.GRAMS, wanted.grams, staff_text=staff_text)
        scores = ranking.combined(words, matched, total, grams, parameters)
        tiers[allowed if wanted.required else allowed & (words > 0)] = TIERS.index(Tier.WORDS)
        for segment, base in zip(self.segments, self._bases, strict=False):
            for doc in segment.exact(wanted):
                if allowed[base + doc]:
                    tiers[base + doc] = TIERS.index(Tier.EXACT)
        relaxed = ""
        if wanted.grams and (tiers >= 0).sum() < parameters.enough:
            more = allowed & (tiers < 0) & (has >= parameters.gram_share * len(wanted.grams))
            if more.any():
                tiers[more], scores[more], relaxed = TIERS.index(Tier.BIGRAMS), grams[more], Tier.BIGRAMS
        if wanted.pinyin and (tiers >= 0).sum() < parameters.enough:
            best = np.zeros(len(tiers))
            for way in wanted.pinyin:
                sums, _, number, _ = self._sum(Space.PINYIN, way, staff_text=staff_text)
                best = np.maximum(best, np.where(number == len(way), sums, 0.0))
            more = allowed & (tiers < 0) & (best > 0)
            if more.any():
                tiers[more], scores[more], relaxed = TIERS.index(Tier.PINYIN), best[more], Tier.PINYIN
        return tiers, scores, relaxed

    def _facet(self, name: str, found: Mask) -> list[tuple[str, int]]:
        counted: Counter[str] = Counter()
        for segment, base in zip(self.segments, self._bases, strict=False):
            values, docs, codes = segment.facet(name)
            numbers = np.bincount(codes[found[base + docs]], minlength=len(values))
            counted.update({value: int(number) for value, number in zip(values, numbers, strict=True) if number})
        return sorted(counted.items(), key=lambda item: (-item[1], item[0]))

    def suggest(self, typed: Typed, scope: Scope, limit: int) -> list[Suggestion]:
        """Best levels first; a weaker level is looked at only while there is room."""
        visible = self._visible(scope)
        chosen: dict[int, Card] = {}
        for level in range(LEVELS):
            if len(chosen) >= limit:
                break
            fitting = {
                base + doc: segment.cards[doc]
                for segment, base in zip(self.segments, self._bases, strict=False)
                for doc in segment.fitting(typed, level)
                if visible[base + doc] and base + doc not in chosen
            }
            ordered = sorted(fitting.items(), key=lambda item: (len(item[1].title), item[1].id))
            chosen.update(ordered[: limit - len(chosen)])
        return [Suggestion(card.id, card.title) for card in chosen.values()]
