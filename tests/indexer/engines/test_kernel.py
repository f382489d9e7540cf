"""The native kernel and numpy give the same answers; without the library the product still searches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer import IndexDocument, Scope, SearchRequest, parse
from indexer.analysis import Analyzer
from indexer.engines.base import FACETS
from indexer.engines.scan import ScanEngine
from indexer.engines.whoosh_engine import WhooshEngine, kernel
from indexer.plan import Concept
from indexer.projection import FACES, STAFF, Space
from indexer.ranking import Field, Parameters
from tests.indexer.engines.test_judge import QUERIES, SCOPES, WORDS, assert_same, needs_native, random_document


@pytest.fixture
def numpy_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(kernel, "_native", None)
    yield


def _filled(folder: Path, analyzer: Analyzer, rng: random.Random, *, batches: int, size: int) -> WhooshEngine:
    engine = WhooshEngine.create(folder, analyzer)
    for version in range(1, batches + 1):
        documents = [random_document(rng, rng.randrange(3 * size), version) for _ in range(size)]
        engine.apply(documents, [f"S-{rng.randrange(3 * size)}" for _ in range(size // 10)])
    return engine


@needs_native
@pytest.mark.parametrize("seed", range(3))
def test_same_as_numpy_where_documents_are_passed_over(
    analyzer: Analyzer, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough documents that few of them reach the page, in several blocks with deletions."""
    rng = random.Random(seed)
    engine = _filled(tmp_path / "index", analyzer, rng, batches=3, size=500)
    typed = [*QUERIES, *(" ".join(rng.choices(WORDS, k=rng.randint(2, 7))) for _ in range(20))]
    for text in typed:
        scope, limit = rng.choice(SCOPES), rng.choice((1, 3, 10, 50))
        request = SearchRequest(parse(text), scope, limit, rng.choice((0, 0, 5)), FACETS)
        ours = engine.search(request)
        with monkeypatch.context() as without:
            without.setattr(kernel, "_native", None)
            assert_same(ours, engine.search(request), text)


@needs_native
@pytest.mark.parametrize("seed", range(4))
def test_same_as_numpy_by_other_numbers_than_the_blocks_were_written_with(
    analyzer: Analyzer, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    engine = _filled(tmp_path / "index", analyzer, rng, batches=2, size=400)
    fields = {
        space: Field(
            rng.uniform(0.5, 2.5),
            (1.0, *(rng.choice((0.0, 0.5, 2.0, 8.0)) for _ in FACES[1:])),
            tuple(rng.choice((0.0, 0.4, 0.9)) for _ in FACES),
        )
        for space in Space
    }
    parameters = Parameters(fields=fields, coverage=rng.choice((0.0, 0.5, 1.5)), grams=rng.choice((0.1, 1.0)))
    asked = WhooshEngine(tmp_path / "index", analyzer, parameters=parameters)
    for text in [*QUERIES, *(" ".join(rng.choices(WORDS, k=rng.randint(2, 7))) for _ in range(20))]:
        request = SearchRequest(parse(text), rng.choice(SCOPES), rng.choice((1, 10)), 0, FACETS)
        ours = asked.search(request)
        with monkeypatch.context() as without:
            without.setattr(kernel, "_native", None)
            assert_same(ours, asked.search(request), text)
    engine.close()


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_native), False])
def test_a_facet_asked_for_twice_is_counted_once(
    analyzer: Analyzer, tmp_path: Path, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is kept to count facets does not grow with the ways to ask for them."""
    if not compiled:
        monkeypatch.setattr(kernel, "_native", None)
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    documents = [
        IndexDocument(f"D-{n}", 1, kind, "光猫", "") for n, kind in enumerate(("solution", "policy", "policy"))
    ]
    for engine in (ours, judge):
        engine.apply(documents, [])
    for facets in (("kind", "category", "kind"), ("category", "kind"), ("kind", "category", *["category"] * 50)):
        request = SearchRequest(parse("光猫"), Scope.everything(), facets=facets)
        assert_same(ours.search(request), judge.search(request), str(facets))
        assert list(ours.search(request).facets) == list(dict.fromkeys(facets))
    assert len(ours._current()._table._columns) == 1


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_native), False])
def test_fewer_hits_than_none_are_none(
    analyzer: Analyzer, tmp_path: Path, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(kernel, "_native", None)
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    engine.apply([IndexDocument(f"D-{n}", 1, "solution", "光猫", "") for n in range(3)], [])
    field = Parameters().fields[Space.WORDS]
    table = engine._current()._table
    answer = table.search(
        kernel.Question(Space.WORDS, [Concept((("光猫", 1.0),))], field, len(FACES)), table.live, None, -1
    )
    assert (answer.best, answer.total) == ([], 3)


@pytest.mark.parametrize("number", [32_767, 65_537])
def test_more_terms_than_a_sum_of_bounds_has_room_for(analyzer: Analyzer, tmp_path: Path, number: int) -> None:
    """Nothing is left out for it: they are asked of numpy."""
    rng = random.Random(number)
    engine = _filled(tmp_path / "index", analyzer, rng, batches=2, size=200)
    table, field = engine._current()._table, Parameters().fields[Space.WORDS]
    terms = (*((word, rng.random()) for word in WORDS), *((f"没有{n}", 1.0) for n in range(number - len(WORDS))))
    asked = [Concept(terms[:20]), Concept(terms[20:])]
    answer = table.search(kernel.Question(Space.WORDS, asked, field, len(FACES)), table.live, None, 5)
    known = [Concept(asked[0].terms), Concept(terms[20 : len(WORDS)])]
    same = table.search(kernel.Question(Space.WORDS, known, field, len(FACES)), table.live, None, 5)
    assert answer.total == same.total > 100
    assert [place[:2] for place in answer.best] == [place[:2] for place in same.best]
    assert [place.score for place in answer.best] == pytest.approx([place.score for place in same.best], abs=2e-6)


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_native), False])
def test_what_has_no_weight_finds_nothing(
    analyzer: Analyzer, tmp_path: Path, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a concept, such as the part of an identifier where parts count nothing, nor a term."""
    if not compiled:
        monkeypatch.setattr(kernel, "_native", None)
    parameters = Parameters(part=0.0)
    ours = WhooshEngine.create(tmp_path / "index", analyzer, parameters=parameters)
    judge = ScanEngine(analyzer, parameters)
    documents = [IndexDocument(f"D-{n}", 1, "solution", "光猫", said) for n, said in enumerate(("10.0.3.17", "10.0.3"))]
    for engine in (ours, judge):
        engine.apply(documents, [])
    request = SearchRequest(parse("10.0.3.17"), Scope.everything())
    assert [hit.id for hit in judge.search(request).hits] == ["D-0"]
    assert_same(ours.search(request), judge.search(request), "10.0.3.17")
    snapshot, field = ours._current(), parameters.fields[Space.WORDS]
    for terms, weight in (((("光猫", 0.0),), 1.0), ((("光猫", 0.0), ("10.0.3.17", 1.0)), 1.0), ((("光猫", 1.0),), 0.0)):
        table = kernel.Table([view.part for view in snapshot.views], snapshot._table.priors)
        question = kernel.Question(Space.WORDS, [Concept(terms, weight)], field, len(FACES))
        assert [place.doc for place in table.search(question, table.live, None, 10).best] == [0] * (len(terms) - 1)
        also = kernel.Question(
            Space.WORDS, [*question.concepts, Concept((("10.0.3.17", 1.0),))], field, len(FACES), need=2
        )
        assert table.search(also, table.live, None, 10).total == len(terms) - 1


def test_numpy_alone_is_the_same_as_the_judge(analyzer: Analyzer, tmp_path: Path, numpy_only: None) -> None:
    rng = random.Random(7)
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    for version in range(1, 5):
        documents = [random_document(rng, rng.randrange(40), version) for _ in range(12)]
        for engine in (ours, judge):
            engine.apply(documents, ["S-3"])
    ours.optimise()
    for typed in QUERIES:
        for scope in SCOPES:
            request = SearchRequest(parse(typed), scope, 20, 1, FACETS)
            assert_same(ours.search(request), judge.search(request), typed)
    for prefix in ("机", "黑屏", "jd", "c", "connection"):
        assert ours.suggest(prefix, Scope.everything(), 5) == judge.suggest(prefix, Scope.everything(), 5)


def test_counts_that_a_byte_cannot_name(analyzer: Analyzer, tmp_path: Path) -> None:
    """More than 255 different rows of counts in one block, and some beyond 16 bits' comfort."""
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    documents = [
        IndexDocument(f"D-{n:03}", 1, "solution", "光猫", "光猫 " * n + "机顶盒 " * (n % 7)) for n in range(1, 400)
    ]
    for engine in (ours, judge):
        engine.apply(documents, [])
        engine.apply([IndexDocument("D-002", 2, "solution", "光猫", "光猫 " * 70_000)], [])
    ours.optimise()
    for typed in ("光猫", "光猫 机顶盒", "机顶盒"):
        request = SearchRequest(parse(typed), Scope.everything(), limit=50)
        assert_same(ours.search(request), judge.search(request), typed)


@needs_native
def test_suggestions_where_a_byte_cannot_name_the_counts(analyzer: Analyzer, tmp_path: Path) -> None:
    """More than 255 different rows of counts of title and symptoms."""
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    documents = [
        IndexDocument(f"D-{n:03}", 1, "solution", "光猫 " * (n % 3), "光猫 " * n, symptoms=("光猫 " * (n % 4),))
        for n in range(400)
    ]
    for engine in (ours, judge):
        engine.apply(documents, [])
    for prefix in ("光", "光猫", "猫光", "猫"):
        assert ours.suggest(prefix, Scope.public(), 400) == judge.suggest(prefix, Scope.public(), 400)


@needs_native
def test_suggestions_are_read_where_a_list_is_too_long_to_be_worth_it(analyzer: Analyzer, tmp_path: Path) -> None:
    """The one title with a rare pair is read instead of marking all that have a common one; it has to hold both in a row."""
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    documents = [IndexDocument(f"D-{n:03}", 1, "solution", "光猫", "") for n in range(300)]
    odd = [IndexDocument("X", 1, "solution", "红光和光猫", ""), IndexDocument("Y", 1, "solution", "换红光猫", "")]
    for engine in (ours, judge):
        engine.apply([*documents, *odd], [])
        assert [one.id for one in engine.suggest("红光猫", Scope.public())] == ["Y"]


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_native), False])
def test_text_is_found_at_whole_characters_of_one_face(
    analyzer: Analyzer, tmp_path: Path, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(kernel, "_native", None)
    said = ["光猫红灯", "丁一", "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥", "猫"]
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    engine.apply([IndexDocument(f"D-{n}", 1, "solution", "题", text, "丁戊") for n, text in enumerate(said)], [])
    block = engine._current().segments[0]

    def found(
        piece: str, *, faces: tuple[int, ...] = (0, 1, 2, 3), among: tuple[bool, ...] = (True,) * 4
    ) -> list[bool]:
        bits = kernel.containing(block, kernel.faces_of(block), piece, faces, kernel.pack(np.array(among)))
        return kernel.unpack(bits, block.count).tolist()

    assert found("猫") == [True, False, False, True]
    assert found("灯丁") == [False] * 4  # across two documents
    assert found("猫", among=(False, True, True, True)) == [False, False, False, True]
    assert found("丁戊") == [False, False, True, False]
    assert found("丁戊", faces=(0, STAFF)) == [True] * 4
    whole = said[2]
    for start in range(len(whole)):
        for end in range(start + 1, len(whole) + 1):
            assert found(whole[start:end])[2], whole[start:end]
            assert not found(whole[start:end] + "甲")[2]
    odd = "一丁".encode("utf-16-le")[1:3].decode("utf-16-le", "replace")
    assert not any(found(odd))


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_native), False])
@pytest.mark.parametrize("seed", range(3))
def test_phrases_that_many_documents_nearly_have(
    analyzer: Analyzer, tmp_path: Path, compiled: bool, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pairs of a phrase in common but not the phrase, in staff text alone, once too often for a code of one byte."""
    if not compiled:
        monkeypatch.setattr(kernel, "_native", None)
    rng = random.Random(seed)
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    texts = ["光猫红灯", "猫红 光猫", "红灯光猫", "光猫红", "红", "光猫red灯", "red led", "黑屏"]
    documents = [
        IndexDocument(
            f"D-{n}", 1, "solution", rng.choice(texts), "，".join(rng.choices(texts, k=rng.randrange(1, rng.choice((4, 40, 300))))),
            rng.choice(["", "光猫红灯", "机顶盒"]),
        )
        for n in range(150)
    ] + [IndexDocument(f"E-{n}", 1, "solution", "其他", "无关") for n in range(2_000)]  # fmt: skip
    for engine in (ours, judge):
        engine.apply(documents, [])
    for typed in (
        "“光猫红灯”", "“猫红灯光”", "“红”", "“灯”", "“red”", "“光猫red灯”", "“机顶盒”", "“黑屏黑屏”", "-“光猫红灯”", "“光猫” “红灯” -“猫红灯”",
        "-“光猫红” -“red led”", "“光猫” “没有的”", "“光猫” -“没有的”", "“没有的话” “光猫”", "无关 -“光猫红灯” -“其他”", "“猫” “灯” “红” -“黑”",
    ):  # fmt: skip
        for scope in (Scope.everything(), Scope.public()):
            request = SearchRequest(parse(typed), scope, 50)
            assert_same(ours.search(request), judge.search(request), typed)
    ours.close()


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_native), False])
def test_what_was_asked_of_phrases_is_kept_with_what_it_was_asked_of(
    analyzer: Analyzer, tmp_path: Path, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Required and forbidden are not the same, nor are those who read staff text and those who do not."""
    if not compiled:
        monkeypatch.setattr(kernel, "_native", None)
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    engine.apply(
        [IndexDocument("A", 1, "solution", "光猫红灯", "", "机顶盒"), IndexDocument("B", 1, "solution", "黑", "")], []
    )
    for typed, scope, found in (
        ("“光猫红灯”", Scope.everything(), ["A"]), ("-“光猫红灯”", Scope.everything(), ["B"]),
        ("“机顶盒”", Scope.everything(), ["A"]), ("“机顶盒”", Scope.public(), []), ("-“机顶盒”", Scope.public(), ["A", "B"]),
    ):  # fmt: skip
        assert sorted(hit.id for hit in engine.search(SearchRequest(parse(typed), scope)).hits) == found
    engine.close()


def test_frequencies_without_the_library(analyzer: Analyzer, tmp_path: Path, numpy_only: None) -> None:
    engine = WhooshEngine.create(tmp_path / "index", analyzer)
    engine.apply([IndexDocument("A", 1, "solution", "光猫红灯", ""), IndexDocument("B", 1, "solution", "光猫", "")], [])
    assert engine.frequencies(["光猫", "红灯", "没有"]) == [2, 1, 0]
    engine.close()


@needs_native
def test_same_words_as_numpy(analyzer: Analyzer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    engine = _filled(tmp_path / "index", analyzer, rng, batches=3, size=100)
    letters = ["".join(rng.choices("abc", k=rng.randint(3, 6))) for _ in range(300)]
    engine.apply([IndexDocument("L", 1, "solution", " ".join(letters), "")], [])
    asked = [*WORDS, *letters[:20], "没有的词"]

    def answers() -> list[object]:
        return [
            *(engine.known(asked, scope, pairs=pairs) for scope in SCOPES for pairs in (False, True)),
            *(engine.near(word, most) for word in letters[:40] for most in (1, 2)),
        ]

    ours = answers()
    with monkeypatch.context() as without:
        without.setattr(kernel, "_native", None)
        assert answers() == ours
    assert any(ours[-1:])
    engine.close()
