"""Which of the documents that the words found are nearest to the question in meaning? Off unless a model is named.

The operator names a folder with a sentence encoder (`KB_DENSE_MODEL`): `model.onnx`, which takes `input_ids`, and
where it wants them `attention_mask` and `token_type_ids`, and `vocab.txt`. A text's vector is the model's output
`sentence_embedding` if it has one: whoever made the model knew how it pools. Otherwise it is the mean over the tokens
of its text (Reimers and Gurevych, "Sentence-BERT", 2019), never BERT's `pooler_output`, which was taught to tell
whether two sentences follow each other. Either way it is brought to length 1, so that a product is a cosine.

Vectors change the order of the first `Fusion.depth` hits, within a tier, and nothing else: what is found, counts and
permissions are those of the words. A hit keeps its place if its document has no vector yet, if the query names it, or
if it was found by pinyin, in which no model reads anything; those put on top stay there, see `pins.py`. The two
orders of the others are fused by their ranks, as in reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009):

    1 / (k + rank by words) + weight / (k + rank by meaning)

Ranks need no scale: a convex combination of scores can be better, but only where its share was tuned for one model on
judged queries (Bruch, Gai and Ingber, TOIS 2023), and here the model is the operator's.

The vector of an entry is that of its title and of the beginning of the text that its whole audience reads. What only
staff may read must not move a subscriber's hits.

A model that cannot be used is a sentence for the health page. Search goes on without it.
"""

from __future__ import annotations

import logging
import math
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer.document import IndexDocument
from indexer.engines.base import Engine, Hit, Meaning, Results, SearchRequest, Sort, Tier
from indexer.query import Query
from indexer.vectors import Vector, Vectors
from indexer.wordpiece import WordPiece
from kb.errors import Invalid
from kb.kept import Kept

log = logging.getLogger(__name__)

MOST_PIECES = 256  # of a text, its marks included; nothing usual reads more than 512
_TEXT = 1  # how `text_of` puts a text together; another number makes all vectors anew
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_POOLED, _STATES = "sentence_embedding", ("last_hidden_state", "token_embeddings")
_LONGEST = 512  # characters of a question that are read
_KEPT_BYTES = 2_000_000  # vectors of questions: the second page asks the same
_MOVED = (Tier.WORDS, Tier.BIGRAMS)


@dataclass(frozen=True)
class Fusion:
    """How two orders become one. `k` is the paper's; the two count alike, for nobody has judged the operator's model."""

    depth: int = 100  # hits by words whose order may change
    k: float = 60.0
    weight: float = 1.0  # of the rank by meaning, where that by words is 1


class Encoder:
    """One model of the operator's. Safe between threads."""

    def __init__(self, folder: Path) -> None:
        """Raises Invalid, with a sentence for an operator."""
        try:
            import onnxruntime  # an extra: nobody else has to install it
        except ImportError as exc:
            raise Invalid("没有安装 onnxruntime（附加依赖 dense）· onnxruntime, the extra `dense`, is missing") from exc
        for name in ("model.onnx", "vocab.txt"):
            if not (folder / name).is_file():
                raise Invalid(f"模型目录里没有 {name} · the model's folder has no {name}")
        self._pieces = WordPiece(folder / "vocab.txt")
        options = onnxruntime.SessionOptions()
        # A question is short, and there are as many of them at a time as threads of the server.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as exc:  # whatever the library raises, the file is not a model that it can run
            raise Invalid(f"model.onnx 无法加载 · model.onnx cannot be loaded: {type(exc).__name__}") from exc
        self._types = self._read_inputs()
        self._output = self._read_output()
        self.name = _name(folder)
        self.width = len(self.vector("预热"))

    def _read_inputs(self) -> dict[str, Any]:
        inputs = {one.name: one for one in self._session.get_inputs()}
        wrong = [name for name, one in inputs.items() if name not in _INPUTS or one.type not in _TYPES]
        if wrong or "input_ids" not in inputs:
            raise Invalid(
                f"model.onnx 的输入应是整数 {'、'.join(_INPUTS)}，不是 {'、'.join(inputs)} · "
                "model.onnx has other inputs than a sentence encoder"
            )
        length = inputs["input_ids"].shape[-1]
        self._length = length if isinstance(length, int) else 0  # 0: as long as the text
        return {name: _TYPES[one.type] for name, one in inputs.items()}

    def _read_output(self) -> str:
        ranks: dict[str, int] = {one.name: len(one.shape) for one in self._session.get_outputs()}
        for name, rank in ((_POOLED, 2), *((name, 3) for name in _STATES)):
            if ranks.get(name) == rank:
                return name
        states = [name for name, rank in ranks.items() if rank == 3]
        if len(states) != 1:
            raise Invalid(
                f"model.onnx 应有输出 {_POOLED} 或 {_STATES[0]}，只有 {'、'.join(ranks)} · "
                "model.onnx has no output that is a vector of a sentence or of its tokens"
            )
        return states[0]

    def vector(self, text: str) -> Vector:
        """The vector of a text, of length 1, or 0 if the text says nothing to it. Raises Invalid when the model gives none, or what the library raises."""
        numbers = self._pieces.numbers(text, min(MOST_PIECES, self._length or MOST_PIECES))
        short = max(0, self._length - len(numbers))
        mask = np.array([[1] * len(numbers) + [0] * short])
        given = (np.array([numbers + [self._pieces.pad] * short]), mask, np.zeros_like(mask))
        feeds = {
            name: array.astype(self._types[name])
            for name, array in zip(_INPUTS, given, strict=True)
            if name in self._types
        }
        told = self._session.run([self._output], feeds)[0][0].astype(np.float32)
        pooled: Vector = told if told.ndim == 1 else (told * mask[0, :, None]).sum(axis=0) / np.float32(mask.sum())
        length = math.sqrt(float(pooled @ pooled))
        if not math.isfinite(length):
            raise Invalid("模型给出的不是向量 · what the model gives is no vector: it is not finite")
        return pooled / np.float32(length or 1.0)


def _name(folder: Path) -> str:
    """Names the model by what is in its files, and how texts are put together for it."""
    digest = blake2b(f"{_TEXT} {MOST_PIECES}".encode(), digest_size=8)
    for name in ("vocab.txt", "model.onnx"):
        with (folder / name).open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()


class _Opened(NamedTuple):
    encoder: Encoder
    vectors: Vectors


class Dense:
    """What the operator's model adds to search. One object serves all threads of a process."""

    def __init__(self, model: Path, root: Path, *, numbers: Fusion | None = None) -> None:
        """`model` is the operator's folder, `root` where vectors are. The model is loaded when it is first asked for."""
        self._model, self._root, self._numbers = model, root, numbers or Fusion()
        self._loading = threading.Lock()
        self._opened: _Opened | None = None
        self._refused = False
        self._asked: Kept[Vector] = Kept(_KEPT_BYTES, lambda vector: vector.nbytes + 200)
        self._problem = ""

    def _open(self) -> _Opened | None:
        """The model and its vectors; None if it cannot be used, which is tried once."""
        with self._loading:
            if self._opened is None and not self._refused:
                try:
                    encoder = Encoder(self._model)
                    self._opened = _Opened(encoder, Vectors(self._root / encoder.name, encoder.width))
                except Exception as exc:
                    self._refused = True
                    self._tell(exc)
        return self._opened

    def _tell(self, exc: Exception) -> None:
        said = exc.message if isinstance(exc, Invalid) else f"{type(exc).__name__}"
        if said != self._problem:
            log.warning("search goes on without the sentence encoder", exc_info=exc)
        self._problem = said

    @property
    def problem(self) -> str:
        """Why is there no order by meaning? A sentence, or "" if all is well."""
        self._open()
        return self._problem

    @property
    def name(self) -> str:
        """Which model is in use; "" when none can be."""
        opened = self._open()
        return opened.encoder.name if opened else ""

    @property
    def count(self) -> int:
        """How many vectors there are."""
        opened = self._open()
        return len(opened.vectors) if opened else 0

    # Searching

    def search(self, engine: Engine, request: SearchRequest) -> Results:
        """What the engine finds, the first hits in another order. Every page is cut from the same order, as long as
        neither the index nor the vectors change."""
        depth = self._numbers.depth
        if not self._applies(request) or not request.limit or request.offset >= depth:
            return engine.search(request)
        end = request.offset + request.limit
        found = engine.search(replace(request, offset=0, limit=max(depth, end)))
        began = time.perf_counter()
        hits = [*self._moved(request.query, found.hits[:depth])[0], *found.hits[depth:]]
        took_ms = found.took_ms + (time.perf_counter() - began) * 1000
        return replace(found, hits=hits[request.offset : end], took_ms=took_ms)

    def meaning(self, engine: Engine, request: SearchRequest, id: str) -> Meaning | None:
        """Where does the order by meaning put a hit? None if its place is that by words alone."""
        if not self._applies(request):
            return None
        found = engine.search(replace(request, offset=0, limit=self._numbers.depth, facets=()))
        return self._moved(request.query, found.hits)[1].get(id)

    def _applies(self, request: SearchRequest) -> bool:
        return request.sort is Sort.RELEVANCE and request.query.ranked and self._open() is not None

    def _moved(self, query: Query, hits: Sequence[Hit]) -> tuple[list[Hit], dict[str, Meaning]]:
        """The hits in their new order, and why."""
        opened, order, why = self._open(), list(hits), dict[str, Meaning]()
        if opened is None:
            return order, why
        has, vectors = opened.vectors.find([(hit.id, hit.version) for hit in hits])
        row_of = dict(zip(np.flatnonzero(has).tolist(), range(len(vectors)), strict=True))
        groups = [[place for place in row_of if hits[place].tier is tier] for tier in _MOVED]
        if all(len(places) < 2 for places in groups):
            return order, why
        asked = self._vector_of(opened.encoder, query)
        if asked is None:
            return order, why
        cosines = vectors @ asked
        for places in groups:
            told = self._fused([float(cosines[row_of[place]]) for place in places])
            by_fused = sorted(range(len(places)), key=lambda at: told[at].rank)
            for place, at in zip(places, by_fused, strict=True):
                order[place] = hits[places[at]]
            why |= {hits[place].id: one for place, one in zip(places, told, strict=True)}
        return order, why

    def _fused(self, cosines: Sequence[float]) -> list[Meaning]:
        """Ranks of hits that stand in the order of the words, by meaning and by both; a tie goes by the words."""
        numbers = range(len(cosines))
        by_meaning = {at: rank for rank, at in enumerate(sorted(numbers, key=lambda at: -cosines[at]), 1)}
        k, weight = self._numbers.k, self._numbers.weight
        fused = [1 / (k + at + 1) + weight / (k + by_meaning[at]) for at in numbers]
        ranks = {at: rank for rank, at in enumerate(sorted(numbers, key=lambda at: -fused[at]), 1)}
        return [Meaning(cosines[at], at + 1, by_meaning[at], fused[at], ranks[at]) for at in numbers]

    def _vector_of(self, encoder: Encoder, query: Query) -> Vector | None:
        text = " ".join([query.plain, *(phrase.text for phrase in query.phrases)]).strip()[:_LONGEST]
        try:
            vector = self._asked.get(text, lambda: encoder.vector(text))
        except Exception as exc:  # no fault of a model may keep a search from being answered
            self._tell(exc)
            return None
        self._problem = ""
        return vector

    # The index worker alone

    def missing(self, versions: Mapping[str, int]) -> list[str]:
        """Which of the indexed entries, versions by number, have no vector? What is left of others is given up."""
        opened = self._open()
        if opened is None:
            return []
        for other in self._root.glob("*"):
            if other.name != opened.encoder.name:
                shutil.rmtree(other, ignore_errors=True)  # of a model that was in use before
        opened.vectors.forget(versions)
        return opened.vectors.missing(versions)

    def add(self, documents: Iterable[IndexDocument], *, interrupted: Callable[[], bool]) -> set[str]:
        """Work out and keep the vectors of documents until interrupted; returns the numbers of those that are done.
        One that the model cannot read is done too, without a vector."""
        opened, done, rows = self._open(), set[str](), list[tuple[str, int, Vector]]()
        if opened is None:
            return done
        for document in documents:
            if interrupted():
                break
            done.add(document.id)
            if opened.vectors.missing({document.id: document.version}):
                try:
                    rows.append((document.id, document.version, opened.encoder.vector(text_of(document))))
                except Exception as exc:
                    self._tell(exc)
        if rows:
            opened.vectors.append(rows)
        return done


def text_of(document: IndexDocument) -> str:
    """What stands for a document: nothing that part of its audience may not read."""
    return f"{document.title}\n{document.body}"
