"""How does a change become findable, and how is the whole index made anew?

One worker takes the outbox to the index, batch by batch: it reads the oldest pending rows, re-reads those entries,
commits them to the index, and only then marks the rows. Killed anywhere, the next turn repeats at most one batch, and
the engine skips what it already holds. A rebuild fills a new generation from SQL, catches up by comparing versions,
and is swapped in only when it holds exactly what SQL says and the golden queries find what they must.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from indexer import feed
from indexer import golden as judged
from indexer.dictionaries import Vocabulary, version_of
from indexer.engines.base import Engine
from indexer.generations import Generations, Manifest
from kb import dictionary, dictionary_lines, notices, outbox, publishing, reviews, servicehours, validity
from kb.db import Database
from kb.dictionary_lines import Line
from kb.errors import Conflict, IndexLocked, IndexUnavailable, Invalid, NotFound
from kb.servicehours import Calendar
from kb.store import ContentStore

log = logging.getLogger(__name__)

MAINTENANCE_S = 60.0  # seconds between sweeps for expired entries, merges and old outbox rows
FILLED = 16  # vectors of entries that are written at a time
RETRY_S = 2.0  # seconds to wait when there is no index, or a rebuild is being swapped in


class Worker:
    """Takes changes to the generation in use."""

    def __init__(
        self,
        database: Database,
        store: ContentStore,
        generations: Generations,
        *,
        batch: int = 200,
        poll_s: float = 0.02,
        golden: Path | None = None,
        review_days: int = 3,
        calendar: Callable[[], Calendar] = servicehours.read,
        post: Callable[[], object] | None = None,
    ) -> None:
        """`golden` is the file of golden queries to be asked now and then, `review_days` how many working days a review
        may take, by `calendar`, which is read again on each round; `post` sends mail that is due."""
        self._golden, self._review_days, self._calendar, self._post = golden, review_days, calendar, post
        self._database, self._store, self._generations = database, store, generations
        self._batch, self._poll_s = batch, poll_s
        self._unfilled: deque[str] = deque()  # numbers of entries that may lack a vector
        self._looked_through = ""  # the generation whose entries have been looked through for such

    def turn(self) -> int:
        """Take one batch; returns the number of outbox rows done, 0 when nothing was pending.

        The engine is chosen before SQL is read: if a rebuild puts a newer generation in use meanwhile, which may hold
        a newer state than was read here, the engine refuses the write and the turn is taken again.
        """
        engine = self._generations.current()
        with self._database.read() as session:
            batch = outbox.pending(session, self._batch)
            if not batch.rows:
                return 0
            documents, removals, numbers = feed.read(session, self._store, batch.entries)
        engine.apply(documents, removals)
        versions = {document.id: document.version for document in documents}
        with self._database.write() as session:
            outbox.acknowledge(session, batch.rows, {key: versions.get(number, 0) for key, number in numbers.items()})
            session.commit()
        if self._generations.dense is not None:
            self._unfilled.extend(versions)
        return len(batch.rows)

    def fill(self, interrupted: Callable[[], bool] = lambda: False) -> int:
        """Work out at most FILLED missing vectors of entries, if the operator has named a model, and give way when
        `interrupted`; returns how many entries were looked at, 0 when none is left."""
        dense = self._generations.dense
        if dense is None or not dense.name:
            self._unfilled.clear()
            return 0
        here = self._generations.opened()
        if here.generation != self._looked_through:
            self._unfilled = deque(dense.missing(here.engine.versions()))
            self._looked_through = here.generation
        taken = [self._unfilled.popleft() for _ in range(min(FILLED, len(self._unfilled)))]
        if not taken:
            return 0
        with self._database.read() as session:
            documents = feed.read(session, self._store, feed.ids_of(session, taken)).documents
        done = dense.add(documents, interrupted=interrupted)
        self._unfilled.extendleft(document.id for document in documents if document.id not in done)
        return len(taken)

    def drain(self, progress: Callable[[int], None] = lambda done: None) -> int:
        """Take everything that is pending, unless a running worker is at it; returns the number of rows done."""
        done = 0
        with self._generations.working():
            while rows := self.turn():
                done += rows
                progress(done)
            if done > self._batch:
                self._generations.current().optimise()  # many commits left many segments
        return done

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop. Raises IndexLocked when another worker runs; outlives a missing index."""
        with self._generations.working(), self._database.watch() as commits:
            log.info("index worker started")
            self._generations.analyzer.pinyin("预热")  # loads dictionaries, which no change should wait for
            self._generations.analyzer.prepare_alike()
            next_maintenance = time.monotonic()
            merging = posting = threading.Thread()
            seen = commits()

            def called_away() -> bool:
                return stop.is_set() or commits() != seen

            while not stop.is_set():
                seen = commits()  # before the turn looks, so that no change falls in between
                try:
                    busy = self.turn() > 0 or self.fill(called_away) > 0
                    if time.monotonic() >= next_maintenance:
                        self.maintain()
                        next_maintenance = time.monotonic() + MAINTENANCE_S
                        if not merging.is_alive():
                            merging = threading.Thread(target=self._merge, daemon=True)  # may be killed at any moment
                            merging.start()
                        if self._post is not None and not posting.is_alive():
                            posting = threading.Thread(target=self._send, daemon=True)  # a mail server may be slow
                            posting.start()
                except (IndexUnavailable, IndexLocked) as exc:
                    log.warning("%s", exc.message)
                    stop.wait(RETRY_S)
                    continue
                while not (busy or stop.is_set()) and commits() == seen and time.monotonic() < next_maintenance:
                    stop.wait(self._poll_s)

    def maintain(self) -> None:
        """What nobody asks for but time: publish what is due, expire entries, remind, forget what is old, ask golden queries."""
        try:
            calendar = self._calendar()
        except Invalid as exc:  # a slip in the local file: pages name it, and the round goes on
            log.warning("%s", exc.message)
            calendar = servicehours.read()
        with self._database.write() as session:
            publishing.publish_due(session, self._store)
            validity.expire_due(session)
            validity.remind_due(session)
            reviews.remind_due(session, self._review_days, calendar)
            outbox.forget_done(session)
            notices.forget(session)
            session.commit()
        if self._golden is not None:
            run = judged.run_if_due(self._database, self._generations, self._golden)
            if run is not None and run.failed:
                log.warning("%d of %d golden queries fail", run.failed, run.asked)

    def _send(self) -> None:
        try:
            assert self._post is not None
            self._post()
        except Exception:  # mail keeps nothing else from working, and a minute later comes the next round
            log.warning("mail was not sent", exc_info=True)

    def _merge(self) -> None:
        """Merge small segments beside the turns, which go on committing."""
        try:
            self._generations.current().optimise()
        except Exception:  # the index is as it was before, and a minute later comes the next
            log.warning("segments were not merged", exc_info=True)


@dataclass(frozen=True)
class Difference:
    """Where the index and SQL differ: numbers of entries. `waiting` outbox rows may explain it."""

    expected: int
    missing: list[str]
    surplus: list[str]
    outdated: list[str]
    waiting: int

    @property
    def sound(self) -> bool:
        return not (self.missing or self.surplus or self.outdated)


def compare(database: Database, engine: Engine) -> Difference:
    """Does the index hold exactly what SQL says, entry by entry and version by version?"""
    held = engine.versions()
    with database.read() as session:
        wanted = feed.expected(session)
        waiting = outbox.waiting(session)
    return Difference(
        expected=len(wanted),
        missing=sorted(wanted.keys() - held.keys()),
        surplus=sorted(held.keys() - wanted.keys()),
        outdated=sorted(number for number in wanted.keys() & held.keys() if wanted[number] != held[number]),
        waiting=waiting,
    )


def rebuild(
    database: Database,
    store: ContentStore,
    generations: Generations,
    *,
    golden: Path | None = None,
    with_dictionary: str = "",
    progress: Callable[[int], None] = lambda done: None,
) -> Manifest:
    """Build a generation aside, bring it up to date, verify it, put it in use. Searches go on meanwhile.

    `with_dictionary` is the name of the one to build with, by default the version in use over today's shipped files; `golden`
    is the file of golden queries, asked with this installation's own, and None asks none. Raises Conflict, with the old
    generation in use, when it differs from SQL or a golden query fails.
    """

    reached = 0
    name = with_dictionary or in_use(database, generations)
    vocabulary = generations.dictionaries.open(name)

    def catch_up(engine: Engine) -> int:
        # By versions, not by outbox rows: acknowledged rows may be forgotten while a long build runs.
        nonlocal reached
        with database.read() as session:
            reached = outbox.position(session)
        difference = compare(database, engine)
        stale = difference.missing + difference.outdated
        for start in range(0, len(stale), feed.CHUNK):
            with database.read() as session:
                ids = feed.ids_of(session, stale[start : start + feed.CHUNK])
                documents, removals, _ = feed.read(session, store, ids)
            engine.apply(documents, removals)
        if difference.surplus:
            engine.apply([], difference.surplus)
        return reached

    def check(engine: Engine) -> None:
        # Nobody writes to an index now, but people go on changing entries: what they changed since `reached` waits in
        # the outbox for the generation in use. Any other difference is a fault, but for entries whose text is damaged.
        difference = compare(database, engine)
        with database.read() as session:
            excused = outbox.changed_since(session, reached)
            excused |= feed.damaged(session, store, difference.missing)
        wrong = len({*difference.missing, *difference.surplus, *difference.outdated} - excused)
        if wrong:
            raise Conflict(
                f"新索引与数据库有 {wrong} 条不一致，未切换 · the new index differs from the database", wrong=wrong
            )
        if golden:
            hold(database, engine, vocabulary, golden, needed=generations.status().usable)

    with database.read() as session:
        start = outbox.position(session)
    manifest = generations.build(
        feed.everything(database, store),
        dictionary=name,
        outbox=start,
        catch_up=catch_up,
        verify=check,
        progress=progress,
    )
    with database.write() as session:
        outbox.acknowledge_until(session, manifest.outbox)
        session.commit()
    if golden:
        judged.run(database, generations, golden, occasion="rebuild")
    generations.analyzer.prepare_alike()
    return manifest


def hold(database: Database, engine: Engine, vocabulary: Vocabulary, golden: Path, *, needed: bool) -> None:
    """Raise Conflict, naming the golden queries that fail. Not `needed` is where there is no index in use: any index is
    better than none, and the failures are only told."""
    outcomes = judged.judge(engine, vocabulary.pins, judged.wanted(database, golden))
    failed = [str(outcome) for outcome in outcomes if outcome.failed]
    if failed and needed:
        raise Conflict(
            "金标查询未通过，未切换 · golden queries fail, not swapped in: " + "；".join(failed), failed=failed
        )
    for text in failed:
        log.warning("golden query: %s", text)


def in_use(database: Database, generations: Generations) -> str:
    """The name of the dictionary to build with when nobody asks for another: the version in use, or that which was in use
    last where the index is lost, over today's shipped files."""
    status = generations.status()
    with database.read() as session:
        number = version_of(status.dictionary) if status.usable else dictionary.last_in_use(session)
        try:
            lines = dictionary.lines_of(session, number)
        except NotFound:  # an index beside an older database
            number = dictionary.last_in_use(session)
            lines = dictionary.lines_of(session, number)
    return materialise(generations, number, lines)


def materialise(generations: Generations, number: int, lines: list[Line]) -> str:
    """Write a version of the dictionary where an analyzer reads it; returns its name."""
    if number == 0:
        return generations.dictionaries.write()
    texts = dictionary_lines.texts(generations.dictionaries.base.dictionary_dir, lines)
    return generations.dictionaries.write(texts, version=number)
