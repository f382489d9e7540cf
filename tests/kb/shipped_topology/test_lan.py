"""TOP-LAN-001: the office network."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.kb.shipped_topology.drawings import DC, LAN, number, shipped


def test_lan_vlans() -> None:
    lan = shipped(LAN)
    networks = {node.attrs["vlan"]: node for node in lan.of("service") if "net" in node.attrs}
    rows = lan.table("VLAN", "用途")
    assert [int(row["VLAN"]) for row in rows] == list(networks)
    modes = {"自动分配": "DHCP", "固定": "固定"}
    for row in rows:
        node = networks[int(row["VLAN"])]
        assert (node.id, node.name) == (f"LS-OF-VLAN-{row['VLAN']}", f"{row['用途']}网段"), row
        assert (row["网段"], row["网关"]) == (node.attrs["net"], node.attrs["gateway"]), row
        assert modes[row["取地址"]] == node.attrs["ip_mode"], row
        gateways = {link.attrs["role"]: link.upstream for link in lan.into(node.id, "logical")}
        assert gateways == {"主用": "LS-OF-CSW-01", "备用": "LS-OF-CSW-02"}, row
        assert (node.attrs["ip_mode"] == "DHCP") == ("dhcp_relay" in node.attrs), row
    used = {node.attrs["mgmt_ip"] for node in lan.graph.nodes.values() if "mgmt_ip" in node.attrs}
    assert not used & {node.attrs["gateway"] for node in networks.values()}  # a virtual gateway is nobody's own address
    for node in lan.graph.nodes.values():
        if "mgmt_ip" in node.attrs:
            assert node.attrs.get("vlan_mgmt", node.attrs.get("vlan")) == 10, node.id
        if node.type == "terminal" and "vlan" in node.attrs:
            assert node.attrs["ip_mode"] == networks[node.attrs["vlan"]].attrs["ip_mode"], node.id


def _vlans(attrs: dict[str, Any]) -> set[int]:
    return set(attrs["vlans"]) if "vlans" in attrs else {attrs["vlan"]}


def test_lan_switches_carry_what_hangs_on_them() -> None:
    lan = shipped(LAN)
    passing: dict[str, set[int]] = defaultdict(lambda: {10})
    for switch in (node for node in lan.of("switch") if node.attrs["layer"] == "接入"):
        (uplink,) = lan.into(switch.id, "fiber")
        ends = lan.out_of(switch.id, "twisted_pair")
        for link in ends:
            assert _vlans(link.attrs) == _vlans(lan.attrs(link.downstream)), link.b
        carried = {10}.union(*(_vlans(link.attrs) for link in ends))
        assert carried == set(switch.attrs["vlans"]) == set(uplink.attrs["vlans"]), switch.id
        passing[uplink.upstream] |= carried
    for node, vlans in passing.items():
        uplinks = lan.into(node, "fiber")
        ways = {link.attrs["role"]: link.upstream for link in uplinks}
        assert ways == {"主用": "LS-OF-CSW-01", "备用": "LS-OF-CSW-02"}, node
        assert all(set(link.attrs["vlans"]) == vlans for link in uplinks), node
    (between,) = lan.into("LS-OF-CSW-02", "fiber")[1:]
    assert between.attrs["vlans"] == [node.attrs["vlan"] for node in lan.of("service") if "net" in node.attrs]
    for wall in lan.of("firewall"):
        assert [link.attrs["vlan"] for link in lan.out_of(wall.id, "fiber")] == [100]
    for link in lan.graph.links:
        if lan.graph.nodes[link.downstream].type == "server":
            assert link.medium == "power" or link.attrs["vlan"] == lan.attrs(link.downstream)["vlan"], link.b


def test_lan_ports_and_terminals() -> None:
    lan = shipped(LAN)
    access = [node for node in lan.of("switch") if node.attrs["layer"] == "接入"]
    in_use = 0
    for row, switch in zip(lan.table("交换机", "位置"), access, strict=True):
        (uplink,) = lan.into(switch.id, "fiber")
        ends = lan.out_of(switch.id, "twisted_pair")
        used = sum(lan.attrs(link.downstream)["count"] for link in ends)
        assert (row["交换机"], f"{row['位置']}接入交换机") == (switch.id, switch.name), row
        assert f"{row['上联']}交换机" == lan.graph.nodes[uplink.upstream].name, row
        assert (int(row["已用口"]), int(row["余口"])) == (used, switch.attrs["ports"] - used), row
        in_use += used
        taken: set[int] = set()
        for link in ends:
            first = int(link.a.partition(":")[2])
            span = set(range(first, first + lan.attrs(link.downstream)["count"]))
            assert not span & taken and max(span) <= switch.attrs["ports"] == 48, link.a
            taken |= span
        points = sum(lan.attrs(link.downstream)["w"] for link in lan.out_of(switch.id, "power"))
        assert points <= switch.attrs["poe_w"], switch.id
    groups = [node for node in lan.of("terminal") if "vlan" in node.attrs]
    for row, group in zip(lan.table("终端", "VLAN"), groups, strict=True):
        assert (row["终端"], int(row["VLAN"]), int(row["数量"])) == (
            group.name,
            group.attrs["vlan"],
            group.attrs["count"],
        )
    points = [node for node in lan.of("terminal") if "vlans" in node.attrs]
    assert all(point.attrs["w"] == 15 * point.attrs["count"] for point in points)
    lan.says(
        f"有线终端 {lan.total('count', groups)} 台，无线接入点 {lan.total('count', points)} 个，占接入端口 {in_use} 个",
    )


def test_lan_counts_and_power() -> None:
    lan = shipped(LAN)
    layers = [node.attrs["layer"] for node in lan.of("switch")]
    lan.says(
        f"出口路由器 {len(lan.of('router'))}、防火墙 {len(lan.of('firewall'))}、核心交换机 {layers.count('核心')}、"
        f"汇聚交换机 {layers.count('汇聚')}、接入交换机 {layers.count('接入')}、无线控制器 1、"
        f"服务器 {len(lan.of('server')) - 1}、不间断电源 {len(lan.of('power_supply'))}、"
        f"VLAN {sum('net' in node.attrs for node in lan.of('service'))}，"
    )
    assert {node.attrs["w"] for node in lan.of("switch") if node.attrs["layer"] == "接入"} == {45}
    drawn = [{node.attrs["w"] for node in lan.of("switch") if node.attrs["layer"] == it} for it in ("核心", "汇聚")]
    assert drawn == [{200}, {120}]
    for row, supply in zip(lan.table("不间断电源", "供给设备数"), lan.of("power_supply"), strict=True):
        attrs = supply.attrs
        assert (row["不间断电源"], int(row["供给设备数"])) == (supply.id, len(attrs["feeds"])), row
        assert (number(row["负载 W"]), number(row["额定 W"])) == (attrs["load_w"], attrs["rated_w"]), row
        assert number(row["占比"]) == attrs["load_pct"] == round(100 * attrs["load_w"] / attrs["rated_w"]), row
        assert attrs["volt_v"] == 220
    cores = [node for node in lan.of("switch") if node.attrs["layer"] == "核心"]
    assert [node.attrs["ha"] for node in lan.of("firewall")] == ["主", "备"]
    assert [(node.attrs["vrrp"], node.attrs["stp"]) for node in cores] == [("主", "根"), ("备", "备份根")]
    lan.says("生成树根为核心 1 号，备份根为核心 2 号")


def test_lan_asks_the_data_centre_for_names_and_addresses() -> None:
    lan, dc = shipped(LAN), shipped(DC)
    service = lan.attrs("LS-OF-SVC-DNS")
    names, addresses = (
        [node.attrs["ip"] for node in dc.of("server") if f"-{kind}-" in node.id] for kind in ("DNS", "DHCP")
    )
    assert (service["dns"], service["dhcp"], service["where"]) == (names, addresses, DC)
    for node in lan.of("service"):
        assert node.attrs.get("dhcp_relay", addresses) == addresses, node.id
    lan.says(f"中继同时指向 {' 与 '.join(addresses)}")
