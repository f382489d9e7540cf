"""TOP-HFC-001: optical node to building."""

from __future__ import annotations

import pytest

from kb.topology import LIGHT, Levels
from tests.kb.shipped_topology.drawings import CATV, COAX_OHM_PER_M, HFC, close, number, shipped


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
