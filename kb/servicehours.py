"""How much service time lies between two moments, and when does a span of it end?

Service hours come from `content/service-hours.yml`: hours for each day of the week, days on which nobody works, and days that
are worked as if they were another day of the week (调休). All arithmetic is in local time, where no clock is ever put back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from kb import clock
from kb.errors import Invalid
from kb.library import library_path

FILE = "service-hours.yml"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SATURDAY = 5
_FAR = 800  # days after which a calendar without hours is given up

Hours = tuple[tuple[dt.time, dt.time], ...]


@dataclass(frozen=True)
class Calendar:
    """When is there service? `week` begins on Monday; a date in `days` has its own hours, none on a holiday."""

    week: Sequence[Hours]
    days: Mapping[dt.date, Hours] = field(default_factory=dict)
    worked: frozenset[dt.date] = frozenset()  # of `days`, those that are worked like one from Monday to Friday

    def between(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """The service time from start to end; negative where end comes first."""
        if end < start:
            return -self.between(end, start)
        total = dt.timedelta()
        for opens, closes in self._spans(start):
            if opens >= end:
                break
            total += min(closes, end) - opens
        return total

    def add(self, start: dt.datetime, span: dt.timedelta) -> dt.datetime:
        """The first moment at which `span` (not negative) of service time has passed since start."""
        left = span
        for opens, closes in self._spans(start):
            if left <= closes - opens:
                return (opens + left).astimezone(dt.UTC)
            left -= closes - opens
        raise Invalid("服务时间表没有足够的服务时间 · the calendar has not enough service hours")

    def office(self, day: dt.date) -> bool:
        """Is this a working day in the office: Monday to Friday but for holidays, and days that are worked for them? Service
        at weekends is that of whoever is on call."""
        return day in self.worked or (day.weekday() < _SATURDAY and day not in self.days)

    def hours(self, day: dt.date) -> Hours:
        return self.days.get(day, self.week[day.weekday()])

    def _spans(self, start: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        local = start.astimezone(clock.LOCAL)
        for offset in range(_FAR):
            day = local.date() + dt.timedelta(days=offset)
            for opens, closes in self.hours(day):
                begin = max(dt.datetime.combine(day, opens, clock.LOCAL), local)
                end = dt.datetime.combine(day, closes, clock.LOCAL)
                if begin < end:
                    yield begin, end


def read(path: Path | None = None) -> Calendar:
    """The calendar of a file, by default the shipped one. Raises Invalid naming what is wrong."""
    path = path or library_path() / FILE
    try:
        given = yaml.safe_load(path.read_text("utf-8"))
        week = [_hours(given["week"].get(day, "")) for day in _DAYS]
        days: dict[dt.date, Hours] = {day: () for span in given.get("holidays", []) for day in _dates(str(span))}
        worked = {dt.date.fromisoformat(str(day)): _DAYS.index(like) for day, like in given.get("worked", {}).items()}
        days |= {day: week[like] for day, like in worked.items()}
    except (KeyError, ValueError, AttributeError, TypeError, yaml.YAMLError) as exc:
        raise Invalid(f"{path.name}: {exc} · not a calendar of service hours") from exc
    return Calendar(week, days, frozenset(day for day, like in worked.items() if like < _SATURDAY))


def local(data_dir: Path) -> Calendar:
    """The calendar of an installation: the file in its data directory, else the shipped one."""
    own = data_dir / FILE
    return read(own if own.exists() else None)


def _hours(text: str) -> Hours:
    """08:30-12:00 14:00-17:30"""
    spans: list[tuple[dt.time, dt.time]] = []
    for span in str(text).split():
        opens, closes = (dt.time.fromisoformat(part) for part in span.split("-"))
        if closes <= opens or (spans and opens < spans[-1][1]):
            raise ValueError(f"{text}: 时段须从早到晚 · hours go from early to late")
        spans.append((opens, closes))
    return tuple(spans)


def _dates(text: str) -> Iterator[dt.date]:
    """2026-10-01 or 2026-10-01..2026-10-07"""
    first, _, last = text.partition("..")
    day, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last or first)
    while day <= end:
        yield day
        day += dt.timedelta(days=1)
