"""Which records does the database keep, and what does it refuse?

The service layer explains itself; the database has the last word. Constraints stand here, the rules that need more
than one row (closing gate, two reviews, append-only history) are triggers in `kb/migrations`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy import types as sqltypes
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from kb import clock
from kb.dictionary_lines import DictionaryAction, LineKind
from kb.documents import Attributes, Audience, Kind
from kb.lifecycle import (
    PLANS,
    Answer,
    CancelReason,
    Caused,
    ChangeKind,
    ChangeOutcome,
    ChangeState,
    ContactMethod,
    Decision,
    EntryState,
    HandoverReason,
    IncidentState,
    Origin,
    Outcome,
    Part,
    ProblemCancelReason,
    ProblemState,
    RevisionState,
    Role,
    VerificationMethod,
    approved_parts,
)


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC moment; SQLite keeps no zone, so it is put back on reading."""

    impl = sqltypes.DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else value.replace(tzinfo=dt.UTC)


def _one_of(column: str, values: Any) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Unit(Base):
    """A unit of the organisation: station > group > district, or a specialist team that owns knowledge."""

    __tablename__ = "units"
    __table_args__ = (_one_of("kind", ("station", "group", "district", "team")),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(80))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))

    parent: Mapped[Unit | None] = relationship(remote_side=[id])


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


class User(Base):
    """An account. Subscribers need none."""

    __tablename__ = "users"
    __table_args__ = (_one_of("role", Role),)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(60), unique=True)
    display_name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(30))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    demo: Mapped[bool] = mapped_column(default=False)
    email: Mapped[str] = mapped_column(String(254), default="")  # where chosen notices go too; "" for nowhere
    # changes with the password and on deactivation, so that old sessions end
    session_epoch: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    unit: Mapped[Unit | None] = relationship()


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
        _one_of("kind", Kind),
        _one_of("audience", Audience),
        _one_of("state", EntryState),
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
        _one_of("state", RevisionState),
        _one_of("origin", Origin),
        CheckConstraint("(body IS NULL) <> (object_sha256 IS NULL)", name="text_in_one_place"),
        CheckConstraint(
            "(state IN ('approved', 'superseded', 'retired')) = (object_sha256 IS NOT NULL)", name="approved_is_stored"
        ),
        Index(
            "uq_revisions_open",
            "entry_id",
            unique=True,
            sqlite_where=text("state IN ('draft', 'submitted', 'in_review')"),
            postgresql_where=text("state IN ('draft', 'submitted', 'in_review')"),
        ),
        Index(
            "uq_revisions_approved",
            "entry_id",
            unique=True,
            sqlite_where=text("state = 'approved'"),
            postgresql_where=text("state = 'approved'"),
        ),
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


class Review(Base):
    """One decision on one part of the review. Never changed, never deleted."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("revision_id", "part"),
        _one_of("part", Part),
        _one_of("decision", Decision),
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
        _one_of("answer", Answer),
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


class Incident(Base):
    """A fault that somebody has. Names, numbers and addresses stay here and never enter an entry."""

    __tablename__ = "incidents"
    __table_args__ = (
        _one_of("state", IncidentState),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority_range"),
        CheckConstraint("(solution_entry_id IS NULL) = (solution_revision_id IS NULL)", name="solution_pair"),
        CheckConstraint("impact BETWEEN 1 AND 4 AND urgency BETWEEN 1 AND 4", name="impact_urgency_range"),
        CheckConstraint("line BETWEEN 1 AND 3", name="line_range"),
        CheckConstraint("(state = 'cancelled') = (cancel_reason <> '')", name="cancelled_has_reason"),
        _one_of("cancel_reason", ("", *CancelReason)),
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


class Verification(Base):
    """What the user said of the repair, how it was heard, and who heard it. Never changed, never deleted."""

    __tablename__ = "verifications"
    __table_args__ = (
        _one_of("outcome", Outcome),
        _one_of("method", VerificationMethod),
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
    __table_args__ = (_one_of("method", ContactMethod),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    method: Mapped[str] = mapped_column(String(20))
    remark: Mapped[str] = mapped_column(String(500), default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=clock.now)

    incident: Mapped[Incident] = relationship(back_populates="attempts")
    by: Mapped[User] = relationship()


class Handover(Base):
    """An incident went on to another line, group or person, with what had been searched for. Never changed or deleted."""

    __tablename__ = "handovers"
    __table_args__ = (
        _one_of("reason", HandoverReason),
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


class SolutionOutcome(Base):
    """Did a revision of a solution hold where it was applied, as far as the user said? Never changed, never deleted."""

    __tablename__ = "solution_outcomes"
    __table_args__ = (_one_of("outcome", ("held", "refused")),)

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
        _one_of("outcome", ("solved", "reported")),
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


class ProblemIncident(Base):
    """An incident that a problem is behind; the incident goes its own way."""

    __tablename__ = "problem_incidents"

    problem_id: Mapped[int] = mapped_column(ForeignKey("problems.id"), primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), primary_key=True, index=True)


class Problem(Base):
    """A cause behind incidents, what is known of it, and the solution that came of it."""

    __tablename__ = "problems"
    __table_args__ = (
        _one_of("state", ProblemState),
        _one_of("cancel_reason", ("", *ProblemCancelReason)),
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


class ChangePlan(Base):
    """One of the three documents of a change, in the revision that the change rests on."""

    __tablename__ = "change_plans"
    __table_args__ = (UniqueConstraint("change_id", "kind"), _one_of("kind", PLANS))

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
    __table_args__ = (_one_of("role", ("answers", "caused")),)

    change_id: Mapped[int] = mapped_column(ForeignKey("changes.id"), primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)

    incident: Mapped[Incident] = relationship()


_AFTER_START = "('implementing', 'implemented', 'rolled_back', 'reviewed', 'closed')"


class Change(Base):
    """Something that is altered on purpose: who asked, who approved, who does it when, and what came of it."""

    __tablename__ = "changes"
    __table_args__ = (
        _one_of("state", ChangeState),
        _one_of("kind", ChangeKind),
        _one_of("outcome", ("", *ChangeOutcome)),
        _one_of("caused", ("", *Caused)),
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
        Index(
            "ix_notices_unread",
            "recipient_id",
            sqlite_where=text("read_at IS NULL"),
            postgresql_where=text("read_at IS NULL"),
        ),
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
        Index(
            "ix_mails_waiting",
            "next_at",
            sqlite_where=text("sent_at IS NULL AND given_up_at IS NULL"),
            postgresql_where=text("sent_at IS NULL AND given_up_at IS NULL"),
        ),
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


class Search(Base):
    """What somebody looked for, the last wording of it, and what came of it. No subscriber is named."""

    __tablename__ = "searches"
    __table_args__ = (
        _one_of("role", Role),
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
        _one_of("source", ("query", "incident")),
        Index(
            "uq_captured_texts_live",
            "entry_id",
            "incident_id",
            "source",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
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


class OutboxRow(Base):
    """A promise to the index, made in the transaction that changed the entry.

    `narrowing` marks changes that take something out of somebody's sight: until the index has caught up, search
    leaves these entries out of hits and counts.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_pending", "id", sqlite_where=text("done_at IS NULL"), postgresql_where=text("done_at IS NULL")
        ),
        Index(
            "ix_outbox_narrowing",
            "entry_id",
            sqlite_where=text("done_at IS NULL AND narrowing"),
            postgresql_where=text("done_at IS NULL AND narrowing"),
        ),
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


class DictionaryLine(Base):
    """A line of the working copy: what this installation adds to the shipped dictionary, or takes away from it."""

    __tablename__ = "dictionary_lines"
    __table_args__ = (UniqueConstraint("kind", "text"), _one_of("kind", LineKind))

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
    __table_args__ = (_one_of("action", DictionaryAction),)

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
