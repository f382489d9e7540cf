"""What is a segment, and how does one commit put segments in place of others? Whoosh's table of contents, schema, write
lock and deletions; the documents themselves stand in blocks of arrays (`block.py`).

Whoosh's own files cost a Python call per posting, when writing, merging and reading, and are copied to the heap when
they are opened. The table of contents names these classes in a pickle, so moving this module asks for a rebuild
(SCHEMA_VERSION).
"""

# Whoosh says that it is typed and leaves most of its functions without types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh.codec.base import Segment
from whoosh.fields import FieldType, Schema
from whoosh.filedb.filestore import FileStorage
from whoosh.formats import Existence
from whoosh.index import TOC, clean_files

from indexer.engines.whoosh_engine.block import MOST_DOCUMENTS, SPACES, Writer
from kb.errors import IndexLocked

SCHEMA_VERSION = 6  # raise it when an index of before cannot be read; its manifest then says "reindex needed"
INDEX_NAME = "kb"
_EXTENSION = ".blk"


class CountsField(FieldType):
    """A field of terms with a count per face. Terms come counted; Whoosh's analyzers are not used."""

    def __init__(self) -> None:
        self.format = Existence()
        self.scorable = False
        self.stored = False


def schema() -> Schema:
    """A fresh schema: one field per space."""
    return Schema(**{space: CountsField() for space in SPACES})


class DurableStorage(FileStorage):
    """A folder whose files are on the disk when they are closed, and named when they are renamed.

    Whoosh syncs nothing: after a power cut its table of contents could name segments that are not there."""

    def create_file(self, name: str, excl: bool = False, mode: str = "wb", **options: Any) -> Any:
        return super().create_file(name, excl=excl, mode=mode, onclose=_sync, **options)

    def rename_file(self, oldname: str, newname: str, safe: bool = False) -> None:
        sync_folder(Path(self.folder))  # the segment's files before the table of contents that names them
        super().rename_file(oldname, newname, safe=safe)
        sync_folder(Path(self.folder))


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; Windows does so by itself and cannot open folders."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class BlockSegment(Segment):
    """A block in the table of contents, with the documents that were deleted from it: a bit each."""

    def __init__(self, count: int) -> None:
        super().__init__(INDEX_NAME)
        self._count = count
        self._deleted = b""
        self.bytes = 0  # of the block on disk

    @property
    def deletions(self) -> bytes:
        """The bits as they stand in the table of contents: two that are equal delete the same documents."""
        return self._deleted

    def doc_count_all(self) -> int:
        return self._count

    def deleted(self) -> NDArray[np.bool_]:
        """Which documents are deleted?"""
        if not self._deleted:
            return np.zeros(self._count, np.bool_)
        bits = np.unpackbits(np.frombuffer(self._deleted, np.uint8), count=self._count, bitorder="little")
        return bits.astype(np.bool_)

    def delete(self, documents: Sequence[int] | NDArray[np.integer]) -> None:
        """Delete documents, by number."""
        gone = self.deleted()
        gone[documents] = True
        self._deleted = np.packbits(gone, bitorder="little").tobytes()

    def delete_document(self, docnum: int, delete: bool = True) -> None:
        gone = self.deleted()
        gone[docnum] = delete
        self._deleted = np.packbits(gone, bitorder="little").tobytes()

    def deleted_count(self) -> int:
        return int.from_bytes(self._deleted, "little").bit_count()

    def deleted_docs(self) -> Iterator[int]:
        return iter(np.flatnonzero(self.deleted()).tolist())

    def is_deleted(self, docnum: int) -> bool:
        return bool(self.deleted()[docnum])

    def file(self, folder: Path) -> Path:
        """Where the block stands."""
        return folder / str(self.make_filename(_EXTENSION))

    def unfinished(self, folder: Path) -> Path:
        """Where it stands until a commit takes it: Whoosh clears away what it knows by name and nobody names."""
        return folder / f".{self.make_filename(_EXTENSION)}"


@contextmanager
def merging(storage: DurableStorage) -> Iterator[bool]:
    """Be the only one who merges here, and clear away what a killed merge has left; False while another one merges."""
    lock = storage.lock(f"{INDEX_NAME}_MERGELOCK")
    if not lock.acquire(blocking=False):
        yield False
        return
    try:
        for left in Path(storage.folder).glob(f".{INDEX_NAME}_*{_EXTENSION}"):
            with suppress(OSError):  # Windows: a child that is just dying still has it open
                left.unlink()
        yield True
    finally:
        lock.release()


class Commit:
    """One change of the index, under the write lock: new blocks, deletions, blocks dropped; all of it or nothing."""

    def __init__(self, folder: Path, toc: TOC) -> None:
        self._folder = folder
        self._toc = toc
        self.segments: list[BlockSegment] = list(toc.segments)

    def put(self, writer: Writer) -> None:
        """Add what a writer has collected."""
        if writer.count:
            assert writer.count <= MOST_DOCUMENTS
            segment = BlockSegment(writer.count)
            segment.bytes = writer.write(segment.file(self._folder))
            self.segments.append(segment)

    def take(self, segment: BlockSegment) -> None:
        """Add a block that another process has written."""
        segment.unfinished(self._folder).rename(segment.file(self._folder))
        self.segments.append(segment)

    def replace(self, chosen: Sequence[BlockSegment], merged: BlockSegment) -> bool:
        """Put a block written from segments as they were in their place; False, and nothing changed, when one is gone.

        What was deleted from them since is deleted from the block: it has their documents in order, without those that
        were deleted before."""
        now = {segment: segment for segment in self.segments}
        if not all(segment in now for segment in chosen):
            return False
        first = 0
        for before in chosen:
            live = ~before.deleted()
            numbers = first + np.cumsum(live) - 1
            merged.delete(numbers[live & now[before].deleted()])
            first += int(live.sum())
        self.segments = [segment for segment in self.segments if segment not in chosen]
        self.take(merged)
        return True


@contextmanager
def commit(storage: DurableStorage) -> Iterator[Commit]:
    """Take the write lock, and write the table of contents if the block ends well. Raises IndexLocked."""
    lock = storage.lock(f"{INDEX_NAME}_WRITELOCK")
    if not lock.acquire(blocking=False):
        raise IndexLocked("另一个进程正在写索引 · another process is writing to the index")
    try:
        toc = TOC.read(storage, INDEX_NAME, schema=schema())
        change = Commit(Path(storage.folder), toc)
        yield change
        generation = toc.generation + 1
        segments = [segment for segment in change.segments if segment.doc_count()]
        TOC(schema(), segments, generation).write(storage, INDEX_NAME)
        clean_files(storage, INDEX_NAME, generation, segments)
    finally:
        lock.release()
