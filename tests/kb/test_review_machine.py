"""Whatever people do in whatever order, the promises hold: asked of SQL after every step."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.analysis.pinyin import readings
from kb import access, accounts, doubts, entries, publishing, reviews, validity
from kb.access import Person
from kb.db import Database
from kb.errors import KBError
from kb.lifecycle import Decision, Part
from kb.models import Entry, Revision
from kb.store import ContentStore
from tests.kb import samples

PEOPLE = ("tech", "tech2", "lead", "lead2", "manager")
WHO = st.sampled_from(PEOPLE)
WHICH = st.integers(0, 9)

# Each says what must never be found.
PROMISES = {
    "a published revision without two reviews by others, nor a slip of one that has them": """
        SELECT r.id FROM revisions r WHERE r.state IN ('approved', 'superseded', 'retired')
        AND (SELECT count(DISTINCT v.part) FROM reviews v WHERE v.decision = 'approve'
             AND v.reviewer_id IS DISTINCT FROM r.author_id
             AND v.revision_id = CASE r.origin WHEN 'minor' THEN r.base_id ELSE r.id END) <> 2""",
    "a slip with other attributes than what it corrects": """
        SELECT r.id FROM revisions r JOIN revisions b ON b.id = r.base_id
        WHERE r.attributes <> b.attributes OR r.title <> b.title OR b.origin = 'minor'""",
    "an entry that shows what is not approved": """
        SELECT e.id FROM entries e LEFT JOIN revisions r ON r.id = e.published_revision_id AND r.entry_id = e.id
        WHERE e.state IN ('published', 'expired') AND r.state IS NOT 'approved'""",
    "two approved revisions, or two open ones": """
        SELECT entry_id FROM revisions WHERE state = 'approved' GROUP BY entry_id HAVING count(*) > 1
        UNION SELECT entry_id FROM revisions WHERE state IN ('draft', 'submitted', 'in_review')
        GROUP BY entry_id HAVING count(*) > 1""",
    "a draft with decisions": """
        SELECT r.id FROM revisions r JOIN reviews v ON v.revision_id = r.id WHERE r.state = 'draft'""",
    "an author assigned to their own": "SELECT id FROM revisions WHERE assignee_id = author_id",
    "a doubt that no entry shows, or the other way round": """
        SELECT e.id FROM entries e WHERE (e.questioned_at IS NOT NULL) <>
        EXISTS (SELECT 1 FROM doubts d WHERE d.entry_id = e.id AND d.answered_at IS NULL)""",
    "a published text that the index was never told of": """
        SELECT e.id FROM entries e WHERE e.state = 'published'
        AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.entry_id = e.id)""",
    "a decision without a row in the audit": """
        SELECT v.id FROM reviews v WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.subject_type = 'revision'
        AND a.subject_id = v.revision_id AND a.action = v.part || '_' || v.decision)""",
}


class Life(RuleBasedStateMachine):
    """Entries and revisions in the hands of people who try everything."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.folder / "kb.sqlite3")
        self.database = Database(self.folder / "kb.sqlite3")
        self.store = ContentStore(self.folder / "store")
        with self.database.read() as session:
            self.people: dict[str, Person] = {
                name: access.person(session, accounts.get(session, name)) for name in PEOPLE
            }

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.folder)

    def _try(self, step: Callable[[Session], object]) -> None:
        """A step by somebody; refused steps must leave nothing behind."""
        with self.database.write() as session:
            try:
                step(session)
            except KBError:
                return
            session.commit()

    def _on(self, which: int, step: Callable[..., object]) -> None:
        def found(session: Session) -> object:
            rows = list(session.scalars(text("SELECT id FROM revisions ORDER BY id")))
            return step(session, session.get(Revision, rows[which % len(rows)])) if rows else None

        self._try(found)

    def _of(self, which: int, step: Callable[..., object]) -> None:
        self._on(which, lambda session, revision: step(session, session.get(Entry, revision.entry_id)))

    @initialize()
    def one_in_review(self) -> None:
        self.write("tech")
        self.submit("tech", 0)

    @rule(who=WHO)
    def write(self, who: str) -> None:
        self._try(lambda session: entries.create(session, self.people[who], samples.attributes(), samples.BODY))

    @rule(who=WHO, which=WHICH)
    def submit(self, who: str, which: int) -> None:
        self._on(which, lambda session, revision: entries.submit(session, self.people[who], revision))

    @rule(who=WHO, which=WHICH, word=st.sampled_from(["甲", "乙"]))
    def save(self, who: str, which: int, word: str) -> None:
        self._on(
            which,
            lambda session, revision: entries.save(
                session, self.people[who], revision, samples.attributes(devices=[word]), samples.BODY + word,
                version=revision.version,
            ),
        )  # fmt: skip

    @rule(who=WHO, which=WHICH)
    def recall(self, who: str, which: int) -> None:
        self._on(which, lambda session, revision: entries.recall(session, self.store, self.people[who], revision))

    @rule(who=WHO, which=WHICH, part=st.sampled_from(Part), decision=st.sampled_from(Decision))
    def decide(self, who: str, which: int, part: Part, decision: Decision) -> None:
        self._on(
            which,
            lambda session, revision: reviews.decide(
                session, self.store, self.people[who], revision, part, decision, reason="看过", similar=lambda t, b: []
            ),
        )

    @rule(who=st.sampled_from(["lead", "lead2"]), which=WHICH)
    def approve_both(self, who: str, which: int) -> None:
        for part in Part:
            self.decide(who, which, part, Decision.APPROVE)

    @rule(who=WHO, which=WHICH)
    def revise(self, who: str, which: int) -> None:
        self._of(which, lambda session, entry: entries.revise(session, self.store, self.people[who], entry))

    @rule(who=WHO, which=WHICH, number=st.integers(1, 3))
    def restore(self, who: str, which: int, number: int) -> None:
        self._of(which, lambda session, entry: entries.restore(session, self.store, self.people[who], entry, number))

    @rule(who=WHO, which=WHICH, mark=st.sampled_from("，；！"))
    def correct(self, who: str, which: int, mark: str) -> None:
        def step(session: Session, entry: Entry) -> None:
            if entry.published is not None:
                body = entries.text_of(self.store, entry.published).replace("松脱。", f"松脱{mark}", 1)
                publishing.correct(
                    session, self.store, self.people[who], entry, body,
                    base=entry.published.number, sounds=readings,
                )  # fmt: skip

        self._of(which, step)

    @rule(who=WHO, which=WHICH)
    def question(self, who: str, which: int) -> None:
        self._of(which, lambda session, entry: entries.question(session, self.people[who], entry, "做不通"))

    @rule(who=WHO, which=WHICH)
    def confirm(self, who: str, which: int) -> None:
        self._of(which, lambda session, entry: doubts.confirm(session, self.people[who], entry, reason="无误"))

    @rule(who=WHO, which=WHICH)
    def retire(self, who: str, which: int) -> None:
        self._of(which, lambda session, entry: validity.retire(session, self.people[who], entry, reason="作废"))

    @rule(who=WHO, which=WHICH)
    def discard(self, who: str, which: int) -> None:
        self._on(which, lambda session, revision: entries.discard(session, self.people[who], revision, reason="不写了"))

    @rule()
    def remind(self) -> None:
        self._try(lambda session: reviews.remind_due(session, 1, samples.CALENDAR))

    @invariant()
    def promises_hold(self) -> None:
        with self.database.read() as session:
            for promise, statement in PROMISES.items():
                assert session.execute(text(statement)).all() == [], promise


def test_no_order_of_steps_breaks_a_promise(_template: Path) -> None:
    machine = type("AtTemplate", (Life,), {"template": _template})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
