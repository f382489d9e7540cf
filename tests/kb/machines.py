"""State machines: people of all roles over one record, and how a machine is run, the same way each time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy.orm import Session

from kb import access, accounts
from kb.access import Person
from kb.db import Database
from kb.errors import KBError
from kb.store import ContentStore
from tests.conftest import ACCOUNTS

WHO = st.sampled_from([name for name, _, _ in ACCOUNTS])


class RecordMachine(RuleBasedStateMachine):
    """An installation of its own, in which everybody does something to the record `number`."""

    template: Path
    folder: Callable[[], Path]
    number: str

    def __init__(self) -> None:
        super().__init__()
        folder = self.folder()
        shutil.copy(self.template, folder / "kb.sqlite3")
        self.database, self.store = Database(folder / "kb.sqlite3"), ContentStore(folder / "store")
        with self.database.write() as session:
            self.people = {name: access.person(session, accounts.get(session, name)) for name, _, _ in ACCOUNTS}
            self.prepare(session)
            session.commit()

    def prepare(self, session: Session) -> None:
        """What there is before the first step."""
        raise NotImplementedError

    def find(self, session: Session, by: Person) -> Any:
        """The record."""
        raise NotImplementedError

    def teardown(self) -> None:
        self.database.close()

    def _do(self, who: str, use: Callable[..., object]) -> None:
        """`use` gets session, person and record."""
        try:
            with self.database.write() as session:
                use(session, self.people[who], self.find(session, self.people[who]))
                session.commit()
        except KBError:
            pass  # refused, and nothing is changed


def run(machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
