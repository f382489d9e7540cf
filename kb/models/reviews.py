"""Who decided what of a revision, in whose place, and what was said against it afterwards?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kb import clock
from kb.lifecycle import Answer, Decision, Part
from kb.models.base import Base, UtcDateTime, one_of

if TYPE_CHECKING:
    from kb.models.entries import Entry, Revision
    from kb.models.people import User


class Review(Base):
    """One decision on one part of the review. Never changed, never deleted."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("revision_id", "part"),
        one_of("part", Part),
        one_of("decision", Decision),
        CheckConstraint("decision <> 'return' OR length(trim(reason)) > 0", name="return_has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    part: Mapped[str] = mapped_column(String(20))
    decision: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    revision: Mapped[Revision] = relationship(back_populates="reviews")
    reviewer: Mapped[User] = relationship()


class Doubt(Base):
    """Evidence against a published revision, and what became of it. Neither is ever changed or deleted."""

    __tablename__ = "doubts"
    __table_args__ = (
        one_of("answer", Answer),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_once"),
        CheckConstraint("answer <> 'confirmed' OR length(trim(reason)) > 0", name="confirmed_has_reason"),
        CheckConstraint("length(trim(evidence)) > 0", name="has_evidence"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"), index=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    raised_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    evidence: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    answered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    answer: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")

    entry: Mapped[Entry] = relationship()
    revision: Mapped[Revision] = relationship()
    raised_by: Mapped[User | None] = relationship(foreign_keys=[raised_by_id])


class Delegation(Base):
    """One reviewer's turns are another's from one day to another, both included."""

    __tablename__ = "delegations"
    __table_args__ = (
        CheckConstraint("from_id <> to_id", name="to_another"),
        CheckConstraint("starts <= ends", name="span"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    from_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    starts: Mapped[dt.date]
    ends: Mapped[dt.date]
    reason: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
