"""A changed dictionary comes into use whole or not at all, and the generation in use is asked with its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer import SearchRequest, golden, parse, pins, proposals, workbench
from indexer.analysis import Analyzer
from indexer.engines.base import Scope
from indexer.generations import Generations
from indexer.proposals import Failed
from indexer.worker import Worker, rebuild
from kb import clock, dictionary, installation
from kb import golden as judged
from kb.db import Database
from kb.dictionary_lines import LineKind
from kb.errors import Conflict, IndexLocked
from kb.library import library_path
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.indexer.conftest import DICTIONARY
from tests.kb import samples

TERM, SYNONYM, STOPWORD, PIN = LineKind


class Bench:
    """An installation with three entries, and the few steps that tests take."""

    def __init__(self, database: Database, store: ContentStore, generations: Generations, people: People, golden: Path):
        self.database, self.store, self.generations, self.by = database, store, generations, people.manager
        self.path = golden
        with database.write() as session:
            self.numbers = [
                samples.published(session, store, people.tech, people.lead, title=title, **more).number
                for title, more in (
                    ("量子纠缠光猫离线", {}),
                    ("雪花屏的处理", {}),
                    ("机房钥匙借用", {"audience": "staff"}),
                )
            ]
            session.commit()
        rebuild(database, store, generations)

    def edit(self, kind: LineKind, text: str) -> None:
        with self.database.write() as session:
            known = workbench.known(session, self.generations)
            dictionary.add(session, self.by, kind, text, reason="试", known=known)
            session.commit()

    def apply(self) -> int:
        number = workbench.freeze(self.database, self.generations, self.by, reason="试")
        self.use(number)
        return number

    def use(self, number: int) -> None:
        workbench.put_in_use(self.database, self.store, self.generations, self.by, number, path=self.path, reason="试")

    def find(self, text: str, scope: Scope | None = None, **more: Any) -> list[str]:
        here = self.generations.opened()
        request = SearchRequest(parse(text), scope or Scope.everything(), **more)
        results = pins.search(here.engine, here.vocabulary.pins, request, today=clock.today())
        assert results.total >= len(results.hits)
        return [hit.id for hit in results.hits]

    def preview(self, *queries: str) -> workbench.Preview:
        return workbench.preview(self.database, self.store, self.generations, path=self.path, queries=queries)

    @property
    def pointer(self) -> str:
        return (self.database.path.parent / "index" / "CURRENT").read_text()


@pytest.fixture
def bench(
    database: Database, store: ContentStore, people: People, analyzer: Analyzer, tmp_path: Path
) -> Iterator[Bench]:
    path = tmp_path / "golden.tsv"
    path.write_text("", "utf-8")
    generations = Generations(database.path.parent / "index", analyzer)
    yield Bench(database, store, generations, people, path)
    generations.close()


def _files(bench: Bench) -> dict[str, bytes]:
    root = bench.database.path.parent / "index"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.glob("gen-*/**/*") if p.is_file()}


def test_what_queries_alone_read_comes_into_use_without_touching_the_index(bench: Bench) -> None:
    bench.edit(SYNONYM, "死机 => 离线 | 查询")
    bench.edit(STOPWORD, "钥匙")
    assert bench.find("死机") == []
    before = _files(bench)
    assert bench.apply() == 1
    manifest = bench.generations.status().manifest
    assert _files(bench) == before and manifest is not None and manifest.generation == 1
    assert bench.find("死机") == [bench.numbers[0]]
    assert bench.numbers[2] not in bench.find("雪花 钥匙")
    assert workbench.version_in_use(bench.database, bench.generations) == 1


def test_an_index_does_not_depend_on_what_queries_alone_read(bench: Bench, cache_dir: Path, tmp_path: Path) -> None:
    lines = "死机 => 离线 | query | 0.3\n"
    for name in ("terms.txt", "synonyms.txt", "stopwords.txt"):
        text = (DICTIONARY / name).read_text("utf-8")
        (tmp_path / name).write_text(text + {"synonyms.txt": lines, "stopwords.txt": "钥匙\n"}.get(name, ""), "utf-8")
    other = Generations(tmp_path / "other", Analyzer(tmp_path, cache_dir))
    rebuild(bench.database, bench.store, other)
    blocks = [
        next((folder / "gen-000001").rglob("*.blk")).read_bytes()
        for folder in (tmp_path / "other", bench.database.path.parent / "index")
    ]
    assert blocks[0] == blocks[1]
    other.close()


def test_a_new_word_is_built_into_a_new_generation_and_rolls_back(bench: Bench) -> None:
    bench.edit(TERM, "花屏的")
    preview = bench.preview("雪花屏")
    assert preview.rebuild and preview.exact and preview.words_added == ("花屏的",)
    assert preview.affected == 1 and preview.judged_on == 3
    assert bench.apply() == 1
    status = bench.generations.status()
    assert status.manifest is not None and status.manifest.generation == 2 and not status.stale
    assert status.dictionary == status.manifest.dictionary and status.dictionary.startswith("v1-")
    assert "花屏的" in bench.generations.analyzer.words
    bench.use(0)
    assert "花屏的" not in bench.generations.analyzer.words
    assert workbench.version_in_use(bench.database, bench.generations) == 0
    bench.use(1)
    assert "花屏的" in bench.generations.analyzer.words


def test_a_preview_changes_nothing_and_is_right(bench: Bench) -> None:
    bench.edit(PIN, f"雪花屏 => {bench.numbers[2]}")
    before, pointer = _files(bench), bench.pointer
    preview = bench.preview("雪花屏", "光猫离线")
    assert not preview.rebuild and preview.exact and preview.asked == 2
    (moved,) = preview.moved
    assert (moved.query, moved.before[0], moved.after[0]) == ("雪花屏", bench.numbers[1], bench.numbers[2])
    assert (_files(bench), bench.pointer) == (before, pointer)
    bench.apply()
    assert tuple(bench.find("雪花屏")) == moved.after


def test_a_preview_names_what_is_cut_otherwise(bench: Bench) -> None:
    bench.edit(TERM, "子纠缠光")
    assert bench.preview().recut == (bench.numbers[0],)


def test_a_preview_of_many_documents_says_that_it_looked_at_a_part(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbench, "WHOLE", 1)
    bench.edit(TERM, "子纠缠光")
    preview = bench.preview("雪花屏")
    assert not preview.exact and preview.judged_on == 2  # the one with the word, the one that the query finds


def test_other_processes_follow_and_each_generation_is_asked_with_its_own_dictionary(
    bench: Bench, analyzer: Analyzer
) -> None:
    other = Generations(bench.database.path.parent / "index", analyzer)
    old = other.opened()
    bench.edit(TERM, "花屏的")
    bench.apply()
    assert "花屏的" in other.analyzer.words and "花屏的" not in old.vocabulary.analyzer.words
    assert other.opened().vocabulary.name != old.vocabulary.name
    assert other.current().count() == old.engine.count() == 3  # whoever is still reading goes on with the old one
    other.close()


def test_an_ordinary_rebuild_keeps_the_version_in_use(bench: Bench, analyzer: Analyzer, tmp_path: Path) -> None:
    bench.edit(TERM, "花屏的")
    bench.apply()
    bench.edit(TERM, "没启用的词")
    assert rebuild(bench.database, bench.store, bench.generations).dictionary.startswith("v1-")
    lost = Generations(tmp_path / "lost", analyzer)  # the index was deleted: what is true is in the database
    assert rebuild(bench.database, bench.store, lost).dictionary.startswith("v1-")
    lost.close()


def test_an_upgrade_of_the_shipped_dictionary_asks_for_a_rebuild_and_keeps_local_lines(
    bench: Bench, cache_dir: Path, tmp_path: Path
) -> None:
    bench.edit(TERM, "花屏的")
    bench.apply()
    (tmp_path / "terms.txt").write_text("新版词 3 n\n", "utf-8")
    upgraded = Generations(bench.database.path.parent / "index", Analyzer(tmp_path, cache_dir))
    assert upgraded.status().usable and upgraded.status().stale
    assert "新版词" not in upgraded.analyzer.words  # until then the index is asked as it was built
    rebuild(bench.database, bench.store, upgraded)
    assert {"新版词", "花屏的"} <= upgraded.analyzer.words and not upgraded.status().stale
    upgraded.close()


# --- golden queries ----------------------------------------------------------------------------------------------


def test_a_failed_golden_query_keeps_the_dictionary_in_use_quick_or_slow(bench: Bench) -> None:
    with bench.database.write() as session:
        judged.add(session, bench.by, "雪花屏", bench.numbers[1], 1)  # one of this installation's own
        session.commit()
    bench.edit(PIN, f"雪花屏 => {bench.numbers[2]}")
    pointer = bench.pointer
    assert bench.preview().failing
    with pytest.raises(Conflict, match="雪花屏"):
        bench.apply()
    bench.edit(TERM, "花屏的")
    with pytest.raises(Conflict, match="雪花屏"):
        bench.apply()
    assert bench.pointer == pointer and bench.find("雪花屏")[0] == bench.numbers[1]
    with bench.database.read() as session:
        assert [row.action for row in dictionary.history(session, 2)] == ["refused", "apply"]


def test_a_run_is_kept_with_ranks_and_comes_again_when_something_changed(bench: Bench, stopped_clock: Clock) -> None:
    bench.path.write_text(f"雪花屏\t{bench.numbers[1]}\t1\n火星天气\t{bench.numbers[0]}\t1\n", "utf-8")
    worker = Worker(bench.database, bench.store, bench.generations, golden=bench.path)
    worker.maintain()
    with bench.database.read() as session:
        run = judged.last_run(session)
        assert run is not None and (run.asked, run.failed) == (2, 1)
        assert [(one.rank, one.failed) for one in judged.outcomes(run)] == [(1, False), (None, True)]
    assert golden.run_if_due(bench.database, bench.generations, bench.path) is None
    stopped_clock.advance(hours=25)
    assert golden.run_if_due(bench.database, bench.generations, bench.path) is not None
    with bench.database.write() as session:
        judged.add(session, bench.by, "光猫", bench.numbers[0], 3)
        session.commit()
    added = golden.run_if_due(bench.database, bench.generations, bench.path)
    assert added is not None and added.asked == 3
    rebuild(bench.database, bench.store, bench.generations)
    assert golden.run_if_due(bench.database, bench.generations, bench.path) is not None


# --- pins ---------------------------------------------------------------------------------------------------------


def test_a_pin_is_shown_once_on_its_days_and_to_those_who_may_see_it(bench: Bench, stopped_clock: Clock) -> None:
    bench.edit(PIN, f"雪花 屏 => {bench.numbers[2]} | 2026-11-23..2026-11-24")
    bench.apply()
    assert bench.find("雪花屏") == [bench.numbers[2], bench.numbers[1]]
    assert bench.find("雪花屏", limit=1) == [bench.numbers[2]] and bench.find("雪花屏", limit=1, offset=1) == [
        bench.numbers[1]
    ]
    assert bench.find("雪花屏", Scope.public()) == [bench.numbers[1]]
    assert bench.find("雪花屏 kind:policy") == []  # the same conditions as any hit
    stopped_clock.advance(days=2)
    assert bench.find("雪花屏") == [bench.numbers[1]]


def test_totals_and_facets_count_a_pin_once(bench: Bench) -> None:
    bench.edit(PIN, f"雪花屏 => {bench.numbers[1]}\n光猫 => {bench.numbers[2]}")
    bench.apply()
    here = bench.generations.opened()
    for text, total in (("雪花屏", 1), ("光猫", 2)):
        request = SearchRequest(parse(text), Scope.everything(), facets=("audience",))
        results = pins.search(here.engine, here.vocabulary.pins, request, today=clock.today())
        assert (results.total, sum(count for _, count in results.facets["audience"])) == (total, total)


# --- killed while it is put in use --------------------------------------------------------------------------------

_APPLY = """
import sys, time
from pathlib import Path
from indexer import feed, workbench, worker
from indexer.analysis import Analyzer
from indexer.generations import Generations
from kb.accounts import SYSTEM
from kb.db import Database
from kb.library import library_path
from kb.store import ContentStore
data, cache, golden, number = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
generations = Generations(data / "index", Analyzer(library_path() / "dictionary", cache))
everything = feed.everything
def slowly(*arguments):
    yield from everything(*arguments)
    print("building", flush=True)
    time.sleep(60)
feed.everything = slowly
workbench.put_in_use(Database(data / "kb.sqlite3"), ContentStore(data / "store"), generations, SYSTEM, number, path=golden, reason="x")
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 on Windows")
def test_killed_while_a_dictionary_is_built_in_the_old_one_is_in_use(bench: Bench, cache_dir: Path) -> None:
    bench.edit(TERM, "花屏的")
    number = workbench.freeze(bench.database, bench.generations, bench.by, reason="试")
    pointer = bench.pointer
    process = subprocess.Popen(
        [sys.executable, "-c", _APPLY, str(bench.database.path.parent), str(cache_dir), str(bench.path), str(number)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "building\n"
    with pytest.raises(IndexLocked):
        bench.use(0)  # one at a time, in whatever process
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert bench.pointer == pointer and "花屏的" not in bench.generations.analyzer.words
    assert bench.find("雪花屏") == [bench.numbers[1]]
    deadline = time.monotonic() + 20
    while True:  # builders of the killed process end by themselves
        try:
            bench.use(number)
            break
        except IndexLocked:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert "花屏的" in bench.generations.analyzer.words


# --- proposals ----------------------------------------------------------------------------------------------------


def test_words_and_synonyms_are_proposed_from_failed_searches(analyzer: Analyzer) -> None:
    failed = [
        Failed("黢麻屏", 3),
        Failed("黢麻屏怎么办", 2, helped=["马赛克"]),
        Failed("停电 死机", 2, helped=["停电 黑屏"]),
        Failed("只问一次的嗐嘿", 1),
    ]
    offered = {(one.kind, one.text): one.count for one in proposals.propose(failed, analyzer)}
    assert offered[("term", "黢麻屏")] == 5
    assert offered[("synonym", "黢麻屏 => 马赛克")] == 2 and offered[("synonym", "死机 => 黑屏")] == 2
    assert not any("停电" in text or "嗐" in text for _, text in offered)


def test_what_the_dictionary_knows_is_not_proposed(analyzer: Analyzer) -> None:
    assert proposals.propose([Failed("款带", 5, helped=["宽带"])], analyzer) == []


def test_the_shipped_library_has_no_bad_lines_of_our_own(database: Database, store: ContentStore) -> None:
    installation.prepare(database, store)
    found = judged.shipped(library_path() / "golden.tsv")
    assert len(found) > 30 and all(1 <= one.lowest <= judged.LOWEST for one in found)
