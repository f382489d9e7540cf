"""What one version says that another does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kb import difference
from kb.difference import Mark, Piece


def test_words_and_figures_stay_whole() -> None:
    pieces = difference.compare("电平 60 dBμV，查 E04", "电平 65 dBμV，查 E16")
    assert [piece for piece in pieces if piece.mark is not Mark.SAME] == [
        Piece(Mark.REMOVED, "60"),
        Piece(Mark.ADDED, "65"),
        Piece(Mark.REMOVED, "E04"),
        Piece(Mark.ADDED, "E16"),
    ]


def test_the_cut_is_handed_in() -> None:
    pieces = difference.compare("机顶盒坏", "机顶灯坏", lambda text: [text[:3], text[3:]])
    assert [piece.text for piece in pieces] == ["机顶盒", "机顶灯", "坏"]


@given(st.text(alphabet="盒子光猫12.\n#", max_size=60), st.text(alphabet="盒子光猫12.\n#", max_size=60))
def test_both_texts_can_be_put_together_again(before: str, after: str) -> None:
    pieces = difference.compare(before, after)
    assert "".join(piece.text for piece in pieces if piece.mark is not Mark.ADDED) == before
    assert "".join(piece.text for piece in pieces if piece.mark is not Mark.REMOVED) == after


def test_sections_are_matched_by_heading_and_moves_are_named() -> None:
    before = "## 一\n\n甲\n\n## 二\n\n乙\n\n## 三\n\n丙\n"
    after = "## 二\n\n乙\n\n## 三\n\n丁\n\n## 一\n\n甲\n\n## 四\n\n新\n"
    found = {section.title: section for section in difference.sections(before, after)}
    assert [title for title, section in found.items() if section.moved] == ["一"]
    assert not found["二"].differs
    assert found["三"].pieces == (Piece(Mark.REMOVED, "丙"), Piece(Mark.ADDED, "丁"))
    assert found["四"].pieces == (Piece(Mark.ADDED, "新"),)
    gone = difference.sections(before, "## 一\n\n甲\n")
    assert [(s.title, s.pieces[0].mark) for s in gone[1:]] == [("二", Mark.REMOVED), ("三", Mark.REMOVED)]


def test_two_sections_of_one_title_stay_two() -> None:
    found = difference.sections("## 一\n\n甲\n\n## 一\n\n乙\n", "## 一\n\n甲\n\n## 一\n\n丙\n")
    assert [section.differs for section in found] == [False, True]


def test_a_long_text_is_compared_by_lines() -> None:
    before = "行\n" * difference.LONGEST
    pieces = difference.compare(before, before + "末\n")
    assert pieces[-1] == Piece(Mark.ADDED, "末\n")
