"""Which words and synonyms may the dictionary lack, to judge by searches that failed?

People decide: this only offers. An unknown word is a run that the cut leaves as single characters in failed searches. A
synonym is offered where somebody typed one word, found nothing, typed another (or opened an entry that says it), and was
helped. Where the searches come from is the caller's business: `Failed` is all that is asked of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from indexer.analysis import Analyzer, Token, is_cjk

SHORTEST, LONGEST = 2, 8  # characters of a run that may be a word
MOST_PAIRED = 3  # words of either side; more would pair everything with everything


@dataclass(frozen=True)
class Failed:
    """A query that helped nobody, how often it was asked, and what helped in its stead: later queries, opened titles."""

    text: str
    count: int = 1
    helped: Sequence[str] = ()


@dataclass(frozen=True)
class Proposal:
    """A line for the dictionary, in the form in which it is added, and how many failed searches speak for it."""

    kind: str
    text: str
    count: int


def propose(failed: Iterable[Failed], analyzer: Analyzer, *, limit: int = 20, least: int = 2) -> list[Proposal]:
    """The lines that most failed searches speak for, at least `least` each."""
    words: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for one in failed:
        words.update(dict.fromkeys(_unknown(one.text, analyzer), one.count))
        typed = _words(one.text, analyzer) + _unknown(one.text, analyzer)
        for text in one.helped:
            pairs.update(dict.fromkeys(_pairs(typed, _words(text, analyzer), analyzer), one.count))
    offered = [Proposal("term", word, count) for word, count in words.items()]
    offered += [Proposal("synonym", f"{typed} => {meant}", count) for (typed, meant), count in pairs.items()]
    return sorted((p for p in offered if p.count >= least), key=lambda p: (-p.count, p.kind, p.text))[:limit]


def _unknown(text: str, analyzer: Analyzer) -> list[str]:
    """Runs of single characters between words."""
    tokens = [token for token in analyzer.query_tokens(text) if not token.part]

    def loose(token: Token) -> bool:
        said = token.text
        return len(said) == 1 and is_cjk(said) and said not in analyzer.stopwords

    runs = ("".join(token.text for token in run) for alone, run in groupby(tokens, loose) if alone)
    return [run for run in dict.fromkeys(runs) if SHORTEST <= len(run) <= LONGEST]


def _words(text: str, analyzer: Analyzer) -> list[str]:
    """The words of a text that say something: no single characters, no identifiers."""
    tokens = [token.text for token in analyzer.query_tokens(text) if not token.part]
    said = (word for word in tokens if len(word) > 1 and all(map(is_cjk, word)) and word not in analyzer.stopwords)
    return list(dict.fromkeys(said))


def _pairs(typed: list[str], meant: list[str], analyzer: Analyzer) -> list[tuple[str, str]]:
    """What was typed with what helped, without what both have and what the dictionary knows already."""
    left = [word for word in typed if word not in meant]
    right = [word for word in meant if word not in typed]
    if len(left) > MOST_PAIRED or len(right) > MOST_PAIRED:
        return []
    return [(one, other) for one in left for other in right if other not in analyzer.synonyms(one)]
