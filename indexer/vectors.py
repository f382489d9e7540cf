"""Which vectors of entries are at hand? Rows that the index worker appends and every process maps.

    index/dense/NAME/     NAME says which model, and how a text is put together for it
      keys-000001         8 bytes a row: a hash of an entry's number and version
      vectors-000001      the rows: float16

A row is written and synced before its key, so that what has a key is whole, whenever the worker is killed; the next
append cuts off what has none. Rows of entries that are gone, or of versions before, are never asked for; once they
are most of all, the rest is copied to files with the next number. All of it is a view: delete it and it is made anew.

Two keys are alike by chance with a probability of 3e-9 for 230,000 rows; the price would be a hit in the wrong place.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from indexer.engines.whoosh_engine import sync_folder

Vector = NDArray[np.float32]
REFRESH_S = 5.0  # seconds for which new rows may stay unseen: a look costs 20 ms over 230,000 of them
SPARE = 1_000  # rows that nobody asks for and that are left where they are
_COPIED = 10_000  # rows at a time


@dataclass(frozen=True)
class _Rows:
    """A state of the files: keys in order, the row of each, and the rows."""

    number: int
    keys: NDArray[np.uint64]
    places: NDArray[np.intp]
    vectors: NDArray[np.float16]


def _key(id: str, version: int) -> int:
    return int.from_bytes(blake2b(f"{id}\0{version}".encode(), digest_size=8).digest(), "little")


class Vectors:
    """The rows of one model. Many read; the one index worker appends and forgets."""

    def __init__(self, folder: Path, width: int) -> None:
        """`width` is the number of figures of a row. Nothing is created."""
        self._folder, self._width = folder, width
        self._rows = _Rows(0, np.zeros(0, np.uint64), np.zeros(0, np.intp), np.zeros((0, width), np.float16))
        self._next_look = 0.0

    def __len__(self) -> int:
        return len(self._current().keys)

    def find(self, wanted: Sequence[tuple[str, int]]) -> tuple[NDArray[np.bool_], Vector]:
        """Which of these entries, by number and version, have a row; and the rows of those."""
        rows = self._current()
        has, places = self._places(rows, wanted)
        return has, rows.vectors[places].astype(np.float32)

    def missing(self, versions: Mapping[str, int]) -> list[str]:
        """The entries that have no row of this version."""
        has, _ = self._places(self._current(), list(versions.items()))
        return [id for id, there in zip(versions, has, strict=True) if not there]

    @staticmethod
    def _places(rows: _Rows, wanted: Sequence[tuple[str, int]]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        keys = np.array([_key(id, version) for id, version in wanted], np.uint64)
        if not len(rows.keys):
            return np.zeros(len(keys), np.bool_), np.zeros(0, np.intp)
        at = np.minimum(np.searchsorted(rows.keys, keys), len(rows.keys) - 1)
        has = rows.keys[at] == keys
        return has, rows.places[at[has]]

    def _current(self) -> _Rows:
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + REFRESH_S
            with suppress(FileNotFoundError):  # replaced between two looks: the rows before are as good
                self._rows = self._look()
        return self._rows

    def _look(self) -> _Rows:
        known, number = self._rows, self._number()
        if not number:
            return known
        with self._file("keys", number).open("rb") as keys, self._file("vectors", number).open("rb") as vectors:
            count = self._whole(keys, vectors)
            if (number, count) == (known.number, len(known.keys)) or not count:
                return known
            found = np.fromfile(keys, np.uint64, count)
            order = np.argsort(found, kind="stable")
            mapped = np.memmap(vectors, np.float16, "r", shape=(count, self._width))
        return _Rows(number, found[order], order, mapped)

    def _whole(self, keys: BinaryIO, vectors: BinaryIO) -> int:
        """How many rows are there with all that belongs to them?"""
        return min(os.fstat(keys.fileno()).st_size // 8, os.fstat(vectors.fileno()).st_size // (2 * self._width))

    def _number(self) -> int:
        names = (path.name.removeprefix("keys-") for path in self._folder.glob("keys-*"))
        return max((int(name) for name in names if name.isdigit()), default=0)

    def _file(self, name: str, number: int) -> Path:
        return self._folder / f"{name}-{number:06d}"

    # The index worker alone

    def append(self, rows: Sequence[tuple[str, int, Vector]]) -> None:
        """Add rows: number, version and vector of an entry."""
        self._folder.mkdir(parents=True, exist_ok=True)
        number = self._number() or 1
        with self._file("keys", number).open("ab") as keys, self._file("vectors", number).open("ab") as vectors:
            count = self._whole(keys, vectors)
            vectors.truncate(count * 2 * self._width)
            keys.truncate(count * 8)
            _write(vectors, [np.array([vector for _, _, vector in rows], np.float16)])
            _write(keys, [np.array([_key(id, version) for id, version, _ in rows], np.uint64)])
        self._next_look = 0.0

    def forget(self, versions: Mapping[str, int]) -> None:
        """Leave behind the rows of all other entries and versions, if they are most of what there is."""
        rows = self._current()
        _, places = self._places(rows, list(versions.items()))
        if len(rows.keys) <= 2 * len(places) + SPARE:
            return
        places.sort()
        of_place = np.empty(len(rows.keys), np.uint64)
        of_place[rows.places] = rows.keys
        number = rows.number + 1
        parts = (rows.vectors[places[first : first + _COPIED]] for first in range(0, len(places), _COPIED))
        with self._file("vectors", number).open("wb") as file:
            _write(file, parts)
        unfinished = self._folder / "keys.tmp"
        with unfinished.open("wb") as file:
            _write(file, [of_place[places]])
        os.replace(unfinished, self._file("keys", number))
        sync_folder(self._folder)
        for name in ("keys", "vectors"):
            with suppress(OSError):  # Windows keeps what somebody has mapped; the next time finds it again
                self._file(name, rows.number).unlink()
        self._next_look = 0.0


def _write(file: BinaryIO, parts: Iterable[NDArray[np.generic]]) -> None:
    for part in parts:
        file.write(part.tobytes())
    file.flush()
    os.fsync(file.fileno())
