"""What does an engine keep of a document?

Each document has seven faces (title, symptoms, tags, body, lead, captured words, staff text) and is found in three
spaces: words, grams (pairs of characters) and pinyin. In a space, a term has one count per face. Text is cut once,
here, for every engine.

The face `lead` is how the body begins, once more: there a text says what it is about.

The face `captured` is hidden: it holds words of people whose incidents the entry solved. It takes part in words and
grams, and a term counts there once, however often it was said. Its text is not kept, so phrases do not see it, and
nothing of it can be quoted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from indexer.analysis import Analyzer
from indexer.document import IndexDocument
from indexer.engines.base import Scope
from indexer.query import Filter, years

FACES = ("title", "symptoms", "tags", "body", "lead", "captured", "staff")
STAFF = FACES.index("staff")
UNKEPT = (FACES.index("lead"), FACES.index("captured"))  # a term counts once there, and no text is kept
QUOTED = tuple(face for face in range(len(FACES)) if face not in UNKEPT)  # in which phrases are looked for
_ITEMS = ("symptoms", "tags", "captured")  # a line each: a phrase, or a pair of characters, does not run into the next
LEAD = 40  # characters of the body
MOST = 65_535  # a count is kept in 16 bits; nothing real comes near
_BITS = 16
EVERYWHERE = "不限"  # stands as the district of what names none
SEVERAL = {"device": "devices", "district": "districts"}  # facets of which a document may have several values


class Space(StrEnum):
    """Where a term is looked for."""

    WORDS = "words"
    GRAMS = "grams"
    PINYIN = "pinyin"


@dataclass(frozen=True)
class Card:
    """The attributes of a document that filtering, trimming, counting and ordering need, without its text."""

    id: str
    version: int
    title: str
    kind: str
    category: str
    devices: tuple[str, ...]
    districts: tuple[str, ...]  # EVERYWHERE, where it names none
    codes: tuple[str, ...]
    audience: str
    owner_group: str
    updated: int  # days since year 1; 0 is unknown
    reused: int  # with `confidence` and `updated` what `ranking.prior` goes by
    confidence: str
    year: str  # of `updated`; "" is unknown
    keys: frozenset[str]  # typed alone or within a query, these mean this document: see `Plan.keys`
    filter_keys: tuple[str, frozenset[str], frozenset[str], frozenset[str]]  # of the id, devices, codes, districts

    def visible(self, scope: Scope) -> bool:
        """May the asker know of this document?"""
        return scope.allows(id=self.id, audience=self.audience, owner_group=self.owner_group)

    def passes(self, condition: Filter, keys: frozenset[str]) -> bool:
        """Does the document have one of the filter's values? `keys` are the values in their comparable form."""
        match condition.field:
            case "kind":
                return self.kind in condition.values
            case "category":  # 数字电视 holds for 数字电视/机顶盒, and so does 机顶盒 alone
                path = self.category.split("/")
                above = {"/".join(path[:depth]) for depth in range(1, len(path) + 1)}
                return not above.union(path).isdisjoint(condition.values)
            case "audience":
                return self.audience in condition.values
            case "group":
                return self.owner_group in condition.values
            case "id":
                return self.filter_keys[0] in keys
            case "device":
                return bool(self.filter_keys[1] & keys)
            case "code":
                return bool(self.filter_keys[2] & keys)
            case "district":
                return bool(self.filter_keys[3] & keys)
            case "year":
                return bool(self.year) and any(
                    first <= int(self.year) <= last for first, last in map(years, condition.values)
                )
        return False

    def facet(self, name: str) -> tuple[str, ...]:
        """The values under which the document is counted."""
        if name in SEVERAL:
            return tuple(dict.fromkeys(getattr(self, SEVERAL[name])))
        value = str(getattr(self, name))
        return (value,) if value else ()


@dataclass(frozen=True)
class Projection:
    """A document cut into terms. `counts[space][term]` is one number a face, packed as `row` unpacks them."""

    card: Card
    counts: dict[Space, dict[str, int]]
    lengths: dict[Space, tuple[int, ...]]
    texts: tuple[str, ...]  # the canonical text of each face that is kept: phrases are looked for in it
    spelt: tuple[str, str]  # the title in full pinyin and in initials


def card(document: IndexDocument, analyzer: Analyzer) -> Card:
    """The attributes of a document in the form in which they are compared."""
    key = analyzer.key
    codes = frozenset(map(key, document.codes))
    devices = frozenset(map(key, document.devices))
    # 机顶盒 is a kind of device and says little; HG8245H is a model and says everything.
    districts = document.districts or (EVERYWHERE,)
    models = {name for name in devices if any(char.isdigit() for char in name)}
    return Card(
        id=document.id,
        version=document.version,
        title=document.title,
        kind=document.kind,
        category=document.category,
        devices=document.devices,
        districts=districts,
        codes=document.codes,
        audience=document.audience,
        owner_group=document.owner_group,
        updated=document.updated.toordinal() if document.updated else 0,
        reused=min(document.reused, MOST),
        confidence=document.confidence,
        year=str(document.updated.year) if document.updated else "",
        keys=(frozenset({key(document.id), key(document.title)}) | codes | models) - {""},
        filter_keys=(key(document.id), devices, codes, frozenset(map(key, districts))),
    )


def faces_of(document: IndexDocument) -> tuple[str, ...]:
    """The text of each face; symptoms, tags and captured words are items, a line each."""
    return (
        document.title,
        "\n".join(document.symptoms),
        "\n".join((*document.devices, *document.codes, document.category.replace("/", "\n"))),
        document.body,
        lead(document),
        "\n".join(document.captured),
        document.staff_body,
    )


def lead(document: IndexDocument) -> str:
    """How the body begins, after the title if that is repeated; nothing where symptoms say what it is about."""
    body = document.body.lstrip()
    return "" if document.symptoms else body.removeprefix(document.title).lstrip()[:LEAD]


def project(document: IndexDocument, analyzer: Analyzer) -> Projection:
    """Cut a document into terms, each text once."""
    faces = faces_of(document)
    counts: dict[Space, dict[str, int]] = {space: {} for space in Space}
    lengths = {space: [0] * len(FACES) for space in Space}
    texts = [
        " \n ".join(analyzer.canonical(line) for line in face.split("\n"))
        if FACES[number] in _ITEMS
        else analyzer.canonical(face)
        for number, face in enumerate(faces)
    ]
    for number, face in enumerate(faces):
        found = {Space.WORDS: analyzer.counts(face), Space.GRAMS: analyzer.gram_counts(texts[number])}
        for space, (terms, length) in found.items():
            _add(counts[space], dict.fromkeys(terms, 1) if number in UNKEPT else terms, number)
            lengths[space][number] = length
        if FACES[number] in ("title", "symptoms"):
            # A word's reading counts once a text: how often it is said is the business of the words.
            _add(counts[Space.PINYIN], dict.fromkeys((token.text for token in analyzer.pinyin(face)), 1), number)
    return Projection(
        card(document, analyzer),
        counts,
        {space: tuple(values) for space, values in lengths.items()},
        tuple("" if number in UNKEPT else text for number, text in enumerate(texts)),
        analyzer.spelt(document.title),
    )


def _add(counts: dict[str, int], terms: Mapping[str, int], face: int) -> None:
    shift = _BITS * face
    if terms and max(terms.values()) > MOST:
        terms = {term: min(count, MOST) for term, count in terms.items()}
    if not counts:
        counts.update((term, count << shift) for term, count in terms.items())
        return
    known = counts.get
    for term, count in terms.items():
        counts[term] = known(term, 0) | count << shift


def row(packed: int) -> tuple[int, ...]:
    """The counts of a term in each face."""
    return tuple(packed >> _BITS * face & MOST for face in range(len(FACES)))


def packed(counts: Sequence[int]) -> int:
    """And back."""
    return sum(count << _BITS * face for face, count in enumerate(counts))
