"""Which dictionary does a generation use, and where does it lie?

    index/dictionaries/
      v3-0f1e2d3c4b5a/   version 3 as it was when it was put in use: the three files that the analyzer reads, `pins.tsv`,
                         and `version.json`, which says the version and which shipped dictionary it is based on

A folder is named by what it says, written aside and moved into place whole, and never changed: a generation goes on
reading queries as its documents were cut, whatever an upgrade brings. Versions themselves are data (`kb/dictionary.py`);
what lies here is made from them and may be deleted with the index.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from indexer.analysis import Analyzer
from indexer.analysis.dictionary import FILES
from indexer.pins import Pin, Pins
from kb.errors import IndexUnavailable

_NAME = re.compile(r"v(\d+)-[0-9a-f]{12}")
_PINS, _VERSION = "pins.tsv", "version.json"
_OPEN = 4  # dictionaries in memory: the one in use, the one before, one that is tried
KEPT = 5  # folders besides the one in use: those of a build, of kept generations, of slow readers


@dataclass(frozen=True)
class Vocabulary:
    """A dictionary version, read: how texts are cut, what queries mean, what stands on top."""

    name: str
    version: int
    base: str  # digest of the shipped dictionary under it
    analyzer: Analyzer
    pins: Pins


class Dictionaries:
    """The dictionaries below one folder. `base` reads the shipped one."""

    def __init__(self, root: Path, base: Analyzer) -> None:
        self._root, self.base = root, base
        self._shipped = Vocabulary("", 0, base.digest, base, Pins((), base.key))
        self._read = lru_cache(maxsize=_OPEN)(self._read_folder)

    def write(self, texts: Mapping[str, str] | None = None, *, version: int = 0) -> str:
        """Put a version in place, by default the shipped dictionary as it is; returns its name. `texts` are the
        analyzer's files and the pins by file name."""
        shipped = self.base.dictionary_dir
        if texts is None:
            texts = {file: (shipped / file).read_text("utf-8") for file in FILES if (shipped / file).is_file()}
        files = dict(texts)
        files[_VERSION] = json.dumps({"version": version, "base": self.base.digest}) + "\n"
        told = "\0".join(f"{name}\0{files[name]}" for name in sorted(files))
        name = f"v{version}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
        if not (self._root / name).is_dir():
            self._root.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(dir=self._root))
            try:
                for file, text in files.items():
                    _write(aside / file, text)
                aside.chmod(0o755)
                os.rename(aside, self._root / name)
            except OSError:
                shutil.rmtree(aside, ignore_errors=True)
                if not (self._root / name).is_dir():  # otherwise another process was faster
                    raise
        os.utime(self._root / name)  # `discard` goes by age, and this one is wanted now
        return name

    def open(self, name: str) -> Vocabulary:
        """Read a version, unless that has been done lately; "" is the shipped dictionary. Raises IndexUnavailable when it is gone."""
        return self._read(name) if name else self._shipped

    def _read_folder(self, name: str) -> Vocabulary:
        folder = self._root / name
        if not _NAME.fullmatch(name) or not folder.is_dir():
            raise IndexUnavailable(f"索引的词典不在了 · the dictionary of the index is gone: {name[:40]}")
        about = json.loads((folder / _VERSION).read_text("utf-8"))
        analyzer = Analyzer(folder, self.base.cache_dir)
        if analyzer.digest == self.base.digest:
            analyzer = self.base  # it has been loaded already
        pins = folder / _PINS
        text = pins.read_text("utf-8") if pins.is_file() else ""
        return Vocabulary(name, about["version"], about["base"], analyzer, Pins(_pins(text), analyzer.key))

    def discard(self, used: str) -> None:
        """Remove what nobody needs any more: all but the one in use and the youngest others."""
        folders = [path for path in self._root.glob("v*-*") if path.name != used]
        for path in sorted(folders, key=lambda path: path.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(path, ignore_errors=True)


def version_of(name: str) -> int:
    """The version in the name of a dictionary; 0, the shipped one, where there is no name."""
    found = _NAME.fullmatch(name)
    return int(found.group(1)) if found else 0


def _pins(text: str) -> Iterator[Pin]:
    for line in text.splitlines():
        query, entry, since, until = line.split("\t")
        yield Pin(query, entry, *(dt.date.fromisoformat(day) if day else None for day in (since, until)))


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
