"""A topology document is one sound graph, or says where it is not."""

from __future__ import annotations

import pytest

from kb import topology
from kb.errors import Invalid

GOOD = """文字
```topology
nodes:
  - {id: P, type: power_supply, name: 供电器}
  - {id: N, type: optical_node, name: 光站}
  - {id: A, type: amplifier, name: 放大器}
  - {id: B, type: building, name: 三号楼}
links:
  - {a: "N:RF1", b: A, medium: coax, attrs: {len_m: 220}}
  - {a: A, b: B, medium: coax}
  - {a: P, b: A, medium: power}
```
"""


def test_what_hangs_below_a_node() -> None:
    graph = topology.parse(GOOD)
    assert graph.below("N") == {"A", "B"}
    assert graph.below("P") == set()
    assert graph.below("P", power=True) == {"A"}


def test_a_ring_ends() -> None:
    ring = GOOD.replace("  - {a: P, b: A, medium: power}", "  - {a: B, b: N, medium: fiber}")
    assert topology.parse(ring).below("N") == {"N", "A", "B"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("b: B, medium", "b: X, medium"), "没有节点 X"),
        (("medium: power", "medium: steam"), "未知介质"),
        (("type: building", "type: castle"), "未知类型"),
        (("id: B", "id: A"), "重复"),
        (("name: 三号楼", "nome: 三号楼"), "nodes[4]"),
        (("nodes:", "nodes: ["), "第 4 行"),
        (("```topology", "```yaml"), "须有一个"),
    ],
)
def test_what_is_wrong_is_named(change: tuple[str, str], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        topology.parse(GOOD.replace(*change, 1))
    assert said in caught.value.message
