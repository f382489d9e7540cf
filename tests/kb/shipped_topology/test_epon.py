"""TOP-EPON-001: splitters and the loss budget."""

from __future__ import annotations

import pytest

from tests.kb.shipped_topology.drawings import EPON, close, number, shipped, upward_loss, way_up


def test_epon_budget() -> None:
    epon = shipped(EPON)
    rows = epon.table("PON", "楼栋", "馈线")
    groups = epon.of("onu")
    for row, group in zip(rows, groups, strict=True):
        attrs, way = group.attrs, way_up(epon, group.id)
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
        assert close(attrs["up_loss_db"], upward_loss(epon, group.id)), row
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
