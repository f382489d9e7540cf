"""How is knowledge read and written, until it is handed in?

Each function is one use case inside the caller's transaction: it checks the person and the step, changes the rows,
leaves an audit row and, where search must hear of it, an outbox row. The caller commits. What comes after handing in:
`kb.reviews` (two decisions), `kb.publishing` (check-in), `kb.doubts` and `kb.validity` (is it still right, until when).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Executable, bindparam, delete, func, select
from sqlalchemy.orm import Session, selectinload

from kb import assignment, audit, clock, documents, lifecycle, taxonomy
from kb.access import Permission, Person, Sight, may_see, searchable, seen_by, sight, visible
from kb.db import columns
from kb.documents import Attributes, Document
from kb.doubts import question as question
from kb.errors import Conflict, Invalid, NotAllowed, NotFound, StaleVersion
from kb.lifecycle import OPEN_REVISION, EntryState, Origin, RevisionState, Standing, check_revision_step
from kb.models import Attachment, Entry, ImportedFile, Incident, Revision, Unit
from kb.numbers import next_entry_number
from kb.plain import one_line
from kb.store import ContentStore

MAX_WHY = 500  # characters
MAX_FILENAME = 200  # characters
MAX_KEY = 64  # characters
MOST_LOOKED_AT = 50  # attachments of the same bytes


# --- reading ---------------------------------------------------------------------------------------------------


def find(session: Session, by: Person, number: str) -> Entry:
    """The entry with this number, if this person may know of it."""
    entry = session.scalar(select(Entry).where(Entry.number == number.strip().upper()))
    if entry is None or not may_read(by, entry):
        raise NotFound(f"没有词条 {number}，或您无权查看 · no such entry, or not for you to see", number=number)
    return entry


def may_read(by: Person, entry: Entry) -> bool:
    """Published entries go by audience; what is not (or no longer) published is for staff."""
    if not may_see(by, entry.audience, entry.owner_group):
        return False
    current = entry.valid_until is None or entry.valid_until >= clock.today()
    return by.may(Permission.READ_STAFF) or (entry.state == EntryState.PUBLISHED and current)


class Visible(NamedTuple):
    """A published entry as a hit shows it: its text is the object `text_sha256`, its file in the import `source_path`."""

    id: int
    number: str
    kind: str
    title: str
    category: str
    audience: str
    covers: list[str]
    updated_at: dt.datetime
    text_sha256: str
    source_path: str


def find_visible(session: Session, by: Person, numbers: Sequence[str]) -> dict[str, Visible]:
    """Of these numbers, the entries that this person may find: the check on every search hit."""
    if not numbers:
        return {}
    rows = columns(session, _visible_to(sight(by)), {"numbers": numbers})
    return {row.number: Visible._make(row) for row in rows}


@lru_cache(maxsize=100)
def _visible_to(seen: Sight) -> Executable:
    """The statement for all who see the same: making it anew for each request takes longer than running it."""
    source = (
        select(ImportedFile.path)
        .where(ImportedFile.entry_id == Entry.id)
        .order_by(ImportedFile.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            Entry.id, Entry.number, Entry.kind, Entry.title, Entry.category, Entry.audience, Entry.covers,
            Entry.updated_at, Revision.object_sha256, func.coalesce(source, ""),
        )
        .join(Revision, Revision.id == Entry.published_revision_id)
        .where(
            Entry.number.in_(bindparam("numbers", expanding=True)), searchable(), seen_by(seen)
        )
    )  # fmt: skip


def standing(session: Session, entry: Entry) -> Standing:
    """How far may this entry be relied on, in the words of KCS?"""
    opened = open_revision(session, entry) if entry.state == EntryState.DRAFT else None
    if opened is not None and opened.scheduled:
        return Standing.SCHEDULED
    return lifecycle.standing(entry.state, opened.state if opened else None, questioned=entry.questioned_at is not None)


def listing(session: Session, by: Person, *, kind: str = "", limit: int = 50, offset: int = 0) -> list[Entry]:
    """Published entries this person may see, newest first."""
    # the state once more as an equation, so that an index hands the entries over in their order
    wanted: list[ColumnElement[bool]] = [Entry.state == EntryState.PUBLISHED, searchable(), visible(by)]
    if kind:
        wanted.append(Entry.kind == kind)
    return list(
        session.scalars(
            select(Entry).where(*wanted).order_by(Entry.updated_at.desc(), Entry.id.desc()).limit(limit).offset(offset)
        )
    )


def text_of(store: ContentStore, revision: Revision) -> str:
    """The Markdown body of a revision, wherever it is kept."""
    if revision.body is not None:
        return revision.body
    assert revision.object_sha256 is not None  # the database keeps the text in exactly one place
    return store.get(revision.object_sha256).decode("utf-8")


def read_document(store: ContentStore, revision: Revision) -> Document:
    """A revision as the document it would be on disk."""
    return Document(revision.entry.number, revision.read_attributes(), text_of(store, revision))


def find_revision(session: Session, by: Person, number: str, revision_number: int) -> Revision:
    """One revision of an entry that this person may read; only staff read what is not published."""
    entry = find(session, by, number)
    revision = session.scalar(select(Revision).where(Revision.entry_id == entry.id, Revision.number == revision_number))
    published = revision is not None and revision.id == entry.published_revision_id
    if revision is None or not (published or by.may(Permission.READ_STAFF)):
        raise NotFound(f"{number} 没有第 {revision_number} 版 · no such revision", number=number)
    attributes = revision.read_attributes()
    if not may_see(by, attributes.audience, attributes.owner_group):
        raise NotFound(f"{number} 没有第 {revision_number} 版 · no such revision", number=number)
    return revision


def open_revision(session: Session, entry: Entry) -> Revision | None:
    """The revision being written or reviewed, if there is one."""
    return session.scalar(
        select(Revision).where(Revision.entry_id == entry.id, Revision.state.in_(sorted(OPEN_REVISION)))
    )


def newest_revision(session: Session, entry: Entry) -> Revision:
    """The revision with the highest number."""
    return session.scalars(
        select(Revision).where(Revision.entry_id == entry.id).order_by(Revision.number.desc()).limit(1)
    ).one()


def written_by(session: Session, by: Person) -> list[Revision]:
    """This person's own revisions that are not finished, newest first."""
    return list(
        session.scalars(
            select(Revision)
            .where(
                Revision.author_id == by.id,
                Revision.state.in_(sorted(OPEN_REVISION | {RevisionState.RETURNED})),
            )
            .order_by(Revision.id.desc())
            .options(selectinload(Revision.entry), selectinload(Revision.reviews), selectinload(Revision.assignee))
        )
    )


# --- writing ---------------------------------------------------------------------------------------------------


def create(
    session: Session,
    by: Person,
    attributes: Attributes,
    body: str,
    *,
    number: str = "",
    incident: Incident | None = None,
    origin: Origin = Origin.WRITTEN,
    form_key: str = "",
) -> Revision:
    """Begin an entry with its first draft; by `form_key` its form is known when it is sent again, see `begun`."""
    by.require(Permission.WRITE_ENTRIES)
    _check_text(session, by, attributes, body, origin=origin)
    entry = Entry(
        number=number or next_entry_number(session, attributes.kind),
        kind=attributes.kind,
        title=attributes.title,
        category=attributes.category,
        audience=attributes.audience,
        owner_group=attributes.owner_group,
        valid_until=attributes.valid_until,
        covers=attributes.covers,
    )
    session.add(entry)
    session.flush()
    revision = _new_revision(session, by, entry, attributes, body, number=1, incident=incident, origin=origin)
    revision.form_key = one_line(form_key)[:MAX_KEY] or None
    audit.record(session, by, entry, "create", after=EntryState.DRAFT)
    return revision


def begun(session: Session, by: Person, form_key: str) -> Revision | None:
    """The draft that this person began with the form of this key, so that a form sent twice makes one entry."""
    key = one_line(form_key)[:MAX_KEY]
    if by.id is None or not key:
        return None
    return session.scalar(select(Revision).where(Revision.author_id == by.id, Revision.form_key == key))


def say_why_new(by: Person, revision: Revision, why: str, *, hits: int) -> None:
    """Keep why none of the `hits` that search showed would do: nothing is written anew without having looked."""
    _require_author(by, revision)
    why = one_line(why)[:MAX_WHY]
    if hits and not why:
        problem = f"已有 {hits} 条相近，请写明为什么都不合适 · say why none of those that exist will do"
        raise Invalid(problem, fields={"why_new": problem})
    revision.why_new = why


def revise(
    session: Session,
    store: ContentStore,
    by: Person,
    entry: Entry,
    *,
    note: str = "",
    attributes: Attributes | None = None,
    body: str | None = None,
    origin: Origin = Origin.WRITTEN,
) -> Revision:
    """Begin a successor to the newest revision, a copy of it unless told otherwise.

    The published revision stays visible meanwhile. Incidents that were waiting for a returned revision now wait
    for this one.
    """
    by.require(Permission.WRITE_ENTRIES)
    if not may_read(by, entry):
        raise NotFound(f"没有词条 {entry.number}，或您无权查看 · no such entry, or not for you to see")
    if entry.state == EntryState.RETIRED:
        raise Conflict(f"{entry.number} 已停用 · the entry is retired", number=entry.number)
    if open_revision(session, entry) is not None:
        raise Conflict(f"{entry.number} 已有未完成的修订 · a revision is already open", number=entry.number)
    last = newest = newest_revision(session, entry)
    if not may_see_revision(by, last):  # returned inside a group that this person is not in
        if entry.published is None:
            raise NotFound(f"没有词条 {entry.number}，或您无权查看 · no such entry, or not for you to see")
        last = entry.published
    attributes = attributes or last.read_attributes()
    if attributes.kind != entry.kind:
        raise Invalid("kind: 种类不能改变 · the kind cannot change", fields={"kind": "种类不能改变 · cannot change"})
    body = text_of(store, last) if body is None else body
    _check_text(session, by, attributes, body, number=entry.number, origin=origin)
    returned = last.state == RevisionState.RETURNED
    revision = _new_revision(
        session,
        by,
        entry,
        attributes,
        body,
        number=newest.number + 1,
        incident=last.incident if returned else None,
        origin=origin,
        note=note,
    )
    _copy_files(session, last, revision)
    if returned:
        for waiting in session.scalars(select(Incident).where(Incident.solution_revision_id == last.id)):
            waiting.solution_revision_id = revision.id
            audit.record(session, by, waiting, "solution_revised", before=str(last.number), after=str(revision.number))
        session.flush()
    audit.record(session, by, revision, "revise", after=RevisionState.DRAFT, reason=note)
    return revision


def restore(session: Session, store: ContentStore, by: Person, entry: Entry, number: int) -> Revision:
    """Begin a draft with the text, attributes and files of an earlier revision; it goes through review like any other."""
    old = find_revision(session, by, entry.number, number)
    if old.submitted_at is None and old.state == RevisionState.DRAFT:
        raise Conflict("草稿不是旧版本 · a draft is no earlier revision", number=entry.number)
    made = revise(
        session, store, by, entry,
        note=f"恢复第 {number} 版", attributes=old.read_attributes(), body=text_of(store, old),
    )  # fmt: skip
    session.execute(delete(Attachment).where(Attachment.revision_id == made.id))
    _copy_files(session, old, made)
    session.expire(made, ["attachments"])
    return made


def save(
    session: Session, by: Person, revision: Revision, attributes: Attributes, body: str, *, version: int
) -> Revision:
    """Change a draft; `version` is the one the writer had in front of them."""
    _require_author(by, revision)
    if revision.state != RevisionState.DRAFT:
        raise Conflict(
            "只有草稿可以修改，请先撤回 · recall it first: only a draft can be changed", state=revision.state
        )
    if revision.version != version:
        raise StaleVersion(
            "这份草稿在您编辑期间已被保存过，请对照两个版本 · the draft was saved meanwhile; compare both",
            yours=version,
            latest=revision.version,
        )
    if attributes.kind != revision.entry.kind:
        raise Invalid("kind: 种类不能改变 · the kind cannot change", fields={"kind": "种类不能改变 · cannot change"})
    _check_text(session, by, attributes, body, number=revision.entry.number)
    revision.title = attributes.title
    revision.attributes = attributes.model_dump(mode="json")
    revision.body = body
    revision.version += 1
    if revision.entry.published_revision_id is None:
        copy_attributes(revision.entry, attributes)
    return revision


def attach(
    session: Session, store: ContentStore, by: Person, revision: Revision, filename: str, data: bytes, media_type: str
) -> Attachment:
    """Attach a file to a draft; the same bytes are stored once however often they are attached."""
    _require_author(by, revision)
    if revision.state != RevisionState.DRAFT:
        raise Conflict("只有草稿可以加附件 · only a draft takes attachments", state=revision.state)
    name = one_line(filename.replace("\\", "/").rpartition("/")[2])[:MAX_FILENAME]
    if not name.strip(".") or not data:
        problem = "附件须有文件名且不为空 · an attachment has a name and is not empty"
        raise Invalid(problem, fields={"attachment": problem})
    if any(other.filename == name for other in revision.attachments):
        problem = f"已有同名附件 {name} · an attachment of that name exists"
        raise Conflict(problem, filename=name)
    attachment = Attachment(revision=revision, sha256=store.put(session, data, media_type), filename=name)
    session.add(attachment)
    session.flush()
    return attachment


def same_bytes(session: Session, by: Person, data: bytes) -> list[Attachment]:
    """Where are these bytes attached already, newest first, as far as this person may see?"""
    rows = session.scalars(
        select(Attachment)
        .where(Attachment.sha256 == hashlib.sha256(data).hexdigest())
        .order_by(Attachment.id.desc())
        .limit(MOST_LOOKED_AT)
        .options(selectinload(Attachment.revision).selectinload(Revision.entry))
    )
    return [row for row in rows if may_see_revision(by, row.revision)]


def free_name(revision: Revision, filename: str) -> str:
    """The name itself, or with a number where the revision has another file of it: what is pasted has one name always."""
    taken = {file.filename for file in revision.attachments}
    stem, dot, ending = filename.rpartition(".")
    if not dot:
        stem, ending = filename, ""
    names = (f"{stem}-{number}{dot}{ending}" for number in count(2))
    return filename if filename not in taken else next(name for name in names if name not in taken)


def detach(session: Session, by: Person, revision: Revision, filename: str) -> None:
    """Take a file off a draft; earlier revisions keep theirs."""
    _require_author(by, revision)
    if revision.state != RevisionState.DRAFT:
        raise Conflict("只有草稿可以去掉附件 · only a draft lets go of attachments", state=revision.state)
    found = next((attachment for attachment in revision.attachments if attachment.filename == filename), None)
    if found is None:
        raise NotFound(f"没有附件 {filename} · no such attachment", filename=filename)
    revision.attachments.remove(found)
    session.delete(found)
    session.flush()


def submit(session: Session, by: Person, revision: Revision) -> None:
    """Hand a draft in for review; somebody's turn it is from now on."""
    _require_author(by, revision)
    step(session, by, revision, RevisionState.SUBMITTED, "submit")
    revision.submitted_at = clock.now()
    revision.assignee_id = None
    session.flush()
    assignment.assign(session, by, revision)


def recall(session: Session, store: ContentStore, by: Person, revision: Revision) -> Revision:
    """Take a revision back from review; returns the draft that goes on with its text.

    A decision that was made stays with the text it was made of: that revision ends as returned, and a new one begins.
    """
    _require_author(by, revision)
    if not revision.reviews:
        step(session, by, revision, RevisionState.DRAFT, "recall")
        return revision
    step(session, by, revision, RevisionState.RETURNED, "recall", reason="作者撤回")
    return revise(session, store, by, revision.entry, note=revision.change_note)


def discard(session: Session, by: Person, revision: Revision, *, reason: str = "") -> None:
    """Give up an open revision: its author may, and with a reason whoever may retire entries.

    Nothing is lost: it stays in the history as returned, and the next revision begins with its text.
    """
    if by.id is None or revision.author_id != by.id:
        by.require(Permission.RETIRE_ENTRIES)
        if not reason.strip():
            problem = "放弃别人的修订须写明原因 · giving up somebody else's revision needs a reason"
            raise Invalid(problem, fields={"reason": problem})
    if not may_see_revision(by, revision):
        raise NotFound("没有这份修订 · no such revision")
    step(session, by, revision, RevisionState.RETURNED, "discard", reason=reason.strip())


# --- the steps they share --------------------------------------------------------------------------------------


def step(session: Session, by: Person, revision: Revision, to: RevisionState, action: str, *, reason: str = "") -> None:
    """Take a revision from its state to the next, audited; refuses what the table of steps does not have."""
    check_revision_step(revision.state, to)
    before, revision.state = revision.state, to
    audit.record(session, by, revision, action, before=before, after=to, reason=reason)


def copy_attributes(entry: Entry, attributes: Attributes) -> None:
    """The entry is listed and found by the attributes of one of its revisions."""
    entry.title, entry.category = attributes.title, attributes.category
    entry.audience, entry.owner_group = attributes.audience, attributes.owner_group
    entry.valid_until, entry.covers = attributes.valid_until, attributes.covers


def _new_revision(
    session: Session,
    by: Person,
    entry: Entry,
    attributes: Attributes,
    body: str,
    *,
    number: int,
    incident: Incident | None = None,
    origin: Origin = Origin.WRITTEN,
    note: str = "",
) -> Revision:
    revision = Revision(
        entry=entry,
        number=number,
        origin=origin,
        title=attributes.title,
        attributes=attributes.model_dump(mode="json"),
        body=body,
        author_id=by.id,
        incident_id=incident.id if incident else None,
        change_note=note[:500],
    )
    session.add(revision)
    session.flush()
    return revision


def _copy_files(session: Session, source: Revision, to: Revision) -> None:
    for attachment in source.attachments:
        session.add(Attachment(revision_id=to.id, sha256=attachment.sha256, filename=attachment.filename))
    session.flush()


def _require_author(by: Person, revision: Revision) -> None:
    if by.id is None or revision.author_id != by.id:
        raise NotAllowed("只有作者可以这样做 · only the author may do this")


def may_see_revision(by: Person, revision: Revision) -> bool:
    """By its own audience and owner, which may be others than the entry's."""
    return may_see(by, revision.attributes["audience"], revision.attributes["owner_group"])


def _check_text(
    session: Session,
    by: Person,
    attributes: Attributes,
    body: str,
    *,
    number: str = "",
    origin: Origin = Origin.WRITTEN,
) -> None:
    """Raises Invalid by field. What is shipped keeps a category that was retired here."""
    fields: dict[str, str] = {}
    if not body.strip():
        fields["body"] = "正文不能为空 · the text must not be empty"
    elif len(body) > documents.MAX_BODY:
        fields["body"] = f"正文超过 {documents.MAX_BODY} 字 · the text is too long"
    if origin is not Origin.LIBRARY and taxonomy.closed(session, attributes.category, number):
        fields["category"] = taxonomy.refusal(attributes.category)
    if session.scalar(select(Unit.id).where(Unit.key == attributes.owner_group)) is None:
        fields["owner_group"] = f"没有归口组 {attributes.owner_group} · no such owner group"
    elif by.id is not None and not may_see(by, attributes.audience, attributes.owner_group):
        fields["owner_group"] = "您不在这个归口组，不能写成仅归口组可见 · you are not in that owner group"
    if fields:
        raise Invalid("; ".join(f"{name}: {text}" for name, text in fields.items()), fields=fields)


def attributes_from(values: dict[str, object]) -> Attributes:
    """Typed attributes from form or API values; every wrong field is named."""
    try:
        return Attributes.model_validate(values)
    except ValidationError as exc:
        said = documents.explain(exc)
        fields = dict(problem.split(": ", 1) for problem in said)
        raise Invalid("; ".join(said), fields=fields) from exc
