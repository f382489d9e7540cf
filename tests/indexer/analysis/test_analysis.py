"""Under which terms a text is found: the golden table, and what must hold for every text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.analysis import Analyzer
from tests.indexer.conftest import DICTIONARY

# Terms of one position stand together; the first is the whole, the others are its parts.
GOLDEN = [
    ("网关 10.0.3.17 超时", "网关|10.0.3.17 10 0 3 17 10.0 10.0.3|超时"),
    ("ＯＲＡ－12541", "ora12541 ora 12541"),
    ("HG8245H", "hg8245h hg 8245 hg8245"),
    ("HG-8245H", "hg8245h hg 8245h 8245 hg8245"),
    ("機頂盒開機黑屏", "机顶盒 机顶 顶盒|开机|黑屏"),
    ("显示E零四", "显示|e04 04"),
    ("E〇四", "e04 04"),
    ("端口0/1/3", "端口|0/1/3 0 1 3"),
    ("v2.3.1", "v2.3.1 v2 3 1 v2.3 2.3.1 2.3"),
    ("25dBμV", "25dbuv 25 dbuv"),
    ("25dBuV", "25dbuv 25 dbuv"),
    ("691", "691"),
    ("K8s c++", "k8s k8|c++"),
    ("aa:bb:cc:dd:ee:0f", "aabbccddee0f aa bb cc dd ee 0f"),
    ("AABB-CCDD-EE0F", "aabbccddee0f aabb ccdd ee0f"),
    ("NullPointerException", "nullpointerexception null pointer exception"),
    ("Wi-Fi", "wifi wi fi"),
    ("插CA卡", "插|ca卡 ca 卡"),
    ("2026-11-23", "2026-11-23 2026 11 23"),
]  # fmt: skip


def positions(tokens: list[tuple[str, int]]) -> str:
    """Tokens in the notation of the table."""
    rows: dict[int, list[str]] = {}
    for text, position in tokens:
        rows.setdefault(position, []).append(text)
    return "|".join(" ".join(rows[position]) for position in sorted(rows))


@pytest.mark.parametrize(("text", "expected"), GOLDEN)
def test_index_tokens(analyzer: Analyzer, text: str, expected: str) -> None:
    tokens = analyzer.index_tokens(text)
    assert positions([(token.text, token.position) for token in tokens]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("数字机顶盒黑屏", "数字机顶盒|黑屏"), ("登录ORA-12541", "登录|ora12541"), ("高清機頂盒", "高清机顶盒")],
)
def test_query_tokens_are_cut_precisely(analyzer: Analyzer, text: str, expected: str) -> None:
    wholes = [(token.text, token.position) for token in analyzer.query_tokens(text) if not token.part]
    assert positions(wholes) == expected


@pytest.mark.parametrize(
    ("text", "term", "original"),
    [
        ("前㎒機頂盒后", "机顶盒", "機頂盒"),
        ("25℃ ＯＲＡ－1", "ora1", "ＯＲＡ－1"),
        ("cafe\u0301 黑屏", "黑屏", "黑屏"),
        ("ﬁx 光猫", "光猫", "光猫"),
    ],
)
def test_offsets_refer_to_the_original(analyzer: Analyzer, text: str, term: str, original: str) -> None:
    token = next(token for token in analyzer.index_tokens(text) if token.text == term)
    assert text[token.start : token.end] == original


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("重启\nserver，数据库，连接", " 重启 server 数据库 连接 "),
        ("HG-8245H", " hg 8245 h "),
        ("機頂\n 盒", " 机顶盒 "),
        ("", "  "),
    ],
)
def test_canonical_text(analyzer: Analyzer, text: str, canonical: str) -> None:
    assert analyzer.canonical(text) == canonical


def test_pinyin(analyzer: Analyzer) -> None:
    terms = {token.text for token in analyzer.pinyin("机顶盒重启")}
    assert {"ji ding", "ding he", "he chong", "chong qi", "jdh", "cq", "jdhcq"} == terms
    assert analyzer.pinyin_terms("jidinghe") == [("ji ding", "ding he")]
    assert analyzer.pinyin_terms("JDH") == [("jdh",)]
    assert analyzer.pinyin_terms("video") == analyzer.pinyin_terms("机顶盒") == []
    assert analyzer.spelt("机顶盒E04") == ("jidinghee04", "jdhe04")


def test_synonyms_are_directed_weighted_and_never_codes(analyzer: Analyzer) -> None:
    assert analyzer.synonyms("光猫")["onu"] < 1
    assert analyzer.synonyms("盒子")["机顶盒"] < analyzer.synonyms("光猫")["onu"]  # a broad word
    assert "机顶盒" in analyzer.synonyms("机定盒")
    assert "机定盒" not in analyzer.synonyms("机顶盒")
    for term in ("e04", "e4", "e16"):
        assert analyzer.synonyms(term) == {}


def test_stopwords_hold_question_words_and_no_trade_words(analyzer: Analyzer) -> None:
    assert {"怎么办", "请问", "的", "what"} <= analyzer.stopwords
    assert not {"机顶盒", "没有", "不", "无", "e04"} & analyzer.stopwords


def test_fingerprint_follows_the_dictionary(analyzer: Analyzer, cache_dir: Path, tmp_path: Path) -> None:
    assert Analyzer(DICTIONARY, cache_dir).fingerprint() == analyzer.fingerprint()
    (tmp_path / "terms.txt").write_text("新词\n", "utf-8")
    assert Analyzer(tmp_path, cache_dir).fingerprint() != analyzer.fingerprint()


def test_missing_dictionary_is_an_empty_one(cache_dir: Path, tmp_path: Path) -> None:
    assert [token.text for token in Analyzer(tmp_path, cache_dir).query_tokens("E04 数据库")] == ["e04", "04", "数据库"]


def test_another_tokenizer_does_not_see_our_words(analyzer: Analyzer) -> None:
    import jieba

    assert "机顶盒" in [token.text for token in analyzer.query_tokens("机顶盒")]
    assert jieba.dt.FREQ.get("摇控器") is None


TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("机顶盒開機黑屏E04零四-._:/ \n℃㎒é…数据库连接")), max_size=60
)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_tokens_lie_in_the_text_and_counts_agree(analyzer: Analyzer, text: str) -> None:
    tokens = analyzer.index_tokens(text)
    assert all(0 <= token.start < token.end <= len(text) for token in tokens)
    assert [token.position for token in tokens] == sorted(token.position for token in tokens)
    counts = analyzer.counts(text)
    assert counts.terms == Counter(token.text for token in tokens)
    assert counts.length == len({token.position for token in tokens})
    grams = analyzer.grams(text)
    assert [gram.position for gram in grams] == list(range(len(grams)))
    assert all(0 <= gram.start < gram.end <= len(text) for gram in grams)
    assert analyzer.gram_counts(analyzer.canonical(text)).terms == Counter(gram.text[:64] for gram in grams)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_query_terms_of_a_piece_between_spaces_are_index_terms_of_the_text(
    analyzer: Analyzer, before: str, piece: str, after: str
) -> None:
    terms = analyzer.counts(f"{before} {piece} {after}").terms
    assert {token.text for token in analyzer.query_tokens(piece)} <= terms.keys()
