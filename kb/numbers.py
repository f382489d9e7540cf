"""What is the next number of a series? Numbers are given once and never used again."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.db import insert_or
from kb.documents import Kind
from kb.models import Counter, Entry

INCIDENT = "INC"
PROBLEM = "PRB"
CHANGE = "CHA"  # the process; its three documents are entries, CHG
PREFIX: dict[Kind, str] = {
    Kind.SOLUTION: "SOL",
    Kind.CHANGE_REQUEST: "CHG",
    Kind.TEST_PLAN: "CHG",
    Kind.TECH_PLAN: "CHG",
    Kind.POLICY: "POL",
    Kind.TOPOLOGY: "TOP",
    Kind.REFERENCE: "REF",
}


def next_number(session: Session, series: str) -> str:
    """The next number, such as INC-000042. Call it inside a write transaction."""
    statement = insert_or(session, Counter).values(series=series, value=1)
    statement = statement.on_conflict_do_update(index_elements=["series"], set_={"value": Counter.value + 1})
    value = session.scalar(statement.returning(Counter.value))
    return f"{series}-{value:06d}"


def next_entry_number(session: Session, kind: Kind) -> str:
    """The next number for an entry of this kind; one that a library file already took is passed over."""
    while True:
        number = next_number(session, PREFIX[kind])
        if session.scalar(select(Entry.id).where(Entry.number == number)) is None:
            return number
