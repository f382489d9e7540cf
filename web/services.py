"""How are the parts of one installation put together? Once per process, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from indexer.analysis import Analyzer
from indexer.generations import Generations
from kb.db import Database
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

    def close(self) -> None:
        self.generations.close()
        self.database.close()


def open_services(settings: Settings | None = None) -> Services:
    """Open an installation; nothing is created that is not there."""
    settings = settings or Settings()
    database = Database(settings.database_path)
    store = ContentStore(settings.store_path)
    analyzer = Analyzer(settings.dictionary_path, settings.cache_path)
    generations = Generations(settings.index_path, analyzer)
    return Services(settings, database, store, generations, SearchService(database, store, generations))
