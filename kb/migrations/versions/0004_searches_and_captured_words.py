"""What people search for, and the words that closed incidents give to their solutions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "searches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("relaxed", sa.String(length=20), nullable=False),
        sa.Column("top_id", sa.Integer(), nullable=True),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("opened_id", sa.Integer(), nullable=True),
        sa.Column("opened_rank", sa.Integer(), nullable=True),
        sa.Column("linked_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "role IN ('subscriber', 'technician', 'reviewer', 'knowledge_manager', 'administrator')",
            name=op.f("ck_searches_role_known"),
        ),
        sa.CheckConstraint("role <> 'subscriber' OR person_id IS NULL", name=op.f("ck_searches_subscriber_unnamed")),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name=op.f("fk_searches_person_id")),
        sa.ForeignKeyConstraint(["top_id"], ["entries.id"], name=op.f("fk_searches_top_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_searches_incident_id")),
        sa.ForeignKeyConstraint(["opened_id"], ["entries.id"], name=op.f("fk_searches_opened_id")),
        sa.ForeignKeyConstraint(["linked_id"], ["entries.id"], name=op.f("fk_searches_linked_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_searches")),
        sa.UniqueConstraint("token", name=op.f("uq_searches_token")),
    )
    op.create_index("ix_searches_at", "searches", ["at"])
    op.create_index("ix_searches_incident_id", "searches", ["incident_id"])
    op.create_index("ix_searches_person_id_at", "searches", ["person_id", "at"])
    op.create_table(
        "captured_texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=True),
        sa.Column("removed_by_id", sa.Integer(), nullable=True),
        sa.Column("removed_reason", sa.String(length=200), nullable=False),
        sa.CheckConstraint("source IN ('query', 'incident')", name=op.f("ck_captured_texts_source_known")),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_reason = '')", name=op.f("ck_captured_texts_removed_has_reason")
        ),
        sa.CheckConstraint("removed_at IS NULL OR text = ''", name=op.f("ck_captured_texts_removed_is_gone")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_captured_texts_entry_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_captured_texts_incident_id")),
        sa.ForeignKeyConstraint(["removed_by_id"], ["users.id"], name=op.f("fk_captured_texts_removed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_captured_texts")),
    )
    op.create_index("ix_captured_texts_entry_id", "captured_texts", ["entry_id"])
    op.create_index(
        "uq_captured_texts_live",
        "captured_texts",
        ["entry_id", "incident_id", "source"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index("ix_captured_texts_incident_id", "captured_texts", ["incident_id"])


def downgrade() -> None:
    op.drop_table("captured_texts")
    op.drop_table("searches")
