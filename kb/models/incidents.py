"""What is the matter, with whom does it stand, and what was written down, photographed and handed over?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kb import clock
from kb.lifecycle import CancelReason, HandoverReason, IncidentState
from kb.models.base import Base, UtcDateTime, one_of

if TYPE_CHECKING:
    from kb.models.changes import Change
    from kb.models.entries import Entry, Revision
    from kb.models.outcomes import ContactAttempt, Rating, Verification
    from kb.models.people import Unit, User
    from kb.models.problems import Problem


class Incident(Base):
    """A fault that somebody has. Names, numbers and addresses stay here and never enter an entry."""

    __tablename__ = "incidents"
    __table_args__ = (
        one_of("state", IncidentState),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority_range"),
        CheckConstraint("(solution_entry_id IS NULL) = (solution_revision_id IS NULL)", name="solution_pair"),
        CheckConstraint("impact BETWEEN 1 AND 4 AND urgency BETWEEN 1 AND 4", name="impact_urgency_range"),
        CheckConstraint("line BETWEEN 1 AND 3", name="line_range"),
        CheckConstraint("(state = 'cancelled') = (cancel_reason <> '')", name="cancelled_has_reason"),
        one_of("cancel_reason", ("", *CancelReason)),
        CheckConstraint("duplicate_of_id IS NULL OR cancel_reason = 'duplicate'", name="merged_is_duplicate"),
        CheckConstraint("duplicate_of_id <> id AND parent_id <> id", name="not_its_own_relative"),
        Index("ix_incidents_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    state: Mapped[str] = mapped_column(String(20), default=IncidentState.NEW)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(String(30))
    priority: Mapped[int] = mapped_column(default=4)
    district_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    contact_name: Mapped[str] = mapped_column(String(80), default="")
    contact_phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    subscriber: Mapped[str] = mapped_column(String(40), default="")  # number of the subscriber
    site: Mapped[str] = mapped_column(String(80), default="")  # building, head-end, office
    device: Mapped[str] = mapped_column(String(80), default="")
    node: Mapped[str] = mapped_column(String(80), default="")  # of the topology
    category: Mapped[str] = mapped_column(String(80), default="")
    impact: Mapped[int] = mapped_column(default=4)
    urgency: Mapped[int] = mapped_column(default=4)
    line: Mapped[int] = mapped_column(default=1)  # of support
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))  # who has it
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"), index=True)  # the area fault
    duplicate_of_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    ask_reporter: Mapped[bool] = mapped_column(default=True)  # of a duplicate: is it somebody else's report?
    door_code_hash: Mapped[str] = mapped_column(String(120), default="")
    door_code_failures: Mapped[int] = mapped_column(default=0)
    opened_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    solution_entry_id: Mapped[int | None] = mapped_column(ForeignKey("entries.id"), index=True)
    solution_revision_id: Mapped[int | None] = mapped_column(
        ForeignKey("revisions.id", use_alter=True, name="fk_incidents_solution_revision_id")
    )
    cancel_reason: Mapped[str] = mapped_column(String(60), default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    responded_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    resolved_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    district: Mapped[Unit | None] = relationship(foreign_keys=[district_id])
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id])
    opened_by: Mapped[User | None] = relationship(foreign_keys=[opened_by_id])
    assignee: Mapped[User | None] = relationship(foreign_keys=[assignee_id])
    solution: Mapped[Entry | None] = relationship(foreign_keys=[solution_entry_id])
    solution_revision: Mapped[Revision | None] = relationship(foreign_keys=[solution_revision_id])
    verifications: Mapped[list[Verification]] = relationship(
        back_populates="incident", foreign_keys="Verification.incident_id", order_by="Verification.id"
    )
    attempts: Mapped[list[ContactAttempt]] = relationship(back_populates="incident", order_by="ContactAttempt.id")
    handovers: Mapped[list[Handover]] = relationship(order_by="Handover.id")
    notes: Mapped[list[Note]] = relationship(order_by="Note.id")
    photos: Mapped[list[Photo]] = relationship(order_by="Photo.id")
    duplicate_of: Mapped[Incident | None] = relationship(
        remote_side=[id], foreign_keys=[duplicate_of_id], back_populates="duplicates"
    )
    duplicates: Mapped[list[Incident]] = relationship(
        foreign_keys=[duplicate_of_id], back_populates="duplicate_of", order_by="Incident.id"
    )
    parent: Mapped[Incident | None] = relationship(
        remote_side=[id], foreign_keys=[parent_id], back_populates="children"
    )
    children: Mapped[list[Incident]] = relationship(
        foreign_keys=[parent_id], back_populates="parent", order_by="Incident.id"
    )
    references: Mapped[list[Reference]] = relationship(order_by="Reference.id")
    rating: Mapped[Rating | None] = relationship()
    problems: Mapped[list[Problem]] = relationship(secondary="problem_incidents", order_by="Problem.id", viewonly=True)
    changes: Mapped[list[Change]] = relationship(secondary="change_incidents", order_by="Change.id", viewonly=True)


class Note(Base):
    """What somebody who works on an incident wrote down, once however often it was sent. Never changed, never deleted."""

    __tablename__ = "incident_notes"
    __table_args__ = (
        UniqueConstraint("author_id", "key"),
        CheckConstraint("length(trim(text)) > 0", name="says_something"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    key: Mapped[str] = mapped_column(String(64))  # by which a note that is sent again is known
    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)  # by the author's clock; it may have waited for a line
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    author: Mapped[User] = relationship()


class Photo(Base):
    """A picture taken at an incident; its bytes are an object of the content store. Never changed, never deleted."""

    __tablename__ = "incident_photos"
    __table_args__ = (UniqueConstraint("incident_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    sha256: Mapped[str] = mapped_column(ForeignKey("content_objects.sha256"), index=True)
    media_type: Mapped[str] = mapped_column(String(100))  # by its first bytes, whatever the sender said
    filename: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    author: Mapped[User] = relationship()


class Reference(Base):
    """An entry that an incident refers to besides its resolving solution."""

    __tablename__ = "incident_references"
    __table_args__ = (UniqueConstraint("incident_id", "entry_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    entry: Mapped[Entry] = relationship()


class Handover(Base):
    """An incident went on to another line, group or person, with what had been searched for. Never changed or deleted."""

    __tablename__ = "handovers"
    __table_args__ = (
        one_of("reason", HandoverReason),
        CheckConstraint("length(trim(remark)) > 0", name="says_why"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    from_line: Mapped[int]
    to_line: Mapped[int]
    from_unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    to_unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    from_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    to_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str] = mapped_column(String(30))
    remark: Mapped[str] = mapped_column(String(500))
    trail: Mapped[list[list[Any]]] = mapped_column(JSON)  # words searched for, hits
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    to_unit: Mapped[Unit | None] = relationship(foreign_keys=[to_unit_id])
    to_user: Mapped[User | None] = relationship(foreign_keys=[to_user_id])
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
