"""What was probably meant where something typed stands in no text that the asker may see?

Suspect is a Latin word that no such text has, and a pair of Chinese characters that no such text has, unless both belong to
words that are known: 定盒 in 机定盒. What has hits is never touched. A word takes the place of the characters around a suspect
pair if it sounds like them or is one slip away (`analysis/alike.py`), is itself in texts that the asker may see, and leaves
every known word standing. Digits are never changed, but for O/0 and I/l/1, and that is only offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import NamedTuple

from rapidfuzz.distance import OSA

from indexer.analysis import Analyzer, Token, is_cjk, pinyin
from indexer.analysis.alike import LONGEST, NEAR_SOUND, SAME_SOUND, SHORTEST, Alike
from indexer.analysis.dictionary import CORRECTION
from indexer.engines.base import Engine, Scope
from indexer.query import Query

LONGEST_TYPED = 40  # characters; a pasted report is not mistyped
SHORTEST_LATIN, LONGEST_LATIN = 4, 24  # letters: three are an abbreviation of anything
LONG_LATIN = 8  # letters from which on two slips are forgiven
_FAR_MORE = 5  # times as many texts have a word than its misspelling, which the shipped sayings have too
_LETTERS = re.compile(r"[a-z]+")
# Characters that change what is meant: 网速快 is no slip for 网速慢, nor is 打得开 for 打不开.
_MEANING = frozenset("不没无未非零一二三四五六七八九十快慢大小多少上下左右开关有前后内外")
_CONFUSED = {"o": "o0", "0": "0o", "i": "i1l", "l": "l1i", "1": "1il"}
_MOST_VARIANTS = 256  # of an identifier


class Change(NamedTuple):
    """What to write instead of some characters of what was typed. Only what is `sure` replaces weak hits unasked;
    only what is `automatic` is searched for unasked at all."""

    start: int
    end: int
    text: str
    automatic: bool = True
    sure: bool = True


@dataclass(frozen=True)
class Correction:
    """Changes to what was typed. `alone` says that nothing else in it is known to the asker's texts."""

    changes: tuple[Change, ...]
    alone: bool

    @property
    def text(self) -> str:
        """What is meant in place of what was mistyped."""
        return " ".join(change.text for change in self.changes)

    def apply(self, typed: str) -> str:
        """What was typed, corrected."""
        for change in sorted(self.changes, reverse=True):
            typed = typed[: change.start] + change.text + typed[change.end :]
        return typed

    def runs_at_once(self, *, total: int) -> bool:
        """Is it searched for unasked, where the typed words have so many hits?"""
        if not all(change.automatic for change in self.changes):
            return False
        return total == 0 or (self.alone and all(change.sure for change in self.changes))


def correction(query: Query, engine: Engine, scope: Scope, analyzer: Analyzer) -> Correction | None:
    """What was probably meant; None where nothing is suspect, or nothing better is known to this asker."""
    if not query.words or len(query.plain) > LONGEST_TYPED:
        return None
    asker = _Asker(engine, scope, analyzer)
    changes: list[Change] = []
    alone = not query.phrases
    for word in query.words:
        for run in _runs(analyzer.query_tokens(word.text), analyzer.stopwords):
            found = asker.chinese(run) if is_cjk(run[0].text[0]) else asker.latin(run[0])
            changes += [_cased(word.text, one, word.start) for one in found]
            changed = {place for one in found for place in range(one.start, one.end)}
            alone = alone and not any(
                len(token.text) > 1 and token.start not in changed and asker.good(token.text) for token in run
            )
    return Correction(tuple(changes), alone) if changes else None


def _cased(typed: str, change: Change, start: int) -> Change:
    """In capitals, if it was typed so, and counted from the beginning of the query."""
    text = change.text.upper() if typed[change.start : change.end].isupper() else change.text
    return change._replace(start=change.start + start, end=change.end + start, text=text)


def like(word: str, terms: Iterable[str], most: int) -> list[str]:
    """The terms of Latin letters alone that are one to `most` slips away (OSA: a letter wrong, missing, too many, or two
    neighbours changed round)."""
    lengths = range(len(word) - most, len(word) + most + 1)
    return [
        term
        for term in terms
        if len(term) in lengths
        and _LETTERS.fullmatch(term)
        and 1 <= OSA.distance(word, term, score_cutoff=most) <= most
    ]


def _runs(tokens: Iterable[Token], stopwords: frozenset[str]) -> Iterator[list[Token]]:
    """Neighbouring Chinese words, and each other word by itself, unless it says nothing."""
    run: list[Token] = []
    for token in tokens:
        if token.part:
            continue
        chinese = all(map(is_cjk, token.text)) and len(token.text) == token.end - token.start
        if run and not (chinese and run[-1].end == token.start):
            yield run
            run = []
        if chinese:
            run.append(token)
        elif token.text not in stopwords:
            yield [token]
    if run:
        yield run


class _Stretch:
    """Chinese words in a row, and for each character whether its word is known."""

    def __init__(self, tokens: Sequence[Token], known: Sequence[bool]) -> None:
        self.tokens = tokens
        self.start = tokens[0].start
        self.text = "".join(token.text for token in tokens)
        self.known = [flag for token, flag in zip(tokens, known, strict=True) for _ in token.text]
        self._standing = [token.text for token, flag in zip(tokens, known, strict=True) if flag and len(token.text) > 1]

    def stands(self, start: int, end: int, word: str) -> bool:
        """Is every known word still there when a word takes the place of these characters?"""
        corrected = self.text[:start] + word + self.text[end:]
        return all(known in corrected for known in self._standing)


class _Asker:
    """What one asker's texts have, asked once each."""

    def __init__(self, engine: Engine, scope: Scope, analyzer: Analyzer) -> None:
        self._engine, self._scope, self._analyzer = engine, scope, analyzer
        self._words: dict[str, int] = {}

    @property
    def _alike(self) -> Alike | None:
        return self._analyzer.alike

    def _count(self, words: Iterable[str]) -> dict[str, int]:
        """How many texts have each word?"""
        new = [word for word in dict.fromkeys(words) if word not in self._words]
        if new:
            self._words.update(zip(new, self._engine.known(new, self._scope), strict=True))
        return self._words

    def good(self, word: str) -> bool:
        """Does a text have the word, or one that means the same?"""
        meant = [word, *(other for other, weight in self._analyzer.synonyms(word).items() if weight != CORRECTION)]
        counts = self._count(meant)
        return any(counts[one] for one in meant)

    def _listed(self, word: str) -> list[str]:
        """What the dictionary says that this misspelling means."""
        return [other for other, weight in self._analyzer.synonyms(word).items() if weight == CORRECTION]

    def _meant(self, word: str) -> str | None:
        """The same, where it is what far more texts have."""
        listed = self._listed(word)
        counts = self._count([word, *listed])
        return next((other for other in listed if counts[other] >= max(1, _FAR_MORE * counts[word])), None)

    # Chinese

    def chinese(self, run: Sequence[Token]) -> list[Change]:
        """What to change in a run of words."""
        self._count(token.text for token in run)
        listed = {token: meant for token in run if (meant := self._meant(token.text))}
        changes = [
            Change(token.start, token.end, meant, sure=not self._words[token.text]) for token, meant in listed.items()
        ]
        known = [
            token in listed or token.text in self._analyzer.stopwords or (len(token.text) > 1 and self.good(token.text))
            for token in run
        ]
        stretch = _Stretch(run, known)
        suspect = self._suspect(stretch) if not all(known) else []
        if suspect and self._alike is not None:
            changes += self._unknown(stretch, suspect)
        return changes

    def _suspect(self, run: _Stretch) -> list[int]:
        """Where pairs begin that no text has."""
        places = [place for place in range(len(run.text) - 1) if not (run.known[place] and run.known[place + 1])]
        counts = self._engine.known([run.text[place : place + 2] for place in places], self._scope, pairs=True)
        return [place for place, count in zip(places, counts, strict=True) if not count]

    def _unknown(self, run: _Stretch, suspect: Sequence[int]) -> list[Change]:
        """Words for the characters around suspect pairs, none of them changed twice."""
        changes: list[Change] = []
        taken: set[int] = set()
        for start, end, word, unlike in self._ranked(run, suspect):
            places = set(range(start, end))
            if not places & taken:
                sure = unlike <= SAME_SOUND or (unlike <= NEAR_SOUND and len(word) > SHORTEST)
                changes.append(Change(run.start + start, run.start + end, word, sure=sure))
                taken |= places
        clear = {place for place, known in enumerate(run.known) if known} | taken
        # In a text that is strange all over, a word that is somewhat like a piece of it is an accident.
        explained = all({place, place + 1} <= clear for place in suspect)
        return changes if explained else [change for change in changes if change.sure]

    def _ranked(self, run: _Stretch, suspect: Sequence[int]) -> list[tuple[int, int, str, float]]:
        """Words for the characters around suspect pairs, the best first: the longer and the more alike, then what
        more texts have."""
        assert self._alike is not None
        spans = sorted({
            (start, end)
            for place in suspect
            for start in range(max(0, place + 1 - LONGEST), place + 1)
            for end in range(place + 2, min(len(run.text), start + LONGEST + 1) + 1)
        })  # fmt: skip
        offered = [
            (*spans[number], word, unlike)
            for number, word, unlike in self._alike.like([run.text[start:end] for start, end in spans])
            if run.stands(*spans[number], word)
            and not self._listed(word)
            and self._likely(run, *spans[number], word, unlike)
        ]
        counts = self._count(word for _, _, word, _ in offered)
        return sorted(
            (one for one in offered if counts[one[2]]),
            key=lambda one: (one[3] - len(one[2]), one[0] - one[1], -counts[one[2]], one[2], one[0]),
        )

    def _likely(self, run: _Stretch, start: int, end: int, word: str, unlike: float) -> bool:
        """A word of the trade is often meant; one of everyday speech, where a word of its sound is in shreds, and stands
        by itself if it is short: any two characters sound like some word."""
        piece = run.text[start:end]
        inside = [token.text for token in run.tokens if len(token.text) > 1 and token.text in piece]
        if word in self._analyzer.terms:
            meant = any(one == piece or self.good(one) for one in inside)
            return unlike <= NEAR_SOUND or _slipped(piece, word, meant=meant)
        return unlike <= SAME_SOUND and not inside and (len(word) > SHORTEST or piece == run.text)

    # Latin letters

    def latin(self, token: Token) -> list[Change]:
        """What to write instead of a Latin word or an identifier."""
        written = token.text
        if self.good(written):
            return []
        if _LETTERS.fullmatch(written) and SHORTEST_LATIN <= len(written) <= LONGEST_LATIN:
            if read := self._read(written):
                return [Change(token.start, token.end, read, automatic=False)]
            near = self._engine.near(written, 2 if len(written) >= LONG_LATIN else 1)
            if best := self._best(near, written):
                return [Change(token.start, token.end, best)]
        elif any(char.isdigit() for char in written) and (best := self._best(_variants(written), written)):
            return [Change(token.start, token.end, best, automatic=False)]
        return []

    def _best(self, words: Sequence[str], written: str) -> str | None:
        """The word the fewest slips away, of those the one that most texts have."""
        counts = self._count(words)
        known = [word for word in words if counts[word]]
        letters = sorted(written)  # the right ones in another order are the likeliest slip
        order = {word: (OSA.distance(word, written), sorted(word) != letters, -counts[word], word) for word in known}
        return min(known, key=order.__getitem__) if known else None

    def _read(self, written: str) -> str | None:
        """Letters that read as known words from beginning to end, as these words."""
        syllables = pinyin.split(written)
        if not syllables or len(syllables) < SHORTEST or self._alike is None:
            return None
        spans = [
            (start, end)
            for start in range(len(syllables))
            for end in range(start + SHORTEST, min(len(syllables), start + LONGEST) + 1)
        ]
        matches = self._alike.spelt([syllables[start:end] for start, end in spans])
        counts = self._count(match.word for match in matches)
        known = [match for match in matches if counts[match.word] and not self._listed(match.word)]
        best: dict[tuple[int, int], str] = {}
        for match in sorted(known, key=lambda match: counts[match.word]):
            best[spans[match.piece]] = match.word
        words: list[str] = []
        place = 0
        while place < len(syllables):  # the longest first
            ends = [end for start, end in best if start == place]
            if not ends:
                return None
            words.append(best[place, max(ends)])
            place = max(ends)
        return "".join(words)


def _slipped(piece: str, word: str, *, meant: bool) -> bool:
    """Could one be a slip for the other? Not what stands beside a word that is `meant`, and no slip leaves two
    characters; but a character may be typed twice."""
    if any(
        piece[:place] + piece[place + 1 :] == word and piece[place] == piece[place - 1]
        for place in range(1, len(piece))
    ):
        return True
    return len(word) > SHORTEST and not meant and set(piece) & _MEANING == set(word) & _MEANING


def _variants(written: str) -> list[str]:
    """An identifier with O and 0, and I, l and 1 taken for each other."""
    ways = product(*(_CONFUSED.get(char, char) for char in written))
    return ["".join(way) for way in islice(ways, 1, _MOST_VARIANTS)]
