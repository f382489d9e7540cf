"""Drawings are laid out so that every name can be read: no box on another, signals from left to right, names whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import library, topology
from kb.documents import parse
from kb.topology import Graph, Link, Node
from web.drawing import Marks, draw
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


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.booleans()), max_size=40),
    st.sampled_from(["LR", "RL", "TB", "BT"]),
)
def test_any_graph_is_laid_out(pairs: list[tuple[int, int, bool]], direction: str) -> None:
    links = [Link(a=f"N{a}", b=f"N{b}", medium="power" if power else "fiber") for a, b, power in pairs]
    nodes = {f"N{at}": Node(id=f"N{at}", name=f"节点{at}" * (at + 1)) for at in range(13)}
    layout = lay_out(Graph(nodes, links, direction))
    assert overlapping(layout) == []
    assert len(layout.boxes) == 13
    assert all(box.x >= 0 and box.x + box.width <= layout.width for box in layout.boxes.values())
    assert all(box.y >= 0 and box.y + box.height <= layout.height for box in layout.boxes.values())
    assert all(len(way.points) >= 2 for way in layout.ways)


def test_without_power_its_links_and_supplies_go() -> None:
    nodes = {name: Node(id=name, name=name) for name in "PABX"}
    links = [Link(a="P", b="A", medium="power"), Link(a="A", b="B", medium="coax")]
    assert lay_out(Graph(nodes, links), power=False).boxes.keys() == {"A", "B", "X"}


def test_numbers_stay_whole_where_they_fit() -> None:
    assert wrapped("光节点放大器0101-01", 13, 100, 3) == ["光节点放大器", "0101-01"]
    assert wrapped("A" * 40, 10, 60, 2) == ["A" * 9, "A" * 8 + "…"]
    assert wrapped("", 10, 60, 2) == []


@pytest.mark.parametrize(("direction", "axis", "sign"), [("LR", "x", 1), ("RL", "x", -1), ("TB", "y", 1), ("BT", "y", -1)])  # fmt: skip
def test_signals_run_as_the_author_said(direction: str, axis: str, sign: int) -> None:
    nodes = {name: Node(id=name, name=name * 9) for name in ("源", "甲", "乙", "末")}
    links = [Link(a=a, b=b, medium="fiber") for a, b in ("源甲", "源乙", "甲末", "源末")]
    layout = lay_out(Graph(nodes, links, direction))
    boxes = layout.boxes
    assert layout.axis == axis and overlapping(layout) == []
    for link in links:
        before, after = (getattr(boxes[end], axis) * sign for end in (link.upstream, link.downstream))
        assert before < after
    way = layout.ways[0]  # from the edge of one to the edge of the other
    (x, y), (to_x, to_y) = way.points[0], way.points[-1]
    one, other = boxes["源"], boxes["甲"]
    near, far = (one, other) if sign > 0 else (other, one)
    if axis == "x":
        assert sorted((x, to_x)) == [near.x + near.width, far.x]
    else:
        assert sorted((y, to_y)) == [near.y + near.height, far.y]
    bend = "C{:.0f} {:.0f}".format(*(((x + to_x) / 2, y) if axis == "x" else (x, (y + to_y) / 2)))
    assert bend in draw(Graph(nodes, links), layout, Marks(), title="图")


PLACES = st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=1, max_size=12, unique=True)


@given(PLACES)
def test_places_are_kept_and_drawn_apart(places: list[tuple[int, int]]) -> None:
    nodes = {f"N{at}": Node(id=f"N{at}", name=f"节点{at}" * (at + 1)) for at in range(len(places))}
    links = [Link(a="N0", b=node, medium="fiber") for node in nodes]
    layout = lay_out(Graph(nodes, links, places=dict(zip(nodes, places, strict=True))))
    assert overlapping(layout) == []
    boxes = list(layout.boxes.values())
    assert all(box.x >= 0 and box.x + box.width <= layout.width for box in boxes)
    assert all(box.y >= 0 and box.y + box.height <= layout.height for box in boxes)
    if layout.axis:  # two of them all but on each other
        return
    middles = [(box.x + box.width / 2, box.y + box.height / 2) for box in boxes]
    (x, y), (first_x, first_y) = middles[0], places[0]
    factors = [
        (at - x) / (place - first_x) for (at, _), (place, _) in zip(middles, places, strict=True) if place != first_x
    ]
    factors += [
        (at - y) / (place - first_y) for (_, at), (_, place) in zip(middles, places, strict=True) if place != first_y
    ]
    assert all(0.7 < factor / factors[0] < 1.4 and factor > 0.7 for factor in factors)  # one for all, but for rounding
    for way in layout.ways:
        for (px, py), box in zip(way.points, (layout.boxes[way.link.a], layout.boxes[way.link.b]), strict=True):
            assert box.x - 0.1 <= px <= box.x + box.width + 0.1 and box.y - 0.1 <= py <= box.y + box.height + 0.1


def test_places_wide_enough_apart_are_taken_as_they_are_and_shared_ones_are_not() -> None:
    nodes = {name: Node(id=name, name=name) for name in "甲乙丙"}
    far = Graph(nodes, places={"甲": (0.0, 0.0), "乙": (300.0, 40.0), "丙": (100.0, 200.0)})
    boxes = lay_out(far).boxes
    assert (boxes["乙"].x - boxes["甲"].x, boxes["乙"].y - boxes["甲"].y) == (300, 40)
    assert (boxes["丙"].x - boxes["甲"].x, boxes["丙"].y - boxes["甲"].y) == (100, 200)
    shared = lay_out(Graph(nodes, places={"甲": (0.0, 0.0), "乙": (0.0, 0.0), "丙": (100.0, 200.0)}))
    assert shared.axis == "x" and overlapping(shared) == []
