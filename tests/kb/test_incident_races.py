"""On either database two processes act on one incident, or on it and its solution, at the same moment: one wins, the other is told."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kb import access, accounts, entries, incidents, reviews, validity
from kb.access import Person
from kb.db import Database
from kb.errors import KBError
from kb.lifecycle import Decision, Part
from kb.models import Incident, Revision
from kb.store import ContentStore
from tests.conftest import BOTH, People
from tests.databases import address, open_database
from tests.kb import invariants, samples

ROUNDS = 6
OTHER = "另一条机顶盒无信号方案"


# What either process does in a round: (session, store, person, incident, version of the page, revision)
def _close(session: Any, store: Any, by: Person, incident: Incident, version: int, revision: Revision) -> None:
    incidents.check_version(incident, version)
    incidents.close(session, by, incident)


def _retire(session: Any, store: Any, by: Person, incident: Incident, version: int, revision: Revision) -> None:
    validity.retire(session, by, revision.entry, reason="写错了")


def _relink(session: Any, store: Any, by: Person, incident: Incident, version: int, revision: Revision) -> None:
    incidents.check_version(incident, version)
    other = session.query(type(revision.entry)).filter_by(title=OTHER).one()
    incidents.link(session, by, incident, other)


def _approve(session: Any, store: Any, by: Person, incident: Incident, version: int, revision: Revision) -> None:
    reviews.decide(session, store, by, revision, Part.FORMAL, Decision.APPROVE, similar=lambda title, body: [])
    incidents.check_version(incident, version)  # the lead closes at once, from the page they have open
    incidents.close(session, by, incident)


ACTIONS: dict[str, Callable[..., None]] = {"close": _close, "retire": _retire, "relink": _relink, "approve": _approve}


def _work(
    where: tuple[str, Path], name: str, who: str, rounds: list[tuple[int, int, int]], start: Any, answers: Any
) -> None:
    database, store = open_database(where[0]), ContentStore(where[1])
    with database.read() as session:
        by = access.person(session, accounts.get(session, who))
    for number, (incident_id, version, revision_id) in enumerate(rounds):
        start.wait(60)
        try:
            with database.write() as session:
                incident, revision = session.get_one(Incident, incident_id), session.get_one(Revision, revision_id)
                ACTIONS[name](session, store, by, incident, version, revision)
                session.commit()
        except KBError as exc:
            answers.put((number, name, exc.status, exc.code, exc.details))
        else:
            answers.put((number, name, 200, "", {}))
    database.close()


def _race(
    database: Database, store: ContentStore, rounds: list[tuple[int, int, int]], *contenders: tuple[str, str]
) -> list[dict[str, Any]]:
    where = address(database), store.root
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=_work, args=(where, name, who, rounds, start, answers)) for name, who in contenders
    ]
    for process in processes:
        process.start()
    found: list[dict[str, Any]] = [{} for _ in rounds]
    for _ in range(2 * len(rounds)):
        number, name, *answer = answers.get(timeout=120)
        found[number][name] = tuple(answer)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    return found


@BOTH
@pytest.mark.parametrize("rival", ["retire", "relink"])
def test_closing_against(rival: str, database: Database, store: ContentStore, people: People) -> None:
    rounds = []
    with database.write() as session:
        samples.published(session, store, people.tech, people.lead, title=OTHER)
        for _ in range(ROUNDS):
            entry = samples.published(session, store, people.tech, people.lead)
            incident = samples.resolved(session, people.tech)
            incidents.link(session, people.tech, incident, entry)
            samples.confirmed(session, people.tech, incident)
            session.flush()
            rounds.append((incident.id, incident.version, entry.published_revision_id or 0))
        session.commit()
    for (incident_id, version, _), answers in zip(
        rounds, _race(database, store, rounds, ("close", "tech"), (rival, "lead")), strict=True
    ):
        with database.read() as session:
            incident = session.get_one(Incident, incident_id)
            closed = incident.state == "closed"
            assert closed == (answers["close"][0] == 200)
            if rival == "retire":  # the entry is another record: it can go when the incident has closed, not before
                assert answers["retire"][0] == 200
                assert closed or answers["close"][:2] == (409, "gate_closed")
            else:
                loser = answers["relink" if closed else "close"]
                assert sorted(answer[0] for answer in answers.values()) == [200, 409]
                assert loser[1] == "stale_version" or "先重开" in str(loser)
                assert loser[2] == {"yours": version, "latest": version + 1}
            invariants.check(session)


@BOTH
def test_relinking_against_approving(database: Database, store: ContentStore, people: People) -> None:
    rounds = []
    with database.write() as session:
        samples.published(session, store, people.tech, people.lead, title=OTHER)
        for _ in range(ROUNDS):
            incident = samples.resolved(session, people.tech)
            revision = incidents.write_solution(session, people.tech, incident, samples.attributes(), samples.BODY)
            entries.submit(session, people.tech, revision)
            reviews.decide(session, store, people.lead, revision, Part.CONTENT, Decision.APPROVE)
            samples.confirmed(session, people.tech, incident)
            session.flush()
            rounds.append((incident.id, incident.version, revision.id))
        session.commit()
    for (incident_id, version, revision_id), answers in zip(
        rounds, _race(database, store, rounds, ("relink", "tech"), ("approve", "lead")), strict=True
    ):
        with database.read() as session:
            incident, revision = session.get_one(Incident, incident_id), session.get_one(Revision, revision_id)
            assert sorted(answer[0] for answer in answers.values()) == [200, 409]
            loser = "approve" if answers["relink"][0] == 200 else "relink"
            assert answers[loser][1:] == ("stale_version", {"yours": version, "latest": version + 1})
            if loser == "relink":
                assert (incident.state, incident.solution_revision_id) == ("closed", revision_id)
            else:  # nothing of the approval stays half done, and the text is there to be approved again
                assert (incident.state, revision.state, revision.body) == (
                    "verified",
                    "in_review",
                    samples.BODY.strip() + "\n",
                )
            invariants.check(session)
