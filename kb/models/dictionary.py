"""What does this installation change of the shipped words, and what must be found?"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kb import clock
from kb.dictionary_lines import DictionaryAction, LineKind
from kb.models.base import Base, UtcDateTime, one_of


class DictionaryLine(Base):
    """A line of the working copy: what this installation adds to the shipped dictionary, or takes away from it."""

    __tablename__ = "dictionary_lines"
    __table_args__ = (UniqueConstraint("kind", "text"), one_of("kind", LineKind))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(String(400))
    removed: Mapped[bool] = mapped_column(default=False)  # a shipped line that does not hold here


class DictionaryVersion(Base):
    """The lines that an application of the dictionary was made from. Never changed, never deleted."""

    __tablename__ = "dictionary_versions"

    number: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Text, default="")
    lines: Mapped[list[list[Any]]] = mapped_column(JSON)  # kind, text, removed


class DictionaryChange(Base):
    """Who did what to the dictionary or to the golden queries, when and why. Never changed, never deleted.

    The number of the latest one that edited the working copy is the working copy's version."""

    __tablename__ = "dictionary_changes"
    __table_args__ = (one_of("action", DictionaryAction),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int | None]  # of the dictionary, where it is about one
    reason: Mapped[str] = mapped_column(Text, default="")


class GoldenQuery(Base):
    """A query of this installation's own that must find an entry, and how far down the entry may stand."""

    __tablename__ = "golden_queries"
    __table_args__ = (
        UniqueConstraint("query", "entry"),
        CheckConstraint("lowest BETWEEN 1 AND 20", name="lowest_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    query: Mapped[str] = mapped_column(String(200))
    entry: Mapped[str] = mapped_column(String(60))
    lowest: Mapped[int]


class GoldenRun(Base):
    """What the golden queries found at one moment, of one index with one dictionary."""

    __tablename__ = "golden_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    occasion: Mapped[str] = mapped_column(String(20))
    basis: Mapped[str] = mapped_column(String(120))  # names index, dictionary and code
    asked: Mapped[int]
    failed: Mapped[int]
    results: Mapped[list[list[Any]]] = mapped_column(JSON)  # query, entry, lowest, rank or None
