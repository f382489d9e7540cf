"""How does a revision become the one that everybody reads?

Four ways lead to check-in and no other: two reviews (`kb.reviews`), the shipped library, imported reference material, and
a minor correction of a reviewed revision. The database judges each of them again. What was approved for a later day is
checked in when that day has come: until then nothing of it is published, and what it replaces stays.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb import audit, clock, doubts, entries, minor, outbox, privacy
from kb.access import Permission, Person
from kb.accounts import SYSTEM
from kb.errors import Conflict, Invalid, KBError, NotAllowed, StaleVersion
from kb.lifecycle import Answer, EntryState, Origin, RevisionState, check_entry_step, check_revision_step
from kb.models import Attachment, Entry, Revision
from kb.store import ContentStore

log = logging.getLogger(__name__)

MARKDOWN = "text/markdown; charset=utf-8"


def publish_unreviewed(session: Session, store: ContentStore, by: Person, revision: Revision) -> None:
    """Check in a library document, or imported reference material; the database refuses anything else."""
    if revision.origin == Origin.LIBRARY and by is not SYSTEM:
        raise NotAllowed("随产品的词条只由产品自己装入 · only the product itself checks its library in")
    by.require(Permission.IMPORT)
    check_in(session, store, by, revision, f"check_in_{revision.origin}")


def correct(
    session: Session, store: ContentStore, by: Person, entry: Entry, body: str, *, base: int, sounds: minor.Sounds
) -> Revision:
    """Publish a slip of the pen put right, without a review. `base` is the number of the revision that was in front of
    whoever typed it, `sounds` reads a character. Raises Invalid where it is more than `kb.minor` allows.
    """
    by.require(Permission.CORRECT)
    shown, reviewed = entry.published, last_reviewed(session, entry)
    if entry.state != EntryState.PUBLISHED or shown is None or reviewed is None:
        raise Conflict(f"{entry.number} 没有已发布的版本可改 · nothing published to correct", number=entry.number)
    if shown.number != base:
        raise StaleVersion(
            "您改的不是现在发布的版本，请对照后再改 · another revision was published meanwhile",
            yours=base,
            latest=shown.number,
        )
    if entries.open_revision(session, entry) is not None:
        raise Conflict(
            f"{entry.number} 有未完成的修订，请在那里改 · a revision is open; correct it there", number=entry.number
        )
    wrong = minor.problems(entries.text_of(store, reviewed), body, sounds)
    if body == entries.text_of(store, shown):
        wrong = ["没有改动 · nothing differs"]
    if privacy.find(body):
        wrong.append("含个人信息 · personal data")
    if wrong:
        problem = "不是小改，请提交修订 · more than a minor correction: " + "；".join(wrong)
        raise Invalid(problem, problems=wrong, fields={"body": problem})
    revision = Revision(
        entry=entry,
        number=entries.newest_revision(session, entry).number + 1,
        origin=Origin.MINOR,
        base_id=reviewed.id,
        title=reviewed.title,
        attributes=reviewed.attributes,
        body=body,
        author_id=by.id,
    )
    session.add(revision)
    session.flush()
    for attachment in shown.attachments:
        session.add(Attachment(revision_id=revision.id, sha256=attachment.sha256, filename=attachment.filename))
    session.flush()
    check_in(session, store, by, revision, "correct", reason="、".join(_told(reviewed)))
    return revision


def publish_due(session: Session, store: ContentStore) -> int:
    """Check in what was approved for a day that has come; returns how many. A timer calls this, as often as it likes."""
    waiting = session.scalars(
        select(Revision).where(
            Revision.state == RevisionState.IN_REVIEW,
            Revision.attributes["valid_from"].as_string() <= clock.today().isoformat(),
        )
    ).all()
    done = 0
    for revision in [revision for revision in waiting if revision.scheduled]:
        try:
            with session.begin_nested():
                check_in(session, store, SYSTEM, revision, "publish_scheduled", reason="、".join(_told(revision)))
        except (KBError, IntegrityError) as exc:  # one that the rules refuse must not keep back the others
            log.error("%s was not published on its day: %s", revision.entry.number, exc)
        else:
            done += 1
    return done


def last_reviewed(session: Session, entry: Entry) -> Revision | None:
    """The newest revision in use, or once in use, that is not a minor correction."""
    return session.scalar(
        select(Revision)
        .where(
            Revision.entry_id == entry.id,
            Revision.origin != Origin.MINOR,
            Revision.state.in_((RevisionState.APPROVED, RevisionState.SUPERSEDED)),
        )
        .order_by(Revision.number.desc())
        .limit(1)
    )


def _told(reviewed: Revision) -> Sequence[str]:
    """Whose review a correction rests on: they are named in its audit row."""
    return list(dict.fromkeys(review.reviewer.display_name for review in reviewed.reviews))


def check_in(
    session: Session, store: ContentStore, by: Person, revision: Revision, action: str, *, reason: str = ""
) -> None:
    """Write the object, point the entry at the revision, tell the index: the moment knowledge becomes visible."""
    entry, attributes = revision.entry, revision.read_attributes()
    if attributes.valid_from is not None and attributes.valid_from > clock.today():
        raise Conflict(
            f"{entry.number} 的生效日期 {attributes.valid_from} 未到，不能发布 · it is not to be published before that day",
            number=entry.number,
        )
    check_revision_step(revision.state, RevisionState.APPROVED)
    check_entry_step(entry.state, EntryState.PUBLISHED)
    assert revision.body is not None  # only stored revisions have none, and they have no step to approved
    before = revision.state
    key = store.put(session, revision.body.encode("utf-8"), MARKDOWN)
    previous = entry.published
    if previous is not None and previous.state == RevisionState.APPROVED:
        check_revision_step(previous.state, RevisionState.SUPERSEDED)
        previous.state = RevisionState.SUPERSEDED
        session.flush()  # the database allows one approved revision at a time
        new = f"第 {revision.number} 版"
        audit.record(
            session, by, previous, "supersede", before=RevisionState.APPROVED, after=previous.state, reason=new
        )
    revision.object_sha256, revision.body = key, None
    revision.state, revision.approved_at = RevisionState.APPROVED, clock.now()
    session.flush()
    narrowing = previous is not None and (
        entry.audience != attributes.audience or entry.owner_group != attributes.owner_group
    )
    entries.copy_attributes(entry, attributes)
    if entry.state == EntryState.EXPIRED:  # of the first time, the entry's creation and the revision's row tell
        audit.record(session, by, entry, "publish", before=entry.state, after=EntryState.PUBLISHED)
    entry.state, entry.published_revision_id = EntryState.PUBLISHED, revision.id
    session.flush()
    session.expire(entry, ["published"])
    outbox.announce(session, entry, narrowing=narrowing)
    audit.record(session, by, revision, action, before=before, after=revision.state, reason=reason)
    if revision.origin != Origin.MINOR:
        doubts.answer(session, by, entry, Answer.REVISED)
