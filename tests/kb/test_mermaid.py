"""Mermaid flowcharts, as people write them, are read into the model of nodes and links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import Invalid
from kb.topology import Graph, mermaid


def joined(graph: Graph) -> list[tuple[str, str, str]]:
    return [(link.a, link.b, link.medium) for link in graph.links]


@pytest.mark.parametrize(
    ("header", "direction"),
    [("graph LR", "LR"), ("flowchart RL", "RL"), ("graph BT;", "BT"), ("graph TB", "TB"), ("flowchart TD", "TB"),
     ("graph", "TB"), ("graph >", "LR"), ("graph <", "RL"), ("graph ^", "BT"), ("graph v", "TB")],
)  # fmt: skip
def test_the_direction_is_the_authors(header: str, direction: str) -> None:
    assert mermaid.read(f"{header}\n  A --> B\n  subgraph C\n    direction LR\n  end").direction == direction


def test_shapes_labels_chains_and_groups() -> None:
    graph = mermaid.read("""---
title: 朱集
---
%%{init: {"theme": "dark"}}%%
flowchart TD
  %% 说明
  HE([县中心机房]) -->|光纤 1550| SH["朱集分前端 (主)"]:::hot
  SH ==> LS-ZJ-ON-0101(光节点) --> A & B --> C[(库)]
  subgraph g1 [A 机房]
    direction LR
    D>旗] ; E((圆)); F[/斜/]
    N@{ shape: rounded, label: "三号楼 48户" } e1@--> D
  end
  节点一 --> 节点二[含#quot;引号#quot;<br/>换行 #9829;]
  g1 --> C
  classDef hot fill:#f96,stroke:#333;
  style C fill:#fff
  click C "https://example.org" _blank
""")
    names = {node.id: node.name for node in graph.nodes.values()}
    assert names == {
        "HE": "县中心机房", "SH": "朱集分前端 (主)", "LS-ZJ-ON-0101": "光节点", "A": "A", "B": "B", "C": "库",
        "D": "旗", "E": "圆", "F": "斜", "N": "三号楼 48户", "节点一": "节点一", "节点二": '含"引号" 换行 ♥', "g1": "A 机房",
    }  # fmt: skip
    assert graph.nodes["N"].attrs == {"homes": 48, "group": "A 机房"}
    assert joined(graph) == [
        ("HE", "SH", "fiber"), ("SH", "LS-ZJ-ON-0101", "logical"), ("LS-ZJ-ON-0101", "A", "logical"),
        ("LS-ZJ-ON-0101", "B", "logical"), ("A", "C", "logical"), ("B", "C", "logical"), ("N", "D", "logical"),
        ("节点一", "节点二", "logical"), ("g1", "C", "logical"),
    ]  # fmt: skip
    assert graph.links[0].attrs == {"label": "光纤 1550"}


@pytest.mark.parametrize(
    ("link", "medium", "label", "both"),
    [
        ("-->", "logical", None, False),
        ("---", "logical", None, True),
        ("<-->", "logical", None, True),
        ("-.->", "logical", None, False),
        ("====>", "logical", None, False),
        ("--o", "logical", None, False),
        ("x--x", "logical", None, True),
        ("-->|同轴 75-9|", "coax", "同轴 75-9", False),
        ("-- 双绞线 100m -->", "twisted_pair", "双绞线 100m", False),
        ("-. 供电 .->", "power", "供电", False),
        ('== "光缆, 12 芯" ==>', "fiber", "光缆, 12 芯", False),
    ],
)
def test_links_of_all_kinds(link: str, medium: str, label: str | None, both: bool) -> None:
    graph = mermaid.read(f"graph LR\nLS-A-1[甲] {link} LS-B-2[乙]")
    (found,) = graph.links
    assert (found.a, found.b, found.medium) == ("LS-A-1", "LS-B-2", medium)
    assert (found.attrs.get("label"), found.both_ways) == (label, both)


def test_invisible_links_only_arrange() -> None:
    assert mermaid.read("graph LR; A ~~~ B").links == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("graph LR\nA[未闭合 --> B", 2, "没有闭合"),
        ('graph LR\nA --> B\nB["没有收尾]', 3, "没有闭合"),
        ("sequenceDiagram\nA->>B: x", 1, "开头"),
        ("graph TD\nsubgraph x\nA-->B", 2, "没有 end"),
        ("graph TD\nA-->B\nend", 3, "多出一个 end"),
        ("graph TD\nA-->\n", 3, "应是节点"),
        ("graph TD\n\nA b c", 3, "看不懂"),
        ("graph TD", 1, "没有节点"),
        ("", 1, "开头"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        mermaid.read(text, first_line=11)
    assert caught.value.details["line"] == line + 10
    assert f"第 {line + 10} 行" in caught.value.message and said in caught.value.message


@given(st.text(alphabet='AB节 \n;-.=>|<xo[](){}"&%:@#~/\\', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        mermaid.read(f"graph LR\n{text}")
    except Invalid as exc:
        assert exc.details["line"] >= 1
