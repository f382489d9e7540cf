"""Blocks are merged beside commits, readers and deaths: no document is lost, and none that was deleted comes back."""

from __future__ import annotations

import multiprocessing
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import IndexDocument, Scope, SearchRequest, parse
from indexer.analysis import Analyzer
from indexer.engines.base import FACETS
from indexer.engines.scan import ScanEngine
from indexer.engines.whoosh_engine import WhooshEngine, builders
from indexer.engines.whoosh_engine.codec import BlockSegment, DurableStorage, commit, merging
from kb.errors import IndexUnavailable
from tests.indexer.engines.test_judge import QUERIES, assert_same, random_document

BATCHES = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def judge(analyzer: Analyzer) -> ScanEngine:
    return ScanEngine(analyzer)


@pytest.fixture
def engine(analyzer: Analyzer, folder: Path, judge: ScanEngine) -> Iterator[WhooshEngine]:
    """Some small blocks, with a document deleted from each."""
    engine, rng = WhooshEngine.create(folder, analyzer), random.Random(7)
    for batch in range(BATCHES):
        documents = [random_document(rng, 10 * batch + number, 1) for number in range(8)]
        for one in (engine, judge):
            one.apply(documents, [])
            one.apply([], [f"S-{10 * batch + 3}"])
    yield engine
    engine.close()


@pytest.fixture(params=[0, 10**9], ids=["child", "here"])
def apart(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Merges as large ones are done, and as small ones."""
    monkeypatch.setattr(builders, "_APART", request.param)


@pytest.fixture
def in_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builders, "_APART", 0)


def _entries(engine: WhooshEngine) -> list[BlockSegment]:
    return [view.entry for view in engine._current().views]


def _put_in_place(folder: Path, chosen: list[BlockSegment], merged: BlockSegment | None) -> bool:
    assert merged is not None
    with commit(DurableStorage(str(folder))) as change:
        return change.replace(chosen, merged)


def _unfinished(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def _same(engine: WhooshEngine, judge: ScanEngine) -> None:
    assert engine.versions() == judge.versions()
    for typed in QUERIES:
        for scope in (Scope.everything(), Scope.public()):
            request = SearchRequest(parse(typed), scope, 20, 0, FACETS)
            assert_same(engine.search(request), judge.search(request), typed)


def test_merged_is_the_same_as_the_judge(engine: WhooshEngine, judge: ScanEngine, folder: Path, apart: None) -> None:
    engine.optimise()
    assert len(_entries(engine)) == 1 and not _unfinished(folder)
    _same(engine, judge)


def test_what_changed_while_merging_stays_changed(
    engine: WhooshEngine, judge: ScanEngine, folder: Path, apart: None
) -> None:
    chosen = _entries(engine)
    merged = builders.merge(folder, chosen)
    rng = random.Random(8)
    for one in (engine, judge):  # taken in while the blocks were written anew
        rng.seed(8)
        one.apply([random_document(rng, number, 2) for number in (0, 14, 37, 99)], ["S-1", "S-25"])
    assert _put_in_place(folder, chosen, merged)
    assert len(_entries(engine)) == 2
    _same(engine, judge)


def test_a_merge_gives_up_when_another_was_faster(engine: WhooshEngine, judge: ScanEngine, folder: Path) -> None:
    chosen = _entries(engine)[:2]
    merged = builders.merge(folder, chosen)
    engine.optimise()
    assert not _put_in_place(folder, chosen, merged)
    _same(engine, judge)


def test_a_merge_gives_up_when_a_block_is_gone(
    engine: WhooshEngine, judge: ScanEngine, folder: Path, apart: None
) -> None:
    chosen = _entries(engine)
    merged = builders.merge(folder, chosen)
    gone = [id for id in engine.versions() if int(id[2:]) < 10]
    for one in (engine, judge):
        one.apply([], gone)
    assert not _put_in_place(folder, chosen, merged)
    assert builders.merge(folder, chosen) is None  # its file is not there either
    _same(engine, judge)
    assert _unfinished(folder)
    engine.optimise()
    assert not _unfinished(folder) and len(_entries(engine)) == 1
    _same(engine, judge)


def test_one_merges_at_a_time(engine: WhooshEngine, folder: Path) -> None:
    left = folder / ".kb_ofsomebodyatwork.blk"
    with merging(DurableStorage(str(folder))) as ours:
        assert ours
        left.touch()
        engine.optimise()
        assert len(_entries(engine)) == BATCHES and left.exists()
    engine.optimise()
    assert len(_entries(engine)) == 1 and not left.exists()


def test_changes_are_taken_in_while_a_child_merges(
    engine: WhooshEngine, judge: ScanEngine, folder: Path, in_child: None
) -> None:
    merger = threading.Thread(target=engine.optimise)
    merger.start()
    version = 1
    while merger.is_alive():
        version += 1
        for one in (engine, judge):
            one.apply([random_document(random.Random(version), version % 40, version)], [f"S-{version * 7 % 40}"])
    merger.join()
    assert version > 2
    engine.optimise()
    _same(engine, judge)
    assert not _unfinished(folder)


def test_a_killed_merge_changes_nothing(engine: WhooshEngine, judge: ScanEngine, folder: Path, in_child: None) -> None:
    failures: list[Exception] = []

    def merge() -> None:
        try:
            engine.optimise()
        except IndexUnavailable as exc:
            failures.append(exc)

    merger = threading.Thread(target=merge)
    merger.start()
    while not (children := multiprocessing.active_children()):
        time.sleep(0.001)
    for child in children:
        child.kill()
    merger.join()
    assert len(failures) == 1 and len(_entries(engine)) == BATCHES
    engine.optimise()
    assert len(_entries(engine)) == 1 and not _unfinished(folder)
    _same(engine, judge)


def test_what_a_child_cannot_do_is_told_with_its_cause(tmp_path: Path, in_child: None) -> None:
    entry = BlockSegment(1)
    entry.file(tmp_path).write_bytes(b"something else")
    with pytest.raises(ValueError, match="no block"):
        builders.merge(tmp_path, [entry])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills processes")
def test_a_build_whose_process_is_killed_says_so(analyzer: Analyzer, tmp_path: Path) -> None:
    rng = random.Random(1)

    def batches() -> Iterator[list[IndexDocument]]:
        for number in range(6):
            yield [random_document(rng, number, 1)]
            for child in multiprocessing.active_children():
                child.kill()

    with pytest.raises(IndexUnavailable):
        WhooshEngine.create(tmp_path / "other", analyzer).fill(batches(), processes=2)
