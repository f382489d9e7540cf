"""The compiled dictionary cuts as jieba does, and is made once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import native
from indexer.analysis import dictionary
from indexer.analysis.words import LONGEST_RUN, Words
from kb import library

pytestmark = pytest.mark.skipif(native.LIBRARY is None, reason="no native library: no C compiler at installation")


@pytest.fixture(scope="module")
def both(cache_dir: Path) -> Iterator[tuple[Words, Words]]:
    """Cut by the compiled dictionary, and by jieba itself."""
    extra = dictionary.read(library.library_path() / "dictionary").han
    compiled, jieba = Words(extra, cache_dir), Words(extra, cache_dir)
    jieba.__dict__["_compiled"] = None
    compiled.load()
    jieba.load()
    yield compiled, jieba


def test_cuts_the_library_as_jieba_does(both: tuple[Words, Words]) -> None:
    compiled, jieba = both
    runs = {run for path in library.files() for run in re.findall("[\u3400-\u9fff]{2,}", path.read_text("utf-8"))}
    assert len(runs) > 10_000
    assert [run for run in runs if compiled.cut(run) != jieba.cut(run)] == []
    words = {word for run in runs for word in jieba.cut(run)}
    assert [word for word in words if compiled.inside(word) != jieba.inside(word)] == []


@settings(max_examples=200, deadline=None)
@given(
    st.text(
        st.sampled_from("机顶盒有线电视黑屏光猫红灯闪烁的一不龘𠮷々〇长春市药店研究生命起源"),
        min_size=1,
        max_size=3 * LONGEST_RUN,
    )
)
def test_cuts_anything_as_jieba_does(both: tuple[Words, Words], run: str) -> None:
    compiled, jieba = both
    assert compiled.cut(run) == jieba.cut(run)
    assert "".join(compiled.cut(run)) == run


def test_the_dictionary_is_compiled_once_and_again_when_its_words_change(tmp_path: Path) -> None:
    first = Words(["光猫红灯"], tmp_path)
    assert first.cut("光猫红灯") == ("光猫红灯",)
    (made,) = tmp_path.glob("words-*.bin")
    stamp = made.stat().st_mtime_ns
    again = Words(["光猫红灯"], tmp_path)
    assert again.cut("光猫红灯") == ("光猫红灯",) and "_jieba" not in again.__dict__
    assert made.stat().st_mtime_ns == stamp
    assert Words(["红灯"], tmp_path).cut("光猫红灯") != ("光猫红灯",)
    assert first.cut("光猫红灯亮") == ("光猫红灯", "亮")  # whoever has the older one open goes on with it
    for word in ("红灯闪", "灯闪", "闪红灯"):
        Words([word], tmp_path).load()
    assert len(list(tmp_path.glob("words-*.bin"))) == 3 and not made.exists()  # a few dictionaries are in use at a time


def test_without_a_place_for_the_dictionary_jieba_cuts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    words = Words(["光猫红灯"], tmp_path / "file" / "cache")
    assert words.cut("光猫红灯亮") == ("光猫红灯", "亮")
