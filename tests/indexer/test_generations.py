"""Generations: replaced without a failed search, one writer, and nothing lost when a process is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer import Engine, IndexDocument, Scope, SearchRequest, parse
from indexer.analysis import Analyzer
from indexer.generations import Generations, processors
from kb.errors import IndexLocked, IndexUnavailable
from tests.indexer.conftest import DICTIONARY

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.Popen[str]"]


def document(number: int, version: int = 1, text: str = "机顶盒黑屏") -> IndexDocument:
    return IndexDocument(f"S-{number:03d}", version, "solution", f"{text}{number}", text)


def everything(engine: Engine) -> int:
    return engine.search(SearchRequest(parse("kind:solution"), Scope.everything())).total


@pytest.fixture
def generations(tmp_path: Path, analyzer: Analyzer) -> Iterator[Generations]:
    generations = Generations(tmp_path / "index", analyzer)
    yield generations
    generations.close()


@pytest.fixture
def run(tmp_path: Path, cache_dir: Path, analyzer: Analyzer) -> Iterator[Run]:
    """Run a script in a process of its own, over the index of the test. `analyzer` has filled jieba's cache."""
    started: list[subprocess.Popen[str]] = []
    head = f"""
        import sys, warnings
        warnings.simplefilter("ignore")
        from pathlib import Path
        from indexer import *
        from indexer.analysis import Analyzer
        from indexer.generations import Generations
        from tests.indexer.test_generations import document, everything
        generations = Generations(Path({str(tmp_path / "index")!r}), Analyzer(Path({str(DICTIONARY)!r}), Path({str(cache_dir)!r})))
    """

    def start(script: str) -> subprocess.Popen[str]:
        code = textwrap.dedent(head) + textwrap.dedent(script)
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


# What a rebuild does


def test_without_an_index_search_says_what_helps_and_creates_nothing(generations: Generations, tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable) as caught:
        generations.current()
    assert caught.value.hint == "kb index rebuild"
    assert not generations.status().usable
    assert not (tmp_path / "index").exists()


def test_build_puts_a_verified_generation_in_use(generations: Generations) -> None:
    told: list[int] = []
    manifest = generations.build((document(n) for n in range(5)), outbox=7, progress=told.append)
    assert (manifest.generation, manifest.documents, manifest.outbox, told) == (1, 5, 7, [5])
    status = generations.status()
    assert (status.usable, status.stale, status.documents, status.manifest) == (True, False, 5, manifest)
    assert json.dumps(status.as_json())


def test_readers_follow_at_their_next_request(generations: Generations) -> None:
    generations.build([document(1)])
    before = generations.current()
    assert generations.current() is before
    generations.build([document(1), document(2)])
    assert everything(generations.current()) == 2
    assert everything(before) == 1  # who still holds the old one may finish


def test_catching_up_happens_before_verification_and_says_how_far(generations: Generations) -> None:
    seen: list[int] = []

    def catch_up(engine: Engine) -> int:
        engine.apply([document(9, version=2)], [])
        return 42

    manifest = generations.build(
        [document(9)], catch_up=catch_up, verify=lambda engine: seen.append(everything(engine))
    )
    assert (manifest.outbox, seen) == (42, [1])
    assert generations.current().versions() == {"S-009": 2}


@pytest.mark.parametrize("failing", ["documents", "catch_up", "verify"])
def test_failed_build_changes_nothing(generations: Generations, tmp_path: Path, failing: str) -> None:
    generations.build([document(1)])
    before = sorted(path.name for path in (tmp_path / "index").iterdir())

    def fail(*_: object) -> Any:
        raise RuntimeError("the first cause")

    def documents() -> Iterator[IndexDocument]:
        yield document(1)
        if failing == "documents":
            fail()

    with pytest.raises(RuntimeError, match="the first cause"):
        generations.build(
            documents(),
            catch_up=fail if failing == "catch_up" else None,
            verify=fail if failing == "verify" else None,
        )
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == before
    assert everything(generations.current()) == 1
    assert generations.build([]).generation == 2


def test_two_generations_are_kept(generations: Generations, tmp_path: Path) -> None:
    for _ in range(4):
        generations.build([document(1)])
    assert sorted(path.name for path in (tmp_path / "index").glob("gen-*")) == ["gen-000003", "gen-000004"]


def test_another_dictionary_asks_for_a_rebuild_and_still_serves(
    generations: Generations, tmp_path: Path, cache_dir: Path
) -> None:
    generations.build([document(1)])
    (tmp_path / "dictionary").mkdir()
    other = Generations(tmp_path / "index", Analyzer(tmp_path / "dictionary", cache_dir))
    assert other.status().usable and other.status().stale and other.status().reasons
    assert everything(other.current()) == 1
    other.close()


def test_unreadable_pointer_or_index_is_unavailable_not_repaired(generations: Generations, tmp_path: Path) -> None:
    generations.build([document(1)])
    pointer = tmp_path / "index" / "CURRENT"
    pointer.write_text("../elsewhere\n")
    with pytest.raises(IndexUnavailable):
        generations.current()
    pointer.write_text("gen-000001\n")
    for toc in (tmp_path / "index" / "gen-000001").rglob("*.toc"):
        toc.unlink()
    with pytest.raises(IndexUnavailable):
        Generations(tmp_path / "index", generations.analyzer).current()
    assert not list((tmp_path / "index").rglob("*.toc"))


# One writer


def test_write_to_a_generation_that_was_replaced_is_refused(generations: Generations) -> None:
    generations.build([document(1)])
    old = generations.current()
    generations.build([document(1)])
    with pytest.raises(IndexLocked):
        old.apply([document(2)], [])
    generations.current().apply([document(2)], [])


def test_second_worker_second_rebuild_and_second_write_are_refused(
    generations: Generations, analyzer: Analyzer, tmp_path: Path
) -> None:
    other = Generations(tmp_path / "index", analyzer)
    generations.build([document(1)])
    with generations.working(), pytest.raises(IndexLocked), other.working():
        pass

    def while_building() -> Iterator[IndexDocument]:
        yield document(1)
        with pytest.raises(IndexLocked):
            other.build([])
        other.current().apply([document(2)], [])  # the old generation takes changes meanwhile

    def verify(engine: Engine) -> None:
        with pytest.raises(IndexLocked):
            other.current().apply([document(3)], [])

    generations.build(while_building(), verify=verify)
    other.close()


def test_lock_of_a_killed_process_is_free(run: Run, generations: Generations) -> None:
    generations.build([document(1)])
    holder = run(
        """
        with generations.working():
            print("held", flush=True)
            import time
            time.sleep(60)
        """
    )
    assert read_line(holder) == "held"
    with pytest.raises(IndexLocked), generations.working():
        pass
    holder.kill()
    holder.wait()
    with generations.working():
        pass


# Several processes and threads

READER = """
    engine = generations.current()
    engine.search(SearchRequest(parse("机顶盒"), Scope.everything()))
    engine.suggest("机顶盒", Scope.public())  # both dictionaries are loaded before the clock runs
    print("ready", flush=True)
    import time
    until, asked = time.monotonic() + {seconds}, 0
    while time.monotonic() < until:
        engine = generations.current()
        results = engine.search(SearchRequest(parse("机顶盒 “黑屏”"), Scope.everything(), facets=("kind",)))
        assert results.total >= {least}, results
        assert len(engine.suggest("机顶盒", Scope.public())) == 8
        asked += 1
    print(asked, flush=True)
"""


def test_rebuilds_and_commits_under_readers_never_fail_a_search(run: Run, generations: Generations) -> None:
    generations.build([document(n) for n in range(20)])
    readers = [run(READER.format(seconds=4, least=20)) for _ in range(2)]
    assert [read_line(reader) for reader in readers] == ["ready"] * 2
    number = 0
    while any(reader.poll() is None for reader in readers):
        number += 1
        generations.current().apply([document(n, version=number) for n in range(20, 24)], [])
        if number % 3 == 0:
            generations.current().optimise()
        if number % 5 == 0:
            generations.build([document(n) for n in range(20)])
    assert number >= 5
    for reader in readers:
        assert int(read_line(reader)) > 10
        assert reader.wait() == 0


def test_threads_share_an_engine_while_it_changes(generations: Generations) -> None:
    generations.build([document(n) for n in range(20)])
    failures: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                assert everything(generations.current()) >= 20
                found = generations.current().search(SearchRequest(parse("机顶盒 “黑屏1”"), Scope.everything()))
                assert found.total == 1
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(2, 14):
        generations.current().apply([document(n, version=version) for n in range(20)], [])
        if version % 4 == 0:
            generations.current().optimise()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(generations.current().versions().values()) == {13}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_child_of_a_fork_searches_for_itself(run: Run) -> None:
    script = """
        import os
        generations.build([document(n) for n in range(9)])
        everything(generations.current())
        pids = [os.fork() or os._exit(everything(generations.current()) - 9) for _ in range(1)]
        assert everything(generations.current()) == 9
        print(os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]))
    """
    assert read_line(run(script)) == "0"


# Killed

WRITER = """
    print("ready", flush=True)
    version = max(generations.current().versions().values())
    while True:
        version += 1
        generations.current().apply([document(n, version=version) for n in range(10)], [])
        print(version, flush=True)
        if version % 3 == 0:
            generations.current().optimise()
"""


def test_killed_while_writing_loses_no_acknowledged_batch_and_splits_none(run: Run, generations: Generations) -> None:
    generations.build([document(n) for n in range(10)])
    rng = random.Random(1)
    for _ in range(3):
        writer = run(WRITER)
        assert read_line(writer) == "ready"
        acknowledged = int(read_line(writer))
        time.sleep(rng.uniform(0.0, 0.4))
        writer.send_signal(signal.SIGKILL)
        said, _ = writer.communicate()
        acknowledged = max([acknowledged, *(int(line) for line in said.split())])
        versions = generations.current().versions()
        assert len(versions) == 10 and len(set(versions.values())) == 1
        assert versions["S-000"] in (acknowledged, acknowledged + 1)
        assert everything(generations.current()) == 10
    generations.current().apply([document(10)], [])
    generations.current().optimise()
    assert generations.current().count() == 11


BUILDER = """
    print("ready", flush=True)
    while True:
        generations.build([document(n) for n in range(10)])
"""


def test_killed_while_building_leaves_a_whole_generation_in_use(
    run: Run, generations: Generations, tmp_path: Path
) -> None:
    generations.build([document(n) for n in range(10)])
    rng = random.Random(2)
    for _ in range(3):
        builder = run(BUILDER)
        assert read_line(builder) == "ready"
        time.sleep(rng.uniform(0.6, 1.6))  # a second goes into loading the dictionary
        builder.send_signal(signal.SIGKILL)
        builder.communicate()
        assert everything(generations.current()) == 10
        assert not generations.status().stale
    generations.build([document(n) for n in range(3)])
    assert everything(generations.current()) == 3
    assert len(list((tmp_path / "index").glob("gen-*"))) == 2


def test_an_index_of_another_format_asks_to_be_rebuilt(generations: Generations, analyzer: Analyzer) -> None:
    generations.build([document(1)])
    (manifest,) = generations._root.glob("gen-*/manifest.json")
    written = json.loads(manifest.read_text("utf-8"))
    manifest.write_text(json.dumps(written | {"schema_version": 1}), "utf-8")
    later = Generations(generations._root, analyzer)
    with pytest.raises(IndexUnavailable, match="索引格式是 1"):
        later.current()
    assert not later.status().usable and "索引格式是 1" in later.status().reasons[0]
    later.build([document(1), document(2)])
    assert later.current().count() == 2


@pytest.mark.parametrize(("limit", "count"), [("150000 100000", 2), ("20000 100000", 1), ("max 100000", 8), ("", 8)])
def test_a_container_has_the_processors_that_it_was_given(
    limit: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "cpu.max"
    given.write_text(limit)
    monkeypatch.setattr("indexer.generations.CPU_MAX", given)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert processors() == count
    given.unlink()
    assert processors() == 8
