"""The engine on disk against the judge that looks at every document: same hits, totals, facets and scores."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer import Explanation, IndexDocument, Results, Scope, SearchRequest, Sort, Tier, native, parse
from indexer.analysis import Analyzer
from indexer.engines.base import FACETS
from indexer.engines.scan import ScanEngine
from indexer.engines.whoosh_engine import WhooshEngine, kernel

needs_native = pytest.mark.skipif(native.NAME != "native", reason="no native kernel: no C compiler at installation")
WORDS = [
    "机顶盒",
    "黑屏",
    "光猫",
    "红灯",
    "宽带",
    "拨号",
    "691",
    "E04",
    "数据库",
    "连接",
    "超时",
    "网关",
    "10.0.3.17",
    "ORA-12541",
    "HG8245H",
    "電視",
    "盒子",
    "遥控器",
    "没有信号",
    "马赛克",
    "重启",
    "connection",
    "timeout",
    "端口0/1/3",
    "山",
    "前端机房",
    "，",
    "。",
]
QUERIES = (
    *WORDS, "机顶盒 黑屏", "光猫红灯闪烁怎么办", "“黑屏光猫”", "“连接超时”", "“山”", "宽带 -拨号", "-机顶盒", "黑屏 -“红灯 宽带”",
    "kind:policy", "kind:solution 超时", "类目:数字电视 盒子", "设备:HG8245H", "-kind:solution 数据库", "code:E04,691",
    "jidinghe", "jdh", "hp", "guangmao", "hg8245", "8245", "10.0.3", "盒黑", "前端机", "号马", "S-3", "connection", "“timeout”",
    "片区:城东片区", "片区:不限 黑屏", "-year:2026 宽带", "year:..2025 kind:policy 盒子", "audience:staff", "没有", "？", "怎么办", "ORA 12541 連接超時 網關",
)  # fmt: skip
SORTED = (Sort.DATE, Sort.REUSE)
SCOPES = (
    Scope.everything(),
    Scope.public(),
    Scope(frozenset({"public", "staff"}), frozenset(), staff_text=True),
    Scope(frozenset({"public", "restricted"}), frozenset({"g1"}), staff_text=False, exclude=frozenset({"S-1", "S-5"})),
)


def random_document(rng: random.Random, number: int, version: int) -> IndexDocument:
    def text(longest: int) -> str:
        return "".join(rng.choices(WORDS, k=rng.randint(0, longest)))

    return IndexDocument(
        id=f"S-{number}",
        version=version,
        kind=rng.choice(["solution", "policy"]),
        title=text(4) or "无题",
        body=text(30),
        staff_body=text(6) if rng.random() < 0.4 else "",
        symptoms=tuple(text(3) for _ in range(rng.randint(0, 3))),
        codes=("E04",) if rng.random() < 0.2 else (),
        devices=tuple(rng.sample(["机顶盒", "HG8245H"], rng.randint(0, 2))),
        category=rng.choice(["数字电视/机顶盒", "宽带接入/PON宽带", ""]),
        audience=rng.choice(["public", "public", "staff", "restricted"]),
        owner_group=rng.choice(["g1", "g2"]),
        updated=rng.choice([None, dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2019, 5, 6), dt.date(2031, 1, 1)]),
        captured=tuple(text(5) for _ in range(rng.choice((0, 0, 1, 12)))),
        reused=rng.choice((0, 0, 1, 5, 70_000)),
        confidence=rng.choice(("", "verified", "single_source", "unverified", "guessed")),
        districts=tuple(rng.sample(["城东片区", "城西片区"], rng.randint(0, 2))),
    )


def assert_same(ours: Results, judged: Results, typed: str) -> None:
    assert [(hit.id, hit.version, hit.tier) for hit in ours.hits] == [
        (hit.id, hit.version, hit.tier) for hit in judged.hits
    ], typed
    assert [hit.score for hit in ours.hits] == pytest.approx([hit.score for hit in judged.hits], abs=1e-6), typed
    assert (ours.total, ours.facets, ours.relaxed) == (judged.total, judged.facets, judged.relaxed), typed


@pytest.mark.parametrize(("seed", "compiled"), [*((seed, True) for seed in range(5)), (5, False)])
def test_same_as_the_judge_over_segments_deletions_and_merges(
    analyzer: Analyzer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, compiled: bool
) -> None:
    if not compiled:
        monkeypatch.setattr(kernel, "_native", None)
    rng = random.Random(seed)
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    for version in range(1, 9):
        documents = [random_document(rng, rng.randrange(40), version) for _ in range(rng.randint(0, 12))]
        removals = [f"S-{rng.randrange(40)}" for _ in range(rng.randint(0, 3))]
        for engine in (ours, judge):
            engine.apply(documents, removals)
        if rng.random() < 0.25:
            ours.optimise()
    assert ours.versions() == judge.versions()
    for typed in QUERIES:
        for scope in SCOPES:
            for limit, offset, sort in ((100, 0, Sort.RELEVANCE), (3, 2, Sort.RELEVANCE), (4, 1, rng.choice(SORTED))):
                request = SearchRequest(parse(typed), scope, limit, offset, FACETS, sort)
                assert_same(ours.search(request), judge.search(request), typed)
    for prefix in ("机", "黑屏", "jd", "g", "69", "hg82", "connection", "没有信"):
        for scope in SCOPES:
            assert ours.suggest(prefix, scope, 5) == judge.suggest(prefix, scope, 5), prefix
    ours.close()


@pytest.mark.parametrize("seed", range(2))
def test_explanations_add_up_to_the_scores_and_are_those_of_the_judge(
    analyzer: Analyzer, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    for version in range(1, 5):
        documents = [random_document(rng, rng.randrange(30), version) for _ in range(12)]
        for engine in (ours, judge):
            engine.apply(documents, [f"S-{version}"])
    tiers = set()
    for typed in QUERIES:
        for scope in SCOPES:
            request = SearchRequest(parse(typed), scope, limit=50)
            for engine in (ours, judge):
                hits = engine.search(request).hits
                for hit in [*hits[:4], *hits[4:][-4:]]:
                    told = engine.explain(request, hit.id)
                    assert told is not None and told.tier is hit.tier and not told.missed, typed
                    assert told.score == pytest.approx(hit.score, abs=1e-6), typed
                    tiers.add(hit.tier)
            for number in rng.sample(range(30), 4):
                mine, theirs = (engine.explain(request, f"S-{number}") for engine in (ours, judge))
                assert (mine is None) == (theirs is None)
                if mine is not None and theirs is not None:
                    assert approximate(mine) == approximate(theirs), typed
    assert tiers == set(Tier)
    ours.close()


def approximate(explanation: Explanation) -> object:
    """An explanation as a value in which numbers that are nearly the same are the same."""

    def rounded(value: object) -> object:
        if isinstance(value, float):
            return round(value, 6) + 0.0
        if isinstance(value, dict):
            return {key: rounded(item) for key, item in value.items()}
        return [rounded(item) for item in value] if isinstance(value, (list, tuple)) else value

    return rounded(dataclasses.asdict(explanation))


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.text("机顶盒黑屏光猫 E04ab-1，\n", max_size=25), min_size=1, max_size=12),
    asked=st.lists(st.text("机顶盒黑屏光猫E04ab-1“”, ", min_size=1, max_size=8), min_size=1, max_size=8),
    cut=st.integers(0, 12),
)
def test_same_as_the_judge_on_any_text(
    analyzer: Analyzer, tmp_path_factory: pytest.TempPathFactory, texts: list[str], asked: list[str], cut: int
) -> None:
    documents = [
        IndexDocument(f"S-{n}", 1, "solution", text[:9], text, text[::-1], captured=tuple(texts[n - 1 : n + 1]))
        for n, text in enumerate(texts)
    ]
    ours, judge = WhooshEngine.create(tmp_path_factory.mktemp("any") / "index", analyzer), ScanEngine(analyzer)
    for engine in (ours, judge):
        engine.apply(documents[:cut], [])
        engine.apply(documents[cut:], [])
    for text in asked:
        for typed in (text, f"“{text}”", f"-“{text}” kind:solution"):
            for scope in (Scope.public(), Scope.everything()):
                request = SearchRequest(parse(typed), scope, limit=50)
                assert_same(ours.search(request), judge.search(request), typed)
    ours.close()


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_native), False])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.tuples(st.text("机顶盒光猫红𠀀 aabω1", max_size=12), st.text("机顶盒光猫 ab1，\n", max_size=30)),
        min_size=1,
        max_size=25,
    ),
    asked=st.lists(st.text("机顶盒光猫红𠀀 abω1jidnghcmao", min_size=1, max_size=5), min_size=1, max_size=8),
    rng=st.randoms(use_true_random=False),
)
def test_suggestions_are_those_of_the_judge_on_any_text(
    analyzer: Analyzer,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    compiled: bool,
    texts: list[tuple[str, str]],
    asked: list[str],
    rng: random.Random,
) -> None:
    """Blocks of different sizes, deletions, scopes, more that fit than are wanted, and titles of one length."""
    if not compiled:
        monkeypatch.setattr(kernel, "_native", None)
    audiences = ("public", "staff", "restricted")
    documents = [
        IndexDocument(
            f"S-{rng.randrange(30)}", version, "solution", title, "", symptoms=tuple(said.split("\n")),
            audience=rng.choice(audiences), owner_group=rng.choice(("g1", "g2")),
        )
        for version, (title, said) in enumerate(texts, 1)
    ]  # fmt: skip
    ours, judge = WhooshEngine.create(tmp_path_factory.mktemp("any") / "index", analyzer), ScanEngine(analyzer)
    cut, gone = rng.randint(0, len(documents)), [f"S-{rng.randrange(30)}"]
    for engine in (ours, judge):
        engine.apply(documents[:cut], [])
        engine.apply(documents[cut:], gone)
    title = rng.choice(texts)[0]
    for prefix in (*asked, title[:1], title[1:3], title, *(spelt[1:6] for spelt in analyzer.spelt(title))):
        for scope in SCOPES:
            limit = rng.randint(1, 6)
            assert ours.suggest(prefix, scope, limit) == judge.suggest(prefix, scope, limit), prefix
    ours.close()


def test_counts_beyond_one_byte_are_kept(analyzer: Analyzer, tmp_path: Path) -> None:
    ours, judge = WhooshEngine.create(tmp_path / "index", analyzer), ScanEngine(analyzer)
    for engine in (ours, judge):
        engine.apply(
            [
                IndexDocument("A", 1, "solution", "a", "光猫 " * 300),
                IndexDocument("B", 1, "solution", "b", "光猫 " * 70_000),
            ],
            [],
        )
    request = SearchRequest(parse("光猫"), Scope.public())
    assert_same(ours.search(request), judge.search(request), "光猫")
    ours.close()
