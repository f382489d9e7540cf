"""The corpora and queries that benchmarks run on: sections of real Chinese operations documents.

A section is a run of lines under one heading, 60 to 900 characters; long ones are cut. `sections(folder, count)` yields
as many as asked: the real ones first, then recombinations of sentences of different sections, so that a million
documents keep the vocabulary's growth and the lengths of the real ones.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from indexer.document import IndexDocument

SHORTEST, LONGEST = 60, 900  # characters of a section
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
_HAN = re.compile("[\u4e00-\u9fff]")


def real(folder: Path) -> Iterator[tuple[str, str]]:
    """(title, text) of every section with enough Chinese in it, in the order of the files."""
    for path in sorted(folder.rglob("*.md")):
        title, lines = path.stem, []
        for line in [*path.read_text("utf-8", errors="replace").splitlines(), "# "]:
            heading = _HEADING.match(line) or line == "# "
            if heading or sum(map(len, lines)) > LONGEST // 3:
                text = "\n".join(lines).strip()
                if len(text) >= SHORTEST and len(_HAN.findall(text)) * 3 >= len(text):
                    yield title[:100], text[:LONGEST]
                lines = []
            if isinstance(heading, re.Match):
                title = heading.group(1)
            elif line.strip():
                lines.append(line)


def sections(folder: Path, count: int, *, seed: int = 1) -> Iterator[IndexDocument]:
    """`count` documents."""
    rng = random.Random(seed)
    seen: list[tuple[str, str]] = []
    for title, text in real(folder):
        if len(seen) == count:
            break
        yield _document(len(seen), title, text, rng)
        seen.append((title, text))
    for number in range(len(seen), count):
        pieces = [piece for _, text in rng.sample(seen, 3) for piece in text.split("\n")]
        rng.shuffle(pieces)
        wanted = len(seen[number % len(seen)][1])
        text = ""
        while pieces and len(text) < wanted:
            text += pieces.pop() + "\n"
        yield _document(number, rng.choice(seen)[0], text[:LONGEST], rng)


def _document(number: int, title: str, text: str, rng: random.Random) -> IndexDocument:
    return IndexDocument(
        f"S-{number:07}", 1, rng.choice(("solution", "solution", "reference", "policy")), title, text,
        category=rng.choice(("数字电视/机顶盒", "宽带接入/PON宽带", "企业IT/数据库", "企业IT/网络")),
        audience="public" if rng.random() < 0.7 else "staff",
        devices=(rng.choice(("机顶盒", "光猫", "服务器", "交换机")),),
    )  # fmt: skip


def queries(folder: Path, count: int, *, seed: int = 2) -> list[str]:
    """Real questions, shuffled: those of a BEIR folder."""
    asked = [json.loads(line)["text"] for line in (folder / "queries.jsonl").read_text("utf-8").splitlines() if line]
    random.Random(seed).shuffle(asked)
    return asked[:count]
