"""Until when entries hold, who relies on them, and how they come back. Expiry and retirement: test_entries."""

from __future__ import annotations

import pytest

from kb import audit, entries, incidents, validity
from kb.db import Database
from kb.errors import Conflict
from kb.lifecycle import RevisionState
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import samples


def test_validity_is_reminded_of_once_for_each_revision(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead, valid_until="2026-12-31")
        samples.published(session, store, people.tech, people.lead)
        assert validity.remind_due(session) == 0
        stopped_clock.advance(days=8)
        assert [validity.remind_due(session) for _ in range(2)] == [1, 0]
        assert "2026-12-31 到期" in [row.reason for row in audit.history(session, entry)]
        stopped_clock.advance(days=1)
        revision = entries.revise(session, store, people.tech, entry)
        entries.submit(session, people.tech, revision)
        samples.approve(session, store, people.lead, revision)
        assert validity.remind_due(session) == 1  # renewed with the same date


def test_impact_names_who_relies_on_it(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        other = samples.published(session, store, people.tech, people.lead, related=[entry.number])
        draft = entries.create(session, people.tech, samples.attributes(), samples.BODY + f"\n见 {entry.number}。\n")
        solved, referred = (samples.incident(session, people.tech) for _ in range(2))
        incidents.link(session, people.tech, solved, entry)
        incidents.refer(session, people.tech, referred, entry)
        found = validity.impact(session, people.lead, entry)
        assert (found.resolving, found.open_incidents, found.referring) == ([solved], 1, [referred])
        assert (found.entries, found.drafts) == ([other], [draft])
        assert validity.impact(session, people.lead, other).entries == []


def test_a_retirement_is_told_to_every_open_incident(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        better = samples.published(session, store, people.tech, people.lead)
        solved, referred, closed = (samples.resolved(session, people.tech) for _ in range(3))
        for incident in (solved, closed):
            incidents.link(session, people.tech, incident, entry)
        incidents.refer(session, people.tech, referred, entry)
        samples.confirmed(session, people.tech, closed)
        incidents.close(session, people.tech, closed)
        validity.retire(session, people.lead, entry, reason="作废", successor=better)
        for incident in (solved, referred):
            assert f"{entry.number} 作废 → {better.number}" in [row.reason for row in audit.history(session, incident)]
        assert "solution_retired" not in [row.action for row in audit.history(session, closed)]


def test_an_earlier_revision_comes_back_as_a_draft_with_its_files(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        first = entries.create(session, people.tech, samples.attributes(), samples.BODY)
        entries.attach(session, store, people.tech, first, "图.png", b"png", "image/png")
        entries.submit(session, people.tech, first)
        entry = samples.approve(session, store, people.lead, first)
        second = entries.revise(
            session,
            store,
            people.tech,
            entry,
            attributes=samples.attributes(devices=["光猫"]),
            body="## 现象\n\n别的\n",
        )
        entries.detach(session, people.tech, second, "图.png")
        with pytest.raises(Conflict):
            entries.restore(session, store, people.tech2, entry, 1)
        entries.discard(session, people.tech, second)
        made = entries.restore(session, store, people.tech2, entry, 1)
        assert (made.number, made.state, made.change_note) == (3, RevisionState.DRAFT, "恢复第 1 版")
        assert (made.body, made.attributes) == (samples.BODY, first.attributes)
        session.refresh(made)
        assert [file.filename for file in made.attachments] == ["图.png"]
        assert entry.published_revision_id == first.id
