"""A change begins with approved plans, in its window, by somebody else; and closes with its results. By every door."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb import access, accounts, audit, changes, clock, entries, reviews, validity
from kb.access import Person
from kb.change_templates import NEEDED, template, unfilled
from kb.changes import Slot, clashes
from kb.db import Database
from kb.documents import Kind
from kb.errors import BadTransition, Conflict, GateClosed, Invalid, KBError, NotAllowed
from kb.lifecycle import (
    CHANGE_STEPS,
    PLANS,
    PLANS_BEFORE,
    Caused,
    ChangeKind,
    ChangeOutcome,
    ChangeState,
    ChangeUnmet,
    Decision,
    ImplementationFacts,
    Part,
    PlanFacts,
    ResultFacts,
    implementation_gate,
    result_gate,
)
from kb.models import Change
from kb.store import ContentStore
from tests.conftest import ACCOUNTS, BOTH, Clock, People
from tests.kb import process_samples as made_of
from tests.kb import samples

U = ChangeUnmet


@BOTH
def test_the_road_from_request_to_closed(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        change = made_of.implemented(session, store, people)
        assert change.number == "CHA-000001"
        assert [plan.entry.kind for plan in change.plans] == list(PLANS)
        assert {plan.revision.attributes["change"] for plan in change.plans} == {change.number}
        assert changes.unmet(change) == [U.NO_OUTCOME, U.NO_TEST_RESULTS, U.CAUSED_NOT_SAID]
        with pytest.raises(GateClosed):
            changes.review(session, people.lead2, change, remark="看过")
        made_of.recorded(session, people.tech2, change)
        changes.review(session, people.lead2, change, remark="符合预期")
        changes.close(session, people.tech, change)
        session.commit()
        steps = [row.to_state for row in audit.history(session, change) if row.to_state in set(ChangeState)]
        assert steps == [
            "draft",
            "submitted",
            "approved",
            "scheduled",
            "implementing",
            "implemented",
            "reviewed",
            "closed",
        ]


def test_the_documents_begin_with_what_the_change_knows(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        problem = made_of.problem(session, people.tech, incident.number)
        change = made_of.change(
            session, people.tech, problem_numbers=[problem.number], incident_numbers=[incident.number]
        )
        body = made_of.plan(change, Kind.CHANGE_REQUEST).revision.body or ""
        for known in (change.number, problem.number, incident.number, made_of.NODE, "供电器老化"):
            assert known in body
        assert change.problems == [problem] and problem.changes == [change]
        assert changes.of_role(change, changes.ANSWERS) == [incident]


def test_templates_ask_for_what_is_needed() -> None:
    values = dict.fromkeys(("number", "title", "kind", "description", "nodes", "related"), "甲")
    for kind in PLANS:
        body = template(kind, values)
        assert unfilled(kind, body) == list(NEEDED[kind])
        assert unfilled(kind, body.replace("待填：", "")) == []
        assert unfilled(kind, "") == list(NEEDED[kind])


def test_it_is_not_handed_in_unwritten(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        change = made_of.change(session, people.tech)
        with pytest.raises(GateClosed, match="回退方案"):
            changes.submit(session, store, people.tech, change)
        with pytest.raises(NotAllowed, match="申请人"):
            changes.submit(session, store, people.tech2, change)
        made_of.fill(session, people.tech, change)
        changes.submit(session, store, people.tech, change)
        assert change.state == ChangeState.SUBMITTED


def test_roles(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        change = made_of.submitted(session, store, people)
        with pytest.raises(NotAllowed):
            changes.approve(session, people.tech2, change)
        changes.approve(session, people.lead, change)
        with pytest.raises(Invalid, match="批准人"):
            changes.schedule(session, people.tech, change, **made_of.window(), implementer="lead")
        with pytest.raises(NotAllowed):
            changes.schedule(session, people.tech2, change, **made_of.window(), implementer="tech2")
        changes.schedule(session, people.tech, change, **made_of.window(), implementer="lead2")
        for other in (people.tech, people.lead, people.admin):
            with pytest.raises(NotAllowed, match="实施人"):
                changes.start(session, other, change)
        changes.start(session, people.lead2, change)
        changes.finish(session, people.lead2, change)
        with pytest.raises(NotAllowed, match="填写结果"):
            made_of.recorded(session, people.lead, change)
        made_of.recorded(session, people.tech, change)
        with pytest.raises(NotAllowed, match="评审自己"):
            changes.review(session, people.lead2, change, remark="好")
        changes.review(session, people.lead, change, remark="好")
    with database.write() as session:
        own = made_of.change(session, people.lead)
        made_of.fill(session, people.lead, own)
        changes.submit(session, store, people.lead, own)
        with pytest.raises(NotAllowed, match="自己的变更"):
            changes.approve(session, people.lead, own)


def test_the_window_and_the_plans_are_looked_at_again(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        change = made_of.submitted(session, store, people)
        changes.approve(session, people.lead, change)
        begin = clock.now() + dt.timedelta(hours=3)
        changes.schedule(
            session, people.tech, change, start=begin, end=begin + dt.timedelta(hours=2), implementer="tech2"
        )
        assert changes.unmet(change) == [U.OUTSIDE_WINDOW]
        with pytest.raises(GateClosed, match="窗口"):
            changes.start(session, people.tech2, change)
        stopped_clock.advance(hours=3)
        assert changes.unmet(change) == []
        validity.retire(session, people.lead, made_of.plan(change, Kind.TECH_PLAN).entry, reason="有误")
        assert changes.unmet(change) == [U.TECH_PLAN_NOT_APPROVED]
        with pytest.raises(GateClosed, match="技术方案"):
            changes.start(session, people.tech2, change)
        with pytest.raises(IntegrityError, match="technical plan"), session.begin_nested():
            _begin_by_sql(session, change)
        stopped_clock.advance(hours=2)
        assert U.OUTSIDE_WINDOW in changes.unmet(change)


def test_a_plan_that_was_revised_since_is_another_plan(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        change = made_of.scheduled(session, store, people)
        entry = made_of.plan(change, Kind.TECH_PLAN).entry
        newer = entries.revise(session, store, people.tech, entry)
        entries.submit(session, people.tech, newer)
        samples.approve(session, store, people.lead, newer)
        assert changes.unmet(change) == [U.TECH_PLAN_NOT_APPROVED]
        assert changes.rename_plans(session, people.tech, change) is False  # an approval is for the revisions named
        changes.take_back(session, people.tech, change, reason="方案改了")
        assert (change.approver_id, change.implementer_id, change.window_start) == (None, None, None)
        changes.submit(session, store, people.tech, change)
        assert made_of.plan(change, Kind.TECH_PLAN).revision is newer
        changes.approve(session, people.lead, change)


def test_a_returned_plan_is_followed_by_naming_the_next(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        change = made_of.change(session, people.tech)
        made_of.fill(session, people.tech, change)
        changes.submit(session, store, people.tech, change)
        plan = made_of.plan(change, Kind.TEST_PLAN)
        entries.submit(session, people.tech, plan.revision)
        reviews.decide(session, store, people.lead, plan.revision, Part.CONTENT, Decision.RETURN, reason="用例不够")
        newer = entries.revise(session, store, people.tech, plan.entry)
        assert changes.outdated(session, change) == {plan.id: 2}
        assert changes.rename_plans(session, people.tech, change) is True and plan.revision is newer


def test_an_emergency_begins_without_its_test_plan_and_does_not_end_without(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        change = made_of.implemented(session, store, people, ChangeKind.EMERGENCY)
        made_of.recorded(session, people.tech2, change)
        assert changes.unmet(change) == [U.TEST_PLAN_NOT_APPROVED]
        with pytest.raises(GateClosed, match="测试方案"):
            changes.review(session, people.lead2, change, remark="好")
        with pytest.raises(IntegrityError, match="test plan"), session.begin_nested():
            session.execute(text(f"UPDATE changes SET state = 'reviewed', reviewer_id = {people.lead2.id}"))
        made_of.approve_plan(session, store, people.tech, people.lead, made_of.plan(change, Kind.TEST_PLAN))
        changes.review(session, people.lead2, change, remark="好")
        changes.close(session, people.tech, change)


@pytest.mark.parametrize("kind", [ChangeKind.STANDARD, ChangeKind.NORMAL])
def test_no_other_kind_does(kind: ChangeKind, database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        change = made_of.change(session, people.tech, kind)
        made_of.fill(session, people.tech, change)
        changes.submit(session, store, people.tech, change)
        for plan in (Kind.CHANGE_REQUEST, Kind.TECH_PLAN):
            made_of.approve_plan(session, store, people.tech, people.lead, made_of.plan(change, plan))
        with pytest.raises(GateClosed, match="测试方案"):
            changes.approve(session, people.lead, change)
        with pytest.raises(IntegrityError, match="test plan"), session.begin_nested():
            session.execute(text(f"UPDATE changes SET state = 'approved', approver_id = {people.lead.id}"))


def test_a_roll_back_is_a_result_too(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        change = made_of.scheduled(session, store, people)
        changes.start(session, people.tech2, change)
        with pytest.raises(Invalid):
            changes.roll_back(session, people.tech2, change, reason=" ")
        changes.roll_back(session, people.tech2, change, reason="收光低于判据")
        with pytest.raises(Invalid, match="回退"):
            made_of.recorded(session, people.tech2, change)
        incident = samples.incident(session, people.tech)
        values: dict[str, Any] = {
            "outcome": ChangeOutcome.ROLLED_BACK,
            "test_results": "T03 不过",
            "caused": Caused.SOME,
        }
        with pytest.raises(Invalid, match="事件号"):
            changes.record(session, people.tech2, change, **values)
        for _ in range(2):
            changes.record(session, people.tech2, change, **values, numbers=[incident.number])
        assert changes.of_role(change, changes.CAUSED) == [incident]
        changes.record(session, people.tech2, change, **(values | {"caused": Caused.NONE}))
        assert changes.of_role(change, changes.CAUSED) == []
        changes.review(session, people.lead, change, remark="回退及时")
        changes.close(session, people.tech, change)


def test_the_end_of_a_request_has_a_reason(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        change = made_of.submitted(session, store, people)
        with pytest.raises(Invalid):
            changes.reject(session, people.lead, change, reason="")
        changes.reject(session, people.lead, change, reason="与割接冲突")
        with pytest.raises(BadTransition):
            changes.approve(session, people.lead, change)
        with pytest.raises(Conflict, match="已结束"):
            changes.tie(session, people.tech, change, "INC-1")
        other = made_of.change(session, people.tech)
        with pytest.raises(NotAllowed):
            changes.cancel(session, people.tech2, other, reason="x")
        changes.cancel(session, people.tech, other, reason="不做了")
        assert other.state == ChangeState.CANCELLED


# --- the gates, pure -------------------------------------------------------------------------------------------

_NOW = dt.datetime(2026, 12, 8, 1, tzinfo=dt.UTC)
_HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize("kind", ChangeKind)
@pytest.mark.parametrize("approved", [it for size in range(4) for it in combinations(PLANS, size)])
def test_the_first_gate_wants_every_plan_that_comes_before(kind: ChangeKind, approved: tuple[Kind, ...]) -> None:
    plans = tuple(
        PlanFacts(plan, "published" if plan in approved else "draft", "approved" if plan in approved else "draft")
        for plan in PLANS
    )
    unmet = implementation_gate(ImplementationFacts(kind, plans, 1, 2, _NOW - _HOUR, _NOW + _HOUR, _NOW))
    assert (unmet == []) == (set(PLANS_BEFORE[kind]) <= set(approved))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"approver_id": None}, [U.NOT_APPROVED]),
        ({"implementer_id": None}, [U.NO_IMPLEMENTER]),
        ({"implementer_id": 1}, [U.IMPLEMENTER_APPROVED]),
        ({"window_start": None}, [U.NO_WINDOW]),
        ({"at": _NOW - 2 * _HOUR}, [U.OUTSIDE_WINDOW]),
        ({"at": _NOW + _HOUR}, [U.OUTSIDE_WINDOW]),
        ({"at": _NOW - _HOUR}, []),
        ({"plans": ()}, [U.REQUEST_NOT_APPROVED, U.TEST_PLAN_NOT_APPROVED, U.TECH_PLAN_NOT_APPROVED]),
    ],
)
def test_the_first_gate_by_one_condition(changed: dict[str, Any], expected: list[ChangeUnmet]) -> None:
    plans = tuple(PlanFacts(plan, "published", "approved") for plan in PLANS)
    facts: dict[str, Any] = {
        "kind": ChangeKind.NORMAL, "plans": plans, "approver_id": 1, "implementer_id": 2,
        "window_start": _NOW - _HOUR, "window_end": _NOW + _HOUR, "at": _NOW,
    }  # fmt: skip
    assert implementation_gate(ImplementationFacts(**(facts | changed))) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"outcome": ""}, [U.NO_OUTCOME]),
        ({"test_results": " "}, [U.NO_TEST_RESULTS]),
        ({"caused": ""}, [U.CAUSED_NOT_SAID]),
        ({"caused": "some"}, [U.CAUSED_NOT_SAID]),
        ({"caused": "some", "caused_incidents": 1}, []),
        ({"caused_incidents": 1}, [U.CAUSED_NOT_SAID]),
        ({"outcome": "rolled_back"}, [U.ROLLBACK_NOT_SAID]),
        ({"rolled_back": True, "rollback_reason": "x"}, [U.ROLLBACK_NOT_SAID]),
        ({"rolled_back": True, "outcome": "rolled_back"}, [U.ROLLBACK_NOT_SAID]),
        ({"rolled_back": True, "outcome": "rolled_back", "rollback_reason": "x"}, []),
        ({"plans": ()}, [U.REQUEST_NOT_APPROVED, U.TEST_PLAN_NOT_APPROVED, U.TECH_PLAN_NOT_APPROVED]),
    ],
)
def test_the_second_gate_by_one_condition(changed: dict[str, Any], expected: list[ChangeUnmet]) -> None:
    facts: dict[str, Any] = {
        "plans": tuple(PlanFacts(plan, "retired", "superseded") for plan in PLANS), "outcome": "successful",
        "test_results": "通过", "caused": "none", "caused_incidents": 0, "rolled_back": False, "rollback_reason": "",
    }  # fmt: skip
    assert result_gate(ResultFacts(**(facts | changed))) == expected


_SLOTS = st.builds(
    lambda number, nodes, start, length: Slot(f"CHA-{number}", frozenset(nodes), _NOW + start * _HOUR, _NOW + (start + length) * _HOUR),
    st.integers(1, 9), st.sets(st.sampled_from("abc")), st.integers(0, 20), st.integers(1, 5),
)  # fmt: skip


@given(_SLOTS, st.lists(_SLOTS))
def test_clashes_are_those_that_looking_at_every_hour_finds(mine: Slot, others: list[Slot]) -> None:
    def hours(slot: Slot) -> set[dt.datetime]:
        return {_NOW + hour * _HOUR for hour in range(30) if slot.start <= _NOW + hour * _HOUR < slot.end}

    expected = [
        (it.number, tuple(sorted(it.nodes & mine.nodes)))
        for it in others
        if it.number != mine.number and it.nodes & mine.nodes and hours(it) & hours(mine)
    ]
    assert clashes(mine, others) == expected


def test_a_window_that_meets_another_on_a_device_is_shown(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        one = made_of.scheduled(session, store, people)
        assert changes.conflicts(session, one) == []
        other = made_of.scheduled(session, store, people)
        assert changes.conflicts(session, one) == [(other.number, (made_of.NODE,))]
        changes.cancel(session, people.tech, other, reason="让路")
        assert changes.conflicts(session, one) == []


# --- what the database refuses ---------------------------------------------------------------------------------


def _begin_by_sql(session: Session, change: Change) -> None:
    session.execute(
        text("UPDATE changes SET state = 'implementing', started_at = window_start WHERE id = :id"), {"id": change.id}
    )


_WAYS: dict[str, tuple[str, ...]] = {
    "draft": (), "submitted": ("submitted",), "approved": ("submitted", "approved"),
    "scheduled": ("submitted", "approved", "scheduled"), "rejected": ("submitted", "rejected"), "cancelled": ("cancelled",),
    "implementing": ("submitted", "approved", "scheduled", "implementing"),
    "implemented": ("submitted", "approved", "scheduled", "implementing", "implemented"),
    "rolled_back": ("submitted", "approved", "scheduled", "implementing", "rolled_back"),
    "reviewed": ("submitted", "approved", "scheduled", "implementing", "implemented", "reviewed"),
    "closed": ("submitted", "approved", "scheduled", "implementing", "implemented", "reviewed", "closed"),
}  # fmt: skip


@pytest.mark.parametrize("here", ChangeState)
def test_database_knows_the_steps(here: ChangeState, database: Database, store: ContentStore, people: People) -> None:
    """From a change that lacks nothing, exactly the steps of the table may be written."""
    with database.write() as session:
        change = made_of.submitted(session, store, people)
        changes.take_back(session, people.tech, change)
        session.execute(
            text(
                "UPDATE changes SET approver_id = :a, implementer_id = :i, reviewer_id = :a, window_start = '2026-01-01', "
                "window_end = '2026-01-03', started_at = '2026-01-02', outcome = 'successful', test_results = 'x', caused = 'none'"
            ),
            {"a": people.lead.id, "i": people.tech2.id},
        )

        def write(state: str) -> None:
            if state == "rolled_back" or here == "rolled_back":
                more = ", rolled_back_at = '2026-01-02', rollback_reason = 'x', outcome = 'rolled_back'"
            else:
                more = ""
            session.execute(text(f"UPDATE changes SET state = '{state}'{more}"))

        for state in _WAYS[here]:
            write(state)
        for there in set(ChangeState) - {here}:
            if there in CHANGE_STEPS[here]:
                with session.begin_nested() as point:
                    write(there)
                    point.rollback()
            else:
                with (
                    pytest.raises(IntegrityError, match=r"does not take this step|do not change|disagree"),
                    session.begin_nested(),
                ):
                    write(there)


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("started_at = '2020-01-01'", "within its window"),
        ("started_at = window_end", "within its window"),
        ("started_at = NULL", "started_at|within its window"),
        ("approver_id = NULL", "not approved|approved_by_somebody"),
        ("implementer_id = NULL", "no implementer|scheduled_for_somebody"),
        ("implementer_id = approver_id", "no implementer|did_not_approve"),
        ("approver_id = requester_id", "approver_did_not_ask"),
        ("window_start = NULL, window_end = NULL", "window|scheduled_for_somebody"),
    ],
)
def test_database_refuses_a_beginning_that_lacks_something(
    lacking: str, said: str, database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        made_of.scheduled(session, store, people)
        with pytest.raises(IntegrityError, match=said), session.begin_nested():
            session.execute(
                text(
                    f"UPDATE changes SET state = 'implementing', started_at = window_start, {lacking}".replace(
                        "started_at = window_start, started_at", "started_at"
                    )
                )
            )


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("outcome = ''", "outcome"), ("test_results = ' '", "test results"), ("caused = ''", "which incidents"),
        ("caused = 'some'", "which incidents"), ("outcome = 'rolled_back'", "disagree"),
        ("reviewer_id = NULL", "reviewed_by_somebody"), ("reviewer_id = implementer_id", "did_not_implement"),
    ],
)  # fmt: skip
def test_database_refuses_results_that_lack_something(
    lacking: str, said: str, database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        made_of.recorded(session, people.tech, made_of.implemented(session, store, people))
        with pytest.raises(IntegrityError, match=said), session.begin_nested():
            session.execute(
                text(
                    f"UPDATE changes SET state = 'reviewed', reviewer_id = {people.lead2.id}, {lacking}".replace(
                        f"reviewer_id = {people.lead2.id}, reviewer_id", "reviewer_id"
                    )
                )
            )


@BOTH
def test_database_keeps_what_a_change_rests_on(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        change = made_of.scheduled(session, store, people)
        other = samples.published(session, store, people.tech, people.lead)
        refused: list[tuple[str, str]] = [
            (f"UPDATE change_plans SET entry_id = {other.id}, revision_id = {other.published_revision_id}", "approved change|its kind"),
            (f"UPDATE change_plans SET revision_id = {other.published_revision_id}", "approved change|its kind"),
            ("DELETE FROM change_plans", "never deleted"),
            ("DELETE FROM changes", "never deleted"),
        ]  # fmt: skip
        for statement, said in refused:
            with pytest.raises(IntegrityError, match=said), session.begin_nested():
                session.execute(text(statement))
        changes.start(session, people.tech2, change)
        for column, value in (
            ("kind", "'emergency'"),
            ("approver_id", people.lead2.id),
            ("implementer_id", people.tech.id),
            ("window_end", "'2030-01-01'"),
            ("started_at", "window_start"),
        ):
            with pytest.raises(IntegrityError, match="does not change"), session.begin_nested():
                session.execute(text(f"UPDATE changes SET {column} = {value}"))
        changes.finish(session, people.tech2, change)
        made_of.recorded(session, people.tech, change)
        changes.review(session, people.lead2, change, remark="好")
        incident = samples.incident(session, people.tech)
        for statement in (
            "UPDATE changes SET outcome = 'failed'",
            f"INSERT INTO change_incidents VALUES ({change.id}, {incident.id}, 'caused')",
        ):
            with pytest.raises(IntegrityError, match="results do not change"), session.begin_nested():
                session.execute(text(statement))


def test_database_refuses_a_change_born_approved(database: Database, people: People) -> None:
    with database.write() as session:
        made_of.change(session, people.tech)
        with pytest.raises(IntegrityError, match="begins as a draft"):
            session.execute(
                text(
                    "INSERT INTO changes (number, state, kind, title, description, nodes, requester_id, rollback_reason, outcome, "
                    "test_results, caused, version, created_at, updated_at) SELECT 'CHA-9', 'submitted', kind, title, description, "
                    "nodes, requester_id, '', '', '', '', 1, created_at, updated_at FROM changes"
                )
            )


# --- any order of use cases ------------------------------------------------------------------------------------


class ChangeMachine(RuleBasedStateMachine):
    """Everybody does everything in any order, and time goes by; SQL looks after each step whether the promises hold."""

    template: Path
    folder: Callable[[], Path]
    clock: Clock
    WHO = st.sampled_from([name for name, _, _ in ACCOUNTS])

    def __init__(self) -> None:
        super().__init__()
        folder = self.folder()
        shutil.copy(self.template, folder / "kb.sqlite3")
        self.database, self.store = Database(folder / "kb.sqlite3"), ContentStore(folder / "store")
        with self.database.write() as session:
            self.people = {name: access.person(session, accounts.get(session, name)) for name, _, _ in ACCOUNTS}
            self.incident = samples.incident(session, self.people["tech"]).number
            session.commit()

    @initialize(kind=st.sampled_from(ChangeKind))
    def begin(self, kind: ChangeKind) -> None:
        with self.database.write() as session:
            change = made_of.change(session, self.people["tech"], kind)
            made_of.fill(session, self.people["tech"], change)
            self.number = change.number
            session.commit()

    def teardown(self) -> None:
        self.database.close()

    def _do(self, who: str, use: Callable[[Session, Person, Change], object]) -> None:
        try:
            with self.database.write() as session:
                use(session, self.people[who], changes.find(session, self.people[who], self.number))
                session.commit()
        except KBError:
            pass  # refused, and nothing is changed

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
