"""How is one engine measured without the others in its memory? In a process of its own, which does as it is told.

    python -m tests.benchmarks.worker build NAME WORK SOURCE COUNT MADE
    python -m tests.benchmarks.worker serve NAME FOLDER

`build` prints what it took. `serve` reads a JSON object a line (`do` is open, batch, changes or memory) and answers with
one. `Remote` is the other end.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks.engines import Answer, Engine, Missing, Product, ProductTerms
from tests.benchmarks.lucene import Lucene
from tests.benchmarks.material import Asked, Cut, Material
from tests.benchmarks.peers import Bm25s, Fts5, PlainWhoosh, Tantivy

REFERENCE = "wenqu-terms"  # what the others are compared with
ENGINES: Mapping[str, type[Engine]] = {
    "wenqu": Product,
    REFERENCE: ProductTerms,
    "lucene": Lucene,
    "tantivy": Tantivy,
    "bm25s": Bm25s,
    "fts5": Fts5,
    "whoosh": PlainWhoosh,
}


def memory(process: int | str = "self") -> dict[str, float]:
    """MB of a process: written by it alone, and mapped in all (other processes share what is not written)."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text("ascii")
    kilobytes = {name: int(number) for name, number in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    return {"private": (kilobytes["Private_Dirty"] + kilobytes["Swap"]) / 1024, "resident": kilobytes["Rss"] / 1024}


def _peak_mb() -> float:
    """Of this process, and what its children took if all of them were as large as the largest."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text("utf-8"))
    own = int(found[1]) if found else 0
    return (own + (os.cpu_count() or 1) * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def _build(name: str, material: Material) -> dict[str, Any]:
    folder = material.folder / name
    folder.mkdir()
    engine = ENGINES[name](folder)
    began = time.perf_counter()
    engine.build(material)
    seconds = time.perf_counter() - began
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    peak = getattr(engine, "peak_mb", 0.0) or _peak_mb()
    return {"seconds": seconds, "bytes": size, "peak_mb": peak, "version": engine.version()}


def _serve(engine: Engine) -> None:
    for line in sys.stdin:
        told = json.loads(line)
        answer: dict[str, Any]
        try:
            match told["do"]:
                case "open":
                    before = memory()
                    answer = {"ms": engine.open(), "before": before, "version": engine.version()}
                case "batch":
                    asked = [_asked(one) for one in told["asked"]]
                    answers = engine.batch(asked, told["limit"], told["budget"])
                    answer = {"answers": [asdict(one) for one in answers]}
                case "changes":
                    answer = {"ms": engine.changes([Cut.read(one) for one in told["documents"]])}
                case "memory":
                    answer = memory(engine.process)
                case unknown:
                    answer = {"missing": f"unknown: {unknown}"}
        except Missing as exc:
            answer = {"missing": str(exc)}
        print(json.dumps(answer), flush=True)
    engine.close()


def _asked(one: dict[str, Any]) -> Asked:
    filters = tuple((name, value) for name, value in one["filters"])
    return Asked(one["text"], tuple(one["terms"]), filters, one["facets"], one["prefix"])


class Remote:
    """An engine in another process. Raises Missing where the engine cannot."""

    def __init__(self, name: str, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.worker", "serve", name, str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _tell(self, **told: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Missing(f"the process ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "missing" in answer:
            raise Missing(answer["missing"])
        return answer

    def open(self) -> dict[str, Any]:
        """Open the index: `ms`, the memory `before`, the `version`."""
        return self._tell(do="open")

    def batch(self, asked: Sequence[Asked], *, budget_s: float, limit: int = 10) -> list[Answer]:
        """Ask; fewer answers than questions where the time was used up."""
        told = self._tell(do="batch", asked=[asdict(one) for one in asked], limit=limit, budget=budget_s)
        return [Answer(one["numbers"], one["ms"]) for one in told["answers"]]

    def changes(self, documents: Sequence[Cut]) -> list[float]:
        """Milliseconds until each change was found."""
        taken: list[float] = self._tell(do="changes", documents=[one.line() for one in documents])["ms"]
        return taken

    def memory(self) -> dict[str, float]:
        """MB of the process that holds the index."""
        return self._tell(do="memory")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def build(name: str, material: Material) -> dict[str, Any]:
    """Build in a new process; what it took. Raises Missing."""
    command = [sys.executable, "-m", "tests.benchmarks.worker", "build", name]
    command += [str(material.work), str(material.source), str(material.count), material.made]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Missing(f"building ended with {done.returncode}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "missing" in told:
        raise Missing(told["missing"])
    return told


def main(arguments: Sequence[str]) -> None:
    """One end of the pipe."""
    match arguments:
        case ["build", name, work, source, count, made]:
            try:
                told = _build(name, Material(Path(work), Path(source), int(count), made))
            except Missing as exc:
                told = {"missing": str(exc)}
            print(json.dumps(told))
        case ["serve", name, folder]:
            _serve(ENGINES[name](Path(folder)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
