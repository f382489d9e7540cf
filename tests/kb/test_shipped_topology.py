"""The shipped topologies agree with themselves, with what their text says, and with each other.

`topology.contradictions` judges what holds for any drawing; here stand the rules of this library: its names, its
cables and windows, its tables. A number changed in a graph has to fail here or there.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from kb import documents, library, topology
from kb.topology import LIGHT, RADIO, Levels, Link, Node, checks

CATV, HFC, EPON, EOC, LAN, DC = IDS = (
    "TOP-CATV-001", "TOP-HFC-001", "TOP-EPON-001", "TOP-EOC-001", "TOP-LAN-001", "TOP-DC-001",
)  # fmt: skip
CODES = {  # as content/README.md lists them
    "headend": "HE", "sub_headend": "SH", "optical_node": "ON", "amplifier": "AMP|EDFA", "splitter": "SPL|PI",
    "olt": "OLT", "onu": "ONU", "eoc_head": "EOC", "eoc_terminal": "CNU", "bras": "BRAS", "router": "RT",
    "firewall": "FW", "switch": "[CDAT]?SW", "power_supply": "PWR|UPS", "storage": "STO|EXP", "terminal": "AP",
    "server": "SRV|WLC|ESX|BAK|AD|NTP|DNS|DHCP|MAIL|DB|APP|KB|FILE",
}  # fmt: skip
LETTERED = {  # a letter and two digits, or what belongs to one
    "building": r"[A-Z]\d\d", "terminal": r"[A-Z]\d\d", "tap": r"[A-Z]\d\d-TAP\d", "eoc_terminal": r"CNU-[A-Z]\d\d",
    "service": r"SVC-[A-Z]+|VLAN-\d+",
}  # fmt: skip
NEEDED = {
    "headend": "mgmt_ip tx_dbm", "sub_headend": "mgmt_ip station", "optical_node": "rx_dbm out_dbuv homes w power_src",
    "tap": "tap_db insertion_db drop_db homes in_dbuv user_dbuv floor", "splitter": "insertion_db",
    "olt": "mgmt_ip tx_dbm pon_ports w power_src", "onu": "rx_dbm path_loss_db pon", "bras": "mgmt_ip",
    "eoc_head": "mgmt_ip insertion_db homes terminals vlan_outer vlan_inner w power_src", "router": "mgmt_ip",
    "eoc_terminal": "terminals user_dbuv eoc_loss_db", "switch": "mgmt_ip", "firewall": "mgmt_ip", "storage": "ip",
    "power_supply": "volt_v load_w feeds", "building": "homes district", "terminal": "count",
}  # fmt: skip
FIBRE_DB_PER_KM = {1310: 0.36, 1490: 0.25, 1550: 0.22}
CONNECTOR_DB, SPLICE_DB = 0.5, 0.1
COAX_DB_PER_100M, COAX_LOW_DB_PER_100M = 12, 2
COAX_OHM_PER_M, AMPLIFIER_STARTS_AT = 0.01, 30
LOADED = 0.8  # the share of its rating that a supply may carry
CHANGED = {"in_dbuv", "load_w", "load_a", "feeds"}  # by CHG-2026-001, from TOP-CATV-001 to TOP-EOC-001


@dataclass(frozen=True)
class Shipped:
    """A shipped topology: its figures, its words, its graph."""

    id: str
    figures: dict[str, str]
    words: str
    graph: topology.Graph

    def of(self, *types: str) -> list[Node]:
        return [node for node in self.graph.nodes.values() if node.type in types]

    def attrs(self, node: str) -> dict[str, Any]:
        """The attributes of a node, whose number may stand without the county."""
        return self.graph.nodes[node if node in self.graph.nodes else f"LS-{node}"].attrs

    def into(self, node: str, *media: str) -> list[Link]:
        return [link for link in self.graph.links if link.downstream == node and link.medium in media]

    def out_of(self, node: str, *media: str) -> list[Link]:
        return [link for link in self.graph.links if link.upstream == node and link.medium in media]

    def total(self, key: str, nodes: list[Node]) -> int:
        return sum(node.attrs.get(key, 0) for node in nodes)

    def below(self, node: str, type_: str) -> list[Node]:
        return [self.graph.nodes[key] for key in self.graph.below(node) if self.graph.nodes[key].type == type_]

    def table(self, *columns: str) -> list[dict[str, str]]:
        """The rows of the one table that begins with these columns."""
        tables = [
            [[cell.strip() for cell in line.strip("|\n").split("|")] for line in block.splitlines()]
            for block in re.findall(r"(?:^\|.*\n)+", self.words, flags=re.MULTILINE)
        ]
        found = [rows for rows in tables if rows[0][: len(columns)] == list(columns)]
        assert len(found) == 1, f"{self.id}: {len(found)} tables begin with {columns}"
        head, _, *rows = found[0]
        return [dict(zip(head, row, strict=True)) for row in rows]

    def says(self, *sentences: str) -> None:
        for sentence in sentences:
            assert sentence in self.words, f"{self.id} does not say: {sentence}"


@cache
def shipped(id_: str) -> Shipped:
    body = (library.library_path() / "topology" / f"{id_}.md").read_text("utf-8")
    document = documents.parse(body)
    words = re.sub(r"^```topology$.*?^```$", "", document.body, flags=re.MULTILINE | re.DOTALL)
    figures = {figure.name: figure.value for figure in document.attributes.figures}
    return Shipped(id_, figures, words, topology.parse(document.body))


@pytest.fixture(params=IDS)
def each(request: pytest.FixtureRequest) -> Shipped:
    return shipped(request.param)


def figures_of(path: str) -> list[str]:
    """The values of the figures of any document of the library."""
    document = documents.parse((library.library_path() / f"{path}.md").read_text("utf-8"))
    return [figure.value for figure in document.attributes.figures]


def number(text: str) -> float:
    """The value of a cell: `+7.92`, `2.6 km`, `23%`, or what stands behind the equals sign."""
    return float(re.sub(r"[ a-zA-Z%+]", "", text.rpartition("=")[2]))


def terms(text: str) -> list[float]:
    """`0.88+1.00+0.20=2.08`: the terms, with a check that they add up."""
    parts, _, total = text.partition("=")
    values = [float(part) for part in parts.split("+")]
    assert sum(values) == pytest.approx(float(total), abs=1e-6), text
    return values


def window(text: str) -> tuple[float, float]:
    low, _, high = text.partition("~")
    return float(low), float(high)


def close(one: Any, other: Any, digits: int = 2) -> bool:
    """The same but for rounding to so many decimals?"""
    return abs(float(one) - float(other)) <= 0.5 * 10**-digits + 1e-9


def chinese(names: str) -> list[str]:
    return names.split("、")


# Names and attributes


def test_all_six_are_there() -> None:
    found = {path.stem for path in (library.library_path() / "topology").glob("*.md")}
    assert set(IDS) <= found


def test_nodes_are_named_by_the_convention(each: Shipped) -> None:
    for node in each.graph.nodes.values():
        forms = [LETTERED[node.type]] if node.type in LETTERED else []
        if node.type in CODES:
            forms.append(rf"(?:{CODES[node.type]})-\d+(?:-\d\d)?")
        site = r"LS(?:-[A-Z]{2,3})?" if node.type != "headend" else "LS"
        assert re.fullmatch(rf"{site}-(?:{'|'.join(forms)})", node.id), node.id


def test_the_convention_is_documented() -> None:
    readme = (library.library_path() / "README.md").read_text("utf-8")
    codes = {code for type_, codes in CODES.items() if type_ != "switch" for code in codes.split("|")}
    ours = {"WLC", "ESX", "BAK", "NTP", "DHCP", "MAIL", "DB", "APP", "KB", "FILE"}  # servers are named for their use
    for name in [*(codes - ours), "CSW", "DSW", "ASW", "TSW", "SVC", "VLAN", LIGHT.on_standby, RADIO.received]:
        assert f"`{name}`" in readme, name


def test_one_number_is_one_device() -> None:
    """The same number in two drawings: same type, same name, and the same facts but for what a change alters."""
    first: dict[str, tuple[str, Node]] = {}
    addresses: dict[str, str] = {}
    for id_ in IDS:
        for node in shipped(id_).graph.nodes.values():
            where, known = first.setdefault(node.id, (id_, node))
            assert (known.type, known.name) == (node.type, node.name), f"{node.id} in {where} and {id_}"
            for key in known.attrs.keys() & node.attrs.keys() - (CHANGED if {where, id_} == {CATV, EOC} else set()):
                assert known.attrs[key] == node.attrs[key], f"{node.id} {key} in {where} and {id_}"
            for key in ("ip", "mgmt_ip"):
                if key in node.attrs:
                    assert addresses.setdefault(node.attrs[key], node.id) == node.id, f"{node.id} {node.attrs[key]}"


def test_every_node_says_what_there_is_to_know(each: Shipped) -> None:
    for node in each.graph.nodes.values():
        needed = set(NEEDED.get(node.type, "").split())
        if node.type == "amplifier":
            needed = (
                {"tx_dbm"} if "-EDFA-" in node.id else {"in_dbuv", "gain_db", "out_dbuv", "level", "w", "power_src"}
            )
        if node.type == "server":
            needed = {"ip"} if "ip" in node.attrs else {"mgmt_ip"}
        assert node.attrs and needed <= node.attrs.keys(), f"{node.id}: {needed - node.attrs.keys()}"
        assert all(value not in (None, "", []) for value in node.attrs.values()), node.id


def test_districts_and_stations_are_the_organisation_s(each: Shipped) -> None:
    kinds = {unit.key: unit.kind for unit in library.organisation()}
    for node in each.graph.nodes.values():
        for key, kind in (("district", "district"), ("station", "station"), ("owner", "team")):
            assert key not in node.attrs or kinds[node.attrs[key]] == kind, node.id


# The graph


def test_the_text_counts_nodes_and_links(each: Shipped) -> None:
    each.says(f"{len(each.graph.nodes)} 个节点、{len(each.graph.links)} 条链路")


def test_no_node_hangs_loose_and_no_port_serves_twice(each: Shipped) -> None:
    linked = {end for link in each.graph.links for end in (link.upstream, link.downstream)}
    assert linked == each.graph.nodes.keys()
    ends = [end for link in each.graph.links if link.medium != "power" for end in (link.a, link.b) if ":" in end]
    assert sorted(ends) == sorted(set(ends))
    for node in each.graph.nodes.values():
        carried = [link for link in each.graph.links if node.id in (link.upstream, link.downstream)]
        assert node.type == "power_supply" or any(link.medium != "power" for link in carried), node.id


def test_nothing_contradicts_the_graph_to_the_last_digit(each: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "ROUNDING", 0.005)
    assert topology.contradictions(each.graph) == []


def test_every_level_can_be_reckoned(each: Shipped) -> None:
    ways = {signal: (Levels(each.graph, signal), Levels(each.graph, signal, standby=True)) for signal in (LIGHT, RADIO)}
    for node in each.graph.nodes.values():
        for signal, (main, standby) in ways.items():
            assert signal.received not in node.attrs or len(main.at(node.id)) == 1, node.id
            assert signal.on_standby not in node.attrs or len(standby.at(node.id)) == 1, node.id
        if "user_dbuv" in node.attrs:
            assert ways[RADIO][0].at(node.id), node.id


def test_losses_come_from_lengths_connectors_and_splices(each: Shipped) -> None:
    for link in each.graph.links:
        attrs, name = link.attrs, f"{link.a} → {link.b}"
        if link.medium == "fiber" and "fiber_db" in attrs:
            assert "loss_db" in attrs, name
            assert close(attrs["fiber_db"], attrs["len_m"] / 1000 * FIBRE_DB_PER_KM[attrs["nm"]]), name
        assert attrs.get("nm", 1550) in FIBRE_DB_PER_KM, name
        for count, loss, per_piece in (("conn_n", "conn_db", CONNECTOR_DB), ("splice_n", "splice_db", SPLICE_DB)):
            assert (count in attrs) == (loss in attrs), name
            assert count not in attrs or close(attrs[loss], attrs[count] * per_piece), name
        if link.medium == "coax" and "cable" in attrs:
            assert close(attrs["loss_db"], attrs["len_m"] * COAX_DB_PER_100M / 100, 1), name
            assert "eoc_db" not in attrs or close(attrs["eoc_db"], attrs["len_m"] * COAX_LOW_DB_PER_100M / 100, 1), name
        elif link.medium == "coax":
            assert attrs["loss_db"] in (0, 25) and attrs.get("len_m", 1) == 1, name  # a patch, or all of a building


def test_lengths_are_those_of_the_ring() -> None:
    ring = {
        frozenset(ends): int(km)
        for *ends, km in re.findall(r"(\w\w)—(\w\w) (\d+) km", shipped(CATV).words.partition("全环")[0])
    }
    shipped(CATV).says(f"全环 {sum(ring.values())} km")
    routes = 0
    for id_ in IDS:
        for link in shipped(id_).graph.links:
            places = link.attrs.get("route", "").split("—")
            if len(places) > 1:
                routes += 1
                km = sum(ring[frozenset(ends)] for ends in pairwise(places))
                assert link.attrs["len_m"] == km * 1000, f"{id_}: {link.a} → {link.b}"
    assert routes == 11


def test_windows_are_kept(each: Shipped) -> None:
    units = "光网络单元" if each.id == EOC else "光猫"
    for node in each.graph.nodes.values():
        if node.type == "optical_node" and "光节点收光窗口" in each.figures:
            low, high = window(each.figures["光节点收光窗口"])
            assert low <= node.attrs["rx_dbm"] <= high, node.id
        if node.type == "onu":
            low, high = window(each.figures[f"{units}收光合格区间"])
            assert max(low, number(each.figures[f"{units}收光建议下限"])) <= node.attrs["rx_dbm"] <= high, node.id
        if "rx_window_dbm" in node.attrs:
            low, high = window(node.attrs["rx_window_dbm"])
            assert low <= node.attrs["rx_standby_dbm"] <= high and low <= node.attrs["rx_dbm"] <= high, node.id
        if "user_dbuv" in node.attrs:
            low, high = window(each.figures["数字频道用户口电平"])
            assert low <= node.attrs["user_dbuv"] <= high, node.id


def test_signal_quality_is_asked_for_as_in_the_policy() -> None:
    asked: dict[str, set[str]] = defaultdict(set)
    for id_ in (CATV, HFC):
        for node in shipped(id_).graph.nodes.values():
            if "mer_db" in node.attrs:
                asked[node.type].add(node.attrs["mer_db"])
    names = {"headend": "前端", "sub_headend": "分前端", "optical_node": "光节点", "amplifier": "放大器"}
    limits = [f"{name} {'、'.join(asked[type_])}" for type_, name in names.items()]
    assert "、".join(limits) in figures_of("policies/POL-T-006")
    for type_, name in (("sub_headend", "分前端调制误差率"), ("optical_node", "光节点调制误差率")):
        assert asked[type_] == {shipped(CATV).figures[name]}


@pytest.mark.parametrize(
    ("id_", "name", "solution"),
    [
        (CATV, "光节点收光窗口", "plant/SOL-OP-002"), (HFC, "光节点收光窗口", "plant/SOL-OP-003"),
        (CATV, "1:8 分光损耗", "plant/SOL-OP-002"), (EOC, "1:4 分光损耗", "plant/SOL-OP-002"),
        (CATV, "数字频道用户口电平", "plant/SOL-HF-001"), (HFC, "同口两户下行电平差", "plant/SOL-HF-010"),
        (HFC, "分支损耗上限", "plant/SOL-HF-008"), (HFC, "延长放大器级数", "tv/SOL-TV-009"),
        (CATV, "每个光节点口覆盖终端", "plant/SOL-HF-002"), (HFC, "75-9 电缆供电电阻", "plant/SOL-HF-003"),
        (HFC, "放大器启动门槛电压", "plant/SOL-HF-003"), (EPON, "光猫收光合格区间", "pon/SOL-PN-001"),
        (EPON, "光猫收光建议下限", "pon/SOL-PN-003"), (EPON, "光分配网预算", "pon/SOL-PN-003"),
        (EOC, "光网络单元收光合格区间", "pon/SOL-PN-016"), (EOC, "每 PON 口下挂 ONU", "eoc/SOL-EO-003"),
        (EOC, "EOC 工作频段", "eoc/SOL-EO-002"), (EOC, "EOC 链路损耗上限", "eoc/SOL-EO-001"),
    ],
)  # fmt: skip
def test_limits_are_those_of_the_solutions(id_: str, name: str, solution: str) -> None:
    known = {frozenset(re.findall(r"[\d.]+", value)) for value in figures_of(f"solutions/{solution}")}
    assert frozenset(re.findall(r"[\d.]+", shipped(id_).figures[name])) in known


def test_amplifiers_stand_no_deeper_than_two(each: Shipped) -> None:
    for node in each.of("amplifier"):
        for link in each.into(node.id, "coax"):
            assert node.attrs["level"] == each.graph.nodes[link.upstream].attrs.get("level", 0) + 1 <= 2, node.id


def test_no_port_of_an_optical_node_serves_more_than_200_homes(each: Shipped) -> None:
    for node in each.of("optical_node"):
        assert node.attrs["homes"] == each.total("homes", each.below(node.id, "building")), node.id
        ports = each.out_of(node.id, "coax")
        assert len(ports) <= node.attrs["rf_ports"], node.id
        for link in ports:
            assert each.total("homes", each.below(link.downstream, "building")) <= 200, node.id


def test_every_splitter_has_the_outputs_it_counts(each: Shipped) -> None:
    losses = {"1:4": 7.4, "1:8": 10.7, "1:16": 13.9, None: None}
    for node in each.of("splitter"):
        ratio = node.attrs.get("ratio")
        assert (ratio is None) == ("device" in node.attrs), node.id
        assert ratio is None or node.attrs["insertion_db"] == losses[ratio], node.id
        if "used_ports" in node.attrs:
            fed = [each.graph.nodes[link.downstream].attrs for link in each.out_of(node.id, "fiber")]
            assert node.attrs["used_ports"] == sum(attrs.get("onus", 1) for attrs in fed), node.id


# Power


def test_every_supply_carries_what_it_claims(each: Shipped) -> None:
    for node in each.of("power_supply"):
        attrs = node.attrs
        assert set(attrs["feeds"]) == each.graph.below(node.id, power=True) and len(set(attrs["feeds"])) == len(
            attrs["feeds"]
        )
        if "rated_a" in attrs:
            assert close(attrs["load_a"], attrs["load_w"] / attrs["volt_v"]), node.id
            assert attrs["load_a"] <= LOADED * attrs["rated_a"], node.id
        else:
            assert max(attrs["load_w"], attrs.get("worst_w", 0)) <= LOADED * attrs["rated_w"], node.id
        for fed in attrs["feeds"]:
            volts = {link.attrs["volt_v"] for link in each.into(fed, "power") if "volt_v" in link.attrs}
            assert volts <= {attrs["volt_v"]}, fed


def test_every_device_that_draws_power_gets_it(each: Shipped) -> None:
    for node in each.graph.nodes.values():
        if "w" in node.attrs:
            assert node.attrs["power_src"] and each.into(node.id, "power"), node.id
            assert node.attrs["w"] > 0 or node.attrs["device"] == "供电插入器", node.id
            named = node.attrs["power_src"]
            for supply in [named] if isinstance(named, str) else named:
                assert each.graph.nodes[supply].type == "power_supply", node.id
    for link in each.graph.links:
        if link.medium == "power":
            assert "w" in each.graph.nodes[link.downstream].attrs and "load_w" in link.attrs, link.b


def test_voltage_at_the_end_of_each_cable(each: Shipped) -> None:
    def volts(node: str) -> float:
        links = [link for link in each.into(node, "power") if "len_m" in link.attrs]
        return at_the_end(links[0]) if links else 60.0

    def current(link: Link) -> float:
        cable = [link]
        if "branch_a" in link.attrs:  # devices at the same length hang on the same cable
            cable = [it for it in each.out_of(link.upstream, "power") if it.attrs.get("len_m") == link.attrs["len_m"]]
        return float(sum(it.attrs["load_w"] for it in cable)) / 60

    def at_the_end(link: Link) -> float:
        return volts(link.upstream) - current(link) * float(link.attrs["len_m"]) * COAX_OHM_PER_M

    for link in each.graph.links:
        if link.medium == "power" and "len_m" in link.attrs:
            if each.graph.nodes[link.downstream].type == "amplifier":  # power comes over the cable of the signal
                assert [link.attrs["len_m"]] == [it.attrs["len_m"] for it in each.into(link.downstream, "coax")], link.b
            assert close(link.attrs["end_v"], at_the_end(link)) and link.attrs["end_v"] > AMPLIFIER_STARTS_AT, link.b
            assert close(link.attrs.get("branch_a", current(link)), current(link)), link.b


# TOP-CATV-001: headend to district over the ring


def test_catv_ring() -> None:
    catv = shipped(CATV)
    head, amp = catv.attrs("LS-HE-01"), catv.attrs("LS-HE-EDFA-01")
    splitter = catv.attrs("LS-HE-SPL-01")
    (left,) = Levels(catv.graph, LIGHT).at("LS-HE-SPL-01")
    catv.says(
        f"机房光发输出 {head['tx_dbm']:.1f} dBm",
        f"进光放大器 {amp['rx_dbm']:.1f} dBm",
        f"{amp['tx_dbm']:.1f}−0.5−{splitter['insertion_db']}={left - splitter['insertion_db']:.1f} dBm",
    )
    assert (splitter["ratio"], splitter["used_ports"], splitter["spare_ports"]) == ("1:8", 6, 2)
    catv.says("八个出口用六个，备用两个")
    rows = catv.table("分前端", "主用")
    assert {row["分前端"] for row in rows} == {node.name for node in catv.of("sub_headend")}
    for row in rows:
        (node,) = (node for node in catv.of("sub_headend") if node.name == row["分前端"])
        for role, key in (("主用", "rx_dbm"), ("备用", "rx_standby_dbm")):
            (link,) = (link for link in catv.into(node.id, "fiber") if link.attrs["role"] == role)
            assert number(row[role]) * 1000 == link.attrs["len_m"], row
            assert terms(row[f"{role}损耗 dB"]) == [link.attrs[k] for k in ("fiber_db", "conn_db", "splice_db")], row
            assert number(row[f"{role}收光 dBm"]) == node.attrs[key], row
            stops = len(link.attrs["route"].split("—")) - 2
            assert link.attrs["conn_n"] == 2 + 2 * stops, row  # a patch through each place on the way
        (amplifier,) = (link.downstream for link in catv.out_of(node.id, "fiber"))
        assert catv.attrs(amplifier)["tx_dbm"] == 13.0 and catv.attrs(amplifier)["rx_window_dbm"] == "-3~+8"
        assert catv.into(amplifier, "fiber")[0].attrs["loss_db"] == 1.0
        (second,) = (link.downstream for link in catv.out_of(amplifier, "fiber"))
        assert Levels(catv.graph, LIGHT).at(second) == {12.5}
    catv.says(
        "分前端光放大器输出 13.0 dBm，跳线 0.5 dB，1:8 光分路器 10.7 dB，出口 1.8 dBm", "再减 1.0 dB 到光放大器输入口"
    )


def test_catv_optical_nodes() -> None:
    catv, units = shipped(CATV), {unit.key: unit.name for unit in library.organisation()}
    rows = catv.table("光节点", "片区")
    assert [row["光节点"] for row in rows] == [node.id for node in catv.of("optical_node")]
    for row in rows:
        attrs, (link,) = catv.attrs(row["光节点"]), catv.into(row["光节点"], "fiber")
        assert (row["片区"], int(row["户数"])) == (units[attrs["district"]], attrs["homes"]), row
        assert number(row["距离"]) * 1000 == link.attrs["len_m"], row
        assert terms(row["损耗 dB"]) == [link.attrs[k] for k in ("fiber_db", "conn_db", "splice_db")], row
        assert number(row["收光 dBm"]) == attrs["rx_dbm"], row
        assert attrs["out_dbuv"] == 104, row
    assert catv.attrs("LS-HE-01")["band_mhz"] == number(catv.figures["网络带宽上限"])


def test_catv_amplifiers_and_buildings() -> None:
    catv = shipped(CATV)
    amplifiers = [node.id for node in catv.of("amplifier") if "-AMP-" in node.id]
    rows = catv.table("放大器", "光节点到放大器")
    assert [row["放大器"] for row in rows] == amplifiers
    for row in rows:
        attrs, (link,) = catv.attrs(row["放大器"]), catv.into(row["放大器"], "coax")
        assert (number(row["光节点到放大器"]), number(row["电缆损耗 dB"])) == (
            link.attrs["len_m"],
            link.attrs["loss_db"],
        )
        assert (number(row["输入 dBμV"]), number(row["净增益 dB"])) == (attrs["in_dbuv"], attrs["gain_db"]), row
        assert chinese(row["下接楼栋"]) == [link.downstream for link in catv.out_of(row["放大器"], "coax")], row
        assert attrs["out_dbuv"] == 102
    rows = catv.table("楼栋", "放大器")
    assert [row["楼栋"] for row in rows] == [node.id for node in catv.of("building")]
    for row in rows:
        attrs, (link,) = catv.attrs(row["楼栋"]), catv.into(row["楼栋"], "coax")
        assert (row["放大器"], number(row["放大器到楼栋"])) == (link.upstream, link.attrs["len_m"]), row
        assert (number(row["楼栋入口 dBμV"]), number(row["用户口 dBμV"])) == (attrs["in_dbuv"], attrs["user_dbuv"])
        assert (int(row["户数"]), attrs["dist_db"]) == (attrs["homes"], number(catv.figures["楼内分配损耗"])), row
    users = [node.attrs["user_dbuv"] for node in catv.of("building")]
    catv.says(f"用户口最低 {min(users)} dBμV、最高 {max(users)} dBμV")


def test_catv_power_and_counts() -> None:
    catv = shipped(CATV)
    direct, central = catv.table("直流电源", "供给"), catv.table("供电器", "供给")
    assert {row["直流电源"] for row in direct} | {row["供电器"] for row in central} == {
        node.id for node in catv.of("power_supply")
    }
    for row in direct + central:
        attrs = catv.attrs(row.get("直流电源") or row["供电器"])
        assert [f"LS-{name}" for name in chinese(row["供给"])] == attrs["feeds"], row
        assert (number(row["负载 W"]), number(row["电流 A"])) == (attrs["load_w"], attrs["load_a"]), row
        assert "额定 A" not in row or (number(row["额定 A"]) == attrs["rated_a"] and attrs["volt_v"] == 48), row
    for row in central:
        attrs = catv.attrs(row["供电器"])
        homes = {node.id: node.attrs["homes"] for fed in attrs["feeds"] for node in catv.below(fed, "building")}
        assert (attrs["volt_v"], attrs["rated_a"], int(row["掉电影响户数"])) == (60, 5, sum(homes.values())), row
        assert number(row["占额定"]) == round(100 * attrs["load_a"] / attrs["rated_a"]), row
    drawn = {
        kind: {node.attrs["w"] for node in catv.of("amplifier") if kind in node.id and "w" in node.attrs}
        for kind in ("EDFA", "AMP")
    }
    assert ({node.attrs["w"] for node in catv.of("optical_node")}, drawn) == ({30}, {"EDFA": {60}, "AMP": {20}})
    ends = [link.attrs["end_v"] for link in catv.graph.links if "end_v" in link.attrs]
    edfa = sum("-EDFA-" in node.id for node in catv.of("amplifier"))
    catv.says(
        f"最远一台放大器处电压为 {min(ends)} V",
        f"机房 {len(catv.of('headend'))}、分前端 {len(catv.of('sub_headend'))}、光放大器 {edfa}（",
        f"光分路器 {len(catv.of('splitter'))}、光节点 {len(catv.of('optical_node'))}、"
        f"楼放大器 {len(catv.of('amplifier')) - edfa}、楼栋 {len(catv.of('building'))}、电源 {len(direct + central)}。",
        f"覆盖户数合计 {catv.total('homes', catv.of('building'))} 户",
    )


# TOP-HFC-001: optical node to building


def test_hfc_takes_its_light_where_catv_leaves_a_port() -> None:
    hfc, catv = shipped(HFC), shipped(CATV)
    splitter, (link,) = hfc.attrs("LS-CX-SPL-10"), hfc.into("LS-CX-ON-0201", "fiber")
    (light,) = Levels(catv.graph, LIGHT).at("LS-CX-SPL-10")
    assert splitter["tx_dbm"] == pytest.approx(light - splitter["insertion_db"])
    assert link.a == f"LS-CX-SPL-10:{splitter['use_port']}"
    assert link.a not in {other.a for other in catv.graph.links}
    parts = "+".join(f"{link.attrs[key]:.2f}" for key in ("fiber_db", "conn_db", "splice_db"))
    hfc.says(
        f"分路器出口 {splitter['tx_dbm']} dBm（见 {CATV}），{link.attrs['len_m'] / 1000:.1f} km，"
        f"损耗 {parts}={link.attrs['loss_db']} dB，光节点收光 {hfc.attrs('LS-CX-ON-0201')['rx_dbm']} dBm"
    )


def test_hfc_levels() -> None:
    hfc = shipped(HFC)
    rows = hfc.table("放大器", "上一级")
    assert [row["放大器"] for row in rows] == [node.id for node in hfc.of("amplifier")]
    for row in rows:
        attrs, (link,) = hfc.attrs(row["放大器"]), hfc.into(row["放大器"], "coax")
        assert (row["上一级"], number(row["距离"])) == (link.upstream, link.attrs["len_m"]), row
        assert (number(row["电缆 dB"]), int(row["级"])) == (link.attrs["loss_db"], attrs["level"]), row
        assert (number(row["输入 dBμV"]), number(row["净增益 dB"])) == (attrs["in_dbuv"], attrs["gain_db"]), row
    assert {node.attrs["out_dbuv"] for node in hfc.of("amplifier")} == {98}
    assert hfc.attrs("LS-CX-ON-0201")["out_dbuv"] == 104
    parts = {node.attrs["device"]: node.attrs["insertion_db"] for node in hfc.of("splitter") if "device" in node.attrs}
    assert parts == {"供电插入器": 1, "二分配器": 4}
    rows = hfc.table("楼栋", "放大器")
    assert [f"LS-CX-{row['楼栋']}" for row in rows] == [node.id for node in hfc.of("building")]
    for row in rows:
        building = f"LS-CX-{row['楼栋']}"
        (link,) = hfc.into(building, "coax")
        (above,) = hfc.into(link.upstream, "coax")
        assert above.upstream == f"LS-CX-{row['放大器']}", row
        assert (number(row["距离"]), number(row["电缆 dB"])) == (link.attrs["len_m"], link.attrs["loss_db"]), row
        assert number(row["入口 dBμV"]) == hfc.attrs(building)["in_dbuv"], row
        taps = {node.attrs["floor"]: node for node in hfc.below(building, "tap")}
        for floor, name in ((4, "四层"), (3, "三层"), (2, "二层"), (1, "一层")):
            assert number(row[name]) == taps[floor].attrs["user_dbuv"], row
            assert (
                taps[floor].id == f"{building}-TAP{5 - floor}"
                and taps[floor].name == f"{int(building[-2:])}号楼{floor}层四分支器"
            )
        users = [tap.attrs["user_dbuv"] for tap in taps.values()]
        assert close(number(row["楼内差 dB"]), max(users) - min(users), 1), row
        assert [(taps[f].attrs["tap_db"], taps[f].attrs["insertion_db"]) for f in (4, 3, 2, 1)] == [
            (12, 2.6), (12, 2.6), (10, 3.8), (8, 0)
        ]  # fmt: skip
    assert {node.attrs["drop_db"] for node in hfc.of("tap")} == {number(hfc.figures["入户段损耗"])}


def test_hfc_homes_and_the_spread_at_each_port() -> None:
    hfc = shipped(HFC)
    for building in hfc.of("building"):
        taps = hfc.below(building.id, "tap")
        assert building.attrs["floors"] == len(taps) == 4
        assert building.attrs["homes"] == hfc.total("homes", taps) == 16
        assert {tap.attrs["homes"] for tap in taps} == {4}
    hfc.says("每栋 4 层、每层 4 户，共 6×16=96 户")
    counts = (
        ("光节点", "optical_node"), ("供电器", "power_supply"), ("放大器", "amplifier"),
        ("楼栋", "building"), ("四分支器", "tap"),
    )  # fmt: skip
    for name, type_ in counts:
        hfc.says(f"{name} {len(hfc.of(type_))}")
    for device, count in (("供电插入器", 2), ("二分配器", 3)):
        assert sum(node.attrs.get("device") == device for node in hfc.of("splitter")) == count
        hfc.says(f"{device} {count}")
    ports = hfc.out_of("LS-CX-ON-0201", "coax")
    assert hfc.attrs("LS-CX-ON-0201")["used_rf"] == len(ports) == 2
    for link in ports:
        users = [tap.attrs["user_dbuv"] for tap in hfc.below(link.downstream, "tap")]
        assert close(max(users) - min(users), 7.4, 1)
    users = [tap.attrs["user_dbuv"] for tap in hfc.of("tap")]
    hfc.says(f"用户口 {min(users)}~{max(users)} dBμV", "最高与最低相差 7.4 dB")


def test_hfc_power() -> None:
    hfc = shipped(HFC)
    attrs = hfc.attrs("LS-CX-PWR-02")
    names = {"插入器 1 号": "LS-CX-PI-01", "插入器 2 号": "LS-CX-PI-02"} | {
        f"放大器 {n}": f"LS-CX-AMP-0201-{n}" for n in ("01", "02", "03")
    }
    cables = [link for link in hfc.graph.links if "end_v" in link.attrs]
    rows = hfc.table("段", "长度")
    for row, link in zip(rows, cables, strict=True):
        assert [names[end] for end in row["段"].split(" → ")] == [link.upstream, link.downstream], row
        assert (number(row["长度"]), number(row["末端 V"])) == (link.attrs["len_m"], link.attrs["end_v"]), row
        assert close(number(row["电流 A"]), link.attrs["load_w"] / 60, 3), row
        assert close(number(row["压降 V"]), link.attrs["load_w"] / 60 * link.attrs["len_m"] * COAX_OHM_PER_M), row
    first, second = (link.attrs["load_w"] for link in hfc.out_of("LS-CX-PWR-02", "power"))
    assert (attrs["volt_v"], attrs["rated_a"], hfc.attrs("LS-CX-ON-0201")["w"]) == (60, 5, 30)
    hfc.says(
        f"合计 {attrs['load_w']} W，折算 {attrs['load_a']:.2f} A，占 {100 * attrs['load_a'] / attrs['rated_a']:.0f}%",
        f"供电插入器 1 号带 {first} W",
        f"2 号带 {second} W",
    )


# TOP-EPON-001: splitters and the loss budget


def _way_up(drawing: Shipped, node: str) -> list[Link]:
    """The fibres from a unit up to the OLT, nearest first."""
    way: list[Link] = []
    while drawing.graph.nodes[node].type != "olt":
        (link,) = drawing.into(node, "fiber")
        way.append(link)
        node = link.upstream
    return way


def _upward_loss(drawing: Shipped, unit: str) -> float:
    """The loss at 1310 nm of a way whose losses are written for 1490 nm."""
    down = drawing.attrs(unit)["path_loss_db"]
    km = sum(link.attrs["len_m"] for link in _way_up(drawing, unit)) / 1000
    return float(down + km * (FIBRE_DB_PER_KM[1310] - FIBRE_DB_PER_KM[1490]))


def test_epon_budget() -> None:
    epon = shipped(EPON)
    rows = epon.table("PON", "楼栋", "馈线")
    groups = epon.of("onu")
    for row, group in zip(rows, groups, strict=True):
        attrs, way = group.attrs, _way_up(epon, group.id)
        drop, second, feed, first = way[0], way[1], way[2], way[2].downstream
        assert group.name == f"{row['楼栋']}光猫组" and attrs["pon"] == f"PON{row['PON']}" == feed.a.partition(":")[2]
        assert [number(row[name]) for name in ("馈线", "配线", "入户")] == [
            it.attrs["loss_db"] for it in (feed, second, drop)
        ]
        assert (number(row["一级"]), number(row["二级"])) == (
            epon.attrs(first)["insertion_db"],
            epon.attrs(second.downstream)["insertion_db"],
        )
        assert number(row["下行合计 dB"]) == attrs["path_loss_db"], row
        assert attrs["path_loss_db"] == pytest.approx(epon.attrs("LS-CD-OLT-01")["tx_dbm"] - attrs["rx_dbm"]), row
        assert number(row["收光 dBm"]) == attrs["rx_dbm"], row
        assert number(row["上行合计 dB"]) == attrs["up_loss_db"] <= 28, row
        assert close(attrs["up_loss_db"], _upward_loss(epon, group.id)), row
        assert attrs["farthest_drop_m"] == drop.attrs["len_m"], row
    down, up = [g.attrs["path_loss_db"] for g in groups], max(g.attrs["up_loss_db"] for g in groups)
    lights = [group.attrs["rx_dbm"] for group in groups]
    epon.says(
        f"下行 {min(down)}~{max(down)} dB，最远户收光 {min(lights)}~{max(lights)} dBm",
        f"上行最差 {up} dB，距预算约 28 dB 余 {28 - up:.2f} dB",
        f"发光 {epon.attrs('LS-CD-OLT-01')['tx_dbm']:.1f} dBm",
    )


def test_epon_ratios_ports_and_homes() -> None:
    epon = shipped(EPON)
    olt = epon.attrs("LS-CD-OLT-01")
    feeds = epon.out_of("LS-CD-OLT-01", "fiber")
    rows = epon.table("PON", "区域")
    assert olt["used_pon"] == len(feeds) == len(rows) <= olt["pon_ports"] == 16
    for row, feed in zip(rows, feeds, strict=True):
        first = epon.graph.nodes[feed.downstream]
        seconds = [link.downstream for link in epon.out_of(first.id, "fiber")]
        (ratio,) = {epon.attrs(second)["ratio"] for second in seconds}
        product = int(first.attrs["ratio"][2:]) * int(ratio[2:])
        homes = epon.total("homes", epon.below(first.id, "building"))
        onus = epon.total("onus", epon.below(first.id, "onu"))
        assert (feed.a, first.name) == (f"LS-CD-OLT-01:PON{row['PON']}", f"{row['区域']}一级分光器"), row
        assert number(row["馈线"]) * 1000 == feed.attrs["len_m"], row
        assert (row["一级"], row["二级"], row["总分光比"]) == (first.attrs["ratio"], ratio, f"1:{product}"), row
        assert [int(row[name]) for name in ("二级台数", "户数", "在装光猫")] == [len(seconds), homes, onus], row
        assert product <= 64 and onus <= product, row
    rows = epon.table("PON", "楼栋", "户数")
    for row, building in zip(rows, epon.of("building"), strict=True):
        (home,) = (link.upstream for link in epon.into(building.id, "logical"))
        (unit,) = (link.downstream for link in epon.out_of(home, "fiber"))
        splitter, attrs = epon.attrs(home), building.attrs
        assert (row["楼栋"], f"{row['楼栋']}二级分光器") == (building.name, epon.graph.nodes[home].name), row
        assert (int(row["户数"]), int(row["余口"])) == (attrs["homes"], splitter["spare_ports"]), row
        assert int(row["在装"]) == attrs["onus"] == epon.attrs(unit)["onus"] == splitter["used_ports"] <= attrs["homes"]
    seconds_in_all = sum("二级分光器" in node.name for node in epon.of("splitter"))
    attrs = epon.attrs("LS-CD-PWR-02")
    epon.says(
        f"二级分光器 {seconds_in_all} 台，覆盖 {epon.total('homes', epon.of('building'))} 户，"
        f"在装光猫 {epon.total('onus', epon.of('onu'))} 台",
        f"48 V 直流电源供电：{attrs['load_w']} W、{attrs['load_a']} A，额定 {attrs['rated_a']} A",
    )
    assert attrs["volt_v"] == 48 and attrs["load_w"] == number(epon.figures["光线路终端功耗"])
    assert olt["vlan_mgmt"] == epon.attrs("LS-HE-SW-01")["vlan_mgmt"]


# TOP-EOC-001: the EOC branch


def test_eoc_budget() -> None:
    eoc = shipped(EOC)
    units = eoc.of("onu")
    olt = eoc.attrs("LS-ZJ-OLT-01")
    for row, unit in zip(eoc.table("ONU", "馈线"), units, strict=True):
        tail, branch, feed = way = _way_up(eoc, unit.id)
        assert f"LS-ZJ-{row['ONU']}" == unit.id and int(unit.id[-2:]) == unit.attrs["onu_id"], row
        assert feed.a == f"LS-ZJ-OLT-01:{olt['pon']}" and unit.attrs["pon"] == olt["pon"], row
        assert [number(row[name]) for name in ("尾段", "配线", "馈线")] == [link.attrs["loss_db"] for link in way], row
        assert number(row["1:4"]) == eoc.attrs(feed.downstream)["insertion_db"], row
        assert number(row["1:8"]) == eoc.attrs(branch.downstream)["insertion_db"], row
        assert (
            number(row["合计 dB"]) == unit.attrs["path_loss_db"] == pytest.approx(olt["tx_dbm"] - unit.attrs["rx_dbm"])
        )
        assert number(row["收光 dBm"]) == unit.attrs["rx_dbm"], row
        assert close(number(row["距 -25 dBm 余量 dB"]), unit.attrs["rx_dbm"] + 25), row
        assert tail.downstream == unit.id
    lengths = {
        ends: (link.attrs["len_m"], [link.attrs[key] for key in ("fiber_db", "conn_db", "splice_db")])
        for link in eoc.graph.links
        if link.attrs.get("nm") == 1490
        for ends in [(link.upstream[6:], link.downstream[6:])]
    }
    named = 0
    for row in eoc.table("段", "长度"):
        ends = [key for key in lengths if key[1] in _numbered(row["段"])]
        assert ends, row
        for key in ends:
            named += 1
            assert lengths[key] == (number(row["长度"].removeprefix("各 ")), terms(row["光纤+接头+熔接 = 损耗 dB"])), (
                row
            )
    assert named == len(lengths)
    down, lights = [unit.attrs["path_loss_db"] for unit in units], [unit.attrs["rx_dbm"] for unit in units]
    up = max(_upward_loss(eoc, unit.id) for unit in units)
    eoc.says(
        f"下行损耗 {min(down)}~{max(down)} dB，收光 {min(lights)}~{max(lights)} dBm",
        f"上行合计 {up:.2f} dB，仍比预算约 28 dB 少 {28 - up:.2f} dB",
        f"一个 PON 口挂 {len(units)} 个 ONU、覆盖 {eoc.total('homes', eoc.of('building'))} 户",
        f"发光按 {olt['tx_dbm']:.1f} dBm",
    )


def _numbered(text: str) -> set[str]:
    """Which devices does a row of the fibre table mean? `二级 → ONU-01、03、05` are three."""
    if "→ 一级分光器" in text:
        return {"SPL-01"}
    found = re.findall(r"(SPL|ONU)-(\d\d(?:、\d\d)*)", text)
    return {f"{kind}-{one}" for kind, those in found for one in those.split("、")}


def test_eoc_heads_and_buildings() -> None:
    eoc = shipped(EOC)
    heads = eoc.of("eoc_head")
    for row, head in zip(eoc.table("EOC 头端", "ONU"), heads, strict=True):
        attrs = head.attrs
        (unit,) = (link.upstream for link in eoc.into(head.id, "twisted_pair"))
        (amplifier,) = {link.upstream for link in eoc.into(head.id, "coax")}
        (node,) = (link.upstream for link in eoc.into(amplifier, "coax"))
        buildings = [link.downstream for link in eoc.out_of(head.id, "coax")]
        assert len(buildings) == len(eoc.into(head.id, "coax")) == 2  # each output of the amplifier has its own way
        assert [f"LS-ZJ-{row[name]}" for name in ("EOC 头端", "ONU", "楼放大器", "光节点")] == [
            head.id,
            unit,
            amplifier,
            node,
        ]
        assert [f"LS-ZJ-{name}" for name in chinese(row["楼栋"])] == buildings, row
        below = eoc.below(head.id, "building")
        assert int(row["户数"]) == attrs["homes"] == eoc.total("homes", below), row
        assert int(row["终端"]) == attrs["terminals"] == eoc.total("terminals", below), row
        assert int(row["外层 VLAN"]) == attrs["vlan_outer"] == eoc.attrs(unit)["vlan_outer"], row
        assert (row["内层 VLAN"], row["管理地址"]) == (attrs["vlan_inner"], attrs["mgmt_ip"]), row
        low, high = map(int, attrs["vlan_inner"].split("-"))
        assert high - low + 1 == attrs["terminals"], row
        assert (attrs["insertion_db"], attrs["band_mhz"]) == (2, "2-28"), row
    outer = [head.attrs["vlan_outer"] for head in heads]
    assert outer == list(range(outer[0], outer[-1] + 1))
    core = eoc.attrs("LS-HE-SW-01")
    assert core["vlan_outer"] == f"{outer[0]}-{outer[-1]}"
    eoc.says(f"管理 VLAN {core['vlan_mgmt']}，点播 VLAN {core['vlan_vod']}")
    (managed,) = eoc.into("LS-HE-SRV-01", "twisted_pair")
    assert managed.attrs["vlan"] == eoc.attrs("LS-HE-SRV-01")["vlan_mgmt"] == core["vlan_mgmt"]
    for row, building in zip(eoc.table("楼栋", "头端"), eoc.of("building"), strict=True):
        (link,) = eoc.into(building.id, "coax")
        (inside,) = eoc.out_of(building.id, "coax")
        terminals = eoc.attrs(inside.downstream)
        assert (f"LS-ZJ-{row['楼栋']}", f"LS-ZJ-{row['头端']}") == (building.id, link.upstream), row
        assert int(row["户数"]) == building.attrs["homes"], row
        assert int(row["终端"]) == building.attrs["terminals"] == terminals["terminals"] <= building.attrs["homes"], row
        assert number(row["头端到楼"]) == link.attrs["len_m"], row
        assert number(row["楼入口 dBμV"]) == building.attrs["in_dbuv"], row
        assert number(row["用户口 dBμV"]) == terminals["user_dbuv"], row
        assert terms(row["EOC 损耗 dB"]) == [link.attrs["eoc_db"], inside.attrs["eoc_db"]], row
        assert number(row["EOC 损耗 dB"]) == terminals["eoc_loss_db"] <= number(eoc.figures["EOC 链路损耗上限"]), row
        assert f"{inside.attrs['loss_db']} / {inside.attrs['eoc_db']}" == eoc.figures["楼内电视分配损耗与 EOC 分配损耗"]
        assert terminals["phy_mbps_min"] == number(eoc.figures["EOC 物理速率查线门限"]), row
    for row, node in zip(eoc.table("光节点", "收光 dBm"), eoc.of("optical_node"), strict=True):
        assert f"LS-ZJ-{row['光节点']}" == node.id and number(row["收光 dBm"]) == node.attrs["rx_dbm"], row
        assert int(row["户数"]) == node.attrs["homes"], row
        assert int(row["终端"]) == node.attrs["terminals"] == eoc.total("terminals", eoc.below(node.id, "building")), (
            row
        )
    users = [node.attrs["user_dbuv"] for node in eoc.of("eoc_terminal")]
    losses = [node.attrs["eoc_loss_db"] for node in eoc.of("eoc_terminal")]
    eoc.says(f"用户口 {min(users)}~{max(users)} dBμV", f"EOC 损耗 {min(losses)}~{max(losses)} dB")


def test_eoc_counts_and_power() -> None:
    eoc = shipped(EOC)
    counts = {row["对象"]: row["数量"] for row in eoc.table("对象", "数量")}
    homes, terminals = (eoc.total(key, eoc.of("building")) for key in ("homes", "terminals"))
    amplifiers = [node for node in eoc.of("amplifier") if "-AMP-" in node.id]
    ratios = sorted(node.attrs["ratio"] for node in eoc.of("splitter") if node.attrs["use"] == "PON")
    assert ratios == ["1:4", "1:8", "1:8", "1:8"]
    for name, start in {
        "光节点": f"{len(eoc.of('optical_node'))} 台", "楼放大器": f"{len(amplifiers)} 台", "光线路终端": "1 台",
        "分光器（PON）": f"{len(ratios)} 台：1:4 一台，1:8 三台", "光网络单元": f"{len(eoc.of('onu'))} 台",
        "EOC 头端": f"{len(eoc.of('eoc_head'))} 台", "楼栋": f"{len(eoc.of('building'))} 栋，覆盖 {homes} 户",
        "EOC 终端": f"首批 {terminals} 台，图上按楼栋合成 {len(eoc.of('eoc_terminal'))} 个终端组",
        "60 V 供电器": f"{sum(node.attrs['volt_v'] == 60 for node in eoc.of('power_supply'))} 台",
    }.items():  # fmt: skip
        assert counts[name].startswith(start), name
    eoc.says(f"合计：户数 {homes}，终端 {terminals}。")
    drawn = {
        kind: {node.attrs["w"] for node in eoc.graph.nodes.values() if f"-{kind}-" in node.id}
        for kind in ("ON", "AMP", "EOC", "ONU", "OLT", "EDFA")
    }
    assert drawn == {"ON": {30}, "AMP": {20}, "EOC": {15}, "ONU": {8}, "OLT": {300}, "EDFA": {60}}
    for row in eoc.table("供电器", "供给"):
        supply = f"LS-{row['供电器']}"
        attrs = eoc.attrs(supply)
        assert {f"LS-ZJ-{name}" for name in chinese(row["供给"])} == set(attrs["feeds"]), row
        assert (number(row["负载 W"]), number(row["电流 A"])) == (attrs["load_w"], attrs["load_a"]), row
        assert number(row["占额定 5 A"]) == round(100 * attrs["load_a"] / attrs["rated_a"]) and attrs["rated_a"] == 5
        ends = [link.attrs["end_v"] for link in eoc.out_of(supply, "power") if "end_v" in link.attrs]
        assert number(row["末端电压 V"]) == min(ends) and attrs["volt_v"] == 60, row
    direct = eoc.attrs("LS-ZJ-PWR-01")
    assert direct["volt_v"] == 48
    eoc.says(f"共 {direct['load_w']} W、{direct['load_a']} A，额定 {direct['rated_a']} A")


# TOP-LAN-001: the office network


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


# TOP-DC-001: the pair of data centres


def test_dc_addresses_lie_in_the_network_of_their_site() -> None:
    dc = shipped(DC)
    networks = {
        node.attrs["site"]: ipaddress.ip_network(node.attrs["net"]) for node in dc.of("switch") if "net" in node.attrs
    }
    dc.says(f"县中心机房为主（A），网段 {networks['A']}；城西备用机房为备（B），网段 {networks['B']}。")
    for node in dc.graph.nodes.values():
        if node.type not in ("service", "power_supply"):
            address = node.attrs.get("ip") or node.attrs["mgmt_ip"]
            assert ipaddress.ip_address(address) in networks[node.attrs["site"]], node.id
            assert node.id.startswith(f"LS-DC{node.attrs['site']}-"), node.id


def test_dc_hosts_and_virtual_machines() -> None:
    dc = shipped(DC)
    machines = [node for node in dc.of("server") if node.attrs.get("kind") == "虚拟机"]
    rows = dc.table("主机", "虚拟机")
    assert [row["主机"] for row in rows] == [node.id for node in dc.of("server") if "-ESX-" in node.id]
    for row in rows:
        attrs, site = dc.attrs(row["主机"]), row["主机"][:6]
        guests = [node for node in machines if node.attrs["host"] == row["主机"]]
        assert {f"{site}-{name}" for name in chinese(row["虚拟机"])} == {node.id for node in guests}, row
        for column, given, whole in (("处理器核", "vcpu", "cpu_core"), ("内存 GB", "mem_gb", "mem_gb")):
            assert row[f"{column} 已分配/总"] == f"{dc.total(given, guests)} / {attrs[whole]}", row
            assert dc.total(given, guests) <= attrs[whole], row
    storage = {node.attrs["site"]: node for node in dc.of("storage")}
    for node in machines:
        site = node.attrs["site"]
        rests_on = {(link.upstream, link.attrs["note"]) for link in dc.into(node.id, "logical")}
        assert rests_on == {(node.attrs["host"], "宿主"), (storage[site].id, "磁盘")}, node.id
        assert dc.attrs(node.attrs["host"])["site"] == site, node.id
    sites = [node.attrs["site"] for node in machines]
    dc.says(f"虚拟机 {len(machines)}（A 有 {sites.count('A')} 台、B 有 {sites.count('B')} 台）")
    for site, words in (
        ("A", "A 机房虚拟机内存合计 {} GB，任坏一台主机，其余两台 {} GB 足够"),
        ("B", "B 机房合计 {} GB，任坏一台，另一台 {} GB 足够"),
    ):
        memory = dc.total("mem_gb", [node for node in machines if node.attrs["site"] == site])
        hosts = [node.attrs["mem_gb"] for node in dc.of("server") if "-ESX-" in node.id and node.attrs["site"] == site]
        left = sum(hosts) - max(hosts)
        assert memory <= left
        dc.says(words.format(memory, left))
    copies = {node.id: node.attrs["replicate_to"] for node in dc.graph.nodes.values() if "replicate_to" in node.attrs}
    assert copies == {"LS-DCA-STO-01": "LS-DCB-STO-01", "LS-DCA-DB-01": "LS-DCB-DB-02"}
    primary, spare = dc.attrs("LS-DCA-STO-01"), dc.attrs("LS-DCB-STO-01")
    assert primary["usable_tb"] <= spare["usable_tb"] <= dc.attrs("LS-DCB-BAK-01")["usable_tb"]
    assert primary["rpo_min"] == number(dc.figures["存储异步复制间隔"])


def test_dc_services_and_their_pairs() -> None:
    dc = shipped(DC)
    services = {node.name: node for node in dc.of("service")}
    rows = dc.table("服务", "依赖")
    assert [row["服务"] for row in rows] == list(services)
    for row in rows:
        node = services[row["服务"]]
        servers = [link.upstream for link in dc.into(node.id, "logical")]
        assert ([f"LS-{name}" for name in chinese(row["依赖"])], row["冗余"]) == (servers, node.attrs["redundancy"]), (
            row
        )
        if node.attrs["redundancy"] == "任一台在即可":
            assert sorted(dc.attrs(server)["site"] for server in servers) == ["A", "B"], row
        if node.attrs["redundancy"] == "单台":
            assert len(servers) == 1, row
    first, second = (dc.attrs(f"LS-DC{site}")["ip"] for site in ("A-DNS-01", "B-DNS-02"))
    relays = [dc.attrs(f"LS-DC{site}")["ip"] for site in ("A-DHCP-01", "B-DHCP-02")]
    dc.says(
        f"依次填 {first}、{second}",
        f"同时指向 {' 与 '.join(relays)}",
        f"时间以 {dc.attrs('LS-DCA-NTP-01')['ip']} 为准",
        f"防火墙 {len(dc.of('firewall'))}、交换机 {len(dc.of('switch'))}、虚拟化主机 5、存储 {len(dc.of('storage'))}、备份服务器 1、",
        f"业务服务 {len(services)}、不间断电源 {len(dc.of('power_supply'))}。",
    )


def test_dc_links_between_the_sites() -> None:
    dc = shipped(DC)
    main, spare = (link for link in dc.graph.links if "route" in link.attrs)
    for link, words in ((main, "主用：{} km，{} nm，{} dB"), (spare, "备用路由走光环另一方向：{} km，{} nm，{} dB")):
        parts = "+".join(f"{link.attrs[key]:.2f}" for key in ("fiber_db", "conn_db", "splice_db"))
        dc.says(words.format(link.attrs["len_m"] // 1000, link.attrs["nm"], f"{parts}={link.attrs['loss_db']:.2f}"))
        assert {link.upstream, link.downstream} == {"LS-DCA-CSW-01", "LS-DCB-CSW-01"}


def test_dc_power() -> None:
    dc = shipped(DC)
    rows = dc.table("不间断电源", "供给台数")
    for row, supply in zip(rows, dc.of("power_supply"), strict=True):
        attrs = supply.attrs
        worst = dc.total("w", [dc.graph.nodes[fed] for fed in attrs["feeds"]])
        assert (row["不间断电源"], int(row["供给台数"])) == (supply.id, len(attrs["feeds"])), row
        assert (number(row["平时 W"]), number(row["额定 W"])) == (attrs["load_w"], attrs["rated_w"]), row
        assert number(row["单台担全部 W"]) == attrs["worst_w"] == worst, row
        assert number(row["占比"]) == round(100 * worst / attrs["rated_w"]), row
        assert attrs["volt_v"] == 220
    for node in dc.graph.nodes.values():
        loads = [link.attrs["load_w"] for link in dc.into(node.id, "power")]
        assert len(set(loads)) <= 1, node.id  # each of two supplies carries half
        assert node.attrs.get("power_src") == "LS-DCA-UPS-01" if node.id == "LS-DCA-NTP-01" else len(loads) in (0, 2)
