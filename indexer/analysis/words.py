"""Which words does a run of Chinese characters consist of?

jieba is used with a tokenizer of our own, so nothing that others do to `jieba.dt` changes an index, and with its
cache in a private folder. It loads in 1.7 s and takes 89 MB, once a process, at the first text.
Without HMM: guessed words depend on their neighbours, so a text and a query would be cut differently.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

LONGEST_RUN = 200  # characters; a longer run without punctuation is cut in slices to keep the cost linear
_CACHED_RUN = 16  # characters; short runs repeat (boilerplate, queries), long ones never
_CACHE_SIZE = 50_000  # runs, 28 MB when full


class Words:
    """Cuts runs of Chinese characters. Safe to share between threads."""

    def __init__(self, extra: Iterable[str], cache_dir: Path) -> None:
        self._extra = tuple(extra)
        self._cache_dir = cache_dir
        self._loading = threading.Lock()
        self._cached = lru_cache(maxsize=_CACHE_SIZE)(self._cut)
        self.inside = lru_cache(maxsize=_CACHE_SIZE)(self._inside)

    @cached_property
    def _jieba(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jieba asks for pkg_resources, and 3.12 dislikes its regexes
            import jieba
        jieba.setLogLevel(logging.WARNING)
        tokenizer = jieba.Tokenizer()
        self._cache_dir.mkdir(parents=True, exist_ok=True)
        tokenizer.tmp_dir = str(self._cache_dir)
        tokenizer.initialize()
        for word in self._extra:
            tokenizer.add_word(word)  # without a frequency jieba takes one at which the word is not cut
        return tokenizer

    def load(self) -> None:
        """Read the dictionary now: before forking, or where the first query must not wait."""
        with self._loading:
            _ = self._jieba

    def cut(self, run: str) -> tuple[str, ...]:
        """The words of a run, precise: each character belongs to one word."""
        return self._cached(run) if len(run) <= _CACHED_RUN else self._cut(run)

    def _cut(self, run: str) -> tuple[str, ...]:
        if len(run) == 1:
            return (run,)
        if "_jieba" not in self.__dict__:
            self.load()
        slices = (run[place : place + LONGEST_RUN] for place in range(0, len(run), LONGEST_RUN))
        return tuple(word for part in slices for word in self._jieba.lcut(part, HMM=False))

    def _inside(self, word: str) -> tuple[tuple[str, int], ...]:
        """The dictionary words inside a word, each with its offset; without the word itself."""
        if len(word) < 3:
            return ()
        frequency = self._jieba.FREQ
        return tuple(
            (word[start:end], start)
            for start in range(len(word) - 1)
            for end in range(start + 2, min(len(word), start + 8) + 1)
            if end - start < len(word) and frequency.get(word[start:end])
        )
