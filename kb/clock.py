"""What time is it? UTC inside, China at the edge, from one place so that tests can stop it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

LOCAL = dt.timezone(dt.timedelta(hours=8), "Asia/Shanghai")  # one zone, no summer time since 1991


def _system() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


_clock: Callable[[], dt.datetime] = _system


def now() -> dt.datetime:
    """The present moment, aware, in UTC."""
    return _clock()


def today() -> dt.date:
    """Today's date in China: validity ends with the local day."""
    return now().astimezone(LOCAL).date()


def set_clock(clock: Callable[[], dt.datetime] | None) -> None:
    """Replace the clock; None puts the system's back. For tests."""
    global _clock
    _clock = clock or _system
