"""Does an entry fit what somebody has typed so far, and how well?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from indexer.analysis import Analyzer, is_cjk
from indexer.analysis.identifiers import LONGEST

SHORTEST_PINYIN = 2  # letters; one letter fits a tenth of all titles


class Gram(NamedTuple):
    """A pair of characters or an atom; where it is not `whole`, any that begins so."""

    text: str
    whole: bool


@dataclass(frozen=True)
class Typed:
    """What was typed, in the forms in which titles are compared. Empty forms fit nothing."""

    text: str
    letters: str

    @classmethod
    def read(cls, prefix: str, analyzer: Analyzer) -> Typed:
        letters = analyzer.key(prefix)
        return cls(
            analyzer.canonical(prefix[:100]).strip(),
            letters if letters.isascii() and letters.isalpha() and len(letters) >= SHORTEST_PINYIN else "",
        )

    def title_starts(self, title: str) -> bool:
        """Level 0: the title begins so."""
        return bool(self.text) and title.startswith(self.text)

    def occurs(self, text: str) -> bool:
        """Levels 1 and 2: a title or a symptom contains it, from the beginning of a word if that is not Chinese."""
        return bool(self.text) and (self.text if self.inside else f" {self.text}") in text

    def spelt(self, full: str, initials: str) -> bool:
        """Level 3: the title's pinyin or its initials contain it."""
        return bool(self.letters) and (self.letters in full or self.letters in initials)

    @property
    def inside(self) -> bool:
        """May it begin inside a run of characters?"""
        return is_cjk(self.text[:1])

    def grams(self) -> list[Gram]:
        """What a canonical text has that contains it: one gram begins at every character and at every atom."""
        units = self.text.split()
        found: list[Gram] = []
        for number, unit in enumerate(units):
            if is_cjk(unit[0]):
                found += [Gram("".join(pair), True) for pair in pairwise(unit)] or [Gram(unit, False)]
            else:
                found.append(Gram(unit[:LONGEST], whole=number < len(units) - 1))
        return found

    @property
    def one_gram(self) -> bool:
        """Does a text that has the grams contain it, whatever else it has?"""
        return bool(self.text) and " " not in self.text and len(self.text) <= (2 if self.inside else LONGEST)


LEVELS = 4


def level(typed: Typed, *, title: str, symptoms: str, full: str, initials: str) -> int | None:
    """How well does an entry fit, 0 best; None when it does not. Texts are canonical."""
    if typed.title_starts(title.strip()):
        return 0
    if typed.occurs(title):
        return 1
    if typed.occurs(symptoms):
        return 2
    return 3 if typed.spelt(full, initials) else None
