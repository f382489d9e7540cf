"""People of all roles do anything at all to incidents and solutions, in any order; the promises hold after every step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)
from sqlalchemy.orm import Session

from kb import clock, entries, handovers, incidents, reviews, validity, verification
from kb.access import Person
from kb.db import Database
from kb.errors import KBError
from kb.lifecycle import CancelReason, ContactMethod, Decision, HandoverReason, Outcome, Part, VerificationMethod
from kb.models import Entry, Incident, Revision
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import invariants, machines, samples

WHO = st.sampled_from(["lead", "tech", "lead2", "lead", "tech2", "tech", "manager", "admin", "subscriber"])
SAID = st.sampled_from(["", "好了", "好了，但还是偶尔花屏", "不卡了"])


class Machine(RuleBasedStateMachine):
    incidents_: Bundle[int] = Bundle("incidents")
    revisions: Bundle[int] = Bundle("revisions")
    database: Database
    store: ContentStore
    people: People
    stopped: Clock
    done: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.scope = self.database.write()
        self.session: Session = self.scope.__enter__()

    def teardown(self) -> None:
        self.session.rollback()
        self.scope.__exit__(None, None, None)

    def act(self, name: str, who: str, action: Callable[[Person], Any]) -> Any:
        """Try it; what is refused in words leaves nothing behind, and what the service allows the database allows too."""
        self.stopped.advance(seconds=7)
        try:
            with self.session.begin_nested():
                made = action(getattr(self.people, who))
                self.session.flush()
        except KBError:
            return None
        self.done.add(name)
        return made

    def incident(self, key: int) -> Incident:
        return self.session.get_one(Incident, key)

    def entry(self, key: int) -> Entry:
        return self.session.get_one(Revision, key).entry

    @initialize(target=revisions)
    def library(self) -> int:
        entry = samples.published(self.session, self.store, self.people.tech, self.people.lead)
        assert entry.published_revision_id is not None
        return entry.published_revision_id

    @initialize(target=incidents_)
    def some(self) -> Any:
        return multiple(
            *(samples.incident(self.session, self.people.tech, contact_phone=f"1380000000{n}").id for n in range(4))
        )

    @rule(target=incidents_, who=WHO, phone=st.sampled_from(["13800000001", "13800000002"]))
    def report(self, who: str, phone: str) -> Any:
        made = self.act("report", who, lambda by: samples.incident(self.session, by, contact_phone=phone))
        return made.id if made else multiple()

    @rule(key=incidents_, who=WHO)
    def take(self, key: int, who: str) -> None:
        self.act("take", who, lambda by: incidents.take(self.session, by, self.incident(key)))

    @rule(key=incidents_, who=WHO)
    def wait(self, key: int, who: str) -> None:
        self.act("wait", who, lambda by: incidents.wait(self.session, by, self.incident(key), "等用户"))

    @rule(key=incidents_, who=WHO)
    def resolve(self, key: int, who: str) -> None:
        self.act("resolve", who, lambda by: incidents.resolve(self.session, by, self.incident(key)))

    @rule(key=incidents_, other=st.one_of(st.none(), incidents_), who=WHO, outcome=st.sampled_from([Outcome.SOLVED] * 3 + [Outcome.UNSOLVED]),
          method=st.sampled_from(VerificationMethod), said=SAID, again=st.booleans())  # fmt: skip
    def verify(
        self,
        key: int,
        other: int | None,
        who: str,
        outcome: Outcome,
        method: VerificationMethod,
        said: str,
        again: bool,
    ) -> None:
        reporter = self.incident(other) if other and self.incident(other).duplicate_of_id == key else None
        self.act(
            f"verify {outcome}",
            who,
            lambda by: incidents.verify(
                self.session,
                by,
                self.incident(key),
                outcome,
                method,
                said_by="用户",
                remark=said,
                again=again,
                reporter=reporter,
            ),
        )

    @rule(key=incidents_, who=WHO, right=st.booleans())
    def at_door(self, key: int, who: str, right: bool) -> None:
        def action(by: Person) -> None:
            code = verification.issue_code(self.session, self.incident(key))
            verification.at_door(self.session, by, self.incident(key), code if right else "x", said_by="用户")

        self.act("at the door", who, action)

    @rule(key=incidents_, who=WHO)
    def attempt(self, key: int, who: str) -> None:
        self.act(
            "attempt", who, lambda by: verification.attempt(self.session, by, self.incident(key), ContactMethod.CALL)
        )

    @rule(key=incidents_, who=WHO)
    def close(self, key: int, who: str) -> None:
        unmet = incidents.unmet(self.incident(key))
        made = self.act("close", who, lambda by: incidents.close(self.session, by, self.incident(key)) or True)
        assert not (made and unmet)

    @rule(key=incidents_, who=WHO)
    def reopen(self, key: int, who: str) -> None:
        self.act("reopen", who, lambda by: incidents.reopen(self.session, by, self.incident(key), reason="又坏了"))

    @rule(key=incidents_, who=WHO, reason=st.sampled_from(CancelReason))
    def cancel(self, key: int, who: str, reason: CancelReason) -> None:
        self.act("cancel", who, lambda by: incidents.cancel(self.session, by, self.incident(key), reason))

    @rule(key=incidents_, main=incidents_, who=WHO)
    def merge(self, key: int, main: int, who: str) -> None:
        self.act("merge", who, lambda by: handovers.merge(self.session, by, self.incident(key), self.incident(main)))

    @rule(key=incidents_, parent=incidents_, who=WHO)
    def area(self, key: int, parent: int, who: str) -> None:
        def action(by: Person) -> None:
            handovers.set_parent(self.session, by, self.incident(key), self.incident(parent))
            handovers.share_solution(self.session, by, self.incident(parent))

        self.act("area", who, action)

    @rule(key=incidents_, who=WHO, line=st.integers(1, 3), reason=st.sampled_from(HandoverReason))
    def hand_over(self, key: int, who: str, line: int, reason: HandoverReason) -> None:
        self.act(
            "hand over",
            who,
            lambda by: handovers.hand_over(
                self.session, by, self.incident(key), reason=reason, remark="说明", line=line
            ),
        )

    @rule(key=incidents_, revision=revisions, who=WHO)
    def link(self, key: int, revision: int, who: str) -> None:
        self.act("link", who, lambda by: incidents.link(self.session, by, self.incident(key), self.entry(revision)))

    @rule(target=revisions, key=incidents_, who=WHO)
    def write(self, key: int, who: str) -> Any:
        def action(by: Person) -> Revision:
            made = incidents.write_solution(self.session, by, self.incident(key), samples.attributes(), samples.BODY)
            entries.submit(self.session, by, made)
            return made

        made = self.act("write", who, action)
        return made.id if made else multiple()

    @rule(target=revisions, revision=revisions, who=WHO)
    def revise(self, revision: int, who: str) -> Any:
        def action(by: Person) -> Revision:
            made = entries.revise(self.session, self.store, by, self.entry(revision))
            entries.submit(self.session, by, made)
            return made

        made = self.act("revise", who, action)
        return made.id if made else multiple()

    @rule(
        revision=revisions,
        who=WHO,
        part=st.sampled_from(Part),
        decision=st.sampled_from([Decision.APPROVE] * 4 + [Decision.RETURN]),
    )
    def decide(self, revision: int, who: str, part: Part, decision: Decision) -> None:
        self.act(
            f"decide {decision}",
            who,
            lambda by: reviews.decide(
                self.session, self.store, by, self.session.get_one(Revision, revision), part, decision, reason="意见",
                similar=lambda title, body: [],
            ),
        )  # fmt: skip

    @rule(revision=revisions, who=WHO)
    def retire(self, revision: int, who: str) -> None:
        self.act("retire", who, lambda by: validity.retire(self.session, by, self.entry(revision), reason="过时"))

    @rule(
        key=incidents_,
        revision=revisions,
        who=st.sampled_from(["tech", "tech2"]),
        last=st.sampled_from(["closed", "refused", "verified"]),
    )
    def whole_way(self, key: int, revision: int, who: str, last: str) -> None:
        """The usual way in one go, so that there are closed incidents to do wrong to."""

        def action(by: Person) -> None:
            incident = self.incident(key)
            if incident.state != "in_progress":
                incidents.take(self.session, by, incident)
            incidents.resolve(self.session, by, incident)
            incidents.link(self.session, by, incident, self.entry(revision))
            for reporter in (None, *verification.others(incident)):
                incidents.verify(
                    self.session,
                    by,
                    incident,
                    Outcome.SOLVED,
                    VerificationMethod.CALL_BACK,
                    said_by="用户",
                    reporter=reporter,
                )
            if last == "closed":
                incidents.close(self.session, by, incident)
            elif last == "refused":
                incidents.verify(
                    self.session, by, incident, Outcome.UNSOLVED, VerificationMethod.CALL_BACK, said_by="用户"
                )

        self.act(last, who, action)

    @invariant()
    def promises(self) -> None:
        invariants.check(self.session)


def test_any_order_of_anything_keeps_the_promises(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock, tmp_path: Path
) -> None:
    done: set[str] = set()

    class Here(Machine):
        pass

    Here.database, Here.store, Here.people, Here.stopped, Here.done = database, store, people, stopped_clock, done
    machines.run(Here, examples=25, steps=40)
    # a run in which nearly everything was refused would prove nothing
    assert done >= {"closed", "refused"} and len(done) >= 8, done
    assert clock.now() == stopped_clock()
