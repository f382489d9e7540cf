"""Under which terms is a text found, and where in the text does each term stand?

One analyzer, two modes: `index_tokens` adds sub-words and parts, `query_tokens` cuts precisely. Beside the words
stand two weaker readings, `grams` (pairs of characters) and `pinyin`. Nothing outside this package imports jieba.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property, lru_cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from indexer.analysis import alike, dictionary, identifiers, pinyin
from indexer.analysis.alike import Alike
from indexer.analysis.lexicon import Lexicon
from indexer.analysis.normalise import CJK, Normalised, normalise
from indexer.analysis.words import Words

__all__ = ["Analyzer", "Token"]

log = logging.getLogger(__name__)

CODE_VERSION = 2  # raise it whenever a text yields other terms: an index built before then asks to be rebuilt
_LIBRARIES = ("jieba", "opencc", "pypinyin")
_SHORT, _REMEMBERED = 64, 4_096  # characters of a text, and how many texts
_IDENTIFIERS = 20_000
_GAP = re.compile(r"\s+")


class Token(NamedTuple):
    """A term and where it stands: `start` and `end` are characters of the original text. `part` marks a sub-word
    or a part of an identifier, which shares the position of the whole."""

    text: str
    position: int
    start: int
    end: int
    part: bool = False


class Counts(NamedTuple):
    """How often each term occurs in a text, and how many positions the text has."""

    terms: Counter[str]
    length: int


class Analyzer:
    """Turns text into terms. Loads its dictionary at the first text; safe to share between threads."""

    def __init__(self, dictionary_dir: Path, cache_dir: Path) -> None:
        self.dictionary_dir, self.cache_dir = dictionary_dir, cache_dir
        self._dictionary = dictionary.read(dictionary_dir)
        self._words = Words(self._dictionary.han, cache_dir)
        named = " ".join((*map(version, _LIBRARIES), str(alike.FORMAT), *self._dictionary.han)).encode()
        self._alike_path = cache_dir / f"alike-{hashlib.sha256(named).hexdigest()[:16]}.bin"
        self._alike: Alike | None = None
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._counts)
        self.inside = lru_cache(maxsize=_IDENTIFIERS)(self._inside)
        # CA卡 and HDMI线 are one word each, so they are looked for before script is told from script.
        mixed = "|".join(map(re.escape, self._dictionary.mixed))
        head = f"(?P<mixed>(?<![a-z0-9])(?:{mixed})(?![a-z0-9]))|" if mixed else "(?P<mixed>(?!))|"
        self._runs = re.compile(head + f"(?P<han>[{CJK}]+)|(?P<latin>{identifiers.IDENTIFIER.pattern})")

    def load(self) -> None:
        """Load dictionaries now (1.7 s, 89 MB) instead of at the first text: call it before forking."""
        self._words.load()

    @cached_property
    def lexicon(self) -> Lexicon | None:
        """What the native collector cuts by; None without the native library."""
        words = self._words.compiled
        return words and Lexicon(words, self._dictionary.mixed)

    @property
    def alike(self) -> Alike | None:
        """The words that are offered instead of what was mistyped; None until somebody has called `prepare_alike`."""
        if self._alike is None:
            with suppress(OSError):
                self._alike = Alike(self._alike_path)
        return self._alike

    def prepare_alike(self) -> None:
        """Make the file behind `alike` if there is none for this dictionary: three seconds, so no search does it."""
        if self._alike_path.exists():
            return
        try:
            self.load()
            alike.write(self._words.vocabulary(), self._dictionary.terms, self._alike_path)
        except OSError as exc:
            log.warning("nothing is offered instead of mistyped words: %s", exc)

    def fingerprint(self) -> str:
        """Changes whenever the same text could yield other terms: code, the words of the cut or a library. Synonyms and
        stop words do not count: they matter to queries alone."""
        libraries = " ".join(f"{name}={version(name)}" for name in _LIBRARIES)
        return f"{CODE_VERSION}-{hashlib.sha256(f'{self._dictionary.cut} {libraries}'.encode()).hexdigest()[:12]}"

    @property
    def digest(self) -> str:
        """Names all that the dictionary says, synonyms and stop words too."""
        return self._dictionary.digest

    @property
    def words(self) -> frozenset[str]:
        """The words of the dictionary by which texts are cut."""
        return self._dictionary.terms

    def knows(self, word: str) -> bool:
        """Does a query that consists of this word hold it as one word? Otherwise no synonym of it is ever looked up."""
        return [token.text for token in self.query_tokens(word) if not token.part] == [normalise(word.strip()).text]

    @property
    def stopwords(self) -> frozenset[str]:
        """Words that say nothing in a query: 请问, 怎么办."""
        return self._dictionary.stopwords

    @property
    def terms(self) -> frozenset[str]:
        """The words of this trade, among all that the analyzer knows."""
        return self._dictionary.terms

    def synonyms(self, term: str) -> dict[str, float]:
        """What else to look for when `term` was typed, with how much of the word itself it counts (0 to 1)."""
        return self._dictionary.synonyms.get(term, {})

    def index_tokens(self, text: str) -> list[Token]:
        """All terms of a text to be found: words, sub-words, identifiers whole and in parts."""
        return list(self._tokens(text, inside=True))

    def query_tokens(self, text: str) -> list[Token]:
        """The terms of a query: words cut precisely; an identifier is followed by its parts, marked as such."""
        return list(self._tokens(text, inside=False))

    def counts(self, text: str) -> Counts:
        """The terms of `index_tokens`, counted; much faster where positions are not wanted. Not to be changed: short
        texts (device names, paths of categories) come again and again and are remembered."""
        return self._remembered(text) if len(text) <= _SHORT else self._counts(text)

    def _counts(self, text: str) -> Counts:
        terms: Counter[str] = Counter()
        length = 0
        form = normalise(text)
        for found in self._runs.finditer(form.text):
            if found.lastgroup == "han":
                words = self._words.cut(found.group())
                terms.update(words)
                length += len(words)
                for word in words:
                    if len(word) > 2:
                        terms.update(part for part, _ in self._words.inside(word))
            else:
                length += 1
                terms.update(token.text for token in self._one(form, found, 0, text, inside=True))
        return Counts(terms, length)

    def _inside(self, written: str) -> bytes:
        """The index terms of one identifier or word in two scripts, in UTF-8, each closed by a line feed."""
        form = normalise(written).text
        names = _mixed(form) if _IS_CJK.search(form) else identifiers.names(form, written)
        return "".join(f"{name}\n" for name in names).encode()

    def _tokens(self, text: str, *, inside: bool) -> Iterator[Token]:
        form = normalise(text)
        position = 0
        for found in self._runs.finditer(form.text):
            if found.lastgroup != "han":
                yield from self._one(form, found, position, text, inside=inside)
                position += 1
                continue
            place = found.start()
            for word in self._words.cut(found.group()):
                yield Token(word, position, *form.origin(place, place + len(word)))
                if inside:
                    for part, offset in self._words.inside(word):
                        start = place + offset
                        yield Token(part, position, *form.origin(start, start + len(part)), True)
                position += 1
                place += len(word)

    def _one(
        self, form: Normalised, found: re.Match[str], position: int, text: str, *, inside: bool
    ) -> Iterator[Token]:
        """The terms of an identifier or of a word in two scripts; all at one position."""
        written = found.group()
        span = form.origin(found.start(), found.end())
        if found.lastgroup == "mixed":
            for number, name in enumerate(_mixed(written)):
                yield Token(name, position, *span, number > 0)
            return
        # An index holds class names as words too; a query that names a class means the class.
        names = identifiers.names(written, text[slice(*span)] if inside else "")
        joined = identifiers.whole(written)
        for name in names:
            at = written.find(name) if name != joined else -1
            within = form.origin(found.start() + at, found.start() + at + len(name)) if at >= 0 else span
            yield Token(name, position, *within, name != joined)

    def canonical(self, text: str) -> str:
        """The text as phrases see it: Chinese unbroken across line ends, letters and digits apart, one space
        wherever something else stood, and one at either end."""
        return " " + " ".join(unit for unit, _ in self._units(normalise(text).text)) + " "

    def phrase(self, text: str) -> str:
        """What to look for in `canonical` texts so that they contain the phrase; empty when nothing is left."""
        units = [unit for unit, _ in self._units(normalise(text).text)]
        if not units:
            return ""
        # A phrase may begin and end inside a run of Chinese, never inside a Latin word or a number.
        head = "" if is_cjk(units[0][0]) else " "
        tail = "" if is_cjk(units[-1][0]) else " "
        return head + " ".join(units) + tail

    def grams(self, text: str) -> list[Token]:
        """Pairs of characters, a run's last character alone, and the atoms of Latin words: one token begins at
        every character, so a phrase is a sequence of tokens whatever the words are."""
        form = normalise(text)
        tokens: list[Token] = []
        for unit, places in self._units(form.text):
            if not is_cjk(unit[0]):
                tokens.append(Token(unit, len(tokens), *form.origin(places[0], places[-1] + 1)))
                continue
            for index, place in enumerate(places):
                last = places[min(index + 1, len(places) - 1)]
                tokens.append(Token(unit[index : index + 2], len(tokens), *form.origin(place, last + 1)))
        return tokens

    def gram_counts(self, canonical: str) -> Counts:
        """The terms of `grams`, counted, from a canonical text; an atom is cut to the longest term."""
        terms: Counter[str] = Counter()
        length = 0
        for unit in canonical.split():
            if is_cjk(unit[0]):
                terms.update(map("".join, pairwise(unit)))
                terms[unit[-1]] += 1
                length += len(unit)
            else:
                terms[unit[: identifiers.LONGEST]] += 1
                length += 1
        return Counts(terms, length)

    def _units(self, text: str) -> Iterator[tuple[str, list[int]]]:
        """Runs of Chinese and atoms of Latin words in normalised text, with the place of each character."""
        run: list[str] = []
        places: list[int] = []
        end = 0
        for found in _UNIT.finditer(text):
            gap = text[end : found.start()]
            end = found.end()
            if found.lastgroup == "han" and (not run or not gap or _GAP.fullmatch(gap)):
                run.append(found.group())
                places.extend(range(found.start(), end))
                continue
            if run:
                yield "".join(run), places
                run, places = [], []
            if found.lastgroup == "han":
                run, places = [found.group()], list(range(found.start(), end))
                continue
            at = found.start()
            for atom in identifiers.atoms(found.group()):
                yield atom, list(range(at, at + len(atom)))
                at += len(atom)
        if run:
            yield "".join(run), places

    def pinyin(self, text: str) -> list[Token]:
        """How the Chinese of a text is typed in Latin letters: pairs of syllables, initials of words."""
        form = normalise(text)
        tokens: list[Token] = []
        for found in re.finditer(f"[{CJK}]+", form.text):
            words = self._words.cut(found.group())
            read = [syllable for word in words for syllable in pinyin.syllables(word)]
            base = found.start()
            for index in range(len(read) - 1):
                span = form.origin(base + index, base + index + 2)
                tokens.append(Token(f"{read[index]} {read[index + 1]}", base + index, *span))
            starts = [0]
            for word in words:
                starts.append(starts[-1] + len(word))
            for first in range(len(words)):
                for last in range(first, min(first + 3, len(words))):
                    low, high = starts[first], starts[last + 1]
                    if 2 <= high - low <= pinyin.LONGEST_INITIALS:
                        initials = "".join(syllable[:1] for syllable in read[low:high])
                        tokens.append(Token(initials, base + low, *form.origin(base + low, base + high), last > first))
        return tokens

    def pinyin_terms(self, typed: str) -> list[tuple[str, ...]]:
        """The ways to read Latin letters as pinyin; a text must contain all terms of one way."""
        typed = normalise(typed).text.strip()
        ways: list[tuple[str, ...]] = []
        read = pinyin.split(typed)
        if read and len(read) > 1:
            ways.append(tuple(f"{one} {two}" for one, two in pairwise(read)))
        if pinyin.could_be_initials(typed):
            ways.append((typed,))
        return ways

    def spelt(self, text: str) -> tuple[str, str]:
        """A short text as typed while looking for it: its full pinyin and its initials, Latin letters as they are."""
        full: list[str] = []
        short: list[str] = []
        for found in self._runs.finditer(normalise(text).text):
            for word in self._words.cut(found.group()) if found.lastgroup == "han" else (found.group(),):
                read = pinyin.syllables(word) if is_cjk(word[0]) else (word,)
                full += read
                short += [syllable[:1] for syllable in read] if is_cjk(word[0]) else read
        return "".join(full), "".join(short)

    def reading(self, word: str) -> tuple[bytes, bytes]:
        """A word in its one form, and its syllables, one a character, each closed by a line feed; both in UTF-8."""
        form = normalise(word).text
        return form.encode(), "".join(f"{syllable}\n" for syllable in pinyin.syllables(form)).encode()

    def key(self, text: str) -> str:
        """Equal for texts that differ only in case, width, script, spaces and punctuation."""
        return "".join(_KEY.findall(normalise(text).text))


def _mixed(written: str) -> tuple[str, ...]:
    """The terms of a word in two scripts."""
    return written, *map(identifiers.whole, _SCRIPTS.findall(written))


_KEY = re.compile(r"[^\W_]+")
_SCRIPTS = re.compile(f"[{CJK}]+|[^{CJK}]+")
_UNIT = re.compile(f"(?P<han>[{CJK}]+)|(?P<latin>[^\\W_{CJK}]+)")


def is_cjk(char: str) -> bool:
    """Is this a character of a script written without spaces?"""
    return bool(_IS_CJK.match(char))


_IS_CJK = re.compile(f"[{CJK}]")
