"""Two processes at once on one database: one wins, the other is told, and no text is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select

from kb.db import Database
from kb.models import Review, Revision
from kb.store import ContentStore
from tests.conftest import BOTH, People
from tests.databases import address
from tests.kb import samples

_ROOT = Path(__file__).parents[2]
# Each waits at the gate until both are there, then decides on the same part of the same revision.
_DECIDE = """
import json, sys, time
from pathlib import Path
from kb import access, accounts, reviews
from kb.errors import Conflict
from kb.lifecycle import Decision, Part
from kb.models import Revision
from kb.store import ContentStore
from tests.databases import open_database
name, revision_id = sys.argv[3], int(sys.argv[4])
database, store = open_database(sys.argv[1]), ContentStore(Path(sys.argv[2]))
with database.read() as session:
    by = access.person(session, accounts.get(session, name))
print("ready", flush=True)
sys.stdin.readline()
said = name + "写的意见"
with database.write() as session:
    try:
        reviews.decide(session, store, by, session.get_one(Revision, revision_id), Part.CONTENT, Decision.RETURN, reason=said)
        time.sleep(0.3)
        session.commit()
        print(json.dumps(["won", said]))
    except Conflict as exc:
        print(json.dumps([exc.status, exc.details["yours"], exc.details["latest"]]))
"""
_SAVE = """
import json, sys, time
from kb import access, accounts, entries
from kb.errors import StaleVersion
from kb.models import Revision
from tests.databases import open_database
text, revision_id = sys.argv[3], int(sys.argv[4])
database = open_database(sys.argv[1])
with database.read() as session:
    by = access.person(session, accounts.get(session, "tech"))
    version = session.get_one(Revision, revision_id).version
print("ready", flush=True)
sys.stdin.readline()
with database.write() as session:
    revision = session.get_one(Revision, revision_id)
    try:
        entries.save(session, by, revision, revision.read_attributes(), text, version=version)
        time.sleep(0.3)
        session.commit()
        print(json.dumps(["won", text]))
    except StaleVersion as exc:
        print(json.dumps([exc.status, exc.yours, exc.latest, text, revision.body]))
"""


def _both(
    script: str, database: Database, store: ContentStore, arguments: tuple[str, str], revision_id: int
) -> list[list[object]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, address(database), str(store.root), argument, str(revision_id)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT,
        )
        for argument in arguments
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [json.loads(process.communicate(timeout=60)[0]) for process in started]
    return sorted(said, key=lambda one: one[0] != "won")


@BOTH
def test_of_two_reviewers_at_once_one_decides(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision_id = samples.submitted(session, people.tech).id
        session.commit()
    won, lost = _both(_DECIDE, database, store, ("lead", "lead2"), revision_id)
    assert won[0] == "won"
    loser = {"lead写的意见": "lead2", "lead2写的意见": "lead"}[won[1]]
    assert lost[:2] == [409, {"decision": "return", "reason": f"{loser}写的意见"}]  # still in their hands
    assert (lost[2]["decision"], lost[2]["reason"]) == ("return", won[1])
    with database.read() as session:
        assert [review.reason for review in session.scalars(select(Review))] == [won[1]]


@BOTH
def test_of_two_windows_at_once_one_saves_and_the_other_has_both_texts(
    database: Database, store: ContentStore, people: People
) -> None:
    from kb import entries

    with database.write() as session:
        revision_id = entries.create(session, people.tech, samples.attributes(), samples.BODY).id
        session.commit()
    won, lost = _both(_SAVE, database, store, ("甲写的", "乙写的"), revision_id)
    assert won[0] == "won"
    assert lost == [409, 1, 2, "乙写的" if won[1] == "甲写的" else "甲写的", won[1]]
    with database.read() as session:
        assert session.get_one(Revision, revision_id).body == won[1]
