"""Is every node of the six named by the convention, and does it say what there is to know?"""

from __future__ import annotations

import re

from kb import library
from kb.topology import LIGHT, RADIO, Node
from tests.kb.shipped_topology.drawings import CATV, EOC, IDS, Shipped, shipped

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
CHANGED = {"in_dbuv", "load_w", "load_a", "feeds"}  # by CHG-2026-001, from TOP-CATV-001 to TOP-EOC-001


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
