"""How do other engines answer the same questions on the same terms?

Each is set up in its own favour where that is possible: no positions where they can be left out, files mapped, one
segment where it can be asked for, BM25 with the same constants. What is missing on this machine raises `Missing`.
"""

from __future__ import annotations

import importlib
import json
import re
import sqlite3
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.engines import K1, B, Engine, Missing
from tests.benchmarks.material import Asked, Cut, Material

_HEAP_MB = 512  # what an engine may use while it builds, where it can be told
FIELDS = ("kind", "category", "audience")


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        raise Missing(f"{name} is not installed") from exc


class PlainWhoosh(Engine):
    """Whoosh with its own files and its own BM25F."""

    def build(self, material: Material) -> None:
        from whoosh import index
        from whoosh.fields import ID, STORED, TEXT, Schema

        body = TEXT(analyzer=_imported("whoosh.analysis").SpaceSeparatedTokenizer(), phrase=False)
        schema = Schema(key=ID(unique=True), number=STORED, body=body, kind=ID, category=ID, audience=ID)
        writer = index.create_in(str(self.folder), schema).writer(limitmb=_HEAP_MB)
        for one in material.cut():
            writer.add_document(**_whoosh_fields(one))
        writer.commit(optimize=True)

    def _open(self) -> None:
        from whoosh import index
        from whoosh.scoring import BM25F

        self._index = index.open_dir(str(self.folder))
        self._searcher: Any = self._index.searcher(weighting=BM25F(B=B, K1=K1))

    def search(self, asked: Asked, limit: int) -> list[int]:
        query = _imported("whoosh.query")
        wanted = query.Or([query.Term("body", term) for term in asked.terms])
        passing = query.And([query.Term(name, value) for name, value in asked.filters]) if asked.filters else None
        return [hit["number"] for hit in self._searcher.search(wanted, limit=limit, filter=passing)]

    def change(self, old: Cut, new: Cut, word: str) -> list[int]:
        writer = self._index.writer()
        writer.update_document(**_whoosh_fields(new))
        writer.commit(merge=False)
        self._searcher = self._searcher.refresh()
        return self.search(Asked(word, (word,)), 10)

    def version(self) -> str:
        return f"whoosh3 {version('whoosh3')}"


def _whoosh_fields(one: Cut) -> dict[str, Any]:
    fields = {name: getattr(one, name) for name in FIELDS}
    return {"key": str(one.number), "number": one.number, "body": one.terms, **fields}


class Fts5(Engine):
    """SQLite's full-text index, without a copy of the text, and bm25()."""

    def _connect(self) -> None:
        self._db = sqlite3.connect(self.folder / "fts.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(f"PRAGMA mmap_size = {1 << 31}")

    def build(self, material: Material) -> None:
        self._connect()
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE docs (number INTEGER PRIMARY KEY, kind TEXT, category TEXT, audience TEXT)")
        self._db.execute(
            "CREATE VIRTUAL TABLE texts USING fts5(body, content='', tokenize='unicode61 remove_diacritics 0')"
        )
        self._db.execute("BEGIN")
        for one in material.cut():
            self._db.execute("INSERT INTO docs VALUES (?, ?, ?, ?)", (one.number, one.kind, one.category, one.audience))
            self._db.execute("INSERT INTO texts (rowid, body) VALUES (?, ?)", (one.number, _unbroken(one.terms)))
        self._db.execute("COMMIT")
        self._db.execute("INSERT INTO texts (texts) VALUES ('optimize')")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _open(self) -> None:
        self._connect()
        self._db.execute("SELECT count(*) FROM texts_data").fetchone()

    def search(self, asked: Asked, limit: int) -> list[int]:
        wanted = " OR ".join(f'"{_unbroken(term)}"' for term in asked.terms)
        if not asked.filters:
            rows = self._db.execute(
                "SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT ?", (wanted, limit)
            )
        else:
            conditions = " AND ".join(f"{name} = ?" for name, _ in asked.filters)
            rows = self._db.execute(
                f"SELECT texts.rowid FROM texts JOIN docs ON docs.number = texts.rowid "
                f"WHERE texts MATCH ? AND {conditions} ORDER BY bm25(texts) LIMIT ?",
                (wanted, *(value for _, value in asked.filters), limit),
            )
        return [number for (number,) in rows]

    def change(self, old: Cut, new: Cut, word: str) -> list[int]:
        self._db.execute("BEGIN IMMEDIATE")
        delete = "INSERT INTO texts (texts, rowid, body) VALUES ('delete', ?, ?)"
        self._db.execute(delete, (old.number, _unbroken(old.terms)))
        self._db.execute("INSERT INTO texts (rowid, body) VALUES (?, ?)", (new.number, _unbroken(new.terms)))
        self._db.execute("COMMIT")
        return self.search(Asked(word, (word,)), 10)

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"


def _unbroken(terms: str) -> str:
    """The terms in a spelling that `unicode61` does not cut: 10.0.3.17 stays one term."""
    return re.sub(r"[^\w ]|_", lambda found: f"zz{ord(found.group()):x}zz", terms)


class Tantivy(Engine):
    """tantivy through its Python binding."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._tantivy = _imported("tantivy")

    def _schema(self) -> Any:
        builder = self._tantivy.SchemaBuilder()
        builder.add_text_field("body", tokenizer_name="whitespace", index_option="freq")
        for name in FIELDS:
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
        builder.add_unsigned_field("number", indexed=True, fast=True, stored=True)
        return builder.build()

    def _document(self, one: Cut) -> Any:
        document = self._tantivy.Document(body=one.terms, kind=one.kind, category=one.category, audience=one.audience)
        document.add_unsigned("number", one.number)
        return document

    def build(self, material: Material) -> None:
        writer = self._tantivy.Index(self._schema(), str(self.folder)).writer(_HEAP_MB << 20, 1)
        for one in material.cut():
            writer.add_document(self._document(one))
        writer.commit()
        writer.wait_merging_threads()

    def _open(self) -> None:
        self._index = self._tantivy.Index.open(str(self.folder))
        self._known = self._index.schema
        self._searcher = self._index.searcher()

    def search(self, asked: Asked, limit: int) -> list[int]:
        query, occur = self._tantivy.Query, self._tantivy.Occur
        words = query.boolean_query(
            [(occur.Should, query.term_query(self._known, "body", term, "freq")) for term in asked.terms]
        )
        if asked.filters:
            passing = [query.term_query(self._known, name, value, "basic") for name, value in asked.filters]
            clauses = [(occur.Must, query.const_score_query(one, 0.0)) for one in passing]
            words = query.boolean_query([(occur.Must, words), *clauses])
        hits = self._searcher.search(words, limit, count=False).hits
        return [int(self._searcher.doc(address)["number"][0]) for _, address in hits]

    def changes(self, documents: Sequence[Cut]) -> list[float]:
        self._writer = self._index.writer(64 << 20, 1)
        return super().changes(documents)

    def change(self, old: Cut, new: Cut, word: str) -> list[int]:
        self._writer.delete_documents_by_term("number", old.number)
        self._writer.add_document(self._document(new))
        self._writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()
        return self.search(Asked(word, (word,)), 10)

    def version(self) -> str:
        return f"tantivy {version('tantivy')}"


class Bm25s(Engine):
    """bm25s: scores worked out beforehand, added up by numba where it is there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._bm25s = _imported("bm25s")
        try:
            self._backend = "numba" if _imported("numba") else ""
        except Missing:
            self._backend = "numpy"
        self._masks: dict[tuple[tuple[str, str], ...], Any] = {}

    def build(self, material: Material) -> None:
        known: dict[str, int] = {}
        numbers = [[known.setdefault(term, len(known)) for term in one.terms.split(" ")] for one in material.cut()]
        ranker = self._bm25s.BM25(k1=K1, b=B, method="lucene", backend=self._backend)
        ranker.index((numbers, known), show_progress=False)
        ranker.save(str(self.folder), show_progress=False)
        columns = [[one.kind, one.category, one.audience] for one in material.cut()]
        (self.folder / "columns.json").write_text(json.dumps(columns))

    def _open(self) -> None:
        self._ranker = self._bm25s.BM25.load(str(self.folder), mmap=True, show_progress=False)
        self._ranker.backend = self._backend
        if self._backend == "numba":
            self._ranker.activate_numba_scorer()
        self._columns = np.array(json.loads((self.folder / "columns.json").read_text()))

    def _mask(self, filters: tuple[tuple[str, str], ...]) -> Any:
        if filters not in self._masks:
            passing = np.ones(len(self._columns), np.bool_)
            for name, value in filters:
                passing &= self._columns[:, FIELDS.index(name)] == value
            self._masks[filters] = passing.astype(np.float32)
        return self._masks[filters]

    def search(self, asked: Asked, limit: int) -> list[int]:
        terms = [term for term in asked.terms if term in self._ranker.vocab_dict]
        if not terms:
            return []
        mask = self._mask(asked.filters) if asked.filters else None
        found, scores = self._ranker.retrieve([terms], k=limit, show_progress=False, weight_mask=mask)
        return [int(number) for number, score in zip(found[0], scores[0], strict=True) if score > 0]

    def version(self) -> str:
        return f"bm25s {version('bm25s')} ({self._backend})"
