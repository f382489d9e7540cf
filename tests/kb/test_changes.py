"""A change begins with approved plans, in its window, by somebody else; and closes with its results. By every door."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb import audit, changes, clock, entries, reviews, validity
from kb.change_templates import NEEDED, template, unfilled
from kb.db import Database
from kb.documents import Kind
from kb.errors import BadTransition, Conflict, GateClosed, Invalid, NotAllowed
from kb.lifecycle import PLANS, Caused, ChangeKind, ChangeOutcome, ChangeState, ChangeUnmet, Decision, Part
from kb.models import Change
from kb.store import ContentStore
from tests.conftest import BOTH, Clock, People
from tests.kb import process_samples as made_of
from tests.kb import samples

U = ChangeUnmet


def _begin_by_sql(session: Session, change: Change) -> None:
    session.execute(
        text("UPDATE changes SET state = 'implementing', started_at = window_start WHERE id = :id"), {"id": change.id}
    )


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
