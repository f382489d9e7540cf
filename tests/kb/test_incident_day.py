"""A day of a county operator: some hundred faults through all hands, in the order of the clock, and what is left at night."""

from __future__ import annotations

import collections
import datetime as dt
import heapq
import random
import sys
from collections.abc import Callable, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import clock, entries, handovers, incidents, priorities, servicehours, verification
from kb.db import Database
from kb.lifecycle import CancelReason, ContactMethod, HandoverReason, IncidentState, Outcome, VerificationMethod
from kb.models import Incident
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import invariants, samples

FAULTS = 200
MINUTE = dt.timedelta(minutes=1)
REMARKS = ("", "好了", "没有再花屏", "好了，但还是偶尔花屏", "基本好了")
Step = Iterator[float]  # yields the minutes until it goes on


class Day:
    def __init__(self, session: Session, store: ContentStore, people: People, draw: random.Random) -> None:
        self.session, self.store, self.people, self.draw = session, store, people, draw
        self.solutions = [
            samples.published(session, store, people.tech, people.lead, title=f"机顶盒提示无信号的处理之{number}")
            for number in range(5)
        ]
        self.opened: list[Incident] = []

    def fault(self) -> Step:
        """One report, from the telephone to wherever it gets today."""
        session, people, draw = self.session, self.people, self.draw
        incident = samples.incident(
            session, people.tech, district=draw.choice(("district-city-1", "district-zhuji-2")),
            impact=draw.choice((2, 3, 4, 4, 4)), urgency=draw.choice((1, 2, 3, 4)),
            contact_phone=f"138{draw.randrange(10**8):08d}",
        )  # fmt: skip
        code = verification.issue_code(session, incident) if draw.random() < 0.2 else ""
        mains = [other for other in self.opened if other.state in ("new", "assigned", "in_progress")]
        self.opened.append(incident)
        yield draw.uniform(1, 20)
        chance = draw.random()
        if chance < 0.05:
            return incidents.cancel(session, people.lead, incident, draw.choice(list(CancelReason)))
        if chance < 0.12 and mains and not incident.duplicates:
            main = draw.choice(mains)
            if main.state in ("new", "assigned", "in_progress"):
                return handovers.merge(session, people.lead, incident, main)
        by = draw.choice((people.tech, people.tech2))
        if chance < 0.3:
            handovers.hand_over(
                session, people.tech, incident, reason=draw.choice(list(HandoverReason)), remark="说明", line=draw.choice((2, 3))
            )  # fmt: skip
            yield draw.uniform(5, 60)
        incidents.take(session, by, incident)
        yield draw.uniform(10, 120)
        if chance < 0.4:
            incidents.wait(session, by, incident, "等用户回家")
            yield draw.uniform(30, 240)
            incidents.take(session, by, incident)
        written = chance > 0.9
        if written:
            revision = incidents.write_solution(session, by, incident, samples.attributes(), samples.BODY)
            entries.submit(session, by, revision)
        else:
            usable = [entry for entry in self.solutions if entry.state == "published"]
            incidents.link(session, by, incident, draw.choice(usable))
        incidents.resolve(session, by, incident)
        yield draw.uniform(5, 90)
        if written and draw.random() < 0.7:
            samples.approve(session, self.store, people.lead, revision)
            yield 5
        yield from self.call(incident, code)
        if incidents.unmet(incident) == []:
            incidents.close(session, by, incident)
        return None

    def call(self, incident: Incident, code: str) -> Step:
        """Ask the user and everybody whose report was merged, as often as there is time."""
        session, people, draw = self.session, self.people, self.draw
        for _ in range(4):
            asked = ([] if verification.confirmed(incident) else [None]) + verification.others(incident)
            if not asked or incident.state != IncidentState.RESOLVED:
                return
            if draw.random() < 0.25:
                verification.attempt(session, people.tech2, incident, draw.choice(list(ContactMethod)))
                yield draw.uniform(60, 180)
                continue
            if code and asked[0] is None:
                verification.at_door(session, people.tech2, incident, code, said_by="用户")
            elif draw.random() < 0.08:
                self.say(incident, Outcome.UNSOLVED, "还是不行", asked[0])
                yield draw.uniform(10, 60)
                incidents.take(session, people.tech, incident)
                yield draw.uniform(10, 60)
                incidents.resolve(session, people.tech, incident)
            else:
                self.say(incident, Outcome.SOLVED, draw.choice(REMARKS), asked[0], again=draw.random() < 0.5)
            yield draw.uniform(1, 30)

    def say(
        self, incident: Incident, outcome: Outcome, remark: str, reporter: Incident | None, *, again: bool = False
    ) -> None:
        incidents.verify(
            self.session, self.people.tech, incident, outcome, VerificationMethod.CALL_BACK, said_by="用户",
            remark=remark, again=again, reporter=reporter,
        )  # fmt: skip


def _run(stopped: Clock, faults: list[tuple[float, Callable[[], Step]]], end: dt.datetime) -> None:
    start = stopped.moment
    waiting: list[tuple[dt.datetime, int, Step]] = []
    for number, (minute, begin) in enumerate(faults):
        heapq.heappush(waiting, (start + minute * MINUTE, number, begin()))
    while waiting and waiting[0][0] < end:
        moment, number, steps = heapq.heappop(waiting)
        stopped.moment = moment
        pause = next(steps, None)
        if pause is not None:
            heapq.heappush(waiting, (moment + pause * MINUTE, number, steps))
    stopped.moment = end


def test_a_day(database: Database, store: ContentStore, people: People, stopped_clock: Clock) -> None:
    stopped_clock.moment = dt.datetime(2026, 11, 23, 0, 0, tzinfo=dt.UTC)  # eight in the morning in China
    draw = random.Random(20261123)
    with database.write() as session:
        day = Day(session, store, people, draw)
        faults = [(draw.uniform(0, 10 * 60), day.fault) for _ in range(FAULTS)]
        _run(stopped_clock, faults, stopped_clock() + dt.timedelta(hours=14))
        session.commit()
    with database.read() as session:
        invariants.check(session)
        rows = session.scalars(select(Incident)).all()
        states = collections.Counter(row.state for row in rows)
        calendar = servicehours.read()
        late = sum(priorities.due(row, calendar).missed for row in rows)
        queue = verification.waiting(session, people.tech, limit=FAULTS)
        ages = [int(row.age.total_seconds() // 60) for row in sorted(queue, key=lambda row: row.age)]
        sys.stdout.write(
            f"\n{dict(states)}, late: {late}, to be confirmed: {len(queue)}, minutes since the repair: {ages}\n"
        )
        assert len(rows) == FAULTS
        assert states["closed"] > FAULTS / 3 and states["cancelled"] > 0 and states["resolved"] == len(queue) > 0
        assert all(row.incident.closed_at is None for row in queue)
        assert clock.now() == stopped_clock()
