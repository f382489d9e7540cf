"""Collected in C or in Python, a block is the same to the byte."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexer import IndexDocument, native
from indexer.analysis import Analyzer
from indexer.engines.whoosh_engine import block
from indexer.engines.whoosh_engine.block import Block, Writer
from indexer.projection import project
from kb import documents as library_documents
from kb import library, markup
from tests.indexer.engines.test_judge import random_document

pytestmark = pytest.mark.skipif(native.LIBRARY is None, reason="no native library: no C compiler at installation")


def _written(folder: Path, analyzer: Analyzer, documents: Sequence[IndexDocument], *, natively: bool) -> bytes:
    path = folder / f"{natively}.blk"
    path.unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        if not natively:
            patch.setattr(block, "collector", lambda spaces: None)
        writer = Writer()
        for document in documents:
            writer.cut(document, analyzer)
        writer.write(path)
    return path.read_bytes()


def _assert_same(folder: Path, analyzer: Analyzer, documents: Sequence[IndexDocument]) -> None:
    ours = _written(folder, analyzer, documents, natively=True)
    judge = _written(folder, analyzer, documents, natively=False)
    if ours == judge:
        return
    one, two = Block(folder / "True.blk"), Block(folder / "False.blk")
    differ = [name for name in one._sections if one.section(name).tobytes() != two.section(name).tobytes()]
    raise AssertionError(f"other sections: {differ}")


def _library() -> list[IndexDocument]:
    return [_entry(number, path) for number, path in enumerate(library.files())]


def _entry(number: int, path: Path) -> IndexDocument:
    text = path.read_text("utf-8")
    faces = library_documents.faces(library_documents.Kind.SOLUTION, text)
    return IndexDocument(
        f"L-{number}", 1, "solution", path.stem, markup.to_text(faces.shared), markup.to_text(faces.staff),
        symptoms=tuple(library_documents.symptoms(text)), devices=("HG8245H", "机顶盒"), codes=("E04",),
        category="数字电视/机顶盒",
    )  # fmt: skip


def test_same_over_the_shipped_library(analyzer: Analyzer, tmp_path: Path) -> None:
    documents = _library()
    assert len(documents) > 300
    assert any(document.staff_body for document in documents) and any(document.symptoms for document in documents)
    _assert_same(tmp_path, analyzer, documents)


IMPORTED = (
    "# 通过API创建实例 {#section_q2f_ayf_3kk .section}\n\n![](https://static.example.com/img/zh-CN/4202659951_p133849.png)\n"
    "1. 登录[ECS控制台](https://ecs.example.com/#/home)。\n2. 运行`kubectl get pods -n kube-system`，状态为NotReady或"
    "ImagePullBackOff；\n   `GET _cat/indices?v&s=store.size:desc`返回HTTP 503…\n|参数|类型|\n|--|--|\n|InstanceId|String|\n"
    "v2.3.1-rc1、10.0.3.17/24、fe80::1、00:1A:2b:3C:4d:5E、C++、C#、2026-11-23T09:35:00Z、user@host、it's、a--b、a----b"
)


@pytest.mark.parametrize(
    "text",
    [
        IMPORTED,
        "",
        " \n\n ",
        "机\n顶　盒\t黑、屏",
        "25dBμV，−8dBm，25℃，dBμ，xdbμv，db μv",
        "E零四 e 零四 e-一二三四五 的e零 ae零 E零四号 e\n零",
        "搜不到wifi 搜不到wifi6 a搜不到wifi 插CA卡CA卡 插ca卡x CA卡",
        "cafe\u0301 \u0301 か\u3099 ㎒ ﬁx ½ ① Ⅳ ﾞ",
        "\ud83d 机\udc00顶 \ufffd 𠮷野家𠮷 𝒳𝒴 😀机😀顶 龘々〇 カタカナ・한국어 ٣٤ ²³ Ünïcode ＯＲＡ－12541",
        "x" * 64 + " " + "x" * 65 + " " + "7" * 65 + " " + "aB" * 33,
        "NullPointerException nullPointer URLs iOS Java JAVA HTMLParser ＮullPointer Nullüber aBc",
        "a_b__c '- -x x- x++ x+++ x+++y c#d c## +++ _._ 1.2.3.4.5 v1 v1.2 v 1v",
        "光猫 " * 70_000,
        "中" * 450 + "龘" * 450,
    ],
)
def test_same_where_it_is_intricate(analyzer: Analyzer, tmp_path: Path, text: str) -> None:
    half = len(text) // 2
    documents = [
        IndexDocument("A-0", 1, "solution", "", ""),
        IndexDocument("A-1", 1, "solution", "题", text),
        IndexDocument("A-2", 1, "solution", "", text[half:], text[:half]),
        IndexDocument("A-3", 1, "policy", "标", "", symptoms=tuple(text.split()[:99]), codes=(text[:9].strip(),)),
        IndexDocument("A-4", 1, "policy", "CA卡插搜不到wifi读不出 Ora-1 x", "", text, symptoms=(text[:99], "", "卡")),
        IndexDocument("A-5", 1, "policy", "题", text[:9], text[:9], captured=(text, "ORA-1 ORA-1", "", text)),
    ]
    _assert_same(tmp_path, analyzer, documents)


PIECES = st.one_of(
    st.characters(),
    st.sampled_from("机顶盒開機黑屏光猫零四ee -._:/@+'#\n\r\t　℃㎒é\u0301μdbv…，。Aa1Zz9々〇か゛\ud800𠮷"),
    st.sampled_from(
        ["CA卡", "搜不到wifi", "ORA-12541", "NullPointer", "dBμV", "E零四", "10.0.3.17", "c++", "数据库连接"]
    ),
)
TEXTS = st.lists(PIECES, max_size=30).map("".join)
SOUND = TEXTS.map(lambda text: text.encode(errors="ignore").decode())  # a title is UTF-8 as well


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(SOUND, TEXTS, TEXTS, st.lists(TEXTS, max_size=3)), min_size=1, max_size=4))
@example([("", "", "", [])])
def test_same_on_any_text(
    analyzer: Analyzer, tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str, str, list[str]]]
) -> None:
    documents = [
        IndexDocument(
            f"A-{number}", 1, "solution", title, body, staff, tuple(said), (), (title,), captured=(staff, *said)
        )
        for number, (title, body, staff, said) in enumerate(texts)
    ]
    _assert_same(tmp_path_factory.getbasetemp(), analyzer, documents)


def test_merged_without_the_library_or_with_it_is_the_same(
    analyzer: Analyzer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what stood in deleted documents alone is forgotten."""
    rng = random.Random(11)
    paths = [tmp_path / f"{number}.blk" for number in range(3)]
    for number, path in enumerate(paths):
        writer = Writer()
        for at in range(40):
            writer.cut(random_document(rng, 100 * number + at, 1), analyzer)
        writer.cut(IndexDocument(f"only-{number}", 1, "solution", "题", f"只此一处{number}"), analyzer)
        writer.write(path)
    written = []
    for name in ("native", "python"):
        if name == "python":
            monkeypatch.setattr(block, "collector", lambda spaces: None)
        writer = Writer()
        for path in paths:
            writer.merge(Block(path), np.arange(41) % 8 < 7)
        writer.merge(Block(paths[0]), np.arange(41) < 0)
        writer.write(tmp_path / name)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    merged = Block(tmp_path / "native")
    assert merged.count == 108
    assert [merged.find("keys", f"=only{number}") >= 0 for number in range(3)] == [True] * 3
    writer = Writer()
    writer.merge(merged, np.arange(108) != merged.locate("only-1"))
    writer.write(tmp_path / "less")
    less = Block(tmp_path / "less")
    assert less.find("keys", "=only1") < 0 <= less.find("keys", "=only2")


@pytest.mark.parametrize("place", ["cache", "file/cache"])
def test_same_without_a_dictionary_and_without_a_place_for_it(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    analyzer = Analyzer(tmp_path / "dictionary", tmp_path / place)
    assert (analyzer.lexicon is None) == (place == "file/cache")
    _assert_same(tmp_path, analyzer, [IndexDocument("A-1", 1, "solution", "机顶盒 CA卡", IMPORTED)])


def test_an_empty_block_is_the_same(analyzer: Analyzer, tmp_path: Path) -> None:
    _assert_same(tmp_path, analyzer, [])


def test_memory_goes_with_the_writer() -> None:
    """At once, not when cycles are collected: a build holds one block of it at a time."""
    gc.disable()
    try:
        writer = Writer()
        collector = weakref.ref(writer._collector)
        del writer
        assert collector() is None
    finally:
        gc.enable()


def test_what_is_usual_is_cut_in_c(analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[str] = []
    monkeypatch.setattr(
        block, "project", lambda document, analyzer: left.append(document.id) or project(document, analyzer)
    )
    documents = _library()
    writer = Writer()
    for document in [*documents, IndexDocument("I-1", 1, "reference", "导入", IMPORTED)]:
        writer.cut(document, analyzer)
    assert writer.count == len(documents) + 1
    assert len(left) < len(documents) // 10 and "I-1" not in left


def test_a_unit_is_known_where_no_text_has_its_letter(analyzer: Analyzer, cache_dir: Path, tmp_path: Path) -> None:
    fresh = Analyzer(analyzer.dictionary_dir, cache_dir)  # that has met no other text
    _assert_same(tmp_path, fresh, [IndexDocument("A", 1, "solution", "低于45dBμV", "")])
