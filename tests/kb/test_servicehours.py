"""Service time adds up, whatever the moments, and the shipped calendar can be read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb import clock, servicehours
from kb.errors import Invalid
from kb.servicehours import Calendar

SHIPPED = servicehours.read()
MINUTE = dt.timedelta(minutes=1)
MOMENTS = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2026, 12, 31)).map(lambda m: m.replace(tzinfo=dt.UTC))
SPANS = st.integers(0, 20_000).map(lambda minutes: minutes * MINUTE)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=clock.LOCAL)


def _slow(calendar: Calendar, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
    """Minute by minute, as a person would count."""
    total, moment = dt.timedelta(), start
    while moment < end:
        local = moment.astimezone(clock.LOCAL)
        total += MINUTE * any(o <= local.time() < c for o, c in calendar.hours(local.date()))
        moment += MINUTE
    return total


@settings(max_examples=60, deadline=None)
@given(MOMENTS, st.integers(0, 3 * 24 * 60))
def test_time_between_is_what_counting_minutes_gives(start: dt.datetime, minutes: int) -> None:
    start = start.replace(second=0, microsecond=0)
    end = start + minutes * MINUTE
    assert SHIPPED.between(start, end) == _slow(SHIPPED, start, end)


@settings(max_examples=80, deadline=None)
@given(MOMENTS, SPANS)
def test_adding_and_measuring_undo_each_other(start: dt.datetime, span: dt.timedelta) -> None:
    assert SHIPPED.between(start, SHIPPED.add(start, span)) == span


@settings(max_examples=80, deadline=None)
@given(st.lists(MOMENTS, min_size=3, max_size=3).map(sorted))
def test_parts_add_up_and_time_never_runs_backwards(moments: list[dt.datetime]) -> None:
    one, two, three = moments
    assert SHIPPED.between(one, two) + SHIPPED.between(two, three) == SHIPPED.between(one, three)
    assert dt.timedelta() <= SHIPPED.between(one, three) <= three - one
    assert SHIPPED.between(three, one) == -SHIPPED.between(one, three)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-23T10:00", 2, "2026-11-23T12:00"),
        ("2026-11-23T11:00", 2, "2026-11-23T15:00"),  # over noon
        ("2026-11-23T20:00", 1, "2026-11-24T09:30"),  # by night
        ("2026-09-30T17:00", 1, "2026-10-04T09:30"),  # over the holidays, into a Sunday
    ],
)
def test_a_span_ends_in_service_hours(start: str, hours: int, end: str) -> None:
    assert SHIPPED.add(at(start), dt.timedelta(hours=hours)) == at(end)


def test_a_worked_day_is_like_the_day_it_stands_for(tmp_path: Path) -> None:
    path = tmp_path / "hours.yml"
    path.write_text("week: {mon: 08:00-10:00}\nholidays: [2026-11-23]\nworked: {2026-11-28: mon}\n", "utf-8")
    assert servicehours.read(path).add(at("2026-11-23T08:00"), dt.timedelta(hours=1)) == at("2026-11-28T09:00")


@pytest.mark.parametrize("text", ["week: {mon: 10:00-08:00}", "[]", "holidays: []", "week: {mon: x}", "week: ]"])
def test_a_calendar_that_says_nonsense_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "hours.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(Invalid, match=r"hours\.yml"):
        servicehours.read(path)


def test_a_calendar_without_hours_ends() -> None:
    with pytest.raises(Invalid):
        Calendar([()] * 7).add(at("2026-11-23T08:00"), MINUTE)


def test_office_days_are_weekdays_but_for_holidays_and_those_worked_for_them(tmp_path: Path) -> None:
    path = tmp_path / servicehours.FILE
    path.write_text(
        "week: {mon: 08:00-12:00, tue: 08:00-12:00, wed: 08:00-12:00, thu: 08:00-12:00, fri: 08:00-12:00, sat: 09:00-10:00}\n"
        "holidays: [2026-10-01..2026-10-07]\nworked: {2026-10-10: thu, 2026-10-08: sun}\n"
    )
    calendar = servicehours.local(tmp_path)
    office = [day for day in range(1, 32) if calendar.office(dt.date(2026, 10, day))]
    assert office == [9, 10, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 26, 27, 28, 29, 30]
    assert servicehours.local(tmp_path / "none") == servicehours.read()
