"""What was asked too strictly, and what would be found with less asked?

Looked into only where a query finds nothing. A phrase that nobody has is looked for as words, and the answer says so.
Nothing else is left out unasked: for each condition, the answer tells how many entries there are without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from indexer.engines.base import Results, SearchRequest
from indexer.query import Filter, Part, Phrase, Query, Word, cut, parse
from kb.errors import BadQuery

Ask = Callable[[SearchRequest], Results]
MOST_OFFERS = 5  # conditions that are tried without: each is a search more, or two


@dataclass(frozen=True)
class Offer:
    """`parts` of a query without which it finds `total` entries."""

    parts: tuple[Part, ...]
    total: int


@dataclass(frozen=True)
class Answer:
    """What was found, by which query in the end; `as_words` are the phrases that were looked for as words."""

    results: Results
    query: Query
    as_words: tuple[Phrase, ...] = ()
    offers: tuple[Offer, ...] = ()


def search(ask: Ask, request: SearchRequest) -> Answer:
    """The answer to a request, or to the nearest one that has any; and what else could be left out where none has.
    Raises what `ask` raises."""
    answer = loosened(ask, request)
    if answer.results.total:
        return answer
    return replace(answer, offers=tuple(_offers(ask, request)))


def loosened(ask: Ask, request: SearchRequest) -> Answer:
    """The answer, with phrases as words if nobody has the phrases."""
    query = request.query
    results = ask(request)
    if results.total or not query.phrases:
        return Answer(results, query)
    words = [*query.words, *(Word(phrase.text, phrase.start, phrase.end) for phrase in query.phrases)]
    loose = replace(query, words=tuple(sorted(words, key=lambda word: word.start)), phrases=())
    found = ask(replace(request, query=loose))
    if not found.total:
        return Answer(results, query)
    took = results.took_ms + found.took_ms
    return Answer(replace(found, took_ms=took), loose, as_words=query.phrases)


def _offers(ask: Ask, request: SearchRequest) -> Iterator[Offer]:
    """What would be found without each condition; without all of them, if no single one is to blame."""
    conditions = _conditions(request.query)
    some = False
    for parts in conditions[:MOST_OFFERS]:
        if total := _total(ask, request, parts):
            some = True
            yield Offer(parts, total)
    everything = tuple(part for parts in conditions for part in parts)
    if not some and len(conditions) > 1 and (total := _total(ask, request, everything)):
        yield Offer(everything, total)


def _conditions(query: Query) -> list[tuple[Part, ...]]:
    """What must or must not hold, in the order typed. Filters of one field are alternatives, and go together."""
    fields: dict[str, list[Filter]] = {}
    for one in query.filters:
        fields.setdefault(one.field, []).append(one)
    conditions: list[tuple[Part, ...]] = [tuple(group) for group in fields.values()]
    single: tuple[Part, ...] = (*query.phrases, *query.not_filters, *query.not_words, *query.not_phrases)
    return sorted(conditions + [(part,) for part in single], key=lambda parts: parts[0].start)


def _total(ask: Ask, request: SearchRequest, parts: tuple[Part, ...]) -> int:
    """How many entries does what was typed find without these parts?"""
    try:
        less = parse(cut(request.query.text, parts))
    except BadQuery:  # a quotation mark that meant nothing pairs with another one now
        return 0
    return loosened(ask, replace(request, query=less, limit=0, offset=0, facets=())).results.total
