"""One row an intent, nothing personal in it, and no search that waits for it."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from kb import clock, incidents, searches
from kb.access import SUBSCRIBER, Person
from kb.db import Database
from kb.models import Entry, Search
from kb.searches import SearchLog
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import samples


@pytest.fixture
def log(database: Database) -> Iterator[SearchLog]:
    made = SearchLog(database)
    yield made
    made.close()


def rows(database: Database) -> list[Search]:
    with database.read() as session:
        return list(session.scalars(select(Search).order_by(Search.id)))


def texts(database: Database, log: SearchLog) -> list[str]:
    log.flush()
    return [row.text for row in rows(database)]


def test_wordings_of_one_moment_are_one_intent(
    database: Database, log: SearchLog, people: People, stopped_clock: Clock
) -> None:
    tokens = set()
    for typed in ("机顶盒", "机顶盒无", "机顶盒无信号", "机顶盒没有信号"):
        tokens.add(log.record(people.tech, "1", typed, hits=3))
        stopped_clock.advance(seconds=5)
    assert len(tokens) == 1
    assert texts(database, log) == ["机顶盒没有信号"]
    log.record(people.tech, "1", "机顶盒没有信号 E04", hits=3)  # the row is written already
    assert texts(database, log) == ["机顶盒没有信号 E04"]


def test_other_words_other_people_and_other_times_are_other_intents(
    database: Database, log: SearchLog, people: People, stopped_clock: Clock
) -> None:
    log.record(people.tech, "1", "机顶盒无信号", hits=3)
    log.record(people.tech, "1", "打印机卡纸", hits=3)
    log.record(people.tech2, "2", "打印机卡纸", hits=3)
    stopped_clock.advance(seconds=31)
    log.record(people.tech2, "2", "打印机卡纸", hits=3)
    assert texts(database, log) == ["机顶盒无信号", "打印机卡纸", "打印机卡纸", "打印机卡纸"]


def test_pages_and_facets_are_no_intents(database: Database, log: SearchLog, people: People) -> None:
    token = log.record(people.tech, "1", "机顶盒", hits=30)
    assert log.record(people.tech, "1", "机顶盒", hits=20, again=True) == token
    assert log.record(people.tech2, "2", "机顶盒", hits=20, again=True) == ""
    assert log.record(people.tech, "1", "…？", hits=0) == ""
    log.flush()
    assert [(row.text, row.hits) for row in rows(database)] == [("机顶盒", 30)]


def test_after_a_hit_was_opened_other_words_are_another_intent(
    database: Database, store: ContentStore, log: SearchLog, people: People
) -> None:
    entry = _entry(database, store, people)
    token = log.record(people.tech, "1", "机顶盒", hits=3)
    log.opened("1", token, entry.id, 2)
    log.opened("1", token, entry.id, 5)
    assert log.record(people.tech, "1", "机顶盒", hits=3) == token  # the way back
    assert log.record(people.tech, "1", "机顶盒无信号", hits=3) != token
    log.flush()
    assert [(row.text, row.opened_id, row.opened_rank) for row in rows(database)] == [
        ("机顶盒", entry.id, 2),
        ("机顶盒无信号", None, None),
    ]


@pytest.mark.parametrize("said", ["打13912345678找我", "身份证11010519491231002X", "幸福小区3号楼2单元501室"])
def test_personal_data_never_reaches_the_file(database: Database, log: SearchLog, people: People, said: str) -> None:
    log.record(people.tech, "1", f"没信号 {said}", hits=0)
    assert texts(database, log)[0].startswith("没信号")
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    held = database.path.read_bytes()
    for piece in ("13912345678", "11010519491231002", "501室"):
        assert piece.encode() not in held


def test_no_subscriber_is_named(database: Database, log: SearchLog) -> None:
    log.record(SUBSCRIBER, "anonymous 1", "机顶盒", hits=3)
    log.flush()
    (row,) = rows(database)
    assert (row.role, row.person_id) == ("subscriber", None)
    with database.write() as session, pytest.raises(IntegrityError, match="subscriber_unnamed"):
        session.execute(text("UPDATE searches SET person_id = 1"))


def test_nothing_is_lost_at_shutdown_and_writing_needs_no_asking(database: Database, people: People) -> None:
    log = SearchLog(database)
    log.record(people.tech, "1", "机顶盒", hits=3)
    log.close()
    assert [row.text for row in rows(database)] == ["机顶盒"]
    with_thread = SearchLog(database)
    with_thread.record(people.tech, "1", "打印机", hits=3)
    _until(lambda: len(rows(database)) == 2)
    with_thread.close()


def test_a_locked_database_delays_the_log_and_no_search(database: Database, people: People) -> None:
    other = Database(database.path)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 15_000
    log = SearchLog(other)
    with database.write() as session:
        session.execute(text("DELETE FROM searches"))
        began = time.thread_time()
        token = log.record(people.tech, "1", "机顶盒", hits=3)
        assert token and time.thread_time() - began < 1.0  # it came back while the lock was held
        flushing = threading.Thread(target=log.flush)
        flushing.start()
        log.record(people.tech2, "2", "打印机", hits=3)
        session.rollback()
    flushing.join()
    log.close()
    other.close()
    assert {row.text for row in rows(database)} == {"机顶盒", "打印机"}


def test_who_writes_waits_for_what_another_is_writing(database: Database, log: SearchLog, people: People) -> None:
    log._stop.set()  # its own thread keeps out of this
    with database.write() as session:
        session.execute(text("DELETE FROM searches"))
        log.record(people.tech, "1", "机顶盒", hits=3)
        writers = [threading.Thread(target=log.flush) for _ in range(2)]
        for writer in writers:
            writer.start()
        writers[1].join(0.3)
        assert all(writer.is_alive() for writer in writers)
        session.rollback()
    for writer in writers:
        writer.join()
    assert [row.text for row in rows(database)] == ["机顶盒"]


_PROCESS = """
import sys
from pathlib import Path
from kb.access import Person
from kb.db import Database
from kb.lifecycle import Role
from kb.searches import SearchLog
database = Database(Path(sys.argv[1]))
log = SearchLog(database)
for number in range(200):
    log.record(Person(None, "", Role.SUBSCRIBER), f"{sys.argv[2]} {number}", f"{sys.argv[2]} 第{number}种说法", hits=1)
    if number % 20 == 0:
        log.flush()
if sys.argv[3] == "end":
    log.close()
    database.close()
else:
    log.flush()
    log.record(Person(None, "", Role.SUBSCRIBER), "last", "没来得及写", hits=1)
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_two_processes_log_beside_each_other(database: Database) -> None:
    running = [_process(database, name, "end") for name in ("甲", "乙")]
    assert [process.wait(60) for process in running] == [0, 0]
    found = [row.text for row in rows(database)]
    assert len(found) == len(set(found)) == 400


def test_a_killed_process_loses_what_it_had_not_written_and_nothing_else(database: Database) -> None:
    process = _process(database, "甲", "wait")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
    assert process.stdin is not None
    process.stdin.close()
    found = [row.text for row in rows(database) if row.text != "没来得及写"]
    assert len(found) == 200
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def _process(database: Database, name: str, then: str) -> subprocess.Popen[bytes]:
    wait = then == "wait"
    return subprocess.Popen(
        [sys.executable, "-c", _PROCESS, str(database.path), name, then],
        stdin=subprocess.PIPE if wait else None,
        stdout=subprocess.PIPE if wait else None,
    )


def test_wordings_that_went_to_two_processes_are_one_intent(
    database: Database, people: People, stopped_clock: Clock
) -> None:
    one, two = SearchLog(database), SearchLog(database)
    one.record(people.tech, "1", "机顶盒", hits=3)
    stopped_clock.advance(seconds=2)
    two.record(people.tech, "1", "机顶盒无信号", hits=3)
    two.flush()
    one.flush()  # the earlier wording arrives later
    stopped_clock.advance(seconds=2)
    one.record(people.tech, "1", "机顶盒无信号怎么办", hits=3)
    one.flush()
    assert [row.text for row in rows(database)] == ["机顶盒无信号怎么办"]
    one.close()
    two.close()


def test_what_was_searched_in_vain_is_counted_by_wording(
    database: Database, store: ContentStore, log: SearchLog, people: People, stopped_clock: Clock
) -> None:
    entry = _entry(database, store, people)
    log.record(people.tech, "1", "很久以前的说法", hits=0)
    stopped_clock.advance(days=8)
    log.record(people.tech, "1", "猫咪灯不亮", hits=0)
    stopped_clock.advance(seconds=1)
    log.record(people.tech2, "2", "猫咪 灯不亮？", hits=0)
    log.record(SUBSCRIBER, "a", "白屏", hits=2, relaxed="bigrams")
    log.record(SUBSCRIBER, "b", "机顶盒", hits=9)
    found = log.record(people.tech, "1", "jidinghe", hits=1, relaxed="pinyin")
    log.opened("1", found, entry.id, 1)  # it helped after all
    log.flush()
    with database.read() as session:
        vain = searches.failed(session, clock.now() - dt.timedelta(days=7))
    assert [(one.text, one.asked, one.people, one.hits) for one in vain] == [
        ("猫咪 灯不亮？", 2, 2, 0),
        ("白屏", 1, 1, 2),
    ]
    assert vain[0].last == clock.now()


def test_what_helped_after_a_search_in_vain_and_what_is_asked_most(
    database: Database, log: SearchLog, people: People, stopped_clock: Clock
) -> None:
    def ask(by: Person, words: str, hits: int, *, after: int = 60) -> None:
        stopped_clock.advance(seconds=after)
        log.record(by, str(by.id), words, hits=hits)

    ask(people.tech, "猫咪灯不亮", 0)
    ask(people.tech2, "打印机卡纸", 9)  # somebody else's search helps nobody here
    ask(people.tech, "猫的灯", 0)
    ask(people.tech, "光猫灯不亮", 4)
    ask(people.tech, "打印机卡纸", 9)
    ask(people.tech2, "白屏", 0)
    ask(people.tech2, "打印机卡纸", 9, after=3600)  # another matter
    log.flush()
    since = clock.now() - dt.timedelta(days=7)
    with database.read() as session:
        assert searches.helped(session, since) == {"猫的灯": ["光猫灯不亮"]}
        assert searches.frequent(session, since)[0] == "打印机卡纸"
        assert searches.frequent(session, since, limit=2)[1] == "白屏"
        assert searches.frequent(session, clock.now() + dt.timedelta(seconds=1)) == []


def test_only_what_several_people_asked_and_one_may_see_is_popular(
    database: Database, store: ContentStore, log: SearchLog, people: People, stopped_clock: Clock
) -> None:
    public = _entry(database, store, people)
    with database.write() as session:
        secret = samples.published(
            session,
            store,
            people.tech2,
            people.lead2,
            title="机房金库钥匙的领用与归还",
            audience="restricted",
            owner_group="team-access",
        ).id
        session.commit()
    for number in range(3):
        log.record(SUBSCRIBER, f"s{number}", "机顶盒无信号", hits=3, top=public.id)
        log.record(SUBSCRIBER, f"n{number}", "机顶盒打13912345678", hits=3, top=public.id)
        log.record(SUBSCRIBER, f"v{number}", "机顶盒飞了", hits=0)
    for person in (people.tech, people.tech2, people.lead):
        log.record(person, str(person.id), "机顶盒登录密码", hits=1, top=public.id)
        log.record(person, str(person.id), "金库在哪里", hits=1, top=secret)
    for _ in range(3):  # one person, over and over
        stopped_clock.advance(minutes=5)
        log.record(people.tech, "1", "机顶盒换壳", hits=3, top=public.id)
    log.flush()
    log.look_after()
    with database.read() as session:
        assert log.popular(session, SUBSCRIBER, "机顶") == ["机顶盒无信号"]
        assert set(log.popular(session, people.tech, "机顶")) == {"机顶盒无信号", "机顶盒登录密码"}
        assert log.popular(session, people.tech, "金库") == []
        assert log.popular(session, people.tech2, "金库") == ["金库在哪里"]
        assert log.popular(session, people.tech2, "打印") == []


def test_old_searches_go_but_for_those_of_open_incidents(
    database: Database, log: SearchLog, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech).id
        session.commit()
    log.record(people.tech, "1", "机顶盒", hits=3)
    log.record(people.tech, "1", "机顶盒", hits=3, incident=incident)
    log.flush()
    stopped_clock.advance(days=181)
    log.record(people.tech, "1", "打印机", hits=3)
    log.flush()
    log.look_after()
    assert [(row.text, row.incident_id) for row in rows(database)] == [("机顶盒", incident), ("打印机", None)]


def test_the_trail_of_an_incident_ends_with_what_led_to_its_solution(
    database: Database, store: ContentStore, log: SearchLog, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        incident = samples.incident(session, people.tech)
        session.commit()
    log.record(people.tech, "1", "雪花点", hits=0, incident=incident.id)
    log.flush()
    stopped_clock.advance(minutes=1)
    token = log.record(people.tech, "1", "没讯号 13912345678", hits=2, incident=incident.id)  # still in memory
    with database.write() as session:
        incident = incidents.find(session, people.tech, incident.number)
        entry = session.get_one(Entry, entry.id)
        incidents.link(session, people.tech, incident, entry, words="没讯号 13912345678", search=token)
        session.commit()
    log.flush()
    with database.read() as session:
        incident = incidents.find(session, people.tech, incident.number)
        assert [(row.text, row.hits, row.linked_id) for row in searches.trail(session, incident)] == [
            ("雪花点", 0, None),
            ("没讯号 [手机号]", 2, entry.id),
        ]
        assert searches.led_to(session, incident, entry) == "没讯号 [手机号]"


def test_without_words_the_last_search_of_the_incident_led_there(
    database: Database, store: ContentStore, log: SearchLog, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        incident, other = samples.incident(session, people.tech), samples.incident(session, people.tech)
        session.commit()
    log.record(people.tech, "1", "没讯号", hits=2, incident=incident.id)
    log.record(people.tech, "2", "别的事", hits=2, incident=other.id)
    log.flush()
    with database.write() as session:
        incidents.link(session, people.tech, incidents.find(session, people.tech, incident.number), entry)
        session.commit()
        assert searches.led_to(session, incident, entry) == "没讯号"
        assert session.scalar(select(func.count()).where(Search.linked_id.is_not(None))) == 1


def _entry(database: Database, store: ContentStore, people: People) -> Entry:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        session.commit()
        return entry


def _until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
