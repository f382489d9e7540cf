"""Which words are there, in how many documents, and which are near one?"""

from __future__ import annotations

from indexer import Engine, Scope
from tests.indexer.engines.contract.conftest import STAFF, solution


def test_known_counts_what_the_asker_may_see_and_match(library: Engine) -> None:
    everything = Scope.everything()
    assert library.known(["机顶盒", "分支器", "数据库", "主备", "切换", "ora12541"], everything) == [1, 1, 2, 0, 1, 1]
    assert library.known(["机顶盒", "分支器", "数据库", "切换"], Scope.public()) == [1, 0, 0, 0]
    assert library.known(["切换"], Scope(frozenset({"restricted"}), frozenset({"dba"}), staff_text=False)) == [1]
    hidden = Scope(STAFF.audiences, STAFF.groups, STAFF.staff_text, exclude=frozenset({"SOL-TV-001"}))
    assert library.known(["机顶盒"], hidden) == [0]
    assert library.known([], everything) == []


def test_known_pairs_of_characters(library: Engine) -> None:
    pairs = ["顶盒", "盒开", "盒坏", "支器"]
    assert library.known(pairs, Scope.everything(), pairs=True) == [1, 1, 0, 1]
    assert library.known(pairs, Scope.public(), pairs=True) == [1, 1, 0, 0]


def test_known_does_not_read_captured_words(engine: Engine) -> None:
    engine.apply([solution("A", "光猫", staff_body="电平", captured=("falcon 抽屉",))], [])
    assert engine.known(["falcon", "抽屉", "光猫", "电平"], STAFF) == [0, 0, 1, 1]
    assert engine.known(["屉"], STAFF, pairs=True) == [0]


def test_known_forgets_what_was_removed(library: Engine) -> None:
    library.apply([], ["SOL-TV-001"])
    assert library.known(["机顶盒"], Scope.everything()) == [0]


def test_near_are_words_of_letters_few_slips_away(engine: Engine) -> None:
    engine.apply([solution("A", "router routers ruoter r0uter outer route rooter puter")], [])
    engine.apply([solution("B", "rotor 路由 router2 re-route")], [])
    assert engine.near("router", 1) == ["outer", "rooter", "route", "routers", "ruoter"]
    assert engine.near("router", 2) == ["outer", "puter", "rooter", "rotor", "route", "routers", "ruoter", "uter"]
    assert engine.near("路由", 1) == [] and engine.near("x" * 99, 2) == []


def test_frequencies_count_documents(engine: Engine) -> None:
    engine.apply([solution("A", "光猫", "光猫光猫红灯"), solution("B", "光猫"), solution("C", "HG8245H")], [])
    assert engine.frequencies(["光猫", "红灯", "hg8245h", "没有", ""]) == [2, 1, 1, 0, 0]
