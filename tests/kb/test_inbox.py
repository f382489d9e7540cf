"""What has somebody not read yet, and what is left to see when one may no longer see the record?"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import IntegrityError

from kb import access, accounts, clock, notices
from kb.db import Database
from kb.documents import Audience
from kb.models import Notice, User
from tests.conftest import Clock, People
from tests.kb import samples
from tests.kb.test_notices import unread_of


@pytest.fixture
def told(database: Database, people: People) -> list[int]:
    """Three notices of lead's, oldest first."""
    with database.write() as session:
        for title in ("一", "二", "三"):
            samples.submitted(session, people.tech, title=f"机顶盒故障{title}的处理")
        session.commit()
    return [item.notice.id for item in reversed(unread_of(database, people.lead))]


def test_unread_ones_come_first_and_reading_is_ones_own(database: Database, people: People, told: list[int]) -> None:
    with database.write() as session:
        assert notices.mark_read(session, people.lead2, told) == 0  # not theirs
        assert notices.mark_read(session, people.lead, [told[2]]) == 1
        assert notices.mark_read(session, people.lead, [told[2]]) == 0
        session.commit()
    with database.read() as session:
        assert notices.unread(session, people.lead) == 2
        assert [item.notice.id for item in notices.inbox(session, people.lead)] == [told[1], told[0], told[2]]
    with database.write() as session:
        assert notices.mark_read(session, people.lead, until=told[0]) == 1
        session.commit()
    assert [item.notice.id for item in unread_of(database, people.lead)] == [told[1]]


def test_what_one_may_no_longer_see_shows_nothing_of_itself(database: Database, people: People) -> None:
    with database.write() as session:
        samples.submitted(
            session, people.tech2, audience=Audience.RESTRICTED, owner_group="team-access", title="机房钥匙的处理"
        )
        session.commit()
    assert unread_of(database, people.lead2)[0].title == "机房钥匙的处理"
    with database.write() as session:
        user = session.get_one(User, people.lead2.id)
        accounts.change(session, people.admin, user, unit="team-tv")
        session.commit()
        moved = access.person(session, user)
    item = unread_of(database, moved)[-1]
    assert (item.record, item.number, item.title, item.reason) == (None, "", "", "")
    assert item.said() == "您已无权查看的记录有变化"


def test_a_notice_is_given_once_to_each(database: Database, people: People, told: list[int]) -> None:
    with database.write() as session:
        row = session.get_one(Notice, told[0])
        session.add(Notice(recipient_id=row.recipient_id, audit_id=row.audit_id, because="author"))
        with pytest.raises(IntegrityError):
            session.flush()


def test_old_notices_go_read_ones_sooner(
    database: Database, people: People, told: list[int], stopped_clock: Clock
) -> None:
    stopped_clock.moment = clock.now()
    with database.write() as session:
        notices.mark_read(session, people.lead, told[:1])
        session.commit()
    for days, left in ((0, 3), (91, 2), (275, 0)):
        stopped_clock.advance(days=days)
        with database.write() as session:
            notices.forget(session)
            session.commit()
            mine = select(func.count()).select_from(Notice).where(Notice.recipient_id == people.lead.id)
            assert session.scalar(mine) == left


def test_the_inbox_takes_a_fixed_number_of_statements(database: Database, people: People, told: list[int]) -> None:
    def statements() -> int:
        seen: list[str] = []

        def listen(*args: Any) -> None:
            seen.append(args[2])

        event.listen(database.engine, "before_cursor_execute", listen)
        items = unread_of(database, people.lead)
        event.remove(database.engine, "before_cursor_execute", listen)
        assert all(item.title for item in items)
        return len(seen)

    few = statements()
    with database.write() as session:
        for title in ("四", "五", "六"):
            samples.submitted(session, people.tech, title=f"机顶盒故障{title}的处理")
        session.commit()
    assert statements() == few
