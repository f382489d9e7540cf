"""How does a step of a problem or a change become a door for programs? One POST each, all of one make.

Whoever knows the version of the record sends it, and the step is refused if somebody was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from apiflask import APIBlueprint
from pydantic import BaseModel
from sqlalchemy.orm import Session

from kb import process
from kb.access import Permission, Person
from kb.models import Change, Problem
from web.api.schemas import Step
from web.context import person, services

Record = TypeVar("Record", Problem, Change)
# Name and last part of the path, what is sent, what the documentation says, and the use case.
Steps = Iterable[tuple[str, type[Step], str, Callable[[Session, Record, Any], object]]]


def add(
    bp: APIBlueprint,
    steps: Steps[Record],
    *,
    permission: Permission,
    find: Callable[[Session, Person, str], Record],
    as_json: Callable[[Session, Person, Record], dict[str, Any]],
    out: type[BaseModel],
) -> None:
    """Register a POST for each of the steps, which answers with the record as it is then."""
    for name, schema, said, use in steps:
        view = _door(use, permission, find, as_json)
        view.__doc__ = said
        bp.post(f"/<number>/{name}", endpoint=name)(bp.input(schema, arg_name="given")(bp.output(out)(view)))


def _door(
    use: Callable[[Session, Record, Any], object],
    permission: Permission,
    find: Callable[[Session, Person, str], Record],
    as_json: Callable[[Session, Person, Record], dict[str, Any]],
) -> Callable[..., dict[str, Any]]:
    def view(number: str, given: Any) -> dict[str, Any]:
        by = person()
        by.require(permission)
        with services().database.write() as session:
            record = find(session, by, number)
            if given.version is not None:
                process.check_version(record, given.version)
            use(session, record, given)
            answer = as_json(session, by, record)
            session.commit()
        return answer

    return view
