"""Whose turn it is to review, minor corrections, doubts about what is published, and what the database refuses of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_TWO_REVIEWS = """
        (NEW.origin = 'library' AND NEW.author_id IS NULL)
        OR (NEW.origin = 'imported'
            AND (SELECT kind FROM entries WHERE id = NEW.entry_id) IN ('reference', 'topology'))
        OR (NEW.origin = 'written' AND (SELECT count(DISTINCT part) FROM reviews
            WHERE revision_id = NEW.id AND decision = 'approve' AND reviewer_id IS NOT NEW.author_id) = 2)"""
# A minor correction rests on the last revision that was not one, has every attribute of it, and a text about as long.
# Which characters may differ, the database cannot see: the base's text is in the store. See kb/minor.py.
_MINOR = """
        (NEW.origin = 'minor' AND OLD.state = 'draft' AND NEW.author_id IS NOT NULL AND NEW.incident_id IS NULL
            AND EXISTS (
                SELECT 1 FROM revisions b JOIN entries e ON e.id = b.entry_id
                JOIN content_objects was ON was.sha256 = b.object_sha256
                JOIN content_objects becomes ON becomes.sha256 = NEW.object_sha256
                WHERE b.id = NEW.base_id AND b.entry_id = NEW.entry_id AND e.state = 'published'
                AND b.number = (SELECT max(number) FROM revisions WHERE entry_id = NEW.entry_id
                    AND origin <> 'minor' AND state IN ('approved', 'superseded', 'retired'))
                AND b.origin <> 'minor' AND b.state IN ('approved', 'superseded')
                AND b.title = NEW.title AND b.attributes = NEW.attributes
                AND abs(was.size - becomes.size) <= 18))"""
_REFUSED = "a revision is approved by two reviews that are not its author''s"
_IMMUTABLE = "a submitted revision does not change"

TRIGGERS: dict[str, str] = {
    "revision_needs_two_reviews": f"""
        BEFORE UPDATE OF state ON revisions WHEN NEW.state = 'approved' AND OLD.state <> 'approved'
        BEGIN SELECT RAISE(ABORT, '{_REFUSED}') WHERE NOT ({_TWO_REVIEWS}
        OR {_MINOR}); END""",
    "revision_is_born_reviewed": f"""
        BEFORE INSERT ON revisions WHEN NEW.state = 'approved'
        BEGIN SELECT RAISE(ABORT, '{_REFUSED}') WHERE NOT ({_TWO_REVIEWS}); END""",
    "revision_origin_stays": """
        BEFORE UPDATE OF origin, base_id ON revisions WHEN NEW.origin <> OLD.origin OR NEW.base_id IS NOT OLD.base_id
        BEGIN SELECT RAISE(ABORT, 'how a revision came to be does not change'); END""",
    "revision_keeps_its_reasons": f"""
        BEFORE UPDATE ON revisions WHEN OLD.state <> 'draft' AND (NEW.why_new IS NOT OLD.why_new
            OR NEW.change_note IS NOT OLD.change_note)
        BEGIN SELECT RAISE(ABORT, '{_IMMUTABLE}'); END""",
    # What was decided was decided of this text: with a decision it never becomes a draft again.
    "reviewed_revision_is_no_draft": """
        BEFORE UPDATE OF state ON revisions WHEN NEW.state = 'draft' AND OLD.state <> 'draft'
            AND (OLD.state NOT IN ('submitted', 'in_review')
                OR EXISTS (SELECT 1 FROM reviews WHERE revision_id = OLD.id)) BEGIN
        SELECT RAISE(ABORT, 'a revision with a decision does not become a draft again'); END""",
    "review_is_of_a_submitted_revision": """
        BEFORE INSERT ON reviews
        WHEN (SELECT state FROM revisions WHERE id = NEW.revision_id) NOT IN ('submitted', 'in_review') BEGIN
        SELECT RAISE(ABORT, 'only a revision in review is reviewed'); END""",
    "entry_shows_what_is_approved": """
        BEFORE UPDATE OF published_revision_id, state ON entries WHEN NEW.state IN ('published', 'expired')
            AND NOT EXISTS (SELECT 1 FROM revisions
                WHERE id = NEW.published_revision_id AND entry_id = NEW.id AND state = 'approved') BEGIN
        SELECT RAISE(ABORT, 'an entry shows an approved revision of its own'); END""",
    "entry_is_born_a_draft": """
        BEFORE INSERT ON entries WHEN NEW.state <> 'draft' BEGIN
        SELECT RAISE(ABORT, 'an entry begins as a draft'); END""",
    "doubt_is_kept": """
        BEFORE UPDATE ON doubts WHEN OLD.answered_at IS NOT NULL OR NEW.evidence IS NOT OLD.evidence
            OR NEW.revision_id IS NOT OLD.revision_id OR NEW.raised_by_id IS NOT OLD.raised_by_id
            OR NEW.created_at IS NOT OLD.created_at BEGIN
        SELECT RAISE(ABORT, 'a doubt and its answer are never changed'); END""",
    "doubt_stays": """
        BEFORE DELETE ON doubts BEGIN SELECT RAISE(ABORT, 'doubts are never deleted'); END""",
    "author_does_not_confirm": """
        BEFORE UPDATE OF answer ON doubts WHEN NEW.answer = 'confirmed' AND (NEW.answered_by_id IS NULL
            OR NEW.answered_by_id IS (SELECT author_id FROM revisions WHERE id = NEW.revision_id)) BEGIN
        SELECT RAISE(ABORT, 'an author does not confirm their own revision'); END""",
}
for _event, _row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
    TRIGGERS[f"attachment_{_event.lower()}_while_a_draft"] = f"""
        BEFORE {_event} ON attachments
        WHEN (SELECT state FROM revisions WHERE id = {_row}.revision_id) <> 'draft' BEGIN
        SELECT RAISE(ABORT, '{_IMMUTABLE}'); END"""
_REPLACED = ("revision_needs_two_reviews", "revision_is_born_reviewed")

_COLUMNS = {
    "revisions": {
        "base_id": "INTEGER CONSTRAINT fk_revisions_base_id REFERENCES revisions (id)",
        "why_new": "VARCHAR(500) DEFAULT '' NOT NULL",
        "assignee_id": "INTEGER CONSTRAINT fk_revisions_assignee_id REFERENCES users (id)",
    },
    "entries": {"questioned_at": "DATETIME"},
}
_ORIGINS = "origin IN ('written', 'library', 'imported')"
_ORIGINS_WITH_MINOR = "origin IN ('written', 'library', 'imported', 'minor')"


def _earlier() -> dict[str, str]:
    """The triggers of the migration that made them first."""
    environment = op.get_context().environment_context
    assert environment is not None
    module = environment.script.get_revision("0002").module
    return {name: module.TRIGGERS[name] for name in (*_REPLACED, "revision_is_immutable")}


def _origins(before: str, after: str) -> None:
    """Widen or narrow the check in place, as SQLite's documentation has it (ALTER TABLE, section 7): copying the table
    would cost its triggers and those of all tables that name it."""
    op.execute("PRAGMA writable_schema = ON")
    op.execute(
        sa.text("UPDATE sqlite_master SET sql = replace(sql, :before, :after) WHERE type = 'table' AND name = 'revisions'")
        .bindparams(before=before, after=after)
    )  # fmt: skip
    op.execute("PRAGMA writable_schema = RESET")


def upgrade() -> None:
    for table, columns in _COLUMNS.items():
        for name, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
    _origins(_ORIGINS, _ORIGINS_WITH_MINOR)
    op.create_table(
        "doubts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("raised_by_id", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("answered_at", sa.DateTime(), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("answer IN ('confirmed', 'revised', 'retired')", name=op.f("ck_doubts_answer_known")),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_doubts_answered_once")),
        sa.CheckConstraint(
            "answer IS NOT 'confirmed' OR length(trim(reason)) > 0", name=op.f("ck_doubts_confirmed_has_reason")
        ),
        sa.CheckConstraint("length(trim(evidence)) > 0", name=op.f("ck_doubts_has_evidence")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_doubts_entry_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_doubts_revision_id")),
        sa.ForeignKeyConstraint(["raised_by_id"], ["users.id"], name=op.f("fk_doubts_raised_by_id")),
        sa.ForeignKeyConstraint(["answered_by_id"], ["users.id"], name=op.f("fk_doubts_answered_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doubts")),
    )
    op.create_index("ix_doubts_entry_id", "doubts", ["entry_id"])
    op.create_table(
        "delegations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_delegations_to_another")),
        sa.CheckConstraint("starts <= ends", name=op.f("ck_delegations_span")),
        sa.ForeignKeyConstraint(["from_id"], ["users.id"], name=op.f("fk_delegations_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["users.id"], name=op.f("fk_delegations_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    for name in _REPLACED:
        op.execute(f"DROP TRIGGER {name}")
    for name, body in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {body}")


def downgrade() -> None:
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name}")
    # without the trigger that keeps it: such revisions were published, and the schema before knows them only as written
    op.execute("DROP TRIGGER revision_is_immutable")
    op.execute("UPDATE revisions SET origin = 'written' WHERE origin = 'minor'")
    op.drop_table("delegations")
    op.drop_table("doubts")
    for table, columns in _COLUMNS.items():
        for name in reversed(columns):
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
    _origins(_ORIGINS_WITH_MINOR, _ORIGINS)
    for name, body in _earlier().items():
        op.execute(f"CREATE TRIGGER {name} {body}")
