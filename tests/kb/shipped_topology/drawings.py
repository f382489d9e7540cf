"""A shipped topology as the tests ask it: its figures, its words, its graph, and how its cells are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from kb import documents, library, topology
from kb.topology import Link, Node

CATV, HFC, EPON, EOC, LAN, DC = IDS = (
    "TOP-CATV-001", "TOP-HFC-001", "TOP-EPON-001", "TOP-EOC-001", "TOP-LAN-001", "TOP-DC-001",
)  # fmt: skip
FIBRE_DB_PER_KM = {1310: 0.36, 1490: 0.25, 1550: 0.22}
COAX_OHM_PER_M = 0.01


@dataclass(frozen=True)
class Shipped:
    """A shipped topology: its figures, its words, its graph."""

    id: str
    figures: dict[str, str]
    words: str
    graph: topology.Graph

    def of(self, *types: str) -> list[Node]:
        return [node for node in self.graph.nodes.values() if node.type in types]

    def attrs(self, node: str) -> dict[str, Any]:
        """The attributes of a node, whose number may stand without the county."""
        return self.graph.nodes[node if node in self.graph.nodes else f"LS-{node}"].attrs

    def into(self, node: str, *media: str) -> list[Link]:
        return [link for link in self.graph.links if link.downstream == node and link.medium in media]

    def out_of(self, node: str, *media: str) -> list[Link]:
        return [link for link in self.graph.links if link.upstream == node and link.medium in media]

    def total(self, key: str, nodes: list[Node]) -> int:
        return sum(node.attrs.get(key, 0) for node in nodes)

    def below(self, node: str, type_: str) -> list[Node]:
        return [self.graph.nodes[key] for key in self.graph.below(node) if self.graph.nodes[key].type == type_]

    def table(self, *columns: str) -> list[dict[str, str]]:
        """The rows of the one table that begins with these columns."""
        tables = [
            [[cell.strip() for cell in line.strip("|\n").split("|")] for line in block.splitlines()]
            for block in re.findall(r"(?:^\|.*\n)+", self.words, flags=re.MULTILINE)
        ]
        found = [rows for rows in tables if rows[0][: len(columns)] == list(columns)]
        assert len(found) == 1, f"{self.id}: {len(found)} tables begin with {columns}"
        head, _, *rows = found[0]
        return [dict(zip(head, row, strict=True)) for row in rows]

    def says(self, *sentences: str) -> None:
        for sentence in sentences:
            assert sentence in self.words, f"{self.id} does not say: {sentence}"


@cache
def shipped(id_: str) -> Shipped:
    body = (library.library_path() / "topology" / f"{id_}.md").read_text("utf-8")
    document = documents.parse(body)
    words = re.sub(r"^```topology$.*?^```$", "", document.body, flags=re.MULTILINE | re.DOTALL)
    figures = {figure.name: figure.value for figure in document.attributes.figures}
    return Shipped(id_, figures, words, topology.parse(document.body))


def figures_of(path: str) -> list[str]:
    """The values of the figures of any document of the library."""
    document = documents.parse((library.library_path() / f"{path}.md").read_text("utf-8"))
    return [figure.value for figure in document.attributes.figures]


def number(text: str) -> float:
    """The value of a cell: `+7.92`, `2.6 km`, `23%`, or what stands behind the equals sign."""
    return float(re.sub(r"[ a-zA-Z%+]", "", text.rpartition("=")[2]))


def terms(text: str) -> list[float]:
    """`0.88+1.00+0.20=2.08`: the terms, with a check that they add up."""
    parts, _, total = text.partition("=")
    values = [float(part) for part in parts.split("+")]
    assert sum(values) == pytest.approx(float(total), abs=1e-6), text
    return values


def window(text: str) -> tuple[float, float]:
    low, _, high = text.partition("~")
    return float(low), float(high)


def close(one: Any, other: Any, digits: int = 2) -> bool:
    """The same but for rounding to so many decimals?"""
    return abs(float(one) - float(other)) <= 0.5 * 10**-digits + 1e-9


def chinese(names: str) -> list[str]:
    return names.split("、")


def way_up(drawing: Shipped, node: str) -> list[Link]:
    """The fibres from a unit up to the OLT, nearest first."""
    way: list[Link] = []
    while drawing.graph.nodes[node].type != "olt":
        (link,) = drawing.into(node, "fiber")
        way.append(link)
        node = link.upstream
    return way


def upward_loss(drawing: Shipped, unit: str) -> float:
    """The loss at 1310 nm of a way whose losses are written for 1490 nm."""
    down = drawing.attrs(unit)["path_loss_db"]
    km = sum(link.attrs["len_m"] for link in way_up(drawing, unit)) / 1000
    return float(down + km * (FIBRE_DB_PER_KM[1310] - FIBRE_DB_PER_KM[1490]))
