"""How long until an approved revision is found, and does that grow with the number of entries?

    python -m tests.benchmarks.changes --documents DIR --size 10000 --size 230000 --work DIR

An installation a size, with the worker and a reader in processes of their own, as they are served. Each change is a new
revision of an entry from the middle of the index. `work` is the processor time of the worker from the commit of the
approval until it is found, and of the search that finds it; `wall` is the time between the two, waiting included.
Installations stay in `--work` and are not built again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import insert, update

from indexer.worker import Worker
from kb import access, accounts, clock, entries, installation
from kb.access import Person
from kb.accounts import SYSTEM
from kb.lifecycle import EntryState, Origin, RevisionState, Role
from kb.models import Entry, Revision
from kb.settings import Settings
from tests.benchmarks import corpora
from tests.benchmarks.run import summary
from tests.kb import samples
from web.services import Services, open_services

_GAP_S = 0.3  # at most, between one change found and the next approved
_ASKING_S = 0.002  # between a search that does not find it and the next
_ROWS = 5_000  # entries put into the database at a time
_spawn = multiprocessing.get_context("spawn")


def built(folder: Path, documents: Path, size: int) -> Services:
    """An installation of `size` entries that share one text; the index holds a different one for each."""
    aside = folder.with_suffix(".tmp")
    if not folder.exists():
        shutil.rmtree(aside, ignore_errors=True)
        services = open_services(Settings(data_dir=aside))
        services.database.upgrade()
        _fill(services, size)
        services.generations.build(corpora.sections(documents, size))
        services.close()
        aside.rename(folder)
    return open_services(Settings(data_dir=folder))


def _fill(services: Services, size: int) -> None:
    attributes = samples.attributes()
    columns = attributes.model_dump(include={"kind", "title", "category", "audience", "owner_group", "valid_until"})
    with services.database.write() as session:
        kept = services.store.put(session, samples.BODY.encode(), "text/markdown")
        installation.load_organisation(session)
        installation.load_taxonomy(session)
        for name, role in (("tech", Role.TECHNICIAN), ("lead", Role.REVIEWER)):
            accounts.create(
                session, SYSTEM, username=name, display_name=name, role=role, password="a long one 9", unit_key="team-tv"
            )  # fmt: skip
        for first in range(0, size, _ROWS):
            numbers = range(first, min(first + _ROWS, size))
            session.execute(insert(Entry), [{"id": n + 1, "number": _number(n)} | columns for n in numbers])
            session.execute(
                insert(Revision),
                [{"id": n + 1, "entry_id": n + 1, "number": 1, "state": RevisionState.APPROVED, "origin": Origin.LIBRARY,
                  "title": attributes.title, "attributes": attributes.model_dump(mode="json"),
                  "object_sha256": kept, "approved_at": clock.now()} for n in numbers],
            )  # fmt: skip
        session.execute(update(Entry).values(state=EntryState.PUBLISHED, published_revision_id=Entry.id))
        session.commit()


def _number(place: int) -> str:
    return f"S-{place:07}"


def work(folder: Path, asked: Connection) -> None:
    """The index worker, which says what processor time it has taken when asked."""
    services, stop = open_services(Settings(data_dir=folder)), threading.Event()
    worker = Worker(services.database, services.store, services.generations, poll_s=services.settings.worker_poll_s)
    running = threading.Thread(target=worker.run, args=(stop,))
    running.start()
    while asked.recv():
        asked.send(time.process_time())
    stop.set()
    running.join()


def read(folder: Path, asked: Connection) -> None:
    """A web process: searches until it finds the entry, and says when that was and what the last search took."""
    services = open_services(Settings(data_dir=folder))
    while wanted := asked.recv():
        typed, number = wanted
        while True:
            began = time.thread_time()
            hits = services.search.search(access.SUBSCRIBER, typed).hits
            if any(hit.id == number and typed in hit.title for hit in hits):
                break
            time.sleep(_ASKING_S)
        asked.send((time.monotonic(), time.thread_time() - began))


def approved(services: Services, tech: Person, lead: Person, number: str, title: str) -> float:
    """Revise an entry and approve it; when that was committed."""
    with services.database.write() as session:
        entry = entries.find(session, tech, number)
        revision = entries.revise(session, services.store, tech, entry, attributes=samples.attributes(title=title))
        entries.submit(session, tech, revision)
        samples.approve(session, services.store, lead, revision)
        session.commit()
        return time.monotonic()


def measured(services: Services, size: int, changes: int) -> tuple[list[float], list[float]]:
    """Milliseconds of work and of wall clock, a value each change."""
    folder = services.settings.data_dir
    with services.database.read() as session:
        tech, lead = (access.person(session, accounts.get(session, name)) for name in ("tech", "lead"))
    (worker, theirs), (reader, its) = _spawn.Pipe(), _spawn.Pipe()
    children = [
        _spawn.Process(target=work, args=(folder, theirs)),  # no daemon: it has children of its own
        _spawn.Process(target=read, args=(folder, its), daemon=True),
    ]
    for child in children:
        child.start()
    rng = random.Random(time.time_ns())
    works, walls = [], []
    for place, warm in [(rng.randrange(size), count < 3) for count in range(changes + 3)]:
        title = f"机顶盒提示无信号的处理之{rng.randrange(10**9)}"
        worker.send(True)
        before = worker.recv()
        committed = approved(services, tech, lead, _number(place), title)
        reader.send((title, _number(place)))
        found, search = reader.recv()
        worker.send(True)
        taken = worker.recv() - before + search
        if not warm:
            works.append(taken * 1000)
            walls.append((found - committed) * 1000)
        time.sleep(rng.uniform(0, _GAP_S))
    for end, child in zip((worker, reader), children, strict=True):
        end.send(None)
        child.join()
    return works, walls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, required=True, help="a folder of Markdown")
    parser.add_argument("--size", type=int, action="append", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--changes", type=int, default=100)
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    print("| entries | work, median | p95 | wall, median | p95 |  (milliseconds)\n|---|---|---|---|---|")
    for size in asked.size:
        print(f"{size}: opening", file=sys.stderr)
        services = built(asked.work / f"changes-{size}", asked.documents, size)
        works, walls = (summary(values) for values in measured(services, size, asked.changes))
        services.close()
        told = (works["median"], works["p95"], walls["median"], walls["p95"])
        print(f"| {size:,} | " + " | ".join(f"{value:.1f}" for value in told) + " |", flush=True)


if __name__ == "__main__":
    main()
