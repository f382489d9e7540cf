"""Which documents of one block meet a condition?

A block never changes, so what is worked out from it is kept as long as it is open. Deletions are not its business; they
belong to the snapshot.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer import ranking
from indexer.analysis import is_cjk
from indexer.analysis.identifiers import LONGEST
from indexer.engines.base import Scope
from indexer.engines.whoosh_engine import kernel
from indexer.engines.whoosh_engine.block import COLUMNS, Block, Key
from indexer.engines.whoosh_engine.kernel import Bits
from indexer.plan import Condition
from indexer.projection import QUOTED, STAFF, Card, Space
from indexer.ranking import Prior

Mask = NDArray[np.bool_]
_Kept = TypeVar("_Kept")
_KEPT_MASKS = 64  # of a block: 64 KiB each in a full one, so 15 MB of 230,000 documents
_COLUMN = {"group": "owner_group"}  # filters, where the column is called otherwise


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


class OpenSegment(Block):
    """One block, open for reading, with what was asked of it before. Safe to share between threads and snapshots."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(path)
        self.name = name
        self._kept = Kept(_KEPT_MASKS)
        self._prior: tuple[tuple[int, Prior], NDArray[np.uint8]] | None = None

    @cached_property
    def addresses(self) -> kernel.Addresses:
        """Where its arrays lie, found out once: there are forty."""
        return kernel.addresses(self)

    def priors(self, today: int, numbers: Prior) -> NDArray[np.uint8]:
        """By what the score of each document is multiplied, as `kernel.prior_of` reads it. Worked out once a day."""
        known = self._prior
        if known is None or known[0] != (today, numbers):
            known = self._prior = (today, numbers), self._priors(today, numbers)
        return known[1]

    def _priors(self, today: int, numbers: Prior) -> NDArray[np.uint8]:
        founded = np.array([numbers.founded(value) for value in self.values("confidence")])
        priors = ranking.prior(
            self.section("updated"),
            self.section("reused"),
            founded[self.section("confidence")],
            today=today,
            numbers=numbers,
        )
        return kernel.prior_bytes(priors)

    @cached_property
    def _faces(self) -> kernel.Faces:
        return kernel.faces_of(self)

    def visible(self, scope: Scope) -> Mask:
        """Whom the asker may know of, but for `scope.exclude`, which the snapshot takes out."""
        return self._kept.get(("scope", scope.audiences, scope.groups), lambda: self._visible(scope))

    def _visible(self, scope: Scope) -> Mask:
        audiences, groups = self.values("audience"), self.values("owner_group")
        bare = Scope(scope.audiences, scope.groups, staff_text=False)
        allowed = np.array(
            [[bare.allows(id="", audience=audience, owner_group=group) for group in groups] for audience in audiences],
            np.bool_,
        )
        mask: Mask = allowed[self.section("audience"), self.section("owner_group")]
        return mask

    def passing(self, one: Condition) -> Mask:
        """Which documents pass a filter, negated or not?"""
        passing: Mask = self._kept.get(
            ("filter", one.filter.field, one.filter.values, one.keys), lambda: self._passing(one)
        )
        return ~passing if one.negated else passing

    def _passing(self, one: Condition) -> Mask:
        match one.filter.field:
            case "id":
                return kernel.known(self, self.addresses, one.keys, Key.ID)
            case "device":
                return kernel.known(self, self.addresses, one.keys, Key.DEVICE)
            case "code":
                return kernel.known(self, self.addresses, one.keys, Key.CODE)
            case "district":
                return kernel.known(self, self.addresses, one.keys, Key.DISTRICT)
        column = _COLUMN.get(one.filter.field, one.filter.field)
        good = [_passes(column, value, one) for value in self.values(column)]
        mask: Mask = np.array(good, np.bool_)[self.section(column)]
        return mask

    def saying(self, required: Sequence[str], forbidden: Sequence[str], *, staff_text: bool) -> Mask:
        """Which documents contain all of the one canonical phrases and none of the others, in a face that the asker may
        match, and may be shown?"""
        faces = [face for face in QUOTED if staff_text or face != STAFF]
        return self._kept.get(
            ("phrases", tuple(required), tuple(forbidden), staff_text), lambda: self._saying(required, forbidden, faces)
        )

    def _saying(self, required: Sequence[str], forbidden: Sequence[str], faces: Sequence[int]) -> Mask:
        found = self._containing(required, faces, kernel.pack(np.ones(self.count, np.bool_)))
        for phrase in forbidden:
            found &= ~self._containing([phrase], faces, found)
        return kernel.unpack(found, self.count)

    def _containing(self, phrases: Sequence[str], faces: Sequence[int], among: Bits) -> Bits:
        """Which of these documents contain all phrases? First who has their grams; the texts of the few are then read."""
        grams = list(dict.fromkeys(gram for phrase in phrases for gram in _grams(phrase)))
        found = kernel.having(self, self.addresses, Space.GRAMS, grams, faces, among)
        for phrase in phrases:
            if not _is_gram(phrase):
                found = kernel.containing(self, self._faces, phrase, faces, found)
        return found


def _grams(phrase: str) -> Iterator[tuple[str, bool]]:
    """The grams that a text with a canonical phrase has, each with whether it is whole."""
    for unit in phrase.split():
        if not is_cjk(unit[0]):
            yield unit[:LONGEST], True
        elif len(unit) == 1:
            yield unit, False  # at every character begins exactly one gram
        else:
            yield from (("".join(pair), True) for pair in pairwise(unit))


def _is_gram(phrase: str) -> bool:
    """Does a text contain the phrase just when it has its gram?"""
    units = phrase.split()
    return len(units) == 1 and (len(units[0]) <= 2 if is_cjk(units[0][0]) else len(units[0]) < LONGEST)


def _passes(column: str, value: str, one: Condition) -> bool:
    """Does a document with this value in the column pass? Asked of a card, so that there is one rule."""
    attributes = dict.fromkeys(COLUMNS, "") | {column: value}
    card = Card(
        id="", version=0, title="", devices=(), districts=(), codes=(), updated=0, reused=0, keys=frozenset(),
        filter_keys=("", frozenset(), frozenset(), frozenset()), **attributes,
    )  # fmt: skip
    return card.passes(one.filter, one.keys)
