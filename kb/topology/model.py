"""What is a drawing of a network: nodes, links, and what hangs above and below what?

One model for all forms in which people write one. Links point downstream; `power` links are a graph of their own.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MEDIA = ("fiber", "coax", "twisted_pair", "power", "logical")
NODE_TYPES = (
    "headend", "sub_headend", "optical_node", "amplifier", "tap", "splitter", "olt", "onu", "eoc_head",
    "eoc_terminal", "switch", "router", "firewall", "bras", "server", "storage", "power_supply", "building",
    "terminal", "service",
)  # fmt: skip
MAX_NODES = 1_000  # of one drawing: beyond this nobody reads it
MAX_LINKS = 4_000
# How the naming convention writes a device: LS-ZJ-OLT-01. Numbers of entries and records have two parts.
NODE_ID = re.compile(r"(?<![A-Za-z0-9-])[A-Z]{2,4}(?:-[A-Z0-9]+){2,}(?![A-Za-z0-9-])")


class Node(BaseModel):
    """A device or place; `attrs` holds whatever is known of it. Drawings that do not say the type leave it empty."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    id: str
    type: str = ""
    name: str = Field(min_length=1)
    attrs: dict[str, Any] = Field(default_factory=dict)

    @property
    def codes(self) -> list[str]:
        """What people call it when they report a fault on it: its id, and the codes that its name holds."""
        return list(dict.fromkeys([self.id, *NODE_ID.findall(self.name)]))


class Link(BaseModel):
    """A connection from upstream `a` to downstream `b`, each `node` or `node:port`."""

    model_config = ConfigDict(extra="forbid")

    a: str
    b: str
    medium: str
    attrs: dict[str, Any] = Field(default_factory=dict)

    @property
    def upstream(self) -> str:
        return self.a.partition(":")[0]

    @property
    def downstream(self) -> str:
        return self.b.partition(":")[0]

    @property
    def power(self) -> bool:
        return self.medium == "power"

    @property
    def both_ways(self) -> bool:
        """Does service pass in either direction, as between two core switches? Drawn from one to the other all the same."""
        return self.attrs.get("both") is True


@dataclass(frozen=True)
class Graph:
    """A checked topology, and what its author said of how it looks.

    `direction` is where signals run to: LR, RL, TB or BT. `places` is where the author put the middle of each node, in pixels
    from anywhere, of all nodes or of none.
    """

    nodes: dict[str, Node]
    links: list[Link] = field(default_factory=list)
    direction: str = "LR"
    places: dict[str, tuple[float, float]] = field(default_factory=dict)

    def below(self, node: str, *, power: bool = False) -> set[str]:
        """Which nodes hang below this one, over signal links or over power links?"""
        return _reached(((link.upstream, link.downstream) for link in self.links if link.power is power), node)

    def above(self, node: str, *, power: bool = False) -> set[str]:
        """Which nodes does this one hang below: where its signal comes from, or its power?"""
        return _reached(((link.downstream, link.upstream) for link in self.links if link.power is power), node)


def _reached(steps: Iterable[tuple[str, str]], start: str) -> set[str]:
    following: dict[str, list[str]] = defaultdict(list)
    for one, other in steps:
        following[one].append(other)
    found: set[str] = set()
    queue = deque(following[start])
    while queue:
        current = queue.popleft()
        if current not in found:
            found.add(current)
            queue.extend(following[current])
    return found
