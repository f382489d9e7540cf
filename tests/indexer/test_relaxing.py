"""What was asked too strictly is answered with less, and the answer says what was left out."""

from __future__ import annotations

import datetime as dt

import pytest

from indexer import Engine, IndexDocument, Scope, SearchRequest, Tier, parse, relaxing
from indexer.query import cut
from indexer.relaxing import MOST_OFFERS, Answer


@pytest.fixture
def library(engine: Engine) -> Engine:
    day = dt.date(2026, 5, 1)
    engine.apply(
        [
            IndexDocument("SOL-1", 1, "solution", "机顶盒黑屏", "先看信号源,再换射频线。", updated=day),
            IndexDocument("SOL-2", 1, "solution", "宽带拨号691", "核对账号。演练时忽略。", updated=day),
            IndexDocument("POL-1", 1, "policy", "割接演练制度", "割接窗口为零点。", updated=day),
            IndexDocument("SEC-1", 1, "policy", "机顶盒密钥", "柜号七。", audience="restricted", owner_group="g"),
        ],
        [],
    )
    return engine


def ask(engine: Engine, typed: str, scope: Scope | None = None, **more: int) -> Answer:
    return relaxing.search(engine.search, SearchRequest(parse(typed), scope or Scope.public(), **more))


def offered(answer: Answer) -> list[tuple[str, int]]:
    return [(cut(answer.query.text, offer.parts), offer.total) for offer in answer.offers]


def test_what_is_found_is_left_as_it_was_asked(library: Engine) -> None:
    answer = ask(library, "“机顶盒黑屏” kind:solution")
    assert ([hit.id for hit in answer.results.hits], answer.as_words, answer.offers) == (["SOL-1"], (), ())


def test_a_phrase_that_nobody_has_is_looked_for_as_words(library: Engine) -> None:
    answer = ask(library, "“黑屏的机顶盒” kind:solution")
    assert [hit.id for hit in answer.results.hits] == ["SOL-1"]
    assert [phrase.text for phrase in answer.as_words] == ["黑屏的机顶盒"]
    assert (answer.query.phrases, answer.query.plain, answer.offers) == ((), "黑屏的机顶盒", ())
    beyond = ask(library, "“黑屏的机顶盒” kind:solution", offset=5)  # a page that is not there relaxes alike
    assert (beyond.results.hits, beyond.results.total) == ([], 1)


def test_weaker_tiers_help_a_phrase_taken_as_words(engine: Engine) -> None:
    engine.apply([IndexDocument("A", 1, "solution", "山前小区", "")], [])
    answer = ask(engine, "“山前端”")
    assert (answer.results.total, answer.results.relaxed) == (1, Tier.BIGRAMS)
    assert [phrase.text for phrase in answer.as_words] == ["山前端"]


@pytest.mark.parametrize(
    ("typed", "offers"),
    [
        ("黑屏 kind:policy", [("黑屏", 1)]),
        ("机顶盒 种类:制度 year:2020", [("机顶盒", 1)]),  # no single one is to blame
        ("黑屏 kind:policy year:2026", [("黑屏 year:2026", 1)]),
        ("黑屏 kind:policy -射频线", [("黑屏", 1)]),
        ("拨号 -演练", [("拨号", 1)]),
        ("拨号 -“演练时”", [("拨号", 1)]),
        ("割接 -kind:policy", [("割接", 1)]),
        ("“没有的话题” kind:policy", [("kind:policy", 1)]),
        ("kind:policy year:2020", [("kind:policy", 1)]),
        ("kind:solution kind:reference 割接", [("割接", 1)]),  # alternatives of one field go together
        ("黑屏 kind:policy “黑屏机顶盒”", [("黑屏 “黑屏机顶盒”", 1)]),  # and the phrase is looked for as words
        ("量子", []),
        ("kind:reference", []),
    ],
)
def test_each_condition_is_offered_without(library: Engine, typed: str, offers: list[tuple[str, int]]) -> None:
    answer = ask(library, typed)
    assert answer.results.hits == []
    assert offered(answer) == offers
    for text, total in offers:  # what an offer promises is what it leads to
        assert ask(library, text).results.total == total


def test_offers_count_what_the_asker_may_see(library: Engine) -> None:
    assert offered(ask(library, "密钥 kind:solution")) == []
    assert offered(ask(library, "密钥 kind:solution", Scope.everything())) == [("密钥", 1)]


def test_a_bounded_number_of_searches_is_made(library: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = library.search
    monkeypatch.setattr(library, "search", lambda request: made.append(request.query.text) or real(request))
    ask(
        library,
        "“甲乙” " + " ".join(f"-kind:{kind}" for kind in ("solution", "policy", "topology")) + " -丙 -丁 -戊 -己",
    )
    assert len(made) <= 2 + 2 * (MOST_OFFERS + 1)
    made.clear()
    ask(library, "黑屏")
    assert len(made) == 1
