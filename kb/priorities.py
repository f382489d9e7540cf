"""How urgent is an incident, by when is it to be answered and repaired, and is it late?

Priority follows from impact and urgency by one table; targets follow from priority. Whether one is missed is worked out from
the moments that are kept, whenever somebody asks, and stored nowhere: so a changed target holds for old incidents too.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

from kb import clock
from kb.lifecycle import IncidentState
from kb.models import Incident
from kb.servicehours import Calendar

LEVELS = (1, 2, 3, 4)
IMPACT = {1: "全县或核心系统", 2: "片区或多部门", 3: "楼栋或部门", 4: "单户或单人"}
URGENCY = {1: "立即", 2: "两小时内", 3: "24 小时内", 4: "可超过 24 小时"}


def priority(impact: int, urgency: int) -> int:
    """1 (most urgent) to 4: half the sum, rounded down, as usual in ITSS processes."""
    return (impact + urgency) // 2


class Target(NamedTuple):
    """Within which time; around the clock, or in service hours alone."""

    response: dt.timedelta
    resolution: dt.timedelta
    always: bool


# Customary values: a county-wide fault is answered in 15 minutes by night too, a single household in service hours.
TARGETS = {
    1: Target(dt.timedelta(minutes=15), dt.timedelta(hours=4), always=True),
    2: Target(dt.timedelta(minutes=30), dt.timedelta(hours=8), always=True),
    3: Target(dt.timedelta(hours=2), dt.timedelta(hours=24), always=False),
    4: Target(dt.timedelta(hours=4), dt.timedelta(hours=48), always=False),
}


@dataclass(frozen=True)
class Due:
    """By when, and were the targets missed?"""

    response: dt.datetime
    resolution: dt.datetime
    response_missed: bool
    resolution_missed: bool

    @property
    def missed(self) -> bool:
        return self.response_missed or self.resolution_missed


def due(incident: Incident, calendar: Calendar) -> Due:
    """The targets of one incident. A repair counts when it was marked; a reopened one is not repaired."""
    target = TARGETS[incident.priority]
    response = _after(incident.created_at, target.response, target.always, calendar)
    resolution = _after(incident.created_at, target.resolution, target.always, calendar)
    if incident.state == IncidentState.CANCELLED:  # whether it was late for what it was not is nobody's question
        return Due(response, resolution, response_missed=False, resolution_missed=False)
    now = clock.now()
    return Due(
        response,
        resolution,
        response_missed=(incident.responded_at or now) > response,
        resolution_missed=(incident.resolved_at or now) > resolution,
    )


def _after(start: dt.datetime, span: dt.timedelta, always: bool, calendar: Calendar) -> dt.datetime:
    return start + span if always else calendar.add(start, span)
