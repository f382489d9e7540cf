"""Who writes blocks without keeping anybody waiting? Processes of our own.

Filling an index, they cut the text of a batch each, on all processors. One that dies takes the build with it: the new
generation is dropped, and the one in use stays in use. A merge is one process of low priority, so that the worker goes
on committing, and readers reading, while many megabytes are written anew; what it leaves when killed, the next merge
clears away.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType

from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.whoosh_engine.block import MOST_DOCUMENTS, Block, Writer
from indexer.engines.whoosh_engine.codec import BlockSegment
from kb.errors import IndexUnavailable

_AHEAD = 1  # batches waiting for a process: enough that none is idle, and memory stays bounded
_APART = 1_000_000  # bytes of the blocks of a merge; below it takes less than a child takes to start
_LOW = 10  # of 19 steps of priority that a merge gives way
_analyzer: Analyzer | None = None  # of a child
_spawn = multiprocessing.get_context("spawn")  # the parent may have threads, and open databases


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
            _spawn,
            initializer=_begin,
            initargs=(self._analyzer.dictionary_dir, self._analyzer.cache_dir),
        )
        try:
            for batch in (first, second):
                waiting.append(self._pool.submit(_write, self._folder, batch))
            for batch in coming:
                if len(waiting) >= self._processes + _AHEAD:
                    yield waiting.popleft().result()
                waiting.append(self._pool.submit(_write, self._folder, batch))
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as exc:
            raise _died() from exc


def write(folder: Path, analyzer: Analyzer, documents: Sequence[IndexDocument]) -> BlockSegment:
    """Write a batch as one block under its unfinished name."""
    assert len(documents) <= MOST_DOCUMENTS
    writer = Writer()
    for document in documents:
        writer.cut(document, analyzer)
    segment = BlockSegment(writer.count)
    segment.bytes = writer.write(segment.unfinished(folder))
    return segment


def merge(folder: Path, chosen: Sequence[BlockSegment]) -> BlockSegment | None:
    """Write the live documents of some segments, in order, as one block under its unfinished name; None when somebody
    has taken one of them away. Raises IndexUnavailable when the child dies."""
    if sum(segment.bytes for segment in chosen) < _APART:
        return _merge(folder, chosen)
    receiver, sender = _spawn.Pipe(duplex=False)
    child = _spawn.Process(target=_merge_apart, args=(folder, chosen, sender), daemon=True)
    with receiver:
        child.start()
        sender.close()
        try:
            merged: BlockSegment | Exception | None = receiver.recv()
        except EOFError as exc:
            raise _died() from exc
        finally:
            child.join()
            child.close()
    if isinstance(merged, Exception):
        raise merged
    return merged


def _merge(folder: Path, chosen: Sequence[BlockSegment]) -> BlockSegment | None:
    writer = Writer()
    try:
        for segment in chosen:
            writer.merge(Block(segment.file(folder)), ~segment.deleted())
    except FileNotFoundError:
        return None
    merged = BlockSegment(writer.count)
    merged.bytes = writer.write(merged.unfinished(folder))
    return merged


def _merge_apart(folder: Path, chosen: Sequence[BlockSegment], sender: Connection) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if sys.platform != "win32":
        os.nice(_LOW)
    told: BlockSegment | Exception | None
    try:
        told = _merge(folder, chosen)
    except Exception as exc:
        told = exc
    with suppress(BrokenPipeError):  # who asked was killed
        sender.send(told)


def _died() -> IndexUnavailable:
    return IndexUnavailable(
        "写索引的子进程意外结束，多半是内存不足；在用的索引没有变 · a process that writes the index died, most likely for "
        "want of memory; the index in use is unchanged"
    )


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
