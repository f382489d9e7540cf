"""Does an imported collection find its own documents? Known-item search over an installation.

    python tests/benchmarks/known_items.py FOLDER

FOLDER holds `queries.jsonl` and `qrels.docpath.tsv` (query id, path inside the imported source, grade). The collection
has to be in the installation named by KB_DATA_DIR. Prints success@1 and success@10, and the milliseconds of the whole
search as a person sees it: engine, SQL check, snippets.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from kb.access import Person
from kb.lifecycle import Role
from web.services import open_services


def main(folder: Path) -> None:
    judged: dict[str, set[str]] = {}
    for line in (folder / "qrels.docpath.tsv").read_text("utf-8").splitlines():
        query, path, grade = line.split("\t")
        if grade.isdigit() and int(grade):
            judged.setdefault(query, set()).add(path)
    queries = [json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines()]
    services = open_services()
    by = Person(None, "benchmark", Role.TECHNICIAN)
    services.search.search(by, "预热")
    first = ten = 0
    taken: list[float] = []
    asked = [query for query in queries if query["id"] in judged]
    for query in asked:
        began = time.perf_counter()
        page = services.search.search(by, query["text"], pasted=True, limit=10)
        taken.append((time.perf_counter() - began) * 1000)
        paths = [hit.entry.source_path for hit in page.hits]
        first += bool(judged[query["id"]] & set(paths[:1]))
        ten += bool(judged[query["id"]] & set(paths))
    print(f"queries {len(asked)}  success@1 {first / len(asked):.3f}  success@10 {ten / len(asked):.3f}")
    taken.sort()
    print(f"ms: median {statistics.median(taken):.1f}  p95 {taken[int(len(taken) * 0.95)]:.1f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
