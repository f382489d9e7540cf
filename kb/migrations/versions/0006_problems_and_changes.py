"""Problems and changes, and what the database refuses of them: SQLite and PostgreSQL from the same conditions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kb.migrations import triggers
from kb.migrations.triggers import ALWAYS, require

revision = "0006"
down_revision = "0005"

PROBLEM_STEPS = (
    "new>investigating", "new>cancelled", "investigating>known_error", "investigating>resolved",
    "investigating>cancelled", "known_error>investigating", "known_error>resolved", "known_error>cancelled",
    "resolved>closed", "resolved>investigating",
)  # fmt: skip
CHANGE_STEPS = (
    "draft>submitted", "draft>cancelled", "submitted>draft", "submitted>approved", "submitted>rejected",
    "submitted>cancelled", "approved>scheduled", "approved>draft", "approved>cancelled", "scheduled>implementing",
    "scheduled>draft", "scheduled>cancelled", "implementing>implemented", "implementing>rolled_back",
    "implemented>rolled_back", "implemented>reviewed", "rolled_back>reviewed", "reviewed>closed",
)  # fmt: skip
_STARTED = "('implementing', 'implemented', 'rolled_back', 'reviewed', 'closed')"


def _steps(steps: tuple[str, ...]) -> str:
    return "OLD.state || '>' || NEW.state IN ({})".format(", ".join(f"'{step}'" for step in steps))


def _plan(kind: str, revision_states: str, entry_states: str = "") -> str:
    """Is this document of the change there, in one of these states in the revision named?"""
    entry = f" AND e.state IN ({entry_states})" if entry_states else ""
    return (
        "EXISTS (SELECT 1 FROM change_plans p JOIN entries e ON e.id = p.entry_id"
        " JOIN revisions r ON r.id = p.revision_id AND r.entry_id = e.id"
        f" WHERE p.change_id = NEW.id AND p.kind = '{kind}' AND e.kind = '{kind}'"
        f" AND r.state IN ({revision_states}){entry})"
    )


_IN_FORCE = ("'approved'", "'published'")
_EVER_APPROVED = ("'approved', 'superseded', 'retired'",)
_PLANS_IN_FORCE = (
    (_plan("change_request", *_IN_FORCE), "change gate: the change request is not approved"),
    (_plan("tech_plan", *_IN_FORCE), "change gate: the technical plan is not approved"),
    (
        f"NEW.kind = 'emergency' OR {_plan('test_plan', *_IN_FORCE)}",
        "change gate: the test plan is not approved",
    ),
)
_CAUSED = "EXISTS (SELECT 1 FROM change_incidents c WHERE c.change_id = NEW.id AND c.role = 'caused')"

RULES = [
    require(
        "problem_begins_new",
        "problems", "INSERT", ALWAYS, (("NEW.state = 'new'", "a problem begins new"),)
    ),
    require(
        "problem_takes_known_steps",
        "problems",
        "UPDATE OF state",
        "NEW.state <> OLD.state",
        ((_steps(PROBLEM_STEPS), "a problem does not take this step"),),
    ),
    require(
        "problem_closes_through_the_gate",
        "problems",
        "UPDATE OF state, root_cause, solution_entry_id",
        "NEW.state = 'closed'",
        (
            ("length(trim(NEW.root_cause)) > 0", "problem gate: the root cause is not recorded"),
            (
                "EXISTS (SELECT 1 FROM entries e JOIN revisions r ON r.id = e.published_revision_id"
                " WHERE e.id = NEW.solution_entry_id AND e.kind = 'solution'"
                " AND e.state IN ('published', 'expired') AND r.state = 'approved')",
                "problem gate: no approved solution",
            ),
        ),
    ),
    require(
        "change_begins_as_a_draft",
        "changes", "INSERT", ALWAYS, (("NEW.state = 'draft'", "a change begins as a draft"),)
    ),
    require(
        "change_takes_known_steps",
        "changes",
        "UPDATE OF state",
        "NEW.state <> OLD.state",
        ((_steps(CHANGE_STEPS), "a change does not take this step"),),
    ),
    require(
        "change_is_approved_with_its_plans",
        "changes", "UPDATE OF state", "NEW.state = 'approved' AND OLD.state <> 'approved'", _PLANS_IN_FORCE
    ),
    require(
        "change_begins_through_the_gate",
        "changes",
        "UPDATE OF state",
        "NEW.state = 'implementing' AND OLD.state <> 'implementing'",
        (
            *_PLANS_IN_FORCE,
            ("NEW.approver_id IS NOT NULL", "change gate: the change is not approved"),
            ("NEW.implementer_id <> NEW.approver_id", "change gate: no implementer other than the approver"),
            (
                "NEW.started_at >= NEW.window_start AND NEW.started_at < NEW.window_end",
                "change gate: it does not begin within its window",
            ),
        ),
    ),
    require(
        "change_keeps_what_it_began_with",
        "changes",
        "UPDATE OF kind, requester_id, approver_id, implementer_id, window_start, window_end, started_at",
        f"OLD.state IN {_STARTED}",
        (
            (
                "NEW.kind = OLD.kind AND NEW.requester_id = OLD.requester_id AND NEW.approver_id = OLD.approver_id"
                " AND NEW.implementer_id = OLD.implementer_id AND NEW.window_start = OLD.window_start"
                " AND NEW.window_end = OLD.window_end AND NEW.started_at = OLD.started_at",
                "what a change began with does not change",
            ),
        ),
    ),
    require(
        "change_is_reviewed_through_the_gate",
        "changes",
        "UPDATE OF state, outcome, test_results, caused, rolled_back_at, rollback_reason",
        "NEW.state IN ('reviewed', 'closed') AND OLD.state <> NEW.state",
        (
            *(
                (_plan(kind, *_EVER_APPROVED), f"change gate: the {name} is not approved")
                for kind, name in (
                    ("change_request", "change request"), ("test_plan", "test plan"), ("tech_plan", "technical plan"),
                )
            ),
            ("NEW.outcome <> ''", "change gate: the outcome is not recorded"),
            ("length(trim(NEW.test_results)) > 0", "change gate: the test results are not recorded"),
            (
                f"(NEW.caused = 'none' AND NOT {_CAUSED}) OR (NEW.caused = 'some' AND {_CAUSED})",
                "change gate: it is not said which incidents it caused",
            ),
            (
                "(NEW.outcome = 'rolled_back') = (NEW.rolled_back_at IS NOT NULL)"
                " AND (NEW.rolled_back_at IS NULL OR length(trim(NEW.rollback_reason)) > 0)",
                "change gate: a roll-back and the outcome disagree",
            ),
        ),
    ),
    require(
        "change_keeps_its_results",
        "changes",
        "UPDATE OF outcome, test_results, caused, rolled_back_at, rollback_reason, reviewer_id",
        "OLD.state IN ('reviewed', 'closed')",
        (
            (
                "NEW.outcome = OLD.outcome AND NEW.test_results = OLD.test_results AND NEW.caused = OLD.caused"
                " AND NEW.rollback_reason = OLD.rollback_reason AND NEW.reviewer_id = OLD.reviewer_id",
                "reviewed results do not change",
            ),
        ),
    ),
    # The revisions that a change rests on are named while it is a draft or waits for approval; an emergency's test plan
    # until the results are reviewed. The incidents it caused are named until then.
    *[
        require(
            f"change_plan_is_named_in_time_{event}_{row}".lower(),
            "change_plans",
            event,
            ALWAYS,
            (
                (
                    f"EXISTS (SELECT 1 FROM changes c WHERE c.id = {row}.change_id AND (c.state IN ('draft', 'submitted')"
                    f" OR (c.kind = 'emergency' AND {row}.kind = 'test_plan'"
                    " AND c.state NOT IN ('reviewed', 'closed', 'rejected', 'cancelled'))))",
                    "the plans of an approved change do not change",
                ),
                (
                    f"EXISTS (SELECT 1 FROM revisions r JOIN entries e ON e.id = r.entry_id WHERE r.id = {row}.revision_id"
                    f" AND e.id = {row}.entry_id AND e.kind = {row}.kind)",
                    "a plan is a revision of an entry of its kind",
                ),
            ),
        )
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("UPDATE", "OLD"))
    ],
    *[
        require(
            f"change_caused_is_named_in_time_{event}".lower(),
            "change_incidents",
            event,
            f"{row}.role = 'caused'",
            (
                (
                    f"NOT EXISTS (SELECT 1 FROM changes c WHERE c.id = {row}.change_id"
                    " AND c.state IN ('reviewed', 'closed'))",
                    "reviewed results do not change",
                ),
            ),
        )
        for event, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"))
    ],
    *[triggers.never(table, "DELETE", "stay") for table in ("problems", "changes", "change_plans")],
]  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("nodes", sa.JSON(), nullable=False),
        sa.Column("requester_id", sa.Integer(), nullable=False),
        sa.Column("approver_id", sa.Integer(), nullable=True),
        sa.Column("implementer_id", sa.Integer(), nullable=True),
        sa.Column("reviewer_id", sa.Integer(), nullable=True),
        sa.Column("window_start", sa.DateTime(), nullable=True),
        sa.Column("window_end", sa.DateTime(), nullable=True),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("rolled_back_at", sa.DateTime(), nullable=True),
        sa.Column("rollback_reason", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("test_results", sa.Text(), nullable=False),
        sa.Column("caused", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "(rolled_back_at IS NULL) = (rollback_reason = '')", name=op.f("ck_changes_rolled_back_for_a_reason")
        ),
        sa.CheckConstraint(
            "(window_start IS NOT NULL AND implementer_id IS NOT NULL) OR state NOT IN ('implementing', 'implemented', 'rolled_back', 'reviewed', 'closed', 'scheduled')",
            name=op.f("ck_changes_scheduled_for_somebody"),
        ),
        sa.CheckConstraint(
            "approver_id IS NOT NULL OR state NOT IN ('implementing', 'implemented', 'rolled_back', 'reviewed', 'closed', 'approved', 'scheduled')",
            name=op.f("ck_changes_approved_by_somebody"),
        ),
        sa.CheckConstraint("caused IN ('', 'none', 'some')", name=op.f("ck_changes_caused_known")),
        sa.CheckConstraint("kind IN ('standard', 'normal', 'emergency')", name=op.f("ck_changes_kind_known")),
        sa.CheckConstraint(
            "outcome IN ('', 'successful', 'partial', 'failed', 'rolled_back')", name=op.f("ck_changes_outcome_known")
        ),
        sa.CheckConstraint(
            "reviewer_id IS NOT NULL OR state NOT IN ('reviewed', 'closed')",
            name=op.f("ck_changes_reviewed_by_somebody"),
        ),
        sa.CheckConstraint(
            "started_at IS NOT NULL OR state NOT IN ('implementing', 'implemented', 'rolled_back', 'reviewed', 'closed')",
            name=op.f("ck_changes_started_at_some_time"),
        ),
        sa.CheckConstraint(
            "state <> 'rolled_back' OR rolled_back_at IS NOT NULL", name=op.f("ck_changes_rolled_back_at_some_time")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'approved', 'scheduled', 'implementing', 'implemented', 'rolled_back', 'reviewed', 'closed', 'rejected', 'cancelled')",
            name=op.f("ck_changes_state_known"),
        ),
        sa.CheckConstraint("(window_start IS NULL) = (window_end IS NULL)", name=op.f("ck_changes_window_has_ends")),
        sa.CheckConstraint("approver_id <> requester_id", name=op.f("ck_changes_approver_did_not_ask")),
        sa.CheckConstraint("implementer_id <> approver_id", name=op.f("ck_changes_implementer_did_not_approve")),
        sa.CheckConstraint("reviewer_id <> implementer_id", name=op.f("ck_changes_reviewer_did_not_implement")),
        sa.CheckConstraint("window_start < window_end", name=op.f("ck_changes_window_has_length")),
        sa.ForeignKeyConstraint(["approver_id"], ["users.id"], name=op.f("fk_changes_approver_id")),
        sa.ForeignKeyConstraint(["implementer_id"], ["users.id"], name=op.f("fk_changes_implementer_id")),
        sa.ForeignKeyConstraint(["requester_id"], ["users.id"], name=op.f("fk_changes_requester_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name=op.f("fk_changes_reviewer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        sa.UniqueConstraint("number", name=op.f("uq_changes_number")),
    )
    op.create_index("ix_changes_state", "changes", ["state"])
    op.create_table(
        "problems",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("root_cause", sa.Text(), nullable=False),
        sa.Column("workaround", sa.Text(), nullable=False),
        sa.Column("solution_entry_id", sa.Integer(), nullable=True),
        sa.Column("cancel_reason", sa.String(length=60), nullable=False),
        sa.Column("opened_by_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("known_at", sa.DateTime(), nullable=True),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancel_reason <> '')", name=op.f("ck_problems_cancelled_has_reason")
        ),
        sa.CheckConstraint(
            "cancel_reason IN ('', 'duplicate', 'no_common_cause', 'obsolete')",
            name=op.f("ck_problems_cancel_reason_known"),
        ),
        sa.CheckConstraint(
            "state <> 'known_error' OR (length(trim(root_cause)) > 0 AND length(trim(workaround)) > 0)",
            name=op.f("ck_problems_known_error_is_known"),
        ),
        sa.CheckConstraint(
            "state IN ('new', 'investigating', 'known_error', 'resolved', 'closed', 'cancelled')",
            name=op.f("ck_problems_state_known"),
        ),
        sa.ForeignKeyConstraint(["opened_by_id"], ["users.id"], name=op.f("fk_problems_opened_by_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_problems_owner_id")),
        sa.ForeignKeyConstraint(["solution_entry_id"], ["entries.id"], name=op.f("fk_problems_solution_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problems")),
        sa.UniqueConstraint("number", name=op.f("uq_problems_number")),
    )
    op.create_index(op.f("ix_problems_solution_entry_id"), "problems", ["solution_entry_id"])
    op.create_index("ix_problems_state", "problems", ["state"])
    op.create_table(
        "change_incidents",
        sa.Column("change_id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.CheckConstraint("role IN ('answers', 'caused')", name=op.f("ck_change_incidents_role_known")),
        sa.ForeignKeyConstraint(["change_id"], ["changes.id"], name=op.f("fk_change_incidents_change_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_change_incidents_incident_id")),
        sa.PrimaryKeyConstraint("change_id", "incident_id", "role", name=op.f("pk_change_incidents")),
    )
    op.create_index(op.f("ix_change_incidents_incident_id"), "change_incidents", ["incident_id"])
    op.create_table(
        "change_problems",
        sa.Column("change_id", sa.Integer(), nullable=False),
        sa.Column("problem_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["changes.id"], name=op.f("fk_change_problems_change_id")),
        sa.ForeignKeyConstraint(["problem_id"], ["problems.id"], name=op.f("fk_change_problems_problem_id")),
        sa.PrimaryKeyConstraint("change_id", "problem_id", name=op.f("pk_change_problems")),
    )
    op.create_index(op.f("ix_change_problems_problem_id"), "change_problems", ["problem_id"])
    op.create_table(
        "problem_incidents",
        sa.Column("problem_id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_problem_incidents_incident_id")),
        sa.ForeignKeyConstraint(["problem_id"], ["problems.id"], name=op.f("fk_problem_incidents_problem_id")),
        sa.PrimaryKeyConstraint("problem_id", "incident_id", name=op.f("pk_problem_incidents")),
    )
    op.create_index(op.f("ix_problem_incidents_incident_id"), "problem_incidents", ["incident_id"])
    op.create_table(
        "change_plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("change_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('change_request', 'test_plan', 'tech_plan')", name=op.f("ck_change_plans_kind_known")
        ),
        sa.ForeignKeyConstraint(["change_id"], ["changes.id"], name=op.f("fk_change_plans_change_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_change_plans_entry_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_change_plans_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_plans")),
        sa.UniqueConstraint("change_id", "kind", name=op.f("uq_change_plans_change_id_kind")),
    )
    op.create_index(op.f("ix_change_plans_entry_id"), "change_plans", ["entry_id"])
    triggers.create(RULES)


def downgrade() -> None:
    triggers.drop(RULES)
    op.drop_table("change_plans")
    op.drop_table("problem_incidents")
    op.drop_table("change_problems")
    op.drop_table("change_incidents")
    op.drop_table("problems")
    op.drop_table("changes")
