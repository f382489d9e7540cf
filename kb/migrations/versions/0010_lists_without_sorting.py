"""Indexes by which lists of entries come in their order, and counts without reading an entry"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

_NEW = {
    "ix_entries_state_updated_at": ["state", "updated_at"],
    "ix_entries_state_kind_updated_at": ["state", "kind", "updated_at"],
    "ix_entries_counted": ["state", "category", "kind", "audience", "owner_group", "valid_until"],
}


def upgrade() -> None:
    for name, columns in _NEW.items():
        op.create_index(name, "entries", columns)
    op.drop_index("ix_entries_state_kind", "entries")


def downgrade() -> None:
    op.create_index("ix_entries_state_kind", "entries", ["state", "kind"])
    for name in _NEW:
        op.drop_index(name, "entries")
