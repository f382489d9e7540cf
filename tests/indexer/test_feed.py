"""What the index learns of an entry from the incidents that it solved and from its figures."""

from __future__ import annotations

from sqlalchemy import event, select

from indexer import IndexDocument, feed
from kb import entries, incidents
from kb.db import Database
from kb.documents import Confidence, Kind
from kb.models import Entry
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples


def _documents(database: Database, store: ContentStore) -> dict[str, IndexDocument]:
    with database.read() as session:
        ids = session.scalars(select(Entry.id)).all()
        return {document.title: document for document in feed.read(session, store, ids).documents}


def test_reused_counts_closed_incidents_that_it_solved(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        solving, other, unused = (
            samples.published(session, store, people.tech, people.lead, title=f"{name}无信号的处理")
            for name in "甲乙丙"
        )
        for entry, number in ((solving, 3), (other, 1)):
            for _ in range(number):
                made = samples.resolved(session, people.tech)
                incidents.link(session, people.tech, made, entry)
                samples.confirmed(session, people.tech, made)
                incidents.close(session, people.tech, made)
        waiting = samples.resolved(session, people.tech)  # solved, and nobody has said so
        incidents.link(session, people.tech, waiting, solving)
        again = samples.confirmed(session, people.tech, samples.resolved(session, people.tech))
        incidents.link(session, people.tech, again, other)
        incidents.close(session, people.tech, again)
        incidents.reopen(session, people.tech, again, reason="又坏了")
        session.commit()
        titles = (solving.title, other.title, unused.title)
    found = _documents(database, store)
    assert [found[title].reused for title in titles] == [3, 1, 0]


def test_a_batch_asks_for_it_once(database: Database, store: ContentStore, people: People) -> None:
    def statements(number: int) -> int:
        with database.write() as session:
            for _ in range(number):
                samples.published(session, store, people.tech, people.lead, title=f"第{number}条无信号的处理")
            session.commit()
        said: list[str] = []
        with database.read() as session:
            ids = session.scalars(select(Entry.id)).all()
            bind = session.get_bind()
            event.listen(bind, "before_cursor_execute", lambda *given: said.append(given[2]))
            feed.read(session, store, ids)
        return sum("verifications" in one for one in said) + sum("solution_entry_id" in one for one in said)

    assert statements(1) == statements(5)


def test_confidence_is_that_of_the_least_founded_figure(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        for title, held in (
            ("甲无信号的处理", (Confidence.VERIFIED, Confidence.UNVERIFIED, Confidence.SINGLE_SOURCE)),
            ("乙无信号的处理", (Confidence.SINGLE_SOURCE, Confidence.VERIFIED)),
            ("丙无信号的处理", (Confidence.VERIFIED,)),
            ("丁无信号的处理", ()),
        ):
            figures = [
                {"name": f"电平{n}", "value": "45", "unit": "dBμV", "confidence": one} for n, one in enumerate(held)
            ]
            body = samples.BODY.replace("场强仪", "45dBμV（待本地确认），场强仪")
            samples.published(session, store, people.tech, people.lead, body, title=title, figures=figures)
        session.commit()
    found = _documents(database, store)
    assert [found[f"{name}无信号的处理"].confidence for name in "甲乙丙丁"] == [
        "unverified", "single_source", "verified", "",
    ]  # fmt: skip
    assert all(document.kind == Kind.SOLUTION for document in found.values())


def test_what_stands_on_an_attached_drawing_is_found_by_those_who_may_open_it(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        body = samples.BODY.replace("射频线松脱。", "射频线松脱，见[图](attachments/shown.mmd)。")
        revision = entries.create(session, people.tech, samples.attributes(title="屏上无信号的处理"), body)
        for name, label in (("shown.mmd", "东门光交箱"), ("other.mmd", "西门光交箱"), ("broken.mmd", "[[")):
            entries.attach(session, store, people.tech, revision, name, f"graph LR\nA[{label}]".encode(), "text/plain")
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        session.commit()
    found = _documents(database, store)["屏上无信号的处理"]
    assert "东门光交箱" in found.body and "西门光交箱" not in found.body
    assert "西门光交箱" in found.staff_body
