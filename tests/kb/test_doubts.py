"""Evidence against what is published, and what becomes of it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from kb import audit, doubts, entries, publishing, validity
from kb.access import SUBSCRIBER
from kb.accounts import SYSTEM
from kb.db import Database
from kb.errors import Conflict, Invalid, NotAllowed
from kb.lifecycle import Answer, Standing
from kb.models import Doubt
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples


def test_a_doubt_marks_the_entry_and_is_kept_once(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        assert entries.standing(session, entry) == Standing.VALIDATED
        for _ in range(2):
            entries.question(session, SYSTEM, entry, "三起事件照做无效：INC-000001")
        entries.question(session, people.tech2, entry, "第二步做不通")
        assert entries.standing(session, entry) == Standing.QUESTIONED
        assert [doubt.evidence[:2] for doubt in doubts.open_doubts(session, entry)] == ["三起", "第二"]
        assert doubts.questioned(session, people.lead) == [entry]
        assert list(entries.find_visible(session, SUBSCRIBER, [entry.number])) == [entry.number]  # it stays in sight


def test_a_lead_who_is_not_the_author_confirms_with_a_reason(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.lead2, people.lead)
        with pytest.raises(Conflict):
            doubts.confirm(session, people.lead, entry, reason="对")
        entries.question(session, people.tech, entry, "做不通")
        with pytest.raises(NotAllowed):
            doubts.confirm(session, people.tech, entry, reason="对")
        with pytest.raises(NotAllowed, match="作者"):
            doubts.confirm(session, people.lead2, entry, reason="对")
        with pytest.raises(Invalid):
            doubts.confirm(session, people.lead, entry, reason=" ")
        doubts.confirm(session, people.lead, entry, reason="现场复核无误")
        assert entries.standing(session, entry) == Standing.VALIDATED
        row = session.scalars(select(Doubt)).one()
        assert (row.answer, row.answered_by_id, row.reason) == (Answer.CONFIRMED, people.lead.id, "现场复核无误")
        assert [row.action for row in audit.history(session, entry)][-2:] == ["question", "doubt_confirmed"]


def test_another_reviewed_revision_and_a_retirement_answer_it(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        entries.question(session, people.tech, entry, "做不通")
        revision = entries.revise(session, store, people.tech, entry, body=samples.BODY + "\n改好了。\n")
        entries.submit(session, people.tech, revision)
        assert entry.questioned_at is not None
        samples.approve(session, store, people.lead, revision)
        assert entry.questioned_at is None
        entries.question(session, people.tech, entry, "还是做不通")
        validity.retire(session, people.lead, entry, reason="作废")
        assert entries.standing(session, entry) == Standing.ARCHIVED
        assert list(session.scalars(select(Doubt.answer).order_by(Doubt.id))) == [Answer.REVISED, Answer.RETIRED]
        with pytest.raises(Conflict):
            entries.question(session, people.tech, entry, "做不通")


def test_who_doubts_says_why(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        with pytest.raises(Invalid):
            entries.question(session, people.tech, entry, " ")
        with pytest.raises(NotAllowed):
            entries.question(session, SUBSCRIBER, entry, "不好用")


def test_standing_of_what_is_not_published(database: Database, people: People) -> None:
    with database.write() as session:
        revision = entries.create(session, people.tech, samples.attributes(), samples.BODY)
        assert entries.standing(session, revision.entry) == Standing.WIP
        entries.submit(session, people.tech, revision)
        assert entries.standing(session, revision.entry) == Standing.NOT_VALIDATED


def test_a_minor_correction_by_another_does_not_let_the_author_confirm(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.lead2, people.lead)
        body = samples.BODY.replace("，电视上", "、电视上")
        publishing.correct(session, store, people.lead, entry, body, base=1, sounds=lambda char: [])
        entries.question(session, people.tech, entry, "做不通")
        for by in (people.lead, people.lead2):
            with pytest.raises(NotAllowed, match="作者"):
                doubts.confirm(session, by, entry, reason="对")
