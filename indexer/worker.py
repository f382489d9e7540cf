"""How does a change become findable? One process takes the outbox to the index, batch by batch.

Each turn reads the oldest pending rows, re-reads those entries, commits them to the index, and only then marks the
rows. Killed anywhere, the next turn repeats at most one batch, and the engine skips what it already holds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from indexer import feed
from indexer.generations import Generations, Manifest
from kb import entries, outbox
from kb.db import Database
from kb.errors import IndexLocked, IndexUnavailable
from kb.store import ContentStore

log = logging.getLogger(__name__)

MAINTENANCE_S = 60.0  # seconds between sweeps for expired entries, merges and old outbox rows
RETRY_S = 2.0  # seconds to wait when there is no index, or another process holds the writer


@dataclass(frozen=True)
class Verification:
    """Does the index hold exactly what it should? Numbers of entries, by what is wrong with them."""

    expected: int
    missing: list[str]
    surplus: list[str]
    outdated: list[str]
    waiting: int  # outbox rows the index has not heard of yet: differences may be theirs

    @property
    def sound(self) -> bool:
        return not (self.missing or self.surplus or self.outdated)


class Worker:
    """Takes changes to the current generation of the index."""

    def __init__(
        self,
        database: Database,
        store: ContentStore,
        generations: Generations,
        *,
        batch: int = 200,
        poll_s: float = 0.2,
    ) -> None:
        self._database, self._store, self._generations = database, store, generations
        self._batch, self._poll_s = batch, poll_s

    def turn(self) -> int:
        """Take one batch; returns the number of outbox rows done, 0 when nothing was pending."""
        with self._database.read() as session:
            batch = outbox.pending(session, self._batch)
            if not batch.rows:
                return 0
            documents, removals = feed.read(session, self._store, batch.entries)
            numbers = feed.numbers(session, batch.entries)
        self._generations.current().apply(documents, removals)
        versions = {document.id: document.version for document in documents}
        with self._database.write() as session:
            outbox.acknowledge(session, batch.rows, {key: versions.get(number, 0) for key, number in numbers.items()})
            session.commit()
        return len(batch.rows)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; survives a missing index and a busy writer, and says so."""
        with self._generations.writer():
            log.info("index worker started")
            next_maintenance = time.monotonic() + MAINTENANCE_S
            while not stop.is_set():
                try:
                    done = self.turn()
                    if time.monotonic() >= next_maintenance:
                        self.maintain()
                        next_maintenance = time.monotonic() + MAINTENANCE_S
                    pause = 0.0 if done else self._poll_s
                except (IndexUnavailable, IndexLocked) as exc:
                    log.warning("%s", exc.message)
                    pause = RETRY_S
                stop.wait(pause)

    def maintain(self) -> None:
        """What nobody asks for but time: expire entries, forget old outbox rows, merge small segments."""
        with self._database.write() as session:
            entries.expire_due(session)
            outbox.forget_done(session)
            session.commit()
        self._generations.current().optimise()


def rebuild(
    database: Database,
    store: ContentStore,
    generations: Generations,
    *,
    progress: Callable[[int], None] | None = None,
) -> Manifest:
    """Build a new generation aside, replay what changed meanwhile, verify it, and swap it in."""
    with database.read() as session:
        start = outbox.position(session)

    def catch_up() -> Iterable[object]:
        raise NotImplementedError

    return generations.build(feed.everything(database, store), outbox_position=start, progress=progress)


def verify(database: Database, generations: Generations) -> Verification:
    """Compare the index with SQL, entry by entry and version by version."""
    held = generations.current().versions()
    with database.read() as session:
        wanted = feed.expected(session)
        waiting = outbox.waiting(session)
    return Verification(
        expected=len(wanted),
        missing=sorted(wanted.keys() - held.keys()),
        surplus=sorted(held.keys() - wanted.keys()),
        outdated=sorted(key for key in wanted.keys() & held.keys() if wanted[key] != held[key]),
        waiting=waiting,
    )
