"""What did the user say of the repair? One reading for the page and for the API, so that both keep a wrong code."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from kb import incidents, verification
from kb.access import Person
from kb.errors import Conflict, Invalid
from kb.lifecycle import Outcome, VerificationMethod
from kb.models import Incident


@dataclass(frozen=True)
class Said:
    outcome: Outcome
    method: VerificationMethod
    said_by: str
    remark: str = ""
    code: str = ""
    again: bool = False
    reporter: str = ""


def record(session: Session, by: Person, incident: Incident, said: Said) -> None:
    """Staff write down what the user said; the user's own link is `report.confirm` and nothing else. A wrong code is committed
    before it is refused: it counts."""
    if said.method is VerificationMethod.SIGNED_LINK:
        raise Conflict("用户链接只能由用户本人使用 · only the user confirms through the link")
    reporter = incidents.find(session, by, said.reporter) if said.reporter else None
    words = {"said_by": said.said_by, "remark": said.remark}
    if said.method is VerificationMethod.CALL_BACK or said.outcome is Outcome.UNSOLVED:
        incidents.verify(session, by, incident, said.outcome, said.method, again=said.again, reporter=reporter, **words)
    elif reporter is not None:
        raise Conflict("并入的报修请电话回访 · the reporter of a merged report is called")
    elif verification.at_door(session, by, incident, said.code, again=said.again, **words) is None:
        session.commit()
        problem = "确认码不对 · the code is wrong"
        raise Invalid(problem, fields={"code": problem})
