"""Under which terms is an identifier found: whole, and in which parts?

Error codes, models, addresses, versions and class names are what operations people copy and paste. Each is kept
whole in one spelling, and its parts stand at the same position: HG-8245H is found by hg8245h, hg8245 and 8245.
"""

from __future__ import annotations

import re
from functools import lru_cache

from indexer.analysis.normalise import CJK

LONGEST = 64  # characters of a term; a longer run is a hash or a token and is found by its parts only
JOINTS = "-_./:@+'"
_PIECE = f"[^\\W_{CJK}]+"
# Pieces joined by separators inside one word; c++ and c# are words of their own.
IDENTIFIER = re.compile(f"{_PIECE}(?:[{JOINTS}]{{1,3}}{_PIECE})*(?:\\+\\+|#)?")
_PIECES = re.compile(_PIECE)
_ATOMS = re.compile(r"\d+|[^\W\d_]+")
_MAC = re.compile(r"^(?:[0-9a-f]{2}[-:]){5}[0-9a-f]{2}$|^(?:[0-9a-f]{4}[.:-]){2}[0-9a-f]{4}$")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_DROPPED = re.compile("[-_']")


@lru_cache(maxsize=20_000)
def whole(written: str) -> str:
    """The one spelling of an identifier, normalised text given: ora-12541 -> ora12541, 10.0.3.17 as it is."""
    if _MAC.match(written):
        return re.sub("[-:.]", "", written)
    if re.fullmatch(r"[\d-]+", written):
        return written  # 1-2 is not 12
    return _DROPPED.sub("", written)


def names(written: str, original: str = "") -> tuple[str, ...]:
    """All terms of a normalised identifier, the whole first unless it is too long for a term; with the words inside a
    class name, if it is given as it was written."""
    joined = whole(written)
    too_long = len(written) > LONGEST
    found = dict.fromkeys((joined, *parts(written), *(() if too_long else camel(original))))
    if too_long:
        del found[joined]
    return tuple(found)


@lru_cache(maxsize=20_000)
def parts(written: str) -> tuple[str, ...]:
    """The parts under which a normalised identifier is found too, without the whole, in order."""
    found: dict[str, None] = {}
    pieces = _PIECES.findall(written)
    if len(pieces) > 1:
        found.update(dict.fromkeys(pieces))
        if "." in written and any(char.isdigit() for char in written):
            dotted = written.split(".")
            # A prefix of an address is its network, a prefix of a version its line.
            found.update(dict.fromkeys(".".join(dotted[:count]) for count in range(2, len(dotted))))
    if re.fullmatch(r"v\d[\d.]*", written):
        found[written[1:]] = None
        dotted = written[1:].split(".")
        found.update(dict.fromkeys(".".join(dotted[:count]) for count in range(2, len(dotted))))
    joined = whole(written)
    if _MAC.match(written):
        return tuple(found)  # its parts are bytes, not models
    for piece in (*pieces, *([joined] if joined.isalnum() and len(pieces) > 1 else [])):
        cut = atoms(piece)
        if len(cut) > 1:
            found.update(dict.fromkeys(atom for atom in cut if len(atom) > 1))
            found.update(dict.fromkeys("".join(cut[:count]) for count in range(2, len(cut))))
    found.pop(joined, None)
    return tuple(part for part in found if len(part) <= LONGEST)


def camel(original: str) -> tuple[str, ...]:
    """The words inside NullPointerException, lower-cased; empty for words of one case."""
    if original.islower() or original.isupper() or not original.isascii() or not 4 <= len(original) <= LONGEST:
        return ()
    humps = _CAMEL.findall(original)
    return tuple(hump.lower() for hump in humps if len(hump) > 2) if len(humps) > 1 else ()


def atoms(piece: str) -> list[str]:
    """A run of letters and digits cut where they meet: hg8245h -> hg, 8245, h."""
    return _ATOMS.findall(piece) or [piece]
