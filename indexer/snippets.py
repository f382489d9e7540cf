"""Which part of a text shows best why it was found, and which characters of it matched?

Spans refer to the text as its author wrote it: traditional, full-width, the synonym that stands there, or the Chinese
characters behind a query typed in pinyin. A query becomes one regular expression over the normalised text; jieba is
asked only where a pinyin query has to be matched.
"""

from __future__ import annotations

import html
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from indexer.analysis import Analyzer, is_cjk
from indexer.analysis.normalise import Normalised, normalise
from indexer.plan import plan
from indexer.query import Query
from indexer.ranking import Parameters

WIDTH = 120  # characters of a snippet
LONGEST_TEXT = 200_000  # characters looked at; what follows is shown when the document is opened
_LONGEST_KEPT = 64  # characters of a term whose pattern is kept; a phrase may have thousands
_LONGEST_PINYIN = 2_000  # characters cut into words for a pinyin query: a title, symptoms, the first screen
_MOST_SPANS = 2_000  # of a text; of each term, that many shared by the terms, and some at least
_FEWEST_SPANS = 30
_LEAD = 24  # characters shown before the first match when no sentence begins close by
_JOINTS = re.compile("[-_']")
_BLANK = re.compile(r"\s")
_SENTENCE = re.compile(r"[。！？!?；;\n]|\.(?=\s)")
Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Snippet:
    """A piece of text and which spans of it matched, in characters of the piece, ascending and apart."""

    text: str
    spans: tuple[tuple[int, int], ...] = ()

    def to_html(self) -> str:
        """The text escaped, with <mark> around what matched."""
        parts: list[str] = []
        end = 0
        for start, stop in self.spans:
            parts += [html.escape(self.text[end:start]), "<mark>", html.escape(self.text[start:stop]), "</mark>"]
            end = stop
        return "".join([*parts, html.escape(self.text[end:])])


class Readable(NamedTuple):
    """A text made ready to be searched for matches; worth keeping, because that takes longer than the search."""

    text: str
    form: Normalised
    joined: str  # the form without the joints of identifiers

    @classmethod
    def of(cls, text: str) -> Readable:
        """As much of a text as is looked at, in its one form."""
        text = text[:LONGEST_TEXT]
        form = normalise(text)
        return cls(text, form, _JOINTS.sub("", form.text))

    @property
    def bytes(self) -> int:
        """Memory that it takes."""
        return sum(map(sys.getsizeof, (self, self.text, self.form.text, self.form.offsets, self.joined)))


class Snippets:
    """Makes the snippets of one query; safe between threads."""

    def __init__(self, query: Query, analyzer: Analyzer) -> None:
        self._analyzer = analyzer
        self._plan = plan(query, analyzer, Parameters())
        terms = {term for concept in self._plan.concepts for term, _ in concept.terms}
        phrases = [phrase.strip() for phrase in self._plan.required]
        self._terms = (*phrases, *sorted(terms, key=lambda term: (-len(term), term)))
        # marked instead in a text in which none of the terms stands
        self._pairs = [gram.terms[0][0] for gram in self._plan.grams]

    def snippet(self, readable: Readable, *, width: int = WIDTH) -> Snippet:
        """The piece of about `width` characters in which most of the query stands, cut at sentences if it can be."""
        text = readable.text
        spans = self._spans(readable)
        start, end = _window(text, spans, width)
        head, tail = "…" if start > 0 else "", "…" if end < len(text) else ""
        shown = _BLANK.sub(" ", text[start:end])  # one for one, so that spans stay right
        shift = len(head) - start
        inside = tuple((a + shift, b + shift) for a, b in spans if a >= start and b <= end)
        return Snippet(head + shown + tail, inside)

    def highlight(self, readable: Readable) -> Snippet:
        """The whole text, a title for instance, with what matched."""
        return Snippet(readable.text, tuple(self._spans(readable)))

    def _spans(self, readable: Readable) -> Spans:
        text, form, joined = readable
        found: Spans = []
        there = [term for term in self._terms if " " in term or term in joined]
        most = max(_FEWEST_SPANS, _MOST_SPANS // max(1, len(there)))
        for term in there:  # a pattern a term: compiled once, where a pattern for each set of terms never would be
            found += [match.span() for match in islice(_pattern(term).finditer(form.text), most)]
        present = () if found else tuple(term for term in self._pairs if term in joined)
        if present:
            matches = islice(_pattern_of_pairs(present).finditer(form.text), _MOST_SPANS)
            found = [match.span() for match in matches]
        if found:
            united = _united(sorted(found)[:_MOST_SPANS])
            return united if form.offsets is None else _united([form.origin(*span) for span in united])
        for way in self._plan.pinyin:
            readings = {concept.terms[0][0] for concept in way}
            tokens = [token for token in self._analyzer.pinyin(text[:_LONGEST_PINYIN]) if token.text in readings]
            if readings == {token.text for token in tokens}:
                return _united(sorted((token.start, token.end) for token in tokens))
        return []


def _pattern(term: str) -> re.Pattern[str]:
    """Finds a term or a canonical phrase in normalised text."""
    return _short_pattern(term) if len(term) <= _LONGEST_KEPT else _compiled(term)


@lru_cache(maxsize=5_000)
def _short_pattern(term: str) -> re.Pattern[str]:
    return _compiled(term)


def _compiled(term: str) -> re.Pattern[str]:
    return re.compile(r"[\W_]*".join(map(_term_pattern, term.split())))


@lru_cache(maxsize=256)
def _pattern_of_pairs(pairs: tuple[str, ...]) -> re.Pattern[str]:
    """Finds pairs of characters, which overlap: a look-ahead finds each place where one begins, and the match goes on as
    long as they do."""
    return re.compile(f"(?:(?={'|'.join(map(re.escape, pairs))}).)+.")


def _term_pattern(term: str) -> str:
    """A term in normalised text. An identifier may be written with hyphens, and ends where its kind of character
    does: 8245 is found in hg8245h, not in 182450."""
    if is_cjk(term[0]) or is_cjk(term[-1]):
        return re.escape(term)
    first, *others = map(re.escape, term)
    # Looking back from behind the first character: a pattern that begins with a character is found eight times as fast.
    body = "[-_']?".join([first + _edge(term[0], f"(?<!{{}}{first})"), *others])
    return body + _edge(term[-1], "(?!{})")


def _edge(char: str, form: str) -> str:
    if char.isdigit():
        return form.format(r"\d")
    # Normalised text is lower-case; a class of all letters of all scripts takes 8 ms to compile.
    return form.format("[a-z]") if char.isalpha() else ""


def _united(spans: Spans) -> Spans:
    """Spans that touch or overlap made one."""
    united: Spans = []
    for start, end in spans:
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(end, united[-1][1])
        elif end > start:
            united.append((start, end))
    return united


def _window(text: str, spans: Spans, width: int) -> tuple[int, int]:
    """Where to cut so that the most different matches are inside; the earliest place of equals."""
    if len(text) <= width:
        return 0, len(text)
    if not spans:
        return 0, _end(text, 0, width)
    place = spans[_most_different(text, spans, width - _LEAD // 2)][0]
    earliest = max(0, place - width // 3)
    starts = [match.end() for match in _SENTENCE.finditer(text, earliest, place)]
    start = starts[-1] if starts else 0 if earliest == 0 else max(0, place - _LEAD)
    while start < place and text[start].isspace():
        start += 1
    return start, _end(text, start, width)


def _most_different(text: str, spans: Spans, width: int) -> int:
    """From which span on do the most characters of different matches stand within `width`?"""
    pieces = [text[start:end].lower() for start, end in spans]
    inside: dict[str, int] = {}
    best, chosen, worth, last = -1, 0, 0, 0
    for first, (start, _) in enumerate(spans):
        while last < len(spans) and spans[last][1] - start <= width:
            count = inside.get(pieces[last], 0)
            inside[pieces[last]] = count + 1
            worth += 0 if count else len(pieces[last])
            last += 1
        if worth > best:
            best, chosen = worth, first
        if last > first:
            inside[pieces[first]] -= 1
            worth -= 0 if inside[pieces[first]] else len(pieces[first])
        else:
            last = first + 1  # a match longer than the window
    return chosen


def _end(text: str, start: int, width: int) -> int:
    """The last sentence end that leaves at least half the width, else the full width."""
    end = min(len(text), start + width)
    if end == len(text):
        return end
    ends = [match.end() for match in _SENTENCE.finditer(text, start + width // 2, end)]
    return ends[-1] if ends else end
