"""What holds of every installation at every moment, asked of the rows themselves and of no function of ours."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

# name: a query that finds the rows for which the promise is broken
PROMISES = {
    "a closed incident was confirmed by its own reporter, last and after the repair": """
        SELECT i.number FROM incidents i WHERE i.state = 'closed' AND NOT EXISTS (
            SELECT 1 FROM verifications v WHERE v.incident_id = i.id AND v.reporter_id IS NULL AND v.outcome = 'solved'
            AND v.created_at >= i.resolved_at AND NOT EXISTS (
                SELECT 1 FROM verifications w WHERE w.incident_id = i.id AND w.reporter_id IS NULL AND w.id > v.id))""",
    "and by all whose reports were merged into it": """
        SELECT i.number FROM incidents i JOIN incidents d ON d.duplicate_of_id = i.id
        WHERE i.state = 'closed' AND d.ask_reporter AND NOT EXISTS (
            SELECT 1 FROM verifications v WHERE v.incident_id = i.id AND v.reporter_id = d.id AND v.outcome = 'solved'
            AND v.created_at >= i.resolved_at AND NOT EXISTS (
                SELECT 1 FROM verifications w WHERE w.incident_id = i.id AND w.reporter_id = d.id AND w.id > v.id))""",
    "its solution passed two reviews by others than its author, in the revision that was applied": """
        SELECT i.number FROM incidents i WHERE i.state = 'closed' AND NOT EXISTS (
            SELECT 1 FROM revisions r JOIN entries e ON e.id = r.entry_id
            WHERE r.id = i.solution_revision_id AND e.id = i.solution_entry_id AND e.kind = 'solution'
            AND r.state IN ('approved', 'superseded', 'retired') AND (r.origin = 'library' OR 2 = (
                SELECT count(DISTINCT v.part) FROM reviews v
                WHERE v.revision_id = r.id AND v.decision = 'approve' AND v.reviewer_id IS DISTINCT FROM r.author_id)))""",
    "it was approved before the incident closed": """
        SELECT i.number FROM incidents i JOIN revisions r ON r.id = i.solution_revision_id
        WHERE i.state = 'closed' AND (r.approved_at IS NULL OR i.closed_at IS NULL OR r.approved_at > i.closed_at)""",
    "its last step was from verified to closed": """
        SELECT i.number FROM incidents i WHERE i.state = 'closed' AND NOT EXISTS (
            SELECT 1 FROM audit a WHERE a.id = (
                SELECT max(b.id) FROM audit b
                WHERE b.subject_type = 'incident' AND b.subject_id = i.id AND b.action IN ('close', 'reopen'))
            AND a.action = 'close' AND a.from_state = 'verified' AND a.to_state = 'closed')""",
    "the audit's last state is the incident's": """
        SELECT i.number FROM incidents i WHERE i.state <> (
            SELECT a.to_state FROM audit a WHERE a.subject_type = 'incident' AND a.subject_id = i.id
            AND a.action NOT IN ('link', 'relink') AND a.to_state <> '' ORDER BY a.id DESC LIMIT 1)""",
    "only a lead cancelled, for a reason from the list, and no user had spoken": """
        SELECT i.number FROM incidents i WHERE i.state = 'cancelled' AND (
            i.cancel_reason NOT IN ('duplicate', 'false_report', 'withdrawn')
            OR EXISTS (SELECT 1 FROM verifications v WHERE v.incident_id = i.id)
            OR NOT EXISTS (SELECT 1 FROM audit a JOIN users u ON u.id = a.actor_id WHERE a.subject_type = 'incident'
                AND a.subject_id = i.id AND a.action IN ('cancel', 'merge') AND u.role = 'reviewer'))""",
    "a merged report points to one that was not merged itself": """
        SELECT d.number FROM incidents d JOIN incidents m ON m.id = d.duplicate_of_id WHERE m.duplicate_of_id IS NOT NULL""",
    "a closed incident has the words that were captured from it on its solution alone": """
        SELECT c.id FROM captured_texts c JOIN incidents i ON i.id = c.incident_id
        WHERE c.removed_at IS NULL AND (i.state <> 'closed' OR i.solution_entry_id <> c.entry_id)""",
    "every hand-over says why": "SELECT id FROM handovers WHERE trim(remark) = '' OR reason = ''",
    "a refusal is an outcome of the revision that was applied": """
        SELECT o.id FROM solution_outcomes o WHERE o.outcome = 'held' AND NOT EXISTS (
            SELECT 1 FROM audit a WHERE a.subject_type = 'incident' AND a.subject_id = o.incident_id AND a.action = 'close')""",
}


def check(session: Session) -> None:
    """All promises, or which one is broken by what."""
    session.flush()
    for promise, query in PROMISES.items():
        assert list(session.scalars(text(query))) == [], promise
