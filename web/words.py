"""How is a text cut into words, and how is a character read, for pages that compare texts?"""

from __future__ import annotations

from collections.abc import Sequence

from indexer.analysis import pinyin
from kb import difference
from web.context import services


def cut(text: str) -> list[str]:
    """The text in words, and what stands between them; joined they are the text again."""
    pieces: list[str] = []
    at = 0
    for token in services().generations.analyzer.query_tokens(text):
        if token.part or token.start < at:
            continue
        pieces += difference.characters(text[at : token.start])
        pieces.append(text[token.start : token.end])
        at = token.end
    return pieces + difference.characters(text[at:])


def words(text: str) -> set[str]:
    """What the text says, without stop words and single characters."""
    analyzer = services().generations.analyzer
    return {
        token.text
        for token in analyzer.query_tokens(text)
        if not token.part and len(token.text) > 1 and token.text not in analyzer.stopwords
    }


def sounds(char: str) -> Sequence[str]:
    """The ways to read a character."""
    return pinyin.readings(char)
