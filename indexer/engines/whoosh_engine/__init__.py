"""Which documents match, found in an index on disk? The default engine.

Whoosh keeps the term dictionary, segments, deletions and commits; scoring runs over arrays (`codec.py`,
`snapshot.py`), exhaustively and exactly: Whoosh's own top-k drops true hits now and then.
"""

# Whoosh says that it is typed and leaves most of its functions without types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from whoosh.index import TOC, EmptyIndexError, FileIndex, LockError

from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.base import Results, Scope, SearchRequest, Suggestion
from indexer.engines.whoosh_engine.codec import (
    INDEX_NAME,
    SCHEMA_VERSION,
    ArrayWriter,
    DurableStorage,
    schema,
    sync_folder,
)
from indexer.engines.whoosh_engine.segment import OpenSegment, pack
from indexer.engines.whoosh_engine.snapshot import Snapshot
from indexer.plan import plan
from indexer.projection import project
from indexer.ranking import Parameters
from indexer.suggestions import Typed
from kb.errors import IndexLocked, IndexUnavailable

__all__ = ["SCHEMA_VERSION", "WhooshEngine", "sync_folder"]

# A commit may move the table of contents while the folder is listed, and remove a segment before it is opened.
_OPENING_TRIES = 20
_OPENING_WAIT_S = 0.01  # and longer from try to try: 0.85 s in all
_LARGE = 4  # a merge leaves a segment alone that has this many times the documents of all smaller ones
_DELETED_SHARE = 0.2  # of a segment's documents; above it the segment is written anew
_Guard = Callable[[], AbstractContextManager[None]]


class WhooshEngine:
    """The protocol of `engines/base.py` over one index folder. One object serves all threads of a process."""

    def __init__(
        self, folder: Path, analyzer: Analyzer, *, guard: _Guard = nullcontext, parameters: Parameters | None = None
    ) -> None:
        """Open an existing index; nothing is created. `guard` is entered around every write."""
        self._storage = DurableStorage(str(folder))
        self._folder = folder
        self._analyzer = analyzer
        self._guard = guard
        self._parameters = parameters or Parameters()
        self._swap = threading.Lock()
        self._process = os.getpid()
        self._snapshot: Snapshot | None = None
        self._current()

    @classmethod
    def create(cls, folder: Path, analyzer: Analyzer, *, parameters: Parameters | None = None) -> WhooshEngine:
        """Make a new, empty index in a folder that does not exist yet. Only a rebuild does so."""
        folder.mkdir(parents=True)
        FileIndex.create(DurableStorage(str(folder)), schema(), INDEX_NAME)
        return cls(folder, analyzer, parameters=parameters)

    def _current(self) -> Snapshot:
        """The state after the latest commit; segments already open are taken over."""
        snapshot = self._snapshot
        if self._process != os.getpid():  # forked: the parent's file positions are not ours to move
            self._swap, self._process, self._snapshot, snapshot = threading.Lock(), os.getpid(), None, None
        for attempt in range(_OPENING_TRIES):
            latest = TOC._latest_generation(self._storage, INDEX_NAME)
            if snapshot is not None and latest == snapshot.generation:
                return snapshot
            if latest < 0 and snapshot is not None:
                return snapshot  # a generation that was discarded while somebody still asked it
            try:
                with self._swap:
                    return self._refresh(latest)
            except (FileNotFoundError, EmptyIndexError):
                snapshot = self._snapshot
                time.sleep(_OPENING_WAIT_S * min(attempt, 5))
            except Exception as exc:
                raise IndexUnavailable(f"索引无法读取 · the index cannot be read: {exc}") from exc
        raise IndexUnavailable(f"没有索引,或文件缺失 · no index, or files are missing: {self._folder.parent.name}")

    def _refresh(self, latest: int) -> Snapshot:
        if latest < 0:
            raise FileNotFoundError(self._folder)
        known = self._snapshot
        if known is not None and known.generation >= latest:
            return known  # another thread was faster
        toc = TOC.read(self._storage, INDEX_NAME, gen=latest, schema=schema())
        reusable = {segment.name: segment for segment in known.segments} if known else {}
        segments = [
            reusable.get(segment.segment_id()) or OpenSegment(self._storage, segment) for segment in toc.segments
        ]
        deleted = [list(segment.deleted_docs()) for segment in toc.segments]
        # Segments no longer named are not closed: another thread may be reading. The last reader lets go of them.
        self._snapshot = Snapshot(latest, segments, deleted, self._parameters)
        return self._snapshot

    def search(self, request: SearchRequest) -> Results:
        began = time.perf_counter()
        wanted = plan(request.query, self._analyzer, self._parameters)
        results = self._current().search(request, wanted)
        return replace(results, took_ms=(time.perf_counter() - began) * 1000)

    def suggest(self, prefix: str, scope: Scope, limit: int = 8) -> list[Suggestion]:
        return self._current().suggest(Typed.read(prefix, self._analyzer), scope, limit)

    def count(self) -> int:
        return self._current().count

    def versions(self) -> dict[str, int]:
        return {card.id: card.version for card in self._current().cards()}

    def apply(self, upserts: Sequence[IndexDocument], removals: Sequence[str]) -> None:
        with self._guard():
            snapshot = self._current()
            newest: dict[str, IndexDocument] = {}
            for document in upserts:
                if document.id not in newest or newest[document.id].version < document.version:
                    newest[document.id] = document
            replaced = [place for id in removals if (place := snapshot.locate(id))]
            added = []
            for document in newest.values():
                place = snapshot.locate(document.id)
                if document.id in removals or (
                    place and snapshot.segments[place[0]].cards[place[1]].version >= document.version
                ):
                    continue
                added.append(document)
                replaced += [place] if place else []
            if added or replaced:
                self._write(snapshot, added, replaced)

    def _write(self, snapshot: Snapshot, added: Sequence[IndexDocument], replaced: Sequence[tuple[int, int]]) -> None:
        writer = self._writer()
        try:
            for number, doc in replaced:
                writer.segments[number].delete_document(doc)
            for document in added:
                projection = project(document, self._analyzer)
                writer.take(projection.counts, *pack(projection))
        except BaseException:
            writer.cancel()
            raise
        writer.commit(merge=False)

    def _writer(self) -> ArrayWriter:
        try:
            return ArrayWriter(FileIndex(self._storage, schema(), INDEX_NAME))
        except LockError as exc:
            raise IndexLocked("另一个进程正在写索引 · another process is writing to the index") from exc

    def optimise(self) -> None:
        with self._guard():
            segments = TOC.read(self._storage, INDEX_NAME, schema=schema()).segments
            if len(_mergeable(segments)) > 1 or any(map(_worn, segments)):
                self._writer().commit(mergetype=_merge)

    def close(self) -> None:
        with self._swap:
            snapshot, self._snapshot = self._snapshot, None
        for segment in snapshot.segments if snapshot else ():
            segment.close()


def _worn(segment: Any) -> bool:
    return bool(segment.deleted_count() > _DELETED_SHARE * segment.doc_count_all())


def _mergeable(segments: Sequence[Any]) -> list[Any]:
    """The segments that one merge writes anew: the worn ones, and the small ones up to the first that is so large
    that copying it would cost more than looking into one segment more."""
    chosen: list[Any] = []
    documents = 0
    for segment in sorted(segments, key=lambda one: one.doc_count()):
        if _worn(segment) or not chosen or segment.doc_count() < _LARGE * documents:
            chosen.append(segment)
            documents += segment.doc_count()
    return chosen


def _merge(writer: ArrayWriter, segments: list[Any]) -> list[Any]:
    """Whoosh's merge policy: writes the mergeable segments into the new one and returns the others."""
    chosen = _mergeable(segments)
    for segment in chosen:
        writer.merge_in(segment)
    return [segment for segment in segments if segment not in chosen]
