"""Which of the documents found come first by an attribute, such as the date?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from indexer.engines.whoosh_engine.block import MOST_DOCUMENTS, Block
from indexer.engines.whoosh_engine.kernel import Bits, unpack


def first(blocks: Sequence[Block], found: Bits, column: str, count: int) -> list[tuple[int, int]]:
    """Block and number of the first `count` documents, those with the largest value first, ties by id: exact however
    many tie. Ids are read of `count` documents a block at most."""
    best: list[tuple[int, str, tuple[int, int]]] = []
    for number, (block, row) in enumerate(zip(blocks, found, strict=True)):
        docs = np.flatnonzero(unpack(row, block.count))
        values = block.section(column)[docs].astype(np.int64)
        if len(docs) > count:
            # within a block, value and rank of the id in one number decide
            chosen = np.argpartition(block.id_ranks[docs] - values * MOST_DOCUMENTS, count)[:count]
            docs, values = docs[chosen], values[chosen]
        best += [
            (-value, block.id(doc), (number, doc)) for doc, value in zip(docs.tolist(), values.tolist(), strict=True)
        ]
    return [place for _, _, place in sorted(best)[:count]]


def only(bits: Bits, places: Iterable[tuple[int, int]]) -> Bits:
    """Bits of the shape of others, with these documents alone."""
    chosen = np.zeros_like(bits)
    for block, doc in places:
        chosen[block, doc >> 6] |= np.uint64(1 << (doc & 63))
    return chosen
