"""Which documents match, found in an index on disk? The default engine.

Whoosh keeps the table of contents, segments, deletions and the write lock; documents stand in mapped arrays (`block.py`)
which a native kernel scores exactly (`kernel.c`): Whoosh's own top-k drops true hits now and then.
"""

# Whoosh says that it is typed and leaves most of its functions without types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from whoosh.index import TOC, EmptyIndexError, FileIndex

from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.base import Explanation, Results, Scope, SearchRequest, Suggestion
from indexer.engines.whoosh_engine.block import MOST_DOCUMENTS, Writer
from indexer.engines.whoosh_engine.builders import Builders, merge
from indexer.engines.whoosh_engine.codec import (
    INDEX_NAME,
    SCHEMA_VERSION,
    BlockSegment,
    DurableStorage,
    commit,
    merging,
    schema,
    sync_folder,
)
from indexer.engines.whoosh_engine.segment import OpenSegment
from indexer.engines.whoosh_engine.snapshot import Snapshot, View
from indexer.plan import plan
from indexer.ranking import Parameters
from indexer.suggestions import Typed
from kb import clock
from kb.errors import IndexUnavailable

__all__ = ["SCHEMA_VERSION", "WhooshEngine", "sync_folder"]

# A commit may move the table of contents while the folder is listed, and remove a segment before it is opened.
_OPENING_TRIES = 20
_OPENING_WAIT_S = 0.01  # and longer from try to try: 0.85 s in all
_LARGE = 4  # a merge leaves a segment alone that has this many times the documents of all smaller ones
_MOST_BYTES = 64_000_000  # of the blocks of one merge: one of 117 MB took 800 MB of memory
_DELETED_SHARE = 0.2  # of a segment's documents; above it the segment is written anew
_Guard = Callable[[], AbstractContextManager[None]]


class WhooshEngine:
    """The protocol of `engines/base.py` over one index folder. One object serves all threads of a process."""

    def __init__(
        self,
        folder: Path,
        analyzer: Analyzer,
        *,
        guard: _Guard = nullcontext,
        parameters: Parameters | None = None,
        today: Callable[[], dt.date] = clock.today,
    ) -> None:
        """Open an existing index; nothing is created. `guard` is entered around every write; `today` is asked whenever
        the state after another commit is opened."""
        self._storage = DurableStorage(str(folder))
        self._folder = folder
        self._analyzer = analyzer
        self._guard = guard
        self._parameters = parameters or Parameters()
        self._today = today
        self._swap = threading.Lock()
        self._writing = threading.Lock()  # a merge and a change wait for each other; other processes are refused
        self._process = os.getpid()
        self._snapshot: Snapshot | None = None
        self._current()

    @classmethod
    def create(
        cls,
        folder: Path,
        analyzer: Analyzer,
        *,
        parameters: Parameters | None = None,
        today: Callable[[], dt.date] = clock.today,
    ) -> WhooshEngine:
        """Make a new, empty index in a folder that does not exist yet. Only a rebuild does so."""
        folder.mkdir(parents=True)
        FileIndex.create(DurableStorage(str(folder)), schema(), INDEX_NAME)
        return cls(folder, analyzer, parameters=parameters, today=today)

    def _current(self) -> Snapshot:
        """The state after the latest commit; segments already open are taken over."""
        snapshot = self._snapshot
        if self._process != os.getpid():  # forked: the parent's file positions are not ours to move
            self._swap, self._writing = threading.Lock(), threading.Lock()
            self._process, self._snapshot, snapshot = os.getpid(), None, None
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
        before = {view.segment.name: view for view in known.views} if known else {}
        # Blocks no longer named stay mapped for whoever is reading them. The last reader lets go of them.
        views = [self._view(entry, before.get(entry.segment_id())) for entry in toc.segments]
        self._snapshot = Snapshot(latest, views, self._parameters, today=self._today())
        return self._snapshot

    def _view(self, entry: BlockSegment, before: View | None) -> View:
        if before is None:
            return View(entry, OpenSegment(entry.segment_id(), entry.file(self._folder)))
        return before if before.entry.deletions == entry.deletions else View(entry, before.segment)

    def search(self, request: SearchRequest) -> Results:
        began = time.perf_counter()
        wanted = plan(request.query, self._analyzer, self._parameters)
        results = self._current().search(request, wanted)
        return replace(results, took_ms=(time.perf_counter() - began) * 1000)

    def explain(self, request: SearchRequest, id: str) -> Explanation | None:
        return self._current().explain(request, plan(request.query, self._analyzer, self._parameters), id)

    def suggest(self, prefix: str, scope: Scope, limit: int = 8) -> list[Suggestion]:
        return self._current().suggest(Typed.read(prefix, self._analyzer), scope, limit)

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        return self._current().frequencies(terms)

    def known(self, terms: Sequence[str], scope: Scope, *, pairs: bool = False) -> list[int]:
        return self._current().known(terms, scope, pairs=pairs)

    def near(self, word: str, most: int) -> list[str]:
        return self._current().near(word, most)

    def count(self) -> int:
        return self._current().count

    def versions(self) -> dict[str, int]:
        return self._current().versions()

    def apply(self, upserts: Sequence[IndexDocument], removals: Sequence[str]) -> None:
        with self._writing, self._guard():
            snapshot = self._current()
            newest: dict[str, IndexDocument] = {}
            for document in upserts:
                if document.id not in newest or newest[document.id].version < document.version:
                    newest[document.id] = document
            replaced = [place for id in removals if (place := snapshot.locate(id))]
            added = []
            for document in newest.values():
                place = snapshot.locate(document.id)
                if document.id in removals or (place and snapshot.version(place) >= document.version):
                    continue
                added.append(document)
                replaced += [place] if place else []
            if added or replaced:
                self._write(snapshot, added, replaced)

    def _write(self, snapshot: Snapshot, added: Sequence[IndexDocument], replaced: Sequence[tuple[int, int]]) -> None:
        with commit(self._storage) as change:
            gone: dict[int, list[int]] = {}
            for number, doc in replaced:
                gone.setdefault(number, []).append(doc)
            for number, docs in gone.items():
                change.segments[number].delete(docs)
            for first in range(0, len(added), MOST_DOCUMENTS):
                writer = Writer()
                for document in added[first : first + MOST_DOCUMENTS]:
                    writer.cut(document, self._analyzer)
                change.put(writer)

    def fill(
        self,
        batches: Iterable[Sequence[IndexDocument]],
        *,
        processes: int = 1,
        progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        """Put documents into an empty index, each id once, a block a batch; `progress` is told how many are done.

        Several processes cut the text and write the blocks; this one commits them."""
        with Builders(self._folder, self._analyzer, processes) as builders:
            done = 0
            for segment in builders.build(batches):
                with self._writing, self._guard(), commit(self._storage) as change:
                    change.take(segment)
                done += segment.doc_count()
                progress(done)
        self.optimise()

    def optimise(self) -> None:
        """Changes are taken in meanwhile, by another thread. Raises IndexUnavailable when a merge dies."""
        with merging(self._storage) as ours:
            while ours and self._merge():
                pass

    def _merge(self) -> bool:
        """Write some blocks anew as one; was it done? Nobody is kept from committing but for the last moment."""
        chosen = _mergeable([view.entry for view in self._current().views])
        merged = merge(self._folder, chosen) if chosen else None
        if merged is None:
            return False
        try:
            with self._writing, self._guard(), commit(self._storage) as change:
                return change.replace(chosen, merged)
        finally:
            with suppress(OSError):  # still there when nobody took it
                merged.unfinished(self._folder).unlink()

    def close(self) -> None:
        with self._swap:
            self._snapshot = None


def _worn(segment: BlockSegment) -> bool:
    return segment.deleted_count() > _DELETED_SHARE * segment.doc_count_all()


def _mergeable(segments: Sequence[BlockSegment]) -> list[BlockSegment]:
    """The segments that one merge writes anew, as one block; none when all is well.

    The smallest that fit into one block together, up to the first that is so large that copying it would cost more than
    looking into one block more; and the worn ones, alone if they have to."""
    chosen: list[BlockSegment] = []
    documents = size = 0
    for segment in sorted(segments, key=lambda one: one.doc_count()):
        count = segment.doc_count()
        if len(chosen) == 1 and count >= _LARGE * documents:
            chosen, documents, size = [], 0, 0  # a small block must not keep the larger ones from being merged
        fits = documents + count <= MOST_DOCUMENTS and size + segment.bytes <= _MOST_BYTES
        if fits and (not chosen or count < _LARGE * documents):
            chosen.append(segment)
            documents += count
            size += segment.bytes
    if len(chosen) > 1:
        return chosen
    return [segment for segment in segments if _worn(segment)][:1]
