"""Drawings are laid out so that every name can be read: no box on another, signals from left to right, names whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import library, topology
from kb.documents import parse
from kb.topology import Graph, Link, Node
from web.layout import Layout, lay_out, text_width, wrapped

SHIPPED = sorted((library.library_path() / "topology").glob("*.md"), key=lambda path: path.name)


def overlapping(layout: Layout) -> list[tuple[str, str]]:
    boxes = list(layout.boxes.values())
    return [
        (one.id, other.id)
        for at, one in enumerate(boxes)
        for other in boxes[at + 1 :]
        if one.x < other.x + other.width and other.x < one.x + one.width
        if one.y < other.y + other.height and other.y < one.y + one.height
    ]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_drawings_can_be_read(path) -> None:
    graph = topology.parse(parse(path.read_text("utf-8")).body)
    layout = lay_out(graph)
    assert overlapping(layout) == []
    assert layout.boxes.keys() == graph.nodes.keys() and len(layout.ways) == len(graph.links)
    for box in layout.boxes.values():
        assert "".join(box.lines) == graph.nodes[box.id].name.replace(" ", "")  # nothing cut off
        assert all(text_width(line, 13) <= box.width for line in box.lines)
        assert box.x >= 0 and box.x + box.width <= layout.width and box.y >= 0 and box.y + box.height <= layout.height
    for link in graph.links:
        if not link.power and not link.both_ways:
            assert layout.boxes[link.upstream].x < layout.boxes[link.downstream].x


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.booleans()), max_size=40))
def test_any_graph_is_laid_out(pairs: list[tuple[int, int, bool]]) -> None:
    links = [Link(a=f"N{a}", b=f"N{b}", medium="power" if power else "fiber") for a, b, power in pairs]
    nodes = {f"N{at}": Node(id=f"N{at}", name=f"节点{at}" * (at + 1)) for at in range(13)}
    layout = lay_out(Graph(nodes, links))
    assert overlapping(layout) == []
    assert len(layout.boxes) == 13
    assert all(len(way.points) >= 2 for way in layout.ways)


def test_without_power_its_links_and_supplies_go() -> None:
    nodes = {name: Node(id=name, name=name) for name in "PABX"}
    links = [Link(a="P", b="A", medium="power"), Link(a="A", b="B", medium="coax")]
    assert lay_out(Graph(nodes, links), power=False).boxes.keys() == {"A", "B", "X"}


def test_numbers_stay_whole_where_they_fit() -> None:
    assert wrapped("光节点放大器0101-01", 13, 100, 3) == ["光节点放大器", "0101-01"]
    assert wrapped("A" * 40, 10, 60, 2) == ["A" * 9, "A" * 8 + "…"]
    assert wrapped("", 10, 60, 2) == []
