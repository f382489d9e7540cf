"""Who loses service if a supply or a node fails?

A device with power links works while one of its supplies reaches it; what has failed passes neither power nor signal.
Signals come over feeds: coax is one (television), fibre and twisted pair are another (data and light), and one way of
a feed is enough. A device none of whose feeds is left is out, one that lost a feed and kept another is partly out, and
so is what hangs below it alone. Logical links say what a thing depends on: of each type of what it depends on, one is
enough, unless its attribute `needs` names those that all have to be there. What did not work before is not counted.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum

from kb.topology.model import Graph, Link, Node

COUNTS = ("homes", "onus", "terminals", "count")  # attributes that say how many
# These carry what is connected to themselves; a count anywhere else says how many are below it.
_ENDS = ("tap", "onu", "eoc_terminal", "terminal")


class Service(IntEnum):
    """How much of its service does a node have?"""

    NONE = 0
    PART = 1
    FULL = 2


@dataclass(frozen=True)
class Impact:
    """Nodes out of service and partly so, beside what failed, in the order of the drawing; how many subscribers are out,
    those of what failed among them, and how many partly so, by the attribute that says so."""

    failed: list[str]
    out: list[str]
    partly: list[str]
    out_counts: dict[str, int]
    partly_counts: dict[str, int]


def impact(graph: Graph, failed: Collection[str]) -> Impact:
    """What do these nodes take with them when they fail?"""
    before, after = _service(graph, frozenset()), _service(graph, frozenset(failed))
    worse = [node for node in graph.nodes if after[node] < before[node]]
    out = [node for node in worse if after[node] is Service.NONE]
    partly = [node for node in worse if after[node] is Service.PART]
    own = _own_counts(graph)
    return Impact(
        [node for node in graph.nodes if node in failed],
        [node for node in out if node not in failed],
        partly,
        _add(own, out),
        _add(own, partly),
    )


def _service(graph: Graph, failed: frozenset[str]) -> dict[str, Service]:
    """The service of every node: grown from what needs nothing, so that a ring does not keep itself alive."""
    powered = _powered(graph, failed)
    feeds = {node: list(_feeds(graph, node, links)) for node, links in _links_into(graph).items()}
    uses: dict[str, set[str]] = defaultdict(set)
    for node, groups in feeds.items():
        for _, sources in groups:
            for source in sources:
                uses[source].add(node)
    service = dict.fromkeys(graph.nodes, Service.NONE)
    queue = deque(graph.nodes)
    while queue:
        node = queue.popleft()
        if node in failed or node not in powered:
            continue
        now = _served(feeds[node], service)
        if now > service[node]:
            service[node] = now
            queue.extend(uses[node])
    return service


def _served(groups: list[tuple[bool, list[str]]], service: dict[str, Service]) -> Service:
    """The service of a node with these feeds; `True` marks what it cannot do without."""
    had = [(vital, max(service[source] for source in sources)) for vital, sources in groups]
    if any(vital and best is Service.NONE for vital, best in had):
        return Service.NONE
    carried = [best for vital, best in had if not vital]
    if carried and max(carried) is Service.NONE:
        return Service.NONE
    return Service.FULL if all(best is Service.FULL for _, best in had) else Service.PART


def _links_into(graph: Graph) -> dict[str, list[tuple[str, Link]]]:
    """By node, what service comes from; a node with nothing above it is a source, even if a link goes both ways."""
    into: dict[str, list[tuple[str, Link]]] = {node: [] for node in graph.nodes}
    for link in graph.links:
        if not link.power:
            into[link.downstream].append((link.upstream, link))
    for link in graph.links:
        if link.both_ways and not link.power and into[link.upstream]:
            into[link.upstream].append((link.downstream, link))
    return into


def _feeds(graph: Graph, node: str, links: list[tuple[str, Link]]) -> Iterator[tuple[bool, list[str]]]:
    groups: dict[tuple[bool, str], list[str]] = defaultdict(list)
    needs = graph.nodes[node].attrs.get("needs")
    named = {str(one) for one in (needs if isinstance(needs, list) else [needs]) if one is not None}
    for source, link in links:
        if link.medium != "logical":
            groups[False, "coax" if link.medium == "coax" else "data"].append(source)
        elif not named:
            groups[True, graph.nodes[source].type].append(source)
        elif source in named:
            groups[True, source].append(source)
    for (vital, _), sources in groups.items():
        yield vital, sources


def _powered(graph: Graph, failed: frozenset[str]) -> set[str]:
    """What a working supply reaches, and what no supply is drawn for."""
    links = [link for link in graph.links if link.power]
    fed = {link.downstream for link in links}
    powered = {node for node in graph.nodes if node not in fed}
    passed: dict[str, list[str]] = defaultdict(list)
    for link in links:
        passed[link.upstream].append(link.downstream)
    queue = deque(powered - failed)
    while queue:
        for node in passed[queue.popleft()]:
            if node not in powered:
                powered.add(node)
                if node not in failed:
                    queue.append(node)
    return powered


def _own_counts(graph: Graph) -> dict[str, dict[str, int]]:
    """How many does each node have of its own: what it says, less what the nodes below it have, if it is no end."""
    own: dict[str, dict[str, int]] = {node: {} for node in graph.nodes}
    for key in COUNTS:
        saying = [node for node in graph.nodes.values() if _count(node, key)]
        below = {node.id: graph.below(node.id) for node in saying if node.type not in _ENDS}
        saying.sort(key=lambda node: len(below.get(node.id, ())))  # the lowest first
        for node in saying:
            less = sum(own[other].get(key, 0) for other in below.get(node.id, ()))
            own[node.id][key] = max(0, _count(node, key) - less)
    return own


def _count(node: Node, key: str) -> int:
    if key == "onus" and node.type != "onu":  # the house and the splitter say the same of the same units
        return 0
    value = node.attrs.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _add(own: dict[str, dict[str, int]], nodes: list[str]) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for node in nodes:
        for key, number in own[node].items():
            total[key] += number
    return {key: total[key] for key in COUNTS if total[key]}
