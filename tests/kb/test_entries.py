"""Knowledge gets in through two reviews by somebody else, stays visible while its successor is reviewed, and goes for good."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError

from kb import audit, entries, incidents, outbox, publishing, reviews, validity
from kb.db import Database
from kb.documents import Audience, Kind
from kb.errors import BadTransition, Conflict, Invalid, NotAllowed, NotFound, StaleVersion
from kb.lifecycle import Decision, EntryState, Origin, Part, RevisionState
from kb.models import Entry
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import samples


def test_two_approvals_check_the_revision_in(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        assert not store.root.exists()
        reviews.decide(session, store, people.lead, revision, Part.CONTENT, Decision.APPROVE)
        assert revision.state == RevisionState.IN_REVIEW
        assert revision.entry.state == EntryState.DRAFT
        assert outbox.waiting(session) == 0
        reviews.decide(session, store, people.lead, revision, Part.FORMAL, Decision.APPROVE)
        session.commit()
    with database.read() as session:
        entry = session.scalars(select(Entry)).one()
        assert entry.state == EntryState.PUBLISHED
        assert entry.published is not None
        assert entry.published.state == RevisionState.APPROVED
        assert entry.published.body is None
        assert entries.text_of(store, entry.published) == samples.BODY
        assert outbox.waiting(session) == 1
        actions = [row.action for row in audit.history(session, entry.published)]
        assert actions == ["submit", "review_assigned", "content_approve", "formal_approve"]


@pytest.mark.parametrize("first", list(Part))
def test_the_two_parts_come_in_any_order(first: Part, database: Database, store: ContentStore, people: People) -> None:
    second = next(part for part in Part if part is not first)
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        reviews.decide(session, store, people.lead, revision, first, Decision.APPROVE)
        reviews.decide(session, store, people.lead2, revision, second, Decision.APPROVE)
        assert revision.state == RevisionState.APPROVED


def test_author_may_not_review_their_own_revision(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.lead)
        for part in Part:
            with pytest.raises(NotAllowed, match="作者不能审核"):
                reviews.decide(session, store, people.lead, revision, part, Decision.APPROVE)


def test_database_refuses_an_authors_review(database: Database, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.lead)
        with pytest.raises(IntegrityError, match="author does not review"):
            session.execute(
                text(
                    "INSERT INTO reviews (revision_id, part, decision, reason, reviewer_id, created_at) "
                    "VALUES (:r, 'content', 'approve', '', :u, '2026-01-01')"
                ),
                {"r": revision.id, "u": people.lead.id},
            )


@pytest.mark.parametrize("approved", [[], [Part.CONTENT], [Part.FORMAL]])
def test_database_refuses_approval_without_both_reviews(
    approved: list[Part], database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        for part in approved:
            reviews.decide(session, store, people.lead, revision, part, Decision.APPROVE)
        key = store.put(session, b"x", "text/plain")
        with pytest.raises(IntegrityError, match="two reviews"):
            session.execute(
                text("UPDATE revisions SET state = 'approved', body = NULL, object_sha256 = :k WHERE id = :r"),
                {"k": key, "r": revision.id},
            )


def test_who_may_not_review(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        for person in (people.subscriber, people.tech2, people.manager, people.admin):
            with pytest.raises(NotAllowed):
                reviews.decide(session, store, person, revision, Part.CONTENT, Decision.APPROVE)


def test_return_needs_a_reason_and_ends_the_review(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        with pytest.raises(Invalid, match="退回须写明原因"):
            reviews.decide(session, store, people.lead, revision, Part.CONTENT, Decision.RETURN, reason="  ")
        reviews.decide(session, store, people.lead, revision, Part.CONTENT, Decision.RETURN, reason="与事件不符")
        assert revision.state == RevisionState.RETURNED
        with pytest.raises(Conflict, match="不在审核中"):
            reviews.decide(session, store, people.lead, revision, Part.FORMAL, Decision.APPROVE)


def test_a_part_is_decided_once(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        reviews.decide(session, store, people.lead, revision, Part.CONTENT, Decision.APPROVE)
        with pytest.raises(Conflict, match="已有决定"):
            reviews.decide(session, store, people.lead2, revision, Part.CONTENT, Decision.RETURN, reason="不同意")


def test_failed_precheck_keeps_the_formal_review_from_being_approved(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech, samples.BODY.replace("## 移交", "## 别的"))
        with pytest.raises(Conflict, match="缺少小节"):
            reviews.decide(session, store, people.lead, revision, Part.FORMAL, Decision.APPROVE)
        assert revision.reviews == []


def test_published_revision_stays_while_its_successor_is_reviewed(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        first = entry.published
        assert first is not None
        revision = entries.revise(session, store, people.tech2, entry)
        changed = samples.attributes(title="机顶盒提示无信号的处理（新）", audience=Audience.STAFF)
        entries.save(session, people.tech2, revision, changed, samples.BODY + "\n", version=revision.version)
        entries.submit(session, people.tech2, revision)
        assert (entry.title, entry.audience, entry.published) == ("机顶盒提示无信号的处理", "public", first)
        samples.approve(session, store, people.lead, revision)
        assert (entry.title, entry.audience) == ("机顶盒提示无信号的处理（新）", "staff")
        assert first.state == RevisionState.SUPERSEDED
        assert entries.text_of(store, first) == samples.BODY
        assert outbox.out_of_sight(session) == {entry.number}  # subscribers lost sight of it


def test_only_one_revision_is_open_at_a_time(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        entries.revise(session, store, people.tech, entry)
        with pytest.raises(Conflict, match="已有未完成的修订"):
            entries.revise(session, store, people.tech2, entry)


def test_save_on_an_overtaken_draft_loses_nothing(database: Database, people: People) -> None:
    with database.write() as session:
        revision = entries.create(session, people.tech, samples.attributes(), samples.BODY)
        entries.save(session, people.tech, revision, samples.attributes(), samples.BODY + "甲", version=1)
        with pytest.raises(StaleVersion) as caught:
            entries.save(session, people.tech, revision, samples.attributes(), samples.BODY + "乙", version=1)
        assert (caught.value.yours, caught.value.latest) == (1, 2)
        assert revision.body is not None and revision.body.endswith("甲")


def test_only_the_author_writes_submits_and_recalls(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision = entries.create(session, people.tech, samples.attributes(), samples.BODY)
        with pytest.raises(NotAllowed):
            entries.save(session, people.lead, revision, samples.attributes(), "x", version=1)
        with pytest.raises(NotAllowed):
            entries.submit(session, people.lead, revision)
        entries.submit(session, people.tech, revision)
        with pytest.raises(NotAllowed):
            entries.recall(session, store, people.lead, revision)
        with pytest.raises(Conflict, match="撤回"):
            entries.save(session, people.tech, revision, samples.attributes(), "x", version=1)
        entries.recall(session, store, people.tech, revision)
        assert revision.state == RevisionState.DRAFT


def test_recall_after_a_decision_leaves_it_with_the_text_it_was_of(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        made = samples.incident(session, people.tech)
        revision = incidents.write_solution(session, people.tech, made, samples.attributes(), samples.BODY)
        entries.submit(session, people.tech, revision)
        reviews.decide(session, store, people.lead, revision, Part.CONTENT, Decision.APPROVE)
        draft = entries.recall(session, store, people.tech, revision)
        assert (revision.state, draft.state, draft.number) == (RevisionState.RETURNED, RevisionState.DRAFT, 2)
        assert draft.body == samples.BODY
        assert draft.reviews == []
        assert made.solution_revision_id == draft.id  # the incident waits for what goes on


def test_database_keeps_submitted_revisions_as_they_are(database: Database, people: People) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        for change in ("title = 'x'", "body = 'x'", "attributes = '{}'", "author_id = NULL"):
            with pytest.raises(IntegrityError, match="does not change"), session.begin_nested():
                session.execute(text(f"UPDATE revisions SET {change} WHERE id = {revision.id}"))
        with pytest.raises(IntegrityError, match="not deleted"), session.begin_nested():
            session.execute(text(f"DELETE FROM revisions WHERE id = {revision.id}"))


def test_retiring_needs_a_reason_or_a_successor(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        old = samples.published(session, store, people.tech, people.lead)
        new = samples.published(session, store, people.tech, people.lead, title="机顶盒无信号的新处理办法")
        with pytest.raises(NotAllowed):
            validity.retire(session, people.tech, old, reason="旧")
        with pytest.raises(Invalid, match="停用须写明原因"):
            validity.retire(session, people.lead, old, reason=" ")
        with pytest.raises(Invalid, match="替代词条"):
            validity.retire(session, people.lead, old, reason="", successor=old)
        validity.retire(session, people.lead, old, reason="", successor=new)
        assert (old.state, old.successor) == (EntryState.RETIRED, new)
        assert old.number in outbox.out_of_sight(session)
        with pytest.raises(BadTransition):
            validity.retire(session, people.lead, old, reason="再来")
        with pytest.raises(Conflict):
            entries.revise(session, store, people.tech, old)


def test_entries_expire_with_their_day_in_china(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead, valid_until="2026-11-24")
        assert validity.expire_due(session) == 0
        stopped_clock.advance(days=1, hours=13, minutes=59)  # 23:59 on the 24th in China
        assert validity.expire_due(session) == 0
        assert entry.number in entries.find_visible(session, people.subscriber, [entry.number])
        stopped_clock.advance(minutes=1)
        assert entries.find_visible(session, people.subscriber, [entry.number]) == {}  # even before the timer ran
        assert validity.expire_due(session) == 1
        assert entry.state == EntryState.EXPIRED
        with pytest.raises(NotFound):
            entries.find(session, people.subscriber, entry.number)
        assert entries.find(session, people.tech, entry.number) is entry


def test_checking_hits_costs_the_same_over_any_number_of_entries(database: Database, people: People) -> None:
    """Neither statement reads an index from end to end: not that of states, not that of pending changes."""
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    with database.read() as session:
        outbox.out_of_sight(session)
        entries.find_visible(session, people.tech, [f"SOL-{number:06}" for number in range(10)])
        plans = [
            " / ".join(
                row.detail for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
            )
            for statement, given in asked
            if statement.startswith("SELECT")
        ]
    narrowed, checked = plans
    assert "ix_outbox_narrowing" in narrowed
    assert "(number=?)" in checked and "(state=?)" not in checked


def test_a_statement_made_yesterday_knows_the_day_of_today(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        number = samples.published(session, store, people.tech, people.lead, valid_until="2026-11-24").number
        session.commit()
    for day in (1, 2):
        with database.read() as session:
            assert bool(entries.find_visible(session, people.tech, [number])) is (day == 1)
        stopped_clock.advance(days=2)


def test_a_check_sees_what_its_own_transaction_changed(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        assert entries.find_visible(session, people.tech, [entry.number])
        entry.state = EntryState.RETIRED  # not flushed
        assert not entries.find_visible(session, people.tech, [entry.number])


def test_restricted_entries_are_seen_by_their_group_and_managers_alone(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(
            session, store, people.manager, people.lead, audience=Audience.RESTRICTED, owner_group="team-tv"
        )
        session.commit()
    with database.read() as session:
        for person in (people.lead, people.manager, people.admin):
            assert entries.find(session, person, entry.number).id == entry.id
            assert entries.find_visible(session, person, [entry.number])
            assert entry.number in [row.number for row in entries.listing(session, person)]
        for person in (people.tech, people.tech2, people.lead2, people.subscriber):
            with pytest.raises(NotFound):
                entries.find(session, person, entry.number)
            with pytest.raises(NotFound):
                entries.find_revision(session, person, entry.number, 1)
            assert not entries.find_visible(session, person, [entry.number])
            assert entry.number not in [row.number for row in entries.listing(session, person)]


def test_a_restricted_revision_is_reviewed_inside_its_group(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.manager, audience=Audience.RESTRICTED, owner_group="team-tv")
        assert revision not in reviews.review_queue(session, people.lead2)
        assert revision in reviews.review_queue(session, people.lead)
        with pytest.raises(NotFound):
            reviews.decide(session, store, people.lead2, revision, Part.CONTENT, Decision.APPROVE)


def test_nobody_writes_into_a_group_they_cannot_read(database: Database, people: People) -> None:
    with database.write() as session, pytest.raises(Invalid, match="不在这个归口组"):
        entries.create(session, people.tech, samples.attributes(audience=Audience.RESTRICTED), samples.BODY)


def test_drafts_are_not_for_subscribers(database: Database, people: People) -> None:
    with database.write() as session:
        revision = entries.create(session, people.tech, samples.attributes(), samples.BODY)
        with pytest.raises(NotFound):
            entries.find(session, people.subscriber, revision.entry.number)
        assert entries.find(session, people.tech2, revision.entry.number)


def test_attachments_are_stored_once_and_follow_into_the_next_revision(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        revision = entries.create(session, people.tech, samples.attributes(), samples.BODY)
        entries.attach(session, store, people.tech, revision, "..\\..\\图.png", b"\x89PNG", "image/png")
        entries.attach(session, store, people.tech, revision, "copy.png", b"\x89PNG", "image/png")
        with pytest.raises(Conflict, match="同名"):
            entries.attach(session, store, people.tech, revision, "图.png", b"other", "image/png")
        entries.submit(session, people.tech, revision)
        entry = samples.approve(session, store, people.lead, revision)
        successor = entries.revise(session, store, people.tech, entry)
        assert [a.filename for a in revision.attachments] == ["图.png", "copy.png"]
        session.expire(successor)
        assert {a.sha256 for a in successor.attachments} == {revision.attachments[0].sha256}
        assert len(list(store.root.rglob("*"))) == 6  # two objects, text and picture, in two folders each


@pytest.mark.parametrize(("body", "field"), [("  ", "body"), ("x" * 1_000_001, "body")])
def test_bad_text_names_its_field(body: str, field: str, database: Database, people: People) -> None:
    with database.write() as session, pytest.raises(Invalid) as caught:
        entries.create(session, people.tech, samples.attributes(), body)
    assert list(caught.value.fields) == [field]


def test_attributes_from_values_names_every_wrong_field() -> None:
    with pytest.raises(Invalid) as caught:
        entries.attributes_from({"title": "x", "kind": "poem", "category": "a/b", "audience": "public"})
    assert set(caught.value.fields) == {"title", "kind", "owner_group"}


def test_numbers_are_never_used_twice(database: Database, people: People) -> None:
    with database.write() as session:
        first = entries.create(session, people.tech, samples.attributes(), samples.BODY)
        session.commit()
    with database.write() as session:
        entries.create(session, people.tech, samples.attributes(), samples.BODY)
        session.rollback()
    with database.write() as session:
        policy = samples.attributes(kind=Kind.POLICY, category="管理制度/技术类")
        second = entries.create(session, people.tech, samples.attributes(), samples.BODY)
        third = entries.create(session, people.tech, policy, "## 目的\n\n文")
        assert (first.entry.number, second.entry.number) == ("SOL-000001", "SOL-000002")
        assert third.entry.number == "POL-000001"


def test_nobodys_unfinished_draft_keeps_a_wrong_entry_in_use(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        draft = entries.revise(session, store, people.tech2, entry)
        validity.retire(session, people.lead, entry, reason="会触电")
        assert (entry.state, draft.state) == (EntryState.RETIRED, RevisionState.RETURNED)


def test_an_open_revision_is_given_up_by_its_author_or_with_a_reason(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        draft = entries.revise(session, store, people.tech2, entry, body=samples.BODY + "写了一半\n")
        with pytest.raises(NotAllowed):
            entries.discard(session, people.tech, draft, reason="别人的")
        with pytest.raises(Invalid, match="原因"):
            entries.discard(session, people.lead, draft)
        entries.discard(session, people.lead, draft, reason="人已调走")
        again = entries.revise(session, store, people.tech, entry)
        assert again.number == 3 and again.body is not None and "写了一半" in again.body  # nothing is lost
        entries.discard(session, people.tech, again)
        assert again.state == RevisionState.RETURNED


def test_nobody_revises_what_they_may_not_see(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        secret = samples.published(session, store, people.manager, people.lead, audience=Audience.RESTRICTED)
        with pytest.raises(NotFound):
            entries.revise(session, store, people.tech2, secret, attributes=samples.attributes())
        public = samples.published(session, store, people.tech, people.lead)
        inside = entries.revise(
            session,
            store,
            people.manager,
            public,
            attributes=samples.attributes(audience=Audience.RESTRICTED),
            body="密",
        )
        entries.discard(session, people.manager, inside)
        mine = entries.revise(session, store, people.tech2, public)
        assert (mine.number, mine.body) == (3, samples.BODY)


@pytest.mark.parametrize("origin", [Origin.LIBRARY, Origin.IMPORTED])
def test_no_origin_lets_a_person_publish_a_solution_without_reviews(
    origin: Origin, database: Database, store: ContentStore, people: People
) -> None:
    for person in (people.tech, people.admin):
        with database.write() as session:
            revision = entries.create(session, person, samples.attributes(), samples.BODY, origin=origin)
            with pytest.raises((NotAllowed, IntegrityError)):
                publishing.publish_unreviewed(session, store, person, revision)


def test_database_refuses_a_change_of_kind_and_a_replaced_review(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)
        reviews.decide(session, store, people.lead, revision, Part.CONTENT, Decision.APPROVE)
        for statement, said in (
            ("UPDATE entries SET kind = 'policy'", "kind of an entry"),
            (
                "INSERT OR REPLACE INTO reviews SELECT id, revision_id, part, 'return', 'x', reviewer_id, created_at FROM reviews",
                "never deleted",
            ),
        ):
            with pytest.raises(IntegrityError, match=said), session.begin_nested():
                session.execute(text(statement))


def test_hits_are_looked_up_by_number_however_many_entries_there_are(database: Database, people: People) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    for by in (people.subscriber, people.tech, people.admin):
        for count in (1, 3, 100):
            asked.clear()
            with database.read() as session:
                entries.find_visible(session, by, [f"SOL-{number:04}" for number in range(count)])
                statement, values = next(one for one in asked if "entries.number IN" in one[0])
                plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            assert "(number=?)" in plan[0].detail


def test_a_form_begins_one_entry(database: Database, people: People) -> None:
    with database.write() as session:
        made = entries.create(session, people.tech, samples.attributes(), samples.BODY, form_key="k" * 70)
        assert entries.begun(session, people.tech, "k" * 70) is made
        assert entries.begun(session, people.tech2, "k" * 70) is None
        entries.create(session, people.tech2, samples.attributes(), samples.BODY, form_key="k" * 70)
        entries.create(session, people.tech, samples.attributes(), samples.BODY)
        entries.create(session, people.tech, samples.attributes(), samples.BODY)
        assert entries.begun(session, people.tech, "") is None
        with pytest.raises(IntegrityError), session.begin_nested():
            entries.create(session, people.tech, samples.attributes(), samples.BODY, form_key="k" * 70)
