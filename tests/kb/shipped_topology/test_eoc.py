"""TOP-EOC-001: the EOC branch."""

from __future__ import annotations

import re

import pytest

from tests.kb.shipped_topology.drawings import EOC, chinese, close, number, shipped, terms, upward_loss, way_up


def test_eoc_budget() -> None:
    eoc = shipped(EOC)
    units = eoc.of("onu")
    olt = eoc.attrs("LS-ZJ-OLT-01")
    for row, unit in zip(eoc.table("ONU", "馈线"), units, strict=True):
        tail, branch, feed = way = way_up(eoc, unit.id)
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
    up = max(upward_loss(eoc, unit.id) for unit in units)
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
