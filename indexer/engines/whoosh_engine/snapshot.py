"""Which documents were there after one commit, and how do they score?

A snapshot is the open blocks of one table of contents with their deletions. It never changes, so any number of threads
search it; the engine swaps in the next one, which takes over the blocks that are still there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

import numpy as np

from indexer import ranking
from indexer.engines.base import Explanation, Hit, Results, Scope, SearchRequest, Sort, Suggestion, Tier
from indexer.engines.whoosh_engine import kernel
from indexer.engines.whoosh_engine.codec import BlockSegment
from indexer.engines.whoosh_engine.kernel import Answer, Bits, Question
from indexer.engines.whoosh_engine.order import first, only
from indexer.engines.whoosh_engine.segment import Kept, Mask, OpenSegment
from indexer.explanation import explain
from indexer.plan import Concept, Plan
from indexer.projection import FACES, QUOTED, STAFF, Space
from indexer.ranking import Floats, Parameters
from indexer.suggestions import Typed

_KEPT_SCOPES = 64


class View:
    """One block after some commit: who is left in it, and who may see them. Snapshots hand it on until a document of
    the block is deleted, so a commit costs what it changed, however large the index is."""

    def __init__(self, entry: BlockSegment, segment: OpenSegment) -> None:
        self.entry, self.segment = entry, segment
        self.live = ~entry.deleted()
        self.part = kernel.Part(segment, self.live, segment.addresses)
        self._kept = Kept(_KEPT_SCOPES)

    def visible(self, scope: Scope) -> Mask:
        """Live documents that the asker may know of, but for `scope.exclude`."""
        return self.live & self.segment.visible(scope)

    def bits(self, scope: Scope) -> Bits:
        """The same, packed."""
        return self._kept.get((scope.audiences, scope.groups), lambda: kernel.pack(self.visible(scope)))


class _Found(NamedTuple):
    """What a question found: the best by place, in order; which documents, and how many; the weakest tier that helped."""

    best: list[tuple[tuple[int, int], Hit]]
    bits: Bits
    total: int
    relaxed: str


class _Facts:
    """One document among all: see `explanation.Facts`."""

    def __init__(self, views: Sequence[View], table: kernel.Table, place: tuple[int, int]) -> None:
        self._views, self._table = views, table
        self._block, self._doc = views[place[0]].segment, place[1]
        self.documents = table.count
        self.prior = float(kernel.prior_of(table.priors[place[0]][place[1] : place[1] + 1])[0])

    def counts(self, space: Space, term: str) -> Sequence[int]:
        number = self._block.find(space, term)
        docs = self._block.docs(space, number) if number >= 0 else np.zeros(0, np.uint16)
        at = np.flatnonzero(docs == self._doc)
        counts: Sequence[int] = self._block.counts(space, number)[:, at[0]].tolist() if len(at) else [0] * len(FACES)
        return counts

    def lengths(self, space: Space) -> Floats:
        return self._block.lengths(space)[:, self._doc].astype(np.float64)

    def averages(self, space: Space) -> Floats:
        return self._table.averages[space]

    def frequency(self, space: Space, concept: Concept, faces: Sequence[int]) -> int:
        found = 0
        for view in self._views:
            block, has = view.segment, np.zeros(view.segment.count, np.bool_)
            for term, _ in concept.terms:
                if (number := block.find(space, term)) >= 0:
                    has[block.docs(space, number)] |= block.counts(space, number)[list(faces)].any(axis=0)
            found += int((has & view.live).sum())
        return found


def _has(bits: Bits, place: tuple[int, int]) -> bool:
    block, doc = place
    return bool(bits[block, doc >> 6] >> np.uint64(doc & 63) & np.uint64(1))


class Snapshot:
    """A state of the index."""

    def __init__(self, generation: int, views: Sequence[View], parameters: Parameters, *, today: dt.date) -> None:
        """`today` is the day by which documents age for as long as the snapshot is in use."""
        self.generation = generation
        self.views = list(views)
        self.segments = [view.segment for view in views]
        self._parameters = parameters
        priors = [segment.priors(today.toordinal(), parameters.prior) for segment in self.segments]
        self._table = kernel.Table([view.part for view in views], priors)
        self.count = self._table.count
        self._kept = Kept(_KEPT_SCOPES)

    def _packed(self, masks: Sequence[Mask]) -> Bits:
        return kernel.rows([kernel.pack(mask) for mask in masks])

    def locate(self, id: str) -> tuple[int, int] | None:
        """The block and document number of a live id."""
        for number, view in enumerate(self.views):
            doc = view.segment.locate(id)
            if doc >= 0 and view.live[doc]:
                return number, doc
        return None

    def version(self, place: tuple[int, int]) -> int:
        """The version of a document."""
        return int(self.segments[place[0]].section("version")[place[1]])

    def versions(self) -> dict[str, int]:
        """The version of every live id."""
        return {
            view.segment.id(int(doc)): int(view.segment.section("version")[doc])
            for view in self.views
            for doc in np.flatnonzero(view.live)
        }

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """In how many documents does each word stand?"""
        return self._table.frequencies(terms)

    # Whom a question may find

    def _visible(self, scope: Scope) -> list[Mask]:
        masks: list[Mask] = self._kept.get(
            (scope.audiences, scope.groups), lambda: [view.visible(scope) for view in self.views]
        )
        return self._without(masks, scope)

    def _seen(self, scope: Scope) -> Bits:
        """Whom the asker may know of, as bits."""
        if scope.exclude:
            return self._packed(self._visible(scope))
        bits: Bits = self._kept.get(
            ("bits", scope.audiences, scope.groups), lambda: kernel.rows([view.bits(scope) for view in self.views])
        )
        return bits

    def _without(self, masks: list[Mask], scope: Scope) -> list[Mask]:
        places = [place for id in scope.exclude if (place := self.locate(id))]
        if places:
            masks = [mask.copy() for mask in masks]
            for number, doc in places:
                masks[number][doc] = False
        return masks

    def _allowed(self, wanted: Plan, scope: Scope) -> Bits:
        """Whom the asker may know of and what the query's conditions let through."""
        if not (wanted.conditions or wanted.required or wanted.forbidden):
            return self._seen(scope)
        masks = []
        for segment, visible in zip(self.segments, self._visible(scope), strict=True):
            mask = visible.copy()
            for one in wanted.conditions:
                mask &= segment.passing(one)
            if wanted.required or wanted.forbidden:
                mask &= segment.saying(wanted.required, wanted.forbidden, staff_text=scope.staff_text)
            masks.append(mask)
        return self._packed(masks)

    # Answers

    def search(self, request: SearchRequest, wanted: Plan) -> Results:
        """One page of hits with totals and facets; the engine adds the time."""
        if wanted.nothing or not self.count:
            return Results([], 0, {name: [] for name in request.facets})
        allowed = self._allowed(wanted, request.scope)
        count = min(request.offset + request.limit, self.count)
        page = slice(request.offset, request.offset + request.limit)
        if request.sort is Sort.RELEVANCE:
            found = self._find(wanted, allowed, request.scope, count)
            hits = [hit for _, hit in found.best[page]]
        else:
            found = self._find(wanted, allowed, request.scope, 0)
            places = first(self.segments, found.bits, ranking.SORTED_BY[request.sort], count)[page]
            scored = self._find(wanted, only(found.bits, places), request.scope, len(places))
            by_place = dict(scored.best)
            hits = [by_place[place] for place in places]
        facets = self._facets(request, wanted, found.bits)
        return Results(hits, found.total, facets, relaxed=found.relaxed)

    def _find(self, wanted: Plan, allowed: Bits, scope: Scope, count: int) -> _Found:
        """What all tiers find of the allowed documents, and the best `count` of each."""
        best: list[tuple[tuple[int, int], Hit]] = []
        found: list[Bits] = []
        total, relaxed = 0, ""
        for tier, answer in self._tiers(wanted, allowed, scope, count):
            for place in answer.best:
                id = self.segments[place.block].id(place.doc)
                hit = Hit(id, place.version, place.score, Tier.EXACT if place.named else tier)
                best.append(((place.block, place.doc), hit))
            total += answer.total
            found.append(answer.found)
            if tier is not Tier.WORDS and answer.total:
                relaxed = tier
        return _Found(best, reduce(or_, found), total, relaxed)  # of one tier its own: no bits are copied

    def _facets(self, request: SearchRequest, wanted: Plan, found: Bits) -> dict[str, list[tuple[str, int]]]:
        """Counts by value, the largest first; of a facet with a filter, what is found without that."""
        plain = tuple(name for name in request.facets if wanted.besides(name) is wanted)
        counted = self._table.counted(plain, found) if plain else {}
        for name in request.facets:
            if name not in counted:
                besides = wanted.besides(name)
                wider = self._find(besides, self._allowed(besides, request.scope), request.scope, 0)
                counted |= self._table.counted((name,), wider.bits)
        return {name: sorted(counted[name].items(), key=lambda item: (-item[1], item[0])) for name in request.facets}

    def explain(self, request: SearchRequest, wanted: Plan, id: str) -> Explanation | None:
        """Why was a document found, or why not? See `Engine.explain`."""
        place, scope = self.locate(id), request.scope
        if place is None or not self._visible(scope)[place[0]][place[1]]:
            return None
        tier = None if wanted.nothing else self._tier(wanted, scope, place)
        return explain(
            id, wanted, _Facts(self.views, self._table, place), tier, self._parameters,
            staff_text=scope.staff_text, missed=self._missed(wanted, scope, place),
        )  # fmt: skip

    def _tier(self, wanted: Plan, scope: Scope, place: tuple[int, int]) -> Tier | None:
        for tier, answer in self._tiers(wanted, self._allowed(wanted, scope), scope, 0):
            if _has(answer.found, place):
                named = self._table.named(wanted.keys) if wanted.by_words and tier is Tier.WORDS else None
                return Tier.EXACT if named is not None and _has(named, place) else tier
        return None

    def _missed(self, wanted: Plan, scope: Scope, place: tuple[int, int]) -> list[str]:
        """The conditions that a document does not meet."""
        segment, doc = self.segments[place[0]], place[1]
        missed = [str(one) for one in wanted.conditions if not segment.passing(one)[doc]]
        for phrases, mark in ((wanted.required, ""), (wanted.forbidden, "-")):
            for phrase in phrases:
                if segment.saying([phrase], [], staff_text=scope.staff_text)[doc] == bool(mark):
                    missed.append(f'{mark}"{phrase}"')
        return missed

    def _tiers(self, wanted: Plan, allowed: Bits, scope: Scope, count: int) -> Iterator[tuple[Tier, Answer]]:
        """What each tier adds, strongest first; a weaker one is asked only where the stronger found little."""
        parameters = self._parameters
        fields = parameters.fields
        faces = len(FACES[ranking.faces(staff_text=scope.staff_text)])
        words = Question(
            Space.WORDS, wanted.concepts, fields[Space.WORDS], faces, others=wanted.grams, other_field=fields[Space.GRAMS],
            everything=bool(wanted.required) or not wanted.by_words, coverage=parameters.coverage,
            share=parameters.grams,
        )  # fmt: skip
        answer = self._table.search(words, allowed, self._table.named(wanted.keys) if wanted.by_words else None, count)
        yield Tier.WORDS, answer
        found = answer.total
        if not wanted.by_words or found >= parameters.enough:
            return
        left = allowed & ~answer.found
        if wanted.grams and found < parameters.enough:
            need = max(1, int(np.ceil(parameters.gram_share * len(wanted.grams))))
            pairs = Question(Space.GRAMS, wanted.grams, fields[Space.GRAMS], faces, need=need)
            answer = self._table.search(pairs, left, None, count)
            yield Tier.BIGRAMS, answer
            found, left = found + answer.total, left & ~answer.found
        if wanted.pinyin and found < parameters.enough:
            yield Tier.PINYIN, self._best_reading(wanted, left, faces, count)

    def _best_reading(self, wanted: Plan, left: Bits, faces: int, count: int) -> Answer:
        """Documents that have all of one way to read the letters, by the way that suits each best."""
        answers = [
            self._table.search(
                Question(Space.PINYIN, way, self._parameters.fields[Space.PINYIN], faces, need=len(way)),
                left,
                None,
                count,
            )
            for way in wanted.pinyin
        ]
        if len(answers) == 1:
            return answers[0]
        found = np.bitwise_or.reduce([answer.found for answer in answers])
        best: dict[tuple[int, int], kernel.Place] = {}
        for place in (place for answer in answers for place in answer.best):
            known = best.get((place.block, place.doc))
            if known is None or known.score < place.score:
                best[place.block, place.doc] = place
        ordered = sorted(
            best.values(),
            key=lambda place: ranking.order_key(
                0,
                place.score,
                int(self.segments[place.block].section("updated")[place.doc]),
                self.segments[place.block].id(place.doc),
            ),
        )
        total = int(np.bitwise_count(found).sum())
        return Answer(ordered[:count], total, found)

    def known(self, terms: Sequence[str], scope: Scope, *, pairs: bool) -> list[int]:
        """How many documents that the asker may see have each term?"""
        faces = [face for face in QUOTED if scope.staff_text or face != STAFF]
        return self._table.known(Space.GRAMS if pairs else Space.WORDS, terms, faces, self._seen(scope))

    def near(self, word: str, most: int) -> list[str]:
        """Latin words that are like one that was typed, whoever may see them."""
        return self._table.near(word, most)

    def suggest(self, typed: Typed, scope: Scope, limit: int) -> list[Suggestion]:
        """Best levels first, and the shorter title first."""
        places = self._table.suggest(typed, self._seen(scope), min(limit, self.count))
        return [Suggestion(self.segments[block].id(doc), self.segments[block].title(doc)) for block, doc in places]
