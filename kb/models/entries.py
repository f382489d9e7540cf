"""What is known, at which place of the tree, in which revisions, and with which files?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kb import clock
from kb.documents import Attributes, Audience, Kind
from kb.lifecycle import EntryState, Origin, Part, RevisionState, approved_parts
from kb.models.base import Base, UtcDateTime, index_where, one_of

if TYPE_CHECKING:
    from kb.models.incidents import Incident
    from kb.models.people import User
    from kb.models.reviews import Review


class Category(Base):
    """A place of the category tree, `上级/下级`: the product's or this installation's. It is retired and never deleted."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(String(80), unique=True)
    shipped: Mapped[bool] = mapped_column(default=False)
    retired_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    @property
    def parent(self) -> str:
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        return self.path.partition("/")[2]


class ContentObject(Base):
    """A stored object: the row says it is expected, the file under the same hash holds it."""

    __tablename__ = "content_objects"
    __table_args__ = (CheckConstraint("length(sha256) = 64", name="sha256_length"),)

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int]  # bytes
    media_type: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)


class Entry(Base):
    """One piece of knowledge. Title, category, audience, owner are those of the published revision once there is one.

    `version` grows with every change that search must see; the index remembers which one it holds.
    """

    __tablename__ = "entries"
    __table_args__ = (
        one_of("kind", Kind),
        one_of("audience", Audience),
        one_of("state", EntryState),
        CheckConstraint(
            "(state IN ('published', 'expired')) <= (published_revision_id IS NOT NULL)", name="published_has_revision"
        ),
        Index("ix_entries_state_updated_at", "state", "updated_at"),  # lists, newest first
        Index("ix_entries_state_kind_updated_at", "state", "kind", "updated_at"),
        # counts by category and kind, without reading an entry
        Index("ix_entries_counted", "state", "category", "kind", "audience", "owner_group", "valid_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(20), default=EntryState.DRAFT)
    title: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(80))
    audience: Mapped[str] = mapped_column(String(20))
    owner_group: Mapped[str] = mapped_column(ForeignKey("units.key"))
    valid_until: Mapped[dt.date | None]
    covers: Mapped[list[str]] = mapped_column(JSON, default=list)
    questioned_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # since when there is an unanswered doubt
    published_revision_id: Mapped[int | None] = mapped_column(
        ForeignKey("revisions.id", use_alter=True, name="fk_entries_published_revision_id")
    )
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("entries.id"))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    published: Mapped[Revision | None] = relationship(foreign_keys=[published_revision_id], viewonly=True)
    revisions: Mapped[list[Revision]] = relationship(
        back_populates="entry", foreign_keys="Revision.entry_id", order_by="Revision.number"
    )
    successor: Mapped[Entry | None] = relationship(remote_side=[id])


class Revision(Base):
    """A version of an entry, immutable once submitted. Its text is in `body` until check-in, then in the store."""

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("entry_id", "number"),
        one_of("state", RevisionState),
        one_of("origin", Origin),
        CheckConstraint("(body IS NULL) <> (object_sha256 IS NULL)", name="text_in_one_place"),
        CheckConstraint(
            "(state IN ('approved', 'superseded', 'retired')) = (object_sha256 IS NOT NULL)", name="approved_is_stored"
        ),
        index_where("uq_revisions_open", "entry_id", unique=True, where="state IN ('draft', 'submitted', 'in_review')"),
        index_where("uq_revisions_approved", "entry_id", unique=True, where="state = 'approved'"),
        Index("ix_revisions_state", "state"),
        Index("uq_revisions_form_key", "author_id", "form_key", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("entries.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default=RevisionState.DRAFT)
    origin: Mapped[str] = mapped_column(String(20), default=Origin.WRITTEN)
    title: Mapped[str] = mapped_column(String(200))
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)
    body: Mapped[str | None] = mapped_column(Text)
    object_sha256: Mapped[str | None] = mapped_column(ForeignKey("content_objects.sha256"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    change_note: Mapped[str] = mapped_column(String(500), default="")
    why_new: Mapped[str] = mapped_column(String(500), default="", server_default="")  # why none of the hits fitted
    form_key: Mapped[str | None] = mapped_column(String(64))  # of the form that began the entry
    base_id: Mapped[int | None] = mapped_column(ForeignKey("revisions.id"))  # what a minor correction corrects
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # whose turn it is to review
    version: Mapped[int] = mapped_column(default=1)  # optimistic lock of the draft
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)
    submitted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    approved_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    entry: Mapped[Entry] = relationship(back_populates="revisions", foreign_keys=[entry_id])
    author: Mapped[User | None] = relationship(foreign_keys=[author_id])
    assignee: Mapped[User | None] = relationship(foreign_keys=[assignee_id])
    incident: Mapped[Incident | None] = relationship(foreign_keys=[incident_id])
    reviews: Mapped[list[Review]] = relationship(back_populates="revision", order_by="Review.id")
    attachments: Mapped[list[Attachment]] = relationship(back_populates="revision", order_by="Attachment.id")

    def read_attributes(self) -> Attributes:
        """The attributes as they were saved, typed."""
        return Attributes.model_validate(self.attributes)

    @property
    def scheduled(self) -> dt.date | None:
        """The day on which it is published: both reviews have passed, and its attributes name a later day."""
        if self.state != RevisionState.IN_REVIEW:
            return None
        if approved_parts([(review.part, review.decision) for review in self.reviews]) != set(Part):
            return None
        return self.read_attributes().valid_from


class Attachment(Base):
    """A file that a revision refers to; any number of revisions may refer to one stored object."""

    __tablename__ = "attachments"
    __table_args__ = (UniqueConstraint("revision_id", "filename"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    sha256: Mapped[str] = mapped_column(ForeignKey("content_objects.sha256"), index=True)
    filename: Mapped[str] = mapped_column(String(200))

    revision: Mapped[Revision] = relationship(back_populates="attachments")
    object: Mapped[ContentObject] = relationship()
