"""What is altered on purpose, by which documents, and for which problems and incidents?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kb import clock
from kb.lifecycle import PLANS, Caused, ChangeKind, ChangeOutcome, ChangeState
from kb.models.base import Base, UtcDateTime, one_of

if TYPE_CHECKING:
    from kb.models.entries import Entry, Revision
    from kb.models.incidents import Incident
    from kb.models.people import User
    from kb.models.problems import Problem


class ChangePlan(Base):
    """One of the three documents of a change, in the revision that the change rests on."""

    __tablename__ = "change_plans"
    __table_args__ = (UniqueConstraint("change_id", "kind"), one_of("kind", PLANS))

    id: Mapped[int] = mapped_column(primary_key=True)
    change_id: Mapped[int] = mapped_column(ForeignKey("changes.id"))
    kind: Mapped[str] = mapped_column(String(30))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"), index=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))

    entry: Mapped[Entry] = relationship()
    revision: Mapped[Revision] = relationship()


class ChangeProblem(Base):
    """A problem that a change is meant to remove."""

    __tablename__ = "change_problems"

    change_id: Mapped[int] = mapped_column(ForeignKey("changes.id"), primary_key=True)
    problem_id: Mapped[int] = mapped_column(ForeignKey("problems.id"), primary_key=True, index=True)


class ChangeIncident(Base):
    """An incident that a change answers, or one that it caused."""

    __tablename__ = "change_incidents"
    __table_args__ = (one_of("role", ("answers", "caused")),)

    change_id: Mapped[int] = mapped_column(ForeignKey("changes.id"), primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)

    incident: Mapped[Incident] = relationship()


_AFTER_START = "('implementing', 'implemented', 'rolled_back', 'reviewed', 'closed')"


class Change(Base):
    """Something that is altered on purpose: who asked, who approved, who does it when, and what came of it."""

    __tablename__ = "changes"
    __table_args__ = (
        one_of("state", ChangeState),
        one_of("kind", ChangeKind),
        one_of("outcome", ("", *ChangeOutcome)),
        one_of("caused", ("", *Caused)),
        CheckConstraint("approver_id <> requester_id", name="approver_did_not_ask"),
        CheckConstraint("implementer_id <> approver_id", name="implementer_did_not_approve"),
        CheckConstraint("reviewer_id <> implementer_id", name="reviewer_did_not_implement"),
        CheckConstraint("window_start < window_end", name="window_has_length"),
        CheckConstraint("(window_start IS NULL) = (window_end IS NULL)", name="window_has_ends"),
        CheckConstraint(
            f"approver_id IS NOT NULL OR state NOT IN {_AFTER_START[:-1]}, 'approved', 'scheduled')",
            name="approved_by_somebody",
        ),
        CheckConstraint(
            "(window_start IS NOT NULL AND implementer_id IS NOT NULL)"
            f" OR state NOT IN {_AFTER_START[:-1]}, 'scheduled')",
            name="scheduled_for_somebody",
        ),
        CheckConstraint(f"started_at IS NOT NULL OR state NOT IN {_AFTER_START}", name="started_at_some_time"),
        CheckConstraint("reviewer_id IS NOT NULL OR state NOT IN ('reviewed', 'closed')", name="reviewed_by_somebody"),
        CheckConstraint("(rolled_back_at IS NULL) = (rollback_reason = '')", name="rolled_back_for_a_reason"),
        CheckConstraint("state <> 'rolled_back' OR rolled_back_at IS NOT NULL", name="rolled_back_at_some_time"),
        Index("ix_changes_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    state: Mapped[str] = mapped_column(String(20), default=ChangeState.DRAFT)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    nodes: Mapped[list[str]] = mapped_column(JSON, default=list)  # devices, by their ids in the topology
    requester_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    approver_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    implementer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    window_start: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    window_end: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    rolled_back_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    rollback_reason: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[str] = mapped_column(String(20), default="")
    test_results: Mapped[str] = mapped_column(Text, default="")
    caused: Mapped[str] = mapped_column(String(20), default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    requester: Mapped[User] = relationship(foreign_keys=[requester_id])
    approver: Mapped[User | None] = relationship(foreign_keys=[approver_id])
    implementer: Mapped[User | None] = relationship(foreign_keys=[implementer_id])
    reviewer: Mapped[User | None] = relationship(foreign_keys=[reviewer_id])
    plans: Mapped[list[ChangePlan]] = relationship(order_by="ChangePlan.id")
    problems: Mapped[list[Problem]] = relationship(secondary="change_problems", order_by="Problem.id")
    incidents: Mapped[list[ChangeIncident]] = relationship(order_by="ChangeIncident.incident_id")
