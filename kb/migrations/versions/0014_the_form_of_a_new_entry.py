"""By which key the form that began an entry is known, so that sending it twice makes one entry"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("revisions", sa.Column("form_key", sa.String(length=64), nullable=True))
    op.create_index("uq_revisions_form_key", "revisions", ["author_id", "form_key"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_revisions_form_key", "revisions")
    op.drop_column("revisions", "form_key")
