"""Do ports, cables, levels, windows and splitters of the six agree with each other?"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise

import pytest

from kb import topology
from kb.topology import LIGHT, RADIO, Levels, checks
from tests.kb.shipped_topology.drawings import (
    CATV,
    EOC,
    EPON,
    FIBRE_DB_PER_KM,
    HFC,
    IDS,
    Shipped,
    close,
    figures_of,
    number,
    shipped,
    window,
)

CONNECTOR_DB, SPLICE_DB = 0.5, 0.1
COAX_DB_PER_100M, COAX_LOW_DB_PER_100M = 12, 2


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
