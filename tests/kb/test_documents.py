"""A document is what the schema says, round-trips, and shows each reader their own face."""

from __future__ import annotations

import datetime as dt
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from kb import documents
from kb.documents import Attributes, Audience, Document, Kind, Section
from kb.errors import Invalid
from tests.kb import samples


def test_a_document_round_trips() -> None:
    document = Document(
        "SOL-TV-001",
        samples.attributes(
            error_codes=[{"code": "E04", "vendor": "数码视讯"}],
            figures=[{"name": "电平", "value": 60, "unit": "dBμV", "confidence": "unverified"}],
        ),
        samples.BODY,
    )
    assert documents.parse(documents.dump(document)) == document


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("kind: poem", "kind: 取值不在允许范围"),
        ("colour: red", "colour: 没有这个键"),
        ("id: sol-1", "id: 编号须形如"),
        ("covers: []", "covers: 解决方案至少覆盖一个现象"),
        ("valid_until: never", "valid_until"),
        ("error_codes: [{code: E04}]", "error_codes.0.vendor: 缺少必填项"),
    ],
)
def test_a_wrong_file_names_the_field(change: str, said: str) -> None:
    text = documents.dump(Document("SOL-1", samples.attributes(), "x"))
    key = change.partition(":")[0]
    lines = [line for line in text.splitlines() if not line.startswith(f"{key}:")]
    if key == "covers":
        lines = [line for line in lines if line != "- TV-005"]
    lines.insert(1, change)
    with pytest.raises(Invalid) as caught:
        documents.parse("\n".join(lines))
    assert any(said in problem for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", "x", "至少 2 个字 · at least 2 characters"),
        ("title", "题" * 121, "最多 120 个字 · at most 120 characters"),
        ("title", "", "至少 2 个字 · at least 2 characters"),
        ("title", 5, "须是文字 · must be text"),
        ("category", "", "缺少必填项 · required"),
        ("valid_until", "soon", "日期写作 2027-11-30 这样 · a date is written like 2027-11-30"),
        ("valid_until", "2027-11-30 10:00", "日期写作 2027-11-30 这样 · a date is written like 2027-11-30"),
        ("devices", 5, "须是列表 · must be a list"),
        ("environment", 5, "须是键值对 · must be a mapping"),
        ("colour", "red", "没有这个键 · unknown key"),
        ("audience", "me", "取值不在允许范围 · not an allowed value ('public', 'staff' or 'restricted')"),
    ],
)
def test_every_mistake_is_named_in_both_languages(field: str, value: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Attributes.model_validate(samples.attributes().model_dump() | {field: value})
    assert documents.explain(caught.value) == [f"{field}: {said}"]


def test_a_mistake_without_a_sentence_of_ours_still_says_so_in_chinese() -> None:
    class Other(BaseModel):
        at: dt.time

    with pytest.raises(ValidationError) as caught:
        Other.model_validate({"at": "noon"})
    assert documents.explain(caught.value)[0].startswith("at: 取值不对 · ")


def test_broken_yaml_names_the_line() -> None:
    with pytest.raises(Invalid, match="line 5"):
        documents.parse("---\nid: SOL-1\ntitle: [unclosed\nkind: x\n---\n")


def test_sections_ignore_headings_in_code() -> None:
    body = "前言\n## 现象\n- 一\n```\n## 不是标题\n```\n~~~~\n```\n## 也不是\n~~~~\n## 检查 ##\n文"
    assert [s.title for s in documents.sections(body)] == ["", "现象", "检查"]
    assert documents.sections(body)[2] == Section("检查", "文")


def test_a_solution_has_two_faces() -> None:
    faces = documents.faces(Kind.SOLUTION, samples.BODY)
    assert "拧紧" in faces.shared and "芝麻开门" not in faces.shared
    assert "芝麻开门" in faces.staff and "拧紧" not in faces.staff
    assert documents.faces(Kind.POLICY, "## 检查\n文").staff == ""


def test_symptoms_are_the_list_items() -> None:
    assert documents.symptoms(samples.BODY) == ["盒子开着，电视上写无信号", "机顶盒没信号，隔壁都好好的"]
    assert documents.symptoms("## 现象\n没有列表\n") == ["没有列表"]
    assert documents.symptoms("正文") == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (samples.BODY.replace("## 移交", "## 转交"), "unknown section: 转交"),
        (samples.BODY.replace("## 移交", "## 转交"), "missing section: 移交"),
        (samples.BODY.replace("## 环境", "## 甲").replace("## 现象", "## 环境").replace("## 甲", "## 现象"), "order"),
        (samples.BODY + "\n## 移交\n\n又一次", "twice"),
    ],
)
def test_a_solution_follows_the_template(body: str, said: str) -> None:
    problems = documents.check_solution(Document("SOL-1", samples.attributes(), body))
    assert any(said in problem for problem in problems)


def test_unverified_figures_are_marked() -> None:
    figures = [{"name": "电平", "value": "60", "confidence": "unverified"}]
    document = Document("SOL-1", samples.attributes(figures=figures), samples.BODY)
    assert any("待本地确认" in problem for problem in documents.check_solution(document))
    marked = Document("SOL-1", document.attributes, samples.BODY.replace("量用户口电平", "量电平（待本地确认）"))
    assert documents.check_solution(marked) == []


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# 拨号 **691** [说明](x.md) {#a}\n文", "拨号 691 说明"),
        ("没有标题", "文件名"),
        ("---\ntitle: 头里的\n---\n# 标题", "头里的"),
        ("---\ntitle: [坏\n---\n# 标题", "标题"),
        ("# 甲\n", "目录/文件名.md"),
        ("# \n", "文件名"),
    ],
)
def test_a_foreign_file_gets_a_title(text: str, title: str) -> None:
    document = documents.read_plain(
        PurePosixPath("目录/文件名.md"), text, category="a/b", audience=Audience.STAFF, owner_group="team-ops"
    )
    assert (document.attributes.title, document.attributes.kind) == (title, Kind.REFERENCE)


@given(st.text(max_size=300))
def test_any_text_is_read_as_a_foreign_file(text: str) -> None:
    documents.read_plain(PurePosixPath("a/b.md"), text, category="a/b", audience=Audience.STAFF, owner_group="team-ops")


def test_mentioned_entries_are_found() -> None:
    found = documents.mentions("见 SOL-TV-001、CHG-2026-001-REQ，不是 XSOL-TV-9")
    assert found == {"SOL-TV-001", "CHG-2026-001-REQ"}
