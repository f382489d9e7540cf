"""Everybody does everything to a change in any order; the promises hold after every step."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb import changes, clock, entries, validity
from kb.access import Person
from kb.documents import Kind
from kb.lifecycle import CHANGE_STEPS, PLANS, Caused, ChangeKind, ChangeOutcome, ChangeState
from kb.models import Change
from tests.conftest import Clock
from tests.kb import process_samples as made_of
from tests.kb import samples
from tests.kb.machines import WHO, RecordMachine

_HOUR = dt.timedelta(hours=1)


class ChangeMachine(RecordMachine):
    """Everybody does everything in any order, and time goes by; SQL looks after each step whether the promises hold."""

    clock: Clock

    def prepare(self, session: Session) -> None:
        self.incident = samples.incident(session, self.people["tech"]).number

    @initialize(kind=st.sampled_from(ChangeKind))
    def begin(self, kind: ChangeKind) -> None:
        with self.database.write() as session:
            change = made_of.change(session, self.people["tech"], kind)
            made_of.fill(session, self.people["tech"], change)
            self.number = change.number
            session.commit()

    def find(self, session: Session, by: Person) -> Change:
        return changes.find(session, by, self.number)

    @rule(
        who=WHO,
        step=st.sampled_from(["approve", "start", "finish", "close", "rename_plans"]),
    )
    def step(self, who: str, step: str) -> None:
        self._do(who, getattr(changes, step))

    @rule(
        who=WHO,
        step=st.sampled_from(["roll_back", "take_back", "reject", "cancel", "review"]),
        sure=st.integers(0, 3),
    )
    def step_with_reason(self, who: str, step: str, sure: int) -> None:
        said = "remark" if step == "review" else "reason"
        if step == "review" or not sure:
            self._do(who, lambda *given: getattr(changes, step)(*given, **{said: "因为"}))

    @rule()
    def submit(self) -> None:
        self._do("tech", lambda session, by, change: changes.submit(session, self.store, by, change))

    @rule(who=WHO, doer=WHO, begins=st.integers(-1, 1), hours=st.integers(0, 3))
    def schedule(self, who: str, doer: str, begins: int, hours: int) -> None:
        start = clock.now() + begins * _HOUR
        self._do(who, lambda *given: changes.schedule(*given, start=start, end=start + hours * _HOUR, implementer=doer))

    @rule(
        who=WHO,
        outcome=st.sampled_from(ChangeOutcome),
        caused=st.sampled_from([None, *Caused]),
        said=st.booleans(),
    )
    def record(self, who: str, outcome: ChangeOutcome, caused: Caused | None, said: bool) -> None:
        numbers = [self.incident] if caused is Caused.SOME else []
        self._do(
            who,
            lambda *given: changes.record(*given, outcome=outcome, test_results="通过" if said else "", caused=caused, numbers=numbers),
        )  # fmt: skip

    @rule(who=WHO, plan=st.sampled_from(PLANS), withdraw=st.integers(0, 5))
    def move_a_plan_on(self, who: str, plan: Kind, withdraw: int) -> None:
        """Hand it in, approve it, begin another revision, or withdraw it: whatever comes next and this person may."""

        def use(session: Session, by: Person, change: Change) -> None:
            entry = made_of.plan(change, plan).entry
            revision = entries.newest_revision(session, entry)
            if revision.state == "draft":
                entries.submit(session, by, revision)
            elif revision.state == "submitted":
                samples.approve(session, self.store, by, revision)
            elif not withdraw:
                validity.retire(session, by, entry, reason="不再适用")
            elif withdraw == 1:
                entries.revise(session, self.store, by, entry)

        self._do(who, use)

    @rule()
    def hurry(self) -> None:
        """Everything that leads to the window, so that what comes after is met often enough."""
        for plan in PLANS:
            for who in ("tech", "lead"):
                self.move_a_plan_on(who, plan, 9)
        self.submit()
        self.step("lead", "approve")
        self.schedule("tech", "tech2", 0, 2)

    @rule()
    def work(self) -> None:
        self.step("tech2", "start")
        self.step("tech2", "finish")

    @rule(caused=st.sampled_from(Caused))
    def look_back(self, caused: Caused) -> None:
        self.work()
        self.record("tech2", ChangeOutcome.SUCCESSFUL, caused, True)
        self.step_with_reason("lead", "review", 0)
        self.step("tech", "close")

    @rule(hours=st.integers(0, 2))
    def wait(self, hours: int) -> None:
        self.clock.advance(hours=hours)

    @rule(state=st.sampled_from(ChangeState), begun=st.booleans())
    def write_a_state_past_everything(self, state: ChangeState, begun: bool) -> None:
        more = ", started_at = window_start" if begun else ""
        try:
            with self.database.write() as session:
                session.execute(text(f"UPDATE changes SET state = :s{more}"), {"s": state})
                self._look(session)  # what the database takes breaks no promise; it is not kept
        except IntegrityError:
            pass

    @invariant()
    def promises_hold(self) -> None:
        with self.database.read() as session:
            self._look(session)

    def _look(self, session: Session) -> None:
        started = "('implementing', 'implemented', 'rolled_back', 'reviewed', 'closed')"
        reviewed = (
            "(SELECT count(*) FROM change_plans p WHERE p.change_id = c.id AND (SELECT count(DISTINCT part) FROM reviews r"
            " JOIN revisions v ON v.id = r.revision_id WHERE v.id = p.revision_id AND r.decision = 'approve'"
            " AND r.reviewer_id <> v.author_id) = 2"
        )
        broken = {
            "begun without its plans": f"state IN {started} AND {reviewed} AND p.kind IN ('change_request', 'tech_plan')) < 2",
            "begun without its test plan": f"state IN {started} AND kind <> 'emergency' AND {reviewed}) < 3",
            "begun by whoever approved, or nobody": f"state IN {started} AND (implementer_id = approver_id) IS NOT FALSE",
            "approved by whoever asked": "approver_id = requester_id",
            "begun outside its window": f"state IN {started} AND (started_at >= window_start AND started_at < window_end) IS NOT TRUE",
            "reviewed without results": "state IN ('reviewed', 'closed') AND (outcome = '' OR trim(test_results) = '' OR caused = '')",
            "reviewed with a silent roll-back": "state IN ('reviewed', 'closed') AND (outcome = 'rolled_back') <> (rollback_reason <> '')",
            "reviewed by whoever did it": "state IN ('reviewed', 'closed') AND (reviewer_id = implementer_id) IS NOT FALSE",
            "closed without every plan": f"state IN ('reviewed', 'closed') AND {reviewed}) < 3",
            "names incidents otherwise than it says": "state IN ('reviewed', 'closed') AND (caused = 'some') <> EXISTS ("
            "SELECT 1 FROM change_incidents i WHERE i.change_id = c.id AND i.role = 'caused')",
        }
        for promise, condition in broken.items():
            assert session.scalars(text(f"SELECT number FROM changes c WHERE {condition}")).all() == [], promise
        steps = session.execute(
            text("SELECT from_state, to_state FROM audit WHERE subject_type = 'change' AND from_state <> ''")
        )
        assert all(there in CHANGE_STEPS[ChangeState(here)] for here, there in steps)


def test_no_order_of_use_cases_breaks_a_promise(_template: Path, tmp_path: Path, stopped_clock: Clock) -> None:
    made_of.run(ChangeMachine, tmp_path, examples=30, steps=25, template=_template, clock=stopped_clock)
