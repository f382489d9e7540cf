"""Incidents of another system get in row by row, and none of them gets in closed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from kb import incident_import, incidents
from kb.db import Database
from kb.errors import Invalid, NotAllowed
from kb.lifecycle import Unmet
from kb.models import Incident
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import invariants, samples

CSV = """原编号,故障现象,状态,片区,受理时间,影响,处理过程,解决方案,备注
A-1,"机顶盒没信号
邻居正常",已关闭,城东片区,2026-10-01 08:30,3,"换了线,用户满意",SOL-000001,x
A-2,宽带掉线,处理中,district-zhuji-2,2026/10/02,,,,
,没有编号,,,,,,,
A-3,片区不对,,火星片区,,,,,
A-4,影响不对,,,,9,,,
A-5,时间不对,,,下周,,,,
A-6,方案不对,已解决,,,,,SOL-999999,
A-7,,,,,,,,
,,,,,,,,
"""


def test_each_row_is_reported_and_none_arrives_closed(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        assert entry.number == "SOL-000001"
        rows = incident_import.load(session, store, people.manager, incident_import.read(CSV.encode()), source="旧系统")
        assert [(row.line, row.old, row.number) for row in rows if row.number] == [
            (2, "A-1", "INC-000001"),
            (3, "A-2", "INC-000002"),
        ]
        problems = {row.line: row.problem for row in rows if row.problem}
        assert set(problems) == {4, 5, 6, 7, 8, 9}
        for line, said in {4: "原编号", 5: "片区", 6: "impact", 7: "时间", 8: "SOL-999999", 9: "现象"}.items():
            assert said in problems[line]
        first, second = session.scalars(select(Incident).order_by(Incident.id))
        assert (first.state, first.district.name if first.district else "", first.impact) == ("resolved", "城东片区", 3)
        assert incidents.unmet(first) == [Unmet.NOT_VERIFIED]
        assert "原状态 已关闭" in first.description and "换了线,用户满意" in first.description
        assert first.created_at.isoformat() == "2026-10-01T00:30:00+00:00"
        assert second.state == "new"
        invariants.check(session)


def test_the_same_file_again_changes_nothing(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        rows = incident_import.read(CSV.encode("gb18030"))
        incident_import.load(session, store, people.manager, rows[1:2], source="旧系统")
        again = incident_import.load(session, store, people.manager, rows[1:2], source="旧系统")
        assert [(row.number, row.known) for row in again] == [("INC-000001", True)]
        other = incident_import.load(session, store, people.manager, rows[1:2], source="另一套")
        assert [(row.number, row.known) for row in other] == [("INC-000002", False)]


def test_a_file_without_the_columns_and_a_person_without_the_right_are_refused(
    database: Database, store: ContentStore, people: People
) -> None:
    with pytest.raises(Invalid, match="原编号"):
        incident_import.read("标题,状态\n甲,乙\n".encode())
    with database.write() as session, pytest.raises(NotAllowed):
        incident_import.load(session, store, people.tech, [], source="x")
