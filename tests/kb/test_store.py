"""Bytes are stored once, come back as they were or not at all, and leave when nobody refers to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kb import entries
from kb.db import Database
from kb.errors import StoreCorrupt
from kb.models import ContentObject
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples


def _files(store: ContentStore) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


def test_the_same_bytes_are_stored_once(database: Database, store: ContentStore) -> None:
    with database.write() as session:
        keys = {store.put(session, b"abc", "text/plain") for _ in range(3)}
        assert keys == {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
        assert session.query(ContentObject).count() == 1
    assert len(_files(store)) == 1
    assert store.get(keys.pop()) == b"abc"


def test_an_altered_or_missing_object_is_never_served(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        assert entry.published is not None
        key = str(entry.published.object_sha256)
        session.commit()
        _files(store)[0].write_bytes(b"abd")
        with pytest.raises(StoreCorrupt, match="改动"):
            store.get(key)
        assert store.verify(session).altered == [key]
        _files(store)[0].unlink()
        with pytest.raises(StoreCorrupt, match="缺少"):
            store.get(key)
        report = store.verify(session)
        assert report.missing == [key] and not report.sound


def test_a_collection_killed_between_file_and_row_is_finished_later(database: Database, store: ContentStore) -> None:
    with database.write() as session:
        store.put(session, b"orphan", "text/plain")
        session.commit()
    _files(store)[0].unlink()
    with database.write() as session:
        assert store.verify(session).sound  # nobody refers to it: nothing is lost
        store.collect(session)
        session.commit()
    with database.read() as session:
        assert session.query(ContentObject).count() == 0


def test_put_mends_a_missing_or_damaged_file(database: Database, store: ContentStore) -> None:
    with database.write() as session:
        key = store.put(session, b"abc", "text/plain")
        _files(store)[0].unlink()
        store.put(session, b"abc", "text/plain")
        assert store.get(key) == b"abc"
        _files(store)[0].write_bytes(b"")
        store.put(session, b"abc", "text/plain")
    assert store.get(key) == b"abc"


def test_collect_removes_what_nobody_refers_to(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        orphan = store.put(session, b"orphan", "text/plain")
        session.commit()
    with database.write() as session:
        assert store.collect(session) == []  # within the grace period
        assert store.verify(session).unreferenced == [orphan]
        assert store.collect(session, grace_s=-1) == [orphan]
        session.commit()
    with database.read() as session:
        report = store.verify(session)
        assert report.sound and report.objects == 1 and report.unreferenced == []
        kept = entries.find(session, people.tech, entry.number).published
        assert kept is not None and entries.text_of(store, kept) == samples.BODY


def test_an_object_of_a_rolled_back_transaction_is_collected(database: Database, store: ContentStore) -> None:
    with database.write() as session:
        store.put(session, b"never committed", "text/plain")
    with database.write() as session:
        assert len(store.collect(session, grace_s=-1)) == 1
        session.commit()
    assert _files(store) == []


_WRITER = """
import sys
from pathlib import Path
from kb.db import Database
from kb.store import ContentStore
database, store = Database(Path(sys.argv[1])), ContentStore(Path(sys.argv[2]))
number = 0
while True:
    with database.write() as session:
        for _ in range(20):
            number += 1
            store.put(session, f"{number} ".encode() * 20_000, "text/plain")
        session.commit()
    print(number, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 on Windows")
def test_kill_9_while_writing_leaves_no_half_object(database: Database, store: ContentStore) -> None:
    committed = 0
    for turn in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(database.path), str(store.root)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        committed = max(committed, int(process.stdout.readline()))
        time.sleep(0.03 * turn)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with database.write() as session:
        report = store.verify(session)
        assert report.sound and report.objects >= committed
        store.collect(session, grace_s=-1)
        session.commit()
    assert _files(store) == []
