"""Filled by several processes, an index is the one that a single process makes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from indexer import Scope, SearchRequest, parse
from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.base import FACETS
from indexer.engines.scan import ScanEngine
from indexer.engines.whoosh_engine import WhooshEngine
from tests.indexer.engines.test_judge import QUERIES, assert_same, random_document


def _documents() -> list[IndexDocument]:
    rng = random.Random(3)
    return [random_document(rng, number, 1) for number in range(60)]


@pytest.mark.parametrize("processes", [1, 2])
def test_filled_is_the_same_as_the_judge(analyzer: Analyzer, tmp_path: Path, processes: int) -> None:
    documents = _documents()
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    told: list[int] = []
    ours.fill([documents[:20], documents[20:25], documents[25:]], processes=processes, progress=told.append)
    judge.apply(documents, [])
    assert told == [20, 25, 60]
    for typed in QUERIES:
        request = SearchRequest(parse(typed), Scope.everything(), 20, 0, FACETS)
        assert_same(ours.search(request), judge.search(request), typed)
    assert not [path.name for path in (tmp_path / "index").iterdir() if path.name.startswith(".")]


def test_nothing_to_fill_leaves_an_empty_index(analyzer: Analyzer, tmp_path: Path) -> None:
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    engine.fill([], processes=2)
    assert engine.count() == 0


def test_a_batch_that_cannot_be_cut_ends_the_build(analyzer: Analyzer, tmp_path: Path) -> None:
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    broken = IndexDocument("S-1", 1, "solution", None, "")  # type: ignore[arg-type]  # no title, so it fails
    with pytest.raises((TypeError, AttributeError)):
        engine.fill([_documents()[:5], [broken], _documents()[5:9]], processes=2)
    engine.apply(_documents()[:3], [])  # and the next commit clears up
    assert engine.count() >= 3


def test_one_small_block_does_not_keep_the_larger_ones_from_being_merged(analyzer: Analyzer, tmp_path: Path) -> None:
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    rng = random.Random(5)
    batches = [[random_document(rng, 100 * batch + number, 1) for number in range(30)] for batch in range(5)]
    engine.fill([*batches, [random_document(rng, 9_999, 1)]], processes=1)
    assert len(list((tmp_path / "index").glob("*.blk"))) <= 2
    assert engine.count() == 151


_ORPHANS = """
import sys, time
from pathlib import Path
from indexer.analysis import Analyzer
from indexer.engines.whoosh_engine import WhooshEngine
from tests.indexer.engines.test_builders import _documents

if __name__ == "__main__":
    folder, cache = map(Path, sys.argv[1:])
    engine = WhooshEngine.create(folder, Analyzer(Path("content/dictionary"), cache))
    def slow():
        for start in range(0, 60, 5):
            yield _documents()[start : start + 5]
            print("batch", flush=True)
            time.sleep(1 if start > 10 else 0)
    engine.fill(slow(), processes=2)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_killed_build_leaves_no_process_behind(tmp_path: Path, cache_dir: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text(_ORPHANS, "utf-8")
    root = Path(__file__).parents[3]
    build = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "index"), str(cache_dir)],
        cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert build.stdout is not None
    for _ in range(4):
        assert build.stdout.readline()
    family = [int(pid) for pid in Path(f"/proc/{build.pid}/task/{build.pid}/children").read_text().split()]
    assert family
    build.kill()
    build.wait()
    build.stdout.close()
    deadline = time.monotonic() + 20
    while (left := [pid for pid in family if _runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
