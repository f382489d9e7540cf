"""TOP-CATV-001: headend to district over the ring."""

from __future__ import annotations

from kb import library
from kb.topology import LIGHT, Levels
from tests.kb.shipped_topology.drawings import CATV, chinese, number, shipped, terms


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
