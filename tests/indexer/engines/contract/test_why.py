"""Why is an entry found, as far as the asker may know of it?"""

from __future__ import annotations

import math

import pytest

from indexer import Engine, Scope, SearchRequest, Tier, parse
from indexer.ranking import Parameters
from tests.indexer.engines.contract.conftest import STAFF, solution


def test_explanation_names_what_was_typed_synonyms_and_faces(engine: Engine) -> None:
    engine.apply([solution("A", "光猫亮红灯", "光猫,ONU"), solution("B", "ONU亮灯"), solution("C", "宽带")], [])
    request = SearchRequest(parse("光猫 红灯"), Scope.public())
    found = engine.explain(request, "A")
    assert found is not None and found.tier is Tier.WORDS and found.documents == 3
    modem, light = found.pieces
    assert (modem.typed, modem.df, modem.idf) == ("光猫", 2, pytest.approx(math.log1p((3 - 2 + 0.5) / (2 + 0.5))))
    assert {match.term: (match.typed, match.faces) for match in modem.matches} == {
        "光猫": (True, {"title": 1, "body": 1, "lead": 1}),
        "onu": (False, {"body": 1, "lead": 1}),
    }
    assert modem.score + light.score + found.grams_added == pytest.approx(found.score)
    assert (found.coverage, found.coverage_factor, found.missed) == (1.0, 1.0, ())
    other = engine.explain(request, "B")
    assert other is not None and [bool(piece.matches) for piece in other.pieces] == [True, False]
    assert 0 < other.coverage < 1 and other.score == pytest.approx(
        sum(piece.score for piece in other.pieces) * other.coverage ** Parameters().coverage + other.grams_added
    )


@pytest.mark.parametrize(
    ("typed", "missed"),
    [
        ("黑屏 kind:policy -code:E04", ["kind:policy", "-code:E04"]),
        ("“花屏” -“黑屏”", ['"花屏"', '-"黑屏"']),
        ("宽带", []),
    ],
)
def test_explanation_of_what_was_not_found_names_the_conditions(library: Engine, typed: str, missed: list[str]) -> None:
    found = library.explain(SearchRequest(parse(typed), Scope.public()), "SOL-TV-001")
    assert found is not None and (found.tier, list(found.missed)) == (None, missed)


def test_nothing_is_explained_that_the_asker_may_not_know_of(library: Engine) -> None:
    request = SearchRequest(parse("数据库"), Scope.public())
    for id in ("SOL-DB-001", "SOL-DB-002", "NONE"):
        assert library.explain(request, id) is None
    assert library.explain(SearchRequest(parse("数据库"), STAFF), "SOL-DB-002") is None
    hidden = Scope(frozenset({"public"}), frozenset(), staff_text=False, exclude=frozenset({"SOL-TV-001"}))
    assert library.explain(SearchRequest(parse("黑屏"), hidden), "SOL-TV-001") is None


def test_explanation_shows_staff_text_to_staff_alone(library: Engine) -> None:
    public = library.explain(SearchRequest(parse("黑屏 分支器"), Scope.public()), "SOL-TV-001")
    staff = library.explain(SearchRequest(parse("黑屏 分支器"), STAFF), "SOL-TV-001")
    assert public is not None and staff is not None
    assert [bool(piece.matches) for piece in public.pieces] == [True, False]
    assert staff.pieces[1].matches[0].faces == {"staff": 1}
