"""A model changes the order of hits within their tier, and nothing else; without it search goes on."""

from __future__ import annotations

import datetime as dt
import logging
import math
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import Engine, IndexDocument, Scope, SearchRequest, Sort, Tier, golden, parse, pins, vectors
from indexer.analysis import Analyzer
from indexer.dense import MOST_PIECES, Dense, Encoder, Fusion, text_of
from indexer.engines.base import Results
from indexer.pins import Pin, Pins
from indexer.worker import FILLED, Worker
from kb.db import Database
from kb.errors import Invalid
from kb.settings import Settings
from tests.conftest import People
from tests.indexer import encoder
from tests.kb import samples
from web.services import Services, open_services

# One direction is sound, the other picture, the third anything else.
MEANINGS = {
    "声": (1, 0, 0), "音": (1, 0, 0), "哑": (1, 0, 0), "花": (0, 1, 0), "屏": (0, 1, 0), "马": (0, 1, 0), "赛": (0, 1, 0),
    "电": (0, 0, 1), "视": (0, 0, 1), "坏": (math.nan, 0, 0),
}  # fmt: skip
ALONE = Fusion(k=1.0, weight=1000.0)  # the order by meaning decides


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return encoder.write(tmp_path / "model", MEANINGS)


def document(number: int, title: str, body: str, **more: Any) -> IndexDocument:
    values: dict[str, Any] = {"id": f"SOL-{number}", "version": 1, "kind": "solution", "updated": dt.date(2026, 5, 1)}
    return IndexDocument(**(values | {"title": title, "body": body} | more))


LIBRARY = (
    document(1, "电视画面", "电视电视电视花屏"),
    document(2, "电视机", "电视马赛马赛"),
    document(3, "看电视", "哑哑哑哑"),
    document(4, "电视机顶盒", "声音声音", audience="staff"),
    document(5, "电视", "花屏", codes=("E1",)),
)


@pytest.fixture
def library(engine: Engine) -> Engine:
    engine.apply(LIBRARY, [])
    return engine


def dense(model: Path, tmp_path: Path, numbers: Fusion | None = None, *, filled: bool = True) -> Dense:
    made = Dense(model, tmp_path / "dense", numbers=numbers)
    if filled:
        assert made.add(LIBRARY, interrupted=lambda: False) == {one.id for one in LIBRARY}
    return made


def asked(typed: str, scope: Scope | None = None, **more: int) -> SearchRequest:
    return SearchRequest(parse(typed), scope or Scope.everything(), facets=("kind", "audience"), **more)


def ids(results: Results) -> list[str]:
    return [hit.id for hit in results.hits]


def test_what_is_near_in_meaning_rises_and_nothing_else_changes(library: Engine, model: Path, tmp_path: Path) -> None:
    request = asked("电视 没有声音")
    words = library.search(request)
    found = dense(model, tmp_path, ALONE).search(library, request)
    assert ids(found) != ids(words)
    assert next(hit.id for hit in found.hits if hit.tier is Tier.WORDS) in ("SOL-3", "SOL-4")
    assert set(found.hits) == set(words.hits)  # with their scores and tiers
    assert replace(found, hits=[], took_ms=0) == replace(words, hits=[], took_ms=0)


def test_the_order_by_meaning_is_that_of_cosines(library: Engine, model: Path, tmp_path: Path) -> None:
    reader, request = Encoder(model), asked("电视 声音 花屏")
    question = reader.vector("电视 声音 花屏")
    near = {one.id: float(reader.vector(text_of(one)) @ question) for one in LIBRARY}
    found = dense(model, tmp_path, ALONE).search(library, request)
    moved = [near[hit.id] for hit in found.hits if hit.tier is not Tier.EXACT]
    assert len(moved) > 2 and all(one > two - 1e-3 for one, two in pairwise(moved))  # rows have 16 bits a figure
    assert moved[0] > moved[-1] + 0.05


def test_the_two_orders_count_as_reciprocal_ranks(library: Engine, model: Path, tmp_path: Path) -> None:
    request, ranked = asked("电视 花屏"), dense(model, tmp_path)
    words = [hit.id for hit in library.search(request).hits if hit.tier is Tier.WORDS]
    told: dict[str, Any] = {id: ranked.meaning(library, request, id) for id in words}
    for at, id in enumerate(words, 1):
        one = told[id]
        assert one is not None and one.by_words == at
        assert one.fused == pytest.approx(1 / (60 + at) + 1 / (60 + one.by_meaning))
    expected = sorted(words, key=lambda id: told[id].rank)
    assert [hit.id for hit in ranked.search(library, request).hits if hit.tier is Tier.WORDS] == expected
    assert sorted(words, key=lambda id: -told[id].fused) == expected


def test_what_the_query_names_and_a_weaker_tier_stay_where_they_are(
    library: Engine, model: Path, tmp_path: Path
) -> None:
    ranked = dense(model, tmp_path, ALONE)
    request = asked("声音 E1")
    found, words = ranked.search(library, request), library.search(request)
    assert ids(found)[0] == ids(words)[0] == "SOL-5" and found.hits[0].tier is Tier.EXACT
    assert ranked.meaning(library, request, "SOL-5") is None
    assert [hit.tier for hit in found.hits] == [hit.tier for hit in words.hits]
    for typed in ("dianshi", "kind:solution"):
        assert ids(ranked.search(library, asked(typed))) == ids(library.search(asked(typed))) != [], typed
    by_date = replace(asked("电视 声音"), sort=Sort.DATE)
    assert ids(ranked.search(library, by_date)) == ids(library.search(by_date))


def test_hits_without_a_vector_keep_their_places(library: Engine, model: Path, tmp_path: Path) -> None:
    ranked, request = dense(model, tmp_path, ALONE, filled=False), asked("电视 没有声音")
    words = ids(library.search(request))
    assert ids(ranked.search(library, request)) == words
    ranked.add([LIBRARY[1], replace(LIBRARY[2], version=2)], interrupted=lambda: False)
    assert ids(ranked.search(library, request)) == words  # one alone has nothing to change places with
    ranked.add([LIBRARY[2]], interrupted=lambda: False)
    found = ids(ranked.search(library, request))
    still = [id for id in words if id not in ("SOL-2", "SOL-3")]
    assert [found.index(id) for id in still] == [words.index(id) for id in still]
    assert found.index("SOL-3") < found.index("SOL-2")
    assert ranked.meaning(library, request, "SOL-4") is None


def test_the_asker_sees_what_the_words_find_and_no_more(library: Engine, model: Path, tmp_path: Path) -> None:
    ranked, request = dense(model, tmp_path, ALONE), asked("电视 没有声音", Scope.public())
    found = ranked.search(library, request)
    assert "SOL-4" not in ids(found) and found.total == 4 and dict(found.facets["audience"]) == {"public": 4}
    assert ranked.meaning(library, request, "SOL-4") is None


def test_what_staff_alone_may_read_is_in_no_vector() -> None:
    said = document(1, "电视", "花屏", staff_body="芝麻开门", captured=("我家电视",))
    assert text_of(said) == "电视\n花屏"


def test_pages_are_cut_from_one_order(engine: Engine, model: Path, tmp_path: Path) -> None:
    many = [document(number, f"电视{number}", "声" * (number % 7) + "花" * (number % 5)) for number in range(30)]
    engine.apply(many, [])
    ranked = Dense(model, tmp_path / "dense", numbers=Fusion(depth=20, k=1.0, weight=1000.0))
    ranked.add(many, interrupted=lambda: False)
    whole = ids(ranked.search(engine, asked("电视 声音", limit=30)))
    words = ids(engine.search(asked("电视 声音", limit=30)))
    assert whole != words and whole[20:] == words[20:] and sorted(whole) == sorted(words)
    for limit in (1, 7, 13):
        pages = [ids(ranked.search(engine, asked("电视 声音", limit=limit, offset=at))) for at in range(0, 30, limit)]
        assert [id for page in pages for id in page] == whole
    assert ranked.search(engine, asked("电视 声音", limit=0)).total == 30


def test_what_was_put_on_top_stays_there_on_every_page(library: Engine, model: Path, tmp_path: Path) -> None:
    ranked, put = dense(model, tmp_path, ALONE), Pins([Pin("电视 声音", "SOL-1")], str)
    pages = [
        pins.search(library, put, asked("电视 声音", limit=2, offset=at), today=dt.date(2026, 5, 1), dense=ranked)
        for at in (0, 2, 4)
    ]
    found = [id for page in pages for id in ids(page)]
    assert found[0] == "SOL-1" and sorted(found) == [one.id for one in LIBRARY]
    assert found.index("SOL-4") < found.index("SOL-2") and [page.total for page in pages] == [5, 5, 5]


# Models


def test_a_vector_is_the_mean_over_the_text_of_length_one(tmp_path: Path) -> None:
    plain = Encoder(encoder.write(tmp_path / "plain", MEANINGS)).vector("声声花")
    assert plain == pytest.approx(np.array([2, 1, 0]) / math.sqrt(5))
    fixed = Encoder(encoder.write(tmp_path / "fixed", MEANINGS, length=12, pad=9.0))
    assert fixed.vector("声声花") == pytest.approx(plain)  # what fills up does not count
    assert fixed.vector("花" * 50) == pytest.approx([0, 1, 0])
    three = ("input_ids", "attention_mask", "token_type_ids")
    assert Encoder(encoder.write(tmp_path / "three", MEANINGS, inputs=three)).vector("声声花") == pytest.approx(plain)
    pooled = Encoder(encoder.write(tmp_path / "pooled", MEANINGS, output="sentence_embedding"))
    assert pooled.vector("声声花") == pytest.approx(np.array([1, 1, 0]) / math.sqrt(2))  # it takes the largest
    assert len({reader.name for reader in (fixed, pooled)}) == 2
    assert len(plain) == 3 and Encoder(tmp_path / "plain").vector("花" * 10 * MOST_PIECES) == pytest.approx([0, 1, 0])


def _broken(folder: Path, kind: str) -> Path:
    if kind == "inputs":
        return encoder.write(folder, MEANINGS, inputs=("pixels",))
    encoder.write(folder, MEANINGS, output="pooler_output" if kind == "output" else "last_hidden_state")
    match kind:
        case "missing":
            (folder / "model.onnx").unlink()
        case "torn":
            (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:90])
        case "vocabulary":
            (folder / "vocab.txt").write_text("光\n", "utf-8")
        case "larger":  # more pieces than the model has vectors
            (folder / "vocab.txt").write_text("x\n" * 99 + (folder / "vocab.txt").read_text("utf-8"), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "没有 model.onnx · the model's folder has no"),
        ("torn", "无法加载 · model.onnx cannot be loaded"),
        ("vocabulary", r"vocab.txt 没有 \[PAD\]"),
        ("inputs", "不是 pixels · "),
        ("larger", "^[A-Z]"),
    ],
)
def test_search_goes_on_without_a_model_that_cannot_be_used(
    library: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, said: str
) -> None:
    ranked = Dense(_broken(tmp_path / "model", kind), tmp_path / "dense")
    with caplog.at_level(logging.ERROR):
        request = asked("电视 声音")
        assert ids(ranked.search(library, request)) == ids(library.search(request))
    assert ranked.meaning(library, request, "SOL-1") is None and ranked.add(LIBRARY, interrupted=lambda: False) == set()
    assert re.search(said, ranked.problem) and ranked.name == "" and ranked.count == 0


def test_a_model_whose_output_is_no_vector_is_refused(tmp_path: Path) -> None:
    onnx = encoder.onnx
    folder = encoder.write(tmp_path, MEANINGS)
    graph = onnx.load(str(folder / "model.onnx"))
    graph.graph.node.append(onnx.helper.make_node("ReduceSum", ["last_hidden_state"], ["logits"], keepdims=0))
    del graph.graph.output[:]
    graph.graph.output.append(onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, []))
    onnx.save(graph, str(folder / "model.onnx"))
    with pytest.raises(Invalid, match="只有 logits · "):
        Encoder(folder)


def test_a_question_that_the_model_cannot_read_is_answered_by_words(
    library: Engine, model: Path, tmp_path: Path
) -> None:
    ranked = dense(model, tmp_path, ALONE)
    strange = asked("电视坏 声音")
    assert ids(ranked.search(library, strange)) == ids(library.search(strange))
    assert "not finite" in ranked.problem
    assert ids(ranked.search(library, strange))
    ranked.search(library, asked("电视 声音"))
    assert ranked.problem == ""


# The index worker


def _installation(database: Database, model: Path, analyzer: Analyzer) -> Services:
    return open_services(Settings(data_dir=database.path.parent, dense_model=model), analyzer=analyzer)


@pytest.fixture
def installed(database: Database, model: Path, analyzer: Analyzer) -> Iterator[Services]:
    services = _installation(database, model, analyzer)
    services.rebuild(golden=False)
    yield services
    services.close()


def _publish(services: Services, people: People, title: str, body: str = samples.BODY) -> str:
    with services.database.write() as session:
        entry = samples.published(session, services.store, people.tech, people.lead, body, title=title)
        session.commit()
        return entry.number


def _rows(services: Services) -> int:
    assert services.generations.dense is not None
    return services.generations.dense.count


def test_the_worker_fills_after_its_commits_and_searches_see_it(
    installed: Services, people: People, monkeypatch: pytest.MonkeyPatch, analyzer: Analyzer
) -> None:
    monkeypatch.setattr(vectors, "REFRESH_S", 0.0)
    quiet = _publish(installed, people, "电视电视故障的处理", samples.BODY + "\n电视声音\n" * 9)
    other = _publish(installed, people, "电视出了故障的处理", samples.BODY + "\n电视马赛\n" * 9)
    worker = Worker(installed.database, installed.store, installed.generations)
    assert worker.turn() == 2 and _rows(installed) == 0
    web = _installation(installed.database, installed.generations.dense._model, analyzer)  # another process
    explain: Any = web.search.explain
    assert explain(people.tech, "电视 没有声音", quiet).meaning is None
    assert worker.fill() == 2 and worker.fill() == 0 and _rows(web) == 2
    told = {id: explain(people.tech, "电视 没有声音", id).meaning for id in (quiet, other)}
    assert (told[quiet].by_meaning, told[other].by_meaning) == (1, 2)
    hits = [hit.id for hit in web.search.search(people.tech, "电视 没有声音").hits]
    assert hits == sorted(told, key=lambda id: told[id].rank)
    web.close()


def test_a_turn_is_bounded_and_gives_way(installed: Services, people: People) -> None:
    numbers = [_publish(installed, people, f"电视故障的处理第{number}条") for number in range(FILLED + 2)]
    worker = Worker(installed.database, installed.store, installed.generations)
    worker.drain()
    assert worker.fill(lambda: True) == FILLED and _rows(installed) == 0
    assert [worker.fill() for _ in range(3)] == [FILLED, 2, 0]
    assert _rows(installed) == len(numbers)


def test_a_rebuild_keeps_vectors_and_fills_what_is_missing(
    installed: Services, people: People, model: Path, analyzer: Analyzer
) -> None:
    _publish(installed, people, "电视甲处的故障处理")
    worker = Worker(installed.database, installed.store, installed.generations)
    worker.drain()
    worker.fill()
    _publish(installed, people, "电视乙处的故障处理")
    installed.rebuild(golden=False)
    assert _rows(installed) == 1
    assert worker.fill() == 1 and _rows(installed) == 2 and worker.fill() == 0
    encoder.write(model, MEANINGS | {"新": (1, 1, 1)})
    swapped = _installation(installed.database, model, analyzer)
    assert Worker(swapped.database, swapped.store, swapped.generations).fill() == 2 == _rows(swapped)
    root = swapped.settings.index_path / "dense"
    dense = swapped.generations.dense
    assert dense is not None and [path.name for path in root.iterdir()] == [dense.name]
    swapped.close()


def test_a_running_worker_fills_by_itself(installed: Services, people: People) -> None:
    stop = threading.Event()
    worker = Worker(installed.database, installed.store, installed.generations)
    running = threading.Thread(target=worker.run, args=(stop,))
    running.start()
    try:
        _publish(installed, people, "电视甲处的故障处理")
        deadline = time.monotonic() + 30
        while _rows(installed) < 1:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        stop.set()
        running.join()


def test_a_worker_without_a_usable_model_works_on(
    database: Database, people: People, tmp_path: Path, analyzer: Analyzer
) -> None:
    services = _installation(database, tmp_path / "nowhere", analyzer)
    services.rebuild(golden=False)
    number = _publish(services, people, "电视甲处的故障处理")
    worker = Worker(services.database, services.store, services.generations)
    assert worker.turn() == 1 and worker.fill() == 0
    assert [hit.id for hit in services.search.search(people.tech, "电视甲处").hits] == [number]
    services.close()


def test_golden_queries_are_judged_in_the_order_that_is_shown(installed: Services, people: People) -> None:
    quiet = _publish(installed, people, "电视电视故障的处理", samples.BODY + "\n电视声音\n" * 9)
    other = _publish(installed, people, "电视电视故障怎么处理", samples.BODY + "\n电视马赛\n" * 9)
    worker = Worker(installed.database, installed.store, installed.generations)
    worker.drain()
    worker.fill()
    here, root = installed.generations.opened(), installed.settings.index_path / "dense"
    assert installed.settings.dense_model is not None
    ranked = Dense(installed.settings.dense_model, root, numbers=ALONE)
    for typed, expected in (
        ("电视 声", [quiet, other]),
        ("电视 马", [other, quiet]),
    ):  # 声 alone is in no word of theirs
        assert golden.ranked(here.engine, here.vocabulary.pins, typed, dense=ranked) == expected
    now = golden.run(installed.database, installed.generations, None, occasion="hand").basis
    assert now == golden.basis(here, [], ranked) != golden.basis(here, [])
