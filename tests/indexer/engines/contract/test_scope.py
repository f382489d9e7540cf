"""Who may find and count what, and what do captured words give away?"""

from __future__ import annotations

import pytest

from indexer import Engine, Scope, Tier
from tests.indexer.conftest import Search, ids
from tests.indexer.engines.contract.conftest import STAFF, solution


def test_staff_text_matches_for_staff_alone(library: Engine, search: Search) -> None:
    for typed in ("分支器", "“检查分支器”", "45dbuv"):
        assert search(typed, Scope.public()).total == 0
        assert ids(search(typed, STAFF)) == ["SOL-TV-001"]
    # nor may a minus tell the public what the staff text says
    assert "SOL-TV-001" in ids(search("黑屏 -分支器", Scope.public()))
    assert "SOL-TV-001" not in ids(search("黑屏 -分支器", STAFF))


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (Scope.public(), set()),
        (STAFF, {"SOL-DB-001"}),
        (
            Scope(frozenset({"public", "staff", "restricted"}), frozenset({"dba"}), staff_text=True),
            {"SOL-DB-001", "SOL-DB-002"},
        ),
        (Scope(frozenset({"public", "staff", "restricted"}), frozenset({"team-tv"}), staff_text=True), {"SOL-DB-001"}),
        (Scope.everything(), {"SOL-DB-001", "SOL-DB-002"}),
    ],
)
def test_scope_trims_hits_totals_facets_and_suggestions(
    library: Engine, search: Search, scope: Scope, seen: set[str]
) -> None:
    found = search("数据库 连接", scope, facets=("audience", "kind"))
    assert set(ids(found)) == seen
    assert found.total == len(seen)
    assert sum(number for _, number in found.facets["kind"]) == len(seen)
    assert {id for title in ("监听", "主备") for id in (one.id for one in library.suggest(title, scope))} == seen


def test_excluded_ids_are_left_out_everywhere(library: Engine, search: Search) -> None:
    scope = Scope(frozenset({"public"}), frozenset(), staff_text=False, exclude=frozenset({"SOL-TV-001", "NONE"}))
    found = search("kind:solution", scope, facets=("device",))
    assert (ids(found), found.total, found.facets) == (["SOL-NET-001"], 1, {"device": []})
    assert library.suggest("机顶盒", scope) == []


def test_facets_count_all_hits_not_the_page(library: Engine, search: Search) -> None:
    found = search("kind:solution,policy", limit=1, facets=("kind", "category", "device", "audience"))
    assert found.facets == {
        "kind": [("solution", 4), ("policy", 1)],
        "category": [("数字电视/机顶盒", 1)],
        "device": [("HG8245H", 1), ("机顶盒", 1)],
        "audience": [("public", 3), ("restricted", 1), ("staff", 1)],
    }


def test_captured_words_find_for_everybody(engine: Engine, search: Search) -> None:
    engine.apply(
        [solution("A", "光猫红灯", captured=("昨晚打雷后猫儿趴窝了", "ORA-12541")), solution("B", "光猫绿灯")], []
    )
    for scope in (Scope.public(), STAFF):
        for typed, tier in (("打雷 趴窝", Tier.WORDS), ("12541", Tier.WORDS), ("儿趴", Tier.BIGRAMS)):
            assert [(hit.id, hit.tier) for hit in search(typed, scope).hits] == [("A", tier)]
    assert ids(search("光猫 打雷")) == ["A", "B"]


@pytest.mark.parametrize("typed", ["“打雷后”", "“雷”", "“ORA”", "“打雷”", "dalei", "dl"])
def test_captured_words_are_in_no_phrase_and_have_no_sound(engine: Engine, search: Search, typed: str) -> None:
    """Else a row of guesses would read them out."""
    engine.apply([solution("A", "光猫红灯", captured=("昨晚打雷后", "ORA-12541")), solution("B", "绿灯", "打雷后")], [])
    assert "A" not in ids(search(typed))
    assert "A" in ids(search("光猫 -打雷 -“雷后” -“12541”"))
    assert search("kind:solution -“昨晚打雷后”").total == 2


@pytest.mark.parametrize("prefix", ["昨", "昨晚打雷", "zwdl", "zuowan", "o", "ora"])
def test_captured_words_are_never_suggested(engine: Engine, prefix: str) -> None:
    engine.apply([solution("A", "光猫红灯", captured=("昨晚打雷后", "ORA-12541"))], [])
    assert engine.suggest(prefix, Scope.everything()) == []


def test_captured_words_count_once_however_often_they_were_said(engine: Engine, search: Search) -> None:
    engine.apply(
        [solution("A", "光猫红灯", captured=("打雷",)), solution("B", "光猫红灯", captured=("打雷打雷",) * 12)], []
    )
    assert len({hit.score for hit in search("打雷").hits}) == 1


def test_a_pair_of_characters_does_not_run_from_one_captured_text_into_the_next(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "光猫红灯", captured=("打雷", "趴窝"))], [])
    assert search("雷趴").total == 0
