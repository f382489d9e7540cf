"""The three documents of every shipped change say the same; `content/README.md` has the rules in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from kb import documents, library, topology
from kb.documents import UNVERIFIED_MARK, Confidence, Document, Figure, Kind

WINDOW = "变更窗口"
ROLLBACK = "回退判据："
ACCEPTANCE = "验收："
DECISION, DEADLINE = f"{ROLLBACK}决策时刻", f"{ROLLBACK}完成时限"

_ONE_WINDOW = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d~(?:\d\d-\d\d )?\d\d:\d\d")
_DATED_RANGE = re.compile(r"\d\d-\d\d \d\d:\d\d~(?:\d\d-\d\d )?\d\d:\d\d")
_ONE_VALUE = re.compile(r"[≤≥<>约 ]*[-+\d][\d.:/E~×+-]*")
_DEVICE = re.compile(r"(LS-[A-Z0-9]+(?:-[A-Z0-9]+)*)((?:[、~]\d+(?!\d*[-.:]))*)")
_CASE = re.compile(r"^\| T(\d\d)\*? \|", flags=re.MULTILINE)
_STEP = re.compile(r"^\| (\d+) \|", flags=re.MULTILINE)


@dataclass(frozen=True)
class Change:
    """One change: its number, its three documents, and all documents of the folder."""

    number: str
    found: list[Document]

    @property
    def three(self) -> list[Document]:
        return [self.request, self.tests, self.plan]

    @property
    def request(self) -> Document:
        return self._one(Kind.CHANGE_REQUEST)

    @property
    def tests(self) -> Document:
        return self._one(Kind.TEST_PLAN)

    @property
    def plan(self) -> Document:
        return self._one(Kind.TECH_PLAN)

    def _one(self, kind: Kind) -> Document:
        return next(document for document in self.found if document.attributes.kind is kind)


def _changes() -> dict[str, Change]:
    found: dict[str, list[Document]] = {}
    for path in library.files():
        if path.is_relative_to(library.library_path() / "changes"):
            document = documents.parse(path.read_text("utf-8"))
            assert path.parent.name == document.attributes.change, document.id
            found.setdefault(document.attributes.change, []).append(document)
    return {number: Change(number, found[number]) for number in sorted(found)}


CHANGES = _changes()
each_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def _figures(document: Document) -> dict[str, Figure]:
    return {figure.name: figure for figure in document.attributes.figures}


def _bare(figure: Figure) -> str:
    """The value without the comparison, which the text may put in words: ≤60 is 不超过 60."""
    return figure.value.lstrip("≤≥<>约 ")


def _says(text: str, figure: Figure) -> bool:
    """Does the text give this value with its unit, as a number of its own and not as a part of another one?"""
    unit = rf" ?{re.escape(figure.unit)}" if figure.unit else ""
    return re.search(rf"(?<![\d.:~-]){re.escape(_bare(figure))}(?![.:~-]?\d){unit}", text) is not None


def _section(document: Document, word: str) -> str:
    """The text of the sections with this word in their title."""
    return "\n".join(section.text for section in documents.sections(document.body) if word in section.title)


def _windows(change: Change) -> list[str]:
    return _figures(change.request)[WINDOW].value.split("、")


def _devices(text: str) -> Iterator[str]:
    """All device numbers in the text; LS-ZJ-ONU-01~06 and LS-ZJ-SPL-02、03 are read as the numbers they stand for."""
    for number, more in _DEVICE.findall(text):
        yield number
        stem, _, last = number.rpartition("-")
        for sign, other in re.findall(r"([、~])(\d+)", more):
            first = int(last) + 1 if sign == "~" else int(other)
            for value in range(first, int(other) + 1):
                yield f"{stem}-{value:0{len(last)}d}"
            last = other


def _new_devices(change: Change) -> set[str]:
    """What the change says it brings, and what the changes it waits for bring."""
    declared = set(_devices("\n".join(re.findall(r"^新增设备：(.*)$", change.request.body, flags=re.MULTILINE))))
    for row in re.findall(r"^\| 前置变更 \|(.*)\|$", change.request.body, flags=re.MULTILINE):
        for number in re.findall(r"CHG-\d{4}-\d{3}", row):
            declared |= _new_devices(CHANGES[number])
    return declared


@each_change
def test_there_is_one_document_of_each_kind(change: Change) -> None:
    kinds = [document.attributes.kind for document in change.found]
    assert sorted(kinds) == sorted(documents.CHANGE_KINDS)


@each_change
def test_figures_of_one_name_are_the_same_in_all_three(change: Change) -> None:
    first: dict[str, tuple[str, Figure]] = {}
    for document in change.three:
        names = [figure.name for figure in document.attributes.figures]
        assert len(names) == len(set(names)), f"{document.id}: 同一份里重名"
        for name, figure in _figures(document).items():
            where, other = first.setdefault(name, (str(document.id), figure))
            assert figure == other, f"{name}: {document.id} 与 {where} 不同"


@each_change
def test_every_figure_stands_in_the_text_of_its_document(change: Change) -> None:
    for document in change.three:
        for figure in document.attributes.figures:
            if figure.name == WINDOW:
                continue
            assert _ONE_VALUE.fullmatch(figure.value), f"{document.id}: {figure.name} 不是一个数值或一个区间"
            assert _says(document.body, figure), f"{document.id}: 正文没有 {figure.name} {figure.value} {figure.unit}"
            if figure.confidence is Confidence.UNVERIFIED:
                marked = [line for line in document.body.splitlines() if UNVERIFIED_MARK in line]
                assert _says("\n".join(marked), figure), f"{document.id}: {figure.name} 没有标（{UNVERIFIED_MARK}）"


@each_change
def test_the_windows_are_the_same_in_all_three(change: Change) -> None:
    assert all(_ONE_WINDOW.fullmatch(window) for window in _windows(change))
    undated = {window[len("2026-") :] for window in _windows(change)}
    for document in change.three:
        assert WINDOW in _figures(document), document.id
        assert set(_DATED_RANGE.findall(document.body)) == undated, document.id


@each_change
def test_what_is_accepted_is_tested(change: Change) -> None:
    accepted = [figure for figure in change.request.attributes.figures if figure.name.startswith(ACCEPTANCE)]
    assert accepted
    for document, title in ((change.request, "测试与验证"), (change.tests, "用例")):
        for figure in accepted:
            assert figure.name in _figures(document), f"{document.id}: figures 里没有 {figure.name}"
            assert _says(_section(document, title), figure), f"{document.id}: {title} 没有 {figure.name} {figure.value}"


@each_change
def test_what_calls_for_a_rollback_stands_in_the_rollback_sections(change: Change) -> None:
    criteria = [figure for figure in change.request.attributes.figures if figure.name.startswith(ROLLBACK)]
    assert {DECISION, DEADLINE} < {figure.name for figure in criteria}
    for document in (change.request, change.plan):
        text = _section(document, "回退")
        assert text, f"{document.id}: 没有回退章节"
        for figure in criteria:
            assert figure.name in _figures(document), f"{document.id}: figures 里没有 {figure.name}"
            assert _says(text, figure), f"{document.id}: 回退章节没有 {figure.name} {figure.value}"


@each_change
def test_the_hour_of_decision_and_the_deadline_are_the_same_everywhere(change: Change) -> None:
    known = _figures(change.request)
    for document in change.three:
        assert set(re.findall(r"(\d\d:\d\d) (?:决策|前不能修复)", document.body)) <= {known[DECISION].value}, (
            document.id
        )
        assert set(re.findall(r"(\d\d:\d\d) 前完成", document.body)) <= {known[DEADLINE].value}, document.id
    decided = [row for row in _section(change.request, "实施步骤").splitlines() if "的决定" in row]
    assert decided and all(known[DECISION].value in row for row in decided)


@each_change
def test_steps_and_cases_are_counted_right(change: Change) -> None:
    cases = [int(number) for number in _CASE.findall(_section(change.tests, "用例"))]
    steps = [int(number) for number in _STEP.findall(_section(change.request, "实施步骤"))]
    assert cases == list(range(1, len(cases) + 1)) and cases
    assert steps == list(range(1, len(steps) + 1)) and steps
    assert f"共 {len(steps)} 步" in change.plan.body and f"{len(cases)} 个用例" in change.plan.body
    for document in change.three:
        assert set(re.findall(r"共 (\d+) 步", document.body)) <= {str(len(steps))}, document.id
        assert set(re.findall(r"(\d+) 个用例", document.body)) <= {str(len(cases))}, document.id
        assert {int(number) for number in re.findall(r"\bT(\d\d)\b", document.body)} <= set(cases), document.id


@each_change
def test_every_device_stands_in_a_topology_or_is_declared_new(change: Change) -> None:
    drawn = {
        node
        for path in sorted((library.library_path() / "topology").glob("*.md"))
        for node in topology.parse(documents.parse(path.read_text("utf-8")).body).nodes
    }
    assert not set(_devices(_section(change.request, "变更内容"))) - drawn - _new_devices(change)
    for document in change.three:
        unknown = set(_devices(document.body)) - drawn - _new_devices(change)
        assert not unknown, f"{document.id}: {sorted(unknown)}"


def test_shortened_device_numbers_are_read_in_full() -> None:
    assert list(_devices("LS-ZJ-ONU-01~03、LS-ZJ-SPL-02、04，LS-CD-OLT-02 用 10GE7")) == [
        "LS-ZJ-ONU-01", "LS-ZJ-ONU-02", "LS-ZJ-ONU-03", "LS-ZJ-SPL-02", "LS-ZJ-SPL-04", "LS-CD-OLT-02",
    ]  # fmt: skip
