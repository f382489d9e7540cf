"""What cannot be seen does not get in."""

from __future__ import annotations

import pytest

from kb import entries, incidents
from kb.db import Database
from kb.errors import Invalid
from kb.plain import one_line, plain
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples


@pytest.mark.parametrize(
    ("text", "seen"),
    [("\u200b \u200b", ""), ("\x00\x01机\x07顶盒", "机顶盒"), ("\u202e12345", "12345"), ("甲\r\n乙\t丙", "甲\n乙\t丙")],
)
def test_plain(text: str, seen: str) -> None:
    assert plain(text) == seen
    assert "\n" not in one_line(text)


def test_an_invisible_report_is_refused(database: Database, people: People) -> None:
    with database.write() as session, pytest.raises(Invalid) as caught:
        samples.incident(session, people.tech, title="", description="\u200b\x00")
    assert list(caught.value.fields) == ["description"]


def test_somebody_without_an_account_sets_neither_priority_nor_channel(database: Database, people: People) -> None:
    with database.write() as session:
        made = incidents.report(
            session,
            people.subscriber,
            title="没信号",
            description="没信号",
            contact_phone="139 1234 5678",
            channel="monitoring",
            priority=1,
        )
        assert (made.priority, made.channel) == (4, "web")
        with pytest.raises(Invalid) as caught:
            incidents.report(session, people.subscriber, title="", description="没信号", contact_phone="abc")
        assert list(caught.value.fields) == ["contact_phone"]


@pytest.mark.parametrize("name", ["..", ".", "\x01\u200b", ""])
def test_a_file_without_a_visible_name_is_refused(
    name: str, database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        revision = entries.create(session, people.tech, samples.attributes(), samples.BODY)
        with pytest.raises(Invalid):
            entries.attach(session, store, people.tech, revision, name, b"x", "text/plain")


def test_an_invisible_title_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        entries.attributes_from({**samples.attributes().model_dump(mode="json"), "title": "\u200b\u200b\u200b"})
    assert list(caught.value.fields) == ["title"]
