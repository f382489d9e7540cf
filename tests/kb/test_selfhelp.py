"""The steps that a subscriber takes alone, what came of them, and what the reporter gives the repair."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from kb import incidents, library, ratings, selfhelp
from kb.access import SUBSCRIBER
from kb.accounts import SYSTEM
from kb.documents import Audience, Kind, parse
from kb.errors import Conflict, Invalid, NotAllowed
from kb.lifecycle import Outcome, VerificationMethod
from tests.kb import samples


def _published(session, store, people):
    return samples.published(session, store, people.tech, people.lead).published


def test_the_last_item_says_what_to_do_otherwise():
    found = selfhelp.steps(Kind.SOLUTION, samples.BODY)
    assert found == ("", ("把机顶盒后面的信号线拧紧，画面恢复即好。",), "仍不行请报修。")


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("先看灯。\n\n1. 关机\n   等一分钟\n2. 开机", ("先看灯。", ("关机\n   等一分钟", "开机"), "")),
        ("1、拔线\n2）插线\n3) 报修时说明灯色", ("", ("拔线\n2）插线",), "报修时说明灯色")),
        ("- 拔线\n- 插线", None),
        ("1. 请报修", None),
        ("", None),
    ],
)
def test_numbered_items_are_steps(section, expected):
    assert selfhelp.steps(Kind.SOLUTION, f"## 用户自助\n\n{section}\n\n## 处理步骤\n\n1. 换线") == expected


def test_only_solutions_have_steps_for_subscribers():
    assert selfhelp.steps(Kind.POLICY, samples.BODY) is None


def test_nearly_every_public_solution_of_the_library_has_steps():
    paths = sorted((library.library_path() / "solutions").rglob("*.md"))
    read = [parse(path.read_text("utf-8")) for path in paths]
    public = [one for one in read if one.attributes.audience is Audience.PUBLIC]
    with_steps = [one for one in public if selfhelp.steps(one.attributes.kind, one.body)]
    assert len(with_steps) > 0.98 * len(public)


def test_what_came_of_it_is_counted_by_entry(database, store, people):
    with database.write() as session:
        revision, other = _published(session, store, people), _published(session, store, people)
        selfhelp.helped(session, revision, 1)
        selfhelp.helped(session, other, 1)
        incident = incidents.report(session, SUBSCRIBER, title="", description="没图像", contact_phone="13812345678")
        selfhelp.reported(session, incident, revision, 1)
        session.commit()
        assert selfhelp.tally(session, people.tech, entry=revision.entry) == (1, 1)
        assert selfhelp.tally(session, people.tech) == (2, 1)
        assert selfhelp.tally(session, people.tech, since=incident.created_at.replace(year=2099)) == (0, 0)
        entry, tried = selfhelp.before_report(session, store, people.tech, incident)
        assert (entry.number, tried) == (revision.entry.number, ["把机顶盒后面的信号线拧紧，画面恢复即好。"])
        with pytest.raises(NotAllowed):
            selfhelp.tally(session, SUBSCRIBER)


def test_the_database_keeps_what_came_of_it(database, store, people):
    with database.write() as session:
        selfhelp.helped(session, _published(session, store, people), 1)
        session.commit()
    for statement in (
        "UPDATE self_help SET tried = 2", "DELETE FROM self_help",
        "INSERT INTO self_help (revision_id, outcome, tried, created_at) VALUES (1, 'reported', 1, '2026-01-01')",
        "INSERT INTO self_help (revision_id, outcome, tried, created_at) VALUES (1, 'solved', 0, '2026-01-01')",
    ):  # fmt: skip
        with database.write() as session, pytest.raises(IntegrityError):
            session.execute(text(statement))


def _confirmed(session, people):
    incident = samples.resolved(session, people.tech)
    incidents.verify(
        session, SUBSCRIBER, incident, Outcome.SOLVED, VerificationMethod.SIGNED_LINK, said_by="报修人"
    )  # fmt: skip
    return incident


def test_a_confirmed_repair_is_rated_once_and_changed_until_it_is_closed(database, store, people):
    with database.write() as session:
        incident = _confirmed(session, people)
        ratings.rate(session, SUBSCRIBER, incident, 4, remark="来得快")
        ratings.rate(session, SUBSCRIBER, incident, 5)
        assert (incident.rating.stars, incident.rating.remark) == (5, "")
        solution = samples.published(session, store, people.tech, people.lead)
        incidents.link(session, people.tech, incident, solution)
        incidents.close(session, people.tech, incident)
        with pytest.raises(Conflict):
            ratings.rate(session, SUBSCRIBER, incident, 1)
        session.commit()
    for statement in ("UPDATE ratings SET stars = 1", "DELETE FROM ratings"):
        with database.write() as session, pytest.raises(IntegrityError):
            session.execute(text(statement))


def test_a_repair_that_was_closed_at_once_can_still_be_rated(database, store, people):
    with database.write() as session:
        incident = _confirmed(session, people)
        incidents.link(session, people.tech, incident, samples.published(session, store, people.tech, people.lead))
        incidents.close(session, people.tech, incident)
        ratings.rate(session, SUBSCRIBER, incident, 3)
        assert not ratings.may_rate(incident)


def test_what_is_not_confirmed_or_not_of_five_is_no_rating(database, people):
    with database.write() as session:
        with pytest.raises(Conflict):
            ratings.rate(session, SYSTEM, samples.resolved(session, people.tech), 5)
        incident = _confirmed(session, people)
        for stars in (0, 6):
            with pytest.raises(Invalid):
                ratings.rate(session, SYSTEM, incident, stars)
        with pytest.raises(Invalid):
            ratings.rate(session, SYSTEM, incident, 5, remark="长" * 501)
        assert incident.rating is None
