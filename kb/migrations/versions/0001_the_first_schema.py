"""The first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "content_objects",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_content_objects_sha256_length")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_content_objects")),
    )
    op.create_table(
        "counters",
        sa.Column("series", sa.String(length=20), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_counters")),
    )
    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    op.create_table(
        "units",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('station', 'group', 'district', 'team')", name=op.f("ck_units_kind_known")),
        sa.ForeignKeyConstraint(["parent_id"], ["units.id"], name=op.f("fk_units_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
        sa.UniqueConstraint("key", name=op.f("uq_units_key")),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("category", sa.String(length=80), nullable=False),
        sa.Column("audience", sa.String(length=20), nullable=False),
        sa.Column("owner_group", sa.String(length=60), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("covers", sa.JSON(), nullable=False),
        sa.Column("published_revision_id", sa.Integer(), nullable=True),
        sa.Column("successor_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('published', 'expired')) <= (published_revision_id IS NOT NULL)",
            name=op.f("ck_entries_published_has_revision"),
        ),
        sa.CheckConstraint("audience IN ('public', 'staff', 'restricted')", name=op.f("ck_entries_audience_known")),
        sa.CheckConstraint(
            "kind IN ('solution', 'change_request', 'test_plan', 'tech_plan', 'policy', 'topology', 'reference')",
            name=op.f("ck_entries_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'expired', 'retired')", name=op.f("ck_entries_state_known")
        ),
        sa.ForeignKeyConstraint(["owner_group"], ["units.key"], name=op.f("fk_entries_owner_group")),
        sa.ForeignKeyConstraint(
            ["published_revision_id"], ["revisions.id"], name="fk_entries_published_revision_id", use_alter=True
        ),
        sa.ForeignKeyConstraint(["successor_id"], ["entries.id"], name=op.f("fk_entries_successor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
        sa.UniqueConstraint("number", name=op.f("uq_entries_number")),
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index("ix_entries_state_kind", ["state", "kind"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=60), nullable=False),
        sa.Column("display_name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "role IN ('subscriber', 'technician', 'reviewer', 'knowledge_manager', 'administrator')",
            name=op.f("ck_users_role_known"),
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_users_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("subject_type", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("from_state", sa.String(length=20), nullable=False),
        sa.Column("to_state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_audit_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_subject", ["subject_type", "subject_id"], unique=False)

    op.create_table(
        "imported_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_imported_files_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_files")),
        sa.UniqueConstraint("source", "path", name=op.f("uq_imported_files_source_path")),
    )
    with op.batch_alter_table("imported_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_imported_files_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=30), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=True),
        sa.Column("contact_name", sa.String(length=80), nullable=False),
        sa.Column("contact_phone", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("opened_by_id", sa.Integer(), nullable=True),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("solution_entry_id", sa.Integer(), nullable=True),
        sa.Column("solution_revision_id", sa.Integer(), nullable=True),
        sa.Column("cancel_reason", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("responded_at", sa.DateTime(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(), nullable=True),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "state <> 'cancelled' OR length(cancel_reason) > 0", name=op.f("ck_incidents_cancelled_has_reason")
        ),
        sa.CheckConstraint(
            "state IN ('new', 'in_progress', 'pending', 'resolved', 'verified', 'closed', 'reopened', 'cancelled')",
            name=op.f("ck_incidents_state_known"),
        ),
        sa.CheckConstraint(
            "(solution_entry_id IS NULL) = (solution_revision_id IS NULL)", name=op.f("ck_incidents_solution_pair")
        ),
        sa.CheckConstraint("priority BETWEEN 1 AND 4", name=op.f("ck_incidents_priority_range")),
        sa.ForeignKeyConstraint(["assignee_id"], ["users.id"], name=op.f("fk_incidents_assignee_id")),
        sa.ForeignKeyConstraint(["district_id"], ["units.id"], name=op.f("fk_incidents_district_id")),
        sa.ForeignKeyConstraint(["opened_by_id"], ["users.id"], name=op.f("fk_incidents_opened_by_id")),
        sa.ForeignKeyConstraint(["solution_entry_id"], ["entries.id"], name=op.f("fk_incidents_solution_entry_id")),
        sa.ForeignKeyConstraint(
            ["solution_revision_id"], ["revisions.id"], name="fk_incidents_solution_revision_id", use_alter=True
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("number", name=op.f("uq_incidents_number")),
    )
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incidents_solution_entry_id"), ["solution_entry_id"], unique=False)
        batch_op.create_index("ix_incidents_state", ["state"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("narrowing", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.Column("indexed_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_outbox_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_narrowing", ["entry_id"], unique=False,
            sqlite_where=sa.text("done_at IS NULL AND narrowing"), postgresql_where=sa.text("done_at IS NULL AND narrowing"),
        )
        batch_op.create_index("ix_outbox_pending", ["id"], unique=False, sqlite_where=sa.text("done_at IS NULL"), postgresql_where=sa.text("done_at IS NULL"))

    op.create_table(
        "incident_references",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_incident_references_entry_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_incident_references_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_references")),
        sa.UniqueConstraint("incident_id", "entry_id", name=op.f("uq_incident_references_incident_id_entry_id")),
    )
    with op.batch_alter_table("incident_references", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_references_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("object_sha256", sa.String(length=64), nullable=True),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("change_note", sa.String(length=500), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(), nullable=True),
        sa.Column("approved_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('approved', 'superseded', 'retired')) = (object_sha256 IS NOT NULL)",
            name=op.f("ck_revisions_approved_is_stored"),
        ),
        sa.CheckConstraint("origin IN ('written', 'library', 'imported')", name=op.f("ck_revisions_origin_known")),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'in_review', 'returned', 'approved', 'superseded', 'retired')",
            name=op.f("ck_revisions_state_known"),
        ),
        sa.CheckConstraint("(body IS NULL) <> (object_sha256 IS NULL)", name=op.f("ck_revisions_text_in_one_place")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_revisions_author_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_revisions_entry_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_revisions_incident_id")),
        sa.ForeignKeyConstraint(["object_sha256"], ["content_objects.sha256"], name=op.f("fk_revisions_object_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint("entry_id", "number", name=op.f("uq_revisions_entry_id_number")),
    )
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_revisions_object_sha256"), ["object_sha256"], unique=False)
        batch_op.create_index("ix_revisions_state", ["state"], unique=False)
        batch_op.create_index(
            "uq_revisions_approved", ["entry_id"], unique=True,
            sqlite_where=sa.text("state = 'approved'"), postgresql_where=sa.text("state = 'approved'"),
        )
        batch_op.create_index(
            "uq_revisions_open",
            ["entry_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('draft', 'submitted', 'in_review')"), postgresql_where=sa.text("state IN ('draft', 'submitted', 'in_review')"),
        )

    op.create_table(
        "verifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("said_by", sa.String(length=80), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "method IN ('signed_link', 'call_back', 'on_site')", name=op.f("ck_verifications_method_known")
        ),
        sa.CheckConstraint("outcome IN ('solved', 'unsolved')", name=op.f("ck_verifications_outcome_known")),
        sa.CheckConstraint("length(trim(said_by)) > 0", name=op.f("ck_verifications_said_by_somebody")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_verifications_incident_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["users.id"], name=op.f("fk_verifications_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
    )
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verifications_incident_id"), ["incident_id"], unique=False)

    op.create_table(
        "attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_attachments_revision_id")),
        sa.ForeignKeyConstraint(["sha256"], ["content_objects.sha256"], name=op.f("fk_attachments_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("revision_id", "filename", name=op.f("uq_attachments_revision_id_filename")),
    )
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachments_sha256"), ["sha256"], unique=False)

    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=20), nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "decision <> 'return' OR length(trim(reason)) > 0", name=op.f("ck_reviews_return_has_reason")
        ),
        sa.CheckConstraint("decision IN ('approve', 'return')", name=op.f("ck_reviews_decision_known")),
        sa.CheckConstraint("part IN ('content', 'formal')", name=op.f("ck_reviews_part_known")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name=op.f("fk_reviews_reviewer_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_reviews_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("revision_id", "part", name=op.f("uq_reviews_revision_id_part")),
    )

    if not _inline():
        for table, column in _LATER:
            op.create_foreign_key(f"fk_{table}_{column}", table, "revisions", [column], ["id"])


# Entries, incidents and revisions refer to each other: SQLite is told while it makes the table, others when all are there.
_LATER = (("entries", "published_revision_id"), ("incidents", "solution_revision_id"))


def _inline() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def downgrade() -> None:
    if not _inline():
        for table, column in _LATER:
            op.drop_constraint(f"fk_{table}_{column}", table)
    op.drop_table("reviews")
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attachments_sha256"))

    op.drop_table("attachments")
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_verifications_incident_id"))

    op.drop_table("verifications")
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.drop_index("uq_revisions_open", sqlite_where=sa.text("state IN ('draft', 'submitted', 'in_review')"))
        batch_op.drop_index("uq_revisions_approved", sqlite_where=sa.text("state = 'approved'"))
        batch_op.drop_index("ix_revisions_state")
        batch_op.drop_index(batch_op.f("ix_revisions_object_sha256"))

    op.drop_table("revisions")
    with op.batch_alter_table("incident_references", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_references_entry_id"))

    op.drop_table("incident_references")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_pending", sqlite_where=sa.text("done_at IS NULL"))
        batch_op.drop_index("ix_outbox_narrowing", sqlite_where=sa.text("done_at IS NULL AND narrowing"))

    op.drop_table("outbox")
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.drop_index("ix_incidents_state")
        batch_op.drop_index(batch_op.f("ix_incidents_solution_entry_id"))

    op.drop_table("incidents")
    with op.batch_alter_table("imported_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_imported_files_entry_id"))

    op.drop_table("imported_files")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_subject")

    op.drop_table("audit")
    op.drop_table("users")
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_index("ix_entries_state_kind")

    op.drop_table("entries")
    op.drop_table("units")
    op.drop_table("installation")
    op.drop_table("counters")
    op.drop_table("content_objects")
