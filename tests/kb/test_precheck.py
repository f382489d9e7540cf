"""The machine finds what is wrong with a form, and only that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kb import entries, precheck
from kb.db import Database
from kb.precheck import Check, Finding, Near
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples

Findings = Callable[..., dict[str, Check]]


@pytest.fixture
def findings(database: Database, store: ContentStore, people: People) -> Findings:
    def run(
        body: str = samples.BODY, similar: precheck.Similar | None = lambda t, b: [], **changes: object
    ) -> dict[str, Check]:
        with database.write() as session:
            revision = entries.create(session, people.tech, samples.attributes(**changes), body)
            return {check.name: check for check in precheck.run(session, store, revision, similar)}

    return run


def test_a_good_revision_passes(findings: Findings) -> None:
    assert {check.outcome for check in findings().values()} == {Finding.PASS}


@pytest.mark.parametrize(
    ("changes", "name", "outcome"),
    [
        ({"category": "没有/这类"}, "属性", Finding.FAIL),
        ({"environment": None}, "属性", Finding.FAIL),
        ({"title": "没信号"}, "属性", Finding.FAIL),
        ({"valid_until": None}, "有效期", Finding.FAIL),
        ({"valid_until": "2020-01-01"}, "有效期", Finding.FAIL),
        ({"devices": []}, "设备", Finding.LOOK),
        ({"districts": ["城东片区", "月球片区"]}, "片区", Finding.FAIL),
        ({"related": ["SOL-NONE-1"]}, "引用", Finding.FAIL),
        ({"error_codes": [{"code": "E04", "vendor": "未定"}]}, "错误码", Finding.LOOK),
        ({"body": samples.BODY.replace("请报修", "打13912345678报修")}, "个人信息", Finding.FAIL),
        ({"body": samples.BODY.replace("射频线松脱。", "")}, "模板", Finding.FAIL),
        ({"body": samples.BODY.replace("请报修", "见[条](/entries/SOL-NONE-2)")}, "引用", Finding.FAIL),
        ({"body": samples.BODY.replace("请报修", "[点](javascript:x)")}, "引用", Finding.FAIL),
        ({"body": samples.BODY.replace("请报修", "[看](www.example.org)")}, "引用", Finding.FAIL),
        ({"body": samples.BODY.replace("请报修", "[看](http:// )")}, "引用", Finding.FAIL),
        ({"body": samples.BODY.replace("请报修", "[看](https://example.org/a)")}, "引用", Finding.PASS),
        ({"body": samples.BODY.replace("请报修", "![图](attachments/接线.png)")}, "附件", Finding.FAIL),
        ({"body": samples.BODY.replace("请报修", "联系王先生报修")}, "个人信息", Finding.LOOK),
        ({"body": samples.BODY.replace("请报修", "长" * 121)}, "易读", Finding.LOOK),
        ({"body": samples.BODY.replace("请报修", "短句。" * 140)}, "易读", Finding.LOOK),
        ({"body": samples.BODY.replace("1. 重做", "先量电平。\n重做")}, "易读", Finding.LOOK),
        ({"similar": None}, "重复", Finding.LOOK),
        ({"similar": lambda t, b: [Near("SOL-9", "一样的", 0.9)]}, "重复", Finding.LOOK),
        ({"similar": lambda t, b: [Near("SOL-9", "不同的", 0.1)]}, "重复", Finding.PASS),
    ],
)
def test_each_fault_is_found(changes: dict[str, object], name: str, outcome: Finding, findings: Findings) -> None:
    found = findings(**changes)
    assert found[name].outcome is outcome
    others = {check.outcome for other, check in found.items() if other != name}
    assert others == {Finding.PASS}


def test_a_topology_is_checked_as_a_graph(findings: Findings) -> None:
    body = "```topology\nnodes:\n- {id: A, type: olt, name: 甲}\nlinks:\n- {a: A, b: B, medium: fiber}\n```\n"
    found = findings(body, kind="topology", category="拓扑/接入网")
    assert found["拓扑"].outcome is Finding.FAIL and "没有节点 B" in found["拓扑"].message


def test_a_topology_that_contradicts_itself_is_left_to_the_reviewer(findings: Findings) -> None:
    body = """```topology
nodes:
- {id: A, type: olt, name: 甲, attrs: {tx_dbm: 3.0}}
- {id: B, type: onu, name: 乙, attrs: {rx_dbm: -20}}
links:
- {a: A, b: B, medium: fiber, attrs: {loss_db: 21}}
```
"""
    found = findings(body, kind="topology", category="拓扑/接入网")
    assert found["拓扑"].outcome is Finding.LOOK
    assert "B: rx_dbm 写 -20，按损耗算是 -18" in found["拓扑"].message
    agreeing = findings(body.replace("-20", "-18"), kind="topology", category="拓扑/接入网")
    assert agreeing["拓扑"] == Check("拓扑", Finding.PASS, "2 个节点，1 条链路 · nodes 2, links 1")


def test_a_near_duplicate_is_named_with_what_either_side_says_alone(findings: Findings) -> None:
    near = Near("SOL-9", "一样的", 0.9, ("先换高清线",), ("再看电源", "x" * 99))
    message = findings(similar=lambda t, b: [near])["重复"].message
    assert "可引用已有；本条另有「先换高清线」，它另有「再看电源」「xxx" in message and "x" * 41 not in message
    assert "所述相同" in findings(similar=lambda t, b: [Near("SOL-9", "一样的", 1.0)])["重复"].message
