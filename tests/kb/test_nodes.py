"""An incident names a node of a topology that whoever registers it can look at, or, where there is none, whatever they say."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from kb import entries, incident_import, incidents, nodes, publishing, validity
from kb.access import Person
from kb.accounts import SYSTEM
from kb.db import Database
from kb.documents import Kind
from kb.errors import Invalid
from kb.lifecycle import Origin
from kb.models import Entry, Incident
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples
from tests.kb.test_topology import GOOD

BODY = GOOD.replace("id: N,", "id: CD-ON-01,").replace('"N:RF1"', '"CD-ON-01:RF1"')


def topology(session: Session, store: ContentStore, body: str = BODY, **changes: object) -> Entry:
    values = {"title": "城东光站拓扑", "kind": Kind.TOPOLOGY, "audience": "staff", "covers": [], "related": []}
    revision = entries.create(session, SYSTEM, samples.attributes(**(values | changes)), body, origin=Origin.IMPORTED)
    publishing.publish_unreviewed(session, store, SYSTEM, revision)
    return revision.entry


def reported(session: Session, store: ContentStore, by: Person, node: str) -> Incident:
    return incidents.report(
        session, by, title="", description="没信号", contact_phone="13800001234", node=node, store=store
    )


def test_nodes_of_every_drawing_are_known_and_of_none_that_cannot_be_read(
    database: Database, store: ContentStore, people: People
) -> None:
    drawn = f"{BODY}\n\n```mermaid\nflowchart LR\n  SW-7[三楼交换机] --> CD-ON-01\n```\n\n```mermaid\nflowchart LR\n  X9[\n```\n"
    with database.write() as session:
        entry = topology(session, store, drawn)
        known = nodes.published(session, store, people.tech)
        assert (known["SW-7"].name, known["SW-7"].entry, known["SW-7"].diagram) == ("三楼交换机", entry.number, 2)
        assert known["CD-ON-01"].diagram == 1 and "X9" not in known


def test_without_a_topology_a_node_is_what_they_call_it(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        assert reported(session, store, people.tech, "三号楼楼道").node == "三号楼楼道"


def test_a_node_is_one_of_a_published_topology_by_id_or_name(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = topology(session, store)
        for typed, kept in {"CD-ON-01": "CD-ON-01", "cd-on-01": "CD-ON-01", "光站": "CD-ON-01", "": ""}.items():
            assert reported(session, store, people.tech, typed).node == kept
        place = nodes.published(session, store, people.tech)["CD-ON-01"]
        assert (place.name, place.entry, place.title) == ("光站", entry.number, "城东光站拓扑")
        with pytest.raises(Invalid, match="CD-ON-01（光站）") as refused:
            reported(session, store, people.tech, "CD-ON-02")
        assert "node" in refused.value.fields
        with pytest.raises(Invalid, match="从列表里选"):
            reported(session, store, people.tech, "火星")
        assert (
            reported(session, store, people.subscriber, "火星").node == ""
        )  # where in the network is for staff to say
        with pytest.raises(ValueError, match="store"):  # no door leaves the check out
            incidents.report(session, people.tech, title="x", description="没信号", node="火星")


def test_a_topology_that_somebody_may_not_see_names_no_node_to_them(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        hidden = topology(session, store, audience="restricted", owner_group="team-tv")
        assert reported(session, store, people.tech2, "CD-ON-02").node == "CD-ON-02"
        with pytest.raises(Invalid, match="CD-ON-01"):
            reported(session, store, people.lead, "CD-ON-02")
        validity.retire(session, people.lead, hidden, reason="拆除")
        assert reported(session, store, people.lead, "CD-ON-02").node == "CD-ON-02"


def test_an_import_reports_a_node_that_is_none_with_its_row(
    database: Database, store: ContentStore, people: People
) -> None:
    rows = incident_import.read("原编号,故障现象,拓扑节点\nA-1,没信号,光站\nA-2,没信号,光战\n".encode())
    with database.write() as session:
        topology(session, store)
        good, bad = incident_import.load(session, store, people.manager, rows, source="旧系统")
        assert incidents.find(session, people.tech, good.number).node == "CD-ON-01"
        assert (bad.line, bad.number) == (3, "")
        assert "光站" in bad.problem


def test_a_topology_that_cannot_be_read_has_no_nodes(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        topology(session, store, body="没有图")
        assert nodes.published(session, store, people.tech) == {}
