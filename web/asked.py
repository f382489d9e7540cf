"""What is being searched for, as an address: words plus filters, each of which can be added or taken away by a link.

Filters travel as parameters of their own (`?q=黑屏&kind=solution&kind=policy`) so that the words stay as they were typed;
towards the search they become our query language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import Request, url_for

from indexer import FACETS, Sort
from indexer.query import FIELDS, Filter, Part, cut
from web.labels import LABELS, label

FILTERS = FACETS
PAGE_SIZE = 10  # hits
LAST_PAGE = 100  # nobody reads further; a deep page costs the engine all the hits before it
MOST_VALUES = 20  # of one filter; nobody picks more from a list


@dataclass(frozen=True)
class Asked:
    """One search as its address has it. Several values of one filter are alternatives."""

    words: str
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    page: int = 1
    sort: Sort = Sort.RELEVANCE
    exact: bool = False  # what was typed, however it is spelt

    @classmethod
    def read(cls, request: Request) -> Asked:
        given = {
            name: tuple(dict.fromkeys(value.strip() for value in request.args.getlist(name) if value.strip()))
            for name in FILTERS
        }
        page = request.args.get("page", 1, type=int)
        return cls(
            request.args.get("q", "").strip(),
            {name: values[:MOST_VALUES] for name, values in given.items() if values},
            min(max(page, 1), LAST_PAGE),
            request.args.get("sort", Sort.RELEVANCE, type=Sort),
            request.args.get("exact") == "1",
        )

    @property
    def empty(self) -> bool:
        return not self.words and not self.filters

    @property
    def text(self) -> str:
        """The whole question in the query language."""
        return " ".join([self.words, *(f"{name}:{_quoted(values)}" for name, values in self.filters.items())]).strip()

    @property
    def offset(self) -> int:
        return (self.page - 1) * PAGE_SIZE

    @property
    def url(self) -> str:
        return url_for("search.results", **self.parameters)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the address of this search carries, and that of a page about it."""
        parameters: dict[str, Any] = {"q": self.words} | self.filters
        if self.sort is not Sort.RELEVANCE:
            parameters["sort"] = str(self.sort)
        if self.exact:
            parameters["exact"] = 1
        if self.page > 1:
            parameters["page"] = str(self.page)
        return parameters

    @cached_property
    def _first_page(self) -> str:
        return self.at(1).url

    def narrowed(self, name: str, value: str) -> str:
        """The address with one filter more. A page has fifty of them, so the words are encoded once."""
        return f"{self._first_page}&{urlencode({name: value})}"

    def without(self, name: str, value: str | None = None) -> Asked:
        """The first page without one value of a filter, or without any."""
        left = tuple(kept for kept in self.filters.get(name, ()) if value is not None and kept != value)
        filters = {key: left if key == name else values for key, values in self.filters.items()}
        return replace(self, filters={key: values for key, values in filters.items() if values}, page=1)

    def at(self, page: int) -> Asked:
        return replace(self, page=page)

    def sorted(self, sort: Sort) -> Asked:
        return replace(self, sort=sort, page=1)

    def less(self, parts: Sequence[Part]) -> Asked:
        """The first page of the same without some parts of `text`, which stand in the words or are filters."""
        asked = replace(self, words=cut(self.words, [part for part in parts if part.end <= len(self.words)]), page=1)
        for part in parts:
            if isinstance(part, Filter) and part.start >= len(self.words):
                asked = asked.without(part.field)
        return asked

    def shown(self, part: Part) -> str:
        """A part of `text` as people read it: filters with their Chinese names, the rest as it was typed."""
        if not isinstance(part, Filter):
            return self.text[part.start : part.end]
        minus = "" if self.text[part.start].isalnum() else "-"
        return f"{minus}{FIELDS[part.field][0]}：{'、'.join(shown(part.field, value) for value in part.values)}"

    def worded(self, words: str) -> Asked:
        """Other words under the same filters."""
        return Asked(words, self.filters, sort=self.sort)

    @property
    def literally(self) -> Asked:
        """The words as they were typed, whatever was made of them."""
        return replace(self, page=1, exact=True)


def shown(name: str, value: str) -> str:
    """A value of a filter as people read it."""
    return label(value, name) if name in LABELS else value


def _quoted(values: Sequence[str]) -> str:
    """Values as one piece of the query, whatever marks stand in them."""
    value = ",".join(" ".join(value.split()) for value in values)
    return f"「{value}」" if '"' in value else f'"{value}"'
