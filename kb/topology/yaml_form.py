"""Our own form: the graph stands in a document's one ` ```topology ` block, as YAML; `content/README.md` shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kb.errors import Invalid
from kb.topology.model import MAX_LINKS, MAX_NODES, MEDIA, NODE_TYPES, Graph, Link, Node

BLOCK = re.compile(r"^```topology[ \t]*\n(.*?)^```[ \t]*$", flags=re.MULTILINE | re.DOTALL)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast
_Model = TypeVar("_Model", bound=BaseModel)


def parse(body: str) -> Graph:
    """Read the one topology block of a document; raises Invalid, every problem named with its line in the document."""
    blocks = list(BLOCK.finditer(body))
    if len(blocks) != 1:
        raise Invalid(f"正文须有一个 topology 代码块,现有 {len(blocks)} 个 · exactly one topology block is needed")
    return read(blocks[0].group(1), first_line=body.count("\n", 0, blocks[0].start(1)) + 1)


def read(text: str, *, first_line: int = 1) -> Graph:
    """Read the text of a block that begins in this line of its document. Raises Invalid."""
    data, lines = _load(text, first_line)
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list) or not isinstance(data.get("links"), list):
        problem = f"第 {first_line} 行：topology 须有 nodes 与 links 两个列表 · needs the lists nodes and links"
        raise Invalid(problem, line=first_line)
    if len(data["nodes"]) > MAX_NODES or len(data["links"]) > MAX_LINKS:
        raise Invalid(f"图太大，至多 {MAX_NODES} 个节点、{MAX_LINKS} 条链路 · too large", line=first_line)
    problems = _Problems(lines)
    nodes: dict[str, Node] = {}
    for number, item in enumerate(data["nodes"], 1):
        node = _read(Node, item, ("nodes", number), problems)
        if node is None:
            continue
        if not _ID.fullmatch(node.id):
            problems.add(("nodes", number), f"编号 {node.id} 只能用字母、数字与 _ . - · not an id")
        if node.id in nodes:
            problems.add(("nodes", number), f"编号 {node.id} 重复 · duplicate node")
        if node.type not in NODE_TYPES:
            problems.add(("nodes", number), f"未知类型 {node.type} · unknown type")
        nodes[node.id] = node
    links: list[Link] = []
    for number, item in enumerate(data["links"], 1):
        link = _read(Link, item, ("links", number), problems)
        if link is None:
            continue
        for end in (link.upstream, link.downstream):
            if end not in nodes:
                problems.add(("links", number), f"没有节点 {end} · no such node")
        if link.medium not in MEDIA:
            problems.add(("links", number), f"未知介质 {link.medium} · unknown medium")
        links.append(link)
    problems.refuse()
    return Graph(nodes, links)


@dataclass
class _Problems:
    """What is wrong, each with the line of its item."""

    lines: dict[tuple[str, int], int]

    def __post_init__(self) -> None:
        self._found: list[tuple[int, str]] = []

    def add(self, item: tuple[str, int], said: str) -> None:
        line = self.lines[item]
        self._found.append((line, f"第 {line} 行 {item[0]}[{item[1]}]: {said}"))

    def refuse(self) -> None:
        if self._found:
            problems = [said for _, said in self._found]
            raise Invalid("; ".join(problems), problems=problems, line=self._found[0][0])


def _load(text: str, first_line: int) -> tuple[Any, dict[tuple[str, int], int]]:
    """The data, and in which line each node and link begins."""
    try:
        loader = _LOADER(text)
        try:
            root = loader.get_single_node()
            _refuse_aliases(root, first_line)
            return (None if root is None else loader.construct_document(root)), dict(_lines(root, first_line))
        finally:
            loader.dispose()
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = first_line + mark.line if mark else first_line
        problem = f"第 {line} 行不是合法的 YAML · line {line} is not valid YAML: {getattr(exc, 'problem', exc)}"
        raise Invalid(problem, line=line) from exc
    except (ValueError, RecursionError) as exc:  # a date that is none; brackets a thousand deep
        raise Invalid(f"第 {first_line} 行起的 YAML 读不出 · cannot be read: {exc}", line=first_line) from exc


def _lines(root: Any, first_line: int) -> Iterator[tuple[tuple[str, int], int]]:
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if isinstance(value, yaml.SequenceNode):
            for number, item in enumerate(value.value, 1):
                yield (str(key.value), number), first_line + item.start_mark.line


def _refuse_aliases(root: Any, first_line: int) -> None:
    """An anchor used twice is one object: a few lines could stand for more than there is memory."""
    seen: set[int] = set()
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            line = first_line + node.start_mark.line
            raise Invalid(f"第 {line} 行：不接受 YAML 的锚点与别名 · no anchors and aliases", line=line)
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _read(model: type[_Model], item: Any, where: tuple[str, int], problems: _Problems) -> _Model | None:
    try:
        return model.model_validate(item)
    except ValidationError as exc:
        for error in exc.errors():
            problems.add(where, f"{'.'.join(map(str, error['loc']))}: {error['msg']}")
        return None
