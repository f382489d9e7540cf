"""Telling words, and likeness: of edited copies of shipped entries, and of entries that are about the same device."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import pytest

from indexer.analysis import Analyzer
from indexer.similarity import LONGEST, MOST_TERMS, Said, containment, difference, likeness, shingles, telling
from kb import documents, library
from kb.documents import Document, Kind
from kb.precheck import NEAR_DUPLICATE

COPIED = 25  # of the library's solutions
EDITS = [(1.0, 0.15), (0.7, 0.0), (0.5, 0.15), (0.7, 0.3), (0.7, 0.4)]  # share of sentences kept, of words reworded


@pytest.fixture(scope="module")
def solutions() -> list[Document]:
    read = [documents.parse(path.read_text("utf-8")) for path in library.files() if "solutions" in path.parts]
    return [document for document in read if document.attributes.kind is Kind.SOLUTION]


def said(document: Document) -> Said:
    return Said(document.attributes.title, documents.symptoms(document.body), document.body)


def edited(body: str, analyzer: Analyzer, rng: random.Random, words: list[str], *, kept: float, reworded: float) -> str:
    """A copy: sentences dropped and put in another order within their section, words replaced or left out."""
    sections = []
    for section in re.split(r"(?m)^(?=## )", body):
        heading, _, text = section.partition("\n")
        sentences = [one for one in re.split(r"(?<=[。；\n])", text) if one.strip() and rng.random() < kept]
        rng.shuffle(sentences)
        sections.append("\n".join([heading, *(_reworded(one, analyzer, rng, words, reworded) for one in sentences)]))
    return "\n".join(sections)


def _reworded(sentence: str, analyzer: Analyzer, rng: random.Random, words: list[str], share: float) -> str:
    written, end = [], 0
    for token in analyzer.query_tokens(sentence):
        if token.part or token.start < end:
            continue
        other = next(iter(sorted(analyzer.synonyms(token.text))), rng.choice(["", rng.choice(words)]))
        written += [sentence[end : token.start], other if rng.random() < share else sentence[token.start : token.end]]
        end = token.end
    return "".join([*written, sentence[end:]])


@pytest.mark.parametrize(("kept", "reworded"), EDITS)
def test_edited_copies_are_near_duplicates(
    solutions: list[Document], analyzer: Analyzer, kept: float, reworded: float
) -> None:
    rng = random.Random(1)
    words = [token.text for document in solutions[:20] for token in analyzer.query_tokens(document.body[:300])]
    for document in rng.sample(solutions, COPIED):
        copy = edited(document.body, analyzer, rng, words, kept=kept, reworded=reworded)
        one, other = shingles(said(document).text, analyzer), shingles(f"别的标题\n{copy}", analyzer)
        assert likeness(one, other) == likeness(other, one) >= NEAR_DUPLICATE, document.id


def test_different_entries_are_not_near_duplicates(solutions: list[Document], analyzer: Analyzer) -> None:
    """Not even those about the same device, of which the library has many."""
    known = [(document, shingles(said(document).text, analyzer)) for document in solutions]
    devices = {id(document): set(document.attributes.devices) for document in solutions}
    pairs = 0
    for number, (one, own) in enumerate(known):
        for other, theirs in known[:number]:
            if devices[id(one)] & devices[id(other)]:
                pairs += 1
                assert likeness(own, theirs) < NEAR_DUPLICATE, (one.id, other.id)
    assert pairs > 1_000


def test_a_part_of_a_text_is_contained_in_it_wholly(analyzer: Analyzer) -> None:
    whole = shingles("机顶盒开机后黑屏，指示灯红。先换一根高清线。", analyzer)
    part = shingles("機頂盒 開機後黑屏", analyzer)
    assert containment(part, whole) == 1.0 > containment(whole, part)
    assert likeness(part, whole) == 1.0
    assert likeness(frozenset(), whole) == containment(frozenset(), frozenset()) == 0.0
    assert shingles("黑屏", analyzer) == {"黑屏"} and shingles("？！", analyzer) == frozenset()


def test_headings_that_all_share_are_not_compared() -> None:
    assert "现象" not in Said("标题", [], "## 现象\n\n- 黑屏\n### 步骤\n").text


def test_of_a_long_text_the_beginning_is_looked_at(analyzer: Analyzer) -> None:
    long = Said("标题", [], "黑屏 " * LONGEST + "红灯")
    assert len(long.text) <= LONGEST + 10
    assert "红灯" not in telling(long, analyzer, lambda terms: [5] * len(terms), 1_000)


def test_the_difference_is_the_sentences_that_only_one_has(analyzer: Analyzer) -> None:
    one, other = "先重启机顶盒。再更换高清线。\n- **检查电源**插座是否有电。", "更换高清线再看。先重启机顶盒。"
    assert difference(one, shingles(other, analyzer), analyzer) == ["检查电源插座是否有电"]
    assert difference(other, shingles(one, analyzer), analyzer) == []


def test_the_rarest_words_of_title_and_symptoms_are_the_most_telling(analyzer: Analyzer) -> None:
    frequencies = {"机顶盒": 500, "黑屏": 40, "高清线": 40, "设备": 900, "芯片": 1}

    def asked(terms: Sequence[str]) -> list[int]:
        return [frequencies.get(term, 0) for term in terms]

    text = Said("机顶盒黑屏", ["黑屏"], "设备 设备 更换高清线 芯片 请问")
    assert telling(text, analyzer, asked, 1_000)[:2] == ["黑屏", "芯片"]
    found = telling(text, analyzer, asked, 1_000, indexed=True)
    assert found[0] == "黑屏" and "芯片" not in found  # only this text has it
    assert found.index("高清线") < found.index("设备")
    many = Said("", [], " ".join(f"a{n}b" for n in range(500)))
    assert len(telling(many, analyzer, lambda terms: [5] * len(terms), 1_000)) <= MOST_TERMS
