"""Rows are found by entry and version, whatever was killed while they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer import vectors
from indexer.vectors import Vector, Vectors

WIDTH = 3


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "REFRESH_S", 0.0)


def row(number: int) -> Vector:
    return np.array([number, number + 0.5, -number], np.float32)


def found(kept: Vectors, wanted: list[tuple[str, int]]) -> list[list[float] | None]:
    has, rows = kept.find(wanted)
    left = iter(rows.tolist())
    return [next(left) if there else None for there in has]


def test_a_reader_follows_what_another_process_appends(tmp_path: Path) -> None:
    reader, writer = Vectors(tmp_path / "m", WIDTH), Vectors(tmp_path / "m", WIDTH)
    assert len(reader) == 0 and found(reader, [("A", 1)]) == [None] and found(reader, []) == []
    writer.append([("A", 1, row(1)), ("B", 7, row(2))])
    assert found(reader, [("B", 7), ("A", 2), ("A", 1)]) == [[2, 2.5, -2], None, [1, 1.5, -1]]
    writer.append([("A", 2, row(3))])
    assert found(reader, [("A", 2), ("B", 7)]) == [[3, 3.5, -3], [2, 2.5, -2]]
    assert reader.missing({"A": 2, "B": 8, "C": 1}) == ["B", "C"]


@pytest.mark.parametrize(("keys", "rows"), [(b"", b"\0" * 11), (b"\1\2\3", b""), (b"\1" * 8, b"\0" * 5)])
def test_a_torn_end_is_cut_off(tmp_path: Path, keys: bytes, rows: bytes) -> None:
    """A killed writer leaves rows without keys; a power cut may leave anything behind the last synced row."""
    Vectors(tmp_path, WIDTH).append([("A", 1, row(1))])
    for name, torn in (("keys", keys), ("vectors", rows)):
        with (tmp_path / f"{name}-000001").open("ab") as file:
            file.write(torn)
    kept = Vectors(tmp_path, WIDTH)
    assert len(kept) == 1 and found(kept, [("A", 1)]) == [[1, 1.5, -1]]
    kept.append([("B", 1, row(2))])
    assert len(kept) == 2 and found(kept, [("A", 1), ("B", 1)]) == [[1, 1.5, -1], [2, 2.5, -2]]


def test_rows_of_what_is_gone_are_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = Vectors(tmp_path, WIDTH), Vectors(tmp_path, WIDTH)
    for version in range(1, 5):
        writer.append([(f"E{number}", version, row(number * version)) for number in range(9)])
    held = {f"E{number}": 4 for number in range(9)}
    assert len(reader) == 36
    writer.forget(held)  # few: left where they are
    assert len(reader) == 36
    monkeypatch.setattr(vectors, "SPARE", 10)
    monkeypatch.setattr(vectors, "_COPIED", 4)
    writer.forget(held)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys-000002", "vectors-000002"]
    assert len(reader) == 9 and reader.missing(held) == []
    assert found(reader, [("E5", 4), ("E5", 3), ("E8", 4)]) == [[20, 20.5, -20], None, [32, 32.5, -32]]
    writer.append([("E5", 5, row(1))])
    assert found(reader, [("E5", 5), ("E0", 4)]) == [[1, 1.5, -1], [0, 0.5, 0]]
