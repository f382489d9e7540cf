"""Where are the bytes of approved documents, attachments and photos, and are they still what they were?

Each object is stored once, as a file named by its SHA-256, and referenced by any number of revisions. A write is
complete or absent: temporary file, fsync, rename, fsync of the folder. The object is written before the
transaction that refers to it commits; a crash in between leaves an unreferenced object, which `collect` removes.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kb.errors import StoreCorrupt
from kb.models import Attachment, ContentObject, Photo, Revision

GRACE_S = 3600  # seconds an unreferenced object is kept: its transaction may be about to commit
_TEMPORARY = ".tmp"


@dataclass
class StoreReport:
    """What `verify` found; `missing` and `altered` are losses, `unreferenced` is not."""

    objects: int = 0
    bytes: int = 0
    missing: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    unreferenced: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.missing and not self.altered


class ContentStore:
    """Objects under one folder, `ab/cd/abcd…`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, session: Session, data: bytes, media_type: str) -> str:
        """Store bytes once and expect them in the database; returns their SHA-256 in hex."""
        key = hashlib.sha256(data).hexdigest()
        self._write(key, data)
        if session.get(ContentObject, key) is None:
            session.add(ContentObject(sha256=key, size=len(data), media_type=media_type))
            session.flush()
        return key

    def get(self, key: str) -> bytes:
        """The bytes of an object, checked against its name on every read."""
        try:
            data = self._path(key).read_bytes()
        except FileNotFoundError as exc:
            raise StoreCorrupt(f"内容存储缺少对象 {key} · object missing from the content store", sha256=key) from exc
        if hashlib.sha256(data).hexdigest() != key:
            raise StoreCorrupt(f"内容存储的对象 {key} 已被改动 · stored object was altered", sha256=key)
        return data

    def verify(self, session: Session) -> StoreReport:
        """Is every expected object there, unaltered, and what is there that nobody expects?"""
        report = StoreReport()
        expected = {row.sha256: row.size for row in session.scalars(select(ContentObject))}
        referenced = _referenced(session)
        for key, size in expected.items():
            report.objects += 1
            report.bytes += size
            try:
                self.get(key)
            except StoreCorrupt:
                if self._path(key).exists():
                    report.altered.append(key)
                elif key in referenced:
                    report.missing.append(key)
            if key not in referenced:
                report.unreferenced.append(key)
        report.unreferenced += [key for key, _ in self._files() if key not in expected]
        return report

    def collect(self, session: Session, *, grace_s: float = GRACE_S) -> list[str]:
        """Remove what no revision and no incident refers to and is older than the grace period; returns the hashes removed.

        The caller commits. Rows go first and files after the flush, under the write lock, so no transaction can
        begin to refer to an object while it goes.
        """
        before = time.time() - grace_s
        referenced = _referenced(session)
        gone = [key for key, path in self._files() if key not in referenced and path.stat().st_mtime <= before]
        rows = set(session.scalars(select(ContentObject.sha256))) - referenced
        without_file = [key for key in rows if not self._path(key).exists()]  # killed between file and row last time
        for some in _chunks(gone + without_file):
            session.execute(delete(ContentObject).where(ContentObject.sha256.in_(some)))
        session.flush()
        for key in gone:
            self._path(key).unlink(missing_ok=True)
        for path in self.root.rglob(f"*{_TEMPORARY}"):
            if path.stat().st_mtime <= before:
                path.unlink(missing_ok=True)
        return gone

    def _write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        if path.exists() and path.read_bytes() == data:  # a damaged file is written anew
            os.utime(path)  # in use again: the grace period starts anew
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{key}.{secrets.token_hex(4)}{_TEMPORARY}")
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / key[2:4] / key

    def _files(self) -> Iterator[tuple[str, Path]]:
        for path in self.root.glob("??/??/*"):
            if len(path.name) == 64:
                yield path.name, path


def _referenced(session: Session) -> set[str]:
    texts = select(Revision.object_sha256).where(Revision.object_sha256.is_not(None))
    files = select(Attachment.sha256).union(select(Photo.sha256))
    return {key for key in session.scalars(texts) if key} | set(session.scalars(files))


def _chunks(keys: list[str], size: int = 500) -> Iterable[list[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder; NTFS journals the rename
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
