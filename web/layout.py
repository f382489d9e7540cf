"""Where does each node and link of a drawing stand?

Where its author put it, with the distances stretched until no box is on another. Else layered as signals run, from left to right
or as the author said (Sugiyama's steps): ranks by longest path, links over several ranks cut by dummies, order within a rank by
barycentres with the fewest crossings kept, heights by least squares. Power links place the supplies and are drawn across.
Pure geometry in pixels: `web/drawing.py` makes a picture of it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise

from kb.topology import Graph, Link

NAME_PX, CODE_PX = 13, 11  # sizes of the two kinds of text
LINE, PAD_X, PAD_Y = 18, 12, 8
NAME_WIDTH = 190.0  # a name wider than this is broken into lines
NAME_LINES = 3
GAP_X, GAP_Y, MARGIN = 76.0, 16.0, 24.0
_SWEEPS = 12
_PIECE = re.compile(r"[!-~]+|.", flags=re.DOTALL)
_WAY = 10.0  # height that a passing link takes
_MOST_STRETCHED = 8.0  # times; a drawing with nodes all but on each other is layered instead


@dataclass
class Box:
    """A node: its rectangle and the lines of its name."""

    id: str
    lines: list[str]
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0


@dataclass(frozen=True)
class Way:
    """A link: the points it passes from its upstream to its downstream box."""

    link: Link
    points: list[tuple[float, float]]


@dataclass
class Layout:
    """A drawing: boxes by node, ways of its links, and its size. Its ranks follow each other along `axis`, x or y; a drawing
    with places of its own has none."""

    boxes: dict[str, Box]
    ways: list[Way]
    width: float
    height: float
    axis: str


@dataclass
class _Slot:
    """A place in a rank: a node, or where a longer link passes (`node` is empty)."""

    node: str
    rank: int
    height: float
    x: float = 0.0
    y: float = 0.0  # of its middle
    width: float = 0.0
    up: list[int] = field(default_factory=list)  # slots linked in the rank before, by number
    down: list[int] = field(default_factory=list)


def lay_out(graph: Graph, *, power: bool = True) -> Layout:
    """Place a graph; without `power` its power links are left out, and with them nodes that have no other."""
    links = [link for link in graph.links if power or not link.power]
    ends = {end for link in links for end in (link.upstream, link.downstream)}
    fed = {end for link in graph.links for end in (link.upstream, link.downstream)}
    boxes = {node: _box(graph, node) for node in graph.nodes if node in ends or node not in fed}
    factor = _stretch(boxes, graph.places)
    if factor <= _MOST_STRETCHED:
        axis, ways = "", _as_given(boxes, graph.places, factor, links)
    else:
        axis, ways = "y" if graph.direction in ("TB", "BT") else "x", _layered(boxes, links, graph.direction)
    width = max((box.x + box.width for box in boxes.values()), default=0.0) + MARGIN
    height = max((box.y + box.height for box in boxes.values()), default=0.0) + MARGIN
    return Layout(boxes, ways, width, height, axis)


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in pixels: a Chinese character is as wide as high."""
    return size * sum(1.0 if unicodedata.east_asian_width(char) in "WFA" else 0.62 for char in text)


def wrapped(text: str, size: float, width: float, lines: int) -> list[str]:
    """The text in lines no wider than this, the last cut short with … if there is no room. A number or code is not broken
    if it fits on a line."""
    found, line = [], ""
    for piece in _PIECE.findall(text):
        if line and text_width(line + piece, size) > width:
            found.append(line.strip())
            line = ""
        while text_width(piece, size) > width:
            fits = next(at for at in range(1, len(piece) + 1) if text_width(piece[: at + 1], size) > width)
            found.append(piece[:fits])
            piece = piece[fits:]
        line += piece
    found.append(line.strip())
    if len(found) > lines:
        found = found[:lines]
        found[-1] = found[-1][:-1] + "…"
    return [line for line in found if line]


def _box(graph: Graph, node: str) -> Box:
    lines = wrapped(graph.nodes[node].name, NAME_PX, NAME_WIDTH, NAME_LINES)
    widest = max([text_width(line, NAME_PX) for line in lines] + [text_width(node, CODE_PX)])
    width = min(widest, NAME_WIDTH + NAME_PX) + 2 * PAD_X
    return Box(node, lines, width=width, height=LINE * (len(lines) + 1) + 2 * PAD_Y - 4)


def _stretch(boxes: dict[str, Box], places: dict[str, tuple[float, float]]) -> float:
    """By how much the places have to be drawn apart, 1 or more, until no box is on another; infinite without places."""
    if not places:
        return math.inf
    row = sorted(boxes.values(), key=lambda box: places[box.id])
    widest = max((box.width for box in row), default=0.0) + GAP_Y
    factor = 1.0
    for at, one in enumerate(row):
        x, y = places[one.id]
        for other in islice(row, at + 1, None):
            dx, dy = places[other.id][0] - x, abs(places[other.id][1] - y)
            if dx * factor >= widest:  # and so is whatever comes after
                break
            wide, high = (one.width + other.width) / 2 + GAP_Y, (one.height + other.height) / 2 + GAP_Y
            if dx * factor < wide and dy * factor < high:
                factor = min(wide / dx if dx else math.inf, high / dy if dy else math.inf)
                if factor > _MOST_STRETCHED:
                    return factor
    return factor


def _as_given(
    boxes: dict[str, Box], places: dict[str, tuple[float, float]], factor: float, links: Sequence[Link]
) -> list[Way]:
    """Each box around its place, each link straight from the edge of one box to that of the other."""
    for box in boxes.values():
        x, y = places[box.id]
        box.x, box.y = x * factor - box.width / 2, y * factor - box.height / 2
    left = min((box.x for box in boxes.values()), default=0.0) - MARGIN
    top = min((box.y for box in boxes.values()), default=0.0) - MARGIN
    for box in boxes.values():
        box.x, box.y = round(box.x - left, 1), round(box.y - top, 1)
    pairs = [(link, boxes[link.upstream], boxes[link.downstream]) for link in links if link.upstream != link.downstream]
    return [Way(link, [_edge(one, other), _edge(other, one)]) for link, one, other in pairs]


def _edge(box: Box, other: Box) -> tuple[float, float]:
    """Where the line between the middles of two boxes leaves the first."""
    x, y = box.x + box.width / 2, box.y + box.height / 2
    dx, dy = other.x + other.width / 2 - x, other.y + other.height / 2 - y
    share = min(box.width / 2 / abs(dx) if dx else math.inf, box.height / 2 / abs(dy) if dy else math.inf)
    return x + dx * share, y + dy * share


def _layered(boxes: dict[str, Box], links: Sequence[Link], direction: str) -> list[Way]:
    """All is worked out from left to right; the other directions are that, mirrored or turned."""
    upright = direction in ("TB", "BT")
    if upright:
        _turn(boxes)
    ranks = _ranks(list(boxes), links)
    slots, chains = _slots(boxes, ranks, links)
    _place(boxes, slots, _order(slots))
    ways = [_way(link, boxes, slots, chains) for link in links if link.upstream != link.downstream]
    if direction in ("RL", "BT"):
        across = max((box.x + box.width for box in boxes.values()), default=0.0) + MARGIN
        for box in boxes.values():
            box.x = round(across - box.x - box.width, 1)
        ways = [Way(way.link, [(across - x, y) for x, y in way.points]) for way in ways]
    if upright:
        _turn(boxes)
        ways = [Way(way.link, [(y, x) for x, y in way.points]) for way in ways]
    return ways


def _turn(boxes: dict[str, Box]) -> None:
    """Over the diagonal: what was left is on top."""
    for box in boxes.values():
        box.x, box.y, box.width, box.height = box.y, box.x, box.height, box.width


def _ranks(nodes: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    """The longest way from where signals set out; sources stand right before what they feed, supplies before what they
    supply."""
    service = _acyclic(nodes, [(link.upstream, link.downstream) for link in links if not link.power])
    ranks = _longest(nodes, service)
    down: dict[str, list[str]] = defaultdict(list)
    into = {b for _, b in service}
    for a, b in service:
        down[a].append(b)
    for node in nodes:
        if node not in into and down[node]:
            ranks[node] = max(ranks[node], min(ranks[other] for other in down[node]) - 1)
    in_service = {end for pair in service for end in pair}
    supplied: dict[str, list[str]] = defaultdict(list)
    for link in links:
        if link.power:
            supplied[link.upstream].append(link.downstream)
    for node in nodes:
        if node not in in_service and supplied[node]:
            known = [ranks[other] for other in supplied[node] if other in in_service]
            ranks[node] = (min(known) if known else 1) - 1
    lowest = min(ranks.values(), default=0)
    return {node: rank - lowest for node, rank in ranks.items()}


def _acyclic(nodes: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs, those turned round that would close a ring; none twice, none to itself."""
    following: dict[str, list[str]] = defaultdict(list)
    for a, b in dict.fromkeys(pairs):
        if a != b:
            following[a].append(b)
    state: dict[str, int] = {}  # 1 while below it is being looked at, 2 when done
    found: dict[tuple[str, str], None] = {}
    entered = {b for _, b in pairs}
    for start in [*(node for node in nodes if node not in entered), *nodes]:
        if start in state:
            continue
        state[start] = 1
        stack = [(start, iter(following[start]))]
        while stack:
            node, rest = stack[-1]
            other = next(rest, None)
            if other is None:
                state[node] = 2
                stack.pop()
            elif state.get(other) == 1:
                found[other, node] = None
            else:
                found[node, other] = None
                if other not in state:
                    state[other] = 1
                    stack.append((other, iter(following[other])))
    return list(found)


def _longest(nodes: Sequence[str], pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    ranks = dict.fromkeys(nodes, 0)
    waiting = dict.fromkeys(nodes, 0)
    following: dict[str, list[str]] = defaultdict(list)
    for a, b in pairs:
        following[a].append(b)
        waiting[b] += 1
    queue = deque(node for node in nodes if not waiting[node])
    while queue:
        node = queue.popleft()
        for other in following[node]:
            ranks[other] = max(ranks[other], ranks[node] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                queue.append(other)
    return ranks


def _slots(
    boxes: dict[str, Box], ranks: dict[str, int], links: Sequence[Link]
) -> tuple[list[_Slot], dict[tuple[str, str], list[int]]]:
    """A slot for each node and for each rank that a signal link passes; and the slots of each link, lowest rank first."""
    slots = [_Slot(node, ranks[node], box.height) for node, box in boxes.items()]
    number = {slot.node: at for at, slot in enumerate(slots)}
    chains: dict[tuple[str, str], list[int]] = {}
    for link in links:
        a, b = sorted((link.upstream, link.downstream), key=lambda node: ranks[node])
        if (a, b) in chains or ranks[a] == ranks[b] or (link.power and ranks[b] - ranks[a] > 1):
            continue
        chain = [number[a]]
        for rank in range(ranks[a] + 1, ranks[b]):
            slots.append(_Slot("", rank, _WAY))
            chain.append(len(slots) - 1)
        chain.append(number[b])
        chains[a, b] = chain
        for one, other in pairwise(chain):
            slots[one].down.append(other)
            slots[other].up.append(one)
    return slots, chains


def _order(slots: list[_Slot]) -> list[list[int]]:
    """The slots of each rank from top to bottom, with few crossings."""
    order: list[list[int]] = [[] for _ in range(max((slot.rank for slot in slots), default=-1) + 1)]
    seen: set[int] = set()
    for start in sorted(range(len(slots)), key=lambda at: slots[at].rank):  # what belongs together begins together
        stack = [start]
        while stack:
            at = stack.pop()
            if at not in seen:
                seen.add(at)
                order[slots[at].rank].append(at)
                stack.extend(reversed(slots[at].down))
    best, least = [list(rank) for rank in order], _crossings(slots, order)
    for sweep in range(_SWEEPS):
        if not least:
            break
        downwards = sweep % 2 == 0
        for rank in range(1, len(order)) if downwards else range(len(order) - 2, -1, -1):
            beside = order[rank - 1] if downwards else order[rank + 1]
            at = {slot: place for place, slot in enumerate(beside)}
            order[rank] = _by_barycentre(slots, order[rank], at, downwards=downwards)
        crossings = _crossings(slots, order)
        if crossings < least:
            best, least = [list(rank) for rank in order], crossings
    return best


def _by_barycentre(slots: list[_Slot], rank: list[int], at: dict[int, int], *, downwards: bool) -> list[int]:
    keys: dict[int, float] = {}
    last = -1.0
    for slot in rank:  # what has no neighbour there stays behind the one before it
        near = [at[other] for other in (slots[slot].up if downwards else slots[slot].down)]
        last = keys[slot] = sum(near) / len(near) if near else last
    return sorted(rank, key=lambda slot: keys[slot])


def _crossings(slots: list[_Slot], order: list[list[int]]) -> int:
    """How many pairs of links between neighbouring ranks cross?"""
    total = 0
    for upper, lower in pairwise(order):
        at = {slot: place for place, slot in enumerate(lower)}
        passed: list[int] = []
        for slot in upper:
            ends = sorted(at[other] for other in slots[slot].down)
            for end in ends:
                total += len(passed) - bisect_right(passed, end)
            for end in ends:
                passed.insert(bisect_right(passed, end), end)
    return total


def _place(boxes: dict[str, Box], slots: list[_Slot], order: list[list[int]]) -> None:
    """Each slot near the middle of its neighbours, none on another; each rank a column as wide as its widest name."""
    for rank in order:
        top = 0.0
        for at in rank:
            slots[at].y = top + slots[at].height / 2
            top += slots[at].height + GAP_Y
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for rank in order if downwards else reversed(order):
            _settle(slots, rank, downwards=downwards, both=sweep >= _SWEEPS - 4)
    top = min((slots[at].y - slots[at].height / 2 for rank in order for at in rank), default=0.0) - MARGIN
    x = MARGIN
    for rank in order:
        width = max((boxes[slots[at].node].width for at in rank if slots[at].node), default=0.0)
        for at in rank:
            slot = slots[at]
            slot.x, slot.width, slot.y = x, width, slot.y - top
            if slot.node:
                box = boxes[slot.node]
                box.x, box.y, box.width = round(x, 1), round(slot.y - box.height / 2, 1), round(width, 1)
        x += width + GAP_X


def _settle(slots: list[_Slot], rank: list[int], *, downwards: bool, both: bool) -> None:
    """Move the slots of a rank as near as can be, by the sum of squares, to the middle of their neighbours, in their order
    and apart (isotonic regression, by pooling adjacent violators)."""
    pools: list[tuple[float, int]] = []  # the mean of what is wanted, less the offset in the rank; how many share it
    offsets, offset = [], 0.0
    for place, at in enumerate(rank):
        slot = slots[at]
        if place:
            offset += (slots[rank[place - 1]].height + slot.height) / 2 + GAP_Y
        offsets.append(offset)
        near = [*slot.up, *slot.down] if both else slot.up if downwards else slot.down
        wanted = sum(slots[other].y for other in near) / len(near) if near else slot.y
        mean, number = wanted - offset, 1
        while pools and pools[-1][0] > mean:
            before, many = pools.pop()
            mean, number = (before * many + mean * number) / (many + number), many + number
        pools.append((mean, number))
    place = 0
    for mean, number in pools:
        for at in rank[place : place + number]:
            slots[at].y = mean + offsets[place]
            place += 1


def _way(link: Link, boxes: dict[str, Box], slots: list[_Slot], chains: dict[tuple[str, str], list[int]]) -> Way:
    a, b = boxes[link.upstream], boxes[link.downstream]
    passed = chains.get((a.id, b.id))
    if passed is None and (back := chains.get((b.id, a.id))) is not None:
        passed = back[::-1]
    start, end = a.y + a.height / 2, b.y + b.height / 2
    if a.x == b.x:  # in one column: round the outside
        out = a.x + a.width
        return Way(link, [(out, start), (out + GAP_X / 2, (start + end) / 2), (out, end)])
    forward = a.x < b.x
    points = [(a.x + a.width if forward else a.x, start)]
    for at in (passed or [])[1:-1]:
        sides = [(slots[at].x, slots[at].y), (slots[at].x + slots[at].width, slots[at].y)]
        points += sides if forward else sides[::-1]
    points.append((b.x if forward else b.x + b.width, end))
    return Way(link, points)
