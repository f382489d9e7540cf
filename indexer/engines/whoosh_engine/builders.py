"""How is an index filled with all processors? Processes of our own cut the text of a batch and write its block.

A process that dies takes the build with it: the new generation is dropped, and the one in use stays in use.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from types import TracebackType

from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.whoosh_engine.block import MOST_DOCUMENTS, Writer
from indexer.engines.whoosh_engine.codec import BlockSegment

_AHEAD = 1  # batches waiting for a process: enough that none is idle, and memory stays bounded
_analyzer: Analyzer | None = None  # of a child


class Builders:
    """Builds blocks in `processes` children, or in this process when that is 1 or there is one batch only."""

    def __init__(self, folder: Path, analyzer: Analyzer, processes: int) -> None:
        self._folder = folder
        self._analyzer = analyzer
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Builders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def build(self, batches: Iterable[Sequence[IndexDocument]]) -> Iterator[BlockSegment]:
        """Written blocks, not yet committed, in the order of the batches."""
        waiting: deque[Future[BlockSegment]] = deque()
        coming = iter(batches)
        first = next(coming, None)
        if first is None:
            return
        second = next(coming, None)
        if second is None or self._processes == 1:
            for batch in (first, *([second] if second is not None else []), *coming):
                yield write(self._folder, self._analyzer, batch)
            return
        self._pool = ProcessPoolExecutor(
            self._processes,
            multiprocessing.get_context("spawn"),  # the parent may have threads, and open databases
            initializer=_begin,
            initargs=(self._analyzer.dictionary_dir, self._analyzer.cache_dir),
        )
        for batch in (first, second):
            waiting.append(self._pool.submit(_write, self._folder, batch))
        for batch in coming:
            if len(waiting) >= self._processes + _AHEAD:
                yield waiting.popleft().result()
            waiting.append(self._pool.submit(_write, self._folder, batch))
        while waiting:
            yield waiting.popleft().result()


def write(folder: Path, analyzer: Analyzer, documents: Sequence[IndexDocument]) -> BlockSegment:
    """Write a batch as one block under its unfinished name."""
    assert len(documents) <= MOST_DOCUMENTS
    writer = Writer()
    for document in documents:
        writer.cut(document, analyzer)
    segment = BlockSegment(writer.count)
    segment.bytes = writer.write(segment.unfinished(folder))
    return segment


def _begin(dictionary_dir: Path, cache_dir: Path) -> None:
    global _analyzer
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _analyzer = Analyzer(dictionary_dir, cache_dir)


def _write(folder: Path, documents: Sequence[IndexDocument]) -> BlockSegment:
    assert _analyzer is not None
    return write(folder, _analyzer, documents)


def _end_with_parent() -> None:
    """A build that is killed leaves nobody behind."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)
