"""Which words does this trade use, which of them mean the same, and which mean nothing in a search?

Reads `terms.txt` (a word a line, jieba's form), `synonyms.txt` (`a,b,c` groups, `x,y => z` one-way; a comment with
[宽] marks the next group as broad) and `stopwords.txt` from the dictionary folder. A line of synonyms may end in
`| query` (its words do not become words of the cut) and in `| 0.5` (its weight).

Synonyms are looked up for a query alone, stop words too. So what an index holds depends on the words of the cut and on
nothing else in here: `cut` names them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from indexer.analysis.normalise import CJK, normalise

FILES = ("terms.txt", "synonyms.txt", "stopwords.txt")
# How much of the word itself a stand-in counts. A synonym must not outrank the word that was typed.
SYNONYM = 0.8
CORRECTION = 0.9  # a misspelling's right form is nearly the word itself
QUERY_SIDE = "query"
BROAD = 0.5  # 盒子 may be a set-top box, or any box
# Display codes mean different things for different conditional-access vendors: never synonyms.
_DISPLAY_CODE = re.compile(r"^e\d+$")
_CJK_ONLY = re.compile(f"^[{CJK}]+$")


@dataclass(frozen=True)
class Dictionary:
    """The three files, read and normalised."""

    terms: frozenset[str]
    synonyms: dict[str, dict[str, float]]
    stopwords: frozenset[str]
    digest: str  # of all that the files say
    cut: str  # of the words by which texts are cut: dictionaries that agree in it make the same index
    mixed: tuple[str, ...] = field(default=())

    @property
    def han(self) -> list[str]:
        """Words that the segmenter must know, in a stable order."""
        return sorted(term for term in self.terms if len(term) > 1 and _CJK_ONLY.match(term))


def read(folder: Path) -> Dictionary:
    """Read the dictionary folder; a missing file is an empty one, so that a bare installation searches."""
    texts = {name: (folder / name).read_text("utf-8") if (folder / name).is_file() else "" for name in FILES}
    digest = hashlib.sha256("\x00".join(texts[name] for name in FILES).encode()).hexdigest()[:12]
    terms = {_form(line.split()[0]) for line in texts["terms.txt"].splitlines() if line.split()[:1]}
    synonyms, members = _synonyms(texts["synonyms.txt"])
    terms |= members
    stopwords = {_form(word) for line in texts["stopwords.txt"].splitlines() for word in _bare(line).split()}
    mixed = {term for term in terms if re.search(f"[{CJK}]", term) and not _CJK_ONLY.match(term) and " " not in term}
    return Dictionary(
        frozenset(terms),
        synonyms,
        frozenset(stopwords),
        digest,
        hashlib.sha256("\n".join(sorted(terms)).encode()).hexdigest()[:12],
        tuple(sorted(mixed, key=lambda term: (-len(term), term))),
    )


def _form(word: str) -> str:
    return normalise(word.strip()).text


def _bare(line: str) -> str:
    return line.partition("#")[0]


def _synonyms(text: str) -> tuple[dict[str, dict[str, float]], set[str]]:
    """Word -> its stand-ins with their weights, and every word that occurs."""
    weights: dict[str, dict[str, float]] = {}
    members: set[str] = set()
    broad = False
    for line in text.splitlines():
        if line.startswith("#"):
            broad = broad or ("[宽]" in line and "建议" not in line)
            continue
        if not line.strip():
            continue
        said, *options = (part.strip() for part in line.split("|"))
        left, arrow, right = said.partition("=>")
        sources, targets = _words(left), _words(right) if arrow else _words(left)
        weight = CORRECTION if arrow else BROAD if broad else SYNONYM
        weight = next((float(option) for option in options if option != QUERY_SIDE), weight)
        for source in sources:
            for target in targets:
                if source != target:
                    known = weights.setdefault(source, {})
                    known[target] = max(weight, known.get(target, 0.0))
        if QUERY_SIDE not in options:
            members.update(sources, targets)
        broad = False
    return weights, members


def _words(text: str) -> list[str]:
    words = [_form(word) for word in text.split(",") if word.strip()]
    return [word for word in words if not _DISPLAY_CODE.match(word)]
