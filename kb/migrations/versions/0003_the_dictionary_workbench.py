"""Dictionary lines, versions and their history; golden queries and their runs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kb.migrations import triggers

revision = "0003"
down_revision = "0002"

RULES = triggers.fixed("dictionary_versions", "dictionary_changes")
_KINDS = "kind IN ('term', 'synonym', 'stopword', 'pin')"
_ACTIONS = "action IN ('add', 'remove', 'replace', 'apply', 'in_use', 'refused', 'golden_add', 'golden_remove')"


def upgrade() -> None:
    op.create_table(
        "dictionary_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.String(length=400), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(_KINDS, name=op.f("ck_dictionary_lines_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dictionary_lines")),
        sa.UniqueConstraint("kind", "text", name=op.f("uq_dictionary_lines_kind_text")),
    )
    op.create_table(
        "dictionary_versions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_dictionary_versions_actor_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_dictionary_versions")),
    )
    op.create_table(
        "dictionary_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(_ACTIONS, name=op.f("ck_dictionary_changes_action_known")),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_dictionary_changes_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dictionary_changes")),
    )
    op.create_table(
        "golden_queries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("query", sa.String(length=200), nullable=False),
        sa.Column("entry", sa.String(length=60), nullable=False),
        sa.Column("lowest", sa.Integer(), nullable=False),
        sa.CheckConstraint("lowest BETWEEN 1 AND 20", name=op.f("ck_golden_queries_lowest_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_golden_queries")),
        sa.UniqueConstraint("query", "entry", name=op.f("uq_golden_queries_query_entry")),
    )
    op.create_table(
        "golden_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("occasion", sa.String(length=20), nullable=False),
        sa.Column("basis", sa.String(length=120), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_golden_runs")),
    )
    triggers.create(RULES)


def downgrade() -> None:
    triggers.drop(RULES)
    for table in ("golden_runs", "golden_queries", "dictionary_changes", "dictionary_versions", "dictionary_lines"):
        op.drop_table(table)
