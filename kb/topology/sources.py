"""Which drawings does a document have: in its text, and in the files attached to it?

In the text ` ```topology ` and ` ```mermaid ` blocks, as files `.mmd`, `.mermaid` and `.drawio`. Each is read or says, with its
line, why it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from kb.errors import Invalid
from kb.topology import drawio, mermaid, yaml_form
from kb.topology.checks import contradictions
from kb.topology.model import Graph

_BLOCK = re.compile(r"^(?P<fence>```+|~~~+)(?P<form>topology|mermaid)[ \t]*\n(?P<text>.*?)(?:^(?P=fence)[ \t]*$|\Z)", flags=re.MULTILINE | re.DOTALL)  # fmt: skip
_NO_FLOWCHART = re.compile(r"(?:\s|%%[^\n]*\n)*(?!graph\b|flowchart)([a-zA-Z][\w-]*)")
_SUFFIXES = {".mmd": "mermaid", ".mermaid": "mermaid", ".drawio": "drawio", ".dio": "drawio"}


@dataclass(frozen=True)
class Diagram:
    """A drawing that could be read; `loose` are lines of the source with a connection that ends nowhere, `texts` what
    stands on it beside nodes and links."""

    name: str
    form: str
    graph: Graph
    loose: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Broken:
    """A drawing that could not be read: what is wrong, in which line of the source, and the source."""

    name: str
    form: str
    problems: tuple[str, ...]
    line: int
    source: str
    first_line: int = 1  # of the source, in its document


def is_diagram(filename: str) -> bool:
    """Is this the name of a file that holds drawings?"""
    return PurePosixPath(filename).suffix.lower() in _SUFFIXES


def diagrams(body: str, files: Iterable[tuple[str, Callable[[], bytes]]] = ()) -> list[Diagram | Broken]:
    """The drawings of a document in their order, then those of its files (name, and how to get the bytes). Blocks of Mermaid
    that are no flowcharts are no drawings of a network."""
    found: list[Diagram | Broken] = []
    for block in _BLOCK.finditer(body):
        line = body.count("\n", 0, block.start("text")) + 1
        if block["form"] == "topology" or not _NO_FLOWCHART.match(block["text"]):
            found += _read_text(block["form"], block["text"], line)
    for filename, data in files:
        if is_diagram(filename):
            found += read_file(filename, data())
    return found


def prose(body: str) -> str:
    """The text without the drawings that stand in it; the source of one that is broken stays, to be read."""

    def rest(block: re.Match[str]) -> str:
        network = block["form"] == "topology" or not _NO_FLOWCHART.match(block["text"])
        return "" if network and isinstance(_read_text(block["form"], block["text"], 1)[0], Diagram) else block.group()

    return _BLOCK.sub(rest, body)


def read_file(filename: str, data: bytes) -> Sequence[Diagram | Broken]:
    """The drawings in a file, by its name."""
    if _SUFFIXES[PurePosixPath(filename).suffix.lower()] == "drawio":
        return _read_drawio(filename, data)
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        return [Broken(filename, "mermaid", (f"第 {line} 行不是 UTF-8 · line {line} is not UTF-8",), line, "")]
    return _read_text("mermaid", text, 1, filename)


def problems(found: Iterable[Diagram | Broken]) -> tuple[list[str], list[str]]:
    """What keeps drawings from being read, and what in those that could be read does not agree."""
    broken, doubtful = [], []
    for diagram in found:
        of = f"{diagram.name} " if diagram.name else ""
        if isinstance(diagram, Broken):
            broken += [of + said for said in diagram.problems]
        else:
            doubtful += [of + said for said in contradictions(diagram.graph)]
            doubtful += [f"{of}第 {line} 行：连线没有接到节点，未画 · not connected" for line in diagram.loose]
    return broken, doubtful


def labels(found: Iterable[Diagram | Broken]) -> Iterator[str]:
    """What can be read on drawings, each word for search to find: names, ids that people gave, links, groups, notes."""
    for diagram in found:
        if isinstance(diagram, Diagram):
            for node in diagram.graph.nodes.values():
                yield " ".join(dict.fromkeys([node.name, *node.codes[1:], *map(str, node.attrs.values())]))
            yield from (str(link.attrs["label"]) for link in diagram.graph.links if "label" in link.attrs)
            yield from diagram.texts


@lru_cache(maxsize=64)
def _read_text(form: str, text: str, line: int, name: str = "") -> tuple[Diagram | Broken, ...]:
    try:
        graph = (yaml_form if form == "topology" else mermaid).read(text, first_line=line)
    except Invalid as exc:
        return (_broken(name, form, exc, text, line),)
    return (Diagram(name, form, graph),)


@lru_cache(maxsize=16)
def _read_drawio(name: str, data: bytes) -> tuple[Diagram | Broken, ...]:
    try:
        pages = drawio.read(data)
    except Invalid as exc:
        return (_broken(name, "drawio", exc, data.decode("utf-8", "replace"), 1),)
    return tuple(
        Diagram(f"{name} {page.name}".strip(), "drawio", page.graph, tuple(page.loose), tuple(page.texts))
        for page in pages
    )


def _broken(name: str, form: str, exc: Invalid, source: str, first_line: int) -> Broken:
    return Broken(
        name, form, tuple(exc.problems or [exc.message]), int(exc.details.get("line", first_line)), source, first_line
    )
