"""What has to be looked up to answer a query? The same for every engine.

Plain words become concepts: a word with its synonyms, pooled as if they were one word. Any concept may match; the
more of them a document has, the higher it stands. Phrases and what follows a minus are conditions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from indexer.analysis import Analyzer, is_cjk
from indexer.query import Filter, Query
from indexer.ranking import Parameters

MOST_CONCEPTS = 64  # a pasted log has hundreds of words, and its first and its identifiers say what it is about
MOST_GRAMS = 96


@dataclass(frozen=True)
class Concept:
    """Terms that mean one thing, each with how much it counts (1 is what was typed); `weight` is the whole's."""

    terms: tuple[tuple[str, float], ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Condition:
    """A filter with its values in the form in which cards compare them."""

    filter: Filter
    keys: frozenset[str]
    negated: bool

    def __str__(self) -> str:
        return f"{'-' * self.negated}{self.filter.field}:{','.join(self.filter.values)}"


@dataclass(frozen=True)
class Plan:
    """What to look up. `keys` are the whole query and the identifiers in it, in comparable form."""

    concepts: tuple[Concept, ...]
    grams: tuple[Concept, ...]
    pinyin: tuple[tuple[Concept, ...], ...]
    required: tuple[str, ...]
    forbidden: tuple[str, ...]
    conditions: tuple[Condition, ...]
    keys: frozenset[str]

    @property
    def by_words(self) -> bool:
        """Was anything typed that documents are ranked by? Otherwise conditions alone choose."""
        return bool(self.concepts)

    @property
    def nothing(self) -> bool:
        """Does the plan ask for nothing at all? It then has no hits, rather than all."""
        return not (self.concepts or self.required or self.forbidden or self.conditions)

    def besides(self, field: str) -> Plan:
        """The same without what must hold of a field: what its facet counts, so that it shows the alternatives too."""
        kept = tuple(one for one in self.conditions if one.negated or one.filter.field != field)
        return self if len(kept) == len(self.conditions) else replace(self, conditions=kept)


def plan(query: Query, analyzer: Analyzer, parameters: Parameters) -> Plan:
    """Work out what to look up."""
    ranked = " ".join([query.plain, *(phrase.text for phrase in query.phrases)]).strip()
    # A text in which nothing can be looked up (？？, an emoji) is a word that no document has, not the lack of one.
    concepts = _concepts(ranked, analyzer, parameters) or ((Concept(()),) if query.words else ())
    fields: dict[str, list[Filter]] = {}
    for one in query.filters:
        fields.setdefault(one.field, []).append(one)
    conditions = [
        _condition(Filter(name, tuple(v for one in group for v in one.values), group[0].start), analyzer, negated=False)
        for name, group in fields.items()
    ]
    conditions += [_condition(one, analyzer, negated=True) for one in query.not_filters]
    phrases = [analyzer.phrase(phrase.text) for phrase in query.phrases]
    forbidden = [analyzer.phrase(one.text) for one in query.not_words]
    forbidden += [analyzer.phrase(one.text) for one in query.not_phrases]
    return Plan(
        concepts=concepts,
        grams=_grams(ranked, analyzer, parameters),
        pinyin=tuple(
            tuple(Concept(((term, 1.0),)) for term in way)
            for way in (analyzer.pinyin_terms(query.plain) if not query.phrases else [])
        ),
        required=tuple(phrase for phrase in phrases if phrase),
        forbidden=tuple(phrase for phrase in forbidden if phrase),
        conditions=tuple(conditions),
        keys=_keys(query, analyzer),
    )


def _condition(one: Filter, analyzer: Analyzer, *, negated: bool) -> Condition:
    return Condition(one, frozenset(map(analyzer.key, one.values)), negated)


def _concepts(text: str, analyzer: Analyzer, parameters: Parameters) -> tuple[Concept, ...]:
    tokens = analyzer.query_tokens(text)
    kept = [token for token in tokens if token.text not in analyzer.stopwords] or tokens
    wholes = dict.fromkeys(token.text for token in kept if not token.part)
    parts = dict.fromkeys(token.text for token in kept if token.part and token.text not in wholes)
    # Identifiers first: in a long log they must not fall victim to the limit.
    first = sorted(wholes, key=lambda term: not any(char.isdigit() for char in term))
    # A word typed twice counts once: in a pasted log, repetition is no emphasis (measured on tickets).
    chosen = [(term, parameters.specificity(term)) for term in first] + [(term, parameters.part) for term in parts]
    return tuple(
        Concept(((term, 1.0), *sorted(analyzer.synonyms(term).items())), weight)
        for term, weight in chosen[:MOST_CONCEPTS]
    )


def _grams(text: str, analyzer: Analyzer, parameters: Parameters) -> tuple[Concept, ...]:
    """The pairs of Chinese characters of the query, each once. A pair inside a word says again what the word said; one
    that joins two words says that they stand together."""
    inside = {"".join(pair) for token in analyzer.query_tokens(text) for pair in pairwise(token.text)}
    found = [
        unit for unit in analyzer.gram_counts(analyzer.canonical(text)).terms if len(unit) == 2 and is_cjk(unit[0])
    ]
    return tuple(Concept(((gram, 1.0),), parameters.inside if gram in inside else 1.0) for gram in found[:MOST_GRAMS])


def _keys(query: Query, analyzer: Analyzer) -> frozenset[str]:
    named = {token.text for token in analyzer.query_tokens(query.plain) if not token.part}
    named |= {word.text for word in query.words}
    identifiers = {analyzer.key(name) for name in named if len(name) > 1 and any(char.isdigit() for char in name)}
    return frozenset({analyzer.key(query.plain), *identifiers}) - {""}
