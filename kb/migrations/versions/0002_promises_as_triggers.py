"""The promises that need more than one row, kept by the database itself, whoever writes to it."""

from __future__ import annotations

from kb.migrations import triggers

revision = "0002"
down_revision = "0001"

# The user's last word on this incident, said after the last resolution.
_VERIFIED = """
    NEW.resolved_at IS NOT NULL AND EXISTS (
        SELECT 1 FROM verifications v
        WHERE v.id = (SELECT max(id) FROM verifications WHERE incident_id = NEW.id)
          AND v.outcome = 'solved' AND v.created_at >= NEW.resolved_at)
"""
_APPROVED_SOLUTION = """
    EXISTS (
        SELECT 1 FROM revisions r JOIN entries e ON e.id = r.entry_id
        WHERE r.id = NEW.solution_revision_id AND e.id = NEW.solution_entry_id AND e.kind = 'solution'
          AND r.state IN ('approved', 'superseded') AND e.state IN ('published', 'expired'))
"""
_GATE = f"""
    SELECT RAISE(ABORT, 'closing gate: the user has not confirmed the repair') WHERE NOT ({_VERIFIED});
    SELECT RAISE(ABORT, 'closing gate: no approved resolving solution') WHERE NOT ({_APPROVED_SOLUTION});
"""
_TWO_REVIEWS = """
    SELECT RAISE(ABORT, 'a revision is approved by two reviews that are not its author''s') WHERE NOT (
        (NEW.origin = 'library' AND NEW.author_id IS NULL)
        OR (NEW.origin = 'imported'
            AND (SELECT kind FROM entries WHERE id = NEW.entry_id) IN ('reference', 'topology'))
        OR (SELECT count(DISTINCT part) FROM reviews
            WHERE revision_id = NEW.id AND decision = 'approve' AND reviewer_id IS NOT NEW.author_id) = 2);
"""

TRIGGERS: dict[str, str] = {
    # The step into `closed` is judged, and every change of what a closed incident rests on.
    "incident_closes_through_the_gate": f"""
        BEFORE UPDATE OF state, solution_entry_id, solution_revision_id, resolved_at ON incidents
        WHEN NEW.state = 'closed' BEGIN {_GATE} END""",
    "incident_is_not_born_closed": """
        BEFORE INSERT ON incidents WHEN NEW.state IN ('closed', 'verified') BEGIN
        SELECT RAISE(ABORT, 'closing gate: an incident does not begin closed'); END""",
    "revision_needs_two_reviews": f"""
        BEFORE UPDATE OF state ON revisions WHEN NEW.state = 'approved' AND OLD.state <> 'approved'
        BEGIN {_TWO_REVIEWS} END""",
    "revision_is_born_reviewed": f"""
        BEFORE INSERT ON revisions WHEN NEW.state = 'approved' BEGIN {_TWO_REVIEWS} END""",
    "revision_is_immutable": """
        BEFORE UPDATE ON revisions WHEN OLD.state <> 'draft' AND (
            NEW.title IS NOT OLD.title OR NEW.attributes IS NOT OLD.attributes OR NEW.origin IS NOT OLD.origin
            OR NEW.author_id IS NOT OLD.author_id OR NEW.entry_id IS NOT OLD.entry_id
            OR (NEW.body IS NOT OLD.body AND NEW.body IS NOT NULL)
            OR (OLD.object_sha256 IS NOT NULL AND NEW.object_sha256 IS NOT OLD.object_sha256)) BEGIN
        SELECT RAISE(ABORT, 'a submitted revision does not change'); END""",
    "revision_stays": """
        BEFORE DELETE ON revisions WHEN OLD.state <> 'draft' BEGIN
        SELECT RAISE(ABORT, 'a submitted revision is not deleted'); END""",
    "entry_kind_stays": """
        BEFORE UPDATE OF kind ON entries WHEN NEW.kind IS NOT OLD.kind BEGIN
        SELECT RAISE(ABORT, 'the kind of an entry does not change'); END""",
    "author_does_not_review": """
        BEFORE INSERT ON reviews
        WHEN NEW.reviewer_id IS (SELECT author_id FROM revisions WHERE id = NEW.revision_id) BEGIN
        SELECT RAISE(ABORT, 'an author does not review their own revision'); END""",
}
for _table in ("reviews", "verifications", "audit"):
    TRIGGERS[f"{_table}_do_not_change"] = f"""
        BEFORE UPDATE ON {_table} BEGIN SELECT RAISE(ABORT, '{_table} are never changed'); END"""
    TRIGGERS[f"{_table}_stay"] = f"""
        BEFORE DELETE ON {_table} BEGIN SELECT RAISE(ABORT, '{_table} are never deleted'); END"""


def upgrade() -> None:
    for name, body in TRIGGERS.items():
        triggers.create(name, body)


def downgrade() -> None:
    for name in TRIGGERS:
        triggers.drop(name)
