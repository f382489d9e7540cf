"""The native library is that of the sources, and the product does without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer import native
from indexer.native import build


@pytest.mark.skipif(native.LIBRARY is None, reason="no native library: no C compiler at installation")
def test_the_library_is_that_of_the_sources(tmp_path: Path) -> None:
    assert build.build(tmp_path / "native.so") == ""
    newest = max(source.stat().st_mtime for source in build.HERE.glob("*.[ch]"))
    assert native.PATH.stat().st_mtime >= newest, "run python indexer/native/build.py"


def test_without_a_compiler_nothing_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.build(tmp_path / "native.so") == "no C compiler"
    assert not (tmp_path / "native.so").exists()


def test_a_library_of_another_machine_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_native.so").write_bytes(b"\x7fELF for somebody else")
    monkeypatch.setattr(native, "PATH", tmp_path / "_native.so")
    assert native._load() is None
