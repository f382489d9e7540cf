"""What is offered for the first characters of a title or a symptom?"""

from __future__ import annotations

import pytest

from indexer import Engine, Scope
from tests.indexer.engines.contract.conftest import solution


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("机顶", ["SOL-TV-001"]),
        ("電視黑", ["SOL-TV-001"]),
        ("没影", ["SOL-TV-001"]),
        ("jdh", ["SOL-TV-001"]),
        ("jiding", ["SOL-TV-001"]),
        ("69", ["SOL-NET-001"]),
        ("bggl", ["POL-001"]),
        ("", []),
        ("?", []),
        ("zzz", []),
    ],
)
def test_suggestions(library: Engine, prefix: str, expected: list[str]) -> None:
    assert [one.id for one in library.suggest(prefix, Scope.public())] == expected


def test_suggestions_put_beginnings_first_and_keep_the_limit(engine: Engine) -> None:
    titles = {"A": "更换光猫", "B": "光猫红灯闪烁", "C": "光猫", "D": "其他"}
    engine.apply([solution(id, title) for id, title in titles.items()], [])
    engine.apply([solution("E", "网络", symptoms=("光猫坏了",))], [])
    assert [one.id for one in engine.suggest("光猫", Scope.public())] == ["C", "B", "A", "E"]
    assert [one.id for one in engine.suggest("光猫", Scope.public(), limit=2)] == ["C", "B"]


def test_suggestions_of_one_length_come_by_id_and_a_limit_of_none_is_kept(engine: Engine) -> None:
    engine.apply([solution(f"S-{number}", "光猫") for number in (3, 1, 2)], [])
    engine.apply([solution("S-0", "光猫")], [])
    assert [one.id for one in engine.suggest("光", Scope.public(), limit=3)] == ["S-0", "S-1", "S-2"]
    assert engine.suggest("光", Scope.public(), limit=0) == []


def test_suggestions_in_letters_begin_with_a_word_and_stay_within_a_title(engine: Engine) -> None:
    titles = {"A": "VLAN 配置", "B": "配置 vlan", "C": "lan 口", "D": "10kω", "E": "ωb", "F": "机", "G": "顶"}
    engine.apply([solution(id, title) for id, title in titles.items()], [])
    assert [one.id for one in engine.suggest("l", Scope.public())] == ["C"]
    assert [one.id for one in engine.suggest("v", Scope.public())] == ["A", "B"]
    assert [one.id for one in engine.suggest("ω", Scope.public())] == ["E"]
    assert engine.suggest("jid", Scope.public()) == []


def test_suggestions_hold_whole_characters_in_a_row(engine: Engine) -> None:
    engine.apply([solution("A", "一乎乎呎")], [])  # whose bytes hold those of three 乎, half a character off
    assert engine.suggest("乎乎乎", Scope.public()) == []
    assert [one.id for one in engine.suggest("乎乎", Scope.public())] == ["A"]


def test_suggestions_by_sound_name_the_title_wherever_it_stands(engine: Engine) -> None:
    sounds = dict(zip("安八擦大额发嘎哈机卡拉妈那怕七然撒他挖西压杂", (
        "an", "ba", "ca", "da", "e", "fa", "ga", "ha", "ji", "ka", "la", "ma", "na", "pa", "qi", "ran", "sa", "ta", "wa", "xi",
        "ya", "za",
    ), strict=True))  # fmt: skip
    engine.apply([solution(char, f"{char}路") for char in sounds], [])
    for char, sound in sounds.items():
        assert char in [one.id for one in engine.suggest(f"{sound}lu", Scope.public())], char
