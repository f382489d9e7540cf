"""Measures against values worked out by hand, and a whole evaluation of a small collection."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from indexer.analysis import Analyzer
from indexer.evaluation import evaluate, scores
from kb.errors import Invalid


def test_measures_of_one_query() -> None:
    measured = scores(["x", "a", "y", "b"], {"a": 2, "b": 1, "c": 1})
    gained = 3 / math.log2(3) + 1 / math.log2(5)
    ideal = 3 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert measured == pytest.approx(
        {
            "success@1": 0.0,
            "success@3": 1.0,
            "success@5": 1.0,
            "success@10": 1.0,
            "recall@100": 2 / 3,
            "mrr@10": 1 / 2,
            "ndcg@10": gained / ideal,
        }
    )


def test_nothing_relevant_in_the_first_ten() -> None:
    ranked = [str(number) for number in range(20)]
    measured = scores(ranked, {"15": 1})
    assert (measured["mrr@10"], measured["ndcg@10"], measured["success@10"]) == (0.0, 0.0, 0.0)
    assert measured["recall@100"] == 1.0
    assert set(scores([], {"a": 1}).values()) == {0.0}


def write_lines(path: Path, lines: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    write_lines(
        tmp_path / "corpus.jsonl",
        [
            {"id": f"d{n}", "title": title, "text": "正文"}
            for n, title in enumerate(["光猫红灯", "机顶盒黑屏", "宽带断线"])
        ],
    )
    write_lines(
        tmp_path / "queries.jsonl",
        [
            {"id": "q1", "text": "光猫亮红灯"},
            {"id": "q2", "text": "-黑屏 kind:"},  # nothing in a judged query is an operator
            {"id": "q3", "text": "断线", "note": "not judged"},
        ],
    )
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td0\t1\nq2\td1\t1\nq2\td2\t0\n", "utf-8")
    return tmp_path


def test_evaluation_of_a_collection(collection: Path, analyzer: Analyzer) -> None:
    told: list[int] = []
    figures = evaluate(collection, analyzer, progress=told.append)
    assert figures["queries"] == 2
    assert figures["success@1"] == figures["ndcg@10"] == figures["recall@100"] == 1.0
    assert told == [3, 4, 5]
    assert evaluate(collection, analyzer, limit=1)["queries"] == 1


def test_folder_in_another_form_is_refused(tmp_path: Path, analyzer: Analyzer) -> None:
    with pytest.raises(Invalid, match="BEIR"):
        evaluate(tmp_path, analyzer)
