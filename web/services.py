"""How are the parts of one installation put together? Once per process, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from indexer import worker
from indexer.analysis import Analyzer
from indexer.generations import Generations, Manifest
from kb.db import Database
from kb.library import library_path
from kb.settings import Settings
from kb.store import ContentStore
from web.search import SearchService


@dataclass(frozen=True)
class Services:
    """What pages, API and commands work with."""

    settings: Settings
    database: Database
    store: ContentStore
    generations: Generations
    search: SearchService

    def rebuild(self, *, golden: bool = True, progress: Callable[[int], None] = lambda done: None) -> Manifest:
        """Make the index anew; `golden` lets the golden queries keep a worse one from being swapped in."""
        path = library_path() / "golden.tsv" if golden else None
        return worker.rebuild(self.database, self.store, self.generations, golden=path, progress=progress)

    def close(self) -> None:
        self.generations.close()
        self.database.close()


def open_services(settings: Settings | None = None, *, analyzer: Analyzer | None = None) -> Services:
    """Open an installation. An analyzer costs a second to load; who has one hands it in."""
    settings = settings or Settings()
    database = Database(settings.database_path)
    store = ContentStore(settings.store_path)
    analyzer = analyzer or Analyzer(settings.dictionary_path, settings.cache_path)
    generations = Generations(settings.index_path, analyzer)
    return Services(settings, database, store, generations, SearchService(database, store, generations))
