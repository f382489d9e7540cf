"""Where is the shipped library, and is every file of it well formed?

`python -m kb.library` checks every file and prints what is wrong: the command for whoever writes content.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from kb import documents, lint, topology
from kb.documents import Audience, Document, Kind
from kb.errors import Invalid

FOLDERS = ("solutions", "policies", "changes", "topology", "reference")


def library_path() -> Path:
    """The folder of the shipped library: inside the installed package, or `content/` of a checkout."""
    packaged = Path(__file__).parent / "_content"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "content"


@cache
def taxonomy() -> tuple[str, ...]:
    """All category paths that are shipped, in order: `数字电视/机顶盒`. An installation's own tree is `kb.taxonomy`'s."""
    tree = yaml.safe_load((library_path() / "taxonomy.yml").read_text("utf-8"))
    return tuple(f"{parent}/{child}" for parent, children in tree.items() for child in children)


@cache
def wording() -> lint.Wording:
    """Which words does the library use, and which does it not?"""
    data = yaml.safe_load((library_path() / "wording.yml").read_text("utf-8"))
    return lint.Wording(
        devices=frozenset(data["devices"]),
        write={wrong: right for right, others in data["write"].items() for wrong in others},
    )


@dataclass(frozen=True)
class Unit:
    """A unit of the organisation as `organisation.yml` has it."""

    key: str
    kind: str
    name: str
    parent: str | None = None


@cache
def organisation() -> tuple[Unit, ...]:
    """All units, parents before children."""
    data = yaml.safe_load((library_path() / "organisation.yml").read_text("utf-8"))
    return tuple(Unit(**unit) for unit in data["units"])


def files(root: Path | None = None) -> Iterator[Path]:
    """All document files of the library, in a stable order."""
    root = root or library_path()
    for folder in FOLDERS:
        yield from sorted((root / folder).rglob("*.md"))


def check(root: Path | None = None) -> dict[str, list[str]]:
    """What is wrong with each file? Only files with problems are listed."""
    root = root or library_path()
    read: dict[str, Document] = {}
    wrong: dict[str, list[str]] = {}
    where: dict[str, Path] = {}
    for path in files(root):
        name = path.relative_to(root).as_posix()
        try:
            document = documents.parse(path.read_text("utf-8"))
        except (Invalid, UnicodeDecodeError) as exc:
            wrong[name] = getattr(exc, "problems", None) or [str(exc)]
            continue
        problems = _check_one(path, document)
        if document.id in where:
            problems.append(f"id: 与 {where[document.id]} 重复 · duplicate id")
        if document.id:
            read[document.id], where[document.id] = document, path
        if problems:
            wrong[name] = problems
    for key, problem in _check_together(list(read.values())):
        wrong.setdefault(where[key].relative_to(root).as_posix(), []).append(problem)
    return wrong


def _check_together(read: list[Document]) -> Iterator[tuple[str, str]]:
    """What is wrong between documents: links to nothing, the same thing said twice."""
    known = {str(document.id) for document in read}
    changes = {document.attributes.change for document in read}
    for_staff = {str(document.id) for document in read if document.attributes.audience != Audience.PUBLIC}
    for document in read:
        key = str(document.id)
        if missing := [other for other in document.attributes.related if other not in known or other == key]:
            yield key, f"related: 不存在的编号 · no such entry: {', '.join(missing)}"
        if missing := sorted(documents.mentions(document.body) - known - changes):
            yield key, f"正文引用了不存在的编号 · the text names no such entry: {', '.join(missing)}"
        if document.attributes.audience == Audience.PUBLIC:
            shown = documents.mentions(documents.faces(document.attributes.kind, document.body).shared)
            if hidden := sorted(shown & for_staff):
                yield key, f"用户读到的小节引用了员工词条 · subscribers cannot open {', '.join(hidden)}"
    yield from lint.near_duplicates(read)


def _check_one(path: Path, document: Document) -> list[str]:
    attributes = document.attributes
    problems = []
    if path.stem != document.id:
        problems.append("id: 与文件名不同 · differs from the file name")
    if attributes.category not in taxonomy():
        problems.append(f"category: 类目树里没有 · not in taxonomy.yml: {attributes.category}")
    if attributes.owner_group not in {unit.key for unit in organisation()}:
        problems.append(f"owner_group: 组织里没有 · not in organisation.yml: {attributes.owner_group}")
    districts = {unit.name for unit in organisation() if unit.kind == "district"}
    if unknown := [name for name in attributes.districts if name not in districts]:
        problems.append(f"districts: 组织里没有 · not in organisation.yml: {', '.join(unknown)}")
    if attributes.kind is Kind.SOLUTION:
        problems += documents.check_solution(document)
    problems += lint.check(document, wording())
    if attributes.kind is Kind.TOPOLOGY:
        broken, doubtful = topology.problems(topology.diagrams(document.body))
        problems += broken + doubtful
    return problems


if __name__ == "__main__":
    found = check()
    for name, problems in found.items():
        for problem in problems:
            print(f"{name}: {problem}")
    print(f"{sum(1 for _ in files())} 个文件,{len(found)} 个有问题")
    sys.exit(1 if found else 0)
