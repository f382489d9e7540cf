"""How does a folder or an archive of Markdown get in, whole, again and again, without doing harm?

Every file becomes an entry or is refused with a reason. Foreign files become reference material and are checked in;
files in the library's own form keep their kind, and whatever needs review goes to the review queue, never around it.
Each file is known by (source, path) and the hash of its bytes, and work is committed in batches, so the same command
continues after an interruption and changes nothing when all is in.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kb import audit, documents, entries, publishing
from kb.access import Permission, Person
from kb.db import Database
from kb.documents import Audience, Document
from kb.errors import Conflict, Invalid, KBError
from kb.lifecycle import UNREVIEWED_IMPORT_KINDS, Origin
from kb.models import Entry, ImportedFile
from kb.store import ContentStore

MARKDOWN_SUFFIXES = (".md", ".markdown", ".mdown", ".mkd")
MAX_FILE = 4_000_000  # bytes
BATCH_FILES = 200  # per transaction
BATCH_BYTES = 8_000_000  # per transaction


@dataclass(frozen=True)
class Defaults:
    """What foreign files are filed under."""

    category: str = "参考资料/技术资料"
    audience: Audience = Audience.STAFF
    owner_group: str = "team-ops"


class Done(StrEnum):
    """What became of a file that was taken; the values are the counters of `ImportReport`."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    IN_REVIEW = "in_review"


@dataclass
class ImportReport:
    """What became of the files: counts, and the reason for each one refused."""

    seen: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    in_review: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    def count(self, done: Done) -> None:
        setattr(self, done, getattr(self, done) + 1)


class File(NamedTuple):
    """A file of the source: its path inside it, and its bytes or why they cannot be had."""

    path: str
    data: bytes
    problem: str = ""


@dataclass
class _Taken:
    """What one run has taken so far: a second file of the same path or id is refused, not let in over the first."""

    paths: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)


Progress = Callable[[ImportReport], None]


def source_name(path: Path) -> str:
    """The name a source goes by unless one is given: the folder's, or the archive's without its endings."""
    name = path.resolve().name
    while path.is_file() and PurePosixPath(name).suffix in (".tar", ".xz", ".gz", ".bz2", ".tgz", ".txz", ".md"):
        name = PurePosixPath(name).stem
    return name


def read_source(path: Path) -> Iterator[File]:
    """All files below a folder, or in a tar archive, in a stable order where there is one."""
    if path.is_dir():
        yield from _read_folder(path)
    elif path.is_file() and path.name.lower().endswith(MARKDOWN_SUFFIXES):
        yield _read_file(path, path.name)
    elif path.is_file():
        yield from _read_archive(path)
    else:
        raise Invalid(f"没有 {path} · no such folder or archive", fields={"path": str(path)})


def run(
    database: Database,
    store: ContentStore,
    by: Person,
    path: Path,
    *,
    source: str = "",
    defaults: Defaults | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import everything; committed batch by batch."""
    by.require(Permission.IMPORT)
    source = source or source_name(path)
    return load(database, store, by, read_source(path), source=source, defaults=defaults, progress=progress)


def load(
    database: Database,
    store: ContentStore,
    by: Person,
    files: Iterator[File],
    *,
    source: str,
    origin: Origin = Origin.IMPORTED,
    defaults: Defaults | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Take files in, batch by batch. `Origin.LIBRARY` is for the shipped library alone, see `kb.installation`."""
    report = ImportReport()
    with database.read() as session:
        known = dict(
            session.execute(select(ImportedFile.path, ImportedFile.sha256).where(ImportedFile.source == source)).all()
        )
    taken = _Taken()
    for batch in _batches(files):
        fresh = []
        for file in batch:
            report.seen += 1
            if file.problem:
                report.refused.append((file.path, file.problem))
            elif file.path in taken.paths:
                report.refused.append(
                    (file.path, "同一路径出现两次，取第一份 · the path stands twice; the first is taken")
                )
            elif known.get(file.path) == hashlib.sha256(file.data).hexdigest():
                report.unchanged += 1
            else:
                fresh.append(file)
            taken.paths.add(file.path)
        if fresh:
            with database.write() as session:
                for file in fresh:
                    _take(session, store, by, file, source, origin, defaults or Defaults(), report, taken)
                session.commit()
        if progress:
            progress(report)
    return report


def _take(
    session: Session,
    store: ContentStore,
    by: Person,
    file: File,
    source: str,
    origin: Origin,
    defaults: Defaults,
    report: ImportReport,
    taken: _Taken,
) -> None:
    try:
        with session.begin_nested():  # a refused file leaves nothing behind
            document = _read_document(file, defaults)
            if document.id and taken.ids.setdefault(document.id, file.path) != file.path:
                raise Conflict(f"{document.id} 与 {taken.ids[document.id]} 编号重复 · two files have one id")
            entry, done = _file_away(session, store, by, document, source, file.path, origin)
            digest = hashlib.sha256(file.data).hexdigest()
            row = session.scalar(
                select(ImportedFile).where(ImportedFile.source == source, ImportedFile.path == file.path)
            )
            if row is None:
                session.add(ImportedFile(source=source, path=file.path, sha256=digest, entry_id=entry.id))
            else:
                row.sha256, row.entry_id = digest, entry.id
            session.flush()
    except KBError as exc:
        report.refused.append((file.path, exc.message))
    except IntegrityError as exc:
        report.refused.append((file.path, f"数据库拒绝 · refused by the database: {exc.orig}"))
    else:
        report.count(done)


def _file_away(
    session: Session,
    store: ContentStore,
    by: Person,
    document: Document,
    source: str,
    path: str,
    origin: Origin,
) -> tuple[Entry, Done]:
    attributes = document.attributes
    direct = origin is Origin.LIBRARY or attributes.kind in UNREVIEWED_IMPORT_KINDS
    origin = origin if direct else Origin.WRITTEN
    note = f"{source}/{path}"
    entry = _entry_for(session, document, source, path)
    if entry is None:
        revision = entries.create(session, by, attributes, document.body, number=document.id or "", origin=origin)
        done = Done.ADDED
    else:
        newest = entries.newest_revision(session, entry)
        if newest.read_attributes() == attributes and entries.text_of(store, newest) == document.body:
            return entry, Done.UNCHANGED
        if direct and newest.origin == Origin.WRITTEN:
            raise Conflict(f"{entry.number} 在本地修订过，保留本地版本 · revised here; the local revision is kept")
        revision = entries.revise(
            session, store, by, entry, attributes=attributes, body=document.body, origin=origin, note=note
        )
        done = Done.UPDATED
    if direct:
        publishing.publish_unreviewed(session, store, by, revision)
    else:
        entries.submit(session, by, revision)
        done = Done.IN_REVIEW
    audit.record(session, by, revision.entry, "import", after=revision.state, reason=note)
    return revision.entry, done


def _entry_for(session: Session, document: Document, source: str, path: str) -> Entry | None:
    if document.id:
        return session.scalar(select(Entry).where(Entry.number == document.id))
    return session.scalar(
        select(Entry)
        .join(ImportedFile, ImportedFile.entry_id == Entry.id)
        .where(ImportedFile.source == source, ImportedFile.path == path)
    )


def _read_document(file: File, defaults: Defaults) -> Document:
    text = _decode(file.data)
    if not text.strip():
        raise Invalid("文件是空的 · the file is empty")
    if documents.looks_like_library(text):
        return documents.parse(text)
    return documents.read_plain(
        PurePosixPath(file.path),
        text,
        category=defaults.category,
        audience=defaults.audience,
        owner_group=defaults.owner_group,
    )


def _decode(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise Invalid("既不是 UTF-8 也不是 GB18030 文本 · neither UTF-8 nor GB18030 text")


def _batches(files: Iterator[File]) -> Iterator[list[File]]:
    batch: list[File] = []
    size = 0
    for file in files:
        batch.append(file)
        size += len(file.data)
        if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read_folder(root: Path) -> Iterator[File]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            inside = path.relative_to(root).as_posix()
            if path.is_symlink():
                yield File(inside, b"", "符号链接不导入 · symbolic links are not followed")
            else:
                yield _read_file(path, inside)


def _read_file(path: Path, inside: str) -> File:
    try:
        about = path.lstat()
        problem = _refuse(inside, about.st_size)
        if not stat.S_ISREG(about.st_mode):
            problem = "不是普通文件 · not a regular file"
        return File(inside, b"" if problem else path.read_bytes(), problem)
    except OSError as exc:
        return File(inside, b"", f"读不出来 · cannot be read: {exc.strerror}")


def _read_archive(path: Path) -> Iterator[File]:
    try:
        with tarfile.open(path, "r|*") as archive:  # a stream: members are never unpacked to disk
            for member in archive:
                if member.isdir():
                    continue
                inside = PurePosixPath(member.name).as_posix().removeprefix("./")
                problem = _refuse(inside, member.size)
                stream = archive.extractfile(member) if member.isreg() and not problem else None
                if stream is None:
                    yield File(inside, b"", problem or "不是普通文件 · not a regular file")
                else:
                    yield File(inside, stream.read())
            # A damaged header ends the archive for tarfile as if that were all; behind the real end stand zeros.
            while block := archive.fileobj.read(1 << 20):
                if any(block):
                    raise Invalid(
                        f"{path.name} 已损坏，其后的文件没有导入 · the archive is damaged; the rest was not read"
                    )
    except tarfile.TarError as exc:
        raise Invalid(f"{path.name} 不是可读的 tar 文件 · not a readable tar archive: {exc}") from exc


def _refuse(inside: str, size: int) -> str:
    if any("\ud800" <= char <= "\udfff" for char in inside):
        return "文件名不是 UTF-8 · the file name is not UTF-8"
    if not inside.lower().endswith(MARKDOWN_SUFFIXES):  # a file may be called just `.md`
        return "不是 Markdown 文件 · not a Markdown file"
    if size > MAX_FILE:
        return f"超过 {MAX_FILE // 1_000_000} MB · larger than {MAX_FILE // 1_000_000} MB"
    return ""
