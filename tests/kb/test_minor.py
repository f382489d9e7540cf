"""What is a slip of the pen, and what must be reviewed?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from indexer.analysis.pinyin import readings
from kb import minor
from tests.kb.samples import BODY

TEXT = (
    BODY.replace("射频线松脱。", "射频线松脱，帐号过期；电平应在 60 dBμV 以上的时侯。")
    + "\n## 安全\n\n上楼顶须系安全带。\n"
)


def problems(was: str, becomes: str) -> list[str]:
    assert was in TEXT
    return minor.problems(TEXT, TEXT.replace(was, becomes, 1), readings)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("帐号", "账号"),
        ("时侯", "时候"),
        ("过期；", "过期，"),
        ("以上的时侯", "以上得时候"),
        ("过期；", "过期；；"),
        ("楼栋放大器故障移交", "楼栋放大器故障的移交"),
    ],
)
def test_a_slip_is_a_minor_correction(was: str, becomes: str) -> None:
    assert problems(was, becomes) == []


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("60", "80", "数字"),
        ("60 dB", "6 0dB", "数字"),
        ("dBμV", "dBmV", "数字"),
        ("F 头", "N 头", "数字"),
        ("60 dBμV", "60，dBμV", "数字"),
        ("仍不行", "仍行", "否定"),
        ("以上", "以下", "否定"),
        ("松脱", "送脱", "否定"),
        ("射频线", "网线", "同音"),
        ("楼栋放大器", "光站", "同音"),
        ("拧紧", "拔掉", "同音"),
        ("## 原因", "## 缘因", "标题"),
        ("须系安全带", "需系安全带", "标题"),
        ("射频线松脱，", "射频线松脱，\n", "行"),
        ("上楼顶须系安全带。\n", "", "行"),
    ],
)
def test_anything_that_could_turn_the_meaning_is_not(was: str, becomes: str, said: str) -> None:
    assert said in "；".join(problems(was, becomes))


def test_slips_are_counted_over_the_whole_text() -> None:
    assert problems("帐号过期；电平应在 60 dBμV 以上的时侯。", "账号过期，电平应在 60 dBμV 以上得时候！") == []
    changed = TEXT.replace("，", "；").replace("。", "！")
    assert f"超过 {minor.MOST_CHANGED} 个字" in "；".join(minor.problems(TEXT, changed, readings))


def test_nothing_and_a_line_too_long_to_look_at_are_refused() -> None:
    assert minor.problems(TEXT, TEXT, readings) != []
    long = "长" * (minor.LONGEST_LINE + 1)
    assert minor.problems(long + "。", long + "！", readings) != []


def test_sounds_decide_which_characters_are_exchanged() -> None:
    def deaf(char: str) -> Sequence[str]:
        return (char,)

    assert minor.problems("时侯", "时候", deaf) != []
