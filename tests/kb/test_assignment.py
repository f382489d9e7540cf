"""Whose turn is it to review?"""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from kb import accounts, assignment, audit, entries, reviews
from kb.accounts import SYSTEM
from kb.assignment import Candidate, choose
from kb.db import Database
from kb.documents import Audience
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.lifecycle import Decision, Part, Role
from kb.models import User
from kb.store import ContentStore
from tests.conftest import PASSWORD, Clock, People
from tests.kb import samples


def test_owner_group_before_district_before_load_before_age() -> None:
    far = Candidate(1, owns=False, near=False, load=0, oldest=0)
    near = Candidate(2, owns=False, near=True, load=5, oldest=9)
    owner = Candidate(3, owns=True, near=False, load=9, oldest=9)
    assert choose([]) is None
    assert choose([far]) == 1
    assert choose([far, near]) == 2
    assert choose([far, near, owner]) == 3
    assert choose([owner, Candidate(4, owns=True, near=False, load=8, oldest=9)]) == 4
    assert choose([owner, Candidate(4, owns=True, near=False, load=9, oldest=1)]) == 4
    assert choose([Candidate(4, owns=True, near=False, load=9, oldest=9), owner]) == 3


def test_the_owner_groups_lead_gets_it_and_never_the_author(database: Database, people: People) -> None:
    with database.write() as session:
        assert samples.submitted(session, people.tech).assignee_id == people.lead.id
        assert samples.submitted(session, people.tech, owner_group="team-access").assignee_id == people.lead2.id
        assert samples.submitted(session, people.lead).assignee_id == people.lead2.id
        secret = samples.submitted(
            session, people.tech2, audience=Audience.RESTRICTED, owner_group="team-access", kind="policy",
            category="管理制度/技术类",
        )  # fmt: skip
        assert secret.assignee_id == people.lead2.id


def test_the_load_is_shared_within_a_group(database: Database, people: People) -> None:
    with database.write() as session:
        made = accounts.create(
            session, SYSTEM, username="lead3", display_name="lead3", role=Role.REVIEWER, password=PASSWORD,
            unit_key="team-tv",
        )  # fmt: skip
        given = [samples.submitted(session, people.tech).assignee_id for _ in range(4)]
        assert Counter(given) == {people.lead.id: 2, made.id: 2}


def test_nobody_able_leaves_it_to_all(database: Database, people: People) -> None:
    with database.write() as session:
        for name in ("lead", "lead2"):
            accounts.get(session, name).active = False
        assert samples.submitted(session, people.tech).assignee_id is None


def test_a_lead_passes_it_on_with_a_reason(database: Database, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        with pytest.raises(NotAllowed):
            assignment.reassign(session, people.tech, revision, "lead2", reason="忙")
        with pytest.raises(Invalid) as wrong:
            assignment.reassign(session, people.lead, revision, "tech2", reason="忙")
        assert "assignee" in wrong.value.fields
        with pytest.raises(Invalid) as wrong:
            assignment.reassign(session, people.lead, revision, "lead2", reason=" ")
        assert "reason" in wrong.value.fields
        for _ in range(2):
            assignment.reassign(session, people.lead, revision, "lead2", reason="接入的问题")
        assert revision.assignee_id == people.lead2.id
        rows = [row for row in audit.history(session, revision) if row.action == "review_assigned"]
        assert [(row.from_state, row.to_state, row.reason) for row in rows] == [
            ("", "lead", ""),
            ("lead", "lead2", "接入的问题"),
        ]
        assert [row.id for row in reviews.turns(session, people.lead2)] == [revision.id]
        assert reviews.turns(session, people.lead) == []
        assert [row.id for row in reviews.review_queue(session, people.lead)] == [revision.id]  # it locks nobody out


def test_what_is_decided_is_not_passed_on(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        reviews.decide(session, store, people.lead, revision, Part.CONTENT, Decision.RETURN, reason="不符")
        with pytest.raises(Conflict):
            assignment.reassign(session, people.lead, revision, "lead2", reason="忙")


def test_a_deputy_has_the_turns_for_a_time(database: Database, people: People, stopped_clock: Clock) -> None:
    today = dt.date(2026, 11, 23)
    with database.write() as session:
        waiting = samples.submitted(session, people.tech)
        own = samples.submitted(session, people.lead2)
        assert (waiting.assignee_id, own.assignee_id) == (people.lead.id, people.lead.id)
        made = assignment.delegate(
            session, people.lead, "lead2", starts=today, ends=dt.date(2026, 11, 25), reason="休假"
        )
        assert waiting.assignee_id == people.lead2.id
        assert own.assignee_id == people.lead.id  # nobody reviews their own, nor as a deputy
        assert samples.submitted(session, people.tech).assignee_id == people.lead2.id
        assert samples.submitted(session, people.lead2).assignee_id == people.lead.id
        assert "lead2 2026-11-23 – 2026-11-25 休假" in [
            row.reason for row in audit.history(session, session.get_one(User, people.lead.id))
        ]
        assert [name for _, name in assignment.delegations(session, people.lead)] == ["lead2"]
        stopped_clock.advance(days=3)
        assert samples.submitted(session, people.tech).assignee_id == people.lead.id
        assert assignment.delegations(session, people.lead) == []
        with pytest.raises(NotFound):
            assignment.end_delegation(session, people.lead2, made.id)


def test_a_delegation_is_taken_back(database: Database, people: People, stopped_clock: Clock) -> None:
    today = dt.date(2026, 11, 23)
    with database.write() as session:
        made = assignment.delegate(session, people.lead, "lead2", starts=today, ends=today)
        assignment.end_delegation(session, people.lead, made.id)
        assert samples.submitted(session, people.tech).assignee_id == people.lead.id


@pytest.mark.parametrize(
    ("to", "starts", "ends", "field"),
    [
        ("lead", 23, 24, "to"),
        ("tech", 23, 24, "to"),
        ("nobody", 23, 24, "to"),
        ("lead2", 24, 23, "ends"),
        ("lead2", 20, 22, "ends"),
    ],
)
def test_a_delegation_that_makes_no_sense_is_refused(
    database: Database, people: People, stopped_clock: Clock, to: str, starts: int, ends: int, field: str
) -> None:
    with database.write() as session:
        with pytest.raises(Invalid) as wrong:
            assignment.delegate(
                session, people.lead, to, starts=dt.date(2026, 11, starts), ends=dt.date(2026, 11, ends)
            )
        assert list(wrong.value.fields) == [field]
        with pytest.raises(NotAllowed):
            assignment.delegate(session, people.tech, "lead2", starts=dt.date(2026, 11, 23), ends=dt.date(2026, 11, 24))


def test_handing_in_again_assigns_again(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        assignment.reassign(session, people.lead, revision, "lead2", reason="忙")
        entries.recall(session, store, people.tech, revision)
        entries.submit(session, people.tech, revision)
        assert revision.assignee_id == people.lead.id
