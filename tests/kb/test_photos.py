"""A photo is stored once, without its place, belongs to its incident, and is not collected."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from kb import audit, photos
from kb.db import Database
from kb.errors import Conflict, Invalid, NotAllowed, NotFound
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples
from tests.kb.test_pictures import jpeg, png

MOST = 1_000_000


def test_a_photo_is_stored_once_and_stays(database: Database, store: ContentStore, people: People) -> None:
    with database.write() as session:
        incident, other = (samples.incident(session, people.tech) for _ in range(2))
        first = photos.add(session, store, people.tech, incident, "C:\\相机\\IMG_1.jpg", jpeg(), most_bytes=MOST)
        assert (first.filename, first.media_type) == ("IMG_1.jpg", "image/jpeg")
        assert photos.add(session, store, people.tech2, incident, "again.jpg", jpeg(), most_bytes=MOST) is first
        elsewhere = photos.add(session, store, people.tech, other, "IMG_1.jpg", jpeg(), most_bytes=MOST)
        assert elsewhere.sha256 == first.sha256
        assert [row.action for row in audit.history(session, incident)] == ["report", "photo"]
        assert store.collect(session, grace_s=0) == []
        assert store.get(first.sha256) == jpeg() and store.verify(session).unreferenced == []
        assert photos.find(incident, first.id) is first
        with pytest.raises(NotFound):
            photos.find(other, first.id)
        for statement in ("UPDATE incident_photos SET incident_id = 1", "DELETE FROM incident_photos"):
            with pytest.raises(IntegrityError, match="never"), session.begin_nested():
                session.execute(text(statement))


def test_what_is_refused(
    database: Database, store: ContentStore, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "MAX_PHOTOS", 1)
    with database.write() as session:
        incident = samples.incident(session, people.tech)
        for data, most in ((b"no picture", MOST), (jpeg(), 10)):
            with pytest.raises(Invalid):
                photos.add(session, store, people.tech, incident, "x.jpg", data, most_bytes=most)
        with pytest.raises(NotAllowed):
            photos.add(session, store, people.subscriber, incident, "x.jpg", jpeg(), most_bytes=MOST)
        photos.add(session, store, people.tech, incident, "x.jpg", jpeg(), most_bytes=MOST)
        with pytest.raises(Conflict):
            photos.add(session, store, people.tech, incident, "y.png", png(), most_bytes=MOST)
