"""A drawing of a network to look at and to ask: what is above and below a node, and who loses service with it?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kb import entries, topology
from kb.access import Permission
from kb.errors import Invalid, NotFound
from kb.models import Entry, Revision
from kb.topology import Broken, Diagram
from web import forms, lists, network, reading
from web.context import person, services
from web.drawing import draw
from web.layout import lay_out

bp = Blueprint("topology", __name__, url_prefix="/topology")
_FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
MAX_LINES, MAX_LINE = 600, 400  # of a broken source, as it is shown


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    diagram: int
    node: str
    fails: list[str]
    words: str
    power: bool
    revision: int | None

    @classmethod
    def read(cls) -> Asked:
        args = request.args
        return cls(
            diagram=args.get("diagram", 1, type=forms.whole),
            node=args.get("node", "")[:200],
            fails=[node[:200] for node in args.getlist("fails")[:20]],
            words=args.get("q", "").strip()[:200],
            power=args.get("links") != "signal",
            revision=args.get("revision", type=forms.whole),
        )

    def address(self, number: str, *, node: str = "", fails: str = "", **more: object) -> str:
        """This view with another node in it."""
        kept = {
            "diagram": self.diagram if self.diagram != 1 else None,
            "links": None if self.power else "signal",
            "revision": self.revision,
        }
        return url_for("topology.show", number=number, node=node or None, fails=fails or None, **(kept | more))


@bp.get("/<number>")
def show(number: str) -> ResponseReturnValue:
    asked, by = Asked.read(), person()
    with services().database.read() as session:
        entry, revision, found = _drawings(session, number, asked)
        here = _chosen(found, asked)
        common = {"entry": entry, "revision": revision, "asked": asked, "found": found, "chosen": here}
        if isinstance(here, Broken):
            return render_template("topology/broken.html", lines=_lines(here), **common)
        graph = here.graph
        layout = lay_out(graph, power=asked.power)
        matches = network.matching(graph, asked.words)
        node = asked.node if asked.node in graph.nodes else matches[0].id if len(matches) == 1 else ""
        fails = [one for one in asked.fails if one in graph.nodes]
        seen = network.focus(graph, layout, node) if node else None
        failing = topology.impact(graph, fails) if fails else None
        incidents = network.open_incidents(session, by, graph)
        numbers = {key: len(rows) for key, rows in incidents.items()}
        picture = draw(
            graph,
            layout,
            network.marks(graph, seen, failing, matches, numbers),
            title=f"{entry.title} {here.name}".strip(),
            address=lambda node: asked.address(entry.number, node=node),
        )
        return render_template(
            "topology/show.html",
            picture=picture,
            graph=graph,
            layout=layout,
            matches=matches,
            seen=seen,
            failing=failing,
            incidents=incidents,
            staff=by.may(Permission.HANDLE_INCIDENTS),
            about=network.about(services().search, by, seen.node, but=entry.number) if seen else [],
            supplies=[] if seen or failing else network.supplies(graph),
            subscribers=network.subscribers,
            of=lambda ids: [graph.nodes[one] for one in ids],
            to=partial(asked.address, entry.number),
            **common,
        )


@bp.get("/<number>.svg")
def picture(number: str) -> ResponseReturnValue:
    """The drawing as a file, with what the address asks to be seen on it."""
    asked = Asked.read()
    with services().database.read() as session:
        entry, _, found = _drawings(session, number, asked)
        here = _chosen(found, asked)
        if isinstance(here, Broken):
            raise Invalid("；".join(here.problems), problems=list(here.problems), line=here.line)
        graph, name = here.graph, f"{entry.number} {entry.title} {here.name}".strip()
    layout = lay_out(graph, power=asked.power)
    fails = [one for one in asked.fails if one in graph.nodes]
    seen = network.focus(graph, layout, asked.node) if asked.node in graph.nodes else None
    marks = network.marks(graph, seen, topology.impact(graph, fails) if fails else None, [], {})
    response = Response(draw(graph, layout, marks, title=name), mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = _FILE_POLICY
    if "download" in request.args:
        response.headers.set("Content-Disposition", "attachment", filename=f"{entry.number}.svg")
    return response


def _drawings(session: Session, number: str, asked: Asked) -> tuple[Entry, Revision, list[Diagram | Broken]]:
    """The drawings of an entry, of the revision that its page shows. Raises NotFound, also where there is none."""
    by = person()
    entry = entries.find(session, by, number)
    revision = entry.published
    if asked.revision is not None:
        revision = entries.find_revision(session, by, number, asked.revision)
    elif revision is None:
        revision = next(iter(lists.revisions(session, by, entry)), None)
    found = reading.drawings(services().store, by, revision) if revision is not None else []
    if revision is None or not found:
        raise NotFound(f"{number} 没有图 · has no drawing", number=number)
    return entry, revision, found


def _chosen(found: list[Diagram | Broken], asked: Asked) -> Diagram | Broken:
    if not 0 < asked.diagram <= len(found):
        raise NotFound(f"没有第 {asked.diagram} 张图 · no such drawing")
    return found[asked.diagram - 1]


def _lines(broken: Broken) -> list[tuple[int, str, bool]]:
    """The source with its lines as the problems count them; the first bad one is marked."""
    first = broken.first_line
    lines = broken.source.splitlines()
    start = max(0, min(broken.line - first - MAX_LINES // 2, len(lines) - MAX_LINES))
    shown = lines[start : start + MAX_LINES]
    return [(at, text[:MAX_LINE], at == broken.line) for at, text in enumerate(shown, first + start)]
