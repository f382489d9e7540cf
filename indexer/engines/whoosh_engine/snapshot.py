"""Which documents were there after one commit, and how do they score?

A snapshot is the open blocks of one table of contents with their deletions. It never changes, so any number of threads
search it; the engine swaps in the next one, which takes over the blocks that are still there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np

from indexer import ranking
from indexer.engines.base import Hit, Results, Scope, SearchRequest, Suggestion, Tier
from indexer.engines.whoosh_engine import kernel
from indexer.engines.whoosh_engine.codec import BlockSegment
from indexer.engines.whoosh_engine.kernel import Answer, Bits, Question
from indexer.engines.whoosh_engine.segment import Kept, Mask, OpenSegment
from indexer.plan import Plan
from indexer.projection import FACES, QUOTED, STAFF, Space
from indexer.ranking import Parameters
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
        staff = scope.staff_text
        masks = []
        for segment, visible in zip(self.segments, self._visible(scope), strict=True):
            mask = visible.copy()
            for one in wanted.conditions:
                mask &= segment.passing(one)
            for phrase in wanted.required:
                mask &= segment.containing(phrase, staff_text=staff)
            for phrase in wanted.forbidden:
                mask &= ~segment.containing(phrase, staff_text=staff)
            masks.append(mask)
        return self._packed(masks)

    # Answers

    def search(self, request: SearchRequest, wanted: Plan) -> Results:
        """One page of hits with totals and facets; the engine adds the time."""
        if wanted.nothing or not self.count:
            return Results([], 0, {name: [] for name in request.facets})
        allowed = self._allowed(wanted, request.scope)
        count = min(request.offset + request.limit, self.count)
        found: Bits | None = None
        hits: list[Hit] = []
        total, relaxed = 0, ""
        for tier, answer in self._tiers(wanted, allowed, request.scope, count):
            hits += [
                Hit(
                    self.segments[place.block].id(place.doc),
                    place.version,
                    place.score,
                    Tier.EXACT if place.named else tier,
                )
                for place in answer.best
            ]
            total += answer.total
            found = answer.found if found is None else found | answer.found
            if tier is not Tier.WORDS and answer.total:
                relaxed = tier
        assert found is not None
        counted = self._table.counted(request.facets, found) if request.facets else {}
        facets = {
            name: sorted(values.items(), key=lambda item: (-item[1], item[0])) for name, values in counted.items()
        }
        return Results(hits[request.offset : request.offset + request.limit], total, facets, relaxed=relaxed)

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
