"""Which nodes do the published topologies have, and which entry shows one?

An incident names its node by the id in a topology, so that whoever looks at the drawing finds it. Where no topology is
published, or none that the person may see, a node is whatever they call it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from kb import topology
from kb.access import Person, searchable, visible
from kb.documents import Kind
from kb.errors import Invalid, StoreCorrupt
from kb.kept import Kept
from kb.models import Entry, Revision
from kb.store import ContentStore

NEAR = 3  # nodes that are named instead of one that is unknown
_names: Kept[dict[str, tuple[str, int]]] = Kept(
    8_000_000, lambda names: 200 + sum(300 + len(id_) + len(name) for id_, (name, _) in names.items())
)


@dataclass(frozen=True)
class Place:
    """A node: its id and name, the number and title of the entry that shows it, and on which of its drawings, from 1."""

    id: str
    name: str
    entry: str
    title: str
    diagram: int


def published(session: Session, store: ContentStore, by: Person) -> dict[str, Place]:
    """The nodes of all topologies that this person finds, by id; one that several show is of the first by number."""
    found: dict[str, Place] = {}
    rows = session.execute(
        select(Entry.number, Entry.title, Revision)
        .join(Revision, Revision.id == Entry.published_revision_id)
        .where(searchable(), Entry.kind == Kind.TOPOLOGY, visible(by))
        .order_by(Entry.number)
        .options(selectinload(Revision.attachments))
    )
    for number, title, revision in rows:
        try:
            names = _names.get(
                (revision.object_sha256, *(file.sha256 for file in revision.attachments)),
                partial(_read, store, revision),
            )
        except StoreCorrupt:  # which its own page says
            continue
        for id_, (name, diagram) in names.items():
            found.setdefault(id_, Place(id_, name, number, title, diagram))
    return found


def checked(known: Mapping[str, Place], given: str) -> str:
    """The id of the node that was typed as id or as name, in capitals or not. Raises Invalid naming the nearest ones; where
    no node is known, what was typed is right."""
    if not given or not known or given in known:
        return given
    said = given.casefold()
    same = [place.id for place in known.values() if said in (place.id.casefold(), place.name.casefold())]
    if len(same) == 1:
        return same[0]
    near = same[:NEAR] or _near(known, said)
    instead = f"，是不是 {'、'.join(f'{id_}（{known[id_].name}）' for id_ in near)}" if near else "，请从列表里选"
    problem = f"已发布的拓扑里没有节点 {given}{instead} · no such node in the published topologies"
    raise Invalid(f"node: {problem}", fields={"node": problem})


def _near(known: Mapping[str, Place], said: str) -> list[str]:
    by_words = {place.id.casefold(): place.id for place in known.values()}
    by_words |= {place.name.casefold(): place.id for place in known.values()}
    alike = difflib.get_close_matches(said, by_words, n=2 * NEAR, cutoff=0.5)
    return list(dict.fromkeys(by_words[words] for words in alike))[:NEAR]


def _read(store: ContentStore, revision: Revision) -> dict[str, tuple[str, int]]:
    """Name and drawing of each node; drawings that cannot be read have none, which the entry's page says."""
    assert revision.object_sha256 is not None  # it is published
    body = store.get(revision.object_sha256).decode("utf-8")
    files = [(file.filename, partial(store.get, file.sha256)) for file in revision.attachments]
    names: dict[str, tuple[str, int]] = {}
    for number, diagram in enumerate(topology.diagrams(body, files), start=1):
        if isinstance(diagram, topology.Diagram):
            for node in diagram.graph.nodes.values():
                names.setdefault(node.id, (node.name, number))
    return names
