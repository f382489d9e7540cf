"""Which figures of the knowledge in use has nobody confirmed here?"""

from __future__ import annotations

from kb import entries, figures, validity
from kb.db import Database
from kb.documents import Confidence
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples

GUESSED = [{"name": "用户端电平", "value": "60", "unit": "dBμV", "confidence": "unverified"}]
MEASURED = [{**GUESSED[0], "confidence": "verified"}]
BODY = samples.BODY.replace("## 检查\n\n", "## 检查\n\n1. 电平 60dBμV（待本地确认）。\n")


def test_a_guessed_figure_is_listed_until_a_revision_confirms_it(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead, BODY, figures=GUESSED)
        number = entry.number
        listed = list(figures.listing(session, confidence=Confidence.UNVERIFIED))
        assert [(one.number, one.name, one.value, one.unit) for one in listed] == [(number, "用户端电平", "60", "dBμV")]
        assert not list(figures.listing(session, confidence=Confidence.VERIFIED))
        elsewhere = figures.listing(session, confidence=Confidence.UNVERIFIED, owner_group="team-it")
        assert entry.owner_group != "team-it" and not list(elsewhere)
        revision = entries.revise(session, store, people.tech, entry)
        entries.save(
            session, people.tech, revision, samples.attributes(figures=MEASURED), BODY, version=revision.version
        )
        entries.submit(session, people.tech, revision)
        assert list(figures.listing(session, confidence=Confidence.UNVERIFIED))  # still in use
        samples.approve(session, store, people.lead, revision)
        assert not list(figures.listing(session, confidence=Confidence.UNVERIFIED))
        validity.retire(session, people.manager, entry, reason="不再使用")
        assert not list(figures.listing(session, confidence=Confidence.VERIFIED))
