"""Notices of changes, and mails that carry some of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"

_WAITING = sa.text("sent_at IS NULL AND given_up_at IS NULL")
_UNREAD = sa.text("read_at IS NULL")


def upgrade() -> None:
    op.add_column("users", sa.Column("email", sa.String(length=254), nullable=False, server_default=""))
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("audit_id", sa.Integer(), nullable=False),
        sa.Column("because", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("read_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["recipient_id"], ["users.id"], name=op.f("fk_notices_recipient_id")),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name=op.f("fk_notices_audit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("recipient_id", "audit_id", name=op.f("uq_notices_recipient_id_audit_id")),
    )
    op.create_index("ix_notices_created_at", "notices", ["created_at"])
    op.create_index("ix_notices_unread", "notices", ["recipient_id"], sqlite_where=_UNREAD, postgresql_where=_UNREAD)
    op.create_table(
        "mails",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("next_at", sa.DateTime(), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.Column("given_up_at", sa.DateTime(), nullable=True),
        sa.Column("error", sa.String(length=200), nullable=False),
        sa.CheckConstraint("sent_at IS NULL OR given_up_at IS NULL", name=op.f("ck_mails_one_end")),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_mails_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("notice_id", name=op.f("uq_mails_notice_id")),
    )
    op.create_index("ix_mails_waiting", "mails", ["next_at"], sqlite_where=_WAITING, postgresql_where=_WAITING)


def downgrade() -> None:
    op.drop_table("mails")
    op.drop_table("notices")
    op.drop_column("users", "email")
