"""Priority follows from impact and urgency, targets from priority, and breaches from the moments."""

from __future__ import annotations

import datetime as dt
import itertools

from kb import incidents, priorities, servicehours
from kb.db import Database
from kb.lifecycle import CancelReason
from kb.priorities import LEVELS
from tests.conftest import Clock, People
from tests.kb import samples

CALENDAR = servicehours.read()


def test_the_table_is_whole_and_never_less_urgent_with_more_impact() -> None:
    table = {pair: priorities.priority(*pair) for pair in itertools.product(LEVELS, LEVELS)}
    assert set(table.values()) == set(LEVELS)
    for impact, urgency in itertools.product(LEVELS[:-1], LEVELS):
        assert table[impact, urgency] <= table[impact + 1, urgency]
        assert table[urgency, impact] <= table[urgency, impact + 1]
    assert (table[1, 1], table[4, 4], table[1, 4], table[2, 3]) == (1, 4, 2, 2)


def test_a_report_goes_to_the_group_of_its_district_with_its_priority(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech, district="district-zhuji-2", impact=2, urgency=1)
        assert incident.unit is not None and incident.unit.parent is not None
        assert (incident.unit.key, incident.unit.parent.key) == ("group-zhuji-1", "station-zhuji")
        assert incident.priority == 1
        subscribers = samples.incident(
            session,
            people.subscriber,
            contact_phone="13800000000",
            impact=1,
            urgency=1,
            priority=1,
        )
        assert (subscribers.priority, subscribers.impact) == (4, 4)


def test_targets_run_in_service_hours_but_for_the_urgent(
    database: Database, people: People, stopped_clock: Clock
) -> None:
    stopped_clock.moment = dt.datetime(2026, 11, 23, 14, 0, tzinfo=dt.UTC)  # 22:00 in China, a Monday
    with database.write() as session:
        urgent = samples.incident(session, people.tech, priority=1)
        single = samples.incident(session, people.tech)
        stopped_clock.advance(hours=1)
        assert priorities.due(urgent, CALENDAR).response_missed
        assert not priorities.due(single, CALENDAR).missed
        assert priorities.due(single, CALENDAR).response == dt.datetime(2026, 11, 24, 6, 30, tzinfo=dt.UTC)
        stopped_clock.advance(days=30)
        assert priorities.due(single, CALENDAR).resolution_missed
        incidents.cancel(session, people.lead, single, CancelReason.WITHDRAWN)
        assert not priorities.due(single, CALENDAR).missed


def test_a_repair_in_time_stays_in_time_and_a_reopened_one_does_not(
    database: Database, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        stopped_clock.advance(days=30)
        assert not priorities.due(incident, CALENDAR).missed
        incidents.reopen(session, people.tech, incident, reason="没修好")
        assert priorities.due(incident, CALENDAR).resolution_missed
