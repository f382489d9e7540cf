"""What can go wrong, by what the caller does about it?

    KBError                     the base; `code` is stable, `message` is a sentence in Chinese and English
    ├── Invalid                 422  the input is wrong: name the field, keep what was typed, try again
    │   └── BadQuery            400  the search box did not understand; `position` says where
    ├── NotFound                404  no such thing, or none that this person may know of
    ├── NotAllowed              403  the person may not do this
    ├── Conflict                409  the thing is not in a state for it
    │   ├── BadTransition       409  the life cycle has no such step from here
    │   ├── GateClosed          409  a gate's unmet conditions, listed
    │   └── StaleVersion        409  somebody saved in between; carries both versions
    ├── IndexUnavailable        503  no usable index: an operator runs the command in `hint`
    ├── IndexLocked             503  another worker holds the writer: wait or stop that one
    └── StoreCorrupt            500  a stored object is missing or altered: restore it from a backup

`web/errors.py` is the only place that turns these into pages and problem JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class KBError(Exception):
    """Base of all expected errors."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class Invalid(KBError):
    """Input that cannot be accepted; `fields` maps a field to its sentence where known."""

    code = "invalid"
    status = 422

    def __init__(
        self, message: str, *, problems: Sequence[str] = (), fields: dict[str, str] | None = None, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.problems = list(problems)
        self.fields = dict(fields or {})


class BadQuery(Invalid):
    """A query that the query language refuses; `position` counts characters from 0."""

    code = "bad_query"
    status = 400

    def __init__(self, message: str, *, position: int, **details: Any) -> None:
        super().__init__(message, position=position, **details)
        self.position = position


class NotFound(KBError):
    code = "not_found"
    status = 404


class NotAllowed(KBError):
    code = "not_allowed"
    status = 403


class Conflict(KBError):
    code = "conflict"
    status = 409


class BadTransition(Conflict):
    code = "bad_transition"


class GateClosed(Conflict):
    """A gate is not met: of an incident, a problem or a change; `unmet` lists the conditions, in the words shown to people."""

    code = "gate_closed"

    def __init__(self, message: str, *, unmet: Sequence[str], **details: Any) -> None:
        super().__init__(message, unmet=list(unmet), **details)
        self.unmet = list(unmet)


class StaleVersion(Conflict):
    """`yours` and `latest` are the optimistic versions that disagreed."""

    code = "stale_version"

    def __init__(self, message: str, *, yours: int, latest: int, **details: Any) -> None:
        super().__init__(message, yours=yours, latest=latest, **details)
        self.yours, self.latest = yours, latest


class IndexUnavailable(KBError):
    """No index to search; `hint` is the command that helps."""

    code = "index_unavailable"
    status = 503

    def __init__(self, message: str, *, hint: str = "kb index rebuild", **details: Any) -> None:
        super().__init__(message, hint=hint, **details)
        self.hint = hint


class IndexLocked(KBError):
    code = "index_locked"
    status = 503


class StoreCorrupt(KBError):
    code = "store_corrupt"
    status = 500
