"""Which entry do words, synonyms, either script and the sound of a word find, and in which tier?"""

from __future__ import annotations

import pytest

from indexer import Engine, Tier
from tests.indexer.conftest import Search, ids
from tests.indexer.engines.contract.conftest import solution


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("黑屏", "SOL-TV-001"),
        ("机顶盒没画面怎么办", "SOL-TV-001"),
        ("盒子 黑屏", "SOL-TV-001"),
        ("機頂盒黑屏", "SOL-TV-001"),
        ("机定盒", "SOL-TV-001"),
        ("E零四", "SOL-TV-001"),
        ("Ｅ０４", "SOL-TV-001"),
        ("e-04", "SOL-TV-001"),
        ("hg-8245h", "SOL-TV-001"),
        ("8245", "SOL-TV-001"),
        ("hg8245", "SOL-TV-001"),
        ("45dBuV", "SOL-TV-001"),
        ("691", "SOL-NET-001"),
        ("10.0.3.17", "SOL-NET-001"),
        ("10.0.3", "SOL-NET-001"),
        ("ＯＲＡ－12541", "SOL-DB-001"),
        ("ora12541", "SOL-DB-001"),
        ("12541", "SOL-DB-001"),
        ("0/1/3", "POL-001"),
        ("sol-tv-001", "SOL-TV-001"),
    ],
)
def test_what_people_type_finds_the_entry_first(library: Engine, search: Search, typed: str, first: str) -> None:
    assert ids(search(typed))[:1] == [first]


@pytest.mark.parametrize("typed", ["SOL-TV-001", "691", "HG8245H", "监听异常", "E04 黑屏"])
def test_id_title_code_and_model_are_exact(library: Engine, search: Search, typed: str) -> None:
    assert search(typed).hits[0].tier is Tier.EXACT


def test_device_that_is_no_model_is_not_exact(library: Engine, search: Search) -> None:
    assert search("机顶盒").hits[0].tier is Tier.WORDS


def test_more_of_the_query_stands_higher(engine: Engine, search: Search) -> None:
    engine.apply(
        [solution("A", "光猫", "红灯"), solution("B", "光猫红灯闪烁", "光功率异常"), solution("C", "红灯")], []
    )
    assert ids(search("光猫 红灯 光功率"))[0] == "B"


def test_synonym_counts_less_than_the_word(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "光猫亮红灯"), solution("B", "ONU亮红灯")], [])
    found = search("光猫")
    assert ids(found) == ["A", "B"]
    assert found.hits[0].score > found.hits[1].score


def test_codes_are_never_synonyms(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "显示E04"), solution("B", "显示E16")], [])
    assert ids(search("E04")) == ["A"]


def test_bigrams_help_where_words_find_little(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "浮梁山前端机房"), solution("B", "山前小区")], [])
    found = search("山前端")
    assert [(hit.id, hit.tier) for hit in found.hits] == [("A", Tier.WORDS), ("B", Tier.BIGRAMS)]
    assert found.relaxed == Tier.BIGRAMS


@pytest.mark.parametrize("typed", ["jidinghe", "ji ding he", "jdh", "JDH", "jidinghekaiji"])
def test_pinyin_finds_titles_and_symptoms(library: Engine, search: Search, typed: str) -> None:
    found = search(typed)
    assert ids(found) == ["SOL-TV-001"]
    assert (found.hits[0].tier, found.relaxed) == (Tier.PINYIN, Tier.PINYIN)


def test_pinyin_never_stands_above_characters(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "机顶盒"), solution("B", "说明", "见 jdh 脚本")], [])
    assert [(hit.id, hit.tier) for hit in search("jdh").hits] == [("B", Tier.WORDS), ("A", Tier.PINYIN)]


@pytest.mark.parametrize("typed", ["", "   ", "？？！", "🙂", "-", "“”", "\ud800"])
def test_nothing_to_look_up_finds_nothing(library: Engine, search: Search, typed: str) -> None:
    assert search(typed).total == 0


def test_question_words_alone_are_still_words(engine: Engine, search: Search) -> None:
    engine.apply([solution("A", "怎么办"), solution("B", "宽带")], [])
    assert ids(search("怎么办"))[:1] == ["A"]


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("機頂盒", "机顶盒黑屏"), ("机顶盒", "機頂盒黑屏"), ("网络", "網路中斷"), ("網路", "网络中断"), ("打印机", "印表機卡紙"), ("印表機", "打印机卡纸"),
        ("資料庫", "数据库连接"), ("数据库", "資料庫連線"),
    ],
)  # fmt: skip
def test_either_script_and_usage_finds_the_other(engine: Engine, search: Search, typed: str, title: str) -> None:
    engine.apply([solution("S", title), solution("T", "别的")], [])
    assert ids(search(typed)) == ["S"]


@pytest.mark.parametrize("typed", ["guangmao", "guang mao", "gmhd", "guangmaohongdeng", "hongdeng"])
def test_pinyin_full_and_short(engine: Engine, search: Search, typed: str) -> None:
    engine.apply([solution("S", "光猫红灯闪烁"), solution("T", "机顶盒黑屏")], [])
    found = search(typed)
    assert ids(found) == ["S"] and found.hits[0].tier is Tier.PINYIN


def test_characters_beside_pinyin_find_by_themselves(engine: Engine, search: Search) -> None:
    engine.apply([solution("S", "光猫红灯闪烁"), solution("T", "机顶盒红灯")], [])
    found = search("光猫hongdeng")
    assert ids(found)[0] == "S" and found.hits[0].tier is Tier.WORDS
