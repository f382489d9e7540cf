"""The incident process whole: hand-overs, merged reports, area faults, attempts to reach the user, outcomes of solutions;
and a closing gate that the database keeps in both directions"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

from kb.migrations import triggers
from kb.migrations.triggers import Rule, refuse

revision = "0005"
down_revision = "0004"

_STATES = ("new", "assigned", "in_progress", "pending", "resolved", "verified", "closed", "reopened", "cancelled")
_STATES_BEFORE = tuple(state for state in _STATES if state != "assigned")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


_INCIDENT_CHECKS_BEFORE = {
    "cancelled_has_reason": "state <> 'cancelled' OR length(cancel_reason) > 0",
    "state_known": _one_of("state", _STATES_BEFORE),
    "solution_pair": "(solution_entry_id IS NULL) = (solution_revision_id IS NULL)",
    "priority_range": "priority BETWEEN 1 AND 4",
}
_INCIDENT_CHECKS = _INCIDENT_CHECKS_BEFORE | {
    "state_known": _one_of("state", _STATES),
    "impact_urgency_range": "impact BETWEEN 1 AND 4 AND urgency BETWEEN 1 AND 4",
    "line_range": "line BETWEEN 1 AND 3",
    "cancelled_has_reason": "(state = 'cancelled') = (cancel_reason <> '')",
    "cancel_reason_known": _one_of("cancel_reason", ("", "duplicate", "false_report", "withdrawn")),
    "merged_is_duplicate": "duplicate_of_id IS NULL OR cancel_reason = 'duplicate'",
    "not_its_own_relative": "duplicate_of_id <> id AND parent_id <> id",
}
_VERIFICATION_CHECKS_BEFORE = {
    "method_known": _one_of("method", ("signed_link", "call_back", "on_site")),
    "outcome_known": _one_of("outcome", ("solved", "unsolved")),
    "said_by_somebody": "length(trim(said_by)) > 0",
}
_VERIFICATION_CHECKS = _VERIFICATION_CHECKS_BEFORE | {
    "outcome_known": _one_of("outcome", ("solved", "unclear", "unsolved")),
    "heard_by_somebody": "method = 'signed_link' OR recorded_by_id IS NOT NULL",
}

# The last word of whoever `reporter` is (an incident's own reporter, or that of a merged report), after the repair.
_SOLVED = """EXISTS (
        SELECT 1 FROM verifications v
        WHERE v.id = (SELECT max(w.id) FROM verifications w WHERE w.incident_id = NEW.id AND w.reporter_id {reporter})
          AND v.outcome = 'solved' AND v.created_at >= NEW.resolved_at)"""
_VERIFIED = f"NEW.resolved_at IS NOT NULL AND {_SOLVED.format(reporter='IS NULL')}"
_OTHERS_VERIFIED = f"""NOT EXISTS (
        SELECT 1 FROM incidents d WHERE d.duplicate_of_id = NEW.id AND d.ask_reporter
          AND NOT {_SOLVED.format(reporter="= d.id")})"""
_APPROVED_SOLUTION = """EXISTS (
        SELECT 1 FROM revisions r JOIN entries e ON e.id = r.entry_id
        WHERE r.id = NEW.solution_revision_id AND e.id = NEW.solution_entry_id AND e.kind = 'solution'
          AND r.state IN ('approved', 'superseded') AND e.state IN ('published', 'expired'))"""
_BEGINS = "NEW.state = '{state}' AND OLD.state <> '{state}'"
_CLOSES, _CANCELS = _BEGINS.format(state="closed"), _BEGINS.format(state="cancelled")
_KEPT = ("id", "number", "solution_entry_id", "solution_revision_id", "resolved_at", "duplicate_of_id")
_HISTORY = ("contact_attempts", "handovers", "solution_outcomes")

RULES = [
    Rule(
        "incident_closes_through_the_gate",
        "incidents",
        "UPDATE",
        (
            (f"{_CLOSES} AND NOT ({_VERIFIED})", "closing gate: the user has not confirmed the repair"),
            (f"{_CLOSES} AND NOT ({_OTHERS_VERIFIED})", "closing gate: a merged report's reporter has not confirmed"),
            (f"{_CLOSES} AND NOT ({_APPROVED_SOLUTION})", "closing gate: no approved resolving solution"),
            (f"{_CLOSES} AND OLD.state <> 'verified'", "closing gate: only a verified incident closes"),
            (
                f"{_BEGINS.format(state='verified')} AND NOT ({_VERIFIED} AND {_OTHERS_VERIFIED})",
                "closing gate: not verified without the user's word",
            ),
            (
                "OLD.state = 'closed' AND NEW.state NOT IN ('closed', 'reopened')",
                "closing gate: a closed incident is reopened or stays",
            ),
            (
                "OLD.state = 'closed' AND NEW.state = 'closed' AND ("
                + " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in _KEPT)
                + ")",
                "closing gate: a closed incident keeps what it rests on",
            ),
        ),
    ),
    Rule(
        "incident_is_cancelled_for_good",
        "incidents",
        "UPDATE",
        (
            (
                f"{_CANCELS} AND OLD.state NOT IN ('new', 'assigned', 'in_progress', 'pending')",
                "what is repaired is not cancelled",
            ),
            (
                f"{_CANCELS} AND EXISTS (SELECT 1 FROM verifications v WHERE v.incident_id = NEW.id)",
                "what the user has spoken of is not cancelled",
            ),
            (
                "OLD.state = 'cancelled' AND (NEW.state <> 'cancelled' OR NEW.cancel_reason <> OLD.cancel_reason"
                " OR NEW.duplicate_of_id IS DISTINCT FROM OLD.duplicate_of_id OR NEW.ask_reporter <> OLD.ask_reporter)",
                "a cancelled incident stays as it is",
            ),
            (
                "NEW.duplicate_of_id IS NOT NULL AND OLD.duplicate_of_id IS NULL AND EXISTS (SELECT 1 FROM incidents m"
                " WHERE m.id = NEW.duplicate_of_id AND m.state IN ('verified', 'closed', 'cancelled'))",
                "a report is merged into one that is still open",
            ),
        ),
    ),
    refuse(
        "incident_is_not_born_closed",
        "incidents",
        "INSERT",
        "NEW.state IN ('closed', 'verified', 'cancelled')",
        "closing gate: an incident does not begin closed",
    ),
    triggers.never("incidents", "DELETE", "stay"),
    Rule(
        "verification_follows_a_repair",
        "verifications",
        "INSERT",
        (
            (
                "NOT EXISTS (SELECT 1 FROM incidents i WHERE i.id = NEW.incident_id"
                " AND i.state IN ('resolved', 'verified'))",
                "closing gate: only a repair that is not closed yet is verified",
            ),
            (
                "NEW.reporter_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM incidents d"
                " WHERE d.id = NEW.reporter_id AND d.duplicate_of_id = NEW.incident_id)",
                "closing gate: that report was not merged into this incident",
            ),
        ),
    ),
    refuse(
        "approval_is_not_taken_back",
        "revisions",
        "UPDATE",
        "OLD.state IN ('approved', 'superseded', 'retired') AND NEW.state NOT IN ('approved', 'superseded', 'retired')",
        "what was approved was approved: retire it, or approve a successor",
    ),
    refuse(
        "entry_is_not_unpublished",
        "entries",
        "UPDATE",
        "OLD.state IN ('published', 'expired', 'retired') AND NEW.state = 'draft'",
        "what was published was published: retire it",
    ),
    *triggers.fixed("verifications", *_HISTORY),
]
_REPLACED = (
    "incident_closes_through_the_gate", "incident_is_not_born_closed", "verifications_do_not_change", "verifications_stay",
)  # fmt: skip


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("subscriber", sa.String(length=40), nullable=False, server_default=""),
        sa.Column("site", sa.String(length=80), nullable=False, server_default=""),
        sa.Column("device", sa.String(length=80), nullable=False, server_default=""),
        sa.Column("node", sa.String(length=80), nullable=False, server_default=""),
        sa.Column("category", sa.String(length=80), nullable=False, server_default=""),
        sa.Column("impact", sa.Integer(), nullable=False, server_default="4"),
        sa.Column("urgency", sa.Integer(), nullable=False, server_default="4"),
        sa.Column("line", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("duplicate_of_id", sa.Integer(), nullable=True),
        sa.Column("ask_reporter", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("door_code_hash", sa.String(length=120), nullable=False, server_default=""),
        sa.Column("door_code_failures", sa.Integer(), nullable=False, server_default="0"),
    ]


def upgrade() -> None:
    triggers.drop(triggers.of("0002", *_REPLACED))
    with op.batch_alter_table("incidents") as batch:
        _drop_checks(batch, "incidents", _INCIDENT_CHECKS_BEFORE, _INCIDENT_CHECKS)
        for column in _columns():
            batch.add_column(column)
        batch.create_foreign_key(op.f("fk_incidents_unit_id"), "units", ["unit_id"], ["id"])
        batch.create_foreign_key(op.f("fk_incidents_parent_id"), "incidents", ["parent_id"], ["id"])
        batch.create_foreign_key(op.f("fk_incidents_duplicate_of_id"), "incidents", ["duplicate_of_id"], ["id"])
        _create_checks(batch, "incidents", _INCIDENT_CHECKS_BEFORE, _INCIDENT_CHECKS)
    op.create_index("ix_incidents_parent_id", "incidents", ["parent_id"])
    op.create_index("ix_incidents_duplicate_of_id", "incidents", ["duplicate_of_id"])
    with op.batch_alter_table("verifications") as batch:
        _drop_checks(batch, "verifications", _VERIFICATION_CHECKS_BEFORE, _VERIFICATION_CHECKS)
        batch.add_column(sa.Column("reporter_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f("fk_verifications_reporter_id"), "incidents", ["reporter_id"], ["id"])
        _create_checks(batch, "verifications", _VERIFICATION_CHECKS_BEFORE, _VERIFICATION_CHECKS)
    _create_tables()
    triggers.create(RULES)


def downgrade() -> None:
    triggers.drop(RULES)
    for table in ("solution_outcomes", "handovers", "contact_attempts"):
        op.drop_table(table)
    op.execute("UPDATE verifications SET outcome = 'unsolved' WHERE outcome = 'unclear'")
    with op.batch_alter_table("verifications") as batch:
        _drop_checks(batch, "verifications", _VERIFICATION_CHECKS, _VERIFICATION_CHECKS_BEFORE)
        batch.drop_constraint(op.f("fk_verifications_reporter_id"), type_="foreignkey")
        batch.drop_column("reporter_id")
        _create_checks(batch, "verifications", _VERIFICATION_CHECKS, _VERIFICATION_CHECKS_BEFORE)
    op.execute("UPDATE incidents SET state = 'new' WHERE state = 'assigned'")
    op.drop_index("ix_incidents_duplicate_of_id", "incidents")
    op.drop_index("ix_incidents_parent_id", "incidents")
    with op.batch_alter_table("incidents") as batch:
        _drop_checks(batch, "incidents", _INCIDENT_CHECKS, _INCIDENT_CHECKS_BEFORE)
        for name in ("unit_id", "parent_id", "duplicate_of_id"):
            batch.drop_constraint(op.f(f"fk_incidents_{name}"), type_="foreignkey")
        for column in _columns():
            batch.drop_column(column.name)
        _create_checks(batch, "incidents", _INCIDENT_CHECKS, _INCIDENT_CHECKS_BEFORE)
    triggers.create(triggers.of("0002", *_REPLACED))


def _drop_checks(batch: BatchOperations, table: str, before: dict[str, str], after: dict[str, str]) -> None:
    for name, text in before.items():
        if after.get(name) != text:
            batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")


def _create_checks(batch: BatchOperations, table: str, before: dict[str, str], after: dict[str, str]) -> None:
    for name, text in after.items():
        if before.get(name) != text:
            batch.create_check_constraint(op.f(f"ck_{table}_{name}"), sa.text(text))


def _create_tables() -> None:
    op.create_table(
        "contact_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            _one_of("method", ("call", "message", "visit")), name=op.f("ck_contact_attempts_method_known")
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_contact_attempts_incident_id")),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_contact_attempts_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_attempts")),
    )
    op.create_index("ix_contact_attempts_incident_id", "contact_attempts", ["incident_id"])
    reasons = ("dispatch", "skill", "on_site_work", "no_knowledge", "wrong_unit", "shift", "overdue")
    op.create_table(
        "handovers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("from_line", sa.Integer(), nullable=False),
        sa.Column("to_line", sa.Integer(), nullable=False),
        sa.Column("from_unit_id", sa.Integer(), nullable=True),
        sa.Column("to_unit_id", sa.Integer(), nullable=True),
        sa.Column("from_user_id", sa.Integer(), nullable=True),
        sa.Column("to_user_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.Column("trail", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(_one_of("reason", reasons), name=op.f("ck_handovers_reason_known")),
        sa.CheckConstraint("length(trim(remark)) > 0", name=op.f("ck_handovers_says_why")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_handovers_incident_id")),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_handovers_by_id")),
        sa.ForeignKeyConstraint(["from_unit_id"], ["units.id"], name=op.f("fk_handovers_from_unit_id")),
        sa.ForeignKeyConstraint(["to_unit_id"], ["units.id"], name=op.f("fk_handovers_to_unit_id")),
        sa.ForeignKeyConstraint(["from_user_id"], ["users.id"], name=op.f("fk_handovers_from_user_id")),
        sa.ForeignKeyConstraint(["to_user_id"], ["users.id"], name=op.f("fk_handovers_to_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index("ix_handovers_incident_id", "handovers", ["incident_id"])
    op.create_table(
        "solution_outcomes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("said", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(_one_of("outcome", ("held", "refused")), name=op.f("ck_solution_outcomes_outcome_known")),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_solution_outcomes_revision_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_solution_outcomes_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_solution_outcomes")),
    )
    op.create_index("ix_solution_outcomes_revision_id", "solution_outcomes", ["revision_id"])
    op.create_index("ix_solution_outcomes_incident_id", "solution_outcomes", ["incident_id"])
