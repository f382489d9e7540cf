"""How are the figures of a run shown? As tables for people, and as one drawing of the medians."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from tests.benchmarks.material import SUGGESTED

_LOADS = {"long": "long (≥ 6 words)", "short": "short (1-3)", "filtered": "long + 3 filters"}
_PRODUCT = {"facets": "long, counted by 4 attributes", **SUGGESTED}
_COLOURS = {"wenqu-terms": "#0b6e4f", "wenqu": "#4fa37f"}
_OTHER = "#8a94a6"
_LEFT, _WIDTH, _BAR, _GAP, _HEAD = 150, 560, 16, 30, 26


def markdown(told: dict[str, Any]) -> str:
    """All tables of a run."""
    lines = ["- " + ", ".join(f"{name}: {value}" for name, value in told["machine"].items()), ""]
    for size in told["sizes"]:
        lines += [f"## {size['count']:,} documents", "", *_size(size)]
    return "\n".join(lines)


def _size(size: dict[str, Any]) -> Iterable[str]:
    latency = size["latency"]
    names = list(size["built"])
    yield "Milliseconds, median / p95 (times the median of wenqu-terms for the same questions)"
    yield ""
    yield from _table(
        ["engine", *_LOADS.values()],
        [[name, *(_cell(latency[load].get(name)) for load in _LOADS)] for name in names],
    )
    product = [[label, _cell(latency[load].get("wenqu"))] for load, label in _PRODUCT.items()]
    yield from _table(["the product's own", "wenqu"], [row for row in product if row[1] != "–"])
    yield from _table(
        ["engine", "documents/s", "peak MB", "index MB", "open ms", "first ms", "private MB (index alone)", "resident MB",
         "change to found ms", "top 10 shared"],
        [_life(name, size) for name in names],
    )  # fmt: skip
    yield from (f"- {name}: {text}" for name, text in size["versions"].items() if text)
    yield from (f"- {name}: skipped, {why}" for name, why in size["skipped"].items())
    yield ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    if rows:
        yield "| " + " | ".join(head) + " |"
        yield "|---" * len(head) + "|"
        yield from ("| " + " | ".join(row) + " |" for row in rows)
        yield ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _cell(one: dict[str, float] | None) -> str:
    if not one:
        return "–"
    text = f"{_number(one['median'])} / {_number(one['p95'])}"
    return f"{text} ({_number(one['ratio'])}×)" if "ratio" in one else text


def _life(name: str, size: dict[str, Any]) -> list[str]:
    build = size["built"][name]
    start, memory, change = (size[part].get(name) for part in ("starts", "memory", "changes"))
    shared = size["overlap"].get(name)
    return [
        name,
        _number(size["count"] / build["seconds"]) if build["seconds"] else "–",
        _number(build["peak_mb"]) if build["peak_mb"] else "–",
        _number(build["bytes"] / 1e6),
        _number(start["open"]) if start else "–",
        _number(start["first"]) if start else "–",
        f"{_number(memory['private'])} ({_number(max(0.0, memory['private'] - memory['before']))})" if memory else "–",
        _number(memory["resident"]) if memory else "–",
        _cell(change) if isinstance(change, dict) else change or "–",
        f"{shared:.1%}" if shared is not None else "–",
    ]


def svg(told: dict[str, Any]) -> str:
    """Bars of the medians on a logarithmic scale, a tick at the 95th percentile; a group a size and workload."""
    groups = [
        (f"{size['count']:,} documents: {label}", size["latency"].get(load, {}))
        for size in told["sizes"]
        for load, label in _LOADS.items()
    ]
    values = [one[part] for _, group in groups for one in group.values() for part in ("median", "p95")]
    low, high = (math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))) if values else (0, 1)
    high = max(high, low + 1)

    def across(value: float) -> float:
        return _LEFT + _WIDTH * (math.log10(value) - low) / (high - low)

    parts: list[str] = []
    down = 30.0
    for title, group in groups:
        parts.append(f'<text x="8" y="{down + 14:g}" font-weight="bold">{escape(title)}</text>')
        down += _HEAD
        top = down
        for name, one in sorted(group.items(), key=lambda item: item[1]["median"]):
            end, tick = across(one["median"]), across(one["p95"])
            parts += [
                f'<text x="{_LEFT - 6}" y="{down + 12:g}" text-anchor="end">{escape(name)}</text>',
                f'<rect x="{_LEFT}" y="{down:g}" width="{max(1.0, end - _LEFT):.1f}" height="{_BAR - 4}"'
                f' fill="{_COLOURS.get(name, _OTHER)}"/>',
                f'<path d="M{tick:.1f} {down:g}v{_BAR - 4}" stroke="#333"/>',
                f'<text x="{tick + 5:.1f}" y="{down + 11:g}">{_number(one["median"])}</text>',
            ]
            down += _BAR
        parts += [
            f'<path d="M{across(10.0**power):.1f} {top:g}V{down:g}" stroke="#ccc" stroke-dasharray="2 3"/>'
            for power in range(low, high + 1)
        ]
        down += _GAP - _BAR
    scale = [
        f'<text x="{across(10.0**power):.1f}" y="18" text-anchor="middle">{10.0**power:g} ms</text>'
        for power in range(low, high + 1)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 70} {down:g}" '
            'font-family="sans-serif" font-size="11">',
            '<rect width="100%" height="100%" fill="#fff"/>',
            *scale,
            *parts,
            "</svg>\n",
        ]
    )
