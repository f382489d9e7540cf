"""Does an entry fit what somebody has typed so far, and how well?"""

from __future__ import annotations

from dataclasses import dataclass

from indexer.analysis import Analyzer

SHORTEST_PINYIN = 2  # letters; one letter fits a tenth of all titles


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
        """Levels 1 and 2: a title or a symptom contains it, from the beginning of a word for Latin words."""
        return bool(self.text) and (f" {self.text}" if self.text[0].isascii() else self.text) in text

    def spelt(self, full: str, initials: str) -> bool:
        """Level 3: the title's pinyin or its initials contain it."""
        return bool(self.letters) and (self.letters in full or self.letters in initials)


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
