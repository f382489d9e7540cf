"""What did the user say of a repair, and did the solution hold?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kb import clock
from kb.lifecycle import ContactMethod, Outcome, VerificationMethod
from kb.models.base import Base, UtcDateTime, one_of

if TYPE_CHECKING:
    from kb.models.entries import Revision
    from kb.models.incidents import Incident
    from kb.models.people import User


class Verification(Base):
    """What the user said of the repair, how it was heard, and who heard it. Never changed, never deleted."""

    __tablename__ = "verifications"
    __table_args__ = (
        one_of("outcome", Outcome),
        one_of("method", VerificationMethod),
        CheckConstraint("length(trim(said_by)) > 0", name="said_by_somebody"),
        CheckConstraint("method = 'signed_link' OR recorded_by_id IS NOT NULL", name="heard_by_somebody"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    outcome: Mapped[str] = mapped_column(String(20))
    method: Mapped[str] = mapped_column(String(20))
    said_by: Mapped[str] = mapped_column(String(80))
    remark: Mapped[str] = mapped_column(Text, default="")
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    # whose word it is where reports were merged: the report that was merged, or none for the incident's own reporter
    reporter_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    incident: Mapped[Incident] = relationship(back_populates="verifications", foreign_keys=[incident_id])
    recorded_by: Mapped[User | None] = relationship()


class ContactAttempt(Base):
    """Somebody tried to reach the user about the repair, in vain. Never changed, never deleted."""

    __tablename__ = "contact_attempts"
    __table_args__ = (one_of("method", ContactMethod),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    method: Mapped[str] = mapped_column(String(20))
    remark: Mapped[str] = mapped_column(String(500), default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    incident: Mapped[Incident] = relationship(back_populates="attempts")
    by: Mapped[User] = relationship()


class SolutionOutcome(Base):
    """Did a revision of a solution hold where it was applied, as far as the user said? Never changed, never deleted."""

    __tablename__ = "solution_outcomes"
    __table_args__ = (one_of("outcome", ("held", "refused")),)

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"), index=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    outcome: Mapped[str] = mapped_column(String(20))
    said: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    incident: Mapped[Incident] = relationship()


class SelfHelp(Base):
    """A subscriber tried the first steps of a solution: it helped, or a report was made of it. Never changed, never deleted."""

    __tablename__ = "self_help"
    __table_args__ = (
        one_of("outcome", ("solved", "reported")),
        CheckConstraint("(outcome = 'reported') = (incident_id IS NOT NULL)", name="reported_has_incident"),
        CheckConstraint("tried BETWEEN 1 AND 99", name="tried_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"), index=True)
    outcome: Mapped[str] = mapped_column(String(20))
    tried: Mapped[int]  # steps, from the first
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    revision: Mapped[Revision] = relationship()


class Rating(Base):
    """What a reporter gives the repair. Changed by them alone, until the incident is done; never deleted."""

    __tablename__ = "ratings"
    __table_args__ = (CheckConstraint("stars BETWEEN 1 AND 5", name="stars_range"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), unique=True)
    stars: Mapped[int]
    remark: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
