"""Which pictures were taken at an incident, and where are their bytes?

A picture is stored once in the content store, after `pictures.read` has taken out of it what it does not show. Whoever may
read the incident may see it, and nobody else.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from kb import audit, clock, pictures
from kb.access import Permission, Person
from kb.errors import Conflict, Invalid, NotFound
from kb.models import Incident, Photo
from kb.plain import one_line
from kb.store import ContentStore

MAX_PHOTOS = 30  # of one incident
MAX_FILENAME = 120  # characters


def add(
    session: Session,
    store: ContentStore,
    by: Person,
    incident: Incident,
    filename: str,
    data: bytes,
    *,
    most_bytes: int,
) -> Photo:
    """Keep a picture with an incident, in any state of it; the same picture again is the one that is there.

    Raises Invalid for what is no picture, or larger than `most_bytes`; Conflict when there are MAX_PHOTOS.
    """
    by.require(Permission.HANDLE_INCIDENTS)
    assert by.id is not None  # whoever handles incidents has an account
    if len(data) > most_bytes:
        most = most_bytes // 1_000_000
        problem = f"照片最大 {most} MB · at most {most} MB"
        raise Invalid(problem, fields={"photo": problem})
    picture = pictures.read(data)
    sha256 = store.put(session, picture.data, picture.media_type)
    known = next((photo for photo in incident.photos if photo.sha256 == sha256), None)
    if known is not None:
        return known
    if len(incident.photos) >= MAX_PHOTOS:
        raise Conflict(f"一件事件最多 {MAX_PHOTOS} 张照片 · at most {MAX_PHOTOS} photos", number=incident.number)
    name = one_line(filename.replace("\\", "/").rpartition("/")[2])[-MAX_FILENAME:] or "photo"
    photo = Photo(incident_id=incident.id, author_id=by.id, sha256=sha256, media_type=picture.media_type, filename=name)
    session.add(photo)
    incident.updated_at = clock.now()
    session.flush()
    session.expire(incident, ["photos"])
    audit.record(session, by, incident, "photo", reason=name)
    return photo


def find(incident: Incident, photo_id: int) -> Photo:
    """The photo of this incident, which the asker may read already."""
    found = next((photo for photo in incident.photos if photo.id == photo_id), None)
    if found is None:
        raise NotFound(f"{incident.number} 没有这张照片 · no such photo", number=incident.number)
    return found
