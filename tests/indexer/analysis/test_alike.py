"""Which words sound or look like what was typed? Asked of the compiled dictionary."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.analysis import Analyzer
from indexer.analysis.alike import NEAR_SOUND, SAME_SOUND, SLIP, Alike, fold, write


@pytest.fixture
def alike(analyzer: Analyzer) -> Alike:
    analyzer.prepare_alike()
    assert analyzer.alike is not None
    return analyzer.alike


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Alike:
    """A vocabulary of ten words."""
    path = tmp_path_factory.mktemp("alike") / "alike.bin"
    words = [
        "光猫",
        "机顶盒",
        "智能卡",
        "网络",
        "电平线",
        "密码",
        "重启",
        "路由器",
        "拨号",
        "指示灯",
        "信号灯",
        "智慧卡",
    ]
    write(words, {*words} - {"智慧卡"}, path)
    return Alike(path)


@pytest.mark.parametrize(
    ("typed", "meant", "unlike"),
    [
        ("密马", "密码", SAME_SOUND),
        ("拨好", "拨号", SAME_SOUND),  # 好 is read hao
        ("冲启", "重启", SAME_SOUND),  # 重 is read chong here, and mostly zhong
        ("只示灯", "指示灯", SAME_SOUND),
        ("资能卡", "智能卡", NEAR_SOUND),  # z, zh
        ("路由七", "路由器", SAME_SOUND),
        ("广猫", "光猫", SAME_SOUND),
        ("关猫", "光猫", NEAR_SOUND),  # an, ang
        ("网洛", "网络", SAME_SOUND),
        ("网诺", "网络", NEAR_SOUND),  # n, l
        ("信好灯", "信号灯", SAME_SOUND),
        ("电瓶线", "电平线", SAME_SOUND),
        ("智熊卡", "智能卡", SLIP),  # one wrong
        ("智卡", "智能卡", SLIP),  # one missing
        ("智能能卡", "智能卡", SLIP),  # one too many
        ("能智卡", "智能卡", SLIP),  # two changed round
    ],
)
def test_what_is_meant_is_found(few: Alike, typed: str, meant: str, unlike: float) -> None:
    assert [(word, how) for _, word, how in few.like([typed])] == [(meant, unlike)]


def test_words_are_those_of_jieba_and_of_the_trade(alike: Alike) -> None:
    assert {"机顶盒"} <= {word for _, word, unlike in alike.like(["机定和"]) if unlike == SAME_SOUND}
    assert {"检修"} <= {word for _, word, _ in alike.like(["检休"])}


def test_words_of_two_characters_must_sound_alike_and_share_one(few: Alike) -> None:
    assert few.like(["光标", "逛帽", "光猫"]) == []


def test_pieces_are_told_apart(few: Alike) -> None:
    assert [(number, word) for number, word, _ in few.like(["密马", "光毛"])] == [(0, "密码"), (1, "光猫")]


def test_syllables_are_read_as_they_are_typed(few: Alike) -> None:
    found = few.spelt([("guang", "mao"), ("guan", "mao"), ("ji", "ding", "he"), ("ji", "ding")])
    assert [(number, word) for number, word, _ in found] == [(0, "光猫"), (2, "机顶盒")]


@pytest.mark.parametrize(
    ("one", "other"), [("zhang", "zan"), ("chen", "ceng"), ("shi", "si"), ("niang", "lian"), ("xing", "xin")]
)
def test_sounds_that_are_mixed_up_fold_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_a_file_that_is_no_vocabulary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "alike.bin"
    path.write_bytes(b"x" * 64)
    with pytest.raises(ValueError, match="no vocabulary"):
        Alike(path)


def test_it_is_made_once_and_mapped_afterwards(analyzer: Analyzer, cache_dir: Path) -> None:
    analyzer.prepare_alike()
    made = [path.stat().st_mtime_ns for path in cache_dir.glob("alike-*.bin")]
    another = Analyzer(analyzer.dictionary_dir, cache_dir)
    another.prepare_alike()
    assert another.alike is not None
    assert [path.stat().st_mtime_ns for path in cache_dir.glob("alike-*.bin")] == made
    assert len(made) == 1


def test_without_a_place_for_it_nothing_is_offered(analyzer: Analyzer, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    without = Analyzer(analyzer.dictionary_dir, blocked / "cache")
    without.prepare_alike()
    assert without.alike is None
