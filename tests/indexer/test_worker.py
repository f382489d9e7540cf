"""A change becomes findable once, whatever dies in between; a rebuild is seen by nobody."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from indexer import Scope, SearchRequest, feed, parse
from indexer.analysis import Analyzer
from indexer.generations import Generations
from indexer.golden import judge, wanted
from indexer.worker import Worker, compare, rebuild
from kb import entries, installation, outbox, validity
from kb.db import Database
from kb.errors import Conflict, IndexLocked, IndexUnavailable, Invalid
from kb.library import library_path
from kb.lifecycle import EntryState
from kb.servicehours import Calendar
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import samples
from web.services import Services


@pytest.fixture
def generations(services: Services) -> Generations:
    return services.generations


def _found(generations: Generations, text: str, scope: Scope | None = None) -> list[str]:
    request = SearchRequest(query=parse(text), scope=scope or Scope.everything(), limit=50)
    return [hit.id for hit in generations.current().search(request).hits]


def _publish(database: Database, store: ContentStore, people: People, title: str, **changes: object) -> str:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead, title=title, **changes)
        session.commit()
        return entry.number


def test_a_change_is_findable_after_one_turn(
    database: Database, store: ContentStore, people: People, generations: Generations, worker: Worker
) -> None:
    number = _publish(database, store, people, "量子纠缠光猫离线的处理")
    assert _found(generations, "量子纠缠") == []
    assert worker.turn() == 1
    assert _found(generations, "量子纠缠") == [number]
    assert worker.turn() == 0
    assert compare(database, generations.current()).sound


def test_a_subscriber_finds_by_shared_text_alone(
    database: Database, store: ContentStore, people: People, generations: Generations, worker: Worker
) -> None:
    number = _publish(database, store, people, "机顶盒提示无信号的处理")
    worker.turn()
    assert _found(generations, '"芝麻开门"') == [number]
    assert _found(generations, '"芝麻开门"', Scope.public()) == []
    assert _found(generations, '"信号线拧紧"', Scope.public()) == [number]


def test_a_retired_entry_leaves_with_the_next_turn(
    database: Database, store: ContentStore, people: People, generations: Generations, worker: Worker
) -> None:
    number = _publish(database, store, people, "量子纠缠光猫离线的处理")
    worker.turn()
    with database.write() as session:
        validity.retire(session, people.lead, entries.find(session, people.lead, number), reason="错")
        session.commit()
    worker.turn()
    assert _found(generations, "量子纠缠") == []
    with database.read() as session:
        assert outbox.waiting(session) == 0 and outbox.out_of_sight(session) == frozenset()


@pytest.fixture
def pass_days(worker: Worker, stopped_clock: Clock) -> Callable[[int], None]:
    """So many days later the worker makes its round, and a turn."""

    def passed(days: int) -> None:
        stopped_clock.advance(days=days)
        worker.maintain()
        worker.turn()

    return passed


def test_maintenance_takes_expired_entries_out(
    database: Database, store: ContentStore, people: People, generations: Generations, pass_days: Callable[[int], None]
) -> None:
    number = _publish(database, store, people, "量子纠缠光猫离线的处理", valid_until="2026-11-24")
    pass_days(0)
    assert number in _found(generations, "量子纠缠")
    pass_days(2)
    assert number not in _found(generations, "量子纠缠")
    assert compare(database, generations.current()).sound


def test_a_rebuild_leaves_nothing_waiting(
    database: Database, store: ContentStore, people: People, generations: Generations, worker: Worker
) -> None:
    _publish(database, store, people, "量子纠缠光猫离线的处理")
    manifest = rebuild(database, store, generations)
    with database.read() as session:
        assert outbox.waiting(session) == 0 and manifest.outbox == outbox.position(session) == 1
    later = _publish(database, store, people, "另一条光猫离线的处理")
    with database.read() as session:
        assert outbox.waiting(session) == 1
    worker.turn()
    assert later in _found(generations, "另一条光猫")


def test_a_rebuild_in_the_middle_of_a_turn_loses_nothing(
    database: Database,
    store: ContentStore,
    people: People,
    generations: Generations,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker has read an entry; it is retired and a rebuild swapped in; then the worker wants to write."""
    number = _publish(database, store, people, "量子纠缠光猫离线的处理")
    read = feed.read

    def read_and_be_overtaken(*arguments: Any) -> feed.Batch:
        batch = read(*arguments)
        monkeypatch.setattr(feed, "read", read)
        with database.write() as session:
            validity.retire(session, people.lead, entries.find(session, people.lead, number), reason="错")
            session.commit()
        rebuild(database, store, generations)
        return batch

    monkeypatch.setattr(feed, "read", read_and_be_overtaken)
    with pytest.raises(IndexLocked):
        worker.turn()
    worker.drain()
    assert _found(generations, "量子纠缠") == []
    assert compare(database, generations.current()).sound


def test_one_lost_text_keeps_no_other_from_being_found(
    database: Database,
    store: ContentStore,
    people: People,
    generations: Generations,
    worker: Worker,
    services: Services,
) -> None:
    _publish(database, store, people, "量子纠缠光猫离线的处理")
    worker.drain()
    with database.write() as session:
        body = samples.BODY + "另一条\n"
        entry = samples.published(session, store, people.tech, people.lead, body, title="量子纠缠的另一条处理")
        assert entry.published is not None
        session.commit()
    lost = store.root / str(entry.published.object_sha256)[:2]
    shutil.rmtree(lost)
    _publish(database, store, people, "第三条光猫离线的处理", covers=[])
    worker.drain()
    assert len(_found(generations, "光猫")) == 2
    rebuild(database, store, generations)  # does not refuse for want of a text that nobody has
    hits = services.search.search(people.tech, "量子纠缠 光猫").hits
    assert entry.number not in [hit.id for hit in hits] and len(hits) == 2


def test_a_second_worker_says_so(generations: Generations, worker: Worker) -> None:
    with generations.working(), pytest.raises(IndexLocked):
        worker.run(threading.Event())


def test_a_running_worker_takes_changes_as_they_come_and_merges_beside(
    database: Database, store: ContentStore, people: People, generations: Generations, worker: Worker
) -> None:
    for count in range(6):
        _publish(database, store, people, f"量子纠缠光猫第{count}条")
        worker.turn()
    folder = next(path.parent for path in database.path.parent.rglob("*.blk"))
    assert len(list(folder.glob("*.blk"))) == 6
    stop = threading.Event()
    running = threading.Thread(target=worker.run, args=(stop,))
    running.start()
    try:
        for text in ("猫儿山机房断电后的处理", "白云山机房断电后的处理"):
            number = _publish(database, store, people, text)
            _until(lambda text=text, number=number: number in _found(generations, text[:3]), True)
        _until(lambda: len(list(folder.glob("*.blk"))) < 5, True)
    finally:
        stop.set()
        running.join()
    assert len(_found(generations, "量子纠缠")) == 6


def _until(state: Callable[[], object], wanted: object) -> None:
    deadline = time.monotonic() + 30
    while state() != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_no_worker_makes_an_index(database: Database, store: ContentStore, people: People, tmp_path: Path) -> None:
    empty = Generations(tmp_path / "none", Analyzer(library_path() / "dictionary", tmp_path / "jieba"))
    _publish(database, store, people, "量子纠缠光猫离线的处理")
    with pytest.raises(IndexUnavailable):
        Worker(database, store, empty).turn()
    with database.read() as session:
        assert outbox.waiting(session) == 1  # nothing is lost


_WORKER = """
import sys, threading
from pathlib import Path
from indexer.analysis import Analyzer
from indexer.generations import Generations
from indexer.worker import Worker
from kb.db import Database
from kb.library import library_path
from kb.store import ContentStore
cache, data = Path(sys.argv[1]), Path(sys.argv[2])
generations = Generations(data / "index", Analyzer(library_path() / "dictionary", cache))
worker = Worker(Database(data / "kb.sqlite3"), ContentStore(data / "store"), generations, batch=3)
generations.analyzer.query_tokens("预热")
print("ready", flush=True)
worker.run(threading.Event())
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 on Windows")
def test_a_worker_killed_in_a_loop_loses_and_doubles_nothing(
    database: Database,
    store: ContentStore,
    people: People,
    generations: Generations,
    cache_dir: Path,
) -> None:
    numbers: list[str] = []
    for turn in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(cache_dir), str(database.path.parent)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        for count in range(10):
            numbers.append(_publish(database, store, people, f"量子纠缠光猫第{turn}批第{count}条"))
        time.sleep(0.02 + 0.05 * turn)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    Worker(database, store, generations).drain()
    difference = compare(database, generations.current())
    assert difference.sound and difference.waiting == 0 and difference.expected == len(numbers)
    assert sorted(_found(generations, "量子纠缠")) == sorted(numbers)


def test_a_rebuild_under_readers_and_writers_is_seen_by_nobody(
    database: Database, store: ContentStore, people: People, generations: Generations, worker: Worker
) -> None:
    first = _publish(database, store, people, "量子纠缠光猫离线的处理")
    worker.turn()
    stop = threading.Event()
    failures: list[BaseException | str] = []
    searches = 0

    def read() -> None:
        nonlocal searches
        while not stop.is_set():
            try:
                if first not in _found(generations, "量子纠缠"):
                    failures.append("missing")
                searches += 1
            except BaseException as exc:
                failures.append(exc)

    def write() -> None:
        count = 0
        while not stop.is_set():
            count += 1
            _publish(database, store, people, f"另一条光猫方案第{count}号")
            with suppress(IndexLocked):  # swapped in at this moment: the next turn takes it
                worker.turn()

    threads = [threading.Thread(target=read), threading.Thread(target=read), threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    manifests = [rebuild(database, store, generations) for _ in range(4)]
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == [] and searches > 20
    assert [m.generation for m in manifests] == [2, 3, 4, 5]
    worker.drain()
    assert compare(database, generations.current()).sound


def test_a_failed_golden_query_keeps_the_old_generation(
    database: Database, store: ContentStore, people: People, generations: Generations, tmp_path: Path
) -> None:
    number = _publish(database, store, people, "量子纠缠光猫离线的处理")
    golden = tmp_path / "golden.tsv"
    golden.write_text(f"# 查询\n量子纠缠\t{number}\t1\n量子纠缠\tSOL-GONE-1\t1\n", "utf-8")
    rebuild(database, store, generations, golden=golden)
    assert _golden_failures(database, generations, golden) == []
    golden.write_text(f"火星天气\t{number}\t1\n", "utf-8")
    before = generations.status().manifest
    with pytest.raises(Conflict, match="火星天气"):
        rebuild(database, store, generations, golden=golden)
    assert generations.status().manifest == before
    assert _found(generations, "量子纠缠") == [number]


def test_a_failed_golden_query_does_not_leave_an_installation_without_any_index(
    database: Database, store: ContentStore, people: People, analyzer: Analyzer, tmp_path: Path
) -> None:
    number = _publish(database, store, people, "量子纠缠光猫离线的处理")
    golden = tmp_path / "golden.tsv"
    golden.write_text(f"火星天气\t{number}\t1\n", "utf-8")
    first = Generations(tmp_path / "first", analyzer)
    rebuild(database, store, first, golden=golden)
    assert _found(first, "量子纠缠") == [number]
    first.close()


def _golden_failures(database: Database, generations: Generations, golden: Path) -> list[str]:
    here = generations.opened()
    outcomes = judge(here.engine, here.vocabulary.pins, wanted(database, golden))
    return [str(outcome) for outcome in outcomes if outcome.failed]


def test_the_shipped_golden_queries_pass(shipped: Generations, database: Database) -> None:
    assert _golden_failures(database, shipped, library_path() / "golden.tsv") == []


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory, analyzer: Analyzer) -> Iterator[Generations]:
    data = tmp_path_factory.mktemp("shipped")
    database, store = Database(data / "kb.sqlite3"), ContentStore(data / "store")
    installation.prepare(database, store)
    generations = Generations(data / "index", analyzer)
    rebuild(database, store, generations)
    yield generations
    generations.close()
    database.close()


def test_feed_streams_what_is_published(database: Database, store: ContentStore, people: People) -> None:
    numbers = [_publish(database, store, people, f"光猫方案第{count}号的处理") for count in range(3)]
    with database.write() as session:
        samples.submitted(session, people.tech, title="还没审的方案一条")
        session.commit()
    streamed = list(feed.everything(database, store))
    assert [document.id for document in streamed] == numbers
    assert streamed[0].symptoms == ("盒子开着，电视上写无信号", "机顶盒没信号，隔壁都好好的")
    assert "芝麻开门" in streamed[0].staff_body and "芝麻开门" not in streamed[0].body


def test_maintenance_publishes_what_was_approved_for_today(
    database: Database, store: ContentStore, people: People, generations: Generations, pass_days: Callable[[int], None]
) -> None:
    number = _publish(database, store, people, "量子纠缠光猫离线的处理", valid_from="2026-11-24")
    pass_days(0)
    assert number not in _found(generations, "量子纠缠")
    pass_days(1)
    assert number in _found(generations, "量子纠缠")
    assert compare(database, generations.current()).sound


def test_a_slip_in_the_local_calendar_stops_no_round(
    database: Database, store: ContentStore, people: People, generations: Generations, stopped_clock: Clock
) -> None:
    def broken() -> Calendar:
        raise Invalid("service-hours.yml: 第 3 行")

    number = _publish(database, store, people, "量子纠缠光猫离线的处理", valid_until="2026-11-24")
    stopped_clock.advance(days=2)
    Worker(database, store, generations, calendar=broken).maintain()
    with database.read() as session:
        assert entries.find(session, people.tech, number).state == EntryState.EXPIRED
