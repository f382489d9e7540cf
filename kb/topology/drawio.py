"""Which nodes and links does a draw.io (diagrams.net) file describe?

A file is XML: pages, each a tree of cells in plain XML or deflated and in base64; a cell is a vertex or an edge. An
uploaded file is not to be trusted: document types, and with them entities, are refused, and nothing is unpacked beyond a bound.
https://www.drawio.com/doc/faq/diagram-source-edit
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from xml.parsers import expat

from kb.errors import Invalid
from kb.topology.labels import counted, medium, plain
from kb.topology.model import MAX_LINKS, MAX_NODES, MEDIA, NODE_ID, Graph, Link, Node

MAX_BYTES = 8_000_000  # of a file, and of a page unpacked
_MAX_DEPTH = 60  # elements within elements
_MAX_PIXELS = 1e6  # from the middle of the page; farther out is no place
_OWN = frozenset(
    {"label", "id", "placeholders", "placeholder", "tooltip", "link"}
)  # of an <object>; the others are people's
_NOT_ID = re.compile(r"[:\s]+")


@dataclass(frozen=True)
class Page:
    """One page of a file; `loose` are the lines of the file with a connection that ends nowhere, `texts` what stands
    beside the nodes."""

    name: str
    graph: Graph
    loose: list[int]
    texts: list[str]


@dataclass
class _Element:
    tag: str
    attrs: dict[str, str]
    line: int
    children: list[_Element] = field(default_factory=list)
    text: str = ""

    def all(self, *tags: str) -> Iterator[_Element]:
        for child in self.children:
            if child.tag in tags:
                yield child
            yield from child.all(*tags)


@dataclass
class _Cell:
    """A vertex or edge, with what an <object> around it says."""

    id: str
    label: str
    attrs: dict[str, str]
    extra: dict[str, str]
    line: int
    geometry: dict[str, str] = field(default_factory=dict)

    @property
    def style(self) -> dict[str, str]:
        pairs = (part.partition("=") for part in self.attrs.get("style", "").split(";") if part)
        return {name: value or "1" for name, _, value in pairs}


def read(data: bytes) -> list[Page]:
    """The pages of a file that have nodes. Raises Invalid with the line."""
    root = _elements(data)
    if root.tag == "mxGraphModel":
        return _some([_page("", root)], root.line)
    if root.tag != "mxfile":
        raise _wrong(root.line, f"不是 draw.io 文件，根元素是 {root.tag} · not a draw.io file")
    pages = []
    for number, diagram in enumerate((child for child in root.children if child.tag == "diagram"), 1):
        name = diagram.attrs.get("name") or f"第 {number} 页"
        model = next(diagram.all("mxGraphModel"), None)
        if model is None and diagram.text.strip():
            model = _unpacked(diagram)
        if model is not None:
            pages.append(_page(name, model))
    return _some(pages, root.line)


def _some(pages: list[Page], line: int) -> list[Page]:
    found = [page for page in pages if page.graph.nodes]
    if not found:
        raise _wrong(line, "图里没有节点 · no nodes")
    return found


def _unpacked(diagram: _Element) -> _Element:
    """The model in a page that is base64 of raw deflate of percent-encoded XML."""
    try:
        packed = base64.b64decode(diagram.text.strip(), validate=True)
        machine = zlib.decompressobj(-zlib.MAX_WBITS)
        data = machine.decompress(packed, MAX_BYTES)
    except (binascii.Error, zlib.error, ValueError) as exc:
        raise _wrong(diagram.line, "压缩的页面解不开 · the compressed page cannot be unpacked") from exc
    if machine.unconsumed_tail or not machine.eof:
        raise _wrong(diagram.line, "压缩的页面不完整或太大 · the compressed page is cut short or too large")
    try:
        return _elements(unquote(data.decode("utf-8"), errors="strict").encode("utf-8"))
    except UnicodeDecodeError as exc:
        raise _wrong(diagram.line, "压缩的页面不是 UTF-8 · the compressed page is not UTF-8") from exc
    except Invalid as exc:
        chinese, _, english = exc.message.partition(" · ")
        raise _wrong(diagram.line, f"压缩的页面里{chinese} · in the compressed page, {english}") from exc


def _elements(data: bytes) -> _Element:
    """The tree of elements, each with its line. No document type, no entities of its own, bounded size and depth."""
    if len(data) > MAX_BYTES:
        raise _wrong(1, f"文件超过 {MAX_BYTES // 1_000_000} MB · too large")
    parser = expat.ParserCreate()
    open_elements = [_Element("", {}, 1)]

    def begin(tag: str, attrs: dict[str, str]) -> None:
        if len(open_elements) > _MAX_DEPTH:
            raise _wrong(parser.CurrentLineNumber, "元素嵌套太深 · nested too deep")
        element = _Element(tag, attrs, parser.CurrentLineNumber)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def refuse(*_: Any) -> None:
        raise _wrong(parser.CurrentLineNumber, "不接受 DOCTYPE 与实体 · no DOCTYPE, no entities")

    def text(said: str) -> None:
        open_elements[-1].text += said

    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _: open_elements.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.buffer_text, parser.buffer_size = True, 1 << 20
    try:
        parser.Parse(data, True)
    except expat.ExpatError as exc:
        raise _wrong(exc.lineno, f"不是合法的 XML · not valid XML: {expat.ErrorString(exc.code)}") from exc
    except (ValueError, LookupError) as exc:  # an encoding that nobody knows
        raise _wrong(1, f"不是合法的 XML · not valid XML: {exc}") from exc
    return open_elements[0].children[0]


def _page(name: str, model: _Element) -> Page:
    cells = {cell.id: cell for cell in _cells(model)}
    edges = [cell for cell in cells.values() if cell.attrs.get("edge") == "1"]
    labels = _edge_labels(cells, edges)
    linked = {edge.attrs.get(end, "") for edge in edges for end in ("source", "target")}
    shapes = [
        cell for cell in cells.values() if cell.attrs.get("vertex") == "1" and cell.attrs.get("parent") not in labels
    ]
    shapes = [cell for cell in shapes if cell.label or cell.id in linked]
    holding = {cell.attrs.get("parent") for cell in shapes}
    drawn: list[_Cell] = []
    texts: list[_Cell] = []
    for cell in shapes:  # a note is no node, and neither is a frame that holds nodes, unless something leads to it
        beside = "text" in cell.style or cell.id in holding
        (texts if beside and cell.id not in linked else drawn).append(cell)
    nodes = _nodes(drawn, cells)
    if len(nodes) > MAX_NODES or len(edges) > MAX_LINKS:
        raise _wrong(model.line, f"图太大，至多 {MAX_NODES} 个节点、{MAX_LINKS} 条链路 · too large")
    places = {node.id: place for id_, node in nodes.items() if (place := _middle(cells[id_], cells)) is not None}
    links, loose = [], []
    for edge in edges:
        source, target = nodes.get(edge.attrs.get("source", "")), nodes.get(edge.attrs.get("target", ""))
        if source is None or target is None:
            loose.append(edge.line)
        else:
            links.append(_link(edge, source, target, labels[edge.id]))
    graph = Graph({node.id: node for node in nodes.values()}, links, places=places if len(places) == len(nodes) else {})
    return Page(name, graph, loose, [cell.label for cell in texts])


def _cells(model: _Element) -> Iterator[_Cell]:
    wrapped = set()
    for element in model.all("object", "UserObject", "mxCell"):
        attrs = element.attrs
        if element.tag == "mxCell":
            if id(element) not in wrapped:
                yield _Cell(
                    attrs.get("id", ""), plain(attrs.get("value", "")), attrs, {}, element.line, _geometry(element)
                )
        elif (cell := next(element.all("mxCell"), None)) is not None:
            wrapped.add(id(cell))
            extra = {name: plain(value) for name, value in attrs.items() if name not in _OWN and value.strip()}
            label = plain(attrs.get("label", ""))
            yield _Cell(attrs.get("id", ""), label, cell.attrs, extra, element.line, _geometry(cell))


def _geometry(cell: _Element) -> dict[str, str]:
    return next((child.attrs for child in cell.children if child.tag == "mxGeometry"), {})


def _middle(cell: _Cell, cells: dict[str, _Cell]) -> tuple[float, float] | None:
    """Where the author put the middle of a shape, if the file says so: each shape is placed from the corner of the one
    that holds it, and a coordinate that is left out is 0."""
    x, y = (_number(cell.geometry, side, "nan") / 2 for side in ("width", "height"))
    seen: set[str] = set()
    holder: _Cell | None = cell
    while holder is not None and holder.geometry and holder.id not in seen:
        if holder.geometry.get("relative") == "1":  # a share of what holds it, as of ports and of labels on edges
            return None
        seen.add(holder.id)
        x, y = x + _number(holder.geometry, "x"), y + _number(holder.geometry, "y")
        holder = cells.get(holder.attrs.get("parent", ""))
    return (x, y) if abs(x) <= _MAX_PIXELS and abs(y) <= _MAX_PIXELS else None  # nor is what is no number


def _number(geometry: dict[str, str], name: str, otherwise: str = "0") -> float:
    try:
        return float(geometry.get(name, otherwise))
    except ValueError:
        return math.nan


def _edge_labels(cells: dict[str, _Cell], edges: list[_Cell]) -> dict[str, str]:
    """What stands on each edge: its own label, and those of the cells that hang on it."""
    labels = {edge.id: [edge.label] if edge.label else [] for edge in edges}
    for cell in cells.values():
        if cell.attrs.get("parent") in labels and cell.label and cell.attrs.get("edge") != "1":
            labels[cell.attrs["parent"]].append(cell.label)
    return {key: " ".join(parts) for key, parts in labels.items()}


def _nodes(drawn: list[_Cell], cells: dict[str, _Cell]) -> dict[str, Node]:
    """Nodes by the id of their cell. What people call a device is its id, if the label has one code and no other the same."""
    nodes: dict[str, Node] = {}
    taken: set[str] = set()
    for cell in drawn:
        codes = NODE_ID.findall(cell.label)
        key = codes[0] if len(codes) == 1 and codes[0] not in taken else _NOT_ID.sub("-", cell.id) or "node"
        while key in taken:
            key += "-2"
        taken.add(key)
        name = cell.label or key
        holder = cells.get(cell.attrs.get("parent", ""))
        group = {"group": holder.label} if holder is not None and holder.label else {}
        known = {
            name: int(value) if value.isdecimal() and len(value) < 10 else value for name, value in cell.extra.items()
        }
        kind = str(known.pop("type", ""))
        nodes[cell.id] = Node(id=key, type=kind, name=name, attrs=counted(name) | group | known)
    return nodes


def _link(edge: _Cell, source: Node, target: Node, label: str) -> Link:
    """An arrow points downstream; a line without arrows, or with two, goes both ways."""
    style = edge.style
    begins, ends = style.get("startArrow", "none") != "none", style.get("endArrow", "classic") != "none"
    if begins and not ends:
        source, target = target, source
    written = edge.extra.get("medium")
    kind = written if written in MEDIA else medium(label)
    attrs: dict[str, Any] = ({"label": label} if label else {}) | {k: v for k, v in edge.extra.items() if k != "medium"}
    if begins is ends and kind != "power":
        attrs["both"] = True
    return Link(a=source.id, b=target.id, medium=kind, attrs=attrs)


def _wrong(line: int, said: str) -> Invalid:
    chinese, _, english = said.partition(" · ")
    return Invalid(f"第 {line} 行：{chinese} · line {line}: {english}", line=line)
