"""The tables allow exactly what they list, and the gate needs everything."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from enum import StrEnum

import pytest

from kb import lifecycle
from kb.errors import BadTransition
from kb.lifecycle import ClosingFacts, EntryState, IncidentState, RevisionState, Unmet, closing_gate


@pytest.mark.parametrize(
    ("states", "table", "check"),
    [
        (RevisionState, lifecycle.REVISION_STEPS, lifecycle.check_revision_step),
        (EntryState, lifecycle.ENTRY_STEPS, lifecycle.check_entry_step),
        (IncidentState, lifecycle.INCIDENT_STEPS, lifecycle.check_incident_step),
    ],
)
def test_tables_are_complete_and_enforced(
    states: type[StrEnum], table: dict[StrEnum, frozenset[StrEnum]], check: Callable[[str, StrEnum], None]
) -> None:
    assert set(table) == set(states)
    for here, there in itertools.product(states, repeat=2):
        if there in table[here]:
            check(here, there)
        else:
            with pytest.raises(BadTransition):
                check(here, there)


def test_a_refused_step_is_told_in_words_and_keeps_the_codes() -> None:
    with pytest.raises(BadTransition, match="修订不能从「待审」变为「待审」") as caught:
        lifecycle.check_revision_step("submitted", RevisionState.SUBMITTED)
    assert caught.value.details == {"here": "submitted", "there": "submitted"}
    with pytest.raises(BadTransition, match="事件不能从「新建」变为「已关闭」"):
        lifecycle.check_incident_step("new", IncidentState.CLOSED)
    with pytest.raises(BadTransition, match="词条不能从「已停用」变为「已发布」"):
        lifecycle.check_entry_step("retired", EntryState.PUBLISHED)


def test_closed_is_reached_from_verified_alone() -> None:
    assert [s for s, steps in lifecycle.INCIDENT_STEPS.items() if IncidentState.CLOSED in steps] == [
        IncidentState.VERIFIED
    ]


def test_gate_opens_for_exactly_the_right_facts() -> None:
    kinds = [None, "solution", "policy"]
    revisions = [None, *RevisionState]
    entry_states = [None, *EntryState]
    for verified, kind, entry, revision in itertools.product([False, True], kinds, entry_states, revisions):
        unmet = closing_gate(ClosingFacts(verified, kind, entry, revision))
        right = (
            verified
            and kind == "solution"
            and entry in ("published", "expired")
            and revision in ("approved", "superseded")
        )
        assert (unmet == []) is right
        assert (Unmet.NOT_VERIFIED in unmet) is not verified


def test_every_unmet_condition_has_its_sentence() -> None:
    assert set(lifecycle.UNMET_TEXT) == set(Unmet)
