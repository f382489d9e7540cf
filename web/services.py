"""How are the parts of one installation put together? Once per process, in one place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer import golden as judged
from indexer import workbench, worker
from indexer.analysis import Analyzer
from indexer.generations import Generations, Manifest
from indexer.proposals import Failed, Proposal, propose
from kb import clock, searches, servicehours
from kb.access import Person
from kb.db import Database
from kb.library import library_path
from kb.models import GoldenRun
from kb.searches import SearchLog
from kb.servicehours import Calendar
from kb.settings import Settings
from kb.store import ContentStore
from web.search import SearchService

LOOKED_BACK = dt.timedelta(days=30)


@dataclass(frozen=True)
class Services:
    """What pages, API and commands work with."""

    settings: Settings
    database: Database
    store: ContentStore
    generations: Generations
    search: SearchService
    searches: SearchLog

    def rebuild(self, *, golden: bool = True, progress: Callable[[int], None] = lambda done: None) -> Manifest:
        """Make the index anew; `golden` lets the golden queries keep a worse one from being swapped in."""
        path = self.golden if golden else None
        return worker.rebuild(self.database, self.store, self.generations, golden=path, progress=progress)

    def calendar(self) -> Calendar:
        """The service hours of this installation, with its holidays."""
        return servicehours.local(self.settings.data_dir)

    @property
    def golden(self) -> Path:
        """The file of the shipped golden queries."""
        return library_path() / "golden.tsv"

    def run_golden(self, occasion: str = "hand") -> GoldenRun:
        """Ask the golden queries of the index in use, and keep the result."""
        return judged.run(self.database, self.generations, self.golden, occasion=occasion)

    def preview_dictionary(self, queries: Sequence[str] = ()) -> workbench.Preview:
        """What would the working copy of the dictionary change, for golden queries, recent ones, and these?"""
        with self.database.read() as session:
            often = searches.frequent(session, clock.now() - LOOKED_BACK)
        return workbench.preview(
            self.database, self.store, self.generations, path=self.golden, queries=[*queries, *often]
        )

    def freeze_dictionary(self, by: Person, *, reason: str, version: int | None = None) -> int:
        """Make a version of the working copy of the dictionary, to be put in use; returns its number."""
        return workbench.freeze(self.database, self.generations, by, reason=reason, version=version)

    def use_dictionary(
        self, by: Person, number: int, *, reason: str, progress: Callable[[int], None] = lambda done: None
    ) -> None:
        """Put a version of the dictionary in use."""
        workbench.put_in_use(
            self.database, self.store, self.generations, by, number, path=self.golden, reason=reason, progress=progress
        )

    def proposals(self) -> list[Proposal]:
        """Lines that failed searches of late speak for."""
        since = clock.now() - LOOKED_BACK
        with self.database.read() as session:
            helped = searches.helped(session, since)
            failed = [Failed(one.text, one.asked, helped.get(one.text, ())) for one in searches.failed(session, since)]
        return propose(failed, self.generations.analyzer)

    def close(self) -> None:
        self.searches.close()
        self.generations.close()
        self.database.close()


def open_services(settings: Settings | None = None, *, analyzer: Analyzer | None = None) -> Services:
    """Open an installation. An analyzer costs a second to load; who has one hands it in."""
    settings = settings or Settings()
    database = Database(settings.database)
    store = ContentStore(settings.store_path)
    analyzer = analyzer or Analyzer(settings.dictionary_path, settings.cache_path)
    generations = Generations(settings.index_path, analyzer, dense_model=settings.dense_model)
    search = SearchService(database, store, generations)
    log = SearchLog(database, keep_days=settings.search_log_days)
    return Services(settings, database, store, generations, search, log)
