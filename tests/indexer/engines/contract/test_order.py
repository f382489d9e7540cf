"""What stands first: by relevance, by date, by use, and of two that say the same?"""

from __future__ import annotations

import datetime as dt

import pytest

from indexer import Engine, Sort, Tier
from kb import clock
from tests.conftest import Clock
from tests.indexer.conftest import Search, ids
from tests.indexer.engines.contract.conftest import solution


@pytest.mark.parametrize(
    ("sort", "order"),
    [(Sort.RELEVANCE, "CEA"), (Sort.DATE, "CEBAD"), (Sort.REUSE, "CADBE")],
)
def test_order_is_kept_over_pages(dated: Engine, search: Search, sort: Sort, order: str) -> None:
    whole = search("机顶盒", sort=sort)
    assert "".join(ids(whole)).startswith(order)  # by relevance, those whose title was typed
    pages = [hit for offset in range(0, 6, 2) for hit in search("机顶盒", sort=sort, limit=2, offset=offset).hits]
    assert pages == whole.hits
    assert {hit.id: hit.score for hit in whole.hits} == {hit.id: hit.score for hit in search("机顶盒").hits}


def test_tiers_order_by_relevance_alone(engine: Engine, search: Search) -> None:
    engine.apply(
        [solution("A", "浮梁山前端机房"), solution("B", "山前小区", updated=dt.date(2026, 1, 1), reused=1)], []
    )
    for sort in (Sort.DATE, Sort.REUSE):
        found = search("山前端", sort=sort)
        assert [(hit.id, hit.tier) for hit in found.hits] == [("B", Tier.BIGRAMS), ("A", Tier.WORDS)]
        assert (found.relaxed, found.total) == (Tier.BIGRAMS, 2)


def test_a_filter_alone_can_be_sorted_too(dated: Engine, search: Search) -> None:
    assert "".join(ids(search("kind:solution"))) == "CEBAD"
    assert "".join(ids(search("kind:solution", sort=Sort.REUSE, limit=3))) == "CAD"


def test_of_two_that_say_the_same_the_better_proven_stands_higher(engine: Engine, search: Search) -> None:
    today = clock.today()
    engine.apply(
        [
            solution("A", "光猫红灯", confidence="unverified"),
            solution("B", "光猫红灯"),
            solution("C", "光猫红灯", confidence="verified"),
            solution("D", "光猫红灯", updated=today),
            solution("E", "光猫红灯", updated=today - dt.timedelta(days=4000), reused=1),
            solution("F", "光猫红灯", updated=today, reused=1),
            solution("G", "光猫红灯", updated=today, reused=40, confidence="verified"),
        ],
        [],
    )
    for typed in ("光猫", "猫红", "gmhd"):  # in each tier
        assert ids(search(typed)) == ["G", "F", "D", "C", "B", "E", "A"], typed


def test_a_prior_lifts_nothing_into_another_tier(engine: Engine, search: Search) -> None:
    engine.apply(
        [
            solution("A", "光猫", "盒子里", updated=dt.date(2001, 1, 1), confidence="unverified"),
            solution("B", "把光猫的灯擦亮", updated=clock.today(), reused=1000, confidence="verified"),
        ],
        [],
    )
    assert [(hit.id, hit.tier) for hit in search("光猫").hits] == [("A", Tier.EXACT), ("B", Tier.WORDS)]


def test_documents_age(engine: Engine, search: Search, stopped_clock: Clock) -> None:
    """From one opening to the next, and the same on one day."""
    engine.apply([solution("A", "光猫红灯", updated=clock.today())], [])
    scores = []
    for days in (0, 0, 900):
        stopped_clock.advance(days=days)
        engine.apply([solution("X", "别的", version=stopped_clock.moment.toordinal() + len(scores))], [])
        scores.append(search("光猫").hits[0].score)
    assert scores[0] == scores[1] > scores[2]
