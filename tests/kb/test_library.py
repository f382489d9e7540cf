"""Every file of the shipped library keeps to the schema, and the schema's description names every key."""

from __future__ import annotations

from pathlib import Path

from kb import documents, library
from kb.documents import Confidence, FrontMatter, Kind


def _documents() -> list[documents.Document]:
    return [documents.parse(path.read_text("utf-8")) for path in library.files()]


def test_every_file_is_well_formed() -> None:
    assert library.check() == {}


def test_a_district_that_the_organisation_does_not_have_is_named(tmp_path: Path) -> None:
    document = _documents()[0]
    document.attributes.districts[:] = ["城东片区", "月球片区"]
    folder = tmp_path / "solutions"
    folder.mkdir()
    (folder / f"{document.id}.md").write_text(documents.dump(document), "utf-8")
    problems = library.check(tmp_path)[f"solutions/{document.id}.md"]
    assert "districts: 组织里没有 · not in organisation.yml: 月球片区" in problems


def test_there_is_enough_of_everything() -> None:
    kinds = [document.attributes.kind for document in _documents()]
    assert kinds.count(Kind.POLICY) >= 17  # fifteen norms, customer service managers, knowledge management
    assert kinds.count(Kind.TOPOLOGY) >= 6
    by_change: dict[str, set[Kind]] = {}
    for document in _documents():
        if document.attributes.change:
            by_change.setdefault(document.attributes.change, set()).add(document.attributes.kind)
    assert len(by_change) >= 6 and all(kinds == documents.CHANGE_KINDS for kinds in by_change.values())


def test_every_flow_has_something_for_a_subscriber() -> None:
    public = [d for d in _documents() if d.attributes.audience == "public" and d.attributes.kind is Kind.SOLUTION]
    areas = {d.attributes.category.partition("/")[0] for d in public}
    assert {"数字电视", "宽带接入", "企业IT"} <= areas


# How many symptoms of each area the library answers; the numbers run from 001 without a gap.
SYMPTOMS = {
    "CA": 30, "CM": 6, "EO": 6, "HE": 10, "HF": 25, "IT": 88, "OP": 11, "PN": 16, "PP": 18, "SV": 7, "TV": 40,
    "VD": 20, "WF": 11,
}  # fmt: skip


def test_every_symptom_is_covered_by_one_solution() -> None:
    covered = [symptom for document in _documents() for symptom in document.attributes.covers]
    wanted = [f"{area}-{number:03}" for area, count in SYMPTOMS.items() for number in range(1, count + 1)]
    assert sorted(covered) == sorted(wanted)


def test_error_codes_name_their_vendor() -> None:
    for document in _documents():
        for code in document.attributes.error_codes:
            assert code.vendor, document.id


def test_unverified_figures_say_so() -> None:
    for document in _documents():
        if any(f.confidence is Confidence.UNVERIFIED for f in document.attributes.figures):
            assert documents.UNVERIFIED_MARK in document.body, document.id


def test_the_schema_is_documented() -> None:
    readme = (library.library_path() / "README.md").read_text("utf-8")
    for name in FrontMatter.model_fields:
        assert f"| `{name}` |" in readme, name
    for section in documents.SOLUTION_SECTIONS:
        assert f"| `## {section}` |" in readme, section


def test_organisation_has_three_levels() -> None:
    units = {unit.key: unit for unit in library.organisation()}
    for unit in units.values():
        if unit.kind == "district":
            assert unit.parent and units[unit.parent].kind == "group"
            assert units[str(units[unit.parent].parent)].kind == "station"
