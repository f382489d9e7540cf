"""What do people look for, and which of their words help the next one?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kb import clock
from kb.lifecycle import Role
from kb.models.base import Base, UtcDateTime, index_where, one_of

if TYPE_CHECKING:
    from kb.models.entries import Entry
    from kb.models.incidents import Incident


class Search(Base):
    """What somebody looked for, the last wording of it, and what came of it. No subscriber is named."""

    __tablename__ = "searches"
    __table_args__ = (
        one_of("role", Role),
        CheckConstraint("role <> 'subscriber' OR person_id IS NULL", name="subscriber_unnamed"),
        Index("ix_searches_person_id_at", "person_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(16), unique=True)  # what the links on the page of results carry
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now, index=True)
    role: Mapped[str] = mapped_column(String(30))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(String(200))  # without personal data
    key: Mapped[str] = mapped_column(String(200))  # by which wordings are the same
    hits: Mapped[int] = mapped_column(default=0)
    relaxed: Mapped[str] = mapped_column(String(20), default="")  # the weaker tier that had to help
    top_id: Mapped[int | None] = mapped_column(ForeignKey("entries.id"))  # the first hit
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"), index=True)
    opened_id: Mapped[int | None] = mapped_column(ForeignKey("entries.id"))  # the first one opened, and its rank
    opened_rank: Mapped[int | None]
    linked_id: Mapped[int | None] = mapped_column(ForeignKey("entries.id"))  # what it led the incident to

    linked: Mapped[Entry | None] = relationship(foreign_keys=[linked_id])


class CapturedText(Base):
    """Words of people whose incident an entry solved. Search matches by them and shows them to nobody."""

    __tablename__ = "captured_texts"
    __table_args__ = (
        one_of("source", ("query", "incident")),
        index_where(
            "uq_captured_texts_live", "entry_id", "incident_id", "source", unique=True, where="removed_at IS NULL"
        ),
        CheckConstraint("(removed_at IS NULL) = (removed_reason = '')", name="removed_has_reason"),
        CheckConstraint("removed_at IS NULL OR text = ''", name="removed_is_gone"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"), index=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    source: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(String(200))  # without personal data
    digest: Mapped[str] = mapped_column(String(64))  # of the wording, so that a removed one does not come again
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    removed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    removed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    removed_reason: Mapped[str] = mapped_column(String(200), default="")

    incident: Mapped[Incident] = relationship()
