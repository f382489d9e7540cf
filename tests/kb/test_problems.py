"""A problem groups incidents and leaves them alone, and closes with a root cause and an approved solution alone."""

from __future__ import annotations

import datetime as dt
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb import audit, entries, incidents, problems, validity
from kb.access import Person
from kb.db import Database
from kb.errors import BadTransition, Conflict, GateClosed, Invalid, NotAllowed, StaleVersion
from kb.lifecycle import (
    PROBLEM_STEPS,
    CancelReason,
    ProblemCancelReason,
    ProblemFacts,
    ProblemState,
    ProblemUnmet,
    known_error_gate,
    problem_gate,
)
from kb.models import Problem
from kb.problems import Report, Weight, suspicions, weigh
from kb.store import ContentStore
from tests.conftest import BOTH, Clock, People
from tests.kb import process_samples, samples
from tests.kb.machines import WHO, RecordMachine


@BOTH
def test_the_road_from_a_suspicion_to_closed(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        first, second = (samples.incident(session, people.tech, district="district-zhuji-1") for _ in range(2))
        before = (first.version, first.state, incidents.unmet(first))
        made = process_samples.problem(session, people.tech, first.number, second.number)
        problems.investigate(session, people.tech2, made)
        assert made.number == "PRB-000001" and made.owner_id == people.tech2.id
        with pytest.raises(GateClosed) as refused:
            problems.know(session, people.tech, made)
        assert len(refused.value.unmet) == 2
        process_samples.solved(session, store, people.tech, people.lead, made)
        problems.know(session, people.tech, made)
        problems.resolve(session, people.tech, made)
        problems.close(session, people.tech, made)
        session.commit()
        assert made.state == ProblemState.CLOSED
        assert (first.version, first.state, incidents.unmet(first)) == before  # nothing of it touched the incident
        assert first.solution is None
        steps = [row.to_state for row in audit.history(session, made) if row.to_state in set(ProblemState)]
        assert steps == ["new", "investigating", "known_error", "resolved", "closed"]


def test_the_solution_is_written_from_what_the_problem_knows(database: Database, people: People) -> None:
    with database.write() as session:
        one = samples.incident(session, people.tech, title="黑屏，电话13800001234")
        made = process_samples.problem(session, people.tech, one.number)
        problems.write_down(session, people.tech, made, root_cause="供电器老化", workaround="切备用")
        revision = problems.write_solution(
            session, people.tech, made, category="数字电视/信号质量", owner_group="team-tv", service="数字电视"
        )
        body = revision.body or ""
        assert "供电器老化" in body and "切备用" in body and "- 黑屏" in body and "13800001234" not in body
        assert revision.state == "draft" and made.solution is revision.entry
        assert problems.unmet(made) == [ProblemUnmet.SOLUTION_NOT_APPROVED]
        with pytest.raises(Conflict, match="修订"):
            problems.write_solution(session, people.tech, made, category="x", owner_group="team-tv", service="x")


def test_the_solution_is_offered_to_open_incidents_that_have_none(
    database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        one, two, other, gone = (samples.incident(session, people.tech) for _ in range(4))
        incidents.cancel(session, people.lead, gone, CancelReason.DUPLICATE)
        elsewhere = samples.published(session, store, people.tech, people.lead, title="另一条机顶盒的处理")
        incidents.link(session, people.tech, other, elsewhere)
        made = process_samples.problem(session, people.tech, *(row.number for row in (one, two, other, gone)))
        with pytest.raises(Conflict, match="尚无解决方案"):
            problems.offer(session, people.tech, made, [one.number])
        process_samples.solved(session, store, people.tech, people.lead, made)
        assert problems.waiting(made) == [one, two]
        assert one.solution is None  # approving it linked nothing
        linked = problems.offer(session, people.tech, made, [one.number, other.number, gone.number, "INC-9"])
        assert linked == [one] and one.solution is made.solution and two.solution is None
        assert other.solution is elsewhere
        assert [row.action for row in audit.history(session, one)][-1] == "link"  # by the incident's own use case


def test_an_unapproved_solution_is_not_offered(database: Database, people: People) -> None:
    with database.write() as session:
        one = samples.incident(session, people.tech)
        made = process_samples.problem(session, people.tech, one.number)
        problems.write_solution(
            session, people.tech, made, category="数字电视/信号质量", owner_group="team-tv", service="数字电视"
        )
        with pytest.raises(Conflict, match="尚未通过审核"):
            problems.offer(session, people.tech, made, [one.number])


def test_who_may_do_what(database: Database, people: People) -> None:
    with database.write() as session:
        made = process_samples.problem(session, people.tech)
        with pytest.raises(NotAllowed):
            problems.cancel(session, people.tech, made, ProblemCancelReason.DUPLICATE)
        with pytest.raises(NotAllowed):
            problems.suspected(session, people.tech)
        for use in (problems.investigate, problems.resolve, problems.close, problems.know):
            with pytest.raises(NotAllowed):
                use(session, people.subscriber, made)
        problems.cancel(session, people.lead, made, ProblemCancelReason.NO_COMMON_CAUSE)
        assert made.state == ProblemState.CANCELLED
        with pytest.raises(Conflict, match="已结束"):
            problems.add_incident(session, people.tech, made, "INC-1")
        with pytest.raises(BadTransition):
            problems.investigate(session, people.tech, made)


def test_a_stale_page_is_told_both_versions(database: Database, people: People) -> None:
    with database.write() as session:
        made = process_samples.problem(session, people.tech)
        problems.investigate(session, people.tech, made)
        with pytest.raises(StaleVersion) as caught:
            problems.process.check_version(made, 1)
        assert (caught.value.yours, caught.value.latest) == (1, 2)


def test_input_is_named_by_field(database: Database, people: People) -> None:
    with database.write() as session:
        with pytest.raises(Invalid) as caught:
            problems.begin(session, people.tech, title="x", description=" ")
        assert set(caught.value.fields) == {"title", "description"}
        made = process_samples.problem(session, people.tech)
        one = samples.incident(session, people.tech)
        for _ in range(2):
            problems.add_incident(session, people.tech, made, one.number)
        assert made.incidents == [one] and made.version == 2
        problems.remove_incident(session, people.tech, made, one.number)
        assert made.incidents == []


@pytest.mark.parametrize("root_cause", ["", "  ", "老化"])
@pytest.mark.parametrize("kind", [None, "solution", "policy"])
@pytest.mark.parametrize("revision", [None, "draft", "in_review", "returned", "approved", "retired"])
def test_the_gate_opens_for_cause_and_approved_solution_alone(
    root_cause: str, kind: str | None, revision: str | None
) -> None:
    state = (
        None
        if kind is None
        else "published"
        if revision == "approved"
        else "retired"
        if revision == "retired"
        else "draft"
    )
    facts = ProblemFacts(root_cause, "", kind, state, revision)
    assert (problem_gate(facts) == []) == (root_cause == "老化" and kind == "solution" and revision == "approved")
    assert (known_error_gate(facts) == []) is False


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([], Weight(4, 4, 4)),
        ([(4, "a")], Weight(4, 4, 4)),
        ([(1, "a")], Weight(4, 1, 2)),
        ([(4, ""), (4, "")], Weight(3, 4, 3)),
        ([(3, "a"), (2, "a")], Weight(2, 2, 2)),
        ([(3, "a"), (2, "b")], Weight(1, 2, 1)),
        ([(1, "a"), (1, "b")], Weight(1, 1, 1)),
    ],
)
def test_weight_follows_from_the_incidents(reports: list[tuple[int, str]], expected: Weight) -> None:
    assert weigh(reports) == expected


# --- what looks like a problem ---------------------------------------------------------------------------------

_START = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


def _report(number: int, minutes: int, *marks: tuple[str, str]) -> Report:
    return Report(f"INC-{number:06d}", _START + dt.timedelta(minutes=minutes), frozenset(marks))


def test_a_suspicion_needs_one_mark_and_one_window() -> None:
    here, there = ("district", "朱集"), ("district", "城东")
    rows = [
        _report(1, 0, here),
        _report(2, 100, here),
        _report(3, 230, here),
        _report(4, 10, there),
        _report(5, 900, here),
    ]
    (found,) = suspicions(rows)
    assert (found.value, found.numbers) == ("朱集", ("INC-000001", "INC-000002", "INC-000003"))
    assert suspicions(rows, window=dt.timedelta(minutes=200)) == []
    device = ("device", process_samples.NODE)
    assert [it.what for it in suspicions([_report(n, n, here, device) for n in range(3)])] == ["district"]


@given(
    st.lists(st.tuples(st.integers(0, 600), st.sampled_from("abc")), max_size=25),
    st.integers(0, 200),
    st.integers(2, 4),
)
def test_suspicions_are_those_that_looking_at_every_window_finds(
    drawn: list[tuple[int, str]], window: int, least: int
) -> None:
    rows = [_report(number, minutes, ("district", mark)) for number, (minutes, mark) in enumerate(drawn)]
    span = dt.timedelta(minutes=window)
    expected = set()
    for row in rows:
        beside = [it for it in rows if it.marks == row.marks and dt.timedelta(0) <= it.at - row.at <= span]
        if len(beside) >= least:
            expected |= {it.number for it in beside}
    found = suspicions(rows, window=span, least=least)
    assert sorted(number for it in found for number in it.numbers) == sorted(expected)
    assert all(len(it.numbers) >= least for it in found)


def test_leads_are_told_of_open_incidents_in_no_open_problem(
    database: Database, people: People, stopped_clock: Clock
) -> None:
    with database.write() as session:
        rows = [
            samples.incident(
                session, people.tech, title=f"{process_samples.NODE} 下挂用户断网", district="district-zhuji-1"
            )
            for _ in range(4)
        ]
        found = problems.suspected(session, people.lead)
        assert [len(it.numbers) for it in found] == [4] and found[0].what == "district"
        made = process_samples.problem(session, people.tech, *(row.number for row in rows))
        assert problems.suspected(session, people.lead) == []
        problems.cancel(session, people.lead, made, ProblemCancelReason.DUPLICATE)
        assert len(problems.suspected(session, people.lead)) == 1


def test_nodes_are_read_from_a_text() -> None:
    assert problems.nodes_in("LS-ZJ-OLT-01 与 LS-ZJ-PWR-03 掉线，见 SOL-TV-001、INC-000001，LS-ZJ-OLT-01") == [
        "LS-ZJ-OLT-01",
        "LS-ZJ-PWR-03",
    ]


# --- what the database refuses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("here", "there"), [pair for pair in product(ProblemState, repeat=2) if pair[0] != pair[1]])
def test_database_knows_the_steps(
    here: ProblemState, there: ProblemState, database: Database, store: ContentStore, people: People
) -> None:
    """From a problem that lacks nothing, exactly the steps of the table may be written."""
    with database.write() as session:
        made = process_samples.solved(
            session, store, people.tech, people.lead, process_samples.problem(session, people.tech)
        )
        session.flush()
        way = {
            "new": [], "investigating": ["investigating"], "known_error": ["investigating", "known_error"],
            "resolved": ["investigating", "resolved"], "closed": ["investigating", "resolved", "closed"], "cancelled": ["cancelled"],
        }  # fmt: skip

        def write(state: str) -> None:
            reason = "duplicate" if state == "cancelled" else ""
            session.execute(
                text("UPDATE problems SET state = :s, cancel_reason = :r WHERE id = :i"),
                {"s": state, "r": reason, "i": made.id},
            )

        for state in way[here]:
            write(state)
        if there in PROBLEM_STEPS[here]:
            write(there)
        else:
            with pytest.raises(IntegrityError, match="does not take this step"):
                write(there)


@pytest.mark.parametrize(
    ("lacking", "said"),
    [("root_cause = ''", "root cause"), ("solution_entry_id = NULL", "no approved solution")],
)
def test_database_refuses_a_closed_problem_that_lacks_something(
    lacking: str, said: str, database: Database, store: ContentStore, people: People
) -> None:
    with database.write() as session:
        made = process_samples.solved(
            session, store, people.tech, people.lead, process_samples.problem(session, people.tech)
        )
        problems.investigate(session, people.tech, made)
        problems.resolve(session, people.tech, made)
        session.flush()
        with pytest.raises(IntegrityError, match=said), session.begin_nested():
            session.execute(text(f"UPDATE problems SET {lacking}, state = 'closed' WHERE id = {made.id}"))
        problems.close(session, people.tech, made)
        session.flush()
        with pytest.raises(IntegrityError, match=said), session.begin_nested():
            session.execute(text(f"UPDATE problems SET {lacking} WHERE id = {made.id}"))
        for statement in (
            "DELETE FROM problems",
            "UPDATE problems SET state = 'cancelled', cancel_reason = 'duplicate'",
        ):
            with pytest.raises(IntegrityError), session.begin_nested():
                session.execute(text(statement))


@BOTH
def test_database_refuses_a_draft_as_the_solution_of_a_closed_problem(database: Database, people: People) -> None:
    with database.write() as session:
        made = process_samples.problem(session, people.tech)
        problems.write_down(session, people.tech, made, root_cause="老化", workaround="切换")
        problems.write_solution(
            session, people.tech, made, category="数字电视/信号质量", owner_group="team-tv", service="数字电视"
        )
        problems.investigate(session, people.tech, made)
        problems.resolve(session, people.tech, made)
        with pytest.raises(GateClosed):
            problems.close(session, people.tech, made)
        with pytest.raises(IntegrityError, match="no approved solution"), session.begin_nested():
            session.execute(text("UPDATE problems SET state = 'closed'"))
        with pytest.raises(IntegrityError, match="begins new"), session.begin_nested():
            session.execute(
                text(
                    "INSERT INTO problems (number, state, title, description, root_cause, workaround, cancel_reason, "
                    "opened_by_id, version, created_at, updated_at) VALUES ('PRB-9', 'closed', 'x', 'x', 'x', 'x', '', "
                    f"{people.tech.id}, 1, '2026-01-01', '2026-01-01')"
                )
            )


# --- any order of use cases ------------------------------------------------------------------------------------


class ProblemMachine(RecordMachine):
    """Everybody does everything in any order; SQL looks after each step whether the promises hold."""

    def __init__(self) -> None:
        super().__init__()
        self.incidents = self._incidents()

    def prepare(self, session: Session) -> None:
        self.numbers = [samples.incident(session, self.people["tech"]).number for _ in range(3)]
        self.number = process_samples.problem(session, self.people["tech"], self.numbers[0]).number

    def find(self, session: Session, by: Person) -> Problem:
        return problems.find(session, by, self.number)

    def _incidents(self) -> list[tuple[object, ...]]:
        with self.database.read() as session:
            return [
                tuple(row)
                for row in session.execute(text("SELECT id, state, version, solution_entry_id FROM incidents"))
            ]

    @rule(who=WHO, step=st.sampled_from(["investigate", "know", "resolve", "close"]))
    def step(self, who: str, step: str) -> None:
        more = {"reason": "再查"} if step == "investigate" else {}
        self._do(who, lambda session, by, made: getattr(problems, step)(session, by, made, **more))

    @rule(who=WHO, reason=st.sampled_from(ProblemCancelReason), sure=st.integers(0, 5))
    def cancel(self, who: str, reason: ProblemCancelReason, sure: int) -> None:
        if not sure:
            self._do(who, lambda session, by, made: problems.cancel(session, by, made, reason))

    @rule(who=WHO, cause=st.sampled_from(["", " ", "老化"]), around=st.sampled_from(["", "切换"]))
    def write_down(self, who: str, cause: str, around: str) -> None:
        self._do(who, lambda *given: problems.write_down(*given, root_cause=cause, workaround=around))

    @rule(who=WHO, at=st.integers(0, 2), away=st.booleans())
    def group(self, who: str, at: int, away: bool) -> None:
        use = problems.remove_incident if away else problems.add_incident
        self._do(who, lambda *given: use(*given, self.numbers[at]))

    @rule(who=WHO)
    def write_solution(self, who: str) -> None:
        self._do(
            who,
            lambda *given: problems.write_solution(
                *given, category="数字电视/信号质量", owner_group="team-tv", service="数字电视"
            ),
        )

    @rule(who=WHO, withdraw=st.integers(0, 5))
    def move_the_solution_on(self, who: str, withdraw: int) -> None:
        """Hand it in, approve it, or withdraw it: whatever comes next and this person may."""

        def use(session: Session, by: Person, made: Problem) -> None:
            entry = made.solution
            if entry is None:
                return
            revision = entries.newest_revision(session, entry)
            if revision.state == "draft":
                attributes = revision.read_attributes().model_copy(update={"covers": ["TV-005"]})
                entries.save(session, by, revision, attributes, samples.BODY, version=revision.version)
                entries.submit(session, by, revision)
            elif revision.state == "submitted":
                samples.approve(session, self.store, by, revision)
            elif not withdraw:
                validity.retire(session, by, entry, reason="不再适用")

        self._do(who, use)

    @rule()
    def hurry(self) -> None:
        """What leads to a resolved problem with an approved solution, so that what comes after is met often enough."""
        self.write_down("tech", "老化", "切换")
        self.write_solution("tech")
        for who in ("tech", "lead"):
            self.move_the_solution_on(who, 9)
        for step in ("investigate", "know", "resolve"):
            self.step("tech", step)

    @rule()
    def close(self) -> None:
        self.step("tech", "close")

    @rule(state=st.sampled_from(ProblemState))
    def write_a_state_past_everything(self, state: ProblemState) -> None:
        try:
            with self.database.write() as session:
                session.execute(text("UPDATE problems SET state = :state"), {"state": state})
                self._look(session)  # what the database takes breaks no promise; it is not kept
        except IntegrityError:
            pass

    @invariant()
    def promises_hold(self) -> None:
        with self.database.read() as session:
            self._look(session)
        assert self._incidents() == self.incidents  # whatever happens to a problem, its incidents go their own way

    def _look(self, session: Session) -> None:
        bad = session.scalars(
            text(
                "SELECT number FROM problems p WHERE (state = 'closed' AND (trim(root_cause) = '' OR NOT EXISTS ("
                "SELECT 1 FROM entries e WHERE e.id = p.solution_entry_id AND e.kind = 'solution' AND EXISTS ("
                "SELECT 1 FROM reviews r JOIN revisions v ON v.id = r.revision_id WHERE v.entry_id = e.id AND"
                " r.decision = 'approve' AND r.reviewer_id <> v.author_id GROUP BY v.id HAVING count(*) = 2))))"
                " OR (state = 'known_error' AND (trim(root_cause) = '' OR trim(workaround) = ''))"
                " OR (state = 'cancelled') <> (cancel_reason <> '')"
            )
        ).all()
        assert bad == []


def test_no_order_of_use_cases_breaks_a_promise(_template: Path, tmp_path: Path) -> None:
    process_samples.run(ProblemMachine, tmp_path, examples=25, steps=20, template=_template)


def test_incidents_are_alike_by_the_device_and_category_they_were_registered_with(
    database: Database, people: People
) -> None:
    with database.write() as session:
        for device, category in (("hg8245h", "宽带/光猫"), ("HG8245H", "宽带/光猫"), ("HG8245H", "")):
            samples.incident(session, people.tech, device=device, category=category)
        (found,) = problems.suspected(session, people.lead)
        assert (found.what, found.value, len(found.numbers)) == ("device", "HG8245H", 3)
        samples.incident(session, people.tech, device="HS8145", category="宽带/光猫")
        assert {(it.what, it.value) for it in problems.suspected(session, people.lead)} == {
            ("device", "HG8245H"), ("category", "宽带/光猫"),
        }  # fmt: skip
