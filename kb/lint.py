"""What is wrong with a document of the library that its schema cannot say?

Titles, phrasings, figures, words and punctuation of one document; near-duplicates among all of them. Every finding is a
sentence that names the place and the fix. `kb.library.check` runs this over the shipped library.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import opencc

from kb import documents, privacy
from kb.documents import UNVERIFIED_MARK, Attributes, Confidence, Document, Figure, Kind

PHRASINGS = 8  # ways of saying it that a solution must have, at least
PARAPHRASE = 0.45  # of the character pairs of a phrasing and the title are shared: the phrasing adds nothing
SAME_SAYING = 0.6  # of the character pairs of two phrasings: the same sentence stands in two entries
NEAR_DUPLICATE = 0.3  # of the five-character runs of two bodies: one entry was copied from the other

# Units in which a reading, a limit or a waiting time is given. Counts (户, 台, 次) are not figures to be confirmed.
_UNITS = (
    "dBμV", "dBmV", "dBm", "dB/km", "dB", "Mbps", "Gbps", "kbps", "MB/s", "MHz", "kHz", "Hz", "kVA", "kW", "mV",
    "mA", "MΩ", "kΩ", "Ω",  "km", "mm", "cm", "ms", "℃", "V", "A", "W", "GB", "TB", "MB",
    "毫秒", "秒", "分钟", "小时", "天", "个月", "年", "米", "公里", "%",
)  # fmt: skip
_QUANTITY = re.compile(
    r"(?<![\w.:/-])(\d+(?:\.\d+)?)(?: *[~～至到] *[-+]?(\d+(?:\.\d+)?))? *("
    + "|".join(map(re.escape, _UNITS))
    + r")(?![A-Za-z])"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_UNIT_IN_VALUE = re.compile(r"^[^\d]{0,4}[\d.~～±-]+ *(?:" + "|".join(map(re.escape, _UNITS)) + r")$")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", flags=re.DOTALL)
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_HALF_WIDTH = re.compile(
    rf"(?<=[{_HAN}])[,;:?!](?=[{_HAN}])|(?<=[{_HAN}])\.(?=[{_HAN}]|$)|(?<=[{_HAN}])[()](?=[{_HAN}])", re.M
)
# The sections whose figures somebody measures by; what people say and what a code means are no figures of ours.
_MEASURED = ("检查", "处理步骤")


@dataclass(frozen=True)
class Wording:
    """The one name of each device, and words that are not used with those that are."""

    devices: frozenset[str]
    write: Mapping[str, str]


def check(document: Document, wording: Wording) -> list[str]:
    """What is wrong with this one document?"""
    problems = [
        *_script(document),
        *_punctuation(document.body),
        *_privacy(document),
        *_words(document, wording),
        *_figures(document),
    ]
    if document.attributes.kind is Kind.SOLUTION:
        problems += [*_title(document.attributes), *_phrasings(document)]
    return problems


def _script(document: Document) -> Iterator[str]:
    for line in f"{document.attributes.title}\n{document.body}".splitlines():
        simple = _simplifier().convert(line)
        # A character counts only if it changes alone too: 打坏 is simplified, though the converter doubts it.
        found = {
            old for old, new in zip(line, simple, strict=False) if old != new and _simplifier().convert(old) != old
        }
        if found:
            yield f"繁体字「{''.join(sorted(found))}」· traditional characters: {line[:40]}"


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def _punctuation(body: str) -> Iterator[str]:
    for line in _CODE.sub("", body).splitlines():
        if found := _HALF_WIDTH.search(line):
            around = line[max(0, found.start() - 8) : found.end() + 8]
            yield f"中文里用了半角标点 · half-width punctuation between Chinese characters: {around}"


def _privacy(document: Document) -> Iterator[str]:
    for item in privacy.find(f"{document.attributes.title}\n{document.body}"):
        yield f"含{item.what} · personal data"


def _words(document: Document, wording: Wording) -> Iterator[str]:
    """People may misspell in 现象, which is there for their words; the library's own sentences may not."""
    own = (
        document.attributes.title
        + "\n"
        + "\n".join(
            section.text
            for section in documents.sections(_CODE.sub("", document.body))
            if section.title != documents.SYMPTOM_SECTION
        )
    )
    for wrong, right in wording.write.items():
        if wrong in own:
            yield f"「{wrong}」应写作「{right}」· write {right}"
    if unknown := [device for device in document.attributes.devices if device not in wording.devices]:
        yield f"devices: 用词表里没有 · not in wording.yml: {', '.join(unknown)}"


def _figures(document: Document) -> Iterator[str]:
    figures = document.attributes.figures
    known = {number for figure in figures for number in _NUMBER.findall(f"{figure.name} {figure.value}")}
    for figure in figures:
        if not figure.unit and _UNIT_IN_VALUE.match(figure.value):
            yield f"figures: 「{figure.name}」的单位写进 unit · put the unit of {figure.value} into unit"
        if figure.confidence is Confidence.UNVERIFIED and _unmarked(figure, document.body):
            yield f"「{figure.name}」未核实，正文里的 {figure.value} 后要写（{UNVERIFIED_MARK}）· mark the unverified figure"
    if document.attributes.kind is not Kind.SOLUTION:
        return
    for section in documents.sections(document.body):
        if section.title in _MEASURED:
            for match in _QUANTITY.finditer(section.text):
                if not {number for number in match.groups()[:2] if number} <= known:
                    yield f"{section.title}: {match.group()} 不在 figures 里，没有可信度 · not listed in figures"


def _unmarked(figure: Figure, body: str) -> bool:
    """Are there passages (heading to heading) that give all numbers of this figure, and is none of them marked?"""
    numbers = set(_NUMBER.findall(figure.value))
    passages = re.split(r"^#+ .*$", _CODE.sub("", body), flags=re.MULTILINE)
    giving = [passage for passage in passages if numbers and numbers <= set(_NUMBER.findall(passage))]
    return bool(giving) and not any(UNVERIFIED_MARK in passage for passage in giving)


def _title(attributes: Attributes) -> Iterator[str]:
    """A title is 主要现象 + 主要环境: it names a device, the service or the vendor, and says more than that."""
    if attributes.title[-1] in "。，；：！？、.,;:!?":
        yield "title: 结尾不写标点 · no punctuation at the end"
    environment = attributes.environment
    named = [*attributes.devices, *(code.vendor for code in attributes.error_codes), *attributes.category.split("/")]
    if environment:
        named += [environment.service, environment.network, environment.vendor]
    words = {pair for name in named for pair in _pairs(name)}
    if not words & _pairs(attributes.title):
        yield "title: 没有写明环境（设备、业务或厂商）· names no device, service or vendor"


def _phrasings(document: Document) -> Iterator[str]:
    said = documents.symptoms(document.body)
    if len(said) < PHRASINGS:
        yield f"现象: 只有 {len(said)} 条，至少 {PHRASINGS} 条 · needs eight ways of saying it"
    title = _pairs(document.attributes.title)
    for sentence in said:
        if _jaccard(_pairs(sentence), title) >= PARAPHRASE:
            yield f"现象: 「{sentence}」只是标题的改写 · a paraphrase of the title"


def near_duplicates(all_documents: Sequence[Document]) -> Iterator[tuple[str, str]]:
    """Which entry says what another one says already? Pairs of (id, sentence)."""
    names = [document.id or "" for document in all_documents]
    bodies = [_runs(document.body, 5) for document in all_documents]
    for first, second, _ in _alike(bodies, NEAR_DUPLICATE):
        yield names[second], f"与 {names[first]} 大段相同 · near-duplicate"
    said = [
        (number, line)
        for number, document in enumerate(all_documents)
        if document.attributes.kind is Kind.SOLUTION
        for line in documents.symptoms(document.body)
    ]
    for first, second, _ in _alike([_pairs(line) for _, line in said], SAME_SAYING):
        (one, line), (other, again) = said[first], said[second]
        where = "同一条里" if one == other else f"{names[one]} "
        yield names[other], f"现象: 「{again}」与{where}「{line}」相同 · the same phrasing stands twice"


def _alike(sets: Sequence[frozenset[str]], least: float) -> Iterator[tuple[int, int, float]]:
    """Which two sets share at least this part (Jaccard) of what they hold? Counted through an inverted list."""
    holders: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(sets):
        shared = Counter(other for member in one for other in holders[member])
        for other, common in shared.items():
            likeness = common / (len(one) + len(sets[other]) - common)
            if likeness >= least:
                yield other, number, likeness
        for member in one:
            holders[member].append(number)


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def _pairs(text: str) -> frozenset[str]:
    return _runs(text, 2)


def _runs(text: str, length: int) -> frozenset[str]:
    letters = re.sub(r"\W", "", text.lower())
    return frozenset(letters[start : start + length] for start in range(len(letters) - length + 1))
