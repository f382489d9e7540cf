"""What does a laid-out network look like, as SVG?

Everything is presentation attributes and classes, so that the page's strict policy holds and the file stands alone;
`topology.css` gives the same shapes the colours of the page. Labels are text, nodes are links.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from flask_babel import gettext
from markupsafe import Markup, escape

from kb.topology import Graph, Node
from web.labels import label
from web.layout import CODE_PX, LINE, NAME_PX, NAME_WIDTH, PAD_X, PAD_Y, Box, Layout, Way, text_width, wrapped

_COLOURS = {"fiber": "#0b5c6b", "coax": "#7a5200", "twisted_pair": "#22508f", "power": "#a3271f", "logical": "#6b757a"}
_DASHES = {"power": "6 4", "logical": "2 4"}
_FONT = "PingFang SC, Hiragino Sans GB, Microsoft YaHei, Noto Sans CJK SC, sans-serif"
_LABEL_PX = 11
_LABEL_WIDTH = 150.0
# Which stripe a node carries; its type is written on it too.
_FAMILIES = {
    "light": ("headend", "sub_headend", "optical_node", "splitter", "olt", "onu"),
    "coax": ("amplifier", "tap", "eoc_head", "eoc_terminal"),
    "data": ("switch", "router", "firewall", "bras", "server", "storage"),
    "power": ("power_supply",),
    "user": ("building", "terminal", "service"),
}
_FAMILY = {kind: family for family, kinds in _FAMILIES.items() for kind in kinds}
_STRIPES = {
    "light": "#0b5c6b",
    "coax": "#7a5200",
    "data": "#22508f",
    "power": "#a3271f",
    "user": "#1c6b3c",
    "": "#6b757a",
}


@dataclass(frozen=True)
class Marks:
    """What is to be seen at a glance: classes and words by node, open incidents by node, links that are meant."""

    classes: Mapping[str, str] = field(default_factory=dict)  # focus, above, below, supply, failed, out, partly, match
    words: Mapping[str, str] = field(default_factory=dict)
    incidents: Mapping[str, int] = field(default_factory=dict)
    ways: Collection[tuple[str, str]] = ()
    dim: bool = False  # what has no class steps back


def draw(
    graph: Graph, layout: Layout, marks: Marks, *, title: str, address: Callable[[str], str] | None = None
) -> Markup:
    """The picture. `address` makes each node a link; without it the picture is for a file of its own."""
    width, height = round(layout.width), round(layout.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" lang="zh-CN" class="drawing{" chosen" if marks.dim else ""}" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="{_FONT}" '
        f'role="{"group" if address else "img"}" aria-label="{escape(title)}"><title>{escape(title)}</title>'
    ]
    if address is None:
        parts.append(f'<rect width="{width}" height="{height}" fill="#ffffff"/>')
    ways = sorted(layout.ways, key=lambda way: (way.link.upstream, way.link.downstream) in marks.ways)
    parts.append('<g fill="none" class="ways">')
    parts += [_path(way, marks, layout.axis) for way in ways]
    parts.append("</g>")
    parts += _link_labels(layout)
    for box in layout.boxes.values():
        shown = _node(graph.nodes[box.id], box, marks)
        parts.append(f'<a href="{escape(address(box.id))}">{shown}</a>' if address else shown)
    parts.append("</svg>")
    return Markup("\n".join(parts))


def _path(way: Way, marks: Marks, axis: str) -> str:
    """A curve through the points that leaves and arrives along the axis; straight without one, and beside its own rank."""
    (x, y), *others = way.points
    last_x, last_y = way.points[-1]
    said = f"M{x:.0f} {y:.0f}"
    level, upright = axis == "x" and x != last_x, axis == "y" and y != last_y
    for to_x, to_y in others:
        dx, dy = (to_x - x) / 2 * level, (to_y - y) / 2 * upright
        said += f"C{x + dx:.0f} {y + dy:.0f} {to_x - dx:.0f} {to_y - dy:.0f} {to_x:.0f} {to_y:.0f}"
        x, y = to_x, to_y
    medium = way.link.medium
    meant = (way.link.upstream, way.link.downstream) in marks.ways
    dash = f' stroke-dasharray="{_DASHES[medium]}"' if medium in _DASHES else ""
    faint = ' opacity="0.45"' if medium == "power" and not meant else ""
    return (
        f'<path class="way {medium}{" meant" if meant else ""}" d="{said}" stroke="{_COLOURS[medium]}" '
        f'stroke-width="{3 if meant else 1.5}"{dash}{faint}><title>{escape(_ends(way))}</title></path>'
    )


def _ends(way: Way) -> str:
    link = way.link
    arrow = "↔" if link.both_ways else "→"
    attrs = " ".join(f"{name} {value}" for name, value in link.attrs.items() if name != "both")
    return f"{link.a} {arrow} {link.b} {label(link.medium, 'medium')} {attrs}".strip()


def _link_labels(layout: Layout) -> list[str]:
    """What people wrote on links, where there is room: beside no node and no other label."""
    taken = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in layout.boxes.values()]
    shown = []
    for way in layout.ways:
        lines = wrapped(str(way.link.attrs.get("label", "")), _LABEL_PX, _LABEL_WIDTH, 1)
        if not lines:
            continue
        half = text_width(lines[0], _LABEL_PX) / 2
        (x1, y1), (x2, y2) = way.points[0], way.points[1]
        for share in (0.5, 0.35, 0.65, 0.2, 0.8):
            x, y = x1 + (x2 - x1) * share, y1 + (y2 - y1) * share
            rect = (x - half, y - _LABEL_PX, x + half, y + _LABEL_PX / 2)
            if not any(rect[0] < r[2] and r[0] < rect[2] and rect[1] < r[3] and r[1] < rect[3] for r in taken):
                taken.append(rect)
                shown.append(
                    f'<text class="on-link" x="{x:.0f}" y="{y:.0f}" font-size="{_LABEL_PX}" text-anchor="middle" '
                    f'fill="#56646a" stroke="#ffffff" stroke-width="3" paint-order="stroke">{escape(lines[0])}</text>'
                )
                break
    return shown


def _node(node: Node, box: Box, marks: Marks) -> str:
    family = _FAMILY.get(node.type, "")
    given, word = marks.classes.get(node.id, ""), marks.words.get(node.id, "")
    kind = label(node.type, "node_type") if node.type else ""
    incidents = marks.incidents.get(node.id, 0)
    said = "，".join(
        part
        for part in (node.name, node.id, kind, word, f"{gettext('未结束的事件')} {incidents}" if incidents else "")
        if part
    )
    edge = {"failed": "#a3271f", "out": "#a3271f", "partly": "#7a5200", "focus": "#0b5c6b"}.get(given, "#b8c2c0")
    parts = [
        f'<g class="node {family} {given}" id="n-{escape(node.id)}"><title>{escape(said)}</title>',
        f'<rect class="box" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8" fill="#ffffff" '
        f'stroke="{edge}" stroke-width="{2.5 if given in ("failed", "out", "focus") else 1}"/>',
        f'<rect class="stripe" x="{box.x}" y="{box.y + 8}" width="4" height="{box.height - 16}" fill="{_STRIPES[family]}"/>',
    ]
    y = box.y + PAD_Y + NAME_PX - 1
    for line in box.lines:
        parts.append(
            f'<text class="name" x="{box.x + PAD_X}" y="{y:.1f}" font-size="{NAME_PX}" font-weight="600" fill="#1b2426">{escape(line)}</text>'
        )
        y += LINE
    if node.id != node.name:
        parts.append(
            f'<text class="code" x="{box.x + PAD_X}" y="{y - 1:.1f}" font-size="{CODE_PX}" fill="#56646a">{escape(_short(node.id))}</text>'
        )
    if word:
        parts.append(_tag(word, box.x + box.width, box.y + box.height, given))
    if incidents:
        parts.append(
            f'<g class="badge-open"><circle cx="{box.x + box.width:.1f}" cy="{box.y:.1f}" r="10" fill="#a3271f"/>'
            f'<text x="{box.x + box.width:.1f}" y="{box.y + 4:.1f}" font-size="12" font-weight="700" text-anchor="middle" fill="#ffffff">{incidents}</text></g>'
        )
    return "".join([*parts, "</g>"])


def _tag(word: str, right: float, bottom: float, given: str) -> str:
    """A word on the lower edge of a box: colour is never the only sign."""
    width = text_width(word, CODE_PX) + 10
    colour = "#7a5200" if given == "partly" else "#a3271f"
    return (
        f'<g class="word"><rect x="{right - width - 6:.1f}" y="{bottom - 9:.1f}" width="{width:.1f}" height="17" rx="5" fill="{colour}"/>'
        f'<text x="{right - width / 2 - 6:.1f}" y="{bottom + 3.5:.1f}" font-size="{CODE_PX}" font-weight="600" text-anchor="middle" fill="#ffffff">{escape(word)}</text></g>'
    )


def _short(code: str) -> str:
    lines = wrapped(code, CODE_PX, NAME_WIDTH + NAME_PX, 1)
    return lines[0] if lines else ""
