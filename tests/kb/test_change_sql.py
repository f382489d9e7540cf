"""What does the database refuse of a change, whatever the code above it does?"""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from kb import changes
from kb.db import Database
from kb.lifecycle import CHANGE_STEPS, ChangeState
from kb.store import ContentStore
from tests.conftest import BOTH, People
from tests.kb import process_samples as made_of
from tests.kb import samples

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
