"""How fast does the product search, beside other engines on the same terms, on this machine?

    python -m tests.benchmarks.run --documents DIR --queries BEIR_DIR --size 10000 --size 100000 --json o.json --svg o.svg

Every engine runs in a process of its own. They take turns batch by batch, so that whatever else the machine does meets
all of them; ratios are between the same questions. An engine too slow to finish a batch in `--budget` seconds answers
its first questions only, and is compared on these. What was built stays in `--work` and is not built again.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indexer.engines.whoosh_engine import SCHEMA_VERSION
from indexer.engines.whoosh_engine.block import MAGIC
from tests.benchmarks import report
from tests.benchmarks.engines import Missing
from tests.benchmarks.material import SUGGESTED, Asked, Cut, Material, analyzer, prefixes, questions, workloads
from tests.benchmarks.worker import ENGINES, REFERENCE, Remote, build

WORKLOADS = ("long", "short", "filtered", "facets", *SUGGESTED)
_PRODUCT_ONLY = ("facets", *SUGGESTED)  # the others have nothing of the kind on the same terms
_STARTS = 3  # new processes whose first answer is timed
_CHANGES = 30
_COMPARED = 100  # questions whose first ten documents are compared
_WARM_S = 6.0  # of answering, before the clock counts: Java compiles what it has seen often


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def summary(values: Sequence[float]) -> dict[str, float]:
    """What is told of a series of milliseconds."""
    return {"median": statistics.median(values), "p95": percentile(values, 0.95), "n": len(values)}


def built(names: Sequence[str], material: Material, skipped: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Build what is not there; what each took when it was built."""
    told: dict[str, dict[str, Any]] = {}
    for name in names:
        record = material.folder / f"{name}.json"
        if not record.exists():
            shutil.rmtree(material.folder / name, ignore_errors=True)
            print(f"{material.count}: building {name}", file=sys.stderr, flush=True)
            try:
                record.write_text(json.dumps(build(name, material)))
            except Missing as exc:
                skipped[name] = str(exc)
                continue
        told[name] = json.loads(record.read_text())
    return told


def first_answers(name: str, material: Material, asked: Sequence[Asked], skipped: dict[str, str]) -> dict[str, float]:
    """Opening, and opening with the first answer, in new processes; imports and the start of Java are not in it."""
    opened, answered = [], []
    for one in asked[:_STARTS]:
        engine = Remote(name, material.folder / name)
        try:
            opened.append(engine.open()["ms"])
            answered.append(opened[-1] + engine.batch([one], budget_s=60)[0].ms)
        except Missing as exc:
            skipped[name] = str(exc)
            return {}
        finally:
            engine.close()
    return {"open": statistics.median(opened), "first": statistics.median(answered)}


def measured(
    remotes: dict[str, Remote], loads: dict[str, list[Asked]], options: argparse.Namespace
) -> dict[str, dict[str, dict[int, float]]]:
    """Milliseconds by workload, engine and number of the question, the engines taking turns."""
    for remote in remotes.values():
        left = _WARM_S
        for part in itertools.cycle(_parts(loads["warm"], 100)):
            left -= sum(answer.ms for answer in remote.batch(part, budget_s=left)) / 1000
            if left <= 0:
                break
    taken: dict[str, dict[str, dict[int, float]]] = {load: {name: {} for name in remotes} for load in WORKLOADS}
    names = list(remotes)
    for turn in range(-(-options.questions // options.batch)):
        names = names[1:] + names[:1]
        for load, name in itertools.product(WORKLOADS, names):
            if load in _PRODUCT_ONLY and name != "wenqu":
                continue
            first = turn * options.batch
            answers = remotes[name].batch(loads[load][first : first + options.batch], budget_s=options.budget)
            taken[load][name] |= {first + number: answer.ms for number, answer in enumerate(answers)}
        print(f"turn {turn + 1}", file=sys.stderr, end="\r", flush=True)
    return taken


def _parts(asked: Sequence[Asked], size: int) -> list[Sequence[Asked]]:
    return [asked[start : start + size] for start in range(0, len(asked), size)]


def compared(taken: dict[str, dict[int, float]]) -> dict[str, dict[str, float]]:
    """The summary of one workload by engine, with the ratio to the product on the same terms."""
    told = {}
    for name, times in taken.items():
        if not times:
            continue
        told[name] = summary(list(times.values()))
        if reference := taken.get(REFERENCE):
            same = statistics.median(reference[number] for number in times)
            told[name]["ratio"] = told[name]["median"] / same
    return told


def overlap(remotes: dict[str, Remote], asked: Sequence[Asked]) -> dict[str, float]:
    """The mean share of the product's first ten that another engine has too (equal scores are ordered as they like)."""
    if REFERENCE not in remotes:
        return {}
    found: dict[str, list[set[int]]] = {}
    for name, remote in remotes.items():
        answers = remote.batch(asked[:_COMPARED], budget_s=20)
        found[name] = [set(answer.numbers) for answer in answers]
    told = {}
    for name, others in found.items():
        pairs = [(one, other) for one, other in zip(found[REFERENCE], others, strict=False) if one]
        told[name] = statistics.mean(len(one & other) / len(one) for one, other in pairs)
    return told


def changes(name: str, material: Material, documents: Sequence[Cut]) -> dict[str, float] | str:
    """From a changed document to finding it, on a copy of the index."""
    copy = material.folder / f"{name}-changed"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(material.folder / name, copy)
    engine = Remote(name, copy)
    try:
        engine.open()
        return summary(engine.changes(documents)[1:])  # the first also opens what is needed for writing
    except Missing as exc:
        return str(exc)
    finally:
        engine.close()
        shutil.rmtree(copy, ignore_errors=True)


def one_size(count: int, options: argparse.Namespace) -> dict[str, Any]:
    """All there is to measure at one size."""
    cutter = analyzer(options.work)
    made = f"{MAGIC.decode()}-{SCHEMA_VERSION}-{cutter.fingerprint()}"
    material = Material(options.work, options.documents, count, made)
    material.prepare(cutter)
    skipped: dict[str, str] = {}
    told: dict[str, Any] = {"count": count, "skipped": skipped}
    told["built"] = built(options.engines, material, skipped)
    titles = [document.title for document in itertools.islice(material.documents(), 20_000)]
    loads = workloads(
        questions(options.queries, cutter), prefixes(titles, cutter, options.questions), options.questions
    )
    starts = {name: first_answers(name, material, loads["warm"], skipped) for name in told["built"]}
    told["starts"] = {name: start for name, start in starts.items() if start}
    remotes = {name: Remote(name, material.folder / name) for name in told["starts"]}
    opened = {name: remote.open() for name, remote in remotes.items()}
    told["versions"] = {name: one["version"] for name, one in opened.items()}
    told["overlap"] = overlap(remotes, loads["long"])
    taken = measured(remotes, loads, options)
    told["latency"] = {load: compared(times) for load, times in taken.items()}
    told["memory"] = {
        name: {**remote.memory(), "before": opened[name]["before"]["private"]} for name, remote in remotes.items()
    }
    for remote in remotes.values():
        remote.close()
    documents = random.Random(4).sample(list(material.cut()), _CHANGES + 1)
    told["changes"] = {name: changes(name, material, documents) for name in remotes if name != REFERENCE}
    return told


def machine() -> dict[str, str]:
    """Where and when."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "revision": found.stdout.strip(),
        "cpu": f"{model[0].split(':')[1].strip() if model else platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def main() -> None:
    """Read the options, measure, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    environment = os.environ.get
    parser.add_argument("--documents", type=Path, default=environment("KB_BENCH_DATA"), help="a folder of Markdown")
    parser.add_argument("--queries", type=Path, default=environment("KB_BENCH_QUERIES"), help="a BEIR folder")
    parser.add_argument("--work", type=Path, default=environment("KB_BENCH_WORK", "var/bench"))
    parser.add_argument("--size", type=int, action="append", help="documents; may be given several times")
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    parser.add_argument("--questions", type=int, default=500, help="of each sort")
    parser.add_argument("--batch", type=int, default=25, help="questions of one turn")
    parser.add_argument("--budget", type=float, default=2.0, help="seconds of an engine's turn")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    if not options.documents or not options.queries:
        parser.error("name the data: --documents or KB_BENCH_DATA, --queries or KB_BENCH_QUERIES")
    options.work = options.work.resolve()
    told: dict[str, Any] = {"machine": machine(), "sizes": []}
    for count in options.size or [10_000]:
        told["sizes"].append(one_size(count, options))
        print(report.markdown({**told, "sizes": told["sizes"][-1:]}), flush=True)
        for path, text in ((options.json, json.dumps(told, indent=1)), (options.svg, report.svg(told))):
            if path:
                path.write_text(text, "utf-8")
        if options.markdown:
            options.markdown.write_text(report.markdown(told), "utf-8")


if __name__ == "__main__":
    main()
