"""How do up to 65,536 documents look on disk, as arrays that are read where they lie?

A block file is written once and mapped by every process. It begins with MAGIC and the length of a JSON header that
names the sections (type, place, number of items); each section is a plain little-endian array, aligned to 8 bytes.

Postings, per space (`words`, `grams`, `pinyin`, `keys`):

    text, ends      all terms in UTF-8 and byte order, and where each ends (a 0 first)
    starts          per term, its first posting (and one more)
    docs            document numbers in the block, ascending within a term: 16 bits
    codes           per posting, how often in each face: a row of `patterns`, RARE for one that a byte cannot name
    bounds          per posting, what it can be worth at most (`bounds.py`)
    rare_at, rare   the postings with a rare pattern, ascending, and its row
    patterns        the rows of counts that occur, a number a face, the most frequent first
    lengths         a row a face, its length in each document

`keys` has no faces: it holds what names a document (see `Key`). Attributes are dictionary-coded columns, `text` the
canonical texts in UTF-16, in which phrases are looked for, of each face but the hidden one.
"""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.whoosh_engine.bounds import Reference, bounds
from indexer.engines.whoosh_engine.postings import Cut, Postings, PythonPostings, Taken, collector
from indexer.projection import FACES, MOST, QUOTED, SEVERAL, Card, Projection, Space, card, faces_of, project
from indexer.ranking import Parameters

MAGIC = b"KBBLOCK1"
MOST_DOCUMENTS = 65_536
RARE = 255  # most documents have a term once or twice in one face, so 255 patterns are nearly all that occur
KEYS = "keys"
SPACES = (*(space.value for space in Space), KEYS)
COLUMNS = ("kind", "category", "audience", "owner_group", "confidence", "year")
_ALIGNED = 8
_FIELDS = Parameters().fields  # bounds are tightest where questions are asked with these
Array = NDArray[Any]


class Key(StrEnum):
    """What a key is for; the first letter of a term in the space `keys`."""

    EXACT = "="  # typed alone or within a query, it means this document
    ID = "i"
    DEVICE = "d"
    CODE = "c"
    DISTRICT = "r"


class Writer:
    """Collects documents and writes them as one block."""

    def __init__(self) -> None:
        self.count = 0
        self._collector = collector(SPACES)
        self._postings: Mapping[str, Postings] = (
            self._collector.postings if self._collector else {space: PythonPostings() for space in SPACES}
        )
        self._lengths = {space: array("I") for space in Space}
        self._ids: list[bytes] = []
        self._titles: list[bytes] = []
        self._characters = array("H")  # of the titles
        self._versions = array("I")
        self._updated = array("I")
        self._reused = array("H")
        self._columns: dict[str, list[str]] = {name: [] for name in COLUMNS}
        self._several: dict[str, list[tuple[int, str]]] = {name: [] for name in SEVERAL}
        self._texts: dict[int, list[bytes]] = {face: [] for face in QUOTED}
        self._spelt: tuple[list[bytes], list[bytes]] = ([], [])

    def cut(self, document: IndexDocument, analyzer: Analyzer) -> None:
        """Cut a document into terms and take it in."""
        known = card(document, analyzer)
        cut = self._collector and self._collector.cut(self.count, faces_of(document), _keys(known), analyzer)
        if cut:
            self._add(known, cut)
        else:
            self.add(project(document, analyzer))

    def add(self, projection: Projection) -> None:
        """Take in a document that was cut."""
        for space, counts in projection.counts.items():
            self._postings[space].add(self.count, counts)
        texts = [text.encode("utf-16-le") for text in projection.texts]
        full, initials = projection.spelt
        self._postings[KEYS].add(self.count, dict.fromkeys(_keys(projection.card), 1))
        self._add(projection.card, Cut(projection.lengths, texts, (full.encode(), initials.encode())))

    def _add(self, card: Card, cut: Cut) -> None:
        for space in Space:
            self._lengths[space].extend(cut.lengths[space])
        self._ids.append(card.id.encode())
        self._titles.append(card.title.encode())
        self._characters.append(min(len(card.title), MOST))
        self._versions.append(card.version)
        self._updated.append(card.updated)
        self._reused.append(card.reused)
        for name in COLUMNS:
            self._columns[name].append(getattr(card, name))
        for name, pairs in self._several.items():
            pairs += [(self.count, value) for value in card.facet(name)]
        for face, texts in self._texts.items():
            texts.append(cut.texts[face])
        for kept, spelt in zip(self._spelt, cut.spelt, strict=True):
            kept.append(spelt)
        self.count += 1

    def merge(self, block: Block, live: NDArray[np.bool_]) -> None:
        """Take in the live documents of another block."""
        kept = np.flatnonzero(live)
        renumbered = np.full(block.count, -1, np.int64)
        renumbered[kept] = np.arange(self.count, self.count + len(kept))
        for space in SPACES:
            text, ends, starts = (block.section(f"{space}.{name}") for name in ("text", "ends", "starts"))
            docs = renumbered[block.section(f"{space}.docs")]
            alive = docs >= 0
            terms = np.repeat(np.arange(len(ends) - 1, dtype=np.uint32), np.diff(starts))[alive]
            if space == KEYS:
                codes, patterns = np.zeros(len(terms), np.uint32), np.zeros((1, len(FACES)), np.uint16)
            else:
                codes, patterns = block.codes(space)[alive], block.patterns(space)
                lengths = block.lengths(space)[:, kept]
                self._lengths[Space(space)].frombytes(np.ascontiguousarray(lengths.T, np.uint32).tobytes())
            self._postings[space].take(Taken(text, ends, terms, docs[alive].astype(np.uint16), codes, patterns))
        self._ids += block.strings("id", kept)
        self._titles += block.strings("title", kept)
        self._characters.frombytes(block.section("title.characters")[kept].tobytes())
        self._versions.frombytes(block.section("version")[kept].astype(np.uint32).tobytes())
        self._updated.frombytes(block.section("updated")[kept].astype(np.uint32).tobytes())
        self._reused.frombytes(block.section("reused")[kept].astype(np.uint16).tobytes())
        for name in COLUMNS:
            values, codes = block.values(name), block.section(name)
            self._columns[name] += [values[code] for code in codes[kept]]
        for name, pairs in self._several.items():
            values = block.values(name)
            pairs += [
                (int(renumbered[doc]), values[code])
                for doc, code in zip(block.section(f"{name}.docs"), block.section(f"{name}.codes"), strict=True)
                if live[doc]
            ]
        for face, texts in self._texts.items():
            texts += block.strings(f"text.{face}", kept)
        for name, spelt in zip(("full", "initials"), self._spelt, strict=True):
            spelt += block.strings(f"spelt.{name}", kept)
        self.count += len(kept)

    def write(self, path: Path) -> int:
        """Write the block, on the disk when this returns; returns its size in bytes."""
        sections: dict[str, Array] = {}
        values: dict[str, list[str]] = {}
        for space in SPACES:
            sections |= {f"{space}.{name}": part for name, part in self._sorted(space).items()}
        references: dict[str, Reference] = {}
        for space in Space:
            lengths = np.ascontiguousarray(np.frombuffer(self._lengths[space], np.uint32).reshape(-1, len(FACES)).T)
            sections[f"{space}.lengths"] = lengths.ravel()
            references[space] = Reference.of(
                _FIELDS[space], lengths.mean(axis=1) if self.count else np.zeros(len(FACES))
            )
            sections[f"{space}.bounds"] = bounds(
                references[space],
                sections[f"{space}.docs"],
                _rows(sections[f"{space}.codes"], sections[f"{space}.rare_at"], sections[f"{space}.rare"]),
                sections[f"{space}.patterns"].reshape(-1, len(FACES)),
                lengths,
            )
        sections |= _strings("id", self._ids)
        sections["id.order"] = np.array(sorted(range(self.count), key=self._ids.__getitem__), np.uint16)
        sections |= _strings("title", self._titles)
        sections["title.characters"] = np.frombuffer(self._characters, np.uint16)
        sections["version"] = np.frombuffer(self._versions, np.uint32)
        sections["updated"] = np.frombuffer(self._updated, np.uint32)
        sections["reused"] = np.frombuffer(self._reused, np.uint16)
        for name in COLUMNS:
            codes, values[name] = _coded(self._columns[name])
            sections[name] = codes
        for name, pairs in self._several.items():
            sections[f"{name}.codes"], values[name] = _coded([value for _, value in pairs])
            sections[f"{name}.docs"] = np.array([doc for doc, _ in pairs], np.uint16)
        for face, texts in self._texts.items():
            sections |= _strings(f"text.{face}", texts, unit=np.uint16)
        for name, spelt in zip(("full", "initials"), self._spelt, strict=True):
            sections |= _strings(f"spelt.{name}", spelt)
        return _write(path, self.count, sections, values, references)

    def _sorted(self, space: str) -> dict[str, Array]:
        found = self._postings[space].sorted()
        parts = {"text": found.text, "ends": found.ends, "starts": found.starts, "docs": found.docs}
        return parts if space == KEYS else parts | _coded_rows(found.patterns, found.codes)


def _coded_rows(patterns: Array, used: Array) -> dict[str, Array]:
    """Patterns by how often they are used, and the code of every posting."""
    often = np.bincount(used, minlength=len(patterns))
    order = np.lexsort((*patterns.T, -often))  # by their counts, where they are used as often
    rank = np.empty(len(patterns), np.uint32)
    rank[order] = np.arange(len(patterns), dtype=np.uint32)
    codes = rank[used]
    rare = np.flatnonzero(codes >= RARE)
    return {
        "codes": np.minimum(codes, RARE).astype(np.uint8),
        "rare_at": rare.astype(np.uint32),
        "rare": codes[rare],
        "patterns": patterns[order].ravel(),
    }


def _keys(card: Card) -> list[str]:
    id, devices, codes, districts = card.filter_keys
    return [
        *(Key.EXACT + key for key in sorted(card.keys)),
        Key.ID + id,
        *(Key.DEVICE + key for key in sorted(devices)),
        *(Key.CODE + key for key in sorted(codes)),
        *(Key.DISTRICT + key for key in sorted(districts)),
    ]


def _strings(name: str, parts: Sequence[bytes], *, unit: type = np.uint8) -> dict[str, Array]:
    size = np.dtype(unit).itemsize
    ends = np.zeros(len(parts) + 1, np.uint32)
    np.cumsum([len(part) // size for part in parts], out=ends[1:])
    return {f"{name}.text": np.frombuffer(b"".join(parts), unit), f"{name}.ends": ends}


def _coded(values: Sequence[str]) -> tuple[Array, list[str]]:
    known: dict[str, int] = {}
    codes = np.array([known.setdefault(value, len(known)) for value in values], np.uint32)
    return codes, list(known)


def _rows(codes: Array, rare_at: Array, rare: Array) -> NDArray[np.uint32]:
    """Which pattern each posting has."""
    rows: NDArray[np.uint32] = codes.astype(np.uint32)
    rows[rare_at] = rare
    return rows


def _write(
    path: Path,
    count: int,
    sections: Mapping[str, Array],
    values: Mapping[str, list[str]],
    references: Mapping[str, Reference],
) -> int:
    place = 0
    table: dict[str, tuple[str, int, int]] = {}
    for name, part in sections.items():
        table[name] = (part.dtype.str, place, len(part))
        place += -(-part.nbytes // _ALIGNED) * _ALIGNED
    about = {
        "count": count,
        "sections": table,
        "values": values,
        "references": {space: asdict(reference) for space, reference in references.items()},
    }
    header = json.dumps(about, ensure_ascii=False).encode()
    header += b" " * (-(len(header) + len(MAGIC) + 8) % _ALIGNED)
    with path.open("xb") as file:
        file.write(MAGIC + len(header).to_bytes(8, "little") + header)
        for part in sections.values():
            file.write(part.data)
            file.write(b"\0" * (-part.nbytes % _ALIGNED))
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


class Block:
    """A block, mapped. Never changes; safe to share between threads, and by any number of processes."""

    def __init__(self, path: Path) -> None:
        self._map: NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
        if self._map[: len(MAGIC)].tobytes() != MAGIC:
            raise ValueError(f"{path.name} is no block")
        length = int.from_bytes(self._map[len(MAGIC) : len(MAGIC) + 8].tobytes(), "little")
        begin = len(MAGIC) + 8 + length
        header = json.loads(self._map[len(MAGIC) + 8 : begin].tobytes())
        self.count: int = header["count"]
        self._values: dict[str, list[str]] = header["values"]
        self.references = {space: Reference(**about) for space, about in header["references"].items()}
        self._sections: dict[str, Array] = {
            name: np.frombuffer(self._map, type, number, begin + place)
            for name, (type, place, number) in header["sections"].items()
        }

    def section(self, name: str) -> Array:
        """An array of the file."""
        return self._sections[name]

    def address(self, name: str) -> int:
        """Where an array of the file stands in memory."""
        return int(self._sections[name].ctypes.data)

    def column(self, name: str) -> tuple[NDArray[np.uint16] | None, NDArray[np.uint32]]:
        """An attribute as codes of its `values`: one a document (None), or pairs of document and code."""
        return (
            (self.section(f"{name}.docs"), self.section(f"{name}.codes"))
            if name in SEVERAL
            else (None, self.section(name))
        )

    def values(self, name: str) -> list[str]:
        """The values of a column by code."""
        return self._values[name]

    def lengths(self, space: str) -> NDArray[np.uint32]:
        """The length of each face of each document: a row a face."""
        return self._sections[f"{space}.lengths"].reshape(len(FACES), -1)

    @cached_property
    def length_sums(self) -> dict[str, NDArray[np.int64]]:
        """Per space, the length of all documents together in each face."""
        return {space: self.lengths(space).sum(axis=1, dtype=np.int64) for space in Space}

    @cached_property
    def id_ranks(self) -> NDArray[np.int64]:
        """Per document, how many ids of the block come before its own."""
        ranks = np.empty(self.count, np.int64)
        ranks[self.section("id.order")] = np.arange(self.count)
        return ranks

    def _string(self, name: str, number: int) -> bytes:
        ends = self._sections[f"{name}.ends"]
        return self._sections[f"{name}.text"][ends[number] : ends[number + 1]].tobytes()

    def strings(self, name: str, docs: Iterable[int]) -> list[bytes]:
        """A text of each of these documents, as it stands in the file."""
        text, ends = self._sections[f"{name}.text"], self._sections[f"{name}.ends"].tolist()
        return [text[ends[doc] : ends[doc + 1]].tobytes() for doc in map(int, docs)]

    def id(self, doc: int) -> str:
        return self._string("id", doc).decode()

    def title(self, doc: int) -> str:
        return self._string("title", doc).decode()

    def text(self, face: int, doc: int) -> str:
        return self._string(f"text.{face}", doc).decode("utf-16-le")

    def term(self, space: str, number: int) -> str:
        return self._string(space, number).decode()

    def find(self, space: str, term: str) -> int:
        """The number of a term, -1 if nobody has it."""
        wanted = term.encode()
        place = self._at(space, wanted)
        return place if place < self._size(space) and self._string(space, place) == wanted else -1

    def _size(self, space: str) -> int:
        return len(self._sections[f"{space}.ends"]) - 1

    def _at(self, space: str, wanted: bytes) -> int:
        """The first term that is not before this one."""
        low, high = 0, self._size(space)
        while low < high:
            middle = (low + high) // 2
            if self._string(space, middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def prefixed(self, space: str, prefix: str) -> range:
        """The numbers of the terms that begin so."""
        start = prefix.encode()
        after = start + b"\xff"  # no UTF-8 goes on with this byte
        return range(self._at(space, start), self._at(space, after))

    def numbers(self, space: str, term: str, *, whole: bool) -> range:
        """The number of a term, or of all terms that begin so."""
        if not whole:
            return self.prefixed(space, term)
        number = self.find(space, term)
        return range(number, number + 1) if number >= 0 else range(0)

    def postings(self, space: str, numbers: range) -> slice:
        """Where the postings of terms with neighbouring numbers stand: side by side."""
        starts = self._sections[f"{space}.starts"]
        return slice(int(starts[numbers.start]), int(starts[numbers.stop]))

    def having(self, space: str, numbers: range, faces: Sequence[int]) -> NDArray[np.bool_]:
        """Which documents have one of these terms in one of these faces?"""
        mask = np.zeros(self.count, np.bool_)
        postings = self.postings(space, numbers)
        good: NDArray[np.bool_] = np.any(self.patterns(space)[:, list(faces)], axis=1)
        mask[self._sections[f"{space}.docs"][postings][good[self.codes(space, postings)]]] = True
        return mask

    def docs(self, space: str, number: int) -> NDArray[np.uint16]:
        """The documents that have a term."""
        starts = self._sections[f"{space}.starts"]
        return self._sections[f"{space}.docs"][starts[number] : starts[number + 1]]

    def codes(self, space: str, postings: slice = slice(None)) -> NDArray[np.uint32]:
        """Which row of `patterns` each posting has."""
        codes = self._sections[f"{space}.codes"][postings].astype(np.uint32)
        places = np.flatnonzero(codes == RARE)
        if len(places):
            at = places + (postings.start or 0)
            codes[places] = self._sections[f"{space}.rare"][np.searchsorted(self._sections[f"{space}.rare_at"], at)]
        return codes

    def patterns(self, space: str) -> NDArray[np.uint16]:
        """The rows of counts that occur: a column a face."""
        return self._sections[f"{space}.patterns"].reshape(-1, len(FACES))

    def counts(self, space: str, number: int) -> NDArray[np.uint16]:
        """How often the documents that have a term have it in each face: a row a face."""
        starts = self._sections[f"{space}.starts"]
        codes = self.codes(space, slice(int(starts[number]), int(starts[number + 1])))
        return self.patterns(space)[codes].T

    def locate(self, id: str) -> int:
        """The document with this id, deleted or not; -1 without one. The last, if it was written twice."""
        wanted = id.encode()
        order = self._sections["id.order"]
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            if self._string("id", int(order[middle])) < wanted:
                low = middle + 1
            else:
                high = middle
        if low < self.count and self._string("id", int(order[low])) == wanted:
            return int(order[low])
        return -1


def having_key(block: Block, keys: Iterable[str], kind: Key) -> NDArray[np.bool_]:
    """Which documents have one of these keys?"""
    mask = np.zeros(block.count, np.bool_)
    for key in keys:
        number = block.find(KEYS, kind + key)
        if number >= 0:
            mask[block.docs(KEYS, number)] = True
    return mask
