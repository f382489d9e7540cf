"""Whose turn it is to review, minor corrections, doubts about what is published, and what the database refuses of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kb.migrations import triggers
from kb.migrations.triggers import ALWAYS, refuse

revision = "0007"
down_revision = "0006"

_TWO_REVIEWS = """(NEW.origin = 'library' AND NEW.author_id IS NULL)
        OR (NEW.origin = 'imported'
            AND (SELECT kind FROM entries WHERE id = NEW.entry_id) IN ('reference', 'topology'))
        OR (NEW.origin = 'written' AND (SELECT count(DISTINCT part) FROM reviews
            WHERE revision_id = NEW.id AND decision = 'approve' AND reviewer_id IS DISTINCT FROM NEW.author_id) = 2)"""
# A minor correction rests on the last revision that was not one, has every attribute of it, and a text about as long.
# Which characters may differ, the database cannot see: the base's text is in the store. See kb/minor.py.
_MINOR = """(NEW.origin = 'minor' AND OLD.state = 'draft' AND NEW.author_id IS NOT NULL AND NEW.incident_id IS NULL
            AND EXISTS (
                SELECT 1 FROM revisions b JOIN entries e ON e.id = b.entry_id
                JOIN content_objects was ON was.sha256 = b.object_sha256
                JOIN content_objects becomes ON becomes.sha256 = NEW.object_sha256
                WHERE b.id = NEW.base_id AND b.entry_id = NEW.entry_id AND e.state = 'published'
                AND b.number = (SELECT max(number) FROM revisions WHERE entry_id = NEW.entry_id
                    AND origin <> 'minor' AND state IN ('approved', 'superseded', 'retired'))
                AND b.origin <> 'minor' AND b.state IN ('approved', 'superseded')
                AND b.title = NEW.title AND CAST(b.attributes AS TEXT) = CAST(NEW.attributes AS TEXT)
                AND abs(was.size - becomes.size) <= 18))"""
_NOT_REVIEWED = "a revision is approved by two reviews that are not its author's"
_IMMUTABLE = "a submitted revision does not change"
_REPLACED = ("revision_needs_two_reviews", "revision_is_born_reviewed")

RULES = [
    refuse(
        "revision_needs_two_reviews",
        "revisions",
        "UPDATE OF state",
        f"NEW.state = 'approved' AND OLD.state <> 'approved' AND NOT ({_TWO_REVIEWS}\n        OR {_MINOR})",
        _NOT_REVIEWED,
    ),
    refuse(
        "revision_is_born_reviewed",
        "revisions",
        "INSERT",
        f"NEW.state = 'approved' AND NOT ({_TWO_REVIEWS})",
        _NOT_REVIEWED,
    ),
    refuse(
        "revision_origin_stays",
        "revisions",
        "UPDATE OF origin, base_id",
        "NEW.origin <> OLD.origin OR NEW.base_id IS DISTINCT FROM OLD.base_id",
        "how a revision came to be does not change",
    ),
    refuse(
        "revision_keeps_its_reasons",
        "revisions",
        "UPDATE",
        "OLD.state <> 'draft' AND (NEW.why_new IS DISTINCT FROM OLD.why_new"
        " OR NEW.change_note IS DISTINCT FROM OLD.change_note)",
        _IMMUTABLE,
    ),
    # What was decided was decided of this text: with a decision it never becomes a draft again.
    refuse(
        "reviewed_revision_is_no_draft",
        "revisions",
        "UPDATE OF state",
        "NEW.state = 'draft' AND OLD.state <> 'draft' AND (OLD.state NOT IN ('submitted', 'in_review')"
        " OR EXISTS (SELECT 1 FROM reviews WHERE revision_id = OLD.id))",
        "a revision with a decision does not become a draft again",
    ),
    refuse(
        "review_is_of_a_submitted_revision",
        "reviews",
        "INSERT",
        "(SELECT state FROM revisions WHERE id = NEW.revision_id) NOT IN ('submitted', 'in_review')",
        "only a revision in review is reviewed",
    ),
    refuse(
        "entry_shows_what_is_approved",
        "entries",
        "UPDATE OF published_revision_id, state",
        "NEW.state IN ('published', 'expired') AND NOT EXISTS (SELECT 1 FROM revisions"
        " WHERE id = NEW.published_revision_id AND entry_id = NEW.id AND state = 'approved')",
        "an entry shows an approved revision of its own",
    ),
    refuse("entry_is_born_a_draft", "entries", "INSERT", "NEW.state <> 'draft'", "an entry begins as a draft"),
    refuse(
        "doubt_is_kept",
        "doubts",
        "UPDATE",
        "OLD.answered_at IS NOT NULL"
        + "".join(
            f" OR NEW.{name} IS DISTINCT FROM OLD.{name}"
            for name in ("evidence", "revision_id", "raised_by_id", "created_at")
        ),
        "a doubt and its answer are never changed",
    ),
    refuse("doubt_stays", "doubts", "DELETE", ALWAYS, "doubts are never deleted"),
    refuse(
        "author_does_not_confirm",
        "doubts",
        "UPDATE OF answer",
        "NEW.answer = 'confirmed' AND (NEW.answered_by_id IS NULL"
        " OR NEW.answered_by_id = (SELECT author_id FROM revisions WHERE id = NEW.revision_id))",
        "an author does not confirm their own revision",
    ),
    *[
        refuse(
            f"attachment_{event}_while_a_draft".lower(),
            "attachments",
            event,
            f"(SELECT state FROM revisions WHERE id = {row}.revision_id) <> 'draft'",
            _IMMUTABLE,
        )
        for event, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"))
    ],
]

_COLUMNS = {  # of revisions
    "base_id": "INTEGER CONSTRAINT fk_revisions_base_id REFERENCES revisions (id)",
    "why_new": "VARCHAR(500) DEFAULT '' NOT NULL",
    "assignee_id": "INTEGER CONSTRAINT fk_revisions_assignee_id REFERENCES users (id)",
}
_ORIGINS = "origin IN ('written', 'library', 'imported')"
_ORIGINS_WITH_MINOR = "origin IN ('written', 'library', 'imported', 'minor')"


def _origins(before: str, after: str) -> None:
    """Widen or narrow the check. In place on SQLite, as its documentation has it (ALTER TABLE, section 7): copying the table
    would cost its triggers and those of all tables that name it."""
    if op.get_context().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_revisions_origin_known"), "revisions")
        op.create_check_constraint(op.f("ck_revisions_origin_known"), "revisions", sa.text(after))
        return
    op.execute("PRAGMA writable_schema = ON")
    op.execute(
        sa.text("UPDATE sqlite_master SET sql = replace(sql, :before, :after) WHERE type = 'table' AND name = 'revisions'")
        .bindparams(before=before, after=after)
    )  # fmt: skip
    op.execute("PRAGMA writable_schema = RESET")


def upgrade() -> None:
    for name, kind in _COLUMNS.items():
        op.execute(f"ALTER TABLE revisions ADD COLUMN {name} {kind}")
    op.add_column("entries", sa.Column("questioned_at", sa.DateTime(), nullable=True))
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
            "answer <> 'confirmed' OR length(trim(reason)) > 0", name=op.f("ck_doubts_confirmed_has_reason")
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
    triggers.drop(triggers.of("0002", *_REPLACED))
    triggers.create(RULES)


def downgrade() -> None:
    triggers.drop(RULES)
    earlier = triggers.of("0002", *_REPLACED, "revision_is_immutable")
    # without the rule that keeps it: such revisions were published, and the schema before knows them only as written
    triggers.drop(earlier)
    op.execute("UPDATE revisions SET origin = 'written' WHERE origin = 'minor'")
    op.drop_table("delegations")
    op.drop_table("doubts")
    op.drop_column("entries", "questioned_at")
    for name in reversed(_COLUMNS):
        op.execute(f"ALTER TABLE revisions DROP COLUMN {name}")
    _origins(_ORIGINS_WITH_MINOR, _ORIGINS)
    triggers.create(earlier)
