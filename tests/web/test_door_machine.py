"""People of all roles push any door of pages and API, and somebody writes SQL, in any order; the promises hold after every step."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from kb import incidents
from kb.accounts import SYSTEM
from kb.lifecycle import RevisionState
from kb.models import Revision
from tests.kb import invariants, machines, samples
from tests.web.conftest import SECRET, SOLUTION, incident_of, person_of
from tests.web.test_gate import EVERYTHING
from web.services import Services

WHO = ("tech", "lead", "tech2", "lead2", "manager", "admin", "")
DECIDED = st.sampled_from(["approve", "approve", "approve", "return"])


class Doors(RuleBasedStateMachine):
    site: Services
    browsers: dict[str, Any]
    doors: list[str]
    numbers: list[str]
    opened: set[str]

    def push(self, who: str, path: str, **fields: str) -> None:
        browser = self.browsers[who]
        push = browser.send if path.startswith("/api/") else browser.post
        answer = push(path, **{name: value for name, value in fields.items() if value})
        assert answer.status_code < 500, (who, path, fields, answer.text)
        if answer.status_code < 400:
            self.opened.add(path.rsplit("/", 1)[-1])

    @rule(data=st.data(), which=st.integers(0, 2), who=st.sampled_from(WHO), stale=st.booleans())
    def step(self, data: st.DataObject, which: int, who: str, stale: bool) -> None:
        number = self.numbers[which]
        door = data.draw(st.sampled_from(self.doors))
        entry = data.draw(st.sampled_from([SOLUTION, SOLUTION, SECRET, "SOL-NONE-1"]))
        outcome = data.draw(st.sampled_from(["solved", "solved", "unsolved", ""]))
        version = incident_of(self.site, number).version - stale
        fields = EVERYTHING | {"version": str(version), "entry": entry, "outcome": outcome, "remark": "好了"}
        self.push(who, door.replace("NUMBER", number), **fields)

    @rule(which=st.integers(0, 2), last=st.sampled_from(["close", "verify", "reopen"]), api=st.booleans())
    def usual_way(self, which: int, last: str, api: bool) -> None:
        """The usual steps in their order, so that there are closed incidents to do wrong to."""
        number = self.numbers[which]
        for step in ("take", "link", "resolve", "verify", last):
            fields = {
                "entry": SOLUTION,
                "outcome": "solved",
                "method": "call_back",
                "said_by": "用户",
                "reason": "又坏了",
            }
            version = str(incident_of(self.site, number).version)
            self.push("tech", f"{'/api/v1' if api else ''}/incidents/{number}/{step}", version=version, **fields)

    @rule(who=st.sampled_from(WHO), part=st.sampled_from(["content", "formal"]), decision=DECIDED)
    def decide(self, who: str, part: str, decision: str) -> None:
        with self.site.database.read() as session:
            waiting = session.scalars(select(Revision.id).where(Revision.state == RevisionState.SUBMITTED)).first()
        if waiting is not None:
            self.push(who, f"/reviews/{waiting}/{part}", decision=decision, reason="意见")

    @rule(which=st.integers(0, 2))
    def write_sql(self, which: int) -> None:
        """A closed row is refused but where the gate is met; nothing of it stays."""
        with self.site.database.write() as session:
            incident = incidents.find(session, SYSTEM, self.numbers[which])
            unmet = incidents.unmet(incident)
            try:
                session.execute(
                    text(
                        "UPDATE incidents SET state = 'closed', closed_at = :now WHERE id = :id AND state <> 'closed'"
                    ),
                    {"now": "2026-11-23 00:00:00", "id": incident.id},
                )
                passed = incident.state != "closed"
            except DatabaseError:
                passed = False
            session.rollback()
        assert not (passed and unmet)

    @invariant()
    def promises(self) -> None:
        with self.site.database.read() as session:
            invariants.check(session)


def test_any_order_of_any_doors_keeps_the_promises(app, site, browse):
    with site.database.write() as session:
        tech = person_of(site, "tech")
        numbers = [samples.incident(session, tech, contact_phone=f"1380000000{n}").number for n in range(3)]
        samples.submitted(session, tech, title="机顶盒花屏的现场处理办法")
        session.commit()
    doors = sorted(
        rule.rule.replace("<number>", "NUMBER")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(("incidents.", "api_incidents."))
        and "POST" in rule.methods
        and rule.arguments == {"number"}
    )
    assert len(doors) > 30

    class Here(Doors):
        pass

    Here.site, Here.numbers, Here.doors, Here.opened = site, numbers, doors, set()
    Here.browsers = {name: browse(name) for name in WHO}
    machines.run(Here, examples=10, steps=25)
    # a run in which nearly everything was refused would prove nothing
    assert Here.opened >= {"take", "link", "resolve", "verify", "close"}, Here.opened
