"""What does a person see on a drawing of a network: faults on its nodes, what is written about one, what hangs on it?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from indexer import Tier
from kb import topology
from kb.access import Permission, Person
from kb.errors import BadQuery, IndexUnavailable
from kb.lifecycle import DONE_INCIDENT
from kb.models import Incident
from kb.topology import Graph, Impact, Node
from web.drawing import Marks
from web.languages import counted
from web.layout import Layout
from web.search import Found, SearchService

ABOUT = 6  # entries shown beside a node
SUPPLIES = 40  # supplies whose failure is reckoned for the overview


@dataclass(frozen=True)
class Focus:
    """One node of a drawing: what it hangs below, what supplies it, what hangs below it, in the order of the picture."""

    node: Node
    above: list[Node]
    supply: list[Node]
    below: list[Node]
    fed: list[Node]


def focus(graph: Graph, layout: Layout, node: str) -> Focus:
    def sorted_nodes(ids: set[str]) -> list[Node]:
        down = layout.axis == "y"
        place = {key: (box.y, box.x) if down else (box.x, box.y) for key, box in layout.boxes.items()}
        return [graph.nodes[key] for key in sorted(ids - {node}, key=lambda key: place.get(key, (0.0, 0.0)))]

    return Focus(
        graph.nodes[node],
        sorted_nodes(graph.above(node)),
        sorted_nodes(graph.above(node, power=True)),
        sorted_nodes(graph.below(node)),
        sorted_nodes(graph.below(node, power=True)),
    )


def marks(
    graph: Graph, seen: Focus | None, failing: Impact | None, found: Sequence[Node], open_on: dict[str, int]
) -> Marks:
    """What the picture shows of all this; a failure is shown before a focus, a focus before what a search found."""
    if failing is not None:
        classes = dict.fromkeys(failing.partly, "partly") | dict.fromkeys(failing.out, "out")
        words = dict.fromkeys(failing.partly, gettext("部分断")) | dict.fromkeys(failing.out, gettext("断"))
        failed = dict.fromkeys(failing.failed, "failed")
        return Marks(classes | failed, words | dict.fromkeys(failed, gettext("故障")), open_on, dim=True)
    if seen is not None:
        node = seen.node.id
        sides = [
            ("fed", False, {node} | {other.id for other in seen.fed}, True),
            ("below", False, {node} | {other.id for other in seen.below}, False),
            ("supply", True, {node} | {other.id for other in seen.supply}, True),
            ("above", True, {node} | {other.id for other in seen.above}, False),
        ]
        classes = {other: name for name, _, side, _ in sides for other in side}
        ways = {
            (link.upstream, link.downstream)
            for link in graph.links
            for _, _, side, power in sides
            if link.power is power and link.upstream in side and link.downstream in side
        }
        return Marks(classes | {node: "focus"}, {}, open_on, ways, dim=True)
    return Marks({node.id: "match" for node in found}, {}, open_on, dim=bool(found))


def matching(graph: Graph, text: str) -> list[Node]:
    """The node of which this is the id or name, else those whose id, name or attributes hold every word of the text."""
    same = [node for node in graph.nodes.values() if text.casefold() in (node.id.casefold(), node.name.casefold())]
    if same:
        return same
    words = text.casefold().split()
    if not words:
        return []
    return [
        node
        for node in graph.nodes.values()
        if all(word in f"{node.id} {node.name} {' '.join(map(str, node.attrs.values()))}".casefold() for word in words)
    ]


def supplies(graph: Graph) -> list[tuple[Node, Impact]]:
    """What goes out with each supply that hangs on no other?"""
    feeding = dict.fromkeys(link.upstream for link in graph.links if link.power)
    fed = {link.downstream for link in graph.links if link.power}
    first = [node for node in feeding if node not in fed][:SUPPLIES]
    return [(graph.nodes[node], topology.impact(graph, [node])) for node in first]


def subscribers(counts: dict[str, int]) -> str:
    """168 户 · 64 台终端"""
    said = {
        "homes": lambda number: counted("%(num)s 户", number),
        "onus": lambda number: counted("%(num)s 台光猫", number),
        "terminals": lambda number: counted("%(num)s 台终端", number),
        "count": lambda number: counted("%(num)s 台终端", number),
    }
    return " · ".join(said[key](number) for key, number in counts.items())


def open_incidents(session: Session, by: Person, graph: Graph) -> dict[str, list[Row[tuple[str, str, str, int]]]]:
    """Open incidents by node: those that name it as theirs, and those whose text has its code. For staff alone."""
    if not by.may(Permission.HANDLE_INCIDENTS):
        return {}
    nodes = {code.casefold(): node.id for node in graph.nodes.values() for code in node.codes}
    by_name = {node.name.casefold(): node.id for node in graph.nodes.values()}
    rows = session.execute(
        select(Incident.number, Incident.title, Incident.state, Incident.priority, Incident.node, Incident.description)
        .where(Incident.state.not_in(sorted(DONE_INCIDENT)))
        .order_by(Incident.priority, Incident.id)
    )
    found: dict[str, list[Row[tuple[str, str, str, int]]]] = defaultdict(list)
    for row in rows:
        said = row.node.strip().casefold()
        named = [nodes.get(said) or by_name.get(said)]
        named += [
            nodes.get(code.casefold())
            for code in topology.NODE_ID.findall(f"{row.node}\n{row.title}\n{row.description}")
        ]
        for node in dict.fromkeys(key for key in named if key is not None):
            found[node].append(row)
    return found


def about(search: SearchService, by: Person, node: Node, *, but: str) -> list[tuple[Found, bool]]:
    """Entries that this person may see: first those that name the node (True), then those about things of its name."""
    found: dict[str, tuple[Found, bool]] = {}
    try:
        for code in node.codes[-1:] if topology.NODE_ID.fullmatch(node.codes[-1]) else []:
            page = search.search(by, f'"{code}"', exact=True, limit=ABOUT + 1)
            found |= {hit.id: (hit, True) for hit in page.hits if not page.as_words and hit.tier != Tier.PINYIN}
        page = search.search(by, node.name, pasted=True, limit=ABOUT + 1)
    except (IndexUnavailable, BadQuery):
        return []
    for hit in page.hits:
        if hit.tier in (Tier.EXACT, Tier.WORDS):
            found.setdefault(hit.id, (hit, False))
    found.pop(but, None)
    return list(found.values())[:ABOUT]
