"""What happened, who is told of it, and which of it goes out by mail?"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kb import clock
from kb.models.base import Base, UtcDateTime, index_where


class AuditRow(Base):
    """One state change: who, when, what, from, to, why. Never changed, never deleted."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject_type", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    actor: Mapped[str] = mapped_column(String(80))
    subject_type: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[int]
    action: Mapped[str] = mapped_column(String(40))
    from_state: Mapped[str] = mapped_column(String(20), default="")
    to_state: Mapped[str] = mapped_column(String(20), default="")
    reason: Mapped[str] = mapped_column(Text, default="")


class Notice(Base):
    """Somebody is told of a change: of which one, and why they. What it says is read from the audit row when shown."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("recipient_id", "audit_id"),
        index_where("ix_notices_unread", "recipient_id", where="read_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recipient_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    audit_id: Mapped[int] = mapped_column(ForeignKey("audit.id"))
    because: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now, index=True)
    read_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    audit: Mapped[AuditRow] = relationship()


class Mail(Base):
    """A notice that is to go out by mail too. Waiting while it has neither been sent nor given up."""

    __tablename__ = "mails"
    __table_args__ = (
        CheckConstraint("sent_at IS NULL OR given_up_at IS NULL", name="one_end"),
        index_where("ix_mails_waiting", "next_at", where="sent_at IS NULL AND given_up_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notices.id"), unique=True)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    next_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    given_up_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(String(200), default="")  # of the last attempt

    notice: Mapped[Notice] = relationship()
