"""How is a Chinese text typed by somebody who leaves the input method off?

Full pinyin as pairs of syllables, which meet across word boundaries, and initials of words and of neighbouring
words: 机顶盒 is found by `jidinghe` and by `jdh`.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST_INITIALS = 8  # letters; more than a title's worth is no abbreviation
_LATIN = re.compile(r"^[a-zü' ]+$")
# The 410 syllables of standard Chinese by initial and final, spelt out from the official table.
_FINALS = {
    "": "a ai an ang ao e ei en eng er o ou wa wai wan wang wei wen weng wo wu ya yan yang yao ye yi yin ying yo yong "
    "you yu yuan yue yun",
    "b": "a ai an ang ao ei en eng i ian iao ie in ing o u",
    "p": "a ai an ang ao ei en eng i ian iao ie in ing o ou u",
    "m": "a ai an ang ao e ei en eng i ian iao ie in ing iu o ou u",
    "f": "a an ang ei en eng o ou u",
    "d": "a ai an ang ao e ei en eng i ia ian iao ie ing iu ong ou u uan ui un uo",
    "t": "a ai an ang ao e eng i ian iao ie ing ong ou u uan ui un uo",
    "n": "a ai an ang ao e ei en eng i ian iang iao ie in ing iu ong ou u uan uo v ve ue",
    "l": "a ai an ang ao e ei eng i ia ian iang iao ie in ing iu o ong ou u uan un uo v ve ue",
    "g": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "k": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "h": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "j": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "q": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "x": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "zh": "a ai an ang ao e ei en eng i ong ou u ua uai uan uang ui un uo",
    "ch": "a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo",
    "sh": "a ai an ang ao e ei en eng i ou u ua uai uan uang ui un uo",
    "r": "an ang ao e en eng i ong ou u uan ui un uo",
    "z": "a ai an ang ao e ei en eng i ong ou u uan ui un uo",
    "c": "a ai an ang ao e en eng i ong ou u uan ui un uo",
    "s": "a ai an ang ao e en eng i ong ou u uan ui un uo",
}
SYLLABLES = frozenset(initial + final for initial, finals in _FINALS.items() for final in finals.split())
_LONGEST = max(map(len, SYLLABLES))


@lru_cache(maxsize=20_000)
def syllables(word: str) -> tuple[str, ...]:
    """The reading of each character, without tones; one syllable a character."""
    from pypinyin import Style, lazy_pinyin  # half a second, which a query in Chinese need not wait for

    read = lazy_pinyin(word, style=Style.NORMAL)
    if len(read) != len(word):  # pypinyin keeps what it cannot read (kana, say) in one piece
        read = [lazy_pinyin(char, style=Style.NORMAL)[0] for char in word]
    return tuple(read)


def readings(char: str) -> tuple[str, ...]:
    """The ways to read one character, without tones, the most usual first."""
    from pypinyin import Style, pinyin

    return tuple(dict.fromkeys(pinyin(char, style=Style.NORMAL, heteronym=True)[0]))


@lru_cache(maxsize=2_000)
def split(typed: str) -> tuple[str, ...] | None:
    """Typed letters as syllables, the longest first; None when they are no pinyin."""
    typed = typed.replace("'", " ").replace("ü", "v")
    if not _LATIN.match(typed) or len(typed) > 100:
        return None
    found: list[str] = []
    for chunk in typed.split():
        ways: list[tuple[str, ...] | None] = [()] + [None] * len(chunk)
        for end in range(1, len(chunk) + 1):
            for start in range(max(0, end - _LONGEST), end):
                before = ways[start]
                if before is not None and chunk[start:end] in SYLLABLES:
                    way = (*before, chunk[start:end])
                    known = ways[end]
                    if known is None or len(way) < len(known):
                        ways[end] = way
        last = ways[-1]
        if last is None:
            return None
        found += last
    return tuple(found)


def could_be_initials(typed: str) -> bool:
    """Could these letters be the initials of Chinese words? No word starts with i, u or v."""
    return typed.isascii() and typed.isalpha() and 2 <= len(typed) <= LONGEST_INITIALS and not set(typed) & set("iuv")
