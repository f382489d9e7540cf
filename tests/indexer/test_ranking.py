"""No prior and no flood of captured words decides what the words of a title have decided."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer import IndexDocument, Scope, SearchRequest, literal, ranking
from indexer.analysis import Analyzer
from indexer.engines.scan import ScanEngine
from indexer.engines.whoosh_engine import WhooshEngine, kernel
from indexer.ranking import LEAST_PRIOR, MOST_PRIOR, Parameters, Prior
from tests.indexer.engines.test_judge import assert_same

DAY = dt.date(2026, 11, 23)


def _priors(rows: list[tuple[int, int, str]], numbers: Prior | None = None) -> list[float]:
    numbers = numbers or Prior()
    updated, reused, confidence = zip(*rows, strict=True)
    founded = np.array([numbers.founded(one) for one in confidence])
    found = ranking.prior(np.array(updated), np.array(reused), founded, today=DAY.toordinal(), numbers=numbers)
    return [float(one) for one in found]


def test_what_is_not_known_changes_nothing() -> None:
    assert _priors([(0, 0, ""), (0, 0, "guessed"), (0, 0, "single_source")]) == [1.0, 1.0, 1.0]


def test_within_its_bounds_and_kept_whole_in_a_byte() -> None:
    days = (0, 1, DAY.toordinal() - 4000, DAY.toordinal() - 365, DAY.toordinal(), DAY.toordinal() + 9)
    confidences = ("", "verified", "single_source", "unverified")
    rows = list(itertools.product(days, (0, 1, 3, 20, 65_535), confidences))
    for numbers in (None, Prior(new=9.0), Prior(old=0.0, new=0.0)):
        found = np.array(_priors(rows, numbers))
        assert found.min() >= LEAST_PRIOR and found.max() <= MOST_PRIOR
        assert kernel.prior_of(kernel.prior_bytes(found)).tolist() == found.tolist()
    found = np.array(_priors(rows))
    assert found.min() < 0.92 and found.max() > 1.1  # the numbers as they are use what they may


def test_younger_reused_and_better_founded_is_never_less() -> None:
    ages = _priors([(DAY.toordinal() - days, 0, "") for days in (0, 30, 365, 730, 3000)])
    assert ages == sorted(ages, reverse=True) and len(set(ages)) == len(ages)
    assert ages[3] == pytest.approx((Prior().new + Prior().old) / 2, abs=1e-3)
    reuses = _priors([(0, number, "") for number in (0, 1, 4, 40, 4000)])
    assert reuses == sorted(reuses) and len(set(reuses)) == len(reuses)
    assert reuses[2] == pytest.approx(1 + Prior().reused / 2, abs=1e-3)


def test_nothing_known_is_the_score_without_a_prior(analyzer: Analyzer, tmp_path: Path) -> None:
    documents = [IndexDocument(f"D-{n}", 1, "solution", "光猫红灯", "重启 " * n, reused=n % 2) for n in range(6)]
    neutral = Parameters(prior=Prior(new=1.0, old=1.0, reused=0.0, verified=1.0, unverified=1.0))
    scores = []
    for number, parameters in enumerate((Parameters(), neutral)):
        engine = WhooshEngine.create(tmp_path / str(number), analyzer, parameters=parameters)
        engine.apply(documents, [])
        hits = engine.search(SearchRequest(literal("光猫 重启"), Scope.public())).hits
        scores.append({hit.id: hit.score for hit in hits})
    ours, without = scores
    assert [ours[id] for id in ("D-0", "D-2", "D-4")] == [without[id] for id in ("D-0", "D-2", "D-4")]
    assert ours["D-1"] > without["D-1"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    typed=st.lists(
        st.sampled_from(["断网", "花屏", "机顶盒", "光猫", "红灯", "趴窝", "网速慢", "ORA-12541", "重启"]),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    more=st.text("的了吗盒子屏幕 ", max_size=5),
    times=st.integers(1, 40),
    others=st.integers(0, 30),
    staff=st.booleans(),
)
def test_a_flood_of_captured_words_stays_below_a_title(
    analyzer: Analyzer,
    tmp_path_factory: pytest.TempPathFactory,
    typed: list[str],
    more: str,
    times: int,
    others: int,
    staff: bool,
) -> None:
    """Whatever was said, in all of its ways, by how many, and however few others have captured words."""
    text = "".join(typed)
    ways = [way for token in analyzer.query_tokens(text) for way in analyzer.synonyms(token.text)]
    documents = [
        IndexDocument("TITLE", 1, "solution", f"{text}的处理{more}", "", updated=DAY),
        IndexDocument(
            "FLOOD", 1, "solution", "别处的一条说明" * 3, "", captured=(text, *typed, *ways) * times, updated=DAY
        ),
        *(
            IndexDocument(f"O-{n}", 1, "solution", "不相干的条目说明", "", captured=("别的",) * n)
            for n in range(others)
        ),
    ]
    folder = tmp_path_factory.mktemp("flood") / "index"
    ours = WhooshEngine.create(folder, analyzer, today=lambda: DAY)
    judge = ScanEngine(analyzer, today=lambda: DAY)
    for engine in (ours, judge):
        engine.apply(documents, [])
    request = SearchRequest(literal(text), Scope.everything() if staff else Scope.public())
    found = judge.search(request)
    assert [hit.id for hit in found.hits][:2] == ["TITLE", "FLOOD"]
    assert_same(ours.search(request), found, text)
    ours.close()
