"""A note is written once however often it is sent, is asked about where the incident went on, and stays."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb import audit, incidents, notes
from kb.db import Database
from kb.errors import Conflict, Invalid, NotAllowed, StaleVersion
from kb.lifecycle import CancelReason
from tests.conftest import Clock, People
from tests.kb import samples


@pytest.fixture
def session(database: Database) -> Session:
    with database.write() as session:
        yield session


def test_a_note_sent_again_is_written_once(session: Session, people: People) -> None:
    incident = samples.incident(session, people.tech)
    first = notes.write(session, people.tech, incident, " 楼道箱\r\n锁着 ", key="k1")
    assert notes.write(session, people.tech, incident, "楼道箱\n锁着", key="k1") is first
    assert [note.text for note in incident.notes] == ["楼道箱\n锁着"]
    assert [row.action for row in audit.history(session, incident)] == ["report", "note"]
    # another's key, and no key at all, are other notes
    notes.write(session, people.tech2, incident, "楼道箱\n锁着", key="k1")
    notes.write(session, people.tech, incident, "楼道箱\n锁着")
    assert len(incident.notes) == 3


def test_a_key_is_for_one_note(session: Session, people: People) -> None:
    incident, other = (samples.incident(session, people.tech) for _ in range(2))
    notes.write(session, people.tech, incident, "甲", key="k1")
    for where, said in ((incident, "乙"), (other, "甲")):
        with pytest.raises(Conflict, match="键"):
            notes.write(session, people.tech, where, said, key="k1")


def test_notes_of_one_page_do_not_contradict_each_other_but_a_step_does(session: Session, people: People) -> None:
    incident = samples.incident(session, people.tech)
    seen = incident.version
    notes.write(session, people.tech, incident, "一", key="k1", version=seen)
    notes.write(session, people.tech, incident, "二", key="k2", version=seen)
    incidents.take(session, people.tech2, incident)
    with pytest.raises(StaleVersion):
        notes.write(session, people.tech, incident, "三", key="k3", version=seen)
    # what arrived before the step is known all the same when it is sent once more
    assert notes.write(session, people.tech, incident, "二", key="k2", version=seen).text == "二"
    notes.write(session, people.tech, incident, "三", key="k3", version=incident.version)
    assert [note.text for note in incident.notes] == ["一", "二", "三"]


def test_when_it_was_written_lies_between_the_report_and_now(
    session: Session, people: People, stopped_clock: Clock
) -> None:
    incident = samples.incident(session, people.tech)
    reported = stopped_clock.moment
    stopped_clock.advance(hours=3)
    hour = dt.timedelta(hours=1)
    for said, kept in (
        (reported + hour, reported + hour),
        (reported - hour, reported),
        (reported + 9 * hour, stopped_clock.moment),
        (None, stopped_clock.moment),
    ):
        assert notes.write(session, people.tech, incident, "一", written_at=said).written_at == kept


def test_a_closed_incident_still_takes_notes(session: Session, people: People) -> None:
    incident = samples.incident(session, people.tech)
    incidents.cancel(session, people.lead, incident, CancelReason.DUPLICATE)
    assert notes.write(session, people.tech, incident, "仍要记下").text == "仍要记下"


def test_what_is_refused(session: Session, people: People) -> None:
    incident = samples.incident(session, people.tech)
    for said in ("", " \u200b\n", "长" * (notes.MAX_NOTE + 1)):
        with pytest.raises(Invalid) as refused:
            notes.write(session, people.tech, incident, said)
        assert "text" in refused.value.fields
    with pytest.raises(Invalid):
        notes.write(session, people.tech, incident, "一", key="k" * (notes.MAX_KEY + 1))
    with pytest.raises(NotAllowed):
        notes.write(session, people.subscriber, incident, "一")


@pytest.mark.parametrize("statement", ["UPDATE incident_notes SET text = 'x'", "DELETE FROM incident_notes"])
def test_the_database_keeps_notes(session: Session, people: People, statement: str) -> None:
    notes.write(session, people.tech, samples.incident(session, people.tech), "一")
    with pytest.raises(IntegrityError, match="never"):
        session.execute(text(statement))
