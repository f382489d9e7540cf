"""Notes and photos of incidents, written once and kept"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kb.migrations import triggers

revision = "0011"
down_revision = "0010"

_TRIGGERS = [
    triggers.never(table, event, what)
    for table in ("incident_notes", "incident_photos")
    for event, what in (("UPDATE", "do_not_change"), ("DELETE", "stay"))
]


def upgrade() -> None:
    op.create_table(
        "incident_notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("length(trim(text)) > 0", name=op.f("ck_incident_notes_says_something")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_incident_notes_incident_id")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_incident_notes_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_notes")),
        sa.UniqueConstraint("author_id", "key", name=op.f("uq_incident_notes_author_id_key")),
    )
    op.create_index(op.f("ix_incident_notes_incident_id"), "incident_notes", ["incident_id"])
    op.create_table(
        "incident_photos",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_incident_photos_incident_id")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_incident_photos_author_id")),
        sa.ForeignKeyConstraint(["sha256"], ["content_objects.sha256"], name=op.f("fk_incident_photos_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_photos")),
        sa.UniqueConstraint("incident_id", "sha256", name=op.f("uq_incident_photos_incident_id_sha256")),
    )
    op.create_index(op.f("ix_incident_photos_sha256"), "incident_photos", ["sha256"])
    triggers.create(_TRIGGERS)


def downgrade() -> None:
    triggers.drop(_TRIGGERS)
    op.drop_table("incident_photos")
    op.drop_table("incident_notes")
