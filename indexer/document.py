"""What does the index know of an entry?

An `IndexDocument` is a projection of one published revision: plain text and the attributes that search filters,
counts and ranks by. It is built from SQL by `indexer/feed.py`; nothing here reads a database.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class IndexDocument:
    """One entry as the engines see it. `version` orders revisions of one id: the newer one wins.

    `body` is plain text that the entry's whole audience reads. `staff_body` is the other face of the same entry:
    it takes part in matching only for a scope with `staff_text`. `symptoms` are the ways people say it (用户的说法).
    """

    id: str
    version: int
    kind: str
    title: str
    body: str
    staff_body: str = ""
    symptoms: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    category: str = ""  # a path such as 数字电视/机顶盒
    audience: str = "public"  # public, staff or restricted
    owner_group: str = ""
    updated: dt.date | None = None
    districts: tuple[str, ...] = ()  # names of the districts it is about; none is all of them
    captured: tuple[str, ...] = ()  # words of people whose incident it solved: matched, never shown
    reused: int = 0  # incidents that it solved, closed as verified by the user
    confidence: str = ""  # of its least founded figure: verified, single_source or unverified; "" without figures
