"""Which cause is behind incidents?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kb import clock
from kb.lifecycle import ProblemCancelReason, ProblemState
from kb.models.base import Base, UtcDateTime, one_of

if TYPE_CHECKING:
    from kb.models.changes import Change
    from kb.models.entries import Entry
    from kb.models.incidents import Incident
    from kb.models.people import User


class ProblemIncident(Base):
    """An incident that a problem is behind; the incident goes its own way."""

    __tablename__ = "problem_incidents"

    problem_id: Mapped[int] = mapped_column(ForeignKey("problems.id"), primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), primary_key=True, index=True)


class Problem(Base):
    """A cause behind incidents, what is known of it, and the solution that came of it."""

    __tablename__ = "problems"
    __table_args__ = (
        one_of("state", ProblemState),
        one_of("cancel_reason", ("", *ProblemCancelReason)),
        CheckConstraint("(state = 'cancelled') = (cancel_reason <> '')", name="cancelled_has_reason"),
        CheckConstraint(
            "state <> 'known_error' OR (length(trim(root_cause)) > 0 AND length(trim(workaround)) > 0)",
            name="known_error_is_known",
        ),
        Index("ix_problems_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    state: Mapped[str] = mapped_column(String(20), default=ProblemState.NEW)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    root_cause: Mapped[str] = mapped_column(Text, default="")
    workaround: Mapped[str] = mapped_column(Text, default="")
    solution_entry_id: Mapped[int | None] = mapped_column(ForeignKey("entries.id"), index=True)
    cancel_reason: Mapped[str] = mapped_column(String(60), default="")
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    known_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    opened_by: Mapped[User] = relationship(foreign_keys=[opened_by_id])
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
    solution: Mapped[Entry | None] = relationship()
    incidents: Mapped[list[Incident]] = relationship(secondary="problem_incidents", order_by="Incident.id")
    changes: Mapped[list[Change]] = relationship(secondary="change_problems", order_by="Change.id", viewonly=True)
