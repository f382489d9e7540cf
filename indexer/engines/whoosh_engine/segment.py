"""What is in one segment, and which of its documents meet a condition?

A segment never changes, so everything worked out from it is kept as long as it is open: cards at once, the rest when
first asked. Deletions are not its business; they belong to the snapshot.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.analysis import is_cjk
from indexer.analysis.identifiers import LONGEST
from indexer.engines.base import Scope
from indexer.engines.whoosh_engine.codec import CARD, TEXTS, Docs, Rows, schema
from indexer.plan import Condition, Plan
from indexer.projection import FACES, STAFF, Card, Projection, Space
from indexer.suggestions import Typed

Mask = NDArray[np.bool_]
_Kept = TypeVar("_Kept")


class Kept:
    """A small cache of what was worked out, the least recently used dropped first. Safe between threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, work_out: Callable[[], _Kept]) -> _Kept:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                known: _Kept = self._values[key]
                return known
        value = work_out()  # outside the lock: two threads may both work it out, to the same effect
        with self._lock:
            self._values[key] = value
            if len(self._values) > self._size:
                self._values.popitem(last=False)
        return value


def pack(projection: Projection) -> tuple[bytes, bytes]:
    """A document's card and texts as the segment stores them."""
    card = projection.card
    attributes = [
        card.id, card.version, card.title, card.kind, card.category, card.devices, card.codes, card.audience,
        card.owner_group, card.updated, sorted(card.keys),
        [card.filter_keys[0], sorted(card.filter_keys[1]), sorted(card.filter_keys[2])],
    ]  # fmt: skip
    fields = [attributes, [projection.lengths[space] for space in Space], projection.spelt]
    texts = "\x00".join(projection.texts).encode()
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(), zlib.compress(texts, 1)


def _card(attributes: list[Any]) -> Card:
    id, version, title, kind, category, devices, codes, audience, group, updated, keys, filter_keys = attributes
    return Card(
        id, version, title, kind, category, tuple(devices), tuple(codes), audience, group, updated, frozenset(keys),
        (filter_keys[0], frozenset(filter_keys[1]), frozenset(filter_keys[2])),
    )  # fmt: skip


class OpenSegment:
    """One segment, open for reading. Safe to share between threads and snapshots."""

    _closed = True  # until the files are open

    def __init__(self, storage: Any, segment: Any) -> None:
        self.name: str = segment.segment_id()
        self.size: int = segment.doc_count_all()
        codec, columns = segment.codec(), schema()
        self._lock = threading.Lock()  # Whoosh's files have one reading position
        self._perdoc = codec.per_document_reader(storage, segment)
        self._terms = codec.terms_reader(storage, segment)
        self._closed = False
        self._texts = self._perdoc.column_reader(TEXTS, columns[TEXTS].column_type)
        self._kept = Kept(512)
        self.cards: list[Card] = []
        self.spelt: list[tuple[str, str]] = []
        lengths = []
        for packed in self._perdoc.column_reader(CARD, columns[CARD].column_type):
            fields = json.loads(packed)
            self.cards.append(_card(fields[0]))
            lengths.append(fields[1])
            self.spelt.append(tuple(fields[2]))
        table = np.array(lengths, dtype=np.float64).reshape(self.size, len(Space), len(FACES))
        self.lengths = {space: np.ascontiguousarray(table[:, number].T) for number, space in enumerate(Space)}
        self.updated = np.array([card.updated for card in self.cards], dtype=np.int64)
        self.numbers = {card.id: doc for doc, card in enumerate(self.cards)}

    def close(self) -> None:
        """Close the files. The last reader of a segment that was merged away does so by letting go of it."""
        if not self._closed:
            self._closed = True
            self._perdoc.close()
            self._terms.close()

    __del__ = close

    def postings(self, space: Space, term: str) -> tuple[Docs, Rows] | None:
        """Which documents have a term, how often in each face?"""
        with self._lock:
            found: tuple[Docs, Rows] | None = self._terms.arrays(space, term)
        return found

    def _text(self, doc: int, *, staff_text: bool) -> list[str]:
        with self._lock:
            packed = self._texts[doc]
        faces = zlib.decompress(packed).decode().split("\x00")
        return faces if staff_text else faces[:STAFF]

    @cached_property
    def by_key(self) -> dict[str, list[int]]:
        """Documents by what names them exactly."""
        found: dict[str, list[int]] = {}
        for doc, card in enumerate(self.cards):
            for key in card.keys:
                found.setdefault(key, []).append(doc)
        return found

    def exact(self, wanted: Plan) -> list[int]:
        """Documents that the query names."""
        return [doc for key in wanted.keys for doc in self.by_key.get(key, ())]

    def visible(self, scope: Scope) -> Mask:
        """Whom the asker may know of, but for `scope.exclude`, which the snapshot takes out."""
        bare = Scope(scope.audiences, scope.groups, staff_text=False)
        return self._kept.get(
            ("scope", bare.audiences, bare.groups),
            lambda: np.fromiter((card.visible(bare) for card in self.cards), np.bool_, self.size),
        )

    def passing(self, one: Condition) -> Mask:
        """Which documents pass a filter, negated or not?"""
        passing: Mask = self._kept.get(
            ("filter", one.filter.field, one.filter.values, one.keys),
            lambda: np.fromiter((card.passes(one.filter, one.keys) for card in self.cards), np.bool_, self.size),
        )
        return ~passing if one.negated else passing

    def containing(self, phrase: str, *, staff_text: bool) -> Mask:
        """Which documents contain a canonical phrase in a face that the asker may match?"""
        return self._kept.get(("phrase", phrase, staff_text), lambda: self._containing(phrase, staff_text))

    def _containing(self, phrase: str, staff_text: bool) -> Mask:
        faces = slice(None) if staff_text else slice(0, STAFF)
        found = np.ones(self.size, np.bool_)
        units = phrase.split()
        for unit in units:
            if not is_cjk(unit[0]):
                found &= self._having(unit[:LONGEST], faces)
            elif len(unit) == 1:
                found &= self._beginning(unit, faces)
            else:
                for pair in pairwise(unit):
                    found &= self._having("".join(pair), faces)
        if len(units) == 1 and (len(units[0]) <= 2 if is_cjk(units[0][0]) else len(units[0]) < LONGEST):
            return found  # the terms say it all
        for doc in np.flatnonzero(found):
            found[doc] = any(phrase in text for text in self._text(int(doc), staff_text=staff_text))
        return found

    def _having(self, term: str, faces: slice) -> Mask:
        mask = np.zeros(self.size, np.bool_)
        found = self.postings(Space.GRAMS, term)
        if found is not None:
            mask[found[0][found[1][:, faces].any(axis=1)]] = True
        return mask

    def _beginning(self, char: str, faces: slice) -> Mask:
        """One character alone: at every character begins exactly one gram."""
        mask = np.zeros(self.size, np.bool_)
        with self._lock:
            for docs, rows in self._terms.prefixed(Space.GRAMS, char):
                mask[docs[rows[:, faces].any(axis=1)]] = True
        return mask

    def facet(self, name: str) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
        """The values of a facet, and as pairs which document has which."""
        return self._kept.get(("facet", name), lambda: self._facet(name))

    def _facet(self, name: str) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
        values: dict[str, int] = {}
        pairs = [
            (doc, values.setdefault(value, len(values)))
            for doc, card in enumerate(self.cards)
            for value in card.facet(name)
        ]
        table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return list(values), table[:, 0], table[:, 1]

    @cached_property
    def _titles(self) -> list[tuple[str, str]]:
        """Canonical titles and symptoms: what is looked through at every key press stays in memory."""
        return [(texts[0], texts[1]) for texts in (self._text(doc, staff_text=False) for doc in range(self.size))]

    def fitting(self, typed: Typed, level: int) -> list[int]:
        """Documents that fit what was typed at this level (`indexer/suggestions.py`) or a better one."""
        if level == 0:
            return [doc for doc, (title, _) in enumerate(self._titles) if typed.title_starts(title.strip())]
        if level == 1:
            return [doc for doc, (title, _) in enumerate(self._titles) if typed.occurs(title)]
        if level == 2:
            return [doc for doc, (_, symptoms) in enumerate(self._titles) if typed.occurs(symptoms)]
        return [doc for doc, spelt in enumerate(self.spelt) if typed.spelt(*spelt)]
