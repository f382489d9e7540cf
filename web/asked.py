"""What is being searched for, as an address: words plus filters, each of which can be added or taken away by a link.

Filters travel as parameters of their own (`?q=黑屏&kind=solution`) so that the words stay as they were typed; towards the
search they become our query language.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import Request, url_for

FILTERS = ("kind", "category", "device", "audience")
PAGE_SIZE = 10  # hits
LAST_PAGE = 100  # nobody reads further; a deep page costs the engine all the hits before it


@dataclass(frozen=True)
class Asked:
    """One search as its address has it."""

    words: str
    filters: dict[str, str] = field(default_factory=dict)
    page: int = 1
    exact: bool = False  # what was typed, however it is spelt

    @classmethod
    def read(cls, request: Request) -> Asked:
        given = {name: request.args.get(name, "").strip() for name in FILTERS}
        page = request.args.get("page", 1, type=int)
        return cls(
            request.args.get("q", "").strip(),
            {name: value for name, value in given.items() if value},
            min(max(page, 1), LAST_PAGE),
            request.args.get("exact") == "1",
        )

    @property
    def empty(self) -> bool:
        return not self.words and not self.filters

    @property
    def text(self) -> str:
        """The whole question in the query language."""
        return " ".join([self.words, *(f"{name}:{_quoted(value)}" for name, value in self.filters.items())]).strip()

    @property
    def offset(self) -> int:
        return (self.page - 1) * PAGE_SIZE

    @property
    def url(self) -> str:
        parameters: dict[str, Any] = {"q": self.words} | self.filters
        if self.exact:
            parameters["exact"] = 1
        if self.page > 1:
            parameters["page"] = self.page
        return url_for("search.results", **parameters)

    @cached_property
    def _first_page(self) -> str:
        return self.at(1).url

    def narrowed(self, name: str, value: str) -> str:
        """The address with one filter more. A page has twenty of them, so the words are encoded once."""
        return f"{self._first_page}&{urlencode({name: value})}"

    def without(self, name: str) -> Asked:
        return replace(self, filters={key: value for key, value in self.filters.items() if key != name}, page=1)

    def at(self, page: int) -> Asked:
        return replace(self, page=page)

    def worded(self, words: str) -> Asked:
        """Other words under the same filters."""
        return Asked(words, self.filters)

    @property
    def literally(self) -> Asked:
        """The words as they were typed, whatever was made of them."""
        return replace(self, page=1, exact=True)


def _quoted(value: str) -> str:
    """A value as one piece of the query, whatever marks stand in it."""
    value = " ".join(value.split())
    return f"「{value}」" if '"' in value else f'"{value}"'
