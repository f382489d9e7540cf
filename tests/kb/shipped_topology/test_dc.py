"""TOP-DC-001: the pair of data centres."""

from __future__ import annotations

import ipaddress

from tests.kb.shipped_topology.drawings import DC, chinese, number, shipped


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
