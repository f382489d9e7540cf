"""Units are added, renamed and moved within the rules of the tree, and whoever is in one sees what is below it."""

from __future__ import annotations

import pytest

from kb import access, accounts, audit, organisation
from kb.access import Person
from kb.db import Database
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.lifecycle import Role
from kb.store import ContentStore
from tests.conftest import BOTH, People
from tests.kb import samples


def test_a_unit_is_made_below_one_of_the_kind_above_it(database: Database, people: People) -> None:
    with database.write() as session:
        made = organisation.add(
            session, people.manager, key="district-new", kind="district", name=" 城北 片区 ", parent="group-city-1"
        )
        assert (made.name, made.parent and made.parent.key) == ("城北 片区", "group-city-1")
        assert [(row.action, row.actor) for row in audit.history(session, made)] == [("create", "manager")]
        organisation.add(session, people.admin, key="team-new", kind="team", name="无线组")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"key": "大写"}, {"key"}),
        ({"key": "team-tv"}, {"key"}),
        ({"kind": "county"}, {"kind"}),
        ({"name": " "}, {"name"}),
        ({"name": "城东片区"}, {"name"}),
        ({"name": "长" * 81}, {"name"}),
        ({"parent": ""}, {"parent"}),
        ({"parent": "station-city"}, {"parent"}),
        ({"kind": "team", "parent": "station-city"}, {"parent"}),
    ],
)
def test_what_is_wrong_is_said_by_field(
    database: Database, people: People, given: dict[str, str], wrong: set[str]
) -> None:
    right = {"key": "district-new", "kind": "district", "name": "城北片区", "parent": "group-city-1"}
    with database.write() as session, pytest.raises(Invalid) as refused:
        organisation.add(session, people.manager, **right | given)
    assert set(refused.value.fields) == wrong


def test_managers_and_administrators_alone_change_the_organisation(database: Database, people: People) -> None:
    for by in (people.tech, people.lead, people.subscriber):
        with database.write() as session, pytest.raises(NotAllowed):
            organisation.rename(session, by, organisation.get(session, "team-tv"), "别的名字")
        with database.write() as session, pytest.raises(NotAllowed):
            organisation.move(session, by, organisation.get(session, "group-city-1"), "station-zhuji")


@BOTH
def test_a_move_changes_what_the_people_above_see(database: Database, people: People) -> None:
    with database.write() as session:
        user = accounts.get(session, "tech")
        user.unit_id = organisation.get(session, "station-zhuji").id
        assert "group-city-1" not in access.person(session, user).groups
        group = organisation.get(session, "group-city-1")
        organisation.move(session, people.manager, group, "station-zhuji")
        organisation.move(session, people.manager, group, "station-zhuji")  # twice is once
        assert {"group-city-1", "district-city-1"} <= access.person(session, user).groups
        assert [row.reason for row in audit.history(session, group)] == ["城区服务站 → 朱集服务站"]
        with pytest.raises(Invalid):
            organisation.move(session, people.manager, group, "group-zhuji-1")
        with pytest.raises(NotFound):
            organisation.get(session, "nowhere")


@BOTH
def test_a_district_that_a_text_names_keeps_its_name(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        samples.published(session, store, people.tech, people.lead, districts=["城东片区"])
        east, south = (organisation.get(session, f"district-city-{n}") for n in (1, 2))
        with pytest.raises(Conflict, match="SOL-000001"):
            organisation.rename(session, people.manager, east, "东关片区")
        organisation.rename(session, people.manager, south, "南关片区")
        organisation.rename(session, people.manager, south, "南关片区")
        assert [row.reason for row in audit.history(session, south)] == ["城南片区 → 南关片区"]


def test_the_permission_is_in_the_one_table() -> None:
    may = {role for role, permissions in access.PERMISSIONS.items() if access.Permission.ORGANISE in permissions}
    assert may == {"knowledge_manager", "administrator"}
    assert Person(None, "", Role.TECHNICIAN).may(access.Permission.ORGANISE) is False
