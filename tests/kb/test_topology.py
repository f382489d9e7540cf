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


SOUND = """```topology
nodes:
  - {id: H, type: headend, name: 机房, attrs: {tx_dbm: 9, mgmt_ip: 10.0.0.1, vlan_mgmt: 10}}
  - {id: F, type: sub_headend, name: 分前端, attrs: {rx_dbm: 4, rx_standby_dbm: 1}}
  - {id: S, type: splitter, name: 分光器, attrs: {ratio: "1:4", insertion_db: 4, used_ports: 3, spare_ports: 1}}
  - {id: U, type: onu, name: 光猫组, attrs: {onus: 2, rx_dbm: -3}}
  - {id: N, type: optical_node, name: 光站, attrs: {rx_dbm: -1, out_dbuv: 104, w: 30, power_src: P}}
  - {id: A, type: amplifier, name: 放大器, attrs: {in_dbuv: 90, gain_db: 12, out_dbuv: 102, w: 20, power_src: [P]}}
  - {id: B, type: building, name: 三号楼, attrs: {in_dbuv: 98, dist_db: 20, drop_db: 4, user_dbuv: 74}}
  - {id: T, type: terminal, name: 终端组, attrs: {user_dbuv: 73}}
  - {id: P, type: power_supply, name: 供电器, attrs: {load_w: 50, rated_w: 60, load_a: 1, rated_a: 5, feeds: [N, A]}}
  - {id: V, type: service, name: 管理网段, attrs: {vlan: 10, net: 10.0.0.0/24, gateway: 10.0.0.254}}
  - {id: W, type: service, name: 办公网段, attrs: {vlan: 20, net: 10.0.1.0/24, gateway: 10.0.1.254}}
  - {id: K, type: server, name: 知识库, attrs: {vlan: 20, ip: [10.0.1.7, 10.0.1.8]}}
links:
  - {a: "H:1", b: F, medium: fiber, attrs: {role: 主用, loss_db: 5, fiber_db: 4, conn_db: 1}}
  - {a: "H:2", b: F, medium: fiber, attrs: {role: 备用路由, loss_db: 8}}
  - {a: F, b: S, medium: fiber, attrs: {loss_db: 1}}
  - {a: "S:1", b: N, medium: fiber, attrs: {loss_db: 0}}
  - {a: "S:2", b: U, medium: fiber, attrs: {loss_db: 2}}
  - {a: N, b: A, medium: coax, attrs: {loss_db: 14}}
  - {a: A, b: B, medium: coax, attrs: {loss_db: 4}}
  - {a: B, b: T, medium: coax, attrs: {loss_db: 25}}
  - {a: P, b: N, medium: power, attrs: {load_w: 50}}
  - {a: N, b: A, medium: power, attrs: {load_w: 20}}
```
"""


def test_attributes_that_agree_with_the_graph() -> None:
    assert topology.contradictions(topology.parse(SOUND)) == []
    assert topology.contradictions(topology.parse(GOOD)) == []


def test_levels_come_by_the_main_way_and_by_the_standby_way() -> None:
    graph = topology.parse(SOUND)
    main, standby = topology.Levels(graph, topology.LIGHT), topology.Levels(graph, topology.LIGHT, standby=True)
    assert (main.at("F"), standby.at("F"), standby.at("U")) == ({4}, {1}, {-6})
    assert topology.Levels(graph, topology.RADIO).at("T") == {73}
    assert main.at("H") == set()


def test_a_ring_of_losses_ends() -> None:
    ring = SOUND.replace("  - {a: P,", "  - {a: S, b: F, medium: fiber, attrs: {loss_db: 1}}\n  - {a: P,", 1)
    assert topology.Levels(topology.parse(ring), topology.LIGHT).at("N") == set()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("feeds: [N, A]", "feeds: [N, A, B]"), "P: feeds 有 B"),
        (("feeds: [N, A]", "feeds: [N]"), "P: 供电链路到 A"),
        (("power_src: [P]", "power_src: []"), "A: power_src"),
        (("load_w: 50, rated_w", "load_w: 40, rated_w"), "P: load_w 写 40"),
        (("medium: power, attrs: {load_w: 20}", "medium: power, attrs: {load_w: 25}"), "A: 供电链路送来 25 W"),
        (("rated_w: 60", "rated_w: 45"), "P: load_w 50 超过"),
        (("rated_a: 5", "rated_a: 0.5"), "P: load_a 1 超过"),
        (("10.0.1.8", "10.0.0.1"), "K: ip 10.0.0.1 与 H 重复"),
        (("10.0.1.8", "10.0.2.8"), "K: ip 10.0.2.8 不在 VLAN 20"),
        (("mgmt_ip: 10.0.0.1", "mgmt_ip: 10.0.9.1"), "H: mgmt_ip 10.0.9.1 不在 VLAN 10"),
        (("10.0.1.8", "10.0.1.800"), "K: ip 10.0.1.800 不是地址"),
        (("10.0.1.0/24", "10.0.0.0/23"), "W: 网段 10.0.0.0/23 与 V"),
        (("10.0.1.0/24", "10.0.1.1/24"), "W: net 10.0.1.1/24 不是网段"),
        (("gateway: 10.0.1.254", "gateway: 10.0.1.255"), "W: 网关 10.0.1.255"),
        (("gateway: 10.0.1.254", "gateway: 10.0.3.254"), "W: 网关 10.0.3.254"),
        (("vlan: 20, net", "vlan: 10, net"), "W: VLAN 10 在 V 是"),
        (("fiber_db: 4", "fiber_db: 4.5"), "H:1 → F: loss_db 写 5"),
        (("rx_dbm: -1,", "rx_dbm: -1.5,"), "N: rx_dbm 写 -1.5,按损耗算是 -1"),
        (("rx_standby_dbm: 1", "rx_standby_dbm: 2"), "F: rx_standby_dbm 写 2"),
        (("insertion_db: 4", "insertion_db: 5"), "U: rx_dbm"),
        (("in_dbuv: 90", "in_dbuv: 91"), "A: in_dbuv 写 91"),
        (("gain_db: 12", "gain_db: 13"), "A: out_dbuv 写 102"),
        (("user_dbuv: 74", "user_dbuv: 75"), "B: user_dbuv 写 75"),
        (("user_dbuv: 73", "user_dbuv: 70"), "T: user_dbuv 写 70"),
        (("onus: 2", "onus: 4"), "S: 1:4 接了 5 路"),
        (("used_ports: 3", "used_ports: 4"), "S: used_ports 加 spare_ports 不是 4"),
    ],
)
def test_what_contradicts_the_graph_is_named(change: tuple[str, str], said: str) -> None:
    body = SOUND.replace(*change, 1)
    assert body != SOUND
    assert any(said.replace(",", "，") in problem for problem in topology.contradictions(topology.parse(body)))


@pytest.mark.parametrize("change", [("loss_db: 2}", "nm: 1490}"), ("insertion_db: 4, ", ""), ("tx_dbm: 9, ", "")])
def test_a_level_past_something_unknown_is_not_judged(change: tuple[str, str]) -> None:
    wrong = SOUND.replace("rx_dbm: -3", "rx_dbm: -9", 1)
    assert topology.contradictions(topology.parse(wrong))
    assert topology.contradictions(topology.parse(wrong.replace(*change, 1))) == []


def test_a_supply_in_another_drawing_is_not_judged() -> None:
    elsewhere = GOOD.replace("name: 光站", "name: 光站, attrs: {power_src: LS-ZJ-PWR-01}")
    assert topology.contradictions(topology.parse(elsewhere)) == []


def test_each_problem_has_its_line_and_aliases_are_refused() -> None:
    with pytest.raises(Invalid) as caught:
        topology.parse(GOOD.replace("medium: coax}", "medium: steam}").replace("type: building", "type: castle"))
    assert [said.partition(":")[0] for said in caught.value.problems] == ["第 7 行 nodes[4]", "第 10 行 links[2]"]
    assert caught.value.details["line"] == 7
    with pytest.raises(Invalid, match=r"第 5 行.*别名"):
        topology.parse(GOOD.replace("name: 光站", "name: &a 光站").replace("name: 三号楼", "name: *a"))


def test_what_a_node_hangs_below() -> None:
    graph = topology.parse(GOOD)
    assert graph.above("B") == {"A", "N"}
    assert graph.above("A", power=True) == {"P"}
