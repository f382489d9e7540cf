"""How does a segment look on disk? Whoosh's term dictionary, columns, deletions and commits, with posting lists of
our own: plain arrays that numpy reads where they lie.

Whoosh's own blocks cost a Python call per posting, when writing, merging and reading. Here a term's postings are

    uint32 faces         bit f is set when any document has the term in face f
    uint32[n] documents  ascending
    uint16[n] counts     once per face present, in the order of the faces

aligned to 4 bytes, little-endian, in the segment's `.pst` file, which every process maps and shares. A merge is a
renumbering of arrays. Field lengths are kept exactly, in the card of each document; Whoosh rounds them to a byte.

The table of contents names these classes in a pickle, so moving this module asks for a rebuild (SCHEMA_VERSION).
"""

# Whoosh says that it is typed and leaves most of its functions without types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from whoosh.codec.whoosh3 import W3Codec, W3FieldWriter, W3TermInfo, W3TermsReader
from whoosh.columns import VarBytesColumn
from whoosh.fields import COLUMN, FieldType, Schema
from whoosh.filedb.filestore import FileStorage
from whoosh.formats import Existence
from whoosh.reading import TermNotFound
from whoosh.system import pack_ushort
from whoosh.writing import SegmentWriter

from indexer.projection import FACES, Space

SCHEMA_VERSION = 1  # raise it when an index of before cannot be read; its manifest then says "reindex needed"
INDEX_NAME = "kb"
CARD, TEXTS = "card", "texts"
Rows = NDArray[np.uint16]  # counts, a row per document and a column per face
Docs = NDArray[np.uint32]


class CountsField(FieldType):
    """A field of terms with a count per face. Terms come counted; Whoosh's analyzers are not used."""

    def __init__(self) -> None:
        self.format = Existence()
        self.scorable = False
        self.stored = False


def schema() -> Schema:
    """A fresh schema: one field per space, and two columns that hold a document's card and texts."""
    fields = {space.value: CountsField() for space in Space}
    return Schema(**fields, **{CARD: COLUMN(VarBytesColumn()), TEXTS: COLUMN(VarBytesColumn())})


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


class Pool:
    """Postings on their way into a segment: four flat arrays a space, 18 bytes a posting, instead of tuples."""

    def __init__(self) -> None:
        self.terms: dict[Space, dict[str, int]] = {space: {} for space in Space}
        self._numbers = {space: array("I") for space in Space}
        self._docs = {space: array("I") for space in Space}
        self._rows = {space: array("H") for space in Space}

    def add(self, space: Space, counts: Mapping[str, list[int]], doc: int) -> None:
        """Take in one document's counts in one space. Documents come in ascending order."""
        terms, numbers, rows = self.terms[space], self._numbers[space], self._rows[space]
        for term, row in counts.items():
            numbers.append(terms.setdefault(term, len(terms)))
            rows.extend(row)
        self._docs[space].extend([doc] * len(counts))

    def add_arrays(self, space: Space, term: str, docs: Docs, rows: Rows) -> None:
        """Take in a term's postings from a segment that is merged."""
        number = self.terms[space].setdefault(term, len(self.terms[space]))
        self._numbers[space].frombytes(np.full(len(docs), number, np.uint32).tobytes())
        self._docs[space].frombytes(docs.astype(np.uint32).tobytes())
        self._rows[space].frombytes(np.ascontiguousarray(rows, np.uint16).tobytes())

    def postings(self, space: Space) -> Iterator[tuple[bytes, Docs, Rows]]:
        """Each term with its documents and rows, in the byte order of terms."""
        terms = self.terms[space]
        if not terms:
            return
        numbers = np.frombuffer(self._numbers[space], np.uint32)
        order = np.argsort(numbers, kind="stable")  # stable keeps documents ascending
        docs = np.frombuffer(self._docs[space], np.uint32)[order]
        rows = np.frombuffer(self._rows[space], np.uint16).reshape(-1, len(FACES))[order]
        ends = np.cumsum(np.bincount(numbers, minlength=len(terms)))
        for term, number in sorted((term.encode(), number) for term, number in terms.items()):
            start = int(ends[number - 1]) if number else 0
            yield term, docs[start : ends[number]], rows[start : ends[number]]

    # What Whoosh's writer asks of its pool:

    def iter_postings(self) -> Pool:
        return self

    def cleanup(self) -> None:
        self.__init__()  # type: ignore[misc]  # back to empty


class ArrayFieldWriter(W3FieldWriter):
    """Writes a pool: Whoosh's term dictionary, our arrays."""

    def add_postings(self, schema: Schema, lengths: object, items: Pool) -> None:
        for space in sorted(items.terms):
            self.start_field(space.value, schema[space.value])
            for term, docs, rows in items.postings(space):
                self._term(term, docs, rows)
            self.finish_field()

    def _term(self, term: bytes, docs: Docs, rows: Rows) -> None:
        present = (
            [face for face in range(rows.shape[1]) if rows[:, face].any()] if len(rows) > 1 else np.flatnonzero(rows[0])
        )
        mask = sum(1 << int(face) for face in present)
        start = self._postfile.tell()
        block = b"".join(
            [mask.to_bytes(4, "little"), docs.astype("<u4").tobytes()]
            + [rows[:, face].astype("<u2").tobytes() for face in present]
        )
        self._postfile.write(block + b"\0" * (-len(block) % 4))
        info = W3TermInfo()
        info._df = info._weight = len(docs)
        info.set_extent(start, len(block))
        self._tindex.add(pack_ushort(self._fieldid) + term, info.to_bytes())


class ArrayTermsReader(W3TermsReader):
    """Finds where a term's postings lie and shows them as arrays over the mapped file. Not for several threads."""

    def __init__(self, codec: W3Codec, dbfile: Any, length: int, postfile: Any) -> None:
        super().__init__(codec, dbfile, length, postfile)
        name = Path(postfile.raw_file().name)
        self._map: NDArray[np.uint8] = np.memmap(name, np.uint8, "r") if name.stat().st_size else np.empty(0, np.uint8)

    def arrays(self, space: Space, term: str) -> tuple[Docs, Rows] | None:
        """The documents that have a term, and its counts; None when none has it."""
        try:
            info = self.term_info(space.value, term.encode())
        except TermNotFound:
            return None
        return self._arrays(info)

    def _arrays(self, info: W3TermInfo) -> tuple[Docs, Rows]:
        start, count = info.extent()[0], info.doc_frequency()
        mask = int(np.frombuffer(self._map, "<u4", 1, start)[0])
        docs = np.frombuffer(self._map, "<u4", count, start + 4)
        rows = np.zeros((count, len(FACES)), np.uint16)
        place = start + 4 + 4 * count
        for face in range(len(FACES)):
            if mask >> face & 1:
                rows[:, face] = np.frombuffer(self._map, "<u2", count, place)
                place += 2 * count
        return docs, rows

    def prefixed(self, space: Space, prefix: str) -> Iterator[tuple[Docs, Rows]]:
        """The postings of all terms that begin so."""
        start = prefix.encode()
        if space.value not in self._fieldmap:
            return
        for (name, term), info in self.items_from(space.value, start):
            if name != space.value or not term.startswith(start):
                return
            yield self._arrays(info)

    def every(self) -> Iterator[tuple[Space, str, Docs, Rows]]:
        """All postings of the segment."""
        for (name, term), info in self.items():
            yield Space(name), term.decode(), *self._arrays(info)


class ArrayCodec(W3Codec):
    """Whoosh's third codec with our posting lists."""

    length_stats = False

    def field_writer(self, storage: Any, segment: Any) -> ArrayFieldWriter:
        return ArrayFieldWriter(self, storage, segment)

    def terms_reader(self, storage: Any, segment: Any) -> ArrayTermsReader:
        name = segment.make_filename(self.TERMS_EXT)
        return ArrayTermsReader(
            self, storage.open_file(name), storage.file_length(name), segment.open_file(storage, self.POSTS_EXT)
        )


class ArrayWriter(SegmentWriter):
    """Whoosh's writer with our pool: takes documents already cut into terms, and merges arrays."""

    pool: Pool  # type: ignore[assignment]  # a PostingPool to Whoosh, which calls the two methods named there

    def __init__(self, index: Any) -> None:
        super().__init__(index, codec=ArrayCodec(), compound=False)
        self.pool = Pool()

    def take(self, counts: Mapping[Space, Mapping[str, list[int]]], card: bytes, texts: bytes) -> None:
        """Add one document."""
        for space, found in counts.items():
            self.pool.add(space, found, self.docnum)
        self._columns(card, texts)

    def _columns(self, card: bytes, texts: bytes) -> None:
        self.perdocwriter.start_doc(self.docnum)
        self.perdocwriter.add_column_value(CARD, self.schema[CARD].column_type, card)
        self.perdocwriter.add_column_value(TEXTS, self.schema[TEXTS].column_type, texts)
        self.perdocwriter.finish_doc()
        self._added = True
        self.docnum += 1

    def merge_in(self, segment: Any) -> None:
        """Add the live documents of a segment."""
        codec = segment.codec()
        perdoc, terms = codec.per_document_reader(self.storage, segment), codec.terms_reader(self.storage, segment)
        try:
            cards, texts = (perdoc.column_reader(name, self.schema[name].column_type) for name in (CARD, TEXTS))
            renumbered = np.full(segment.doc_count_all(), -1, np.int64)
            for doc in range(segment.doc_count_all()):
                if not segment.is_deleted(doc):
                    renumbered[doc] = self.docnum
                    self._columns(cards[doc], texts[doc])
            for space, term, docs, rows in terms.every():
                kept = renumbered[docs]
                if (alive := kept >= 0).any():
                    self.pool.add_arrays(space, term, kept[alive].astype(np.uint32), rows[alive])
        finally:
            perdoc.close()
            terms.close()
