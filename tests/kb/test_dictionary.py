"""Lines are held to their rules one by one, edits leave a trace, and two editors do not overwrite each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from kb import dictionary
from kb.db import Database
from kb.dictionary_lines import (
    Known,
    Line,
    LineKind,
    Problem,
    Shipped,
    canonical,
    problems,
    read_file,
    shipped,
    texts,
    write_file,
)
from kb.errors import Conflict, Invalid, NotAllowed, NotFound, StaleVersion
from kb.library import library_path
from tests.conftest import People

TERM, SYNONYM, STOPWORD, PIN = LineKind
FOLDER = library_path() / "dictionary"
KNOWN = Known(
    shipped(FOLDER), lambda number: number == "SOL-TV-001", lambda word: word in ("宽带", "款带", "机顶盒", "盒子")
)


@pytest.mark.parametrize(
    ("kind", "written", "kept"),
    [
        (TERM, " 光衰闪\n", "光衰闪"),
        (TERM, "ＣＡ卡", "CA卡"),
        (SYNONYM, "机顶盒，电视盒 、 盒", "机顶盒,电视盒,盒"),
        (SYNONYM, "款带 ,宽代=>宽带 | query | .50", "款带,宽代 => 宽带 | 查询 | 0.5"),
        (SYNONYM, "甲乙,丙丁 | 两端", "甲乙,丙丁"),
        (PIN, "盒子 没信号 => sol-tv-001", "盒子 没信号 => SOL-TV-001"),
        (PIN, "盒子 => SOL-TV-001 | 2026-11-01 ..", "盒子 => SOL-TV-001 | 2026-11-01.."),
    ],
)
def test_a_line_has_one_form(kind: LineKind, written: str, kept: str) -> None:
    assert canonical(kind, written) == kept
    assert canonical(kind, kept) == kept


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        (TERM, "", "1 到 30"),
        (TERM, "长" * 31, "1 到 30"),
        (TERM, "光 衰", "空格"),
        (TERM, "光\x00衰", "x00"),
        (SYNONYM, ",".join(f"很长的一个词{n}" for n in range(60)), "400"),
        (SYNONYM, "机顶盒", "至少要两个词"),
        (SYNONYM, "机顶盒 =>", "至少要两个词"),
        (SYNONYM, "机顶盒,机顶盒", "两次"),
        (SYNONYM, "E04,机卡不配对", "E04"),
        (SYNONYM, "Ｅ０４ => 机卡不配对", "E04"),
        (SYNONYM, "甲乙,丙丁 | 三端", "三端"),
        (SYNONYM, "甲乙,丙丁 | 1.5", "权重"),
        (PIN, "盒子", "词条编号"),
        (PIN, "盒子 => 机顶盒", "词条编号"),
        (PIN, "盒子 => SOL-TV-001 | 明天", "日期"),
        (PIN, "盒子 => SOL-TV-001 | 2026-12-01..2026-11-01", "之后"),
    ],
)
def test_what_is_no_line_says_why(kind: LineKind, written: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        canonical(kind, written)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (Line(PIN, "盒子 => SOL-TV-999"), "SOL-TV-999"),
        (Line(SYNONYM, "盒子,机顶盒"), "泛指词"),
        (Line(SYNONYM, "盒子,机顶盒 | 查询"), ""),
        (Line(SYNONYM, "怪盒 => 机顶盒 | 查询"), "怪盒"),
        (Line(SYNONYM, "怪盒 => 机顶盒"), ""),
    ],
)
def test_a_line_is_held_to_what_is_there(line: Line, said: str) -> None:
    found = problems([line], KNOWN).get(line, "")
    assert said in found and bool(said) == bool(found)


def test_what_an_upgrade_made_pointless_does_no_harm(database: Database, people: People) -> None:
    lines = [Line(TERM, "机顶盒"), Line(TERM, "没有的词", removed=True)]
    assert not problems(lines, KNOWN)  # a version may still be made of them
    with database.write() as session:
        with pytest.raises(Invalid, match="1 行"):
            _add(session, people, TERM, "机顶盒")
        with pytest.raises(Invalid) as refused:
            dictionary.replace(session, people.manager, write_file(lines, ""), reason="表", known=KNOWN)
        assert len(refused.value.problems) == 2


def test_circles_are_fine_in_groups_and_refused_one_way() -> None:
    assert not problems([Line(SYNONYM, "甲乙,丙丁"), Line(SYNONYM, "丙丁,戊己"), Line(SYNONYM, "戊己,甲乙")], KNOWN)
    assert len(problems([Line(SYNONYM, "甲乙 => 丙丁"), Line(SYNONYM, "丙丁 => 甲乙")], KNOWN)) == 2


def test_a_word_added_beside_a_query_side_line_makes_it_work() -> None:
    line = Line(SYNONYM, "怪盒 => 机顶盒 | 查询")
    assert problems([line], KNOWN) and not problems([line, Line(TERM, "怪盒")], KNOWN)


_LINES = st.sets(
    st.sampled_from(
        [
            Line(TERM, "光衰闪"), Line(TERM, "机顶盒", True), Line(SYNONYM, "甲乙,丙丁 | 查询 | 0.3"), Line(STOPWORD, "劳驾您"),
            Line(SYNONYM, "款带,宽代 => 宽带", True), Line(PIN, "盒子 => SOL-TV-001 | ..2026-12-01"),
        ]
    )
)  # fmt: skip


@given(_LINES)
def test_the_text_form_reads_back(lines: set[Line]) -> None:
    rows, wrong = read_file(write_file(lines, "标题"))
    assert {line for _, line in rows} == lines and not wrong


def test_a_file_tells_every_wrong_line_by_number() -> None:
    _, wrong = read_file("光衰闪\n[词语]\n# 注\n光 衰\n好词\n好词\n[胡说]\n")
    assert [number for number, _ in wrong] == [1, 4, 6, 7]


def test_without_local_lines_the_files_are_the_shipped_ones() -> None:
    made = texts(FOLDER, [])
    for name in ("terms.txt", "synonyms.txt", "stopwords.txt"):
        assert made[name] == (FOLDER / name).read_text("utf-8")


def test_an_upgrade_keeps_local_lines_and_brings_nothing_back(tmp_path: Path) -> None:
    lines = [Line(TERM, "光衰闪"), Line(TERM, "旧词", True), Line(STOPWORD, "请", True), Line(SYNONYM, "甲,乙", True)]
    (tmp_path / "terms.txt").write_text("旧词 3 n\n新版词 3 n\n", "utf-8")
    (tmp_path / "stopwords.txt").write_text("请 您 # 客套\n", "utf-8")
    (tmp_path / "synonyms.txt").write_text("# [宽] 甲\n甲,乙\n丙,丁\n", "utf-8")
    made = texts(tmp_path, lines)
    assert made["terms.txt"] == "新版词 3 n\n光衰闪\n"
    assert made["stopwords.txt"] == "您# 客套\n"
    assert made["synonyms.txt"] == "丙,丁\n"  # nor the mark that the group was broad


# --- the working copy and its versions ---------------------------------------------------------------------------


def _add(session: Session, people: People, kind: LineKind, written: str, version: int | None = None) -> list[Line]:
    return dictionary.add(session, people.manager, kind, written, reason="试", known=KNOWN, version=version)


def test_an_edit_is_all_or_nothing_and_leaves_a_trace(database: Database, people: People) -> None:
    with database.write() as session:
        _add(session, people, TERM, "光衰闪\n\n红灯闪")
        with pytest.raises(Invalid) as refused:
            _add(session, people, TERM, "好词\n坏 词\n光衰闪")
        assert [said[:3] for said in refused.value.problems] == ["第 2", "第 3"]
        assert [line.text for line in dictionary.working(session).lines] == ["光衰闪", "红灯闪"]
        (change,) = dictionary.history(session)
        assert (change.actor, change.action, change.text, change.reason) == ("manager", "add", "光衰闪\n红灯闪", "试")


def test_a_reason_and_the_right_are_needed(database: Database, people: People) -> None:
    with database.write() as session:
        with pytest.raises(Invalid):
            dictionary.add(session, people.manager, TERM, "光衰闪", reason=" ", known=KNOWN)
        with pytest.raises(NotAllowed):
            dictionary.add(session, people.lead, TERM, "光衰闪", reason="试", known=KNOWN)


def test_a_shipped_line_is_taken_away_and_put_back(database: Database, people: People) -> None:
    with database.write() as session:
        dictionary.remove(session, people.manager, TERM, "机顶盒", reason="试", known=KNOWN)
        assert dictionary.working(session).lines == (Line(TERM, "机顶盒", True),)
        with pytest.raises(NotFound):
            dictionary.remove(session, people.manager, TERM, "机顶盒", reason="试", known=KNOWN)
        _add(session, people, TERM, "机顶盒")
        assert dictionary.working(session).lines == ()
        with pytest.raises(NotFound):
            dictionary.remove(session, people.manager, TERM, "没有的词", reason="试", known=KNOWN)


def test_two_people_editing_at_once_are_told(database: Database, people: People) -> None:
    with database.read() as session:
        seen = dictionary.working(session).version
    with database.write() as session:
        _add(session, people, TERM, "光衰闪", version=seen)
        session.commit()
    with database.write() as session, pytest.raises(StaleVersion) as stale:
        _add(session, people, TERM, "红灯闪", version=seen)
    assert stale.value.yours == seen and stale.value.latest > seen


def test_versions_are_numbered_and_never_change(database: Database, people: People) -> None:
    with database.write() as session:
        _add(session, people, TERM, "光衰闪")
        assert dictionary.make_version(session, people.manager, reason="一", known=KNOWN) == 1
        with pytest.raises(Conflict):
            dictionary.require_change(session, 1)
        _add(session, people, TERM, "红灯闪")
        assert dictionary.make_version(session, people.manager, reason="二", known=KNOWN) == 2
        assert dictionary.lines_of(session, 1) == [Line(TERM, "光衰闪")]
        dictionary.reset(session, people.manager, 1, reason="回去")
        assert dictionary.working(session).lines == (Line(TERM, "光衰闪"),)
        with pytest.raises(NotFound):
            dictionary.lines_of(session, 3)
        for statement in ("UPDATE dictionary_versions SET reason = ''", "DELETE FROM dictionary_changes"):
            with pytest.raises(DBAPIError, match="never"):
                session.execute(text(statement))


def test_a_version_is_not_made_of_lines_that_have_become_wrong(database: Database, people: People) -> None:
    with database.write() as session:
        _add(session, people, PIN, "盒子 => SOL-TV-001")
        gone = Known(KNOWN.shipped, lambda number: False, KNOWN.knows)
        with pytest.raises(Invalid) as refused:
            dictionary.make_version(session, people.manager, reason="一", known=gone)
        assert "SOL-TV-001" in refused.value.problems[0]


def test_an_import_replaces_the_working_copy(database: Database, people: People) -> None:
    with database.write() as session:
        _add(session, people, TERM, "光衰闪\n红灯闪")
        file = "[词语]\n光衰闪\n-机顶盒\n[置顶]\n盒子 => SOL-TV-001\n"
        assert dictionary.replace(session, people.manager, file, reason="表", known=KNOWN) == (2, 1)
        assert {line.text for line in dictionary.working(session).lines} == {"光衰闪", "机顶盒", "盒子 => SOL-TV-001"}
        with pytest.raises(Invalid):
            dictionary.replace(session, people.manager, "[词语]\n坏 词\n", reason="表", known=KNOWN)
        assert len(dictionary.working(session).lines) == 3


def test_a_shipped_line_that_nobody_might_add_is_taken_away_and_exported(database: Database, people: People) -> None:
    folder = Known(
        Shipped({**KNOWN.shipped.lines, SYNONYM: frozenset({"No Signal,无信号"})}, frozenset()), KNOWN.exists
    )
    with database.write() as session:
        dictionary.remove(session, people.manager, SYNONYM, "No Signal,无信号", reason="试", known=folder)
        text = write_file(dictionary.working(session).lines, "")
        assert "-No Signal,无信号" in text
        assert dictionary.replace(session, people.manager, text, reason="表", known=folder) == (0, 0)
        assert dictionary.make_version(session, people.manager, reason="一", known=folder) == 1
