"""Four processes read while one adds, updates and deletes, merges beside that in a thread and in children, and is killed
at random: every answer is the judge's for some committed state, and no reader goes back in time.

KB_STRESS_S says for how many seconds (5 by default); a release runs it for minutes.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from indexer import IndexDocument, Results, Scope, SearchRequest, parse
from indexer.analysis import Analyzer
from indexer.engines.base import FACETS
from indexer.engines.scan import ScanEngine
from indexer.engines.whoosh_engine import WhooshEngine, builders
from kb.errors import IndexLocked
from kb.library import library_path
from tests.indexer.engines.test_judge import random_document

SECONDS = float(os.environ.get("KB_STRESS_S", "5"))
READERS = 4
STATES = 120
MARK = "MARK"  # a document that every batch replaces: its version is the number of the state
QUERIES = (
    "机顶盒 黑屏",
    "光猫红灯闪烁怎么办",
    "“连接超时”",
    "宽带 -拨号",
    "kind:policy 超时",
    "设备:HG8245H",
    "jdh",
    "691",
    "前端机",
)
SCOPES = (Scope.everything(), Scope.public())

spawn = multiprocessing.get_context("spawn")


def _batch(state: int) -> tuple[list[IndexDocument], list[str]]:
    """What leads from state - 1 to this state."""
    rng = random.Random(state)
    documents = [random_document(rng, rng.randrange(60), state) for _ in range(rng.randint(1, 8))]
    gone = [f"S-{rng.randrange(60)}" for _ in range(rng.randint(0, 2))]
    return [*documents, IndexDocument(MARK, state, "reference", "记号", "")], gone


def _requests() -> Iterator[SearchRequest]:
    for typed in QUERIES:
        for scope in SCOPES:
            yield SearchRequest(parse(typed), scope, 10, 0, FACETS)


def _seen(results: Results) -> tuple[Any, ...]:
    hits = [(hit.id, hit.version, str(hit.tier)) for hit in results.hits]
    return (hits, results.total, results.facets, results.relaxed), [hit.score for hit in results.hits]


def _same(seen: tuple[Any, ...], judged: tuple[Any, ...]) -> bool:
    return seen[0] == judged[0] and all(abs(a - b) < 1e-5 for a, b in zip(seen[1], judged[1], strict=True))


def _analyzer(cache: str) -> Analyzer:
    return Analyzer(library_path() / "dictionary", Path(cache))


def _state(engine: WhooshEngine) -> int:
    return engine.versions().get(MARK, 0)


def _write(folder: str, cache: str, seed: int) -> None:
    """Go on from the state that the index is in."""
    engine = WhooshEngine(Path(folder), _analyzer(cache))
    rng = random.Random(seed)
    builders._APART = 0 if seed % 2 else 10**9  # bytes: all merges in children, or none
    threading.Thread(target=_merge, args=(engine, seed), daemon=True).start()
    while (state := _state(engine) + 1) < STATES:
        try:
            engine.apply(*_batch(state))
        except IndexLocked:  # the writer before us is dying
            time.sleep(0.05)
        time.sleep(rng.choice((0.0, 0.1)))


def _merge(engine: WhooshEngine, seed: int) -> None:
    rng = random.Random(-seed)
    while True:
        with suppress(IndexLocked):
            engine.optimise()
        time.sleep(rng.uniform(0.0, 0.2))


def _read(folder: str, cache: str, judged: list[list[tuple[Any, ...]]], stop: Any, answers: Any) -> None:
    engine = WhooshEngine(Path(folder), _analyzer(cache))
    requests = list(_requests())
    rng = random.Random(os.getpid())
    earliest, asked = 0, 0
    while not stop.is_set():
        number = rng.randrange(len(requests))
        seen = _seen(engine.search(requests[number]))
        fitting = [state for state in range(earliest, STATES) if _same(seen, judged[state][number])]
        if not fitting:
            answers.put(f"{requests[number].query}: {seen} is the judge's answer for no state from {earliest} on")
            return
        earliest, asked = fitting[0], asked + 1
        time.sleep(0.002)  # so that the writer has a processor, too
    answers.put(asked)


@pytest.fixture(scope="module")
def judged(analyzer: Analyzer) -> list[list[tuple[Any, ...]]]:
    """What the judge answers to every request, state by state."""
    judge = ScanEngine(analyzer)
    found = []
    for state in range(STATES):
        if state:
            judge.apply(*_batch(state))
        found.append([_seen(judge.search(request)) for request in _requests()])
    return found


def test_every_answer_is_that_of_a_committed_state(
    analyzer: Analyzer, cache_dir: Path, tmp_path: Path, judged: list[list[tuple[Any, ...]]]
) -> None:
    folder = tmp_path / "index"
    WhooshEngine.create(folder, analyzer).close()
    stop, answers = spawn.Event(), spawn.Queue()
    readers = [
        spawn.Process(target=_read, args=(str(folder), str(cache_dir), judged, stop, answers), daemon=True)
        for _ in range(READERS)
    ]
    for reader in readers:
        reader.start()
    rng = random.Random(1)
    until = time.monotonic() + SECONDS
    kills = 0
    watched = WhooshEngine(folder, analyzer)
    while (time.monotonic() < until or kills < 2) and (begun := _state(watched)) < STATES - 1:
        writer = spawn.Process(target=_write, args=(str(folder), str(cache_dir), kills))  # a daemon has no children
        writer.start()
        while writer.is_alive() and _state(watched) == begun:
            time.sleep(0.01)
        writer.join(rng.uniform(0.0, 2.0))  # a child of its takes half a second to start
        if writer.is_alive():
            assert writer.pid is not None
            os.kill(writer.pid, signal.SIGKILL)
            kills += 1
        writer.join()
    stop.set()
    told = [answers.get(timeout=30) for _ in readers]
    for reader in readers:
        reader.join(10)
    assert all(isinstance(one, int) and one > 0 for one in told), told
    assert kills and _state(watched) >= kills
    watched.optimise()
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
