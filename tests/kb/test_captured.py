"""What a closed incident's people said becomes hidden words of its solution, and goes when it should."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from indexer.worker import Worker
from kb import audit, captured, importer, incidents, outbox
from kb.access import Person
from kb.accounts import SYSTEM
from kb.db import Database
from kb.errors import Invalid, NotAllowed, NotFound
from kb.importer import Defaults, File
from kb.models import CapturedText, Entry
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples
from web.services import Services

SAID = {"title": "电视雪花", "description": "张三丰家电视全是雪花点，打13912345678，幸福小区3号楼501"}


@pytest.fixture
def entry(database: Database, store: ContentStore, people: People) -> Entry:
    with database.write() as session:
        made = samples.published(session, store, people.tech, people.lead)
        session.commit()
    return made


def close(database: Database, people: People, entry: Entry, words: str = "麻点满屏", **said: str) -> str:
    """An incident that the entry solved, closed; returns its number."""
    with database.write() as session:
        incident = samples.resolved(session, people.tech, **(SAID | said))
        incidents.link(session, people.tech, incident, session.get_one(Entry, entry.id), words=words)
        samples.confirmed(session, people.tech, incident)
        incidents.close(session, people.tech, incident)
        session.commit()
        return incident.number


def words(database: Database, entry: Entry) -> tuple[str, ...]:
    with database.read() as session:
        return captured.words(session, [entry.id]).get(entry.id, ())


def waiting(database: Database) -> int:
    with database.read() as session:
        return outbox.waiting(session)


def test_a_closed_incident_gives_its_words_without_its_people(database: Database, people: People, entry: Entry) -> None:
    before = waiting(database)
    close(database, people, entry, words="麻点满屏 13912345678", contact_name="张三丰", contact_phone="13800000000")
    query, said = sorted(words(database, entry), key=len)
    assert query == "麻点满屏 [手机号]"
    assert (
        said == "[联系人]家电视全是雪花点，打[手机号]，[地址]"
        or said == "电视雪花 [联系人]家电视全是雪花点，打[手机号]，[地址]"
    )
    assert waiting(database) == before + 1
    with database.read() as session:
        now = session.get_one(Entry, entry.id)
        assert now.version == entry.version + 1
        assert now.updated_at == entry.updated_at  # no reader sees any change


def test_nothing_is_given_before_it_is_closed(database: Database, people: People, entry: Entry) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        incidents.link(session, people.tech, incident, session.get_one(Entry, entry.id), words="麻点满屏")
        samples.confirmed(session, people.tech, incident)
        session.commit()
    assert words(database, entry) == ()


def test_a_reopened_incident_takes_its_words_back_and_another_solution_gets_them(
    database: Database, store: ContentStore, people: People, entry: Entry
) -> None:
    other = close(database, people, entry, words="满屏麻麻点", description="别家")
    number = close(database, people, entry)
    assert len(words(database, entry)) == 4
    before = waiting(database)
    with database.write() as session:
        better = samples.published(session, store, people.tech, people.lead, title="雪花点的处理")
        incident = incidents.find(session, people.tech, number)
        incidents.reopen(session, people.tech, incident, reason="又花了")
        assert len(captured.words(session, [entry.id])[entry.id]) == 2
        incidents.resolve(session, people.tech, incident)
        incidents.link(session, people.tech, incident, better, words="雪花点")
        samples.confirmed(session, people.tech, incident)
        incidents.close(session, people.tech, incident)
        session.commit()
        assert [row.incident.number for row in captured.newest(session, session.get_one(Entry, entry.id))] == [
            other
        ] * 2
        assert "雪花点" in captured.words(session, [better.id])[better.id]
    assert waiting(database) > before


def test_a_removed_text_is_gone_and_does_not_come_again(database: Database, people: People, entry: Entry) -> None:
    close(database, people, entry)
    close(database, people, entry, description="另一件")
    with database.write() as session:
        found = session.get_one(Entry, entry.id)
        wrong = next(row for row in captured.newest(session, found) if row.source == "query")
        for nobody in (people.tech, people.subscriber):
            with pytest.raises(NotAllowed):
                captured.remove(session, nobody, found, wrong.id, reason="错")
        with pytest.raises(Invalid):
            captured.remove(session, people.lead, found, wrong.id, reason=" ")
        with pytest.raises(NotFound):
            captured.remove(session, people.lead, found, 999, reason="错")
        captured.remove(session, people.lead, found, wrong.id, reason="说的是另一回事")
        session.commit()
    assert not any("麻点" in text for text in words(database, entry))
    close(database, people, entry, words="麻点 满屏！", description="第三件")
    assert not any("麻点" in text for text in words(database, entry))
    with database.read() as session:
        rows = session.scalars(select(CapturedText).where(CapturedText.removed_at.is_not(None))).all()
        assert {(row.text, row.removed_by_id, row.removed_reason) for row in rows} == {
            ("", people.lead.id, "说的是另一回事")
        }
        last = [row for row in audit.history(session, session.get_one(Entry, entry.id)) if row.action != "capture"][-1]
        assert (last.action, last.actor, last.reason) == ("remove_captured", "lead", "说的是另一回事")


def test_texts_are_bounded_in_length_and_number_and_no_two_are_alike(
    database: Database, people: People, entry: Entry
) -> None:
    close(database, people, entry, words="雪" * 5000, description="花" * 1000)
    assert {len(text) for text in words(database, entry)} == {captured.MAX_TEXT}
    many = [f"{chr(0x4E00 + number * 7)}{chr(0x5E00 + number * 11)}的毛病" for number in range(60)]
    assert captured.chosen(many) == tuple(many[: captured.MOST])
    assert captured.chosen(["电视没信号了", "电视 没信号了！", "打印机卡纸"]) == ("电视没信号了", "打印机卡纸")


def test_imports_give_no_words(database: Database, store: ContentStore) -> None:
    file = File("a.md", "# 光猫说明\n\n重启即可".encode())
    importer.load(database, store, SYSTEM, [file], source="x", defaults=Defaults())
    with database.read() as session:
        assert session.scalars(select(CapturedText)).all() == []


def test_the_next_one_finds_it_by_the_same_words_and_nobody_sees_them(
    services: Services, worker: Worker, people: People
) -> None:
    database, store = services.database, services.store
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        session.commit()
    worker.drain()
    assert not _finds(services, people.tech, entry.number)
    number = close(database, people, entry)
    worker.drain()
    assert _finds(services, people.tech, entry.number)
    page = services.search.search(people.tech, "麻点满屏")
    assert all("麻点" not in str(hit.as_json()) for hit in page.hits)
    with database.write() as session:
        incidents.reopen(session, people.tech, incidents.find(session, people.tech, number), reason="又花了")
        session.commit()
    worker.drain()
    assert not _finds(services, people.tech, entry.number)


def _finds(services: Services, by: Person, number: str) -> bool:
    return number in [hit.id for hit in services.search.search(by, "麻点满屏").hits]
