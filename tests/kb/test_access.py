"""Why somebody finds an entry, or does not: the reasons say what the check on every hit does."""

from __future__ import annotations

import datetime as dt

import pytest

from kb import access, clock, entries
from kb.access import SUBSCRIBER, Person
from kb.db import Database
from kb.documents import Audience
from kb.errors import NotAllowed, NotFound
from kb.lifecycle import EntryState, Role
from kb.models import Entry
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples


@pytest.fixture
def entry(database: Database, store: ContentStore, people: People) -> str:
    with database.write() as session:
        made = samples.published(session, store, people.manager, people.lead).number
        session.commit()
    return made


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("days", [None, -1, 0, 30])
def test_reasons_are_what_the_check_on_hits_does(
    database: Database, people: People, entry: str, audience: Audience, days: int | None
) -> None:
    with database.write() as session:
        found = entries.find(session, people.admin, entry)
        found.audience = audience
        found.valid_until = None if days is None else clock.today() + dt.timedelta(days=days)
        session.flush()
        for state in (EntryState.PUBLISHED, EntryState.EXPIRED, EntryState.RETIRED):
            found.state = state
            session.flush()
            for person in (SUBSCRIBER, people.tech, people.lead, people.lead2, people.manager, people.admin):
                told = access.reasons(people.admin, person, found)
                assert all(reason.lets for reason in told) == (entry in entries.find_visible(session, person, [entry]))
                assert [reason.rule for reason in told] == ["state", "validity", "audience", "group", "role"]
                assert all(" · " in reason.said for reason in told)
        session.rollback()


def test_the_rule_that_keeps_somebody_out_is_named(database: Database, people: People, entry: str) -> None:
    def out(person: Person, found: Entry) -> list[tuple[str, str]]:
        told = access.reasons(people.manager, person, found)
        return [(reason.rule, reason.said) for reason in told if not reason.lets]

    with database.write() as session:
        found = entries.find(session, people.manager, entry)
        assert out(SUBSCRIBER, found) == []
        found.audience = Audience.RESTRICTED
        assert [rule for rule, _ in out(SUBSCRIBER, found)] == ["audience", "group", "role"]
        ((rule, said),) = out(people.lead2, found)
        assert rule == "group" and "team-tv" in said and people.lead2.name in said
        found.state, found.valid_until = EntryState.EXPIRED, dt.date(2020, 1, 1)
        assert [rule for rule, _ in out(people.lead, found)] == ["state", "validity"]
        session.rollback()


def test_only_leads_and_managers_are_told_and_only_of_what_they_see(
    database: Database, people: People, entry: str
) -> None:
    with database.write() as session:
        found = entries.find(session, people.manager, entry)
        for person in (SUBSCRIBER, people.tech):
            with pytest.raises(NotAllowed):
                access.reasons(person, people.admin, found)
        found.audience = Audience.RESTRICTED
        with pytest.raises(NotFound):  # a lead of another group learns nothing of it
            access.reasons(people.lead2, people.lead, found)
        session.rollback()
    may = {role for role, permissions in access.PERMISSIONS.items() if access.Permission.EXPLAIN_ACCESS in permissions}
    assert may == {Role.REVIEWER, Role.KNOWLEDGE_MANAGER, Role.ADMINISTRATOR}
