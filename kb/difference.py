"""What does one version of a text say that another does not, word by word?

Pure. Sections are matched by their heading; within a section, text is cut into pieces by a callable that is handed in
(words, where there is a dictionary; characters otherwise), and the longest common runs stay (Ratcliff and Obershelp, as in
difflib). A section whose order among those that both have is another was moved.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kb import documents

Cut = Callable[[str], Sequence[str]]  # pieces that joined give the text again
LONGEST = 6_000  # pieces of a section that are compared word by word; beyond that, line by line
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_CHARACTERS = re.compile(r"[0-9A-Za-z_.\-/:]+|.", re.DOTALL)  # a code or a figure is one piece


class Mark(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class Piece:
    mark: Mark
    text: str


@dataclass(frozen=True)
class Section:
    """A section that one of both texts has, or both: what of it differs, and whether it stands elsewhere."""

    title: str
    pieces: tuple[Piece, ...]
    moved: bool = False

    @property
    def differs(self) -> bool:
        return self.moved or any(piece.mark is not Mark.SAME for piece in self.pieces)


def characters(text: str) -> list[str]:
    """The text in characters, but for codes and figures, which stay whole."""
    return _CHARACTERS.findall(text)


def compare(before: str, after: str, cut: Cut = characters) -> list[Piece]:
    """Pieces that joined without the added ones give `before`, and without the removed ones `after`."""
    old, new = list(cut(before)), list(cut(after))
    if max(len(old), len(new)) > LONGEST:
        old, new = _LINES.findall(before), _LINES.findall(after)
    pieces: list[Piece] = []
    for how, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if how == "equal":
            pieces.append(Piece(Mark.SAME, "".join(old[i:j])))
            continue
        if i < j:
            pieces.append(Piece(Mark.REMOVED, "".join(old[i:j])))
        if k < m:
            pieces.append(Piece(Mark.ADDED, "".join(new[k:m])))
    return pieces


def sections(before: str, after: str, cut: Cut = characters) -> list[Section]:
    """Both texts section by section, in the order of `after`, with those that are gone at the end."""
    old, new = _titled(before), _titled(after)
    shared_old = [title for title in old if title in new]
    shared_new = [title for title in new if title in old]
    stayed = {
        title
        for block in difflib.SequenceMatcher(None, shared_old, shared_new, autojunk=False).get_matching_blocks()
        for title in shared_old[block.a : block.a + block.size]
    }
    found = [
        Section(title, tuple(compare(old.get(title, ""), text, cut)), moved=title in old and title not in stayed)
        for title, text in new.items()
    ]
    return found + [Section(title, tuple(compare(text, "", cut))) for title, text in old.items() if title not in new]


def _titled(text: str) -> dict[str, str]:
    """Section texts by title; a second one of a title is a section of its own."""
    found: dict[str, str] = {}
    for section in documents.sections(text):
        title, number = section.title, 2
        while title in found:
            title, number = f"{section.title} ({number})", number + 1
        found[title] = section.text
    return found
