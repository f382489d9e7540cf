"""Problems and changes for tests, taken as far as a test needs them."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy.orm import Session

from kb import changes, clock, entries, problems
from kb.access import Person
from kb.change_templates import TO_FILL
from kb.documents import Kind
from kb.lifecycle import Caused, ChangeKind, ChangeOutcome
from kb.models import Change, ChangePlan, Problem
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import machines, samples


def run(machine: type[RuleBasedStateMachine], folder: Path, *, examples: int, steps: int, **given: object) -> None:
    """Run a state machine, each time in a folder of its own; `given` are attributes that it looks for."""
    count = itertools.count()

    def make() -> Path:
        made = folder / str(next(count))
        made.mkdir()
        return made

    here = type(machine.__name__, (machine,), {"folder": staticmethod(make), **given})
    machines.run(here, examples=examples, steps=steps)


NODE = "LS-ZJ-OLT-01"


def problem(session: Session, by: Person, *numbers: str) -> Problem:
    return problems.begin(
        session, by, title="朱集片区机顶盒成片无信号", description="同一光节点下多户报修", numbers=numbers
    )


def solved(session: Session, store: ContentStore, by: Person, lead: Person, made: Problem) -> Problem:
    """With a root cause and an approved solution, not closed."""
    problems.write_down(session, by, made, root_cause="光节点供电器老化", workaround="先切到备用供电")
    revision = problems.write_solution(
        session, by, made, category="数字电视/信号质量", owner_group="team-tv", service="数字电视"
    )
    attributes = revision.read_attributes().model_copy(update={"covers": ["TV-005"], "devices": ["光节点"]})
    entries.save(session, by, revision, attributes, samples.BODY, version=revision.version)
    entries.submit(session, by, revision)
    samples.approve(session, store, lead, revision)
    return made


def change(session: Session, by: Person, kind: ChangeKind = ChangeKind.NORMAL, **more: Any) -> Change:
    values: dict[str, Any] = {
        "title": "更换朱集光节点供电器",
        "description": "供电器老化，成片无信号",
        "category": "变更/网络改造",
        "owner_group": "team-access",
        "nodes": [NODE],
    }
    return changes.begin(session, by, kind=kind, **(values | more))


def plan(made: Change, kind: Kind) -> ChangePlan:
    return next(row for row in made.plans if row.kind == kind)


def fill(session: Session, by: Person, made: Change) -> None:
    """Answer what the templates ask for."""
    for row in made.plans:
        revision = row.revision
        body = (revision.body or "").replace(TO_FILL, "已写：")
        entries.save(session, by, revision, revision.read_attributes(), body, version=revision.version)


def approve_plan(session: Session, store: ContentStore, by: Person, lead: Person, row: ChangePlan) -> None:
    entries.submit(session, by, row.revision)
    samples.approve(session, store, lead, row.revision)


def window(hours: float = 2) -> dict[str, dt.datetime]:
    """One that has begun."""
    now = clock.now()
    return {"start": now - dt.timedelta(minutes=1), "end": now + dt.timedelta(hours=hours)}


def submitted(session: Session, store: ContentStore, people: People, kind: ChangeKind = ChangeKind.NORMAL) -> Change:
    """Asked for by tech, its documents approved by lead."""
    made = change(session, people.tech, kind)
    fill(session, people.tech, made)
    changes.submit(session, store, people.tech, made)
    for row in made.plans:
        if kind != ChangeKind.EMERGENCY or row.kind != Kind.TEST_PLAN:
            approve_plan(session, store, people.tech, people.lead, row)
    return made


def scheduled(session: Session, store: ContentStore, people: People, kind: ChangeKind = ChangeKind.NORMAL) -> Change:
    made = submitted(session, store, people, kind)
    changes.approve(session, people.lead, made)
    changes.schedule(session, people.tech, made, **window(), implementer="tech2")
    return made


def implemented(session: Session, store: ContentStore, people: People, kind: ChangeKind = ChangeKind.NORMAL) -> Change:
    made = scheduled(session, store, people, kind)
    changes.start(session, people.tech2, made)
    changes.finish(session, people.tech2, made)
    return made


def recorded(session: Session, by: Person, made: Change) -> Change:
    changes.record(
        session, by, made, outcome=ChangeOutcome.SUCCESSFUL, test_results="22 个用例全部通过", caused=Caused.NONE
    )
    return made
