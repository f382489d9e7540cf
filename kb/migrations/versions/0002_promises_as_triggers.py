"""The promises that need more than one row, kept by the database itself, whoever writes to it."""

from __future__ import annotations

from kb.migrations import triggers
from kb.migrations.triggers import Rule, refuse

revision = "0002"
down_revision = "0001"

# The user's last word on this incident, said after the last resolution.
_VERIFIED = """NEW.resolved_at IS NOT NULL AND EXISTS (
        SELECT 1 FROM verifications v
        WHERE v.id = (SELECT max(id) FROM verifications WHERE incident_id = NEW.id)
          AND v.outcome = 'solved' AND v.created_at >= NEW.resolved_at)"""
_APPROVED_SOLUTION = """EXISTS (
        SELECT 1 FROM revisions r JOIN entries e ON e.id = r.entry_id
        WHERE r.id = NEW.solution_revision_id AND e.id = NEW.solution_entry_id AND e.kind = 'solution'
          AND r.state IN ('approved', 'superseded') AND e.state IN ('published', 'expired'))"""
_TWO_REVIEWS = """(NEW.origin = 'library' AND NEW.author_id IS NULL)
        OR (NEW.origin = 'imported'
            AND (SELECT kind FROM entries WHERE id = NEW.entry_id) IN ('reference', 'topology'))
        OR (SELECT count(DISTINCT part) FROM reviews
            WHERE revision_id = NEW.id AND decision = 'approve' AND reviewer_id IS DISTINCT FROM NEW.author_id) = 2"""
_NOT_REVIEWED = "a revision is approved by two reviews that are not its author's"

RULES = [
    # The step into `closed` is judged, and every change of what a closed incident rests on.
    Rule(
        "incident_closes_through_the_gate",
        "incidents",
        "UPDATE OF state, solution_entry_id, solution_revision_id, resolved_at",
        (
            (f"NEW.state = 'closed' AND NOT ({_VERIFIED})", "closing gate: the user has not confirmed the repair"),
            (f"NEW.state = 'closed' AND NOT {_APPROVED_SOLUTION}", "closing gate: no approved resolving solution"),
        ),
    ),
    refuse(
        "incident_is_not_born_closed",
        "incidents",
        "INSERT",
        "NEW.state IN ('closed', 'verified')",
        "closing gate: an incident does not begin closed",
    ),
    refuse(
        "revision_needs_two_reviews",
        "revisions",
        "UPDATE OF state",
        f"NEW.state = 'approved' AND OLD.state <> 'approved' AND NOT ({_TWO_REVIEWS})",
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
        "revision_is_immutable",
        "revisions",
        "UPDATE",
        """OLD.state <> 'draft' AND (
            NEW.title IS DISTINCT FROM OLD.title OR NEW.origin IS DISTINCT FROM OLD.origin
            OR CAST(NEW.attributes AS TEXT) IS DISTINCT FROM CAST(OLD.attributes AS TEXT)
            OR NEW.author_id IS DISTINCT FROM OLD.author_id OR NEW.entry_id IS DISTINCT FROM OLD.entry_id
            OR (NEW.body IS DISTINCT FROM OLD.body AND NEW.body IS NOT NULL)
            OR (OLD.object_sha256 IS NOT NULL AND NEW.object_sha256 IS DISTINCT FROM OLD.object_sha256))""",
        "a submitted revision does not change",
    ),
    refuse("revision_stays", "revisions", "DELETE", "OLD.state <> 'draft'", "a submitted revision is not deleted"),
    refuse(
        "entry_kind_stays",
        "entries",
        "UPDATE OF kind",
        "NEW.kind IS DISTINCT FROM OLD.kind",
        "the kind of an entry does not change",
    ),
    refuse(
        "author_does_not_review",
        "reviews",
        "INSERT",
        "NEW.reviewer_id = (SELECT author_id FROM revisions WHERE id = NEW.revision_id)",
        "an author does not review their own revision",
    ),
    *triggers.fixed("reviews", "verifications", "audit"),
]


def upgrade() -> None:
    triggers.create(RULES)


def downgrade() -> None:
    triggers.drop(RULES)
