"""Which words of a text say best what it is about, and do two texts say nearly the same?

Terms are weighed as in Lucene's MoreLikeThis, by tf·idf. Likeness is Broder's containment ("On the resemblance and
containment of documents", 1997): of the shingles (here runs of SHINGLE characters in their one form, without blanks and
punctuation) of A, the share that B has too,

    c(A, B) = |S(A) ∩ S(B)| / |S(A)|

Sentences that were moved change no more than the shingles at their ends, and what one side adds lowers only its own
containment: likeness is the larger of the two, so a shortened copy is as like its original as the original is like it.

Measured on the shipped library: of 39,340 pairs of different solutions none is as like as 0.17; copies that keep 70% of the
sentences, shuffled, with 30% of the words replaced or left out are never less like than 0.29 (median 0.39), with 40% than 0.22
(0.29). At 0.2 (`kb.precheck.NEAR_DUPLICATE`) precision and recall are 100% for both; at 0.25 recall is 100% and 91%. Among the
52,003 pairs of all kinds 6 lie above: topologies, which share their form, and a topology with the plan that changes it.
Candidates come from search: of 40 such copies (70%, 30%) the original was found and first each time, among 24,323 documents
and among 230,323.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from indexer.analysis import Analyzer
from indexer.ranking import idf

SHINGLE = 4  # characters: two Chinese words
MOST_TERMS = 25
LONGEST = 10_000  # characters of a body that are looked at: the longest solution has 3,500
SHOWN = 3  # sentences of each side of a difference
_WEIGHTS = (3.0, 1.5, 1.0)  # of title, symptoms and body: those of the faces that are ranked by
_LOOKED_AT = 60  # terms whose frequency is asked, the most frequent in the text by weight
_SAME = 0.5  # of a sentence's shingles; with so many elsewhere it is said there too
_HEADING = re.compile(r"^#{1,6} .*$", re.MULTILINE)
_SENTENCE = re.compile(r"[^。！？!?；;\n]+")
_MARKUP = re.compile(r"^[\s#>*+\-\d.、|]+|[*`_|]+")


@dataclass(frozen=True)
class Said:
    """What is compared of an entry, as far as the one who asks may read it."""

    title: str
    symptoms: Sequence[str]
    body: str

    @property
    def text(self) -> str:
        """All of it but for headings, which all entries of a kind share. Symptoms stand in the body."""
        return f"{self.title}\n{_HEADING.sub('', self.body[:LONGEST])}"


def telling(
    said: Said,
    analyzer: Analyzer,
    frequencies: Callable[[Sequence[str]], Sequence[int]],
    documents: int,
    *,
    indexed: bool = False,
) -> list[str]:
    """At most MOST_TERMS terms that others have too, the most telling first. `frequencies` says how many of all
    `documents` have each; is the text `indexed`, it is one of them itself."""
    weights: Counter[str] = Counter()
    for weight, text in zip(
        _WEIGHTS, (said.title, "\n".join(said.symptoms)[:LONGEST], said.body[:LONGEST]), strict=True
    ):
        counts = Counter(token.text for token in analyzer.query_tokens(text) if not token.part)
        for term, count in counts.items():
            if len(term) > 1 and term not in analyzer.stopwords:
                weights[term] += weight * (1.0 + math.log(count))  # type: ignore[assignment]  # counts in fractions
    likely = [term for term, _ in weights.most_common(_LOOKED_AT)]
    worth = {
        term: weights[term] * idf(frequency, documents)
        for term, frequency in zip(likely, frequencies(likely), strict=True)
        if frequency > indexed
    }
    return sorted(worth, key=lambda term: (-worth[term], term))[:MOST_TERMS]


def shingles(text: str, analyzer: Analyzer) -> frozenset[str]:
    """The runs of SHINGLE characters of a text in its one form; of a shorter text, itself."""
    key = analyzer.key(text)
    return frozenset(key[place : place + SHINGLE] for place in range(max(1, len(key) - SHINGLE + 1))) - {""}


def containment(inside: frozenset[str], other: frozenset[str]) -> float:
    """The share of the one's shingles that the other has, 0 to 1; 0 of nothing."""
    return len(inside & other) / len(inside) if inside else 0.0


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """How much two texts say the same, 0 to 1, whichever of them is the longer."""
    return max(containment(one, other), containment(other, one))


def difference(text: str, other: frozenset[str], analyzer: Analyzer) -> list[str]:
    """The first SHOWN sentences of a text that a text with the `other` shingles does not have."""
    return list(_without(text, other, analyzer))[:SHOWN]


def _without(text: str, other: frozenset[str], analyzer: Analyzer) -> Iterable[str]:
    for found in _SENTENCE.finditer(text):
        sentence = _MARKUP.sub("", found.group()).strip()
        own = shingles(sentence, analyzer)
        if own and containment(own, other) < _SAME:
            yield sentence
