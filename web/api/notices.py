"""One's own notices for programs."""

from __future__ import annotations

from apiflask import APIBlueprint

from kb import notices
from kb.access import Permission
from kb.notices import Item
from web.api import schemas
from web.context import needs, person, services

bp = APIBlueprint("api_notices", __name__, url_prefix="/api/v1/notices", tag="notices")


def as_json(item: Item) -> dict[str, object]:
    """A notice; of a record that its reader may no longer see, nothing but that there was a change."""
    audit, seen = item.notice.audit, item.record is not None
    return {
        "id": item.notice.id,
        "at": audit.at,
        "read": item.notice.read_at is not None,
        "type": item.type if seen else "",
        "number": item.number,
        "title": item.title,
        "action": audit.action if seen else "",
        "to_state": audit.to_state if seen else "",
        "because": item.notice.because if seen else "",
        "said": item.said(),
        "said_en": item.said("en"),
        "reason": item.reason,
    }


@bp.get("")
@bp.input(schemas.NoticeQuery, location="query", arg_name="asked")
@bp.output(schemas.Notices)
@needs(Permission.READ_STAFF)
def index(asked: schemas.NoticeQuery) -> dict[str, object]:
    """Unread ones first, the newest first."""
    with services().database.read() as session:
        found = notices.inbox(session, person(), only_unread=asked.unread, limit=asked.limit)
        return {"unread": notices.unread(session, person()), "notices": [as_json(item) for item in found]}


@bp.post("/read")
@bp.input(schemas.MarkRead, arg_name="given")
@bp.output(schemas.Marked)
@needs(Permission.READ_STAFF)
def read(given: schemas.MarkRead) -> dict[str, int]:
    """Mark these read; without `ids` all of them."""
    with services().database.write() as session:
        marked = notices.mark_read(session, person(), given.ids)
        session.commit()
    return {"marked": marked}
