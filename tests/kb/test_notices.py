"""Who hears of a change, and who does not?"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select

from kb import (
    accounts,
    assignment,
    changes,
    clock,
    doubts,
    entries,
    handovers,
    incidents,
    notices,
    problems,
    publishing,
    reviews,
    validity,
)
from kb.access import Person
from kb.accounts import SYSTEM
from kb.db import Database
from kb.documents import Audience
from kb.lifecycle import CancelReason, Decision, HandoverReason, Origin, Outcome, Part, VerificationMethod
from kb.models import Entry, Notice, Search, User
from kb.notices import Item
from kb.store import ContentStore
from tests.conftest import Clock, People
from tests.kb import process_samples, samples


def unread_of(database: Database, by: Person) -> list[Item]:
    with database.read() as session:
        return notices.inbox(session, by, only_unread=True)


def _about(database: Database, by: Person) -> list[tuple[str, str]]:
    """(action, because) of what this person has not read, oldest first."""
    return [(item.notice.audit.action, item.notice.because) for item in reversed(unread_of(database, by))]


def _published_and_read(database: Database, store: ContentStore, author: Person, lead: Person) -> int:
    """An entry in use, of which neither has a notice left to read."""
    with database.write() as session:
        made = samples.published(session, store, author, lead).id
        session.commit()
        for person in (author, lead):
            notices.mark_read(session, person)
        session.commit()
    return made


def test_whose_turn_it_is_hears_of_a_submission_and_the_author_of_both_decisions(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        revision = samples.submitted(session, people.tech)  # owned by team-tv, which is lead's
        samples.approve(session, store, people.lead, revision)
        session.commit()
    assert _about(database, people.lead) == [("review_assigned", "turn")]
    assert _about(database, people.lead2) == []
    assert _about(database, people.tech) == [("content_approve", "author"), ("formal_approve", "author")]
    half, whole = reversed(unread_of(database, people.tech))
    assert half.said() == "lead 内容审核通过（您写的）"
    assert whole.said("en") == "lead approved the form (you wrote it)"
    assert (half.notice.audit.to_state, whole.notice.audit.to_state) == ("in_review", "approved")
    assert whole.title == "机顶盒提示无信号的处理"


def test_a_late_review_is_told_to_whose_turn_it_is_and_then_to_all_leads_and_to_who_manages_knowledge(
    database: Database, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        samples.submitted(session, people.tech, owner_group="team-plant")  # which no lead belongs to
        session.commit()
    turn = next(lead for lead in (people.lead, people.lead2) if _about(database, lead))
    assert _about(database, turn) == [("review_assigned", "turn")]
    for days, told in ((2, 0), (1, 1), (2, 1), (1, 0)):
        stopped_clock.advance(days=days)
        with database.write() as session:
            assert reviews.remind_due(session, 3, samples.CALENDAR) == told
            session.commit()
    assert _about(database, turn)[1:] == [("review_reminded", "turn"), ("review_escalated", "leads")]
    others = [_about(database, person) for person in (people.lead, people.lead2, people.manager) if person != turn]
    assert others == [[("review_escalated", "leads")], [("review_escalated", "managers")]]


def test_a_return_says_why_to_the_author_and_to_whoever_waits_for_it(
    database: Database, people: People, store: ContentStore
) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech2)
        incidents.take(session, people.tech2, incident)
        revision = incidents.write_solution(session, people.tech, incident, samples.attributes(), samples.BODY)
        entries.submit(session, people.tech, revision)
        reviews.decide(session, store, people.lead, revision, Part.CONTENT, Decision.APPROVE)
        reviews.decide(session, store, people.lead, revision, Part.FORMAL, Decision.RETURN, reason="缺照片")
        session.commit()
    # half an approval closes no incident, so who waits hears of the end alone
    assert _about(database, people.tech2) == [("link", "assignee"), ("formal_return", "waiting")]
    assert unread_of(database, people.tech)[0].reason == "缺照片"


def test_an_incident_is_told_to_the_group_of_its_district_and_otherwise_to_the_leads(
    database: Database, people: People
) -> None:
    with database.write() as session:
        samples.incident(session, people.subscriber, district="district-city-1", contact_phone="13800001234")
        session.commit()
    assert _about(database, people.tech) == [("report", "maintenance")]  # of group-city-1
    assert _about(database, people.tech2) == _about(database, people.lead) == []
    with database.write() as session:
        samples.incident(session, people.tech)
        session.commit()
    assert _about(database, people.lead) == _about(database, people.lead2) == [("report", "maintenance")]


def test_reporter_and_handler_follow_an_incident_and_nobody_hears_of_their_own_steps(
    database: Database, store: ContentStore, people: People
) -> None:
    made = _published_and_read(database, store, people.tech2, people.lead)
    with database.write() as session:
        entry = session.get_one(Entry, made)
        incident = samples.incident(session, people.manager)
        incidents.take(session, people.tech, incident)
        incidents.link(session, people.tech, incident, entry)
        incidents.resolve(session, people.tech, incident)
        incidents.verify(
            session, people.manager, incident, Outcome.SOLVED, VerificationMethod.CALL_BACK, said_by="用户"
        )
        incidents.close(session, people.tech, incident)
        session.commit()
    assert _about(database, people.manager) == [("take", "reporter"), ("resolve", "reporter"), ("close", "reporter")]
    assert _about(database, people.tech) == [("verify_call_back", "assignee")]
    assert _about(database, people.tech2) == [("close", "solution_author")]


def test_whoever_had_an_incident_hears_that_another_took_it_and_that_it_was_cancelled(
    database: Database, people: People
) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        incidents.take(session, people.tech, incident)
        incidents.wait(session, people.tech, incident, "等配件")
        incidents.take(session, people.tech2, incident)
        incidents.cancel(session, people.lead, incident, CancelReason.DUPLICATE)
        session.commit()
    assert _about(database, people.tech) == [("take", "reporter"), ("cancel", "reporter")]
    assert _about(database, people.tech2) == [("cancel", "assignee")]


def test_a_retired_solution_is_told_to_its_author_and_to_whoever_relies_on_it(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        entry = samples.published(session, store, people.tech, people.lead)
        incident = samples.incident(session, people.tech2)
        incidents.take(session, people.tech2, incident)
        incidents.link(session, people.tech2, incident, entry)
        validity.retire(session, people.lead, entry, reason="有误")
        session.commit()
    assert _about(database, people.tech)[-1] == ("retire", "published_author")
    assert _about(database, people.tech2)[-1] == ("solution_retired", "handlers")


def test_staff_who_searched_in_vain_hear_of_the_solution_that_came(
    database: Database, store: ContentStore, people: People, stopped_clock: Clock
) -> None:
    def search(by: Person, text: str, **more: object) -> None:
        session.add(Search(token=f"t{len(text)}{by.id}", role=by.role, person_id=by.id, text=text, key=text, **more))

    with database.write() as session:
        search(people.tech2, "机顶盒提示无信号")
        search(people.manager, "机顶盒提示无信号", hits=3)  # found something
        search(people.lead2, "光猫红灯")  # something else
        search(people.admin, "机顶盒提示无信号", at=clock.now() - dt.timedelta(days=31))
        samples.published(session, store, people.tech, people.lead)
        session.commit()
    assert _about(database, people.tech2) == [("formal_approve", "searched")]
    assert [_about(database, person) for person in (people.manager, people.lead2, people.admin)] == [[], [], []]


def test_nobody_is_told_of_what_they_may_not_see(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        samples.submitted(session, people.tech2, audience=Audience.RESTRICTED, owner_group="team-access")
        samples.submitted(session, people.manager, audience=Audience.RESTRICTED, owner_group="team-plant")
        session.commit()
    assert _about(database, people.lead2) == [("review_assigned", "turn")]
    assert _about(database, people.lead) == []


def test_importing_and_the_library_tell_nobody(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        revision = entries.create(session, SYSTEM, samples.attributes(), samples.BODY, origin=Origin.LIBRARY)
        revision.author_id = None
        publishing.publish_unreviewed(session, store, SYSTEM, revision)
        session.commit()
        assert session.scalar(select(func.count()).select_from(Notice)) == 0


def test_a_hand_over_is_told_to_whom_it_goes_and_from_whom(database: Database, people: People) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.manager)
        incidents.take(session, people.tech, incident)
        to = {"reason": HandoverReason.SKILL, "remark": "查过线路"}
        handovers.hand_over(session, people.lead, incident, person="tech2", **to)
        handovers.hand_over(session, people.tech2, incident, unit="group-city-1", **to)
        handovers.hand_over(session, people.tech, incident, line=3, unit="team-plant", **to)  # where nobody belongs
        session.commit()
    assert _about(database, people.tech) == [("hand_over", "handed_from"), ("hand_over", "handed_to")]
    assert _about(database, people.tech2) == [("hand_over", "handed_to")]
    assert _about(database, people.lead2)[1:] == [("hand_over", "handed_to")]  # the first is the report
    assert _about(database, people.manager)[1:] == [("hand_over", "reporter")] * 3


def test_doubts_are_told_to_the_author_and_the_leads_and_their_answer_to_who_raised_them(
    database: Database, store: ContentStore, people: People
) -> None:
    made = _published_and_read(database, store, people.tech, people.lead)
    with database.write() as session:
        entry = session.get_one(Entry, made)
        doubts.question(session, people.tech2, entry, "做不通")
        doubts.confirm(session, people.lead, entry, reason="照做可行")
        doubts.question(session, people.manager, entry, "步骤缺一步")
        validity.retire(session, people.lead, entry, reason="设备已停用")
        session.commit()
    asked = ("question", "published_author")
    confirmed, retired = ("doubt_confirmed", "published_author"), ("retire", "published_author")
    assert _about(database, people.tech) == [asked, confirmed, asked, retired]
    assert _about(database, people.lead) == [("question", "leads")] * 2
    assert _about(database, people.tech2) == [("doubt_confirmed", "doubters")]
    assert _about(database, people.manager) == [("doubt_retired", "doubters")]


def test_a_slip_is_told_to_whose_text_it_was_and_to_the_leads(
    database: Database, store: ContentStore, people: People
) -> None:
    made = _published_and_read(database, store, people.tech, people.lead)
    with database.write() as session:
        entry = session.get_one(Entry, made)
        body = samples.BODY.replace("射频线松脱。", "射频线松脱，")
        publishing.correct(session, store, people.manager, entry, body, base=1, sounds=lambda character: [])
        session.commit()
    assert _about(database, people.tech) == [("correct", "base_author")]
    assert _about(database, people.lead) == [("correct", "leads")]


def test_a_deputy_hears_of_the_turns_that_are_theirs_now(database: Database, people: People) -> None:
    with database.write() as session:
        samples.submitted(session, people.tech)
        made = assignment.delegate(session, people.lead, "lead2", starts=clock.today(), ends=clock.today())
        assignment.end_delegation(session, people.lead, made.id)
        session.commit()
    assert _about(database, people.lead2) == [
        ("delegate_reviews", "deputies"), ("review_assigned", "turn"), ("end_delegation", "deputies"),
    ]  # fmt: skip
    assert unread_of(database, people.lead2)[0].title == "lead"


def test_who_handles_an_incident_of_a_problem_hears_of_the_problem_and_who_opened_it_of_the_rest(
    database: Database, people: People
) -> None:
    with database.write() as session:
        incident = samples.incident(session, people.tech2)
        incidents.take(session, people.tech2, incident)
        problem = process_samples.problem(session, people.tech, incident.number)
        problems.investigate(session, people.lead, problem)
        problems.write_down(session, people.tech, problem, root_cause="老化", workaround="切换")
        problems.know(session, people.lead, problem)
        session.commit()
    assert _about(database, people.tech2) == [("begin", "its_handlers"), ("know", "its_handlers")]
    assert _about(database, people.tech) == [("investigate", "opener"), ("know", "opener")]
    assert _about(database, people.lead)[-1] == ("write_down", "owner")


def test_the_people_of_a_change_hear_of_each_others_steps(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        change = process_samples.recorded(
            session, people.tech2, process_samples.implemented(session, store, people)
        )  # asked for by tech, approved by lead, done by tech2
        changes.review(session, people.lead2, change, remark="好")
        session.commit()

    def heard(by: Person) -> list[tuple[str, str]]:
        items = reversed(unread_of(database, by))
        return [(item.notice.audit.action, item.notice.because) for item in items if item.type == "change"]

    assert heard(people.tech) == [
        ("approve_change", "requester"), ("start", "requester"), ("finish", "requester"),
        ("record_results", "requester"), ("review_change", "requester"),
    ]  # fmt: skip
    assert heard(people.tech2) == [("schedule", "implementer"), ("review_change", "implementer")]
    assert heard(people.lead) == [
        ("submit_change", "deciders"), ("start", "approver"), ("finish", "approver"), ("record_results", "approver"),
    ]  # fmt: skip
    assert heard(people.lead2) == [("submit_change", "deciders")]
    assert heard(people.manager) == []


def test_an_account_hears_who_changed_it(database: Database, people: People) -> None:
    with database.write() as session:
        user = session.get_one(User, people.tech.id)
        accounts.set_password(session, people.admin, user, "another horse 9")
        accounts.set_password(session, people.tech, user, "a third horse 9")
        session.commit()
    assert _about(database, people.tech) == [("set_password", "account")]
