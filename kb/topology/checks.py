"""Where does what a topology says of itself not bear out?

`contradictions` finds what the attributes say and the graph, or another attribute, does not.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from kb.topology.model import Graph, Link, Node

ROUNDING = 0.05  # levels, losses and loads are written to one or two decimals
_PARTS = ("fiber_db", "conn_db", "splice_db", "switch_db")
_TRANSPARENT = ("sub_headend", "building")  # a signal goes through them without loss
_RATIO = re.compile(r"\d+:(\d+)")


@dataclass(frozen=True)
class Signal:
    """What carries a signal, and which attribute has its level where it sets out and where it comes in."""

    medium: str
    sent: str
    received: str
    on_standby: str


LIGHT = Signal("fiber", "tx_dbm", "rx_dbm", "rx_standby_dbm")
RADIO = Signal("coax", "out_dbuv", "in_dbuv", "in_standby_dbuv")


class Levels:
    """The level of a signal at each node, reckoned from where it sets out by the losses on the way.

    Links whose `role` begins with 备用 count only when asked for the standby way.
    """

    def __init__(self, graph: Graph, signal: Signal, *, standby: bool = False) -> None:
        self._graph, self._signal = graph, signal
        self._known: dict[str, set[float]] = {}
        self._into: dict[str, list[Link]] = defaultdict(list)
        spare: dict[str, list[Link]] = defaultdict(list)
        for link in graph.links:
            if link.medium == signal.medium:
                ways = spare if str(link.attrs.get("role", "")).startswith("备用") else self._into
                ways[link.downstream].append(link)
        if standby:
            self._into.update(spare)

    def at(self, node: str) -> set[float]:
        """One level for each way the signal comes; nothing if a level or a loss on the way is not written."""
        if node not in self._known:
            self._known[node] = set()  # so that a ring ends
            ways = [self._over(link) for link in self._into.get(node, [])]
            self._known[node] = set().union(*ways) if all(ways) else set()
        return self._known[node]

    def _over(self, link: Link) -> set[float]:
        loss = _number(link.attrs.get("loss_db"))
        return set() if loss is None else {round(level - loss, 6) for level in self._leaving(link.upstream)}

    def _leaving(self, node: str) -> set[float]:
        attrs = self._graph.nodes[node].attrs
        sent = _number(attrs.get(self._signal.sent))
        if sent is not None:
            return {sent}
        loss = _number(attrs.get("insertion_db"))
        if loss is None and self._graph.nodes[node].type in _TRANSPARENT:
            loss = 0.0
        return set() if loss is None else {round(level - loss, 6) for level in self.at(node)}


def contradictions(graph: Graph) -> list[str]:
    """Where do the attributes contradict the links or each other? What is not written is not judged."""
    return [
        *_supplies(graph), *_loads(graph), *_addresses(graph), *_networks(graph), *_losses(graph),
        *_levels(graph), *_user_levels(graph), *_splitters(graph),
    ]  # fmt: skip


def _supplies(graph: Graph) -> list[str]:
    """`feeds` of a supply lists what its power links reach; `power_src` of a device names the supplies that reach it."""
    problems = []
    sources: dict[str, set[str]] = defaultdict(set)
    for node in graph.nodes.values():
        if node.type != "power_supply":
            continue
        reached = graph.below(node.id, power=True)
        for device in reached:
            sources[device].add(node.id)
        if "feeds" in node.attrs:
            said = _several(node.attrs["feeds"])
            problems += [f"{node.id}: feeds 有 {it}，供电链路到不了 · is not reached" for it in sorted(said - reached)]
            problems += [f"{node.id}: 供电链路到 {it}，feeds 没有 · is not listed" for it in sorted(reached - said)]
    for node in graph.nodes.values():
        said = _several(node.attrs.get("power_src")) & graph.nodes.keys()  # others may stand in another drawing
        if "power_src" in node.attrs and said != sources[node.id]:
            found = "、".join(sorted(sources[node.id])) or "无"
            problems.append(f"{node.id}: power_src 与供电链路不符，链路来自 {found} · differs from the power links")
    return problems


def _loads(graph: Graph) -> list[str]:
    """What flows into a device is what it draws and passes on; a supply carries no more than it is rated for."""
    problems = []
    into: dict[str, list[float | None]] = defaultdict(list)
    out: dict[str, list[float | None]] = defaultdict(list)
    for link in graph.links:
        if link.medium == "power":
            load = _number(link.attrs.get("load_w"))
            into[link.downstream].append(load)
            out[link.upstream].append(load)
    for node in graph.nodes.values():
        drawn, passed, fed = _number(node.attrs.get("w")), _sum(out[node.id]), _sum(into[node.id])
        if drawn is not None and into[node.id] and _differ(fed, _sum([drawn, passed])):
            problems.append(f"{node.id}: 供电链路送来 {fed:g} W，自用与转供共 {_sum([drawn, passed]):g} W · load_w")
        carried = _number(node.attrs.get("load_w"))
        if out[node.id] and _differ(carried, passed):
            problems.append(f"{node.id}: load_w 写 {carried:g}，供电链路合计 {passed:g} · differs from its links")
        for used, limit in (("load_w", "rated_w"), ("load_a", "rated_a")):
            carries, bears = _number(node.attrs.get(used)), _number(node.attrs.get(limit))
            if carries is not None and bears is not None and carries > bears:
                problems.append(f"{node.id}: {used} {carries:g} 超过 {limit} {bears:g} · overloaded")
    return problems


def _addresses(graph: Graph) -> list[str]:
    """No address belongs to two nodes, and an address lies in the network of its VLAN if the graph names that."""
    problems = []
    networks = {str(node.attrs["vlan"]): node.attrs.get("net") for node in _networks_of(graph) if "vlan" in node.attrs}
    owners: dict[str, str] = {}
    for node in graph.nodes.values():
        vlan = node.attrs.get("vlan")
        for key, within in (("ip", vlan), ("mgmt_ip", node.attrs.get("vlan_mgmt", vlan))):
            for written in sorted(_several(node.attrs.get(key))):
                address = _address(written)
                if address is None:
                    problems.append(f"{node.id}: {key} {written} 不是地址 · no address")
                    continue
                owner = owners.setdefault(str(address), node.id)
                if owner != node.id:
                    problems.append(f"{node.id}: {key} {address} 与 {owner} 重复 · also the address of {owner}")
                network = _network(networks.get(str(within)))
                if network and address not in network:
                    problems.append(
                        f"{node.id}: {key} {address} 不在 VLAN {within} 的 {network} 内 · not in its network"
                    )
    return problems


def _networks(graph: Graph) -> list[str]:
    """Networks do not overlap, a VLAN has one network, and a gateway is an address of its network."""
    problems = []
    networks = []
    for node in _networks_of(graph):
        network = _network(node.attrs["net"])
        if network is None:
            problems.append(f"{node.id}: net {node.attrs['net']} 不是网段 · no network")
            continue
        networks.append((node.id, node.attrs.get("vlan"), network))
        ends = (network[0], network[-1]) if network.num_addresses > 2 else ()
        for written in sorted(_several(node.attrs.get("gateway"))):
            gateway = _address(written)
            if gateway is None or gateway not in network or gateway in ends:
                problems.append(f"{node.id}: 网关 {written} 不是 {network} 的地址 · no address of its network")
    for (one, vlan, first), (other, another, second) in combinations(networks, 2):
        if vlan == another and first == second:
            continue
        if vlan is not None and vlan == another:
            problems.append(f"{other}: VLAN {vlan} 在 {one} 是 {first} · another network for the same VLAN")
        elif first.version == second.version and first.overlaps(second):
            problems.append(f"{other}: 网段 {second} 与 {one} 的 {first} 重叠 · overlaps")
    return problems


def _losses(graph: Graph) -> list[str]:
    """The loss of a link is the sum of the parts it is said to consist of."""
    problems = []
    for link in graph.links:
        parts = [_number(link.attrs[part]) for part in _PARTS if part in link.attrs]
        loss = _number(link.attrs.get("loss_db"))
        if parts and _differ(loss, _sum(parts)):
            problems.append(f"{link.a} → {link.b}: loss_db 写 {loss:g}，各项合计 {_sum(parts):g} · not its parts' sum")
    return problems


def _levels(graph: Graph) -> list[str]:
    """A level is that at the last transmitter or amplifier, less the losses since; an amplifier adds its gain."""
    problems = []
    for signal, key, standby in (
        (LIGHT, LIGHT.received, False), (LIGHT, LIGHT.on_standby, True),
        (RADIO, RADIO.received, False), (RADIO, RADIO.on_standby, True),
    ):  # fmt: skip
        levels = Levels(graph, signal, standby=standby)
        for node in graph.nodes.values():
            said, reckoned = _number(node.attrs.get(key)), levels.at(node.id)
            if said is not None and reckoned and all(_differ(said, level) for level in reckoned):
                should = "、".join(f"{level:g}" for level in sorted(reckoned))
                problems.append(f"{node.id}: {key} 写 {said:g}，按损耗算是 {should} · not what the losses leave")
    for node in graph.nodes.values():
        into, gain, out = (_number(node.attrs.get(key)) for key in ("in_dbuv", "gain_db", "out_dbuv"))
        if gain is not None and into is not None and _differ(out, into + gain):
            problems.append(f"{node.id}: out_dbuv 写 {out:g}，输入加增益是 {into + gain:g} · not input plus gain")
    return problems


def _user_levels(graph: Graph) -> list[str]:
    """What a subscriber gets is what comes in, less tap, distribution and drop."""
    problems = []
    levels = Levels(graph, RADIO)
    for node in graph.nodes.values():
        said = _number(node.attrs.get("user_dbuv"))
        lost = _sum([_number(node.attrs.get(key, 0)) for key in ("tap_db", "dist_db", "drop_db")])
        if said is None or lost is None:
            continue
        into = _number(node.attrs.get("in_dbuv"))
        reckoned = levels.at(node.id) if into is None else {into}
        if reckoned and all(_differ(said, level - lost) for level in reckoned):
            should = "、".join(f"{level - lost:g}" for level in sorted(reckoned))
            problems.append(f"{node.id}: user_dbuv 写 {said:g}，按损耗算是 {should} · not what the losses leave")
    return problems


def _splitters(graph: Graph) -> list[str]:
    """A splitter serves no more than its ratio says; a group of units (`onus`) takes one output each."""
    taken: dict[str, float] = defaultdict(float)
    for link in graph.links:
        if link.medium == "fiber":
            taken[link.upstream] += _number(graph.nodes[link.downstream].attrs.get("onus")) or 1
    problems = []
    for node in graph.nodes.values():
        outputs = _RATIO.fullmatch(str(node.attrs.get("ratio", "")))
        if outputs is None:
            continue
        if taken[node.id] > int(outputs[1]):
            problems.append(f"{node.id}: {node.attrs['ratio']} 接了 {taken[node.id]:g} 路 · more than its outputs")
        used, spare = (_number(node.attrs.get(key)) for key in ("used_ports", "spare_ports"))
        if spare is not None and _differ(used, int(outputs[1]) - spare):
            problems.append(f"{node.id}: used_ports 加 spare_ports 不是 {outputs[1]} · not all its outputs")
    return problems


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _sum(values: list[float | None]) -> float | None:
    """The sum, if all are known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _differ(said: float | None, reckoned: float | None) -> bool:
    """Are both known, and not the same but for rounding?"""
    return said is not None and reckoned is not None and abs(said - reckoned) > ROUNDING + 1e-9


def _several(value: Any) -> set[str]:
    """One or a list, as written in attributes."""
    return {str(item) for item in (value if isinstance(value, list) else [value]) if item is not None}


def _networks_of(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes.values() if "net" in node.attrs]


def _address(value: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_interface(str(value)).ip
    except ValueError:
        return None


def _network(value: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(str(value))
    except ValueError:
        return None
