"""The drawings of a document, in its text and its files: read, or broken with a line; and what can be searched on them."""

from __future__ import annotations

from kb import entries, precheck, topology
from kb.db import Database
from kb.precheck import Finding
from kb.store import ContentStore
from kb.topology import Broken, Diagram
from tests.conftest import People
from tests.kb import samples
from tests.kb.test_drawio import MODEL
from tests.kb.test_topology import GOOD

MERMAID = "前言\n\n```mermaid\ngraph LR\n  A[分前端] -->|光纤| B[三号楼 48户]\n```\n"


def test_blocks_and_files_are_found_in_order() -> None:
    body = f"{GOOD}\n{MERMAID}\n```mermaid\nsequenceDiagram\nA->>B: x\n```\n\n~~~mermaid\nflowchart TD\nA--\n~~~\n"
    files = {"总图.drawio": f'<mxfile><diagram name="一">{MODEL}</diagram></mxfile>'.encode(), "图.png": b"\x89PNG",
             "楼.mmd": b"graph TD\r\nX-->Y", "坏.MMD": b"graph TD\nA-->\xff"}  # fmt: skip
    found = topology.diagrams(body, [(name, lambda data=data: data) for name, data in files.items()])
    assert [(type(one).__name__, one.form, one.name) for one in found] == [
        ("Diagram", "topology", ""), ("Diagram", "mermaid", ""), ("Broken", "mermaid", ""),
        ("Diagram", "drawio", "总图.drawio 一"), ("Diagram", "mermaid", "楼.mmd"), ("Broken", "mermaid", "坏.MMD"),
    ]  # fmt: skip
    broken = found[2]
    assert isinstance(broken, Broken) and broken.source == "flowchart TD\nA--\n"
    assert broken.line == body.splitlines().index("A--") + 1
    assert isinstance(found[5], Broken) and found[5].line == 2


def test_labels_are_what_can_be_read() -> None:
    (mermaid,) = topology.diagrams(MERMAID)
    assert list(topology.labels([mermaid])) == ["分前端", "三号楼 48户 48", "光纤"]
    (drawn,) = topology.read_file("x.drawio", MODEL.encode())
    assert isinstance(drawn, Diagram)
    said = "\n".join(topology.labels([drawn]))
    for words in ("LS-ZJ-OLT-01 光线路终端", "1:8", "PON0/1 光纤", "图例：虚线为供电"):
        assert words in said


def test_a_topology_in_any_form_passes_and_a_broken_one_names_its_line(
    database: Database, store: ContentStore, people: People
) -> None:
    def found(body: str, **files: bytes) -> tuple[Finding, str]:
        attributes = samples.attributes(
            kind="topology", category="拓扑/接入网", covers=[], error_codes=[], title="接入网的拓扑图"
        )
        with database.write() as session:
            revision = entries.create(session, people.tech, attributes, body)
            for name, data in files.items():
                entries.attach(session, store, people.tech, revision, f"{name}.drawio", data, "application/xml")
            (check,) = (check for check in precheck.run(session, store, revision) if check.name == "拓扑")
            return check.outcome, check.message

    assert found("只有字") == (
        Finding.FAIL,
        "没有图：写 topology 或 mermaid 代码块，或附 .drawio、.mmd 文件 · no drawing",
    )
    assert found(GOOD)[0] is Finding.PASS
    assert found(MERMAID) == (Finding.PASS, "2 个节点，1 条链路")
    assert found("见附件", 总图=b"<mxfile>\n<diagram>") == (
        Finding.FAIL, "总图.drawio 第 2 行：不是合法的 XML · line 2: not valid XML: no element found"
    )  # fmt: skip
    assert found("见附件", 总图=MODEL.encode()) == (
        Finding.LOOK, "总图.drawio 第 15 行：连线没有接到节点，未画 · not connected"
    )  # fmt: skip
    outcome, said = found(MERMAID.replace("-->", "--"))
    assert outcome is Finding.FAIL and "第 5 行" in said
