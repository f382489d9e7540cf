"""Which index is in use, and how is it replaced without anybody noticing?

    index/
      CURRENT           the generation in use and the dictionary that reads queries for it; replaced, never edited
      gen-000012/       one built index: `index/` holds the engine's files, `manifest.json` says what it was built from
      writer.lock       held while the generation in use is written to, and while CURRENT is moved
      dictionaries/     the dictionaries of generations, see `dictionaries.py`
      dense/            vectors of entries, where a model is in use, see `vectors.py`
      worker.lock       held by the index worker as long as it runs, so that there is one
      build.lock        held for a whole rebuild, so that there is one at a time

A rebuild fills a new generation while the old one serves searches and takes changes. Only for its last steps, catching
up with what changed meanwhile, verifying and moving CURRENT, does it hold `writer.lock`. Killed at any moment it
leaves the old generation in use; the next rebuild clears what it left. No search and no change creates an index.

Every generation is asked with its own dictionary. Another dictionary that cuts texts alike can be put in use over the same
generation (`adopt`), for what an index holds depends on the cut alone; any other needs a rebuild. Either way CURRENT moves
once, so readers see the old generation with the old dictionary or the new with the new.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from indexer.analysis import Analyzer
from indexer.dense import Dense
from indexer.dictionaries import Dictionaries, Vocabulary
from indexer.document import IndexDocument
from indexer.engines.base import Engine
from indexer.engines.whoosh_engine import SCHEMA_VERSION, WhooshEngine, sync_folder
from kb.errors import Conflict, IndexLocked, IndexUnavailable

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")  # microseconds of processor, in so many microseconds
KEPT = 2  # generations: the one in use, and the one to go back to by hand
BATCH_CHARACTERS = 1_500_000  # text of one block while building: bounds memory, and feeds all processors soon
BATCH_DOCUMENTS = 10_000
WRITER_WAIT_S = 30.0  # a rebuild that took minutes waits for the worker's commit of the moment
_LOCK_POLL_S = 0.05
_POINTER, _MANIFEST, _INDEX, _PREFIX = "CURRENT", "manifest.json", "index", "gen-"


@dataclass(frozen=True)
class Manifest:
    """What a generation was built from. `outbox` is the position of the newest
    change contained in it."""

    generation: int
    engine: str
    schema_version: int
    analyzer: str
    documents: int
    outbox: int
    built_at: str  # UTC, ISO 8601
    dictionary: str = ""  # with which it was built; another that cuts alike may have come into use since


@dataclass(frozen=True)
class Status:
    """What the health page shows. An index that is `stale` still serves; one that is not `usable` cannot. `reasons`
    say why, in a sentence each."""

    usable: bool
    manifest: Manifest | None = None
    documents: int = 0
    reasons: list[str] = field(default_factory=list)
    dictionary: str = ""  # in use; "" is the shipped one

    @property
    def stale(self) -> bool:
        """Is a rebuild needed?"""
        return bool(self.reasons)

    def as_json(self) -> dict[str, object]:
        """The stable form of `kb index status --json`."""
        manifest = asdict(self.manifest) if self.manifest else {}
        now = {
            "documents": self.documents,
            "usable": self.usable,
            "stale": self.stale,
            "reasons": self.reasons,
            "dictionary": self.dictionary,
        }
        return manifest | now


class Opened(NamedTuple):
    """The generation in use and the dictionary that reads queries for it."""

    generation: str
    engine: Engine
    vocabulary: Vocabulary


class Generations:
    """The generations below one folder. Share one object in a process; it is safe between threads."""

    def __init__(self, root: Path, analyzer: Analyzer, *, dense_model: Path | None = None) -> None:
        """`analyzer` reads the shipped dictionary; `dense_model` is a folder with a sentence encoder, see `dense.py`. Its
        vectors hold for every generation."""
        self._root = root
        self.dense = Dense(dense_model, root / "dense") if dense_model else None
        self.dictionaries = Dictionaries(root / "dictionaries", analyzer)
        self._opening = threading.Lock()
        self._open: Opened | None = None

    def current(self) -> Engine:
        """The engine over the generation in use, opened once and followed. Raises IndexUnavailable without one."""
        return self.opened().engine

    @property
    def analyzer(self) -> Analyzer:
        """The analyzer of the generation in use; the shipped dictionary's where there is none."""
        try:
            return self.dictionaries.open(self._pointed()[1]).analyzer
        except IndexUnavailable:
            return self.dictionaries.base

    def opened(self) -> Opened:
        """The same with its dictionary, for whoever needs both and must not get them from two generations."""
        name, dictionary = self._pointed()
        known = self._open
        if known is not None and known.generation == name and known.vocabulary.name == dictionary:
            return known
        with self._opening:
            known = self._open
            if known is None or (known.generation, known.vocabulary.name) != (name, dictionary):
                # The engine before is not closed: a search in another thread may still be reading from it.
                self._refuse_other_formats(name)
                vocabulary = self.dictionaries.open(dictionary)
                folder = self._root / name / _INDEX
                engine = WhooshEngine(folder, vocabulary.analyzer, guard=lambda: self._guard(name))
                self._open = known = Opened(name, engine, vocabulary)
            return known

    def read_with(self, dictionary: str) -> Engine:
        """The generation in use as it would be asked with another dictionary that cuts alike; nothing is changed.
        Raises Conflict for one that cuts otherwise, IndexUnavailable without an index."""
        name, _ = self._pointed()
        analyzer = self.dictionaries.open(dictionary).analyzer
        if not self.cuts_alike(dictionary):
            raise Conflict("这部词典切分不同，需要重建索引 · this dictionary cuts texts otherwise: rebuild the index")
        return WhooshEngine(self._root / name / _INDEX, analyzer)

    def cuts_alike(self, dictionary: str) -> bool:
        """Does the generation in use hold what it would hold, were it built with this dictionary?"""
        try:
            manifest = self._manifest(self._pointed()[0])
        except (IndexUnavailable, OSError, ValueError, TypeError):
            return False
        return manifest.analyzer == self.dictionaries.open(dictionary).analyzer.fingerprint()

    def adopt(self, dictionary: str, *, verify: Callable[[Engine], None] = lambda engine: None) -> None:
        """Put another dictionary in use over the generation in use, whose texts it cuts alike. `verify` raises when it
        is not good; after any exception the old one is in use. Raises IndexLocked during a rebuild, and Conflict."""
        with _locked(self._root / "build.lock"):
            engine = self.read_with(dictionary)
            try:
                verify(engine)
            finally:
                engine.close()
            _replace(self._root / _POINTER, f"{self._pointed()[0]} {dictionary}\n")
            self.dictionaries.discard(dictionary)

    def _refuse_other_formats(self, name: str) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError):  # a lost manifest is told by `status`
            version = json.loads((self._root / name / _MANIFEST).read_text("utf-8"))["schema_version"]
            if version != SCHEMA_VERSION:
                raise IndexUnavailable(
                    f"索引格式是 {version}，现在是 {SCHEMA_VERSION}，需要重建 · the index has another format: rebuild it"
                )

    def _manifest(self, name: str) -> Manifest:
        return Manifest(**json.loads((self._root / name / _MANIFEST).read_text("utf-8")))

    def _pointed(self) -> tuple[str, str]:
        """The generation and the dictionary in use; "" is the shipped one."""
        try:
            name, _, dictionary = (self._root / _POINTER).read_text("ascii").strip().partition(" ")
        except FileNotFoundError as exc:
            raise IndexUnavailable("还没有建立索引 · no index has been built yet") from exc
        if not name.startswith(_PREFIX) or not (self._root / name).is_dir():
            raise IndexUnavailable(f"CURRENT 指向不存在的索引 · CURRENT names no index: {name[:40]}")
        return name, dictionary

    @contextmanager
    def working(self) -> Iterator[None]:
        """Be the one index worker of this installation. Raises IndexLocked while another one runs."""
        self._root.mkdir(parents=True, exist_ok=True)  # an installation may start its worker before its first index
        with _locked(self._root / "worker.lock"):
            yield

    @contextmanager
    def _guard(self, name: str) -> Iterator[None]:
        """Around every write to a generation: nobody else writes, and it is still the one in use."""
        with _locked(self._root / "writer.lock"):
            if self._pointed()[0] != name:
                raise IndexLocked("索引刚被新的一代取代,请重试 · the index was just replaced by a new one; try again")
            yield

    def build(
        self,
        documents: Iterable[IndexDocument],
        *,
        dictionary: str = "",
        outbox: int = 0,
        catch_up: Callable[[Engine], int] | None = None,
        verify: Callable[[Engine], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Manifest:
        """Build the next generation from `documents` and put it in use.

        `dictionary` is the name of one that was written before, by default the shipped one as it is. `outbox` is the position read before the documents were. `catch_up` applies what changed since and returns
        the position reached; `verify` raises when the new index is not good; `progress` is told the number of
        documents done. Raises IndexLocked while another rebuild runs or while the worker writes at the last moment;
        after any exception the old generation is in use and the new one is gone.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        with _locked(self._root / "build.lock"):
            number = self._clear_unfinished() + 1
            folder = self._root / f"{_PREFIX}{number:06d}"
            try:
                name = dictionary or self.dictionaries.write()
                return self._build(folder, number, name, documents, outbox, catch_up, verify, progress)
            except BaseException:
                if self._in_use() != folder.name:
                    shutil.rmtree(folder, ignore_errors=True)
                raise

    def _build(
        self,
        folder: Path,
        number: int,
        dictionary: str,
        documents: Iterable[IndexDocument],
        outbox: int,
        catch_up: Callable[[Engine], int] | None,
        verify: Callable[[Engine], None] | None,
        progress: Callable[[int], None] | None,
    ) -> Manifest:
        analyzer = self.dictionaries.open(dictionary).analyzer
        engine = WhooshEngine.create(folder / _INDEX, analyzer)
        try:
            engine.fill(_batches(documents), processes=processors(), progress=progress or (lambda done: None))
            if catch_up is not None:
                outbox = catch_up(engine)  # most of it, while the old generation still takes changes
            with _locked(self._root / "writer.lock", wait_s=WRITER_WAIT_S):
                if catch_up is not None:
                    outbox = catch_up(engine)  # and the last of it, now that nobody can write
                if verify is not None:
                    verify(engine)
                manifest = Manifest(
                    number,
                    "whoosh",
                    SCHEMA_VERSION,
                    analyzer.fingerprint(),
                    engine.count(),
                    outbox,
                    dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                    dictionary,
                )
                _replace(folder / _MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=2) + "\n")
                sync_folder(self._root)
                _replace(self._root / _POINTER, f"{folder.name} {dictionary}\n")
        finally:
            engine.close()
        self._discard_old(number)
        self.dictionaries.discard(dictionary)
        return manifest

    def status(self) -> Status:
        """What is in use, and does it ask for a rebuild? A missing index is an answer here, not an error."""
        try:
            name, engine, vocabulary = self.opened()
            documents = engine.count()
        except IndexUnavailable as exc:
            return Status(False, reasons=[exc.message])
        try:
            manifest = self._manifest(name)
        except (OSError, ValueError, TypeError):
            return Status(True, None, documents, ["清单无法读取 · the manifest cannot be read"], vocabulary.name)
        reasons = []
        if manifest.analyzer != vocabulary.analyzer.fingerprint():
            reasons.append("分词器已更新 · the analyzer has changed")
        if vocabulary.base != self.dictionaries.base.digest:
            reasons.append("随产品的词典已更新 · the shipped dictionary has changed")
        return Status(True, manifest, documents, reasons, vocabulary.name)

    def close(self) -> None:
        """Let go of the open engine."""
        with self._opening:
            known, self._open = self._open, None
        if known is not None:
            known.engine.close()

    def _in_use(self) -> str | None:
        try:
            return self._pointed()[0]
        except IndexUnavailable:
            return None

    def _numbers(self) -> list[int]:
        """The numbers of all generations on disk, finished or not, ascending."""
        names = (path.name.removeprefix(_PREFIX) for path in self._root.glob(f"{_PREFIX}*"))
        return sorted(int(name) for name in names if name.isdigit())

    def _clear_unfinished(self) -> int:
        """Remove what a killed rebuild left, and return the highest number that remains in use or kept."""
        used = self._in_use()
        newest = int(used.removeprefix(_PREFIX)) if used else 0
        for number in self._numbers():
            if number > newest:
                shutil.rmtree(self._root / f"{_PREFIX}{number:06d}")
        return newest

    def _discard_old(self, newest: int) -> None:
        for number in self._numbers()[:-KEPT]:
            if number < newest:
                # Readers that still have its files open keep them until they let go.
                shutil.rmtree(self._root / f"{_PREFIX}{number:06d}", ignore_errors=True)


def processors() -> int:
    """How many processors may this process use? A container often has fewer than its machine."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no cgroup, or no limit: `max 100000`
        quota, period = CPU_MAX.read_text("ascii").split()
        count = min(count, math.ceil(int(quota) / int(period)))
    return count


def _batches(documents: Iterable[IndexDocument]) -> Iterator[list[IndexDocument]]:
    """Batches of bounded text, so that memory is bounded whatever the documents are."""
    batch: list[IndexDocument] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document.title) + len(document.body) + len(document.staff_body)
        if characters >= BATCH_CHARACTERS or len(batch) >= BATCH_DOCUMENTS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _replace(path: Path, text: str) -> None:
    """Put a file in place whole: readers see the old text or the new, and so does a machine after a power cut."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


@contextmanager
def _locked(path: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a lock of the operating system, which a killed process gives up by itself. Raises IndexLocked."""
    with path.open("a+b") as file:
        deadline = time.monotonic() + wait_s
        while not _try_lock(file):
            if time.monotonic() >= deadline:
                raise IndexLocked(
                    "另一个进程正在写索引或重建索引 · another process is writing or rebuilding the index",
                    lock=path.name,
                )
            time.sleep(_LOCK_POLL_S)
        try:
            yield
        finally:
            _unlock(file)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
