"""What is published without a review: slips of the pen, and nothing that the database could be talked into."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from indexer.analysis.pinyin import readings
from kb import audit, doubts, entries, incidents, outbox, publishing, reviews, validity
from kb.db import Database
from kb.errors import Conflict, Invalid, NotAllowed, StaleVersion
from kb.lifecycle import Decision, EntryState, IncidentState, Origin, Part, RevisionState
from kb.models import Entry, Revision
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import samples

TYPO = samples.BODY.replace("射频线松脱。", "射频线松脱，帐号过期。")
RIGHT = TYPO.replace("帐号", "账号")


def _published(session: Session, store: ContentStore, people: People) -> Entry:
    return samples.published(session, store, people.tech, people.lead, TYPO)


def _correct(session: Session, store: ContentStore, people: People, entry: Entry, body: str = RIGHT) -> Revision:
    assert entry.published is not None
    return publishing.correct(session, store, people.manager, entry, body, base=entry.published.number, sounds=readings)


def test_a_slip_is_published_at_once_and_the_reviewers_are_named(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = _published(session, store, people)
        entries.question(session, people.tech2, entry, "第二步做不通")
        waiting = outbox.waiting(session)
        made = _correct(session, store, people, entry)
        assert (made.number, made.state, made.origin) == (2, RevisionState.APPROVED, Origin.MINOR)
        assert (made.author_id, entry.published_revision_id) == (people.manager.id, made.id)
        assert entries.text_of(store, made) == RIGHT
        assert outbox.waiting(session) == waiting + 1
        assert [(row.action, row.actor, row.reason) for row in audit.history(session, made)] == [
            ("correct", "manager", "lead")
        ]
        assert entry.questioned_at is not None  # a comma answers no doubt
        incident = samples.confirmed(session, people.tech, samples.resolved(session, people.tech))
        incidents.link(session, people.tech, incident, entry)
        incidents.close(session, people.tech, incident)
        assert incident.state == IncidentState.CLOSED


def test_slips_do_not_add_up(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = _published(session, store, people)
        made = _correct(session, store, people, entry)
        again = _correct(session, store, people, entry, RIGHT.replace("松脱，", "松脱；"))
        assert (made.base_id, again.base_id) == (made.entry.revisions[0].id,) * 2
        with pytest.raises(Invalid, match="6 个字"):  # each a step from the last, together more than a slip
            _correct(session, store, people, entry, RIGHT.replace("，", "；").replace("。", "！"))
        back = _correct(session, store, people, entry, RIGHT)
        assert back.number == 4


def test_more_than_a_slip_is_refused_and_nothing_is_kept(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = _published(session, store, people)
        for body in (TYPO, RIGHT.replace("仍不行", "仍行"), RIGHT + "\n另加一行\n", RIGHT.replace("F 头", "N 头")):
            with pytest.raises(Invalid) as wrong:
                _correct(session, store, people, entry, body)
            assert "body" in wrong.value.fields
        assert len(entry.revisions) == 1


def test_who_and_when(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = _published(session, store, people)
        for person in (people.tech, people.admin, people.subscriber):
            with pytest.raises(NotAllowed):
                publishing.correct(session, store, person, entry, RIGHT, base=1, sounds=readings)
        with pytest.raises(StaleVersion):
            publishing.correct(session, store, people.lead, entry, RIGHT, base=2, sounds=readings)
        draft = samples.submitted(session, people.tech, TYPO)
        with pytest.raises(Conflict):
            publishing.correct(session, store, people.lead, draft.entry, RIGHT, base=1, sounds=readings)
        entries.revise(session, store, people.tech, entry)
        with pytest.raises(Conflict, match="未完成"):
            _correct(session, store, people, entry)


@pytest.fixture
def forged(database: Database, store: ContentStore, people: People) -> tuple[int, int, int]:
    """A published entry with a newer draft that claims to be a minor correction: ids of entry, base and draft."""
    with database.write() as session:
        entry = _published(session, store, people)
        base = entry.published_revision_id
        key = store.put(session, RIGHT.encode(), publishing.MARKDOWN)
        session.execute(text("PRAGMA foreign_keys"))
        row = Revision(
            entry=entry, number=2, origin=Origin.MINOR, base_id=base, title=entry.title,
            attributes=entry.revisions[0].attributes, body=RIGHT, author_id=people.tech.id,
        )  # fmt: skip
        session.add(row)
        session.flush()
        ids = (entry.id, base or 0, row.id)
        session.execute(text("UPDATE revisions SET state = 'superseded' WHERE id = :id"), {"id": base})
        session.commit()
    assert key
    return ids


APPROVE = """UPDATE revisions SET state = 'approved', body = NULL,
    object_sha256 = (SELECT sha256 FROM content_objects WHERE size = {size}) WHERE id = {id}"""


def test_the_database_takes_exactly_that_form(database: Database, forged: tuple[int, int, int]) -> None:
    with database.write() as session:
        session.execute(text(APPROVE.format(size=len(RIGHT.encode()), id=forged[2])))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE revisions SET title = '别的标题' WHERE id = {draft}",
        """UPDATE revisions SET attributes = json_set(attributes, '$.audience', 'staff') WHERE id = {draft}""",
        "UPDATE revisions SET author_id = NULL WHERE id = {draft}",
        "UPDATE revisions SET state = 'submitted' WHERE id = {draft}",
        "UPDATE entries SET state = 'retired' WHERE id = {entry}",
        "UPDATE entries SET state = 'expired', published_revision_id = {base} WHERE id = {entry}",
        "UPDATE revisions SET incident_id = 1 WHERE id = {draft}",
        "LONG",
        "NEWER",
    ],
)
def test_the_database_refuses_any_other(
    database: Database, store: ContentStore, people: People, forged: tuple[int, int, int], change: str
) -> None:
    entry, base, draft = forged
    size = len(RIGHT.encode())
    with database.write() as session:
        if change == "LONG":
            body = RIGHT + "多七个字的话啊"
            store.put(session, body.encode(), publishing.MARKDOWN)
            size = len(body.encode())
        elif change == "NEWER":  # another reviewed revision came after the base
            session.execute(text(
                "INSERT INTO revisions (entry_id, number, state, origin, title, attributes, body, author_id, version,"
                " created_at, change_note) SELECT entry_id, 3, 'returned', 'written', title, attributes, 'x', 1, 1,"
                f" created_at, '' FROM revisions WHERE id = {draft}"
            ))  # fmt: skip
            key = session.scalar(text("SELECT sha256 FROM content_objects LIMIT 1"))
            session.execute(
                text("UPDATE revisions SET state = 'retired', body = NULL, object_sha256 = :key WHERE number = 3"),
                {"key": key},
            )
        else:
            samples.incident(session, people.tech)
            statement = change.format(entry=entry, base=base, draft=draft)
            try:
                session.execute(text(statement))
            except IntegrityError:
                return  # refused even earlier
        with pytest.raises(IntegrityError, match=r"two reviews|approved"):
            session.execute(text(APPROVE.format(size=size, id=draft)))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE revisions SET origin = 'library', author_id = NULL WHERE state = 'draft'", "how a revision came"),
        ("UPDATE revisions SET origin = 'minor', base_id = 1 WHERE state = 'draft'", "how a revision came"),
        ("UPDATE revisions SET state = 'draft' WHERE state = 'in_review'", "does not become a draft"),
        ("UPDATE revisions SET state = 'draft' WHERE state = 'approved'", "does not become a draft"),
        ("UPDATE revisions SET why_new = 'x' WHERE state = 'in_review'", "does not change"),
        ("INSERT INTO reviews (revision_id, part, decision, reason, reviewer_id, created_at)"
         " SELECT id, 'content', 'approve', '', 4, created_at FROM revisions WHERE state = 'draft'", "in review"),
        ("UPDATE entries SET published_revision_id = (SELECT id FROM revisions WHERE state = 'draft'),"
         " state = 'published' WHERE id = (SELECT entry_id FROM revisions WHERE state = 'draft')", "approved revision"),
        ("UPDATE entries SET published_revision_id = (SELECT id FROM revisions WHERE state = 'approved'),"
         " state = 'published' WHERE state = 'draft'", "approved revision"),
        ("INSERT INTO entries (number, kind, state, title, category, audience, owner_group, covers, version, created_at,"
         " updated_at, published_revision_id) SELECT 'X-1', kind, 'published', title, category, audience, owner_group,"
         " covers, 1, created_at, updated_at, published_revision_id FROM entries WHERE state = 'published'", "draft"),
        ("INSERT INTO attachments (revision_id, sha256, filename) SELECT id, object_sha256, 'x' FROM revisions"
         " WHERE state = 'approved'", "does not change"),
        ("DELETE FROM doubts", "never deleted"),
        ("UPDATE doubts SET evidence = 'x'", "never changed"),
        ("UPDATE doubts SET answer = 'confirmed', answered_at = created_at, answered_by_id = 1, reason = 'x'", "author"),
        ("UPDATE doubts SET answer = 'confirmed', answered_at = created_at, reason = 'x'", "author"),
        ("UPDATE doubts SET answer = 'confirmed', answered_at = created_at, answered_by_id = 3", "CHECK"),
    ],
)  # fmt: skip
def test_the_database_refuses_the_ways_around_review(
    database: Database, store: ContentStore, people: People, statement: str, said: str
) -> None:
    with database.write() as session:
        doubts.question(session, people.tech, samples.published(session, store, people.tech, people.lead), "做不通")
        entries.create(session, people.tech, samples.attributes(), samples.BODY)
        begun = samples.submitted(session, people.tech)
        reviews.decide(session, store, people.lead, begun, Part.CONTENT, Decision.APPROVE)
        assert begun.entry.state == EntryState.DRAFT
        session.flush()
        with pytest.raises(IntegrityError, match=said):
            session.execute(text(statement))


def test_a_migration_down_keeps_the_text_and_up_brings_the_promises_back(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        _correct(session, store, people, _published(session, store, people))
        session.commit()
    database.downgrade("0004")
    with database.engine.connect() as connection:
        assert list(connection.scalars(text("SELECT origin FROM revisions ORDER BY number"))) == ["written"] * 2
    database.upgrade()
    with database.write() as session, pytest.raises(IntegrityError, match="how a revision came"):
        session.execute(text("UPDATE revisions SET origin = 'library'"))


def test_every_state_of_an_entry_and_its_revisions_has_its_audit_row(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead, valid_until="2026-11-30")
        first = entry.published
        assert first is not None
        stopped_clock.advance(days=10)
        validity.expire_due(session)
        second = entries.revise(session, store, people.tech, entry, attributes=samples.attributes())
        entries.submit(session, people.tech, second)
        samples.approve(session, store, people.lead, second)
        validity.retire(session, people.lead, entry, reason="作废")
        steps = {
            name: [(row.from_state, row.to_state) for row in audit.history(session, it) if row.to_state in set(States)]
            for name, it, States in (
                ("entry", entry, EntryState), ("first", first, RevisionState), ("second", second, RevisionState),
            )
        }  # fmt: skip
        assert steps["entry"] == [
            ("", "draft"), ("published", "expired"), ("expired", "published"), ("published", "retired"),
        ]  # fmt: skip
        assert steps["first"][-2:] == [("in_review", "approved"), ("approved", "superseded")]
        assert steps["second"][-2:] == [("in_review", "approved"), ("approved", "retired")]
