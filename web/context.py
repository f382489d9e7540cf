"""Who is asking, and what is there to work with? The two things every view needs, and the few that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar, cast

from flask import current_app, g, request

from kb.access import SUBSCRIBER, Permission, Person
from kb.errors import IndexUnavailable
from kb.precheck import Similar
from web.search import Page
from web.services import Services

EXTENSION = "wenqu"
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"  # the policy of files that somebody uploaded
_View = TypeVar("_View", bound=Callable[..., Any])


def services() -> Services:
    """The installation this application serves."""
    return cast(Services, current_app.extensions[EXTENSION])


def person() -> Person:
    """Whoever sent this request; a subscriber when nobody is signed in."""
    return cast(Person, g.get("person", SUBSCRIBER))


def asker() -> str:
    """Whose searches belong together? Staff are known; an address and a browser are told apart without being kept."""
    by = person()
    return str(by.id) if by.id is not None else f"anonymous {hash((request.remote_addr, request.user_agent.string))}"


def remember(words: str, page: Page, *, incident: int | None = None, again: bool = False) -> str:
    """Log a search; returns the token that the links to its hits carry."""
    return services().searches.record(
        person(),
        asker(),
        words,
        hits=page.total,
        relaxed=page.relaxed,
        top=page.hits[0].entry.id if page.hits else None,
        incident=incident,
        again=again,
    )


def needs(permission: Permission) -> Callable[[_View], _View]:
    """Ask for a permission before the view begins; kb asks again for what it does."""

    def decorate(view: _View) -> _View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            person().require(permission)
            return view(*args, **kwargs)

        return cast(_View, checked)

    return decorate


def similar() -> Similar | None:
    """The search for near-duplicates as this person may see it; None while there is no index to ask."""
    try:
        services().generations.current()
    except IndexUnavailable:
        return None
    return partial(services().search.similar, person())
