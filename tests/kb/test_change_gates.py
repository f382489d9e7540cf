"""What do the two gates of a change want, and which windows meet on a device?"""

from __future__ import annotations

import datetime as dt
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import changes
from kb.changes import Slot, clashes
from kb.db import Database
from kb.documents import Kind
from kb.lifecycle import (
    PLANS,
    PLANS_BEFORE,
    ChangeKind,
    ChangeUnmet,
    ImplementationFacts,
    PlanFacts,
    ResultFacts,
    implementation_gate,
    result_gate,
)
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import process_samples as made_of

U = ChangeUnmet
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
