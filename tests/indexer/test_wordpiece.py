"""A text is read as BERT's own tokenizer reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.wordpiece import WordPiece
from kb.errors import Invalid

VOCABULARY = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "光", "猫", "los", "灯", "，", ",", "un", "##aff", "##able", "cafe"),
    *("hg", "##82", "##45", "$", "10", ".", "a", "马", "##光"),
)  # fmt: skip


@pytest.fixture
def pieces(tmp_path: Path) -> WordPiece:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(VOCABULARY) + "\n", "utf-8")
    return WordPiece(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("光猫 LOS灯", "光 猫 los 灯"),  # an ideograph is a word, and so ends the one before
        ("灯光，灯,光", "灯 光 ， 灯 , 光"),  # full-width punctuation stays, and 光 is never ##光
        ("unaffable", "un ##aff ##able"),
        ("unaffordable", "[UNK]"),  # unknown as a whole
        ("HG8245", "hg ##82 ##45"),
        ("Café\u200b  \x07a", "cafe a"),  # no accents, no control characters
        ("10.10$", "10 . 10 $"),
        ("a" * 101, "[UNK]"),
        ("马\u3000赛\n克", "马 [UNK] [UNK]"),
        ("", ""),
    ],
)
def test_texts_become_pieces(pieces: WordPiece, text: str, expected: str) -> None:
    found = [VOCABULARY[number] for number in pieces.numbers(text, 64)]
    assert found == ["[CLS]", *expected.split(), "[SEP]"]


def test_a_long_text_is_cut_and_keeps_its_end_mark(pieces: WordPiece) -> None:
    found = pieces.numbers("光" * 10_000, 16)
    assert len(found) == 16 and VOCABULARY[found[-1]] == "[SEP]" and pieces.pad == 0


def test_lines_of_windows_are_read_alike(tmp_path: Path, pieces: WordPiece) -> None:
    (tmp_path / "other.txt").write_bytes("\r\n".join(VOCABULARY).encode())
    assert WordPiece(tmp_path / "other.txt").numbers("光猫 los", 9) == pieces.numbers("光猫 los", 9)


def test_what_is_no_vocabulary_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("[PAD]\n光\n", "utf-8")
    with pytest.raises(Invalid, match=r"\[UNK\]、\[CLS\]、\[SEP\]"):
        WordPiece(tmp_path / "vocab.txt")
    (tmp_path / "vocab.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid, match="UTF-8"):
        WordPiece(tmp_path / "vocab.txt")
