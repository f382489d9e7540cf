"""What came of trying a solution's steps alone, and what a reporter gives the repair"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kb.migrations import triggers
from kb.migrations.triggers import Rule, fixed, never

revision = "0012"
down_revision = "0011"

RULES = [
    *fixed("self_help"),
    never("ratings", "DELETE", "stay"),
    Rule(
        "rating_stays_once_closed", "ratings", "UPDATE",
        (
            ("NEW.incident_id <> OLD.incident_id", "a rating is of one incident"),
            (
                "(SELECT state FROM incidents WHERE id = (SELECT coalesce(duplicate_of_id, id) FROM incidents"
                " WHERE id = OLD.incident_id)) IN ('closed', 'cancelled')",
                "a rating stays once its incident is closed",
            ),
        ),
    ),
]  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "self_help",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("outcome IN ('solved', 'reported')", name=op.f("ck_self_help_outcome_known")),
        sa.CheckConstraint(
            "(outcome = 'reported') = (incident_id IS NOT NULL)", name=op.f("ck_self_help_reported_has_incident")
        ),
        sa.CheckConstraint("tried BETWEEN 1 AND 99", name=op.f("ck_self_help_tried_range")),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_self_help_revision_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_self_help_incident_id")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_self_help_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_help")),
    )
    op.create_index("ix_self_help_revision_id", "self_help", ["revision_id"])
    op.create_table(
        "ratings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_ratings_stars_range")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_ratings_incident_id")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_ratings_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ratings")),
    )
    triggers.create(RULES)


def downgrade() -> None:
    triggers.drop(RULES)
    op.drop_table("ratings")
    op.drop_table("self_help")
