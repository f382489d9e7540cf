"""Which nodes and links does a topology document describe, and do they hang together?

The graph stands in the document's one ` ```topology ` block, as YAML; `content/README.md` shows the form.
Links point downstream. `power` links are a graph of their own, so that one can ask who loses service with a supply.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kb.errors import Invalid

MEDIA = ("fiber", "coax", "twisted_pair", "power", "logical")
NODE_TYPES = (
    "headend", "sub_headend", "optical_node", "amplifier", "tap", "splitter", "olt", "onu", "eoc_head",
    "eoc_terminal", "switch", "router", "firewall", "bras", "server", "storage", "power_supply", "building",
    "terminal", "service",
)  # fmt: skip
_Model = TypeVar("_Model", bound=BaseModel)
_BLOCK = re.compile(r"^```topology[ \t]*\n(.*?)^```[ \t]*$", flags=re.MULTILINE | re.DOTALL)


class Node(BaseModel):
    """A device or place; `attrs` holds whatever is known of it."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    type: str
    name: str = Field(min_length=1)
    attrs: dict[str, Any] = Field(default_factory=dict)


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


@dataclass(frozen=True)
class Graph:
    """A checked topology."""

    nodes: dict[str, Node]
    links: list[Link] = field(default_factory=list)

    def below(self, node: str, *, power: bool = False) -> set[str]:
        """Which nodes hang below this one, over signal links or over power links?"""
        below: dict[str, list[str]] = defaultdict(list)
        for link in self.links:
            if (link.medium == "power") is power:
                below[link.upstream].append(link.downstream)
        found: set[str] = set()
        queue = deque(below[node])
        while queue:
            current = queue.popleft()
            if current not in found:
                found.add(current)
                queue.extend(below[current])
        return found


def parse(body: str) -> Graph:
    """Read the topology block of a document; every problem is named, with its line in the block."""
    blocks = list(_BLOCK.finditer(body))
    if len(blocks) != 1:
        raise Invalid(f"正文须有一个 topology 代码块,现有 {len(blocks)} 个 · exactly one topology block is needed")
    first_line = body.count("\n", 0, blocks[0].start(1)) + 1
    try:
        data = yaml.safe_load(blocks[0].group(1))
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = first_line + mark.line if mark else first_line
        problem = f"第 {line} 行不是合法的 YAML · line {line} is not valid YAML: {getattr(exc, 'problem', exc)}"
        raise Invalid(problem) from exc
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list) or not isinstance(data.get("links"), list):
        raise Invalid("topology 须有 nodes 与 links 两个列表 · needs the lists nodes and links")
    problems: list[str] = []
    nodes: dict[str, Node] = {}
    for number, item in enumerate(data["nodes"], 1):
        node = _read(Node, item, f"nodes[{number}]", problems)
        if node is None:
            continue
        if node.id in nodes:
            problems.append(f"nodes[{number}]: 编号 {node.id} 重复 · duplicate node")
        if node.type not in NODE_TYPES:
            problems.append(f"nodes[{number}]: 未知类型 {node.type} · unknown type")
        nodes[node.id] = node
    links: list[Link] = []
    for number, item in enumerate(data["links"], 1):
        link = _read(Link, item, f"links[{number}]", problems)
        if link is None:
            continue
        for end in (link.upstream, link.downstream):
            if end not in nodes:
                problems.append(f"links[{number}]: 没有节点 {end} · no such node")
        if link.medium not in MEDIA:
            problems.append(f"links[{number}]: 未知介质 {link.medium} · unknown medium")
        links.append(link)
    if problems:
        raise Invalid("; ".join(problems), problems=problems)
    return Graph(nodes, links)


def _read(model: type[_Model], item: Any, where: str, problems: list[str]) -> _Model | None:
    try:
        return model.model_validate(item)
    except ValidationError as exc:
        problems += [f"{where}.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()]
        return None
