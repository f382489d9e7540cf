"""What would a changed dictionary do, and how does it come into use?

A dictionary that cuts texts as the one in use does (stop words, pins, synonyms whose words are no words of the cut, and
synonyms of words that are known) is put in use over the generation in use: nothing that an index holds depends on it. Any
other is built into a new generation. Either way the golden queries decide, and until the pointer moves the old dictionary
and the old generation are in use.

A preview touches neither. It compares today's results with those of the working copy: exactly, on the index in use, when
texts are cut alike; otherwise on two throw-away indexes over the same documents: all of them up to `WHOLE`, and beyond
that those with a changed word and those that the queries find today, which the answer says (`exact` is false): ranks then
rest on the statistics of a part.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer import feed, golden, worker
from indexer.analysis import Analyzer
from indexer.dictionaries import Vocabulary, version_of
from indexer.document import IndexDocument
from indexer.engines.base import MAX_LIMIT, Engine, Scope, SearchRequest
from indexer.engines.whoosh_engine import WhooshEngine
from indexer.evaluation import load
from indexer.generations import Generations, Opened
from indexer.query import Phrase, Query
from kb import dictionary
from kb.access import Person, searchable
from kb.db import Database
from kb.dictionary_lines import DictionaryAction, Known, shipped
from kb.errors import KBError
from kb.models import Entry
from kb.store import ContentStore

WHOLE = 3000  # documents of which a preview makes a whole throw-away index, in a few seconds
PART = MAX_LIMIT  # documents of one where there are more
TOP = 10  # hits compared of a query
SAMPLE = 20  # documents named that would be cut otherwise
MOST_WORDS = 50  # changed words looked for in documents
_PREVIEWED = 10**6  # stands where the number of a version will, so that a preview is taken for none


@dataclass(frozen=True)
class Moved:
    """A query whose first results change."""

    query: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    golden: bool = False
    failed: str = ""  # the golden query that would fail, in words


@dataclass(frozen=True)
class Preview:
    """What the working copy would change. `affected` counts documents that contain a changed word (where there are several
    words and thousands of documents, at least so many), `recut` names some that would be cut otherwise, `judged_on` is the
    number of documents the queries were asked of."""

    rebuild: bool
    words_added: tuple[str, ...]
    words_gone: tuple[str, ...]
    affected: int
    recut: tuple[str, ...]
    asked: int
    moved: tuple[Moved, ...]
    exact: bool
    judged_on: int

    @property
    def failing(self) -> list[str]:
        """The golden queries that would keep it from being put in use."""
        return [moved.failed for moved in self.moved if moved.failed]


def known(session: Session, generations: Generations) -> Known:
    """What lines of the dictionary are held to here."""
    base = generations.dictionaries.base

    def exists(number: str) -> bool:
        return session.scalar(select(Entry.id).where(Entry.number == number, searchable())) is not None

    return Known(shipped(base.dictionary_dir), exists, base.knows)


def version_in_use(database: Database, generations: Generations) -> int:
    """Which version of the dictionary is in use? 0 is the shipped one."""
    status = generations.status()
    if status.usable:
        return version_of(status.dictionary)
    with database.read() as session:
        return dictionary.last_in_use(session)


def preview(
    database: Database,
    store: ContentStore,
    generations: Generations,
    *,
    path: Path | None,
    queries: Sequence[str] = (),
) -> Preview:
    """Compare the working copy with what is in use, on the golden queries and on `queries` (recent or frequent ones).
    Raises IndexUnavailable."""
    here = generations.opened()
    with database.read() as session:
        lines = list(dictionary.working(session).lines)
    name = worker.materialise(generations, _PREVIEWED if lines else 0, lines)
    there = generations.dictionaries.open(name)
    judgements = golden.wanted(database, path)
    asked = list(dict.fromkeys([one.query for one in judgements] + list(queries)))
    rebuild = not generations.cuts_alike(name)
    with ExitStack() as stack:
        if rebuild:
            ground = _throw_away(stack, database, store, here, there, asked)
        else:
            after = generations.read_with(name)
            stack.callback(after.close)
            ground = _Ground(here.engine, after, here.engine.count())
        moved = _moved(asked, ground, here.vocabulary, there)
        outcomes = golden.judge(ground.after, there.pins, judgements)
    generations.dictionaries.discard(here.vocabulary.name)
    failing = {outcome.query: str(outcome) for outcome in outcomes if outcome.failed}
    moved = {query: Moved(query, (), ()) for query in failing} | moved  # some fail today as well
    of_golden = {one.query for one in judgements}
    old, new = here.vocabulary.analyzer.words, there.analyzer.words
    return Preview(
        rebuild=rebuild,
        words_added=tuple(sorted(new - old)),
        words_gone=tuple(sorted(old - new)),
        affected=ground.affected,
        recut=ground.recut,
        asked=len(asked),
        moved=tuple(
            replace(one, golden=query in of_golden, failed=failing.get(query, "")) for query, one in moved.items()
        ),
        exact=ground.exact,
        judged_on=ground.documents,
    )


@dataclass(frozen=True)
class _Ground:
    """On what two dictionaries are compared."""

    before: Engine
    after: Engine
    documents: int
    exact: bool = True
    affected: int = 0
    recut: tuple[str, ...] = ()


def _throw_away(
    stack: ExitStack, database: Database, store: ContentStore, here: Opened, there: Vocabulary, asked: Sequence[str]
) -> _Ground:
    """Two indexes over the same documents, gone with the `stack`."""
    changed = sorted(here.vocabulary.analyzer.words ^ there.analyzer.words)
    touched, affected = _containing(here.engine, changed[:MOST_WORDS])
    exact = here.engine.count() <= WHOLE
    found = [id for text in asked for id in golden.ranked(here.engine, here.vocabulary.pins, text, depth=TOP)]
    documents = _documents(database, store, None if exact else [*found, *touched])
    aside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kb-preview-")))
    engines = []
    for name, analyzer in (("before", here.vocabulary.analyzer), ("after", there.analyzer)):
        engines.append(WhooshEngine.create(aside / name, analyzer))
        stack.callback(engines[-1].close)
        load(engines[-1], documents)
    recut = _recut(documents, set(touched), here.vocabulary.analyzer, there.analyzer)
    return _Ground(engines[0], engines[1], len(documents), exact, affected, tuple(recut))


def _containing(engine: Engine, words: Iterable[str]) -> tuple[list[str], int]:
    """The documents that contain one of these words, character for character, in the index in use: some, and how many
    there are at least."""
    found: dict[str, None] = {}
    most = 0
    for word in words:
        query = Query(word, phrases=(Phrase(word, 0),))
        results = engine.search(SearchRequest(query, Scope.everything(), limit=PART))
        found.update(dict.fromkeys(hit.id for hit in results.hits))
        most = max(most, results.total)
    return list(found), max(most, len(found))


def _documents(database: Database, store: ContentStore, numbers: Sequence[str] | None) -> list[IndexDocument]:
    """These documents as the index would take them in, the first PART; all without numbers."""
    if numbers is None:
        return list(feed.everything(database, store))
    wanted = list(dict.fromkeys(numbers))[:PART]
    documents: list[IndexDocument] = []
    for start in range(0, len(wanted), feed.CHUNK):
        with database.read() as session:
            ids = feed.ids_of(session, wanted[start : start + feed.CHUNK])
            documents += feed.read(session, store, ids).documents
    return documents


def _recut(documents: Iterable[IndexDocument], touched: set[str], old: Analyzer, new: Analyzer) -> list[str]:
    """Some of the documents whose terms would be others."""

    def differ(document: IndexDocument) -> bool:
        texts = (document.title, *document.symptoms, *document.captured, document.body, document.staff_body)
        return any(old.counts(text).terms != new.counts(text).terms for text in texts)

    return list(islice((one.id for one in documents if one.id in touched and differ(one)), SAMPLE))


def _moved(asked: Iterable[str], ground: _Ground, here: Vocabulary, there: Vocabulary) -> dict[str, Moved]:
    moved = {}
    for text in asked:
        was = golden.ranked(ground.before, here.pins, text, depth=TOP)
        becomes = golden.ranked(ground.after, there.pins, text, depth=TOP)
        if was != becomes:
            moved[text] = Moved(text, tuple(was), tuple(becomes))
    return moved


# --- putting in use -----------------------------------------------------------------------------------------------


def freeze(database: Database, generations: Generations, by: Person, *, reason: str, version: int | None = None) -> int:
    """Make a version of the working copy, to be put in use; returns its number. `version` is that of the working copy as
    it was seen. Raises Invalid, StaleVersion, and Conflict when it says what is in use already."""
    in_use = version_in_use(database, generations)
    with database.write() as session:
        by.require(dictionary.EDIT)
        dictionary.require_change(session, in_use)
        held_to = known(session, generations)
        number = dictionary.make_version(session, by, reason=reason, known=held_to, version=version)
        session.commit()
    return number


def put_in_use(
    database: Database,
    store: ContentStore,
    generations: Generations,
    by: Person,
    number: int,
    *,
    path: Path,
    reason: str,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Put a version in use, one that is new or an earlier one to go back to; `path` is the file of golden queries.
    Raises NotFound, Conflict, IndexLocked; whatever is raised, what was in use still is."""
    by.require(dictionary.EDIT)
    with database.read() as session:
        lines = dictionary.lines_of(session, number)
    name = worker.materialise(generations, number, lines)
    try:
        if generations.cuts_alike(name):
            vocabulary = generations.dictionaries.open(name)
            generations.adopt(name, verify=lambda engine: worker.hold(database, engine, vocabulary, path, needed=True))
            golden.run(database, generations, path, occasion="dictionary")
        else:
            worker.rebuild(database, store, generations, golden=path, with_dictionary=name, progress=progress)
    except KBError as exc:
        with database.write() as session:
            said = f"{reason.strip()}（{exc.message}）"
            dictionary.record(session, by, DictionaryAction.REFUSED, version=number, reason=said)
            session.commit()
        raise
    with database.write() as session:
        dictionary.record(session, by, DictionaryAction.IN_USE, version=number, reason=reason)
        session.commit()
