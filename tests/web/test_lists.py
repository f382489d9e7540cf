"""Lists come in their order and counts from an index alone, however many entries there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from kb import access, entries
from kb.db import Database
from tests.conftest import People
from tests.kb import samples
from web import lists


def _plan(database: Database, ask: Callable[[Session], object]) -> str:
    """How SQLite answers the one statement that is asked."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    with database.read() as session:
        ask(session)
        event.remove(database.engine, "before_cursor_execute", note)
        statement, parameters = next(one for one in asked if one[0].startswith("SELECT"))
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "; ".join(row[3] for row in rows)


@pytest.mark.parametrize("kind", ["", "reference"])
@pytest.mark.parametrize("name", ["subscriber", "tech", "manager"])
def test_a_list_of_entries_is_not_sorted(database: Database, people: People, name: str, kind: str) -> None:
    plan = _plan(database, lambda session: entries.listing(session, getattr(people, name), kind=kind))
    assert "INDEX" in plan and "TEMP B-TREE" not in plan


def test_counts_read_no_entry(database: Database, people: People) -> None:
    for by in (access.SUBSCRIBER, people.tech, people.manager):
        plan = _plan(database, lambda session, by=by: lists.categories(session, by))
        assert "COVERING INDEX" in plan and "TEMP B-TREE" not in plan
    plan = _plan(database, lists.entry_counts)
    assert "COVERING INDEX" in plan and "TEMP B-TREE" not in plan


def test_counts_are_of_what_one_may_see(database: Database, store: Any, people: People) -> None:
    with database.write() as session:
        for title, more in (
            ("机顶盒无信号一", {}),
            ("机顶盒无信号二", {"audience": "staff"}),
            ("机顶盒无信号三", {"audience": "restricted", "owner_group": "team-access"}),
            ("参考机顶盒资料", {"category": "参考资料/技术资料"}),
        ):
            samples.published(session, store, people.tech2, people.lead2, title=title, **more)
        session.commit()

        def seen(by: access.Person) -> dict[str, int]:
            return {path: count for _, paths in lists.categories(session, by) for path, count in paths}

        where = samples.attributes().category
        assert seen(access.SUBSCRIBER) == {where: 1, "参考资料/技术资料": 1}
        assert seen(people.tech)[where] == 2
        assert seen(people.tech2)[where] == seen(people.manager)[where] == 3
        assert lists.entry_counts(session) == {"solution": 4}
