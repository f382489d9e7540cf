"""Which entries did somebody put on top of a query, and what does its page of results look like then?

A pin belongs to a dictionary version. It holds for a query of the same words, whatever their case, width, script and
spaces, and passes the same conditions and the same scope as every hit: who may not see the entry sees no pin. This is
the one place that applies them: pages, API, commands and golden queries ask here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from indexer.dense import Dense
from indexer.engines.base import Engine, Results, SearchRequest, Sort
from indexer.query import Filter, Query


@dataclass(frozen=True)
class Pin:
    """`entry` stands on top of `query`, from a day and until a day if they are given."""

    query: str
    entry: str
    since: dt.date | None = None
    until: dt.date | None = None

    def holds(self, today: dt.date) -> bool:
        return (self.since or today) <= today <= (self.until or today)


class Pins:
    """The pins of one dictionary version; `key` makes texts comparable."""

    def __init__(self, pins: Iterable[Pin], key: Callable[[str], str]) -> None:
        self._key = key
        self._of: dict[str, list[Pin]] = {}
        for pin in pins:
            self._of.setdefault(key(pin.query), []).append(pin)

    def of(self, query: Query, today: dt.date) -> tuple[str, ...]:
        """The entries to stand on top, in the order of the dictionary."""
        if not self._of or any(one.field == "id" for one in query.filters):
            return ()
        found = self._of.get(self._key(query.plain), ())
        return tuple(dict.fromkeys(pin.entry for pin in found if pin.holds(today)))


def search(
    engine: Engine, pins: Pins, request: SearchRequest, *, today: dt.date, dense: Dense | None = None
) -> Results:
    """A page of results with its pinned entries on top, each shown and counted once. In another order than that of
    relevance nothing is on top. `dense` puts the hits below them in another order."""
    ask = partial(dense.search, engine) if dense else engine.search
    numbers = pins.of(request.query, today) if request.sort is Sort.RELEVANCE else ()
    if not numbers:
        return ask(request)
    # by the conditions of the query and by number, not by its words: a pin is there for what the words do not find
    named = replace(request.query, words=(), filters=(*request.query.filters, Filter("id", numbers, 0)))
    pinned = engine.search(replace(request, query=named, offset=0, limit=len(numbers)))
    on_top = sorted(pinned.hits, key=lambda hit: numbers.index(hit.id))
    ids = frozenset(hit.id for hit in on_top)
    here = on_top[request.offset : request.offset + request.limit]
    rest = replace(
        request,
        scope=replace(request.scope, exclude=request.scope.exclude | ids),
        offset=max(0, request.offset - len(on_top)),
        limit=max(1, request.limit - len(here)),  # the total is wanted even when the pins fill the page
    )
    results = ask(rest)
    facets = {
        name: sorted(
            (Counter(dict(counts)) + Counter(dict(pinned.facets[name]))).items(), key=lambda one: (-one[1], one[0])
        )
        for name, counts in results.facets.items()
    }
    return replace(
        results,
        hits=[*here, *results.hits[: request.limit - len(here)]],
        total=results.total + len(on_top),
        facets=facets,
        took_ms=pinned.took_ms + results.took_ms,
        pinned=ids,
    )
