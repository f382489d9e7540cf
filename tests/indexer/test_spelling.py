"""What was meant is offered if it helps this asker, and what has hits is left alone; over every engine."""

from __future__ import annotations

from typing import Any

import pytest

from indexer import Engine, IndexDocument, Scope, parse
from indexer.analysis import Analyzer
from indexer.spelling import Correction, correction

STAFF = Scope(frozenset({"public", "staff"}), frozenset(), staff_text=True)


def document(id: str, title: str, body: str = "", **more: Any) -> IndexDocument:
    return IndexDocument(id, 1, "solution", title, body, **more)


@pytest.fixture(scope="module", autouse=True)
def vocabulary(analyzer: Analyzer) -> None:
    analyzer.prepare_alike()


@pytest.fixture
def library(engine: Engine) -> Engine:
    engine.apply(
        [
            document("SOL-1", "机顶盒提示无信号", "检查路由器与遥控器。屏幕显示E04。", symptoms=("电视黑屏",)),
            document("SOL-2", "光猫红灯闪烁", "重启HG8245H,登录10.0.3.17,查看modem的connection。"),
            document("SOL-3", "宽带拨号提示691", "账号或密码错误。", staff_body="核对认证服务器的radius日志"),
        ],
        [],
    )
    engine.apply(
        [
            document("POL-1", "falcon切换", "授权码与数据库", audience="restricted", owner_group="dba"),
            document("SOL-4", "有线电视没信号", "网速慢。ORA-12541"),
        ],
        [],
    )
    return engine


def meant(
    library: Engine, analyzer: Analyzer, typed: str, scope: Scope = STAFF
) -> str | None:  # what the typed words become
    found = correction(parse(typed), library, scope, analyzer)
    return found.apply(typed) if found else None


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("机定盒", "机顶盒"),
        ("机订和", "机顶盒"),
        ("机板盒没信号", "机顶盒没信号"),
        ("光毛", "光猫"),
        ("光帽红灯", "光猫红灯"),
        ("路游器", "路由器"),
        ("遥控控器", "遥控器"),
        ("由路器", "路由器"),
        ("密马", "密码"),
        ("宽带拨好691", "宽带拨号691"),
        ("光毛 密马", "光猫 密码"),
        ("ＭＯＤＭＥ", "MODEM"),
        ("conection", "connection"),
        ("conenction", "connection"),
        ("modm 密码", "modem 密码"),
        ("guangmao", "光猫"),
        ("guangmaohongdeng", "光猫红灯"),
        ("光猫hongdeng", "光猫红灯"),
        ("EO4", "E04"),
        ("ora-I2541", "ora12541"),
        ("1O.0.3.17", "10.0.3.17"),
        ("HG8245H 光毛 kind:solution -割接", "HG8245H 光猫 kind:solution -割接"),
    ],
)
def test_what_was_meant(library: Engine, analyzer: Analyzer, typed: str, corrected: str) -> None:
    assert meant(library, analyzer, typed) == corrected


@pytest.mark.parametrize(
    "typed",
    [
        "机顶盒",
        "光猫密码",  # no text has the pair 猫密, but both words are known
        "盒子",  # a synonym is known
        "网速快",  # means the opposite of what is known
        "E40",
        "8254",
        "hg8254h",
        "692",
        "HG8245",  # a part of what is known
        "量子纠缠",
        "zzzz",
        "mod",
        '"光毛"',  # a phrase is meant as it stands
        "kind:solution",
        "？？",
        "",
        "光毛" + "很长的一段话" * 10,  # a report is not mistyped
    ],
)
def test_what_is_left_alone(library: Engine, analyzer: Analyzer, typed: str) -> None:
    assert meant(library, analyzer, typed) is None


def test_words_with_hits_stand_even_if_another_is_far_more_usual(engine: Engine, analyzer: Analyzer) -> None:
    engine.apply([document(f"S-{number}", "有线电视") for number in range(30)] + [document("T", "有限公司")], [])
    assert meant(engine, analyzer, "有限") is None


def test_a_listed_misspelling_is_offered_where_few_texts_have_it(engine: Engine, analyzer: Analyzer) -> None:
    engine.apply([document(f"S-{number}", "光猫") for number in range(9)] + [document("T", "光毛坏了")], [])
    found = correction(parse("光毛"), engine, STAFF, analyzer)
    assert found and found.apply("光毛") == "光猫"
    assert not found.runs_at_once(total=10)
    engine.apply([document(f"T-{number}", "光毛") for number in range(9)], [])
    assert meant(engine, analyzer, "光毛") is None


def test_nothing_leaks_from_what_the_asker_may_not_see(library: Engine, analyzer: Analyzer) -> None:
    dba = Scope(frozenset({"public", "staff", "restricted"}), frozenset({"dba"}), staff_text=True)
    hidden = Scope(dba.audiences, dba.groups, dba.staff_text, exclude=frozenset({"POL-1"}))
    for typed, told in (("falcom", "falcon"), ("shujuku", "数据库"), ("授全码", "授权码")):
        assert meant(library, analyzer, typed, dba) == told
        for scope in (STAFF, Scope.public(), hidden):
            assert meant(library, analyzer, typed, scope) is None
    assert meant(library, analyzer, "radus", STAFF) == "radius"
    assert meant(library, analyzer, "radus", Scope.public()) is None  # it stands in the staff's half


def at_once(library: Engine, analyzer: Analyzer, typed: str, total: int) -> bool:
    found: Correction | None = correction(parse(typed), library, STAFF, analyzer)
    assert found is not None
    return found.runs_at_once(total=total)


def test_what_is_searched_for_unasked(library: Engine, analyzer: Analyzer) -> None:
    assert at_once(library, analyzer, "光毛", 0)
    assert at_once(library, analyzer, "光毛", 9)  # hits of 光 and of 毛 alone are no good ones
    assert not at_once(library, analyzer, "光毛 密码", 9)  # 密码 has hits of its own
    assert not at_once(library, analyzer, "能智卡 由路器", 9)  # only somewhat alike
    assert at_once(library, analyzer, "由路器", 0)
    for typed in ("EO4", "guangmao"):
        assert not at_once(library, analyzer, typed, 0)


def test_of_equal_words_the_one_that_more_texts_have(engine: Engine, analyzer: Analyzer) -> None:
    engine.apply([document("A", "router"), document("B", "rooter"), document("C", "rooter")], [])
    assert meant(engine, analyzer, "ruoter") == "router"  # two letters changed round
    assert meant(engine, analyzer, "rouoter") == "rooter"
