"""The curve deals the same folds every time, gives no withheld words away, and rises when search matches what is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.learning import Report, Step, curve, read_collection, read_reports
from kb import captured
from kb.errors import Invalid

DOCUMENTS = [
    IndexDocument("SOL-1", 1, "solution", "机顶盒提示无信号", "拧紧射频线"),
    IndexDocument("SOL-2", 1, "solution", "打印机卡纸", "打开后盖", captured=("这台机器装过的词",)),
]
REPORTS = [
    Report(text, (right,))
    for right, texts in {
        "SOL-1": ("屏幕全是雪花", "电视雪花一片", "雪花点满屏", "屏幕雪花沙沙响", "又是雪花又是沙沙响"),
        "SOL-2": ("纸头夹住了不出来", "纸头夹在里面", "夹住纸头", "纸头出来一半夹住", "夹住了拉不出纸头"),
    }.items()
    for text in texts
]


def _curve(analyzer: Analyzer, seed: int = 1) -> list[Step]:
    return curve(DOCUMENTS, REPORTS, analyzer, choose=captured.chosen, steps=(0, 1, 4), seed=seed)


def test_the_same_seed_gives_the_same_curve_over_all_reports(analyzer: Analyzer) -> None:
    steps = _curve(analyzer)
    assert steps == _curve(analyzer)
    assert [(step.incidents, step.reports, step.taught) for step in steps] == [(0, 10, 10), (1, 10, 10), (4, 10, 10)]


def test_before_the_first_incident_it_is_the_ranking_without_captured_words(analyzer: Analyzer) -> None:
    reports = [*REPORTS, Report("这台机器装过的词", ("SOL-2",))]
    first = curve(DOCUMENTS, reports, analyzer, choose=captured.chosen, steps=(0,))[0]
    assert first.success[3] < 0.5


def test_closed_incidents_help_the_reports_that_are_like_them(analyzer: Analyzer) -> None:
    none, _, four = _curve(analyzer)
    assert four.success[1] > none.success[1]
    assert four.success[1] == 1.0


def test_a_table_names_symptoms_or_entries(tmp_path: Path) -> None:
    table = tmp_path / "reports.tsv"
    table.write_text("id\tchannel\ttext\tright\n1\t电话\t没信号\tTV-005,TV-001\n2\t微信\t卡纸\tSOL-2\n", "utf-8")
    assert read_reports(table, {"TV-005": "SOL-1", "TV-001": "SOL-1"}) == [
        Report("没信号", ("SOL-1",)),
        Report("卡纸", ("SOL-2",)),
    ]
    table.write_text("id\ttext\n1\tx\n", "utf-8")
    with pytest.raises(Invalid, match="第 2 行"):
        read_reports(table, {})


def test_a_collection_belongs_to_the_best_graded_document(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"id": "a", "text": "甲"}\n{"id": "b", "text": "乙"}\n', "utf-8")
    (tmp_path / "queries.jsonl").write_text('{"id": "1", "text": "问"}\n{"id": "2", "text": "无人评"}\n', "utf-8")
    (tmp_path / "qrels.tsv").write_text("1\ta\t1\n1\tb\t2\n", "utf-8")
    documents, reports = read_collection(tmp_path)
    assert [document.id for document in documents] == ["a", "b"]
    assert reports == [Report("问", ("b", "a"))]
    with pytest.raises(Invalid):
        read_collection(tmp_path / "nothing")


def test_too_few_reports_are_refused(analyzer: Analyzer) -> None:
    with pytest.raises(Invalid):
        curve(DOCUMENTS, [Report("x", ("SOL-9",))] * 9, analyzer, choose=captured.chosen)
