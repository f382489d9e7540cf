"""What is owed to the index, where did files come from, and which facts hold here?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kb import clock
from kb.models.base import Base, UtcDateTime, index_where

if TYPE_CHECKING:
    from kb.models.entries import Entry


class OutboxRow(Base):
    """A promise to the index, made in the transaction that changed the entry.

    `narrowing` marks changes that take something out of somebody's sight: until the index has caught up, search
    leaves these entries out of hits and counts.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        index_where("ix_outbox_pending", "id", where="done_at IS NULL"),
        index_where("ix_outbox_narrowing", "entry_id", where="done_at IS NULL AND narrowing"),
        {"sqlite_autoincrement": True},  # positions are never used twice
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"))
    narrowing: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    done_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    indexed_version: Mapped[int | None]


class ImportedFile(Base):
    """Where an entry came from, so that the same import again changes nothing."""

    __tablename__ = "imported_files"
    __table_args__ = (UniqueConstraint("source", "path"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(200))
    path: Mapped[str] = mapped_column(String(1000))
    sha256: Mapped[str] = mapped_column(String(64))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"), index=True)

    entry: Mapped[Entry] = relationship()


class Counter(Base):
    """The last number given out in a series; numbers are never used twice."""

    __tablename__ = "counters"

    series: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[int]


class Setting(Base):
    """A fact about this installation that is data, not configuration (which library is installed, demo or real)."""

    __tablename__ = "installation"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
