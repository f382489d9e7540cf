"""Solved is what the user says clearly: by link, on the telephone to somebody named, or with the code at the door."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from kb import audit, incidents, verification
from kb.access import Person
from kb.accounts import SYSTEM
from kb.db import Database
from kb.errors import Conflict, GateClosed, Invalid, NotAllowed
from kb.lifecycle import ContactMethod, IncidentState, Outcome, Unmet, VerificationMethod
from kb.models import Incident, Verification
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import samples

CALL = VerificationMethod.CALL_BACK


def _say(
    session: Session, by: Person, incident: Incident, remark: str = "", outcome: Outcome = Outcome.SOLVED, **more: Any
) -> Verification:
    return incidents.verify(session, by, incident, outcome, CALL, said_by="用户本人", remark=remark, **more)


def test_a_contradictory_confirmation_is_asked_again_and_both_are_kept(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        incidents.link(session, people.tech, incident, samples.published(session, store, people.tech, people.lead))
        first = _say(session, people.tech, incident, "好了，但还是偶尔花屏")
        assert (first.outcome, incident.state) == (Outcome.UNCLEAR, IncidentState.RESOLVED)
        assert incidents.unmet(incident) == [Unmet.NOT_VERIFIED]
        with pytest.raises(GateClosed):
            incidents.close(session, people.tech, incident)
        assert _say(session, people.tech, incident, "基本好了").outcome == Outcome.UNCLEAR  # not `again`
        assert _say(session, people.tech, incident, "基本好了", again=True).outcome == Outcome.SOLVED
        incidents.close(session, people.tech, incident)
        assert [row.outcome for row in incident.verifications] == ["unclear", "unclear", "solved"]


def test_again_counts_only_after_a_contradiction(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        assert _say(session, people.tech, incident, "还是不行", again=True).outcome == Outcome.UNCLEAR


def test_a_confirmed_repair_that_becomes_doubtful_is_open_again(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.confirmed(session, people.tech, samples.resolved(session, people.tech))
        _say(session, people.tech, incident, "有时还卡")
        assert incident.state == IncidentState.RESOLVED
        assert incidents.unmet(incident)[0] == Unmet.NOT_VERIFIED


def test_only_a_named_person_hears_the_user(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        with pytest.raises(NotAllowed, match="具名"):
            _say(session, SYSTEM, incident)


def test_the_code_at_the_door_confirms_once(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech2)
        code = verification.issue_code(session, incident)
        assert code.isdigit() and code not in incident.door_code_hash
        with pytest.raises(Conflict, match="标记已解决"):
            verification.at_door(session, people.tech, incident, code, said_by="用户")
        incidents.take(session, people.tech, incident)
        incidents.resolve(session, people.tech, incident)
        with pytest.raises(Invalid) as caught:
            incidents.verify(session, people.tech, incident, Outcome.SOLVED, VerificationMethod.ON_SITE, said_by="用户")
        assert list(caught.value.fields) == ["code"]
        made = verification.at_door(session, people.tech, incident, f" {code} ", said_by="用户")
        assert made is not None and made.outcome == Outcome.SOLVED
        assert incident.state == IncidentState.VERIFIED
        incidents.reopen(session, people.tech, incident, reason="又坏了")
        incidents.resolve(session, people.tech, incident)
        with pytest.raises(Conflict, match="失效"):  # the technician knows it now
            verification.at_door(session, people.tech, incident, code, said_by="用户")


def test_wrong_codes_void_the_code(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        code = verification.issue_code(session, incident)
        wrong = f"{(int(code) + 1) % 10**6:06d}"
        for _ in range(verification.CODE_TRIES):
            assert verification.at_door(session, people.tech2, incident, wrong, said_by="用户") is None
        with pytest.raises(Conflict, match="失效"):
            verification.at_door(session, people.tech2, incident, code, said_by="用户")
        assert [row.action for row in audit.history(session, incident)].count("wrong_code") == 3


def test_another_code_is_issued_on_request_and_the_one_before_is_void(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        first = verification.issue_code(session, incident)
        for _ in range(verification.CODE_TRIES):
            verification.at_door(session, people.tech2, incident, "x", said_by="用户")
        assert not verification.is_code(incident, first)
        with pytest.raises(NotAllowed):
            verification.renew_code(session, people.subscriber, incident)
        second = verification.renew_code(session, people.lead, incident)
        assert verification.is_code(incident, second)
        with pytest.raises(NotAllowed, match="知道确认码"):
            verification.at_door(session, people.lead, incident, second, said_by="用户")
        made = verification.at_door(session, people.tech2, incident, second, said_by="用户")
        assert made is not None and made.outcome == Outcome.SOLVED
        incidents.reopen(session, people.tech, incident, reason="又坏了")
        incidents.resolve(session, people.tech, incident)
        with pytest.raises(Conflict, match="失效"):  # used once, it holds no more
            verification.at_door(session, people.tech2, incident, second, said_by="用户")
        third = verification.renew_code(session, people.subscriber, incident, own_link=True)
        made = verification.at_door(session, people.tech2, incident, third, said_by="用户")
        assert made is not None and made.outcome == Outcome.SOLVED
        assert [row.action for row in audit.history(session, incident)].count("renew_code") == 2


def test_whoever_registered_it_cannot_use_the_code(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        code = verification.issue_code(session, incident)
        with pytest.raises(NotAllowed, match="知道确认码"):
            verification.at_door(session, people.tech, incident, code, said_by="用户")


def test_an_unreachable_user_stays_in_the_queue_and_nothing_closes_by_time(
    database: Database, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        incident = samples.resolved(session, people.tech)
        later = samples.resolved(session, people.tech)
        dues = []
        for _ in range(7):
            verification.attempt(session, people.tech, incident, ContactMethod.CALL, remark="无人接听")
            dues.append((verification.pending(incident).due - stopped_clock()).days)
            stopped_clock.advance(days=dues[-1])
        assert dues == [1, 1, 2, 3, 7, 7, 7]
        stopped_clock.advance(days=400)
        session.flush()
        assert [row.incident for row in verification.waiting(session, people.tech, unreachable=True, limit=1)] == [
            incident
        ]
        only = verification.waiting(session, people.tech, unreachable=True)
        assert [(row.incident, len(row.attempts), row.age.days) for row in only] == [(incident, 7, 428)]
        assert [row.incident for row in verification.waiting(session, people.tech)] == [incident, later]
        assert incident.state == IncidentState.RESOLVED
        with pytest.raises(GateClosed):
            incidents.close(session, people.lead, incident)
        incidents.reopen(session, people.tech, incident, reason="自查发现没修好")
        incidents.resolve(session, people.tech, incident)
        with pytest.raises(Conflict):
            verification.attempt(session, people.tech, samples.incident(session, people.tech), ContactMethod.CALL)
