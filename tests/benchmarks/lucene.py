"""How does Lucene answer the same questions? A small Java program (`LuceneBench.java`) does, and takes the time itself.

KB_BENCH_JARS names the folder with lucene-core and lucene-analysis-common; KB_BENCH_JAVA a Java other than the one on
the PATH (Lucene 10 wants 21).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.engines import Answer, Engine, Missing
from tests.benchmarks.material import Asked, Cut, Material, changed

_PROGRAM = Path(__file__).with_name("LuceneBench.java")


class Lucene(Engine):
    """Lucene in a Java process of its own; `process` is that one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        named = os.environ.get("KB_BENCH_JARS", "")
        jars = sorted(Path(named).glob("lucene-*.jar")) if named else []
        if not jars:
            raise Missing("no lucene-*.jar in KB_BENCH_JARS")
        java = os.environ.get("KB_BENCH_JAVA") or shutil.which("java")
        if not java:
            raise Missing("no java")
        path = os.pathsep.join(map(str, jars))
        self._jars = jars
        self._command = [java, "-Xmx1g", "--add-modules", "jdk.incubator.vector", "-cp", path, str(_PROGRAM)]
        self._java: subprocess.Popen[str] | None = None
        self.peak_mb = 0.0

    def build(self, material: Material) -> None:
        command = [*self._command, "build", str(self.folder), str(material.cut_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing(f"java failed: {done.stderr.strip()[-300:]}")
        self.peak_mb = int(done.stdout.split()[-1]) / 1024

    def _open(self) -> None:
        raise NotImplementedError("it takes its own time")

    def open(self) -> float:
        self._java = subprocess.Popen(
            [*self._command, "serve", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        return int(self._read()[0]) / 1e6

    def _read(self) -> list[str]:
        assert self._java is not None
        assert self._java.stdout is not None
        line = self._java.stdout.readline()
        if not line:
            raise Missing("java ended")
        return line.rstrip("\n").split("\t")

    def _ask(self, *parts: str) -> list[str]:
        assert self._java is not None
        assert self._java.stdin is not None
        self._java.stdin.write("\t".join(parts) + "\n")
        self._java.stdin.flush()
        return self._read()

    def search(self, asked: Asked, limit: int) -> list[int]:
        return self._timed(asked, limit).numbers

    def _timed(self, asked: Asked, limit: int) -> Answer:
        filters = " ".join(f"{name}={value}" for name, value in asked.filters)
        nanos, numbers = self._ask("search", str(limit), filters, " ".join(asked.terms))
        return Answer([int(number) for number in numbers.split()], int(nanos) / 1e6)

    def batch(self, asked: Sequence[Asked], limit: int, budget_s: float) -> list[Answer]:
        answers: list[Answer] = []
        for one in asked:
            answers.append(self._timed(one, limit))
            if sum(answer.ms for answer in answers) > budget_s * 1000:
                break
        return answers

    def changes(self, documents: Sequence[Cut]) -> list[float]:
        taken = []
        for number, old in enumerate(documents):
            new, word = changed(old, number)
            nanos, found = self._ask("change", new.line().rstrip("\n").replace("\t", "\x1f"), word)
            if found.split() != [str(old.number)]:
                raise AssertionError(f"changed {old.number}, found {found}")
            taken.append(int(nanos) / 1e6)
        return taken

    @property
    def process(self) -> int:
        return self._java.pid if self._java else os.getpid()

    def version(self) -> str:
        command = [self._command[0], "-version"]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()
        core = next((jar.stem for jar in self._jars if jar.stem.startswith("lucene-core")), "lucene")
        return f"{core}, {told[0] if told else 'java'}"

    def close(self) -> None:
        if self._java is not None and self._java.stdin is not None:
            self._java.stdin.close()
            self._java.wait()
            self._java = None
