"""Builds the C sources beside it into one shared library, when the package is built or installed for development.

Without a C compiler, or when it fails, the package is the same and slower: `indexer.native.NAME` says which runs.
Hatchling calls `BuildHook`; `python indexer/native/build.py` builds in place.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCES = tuple(HERE / name for name in ("kernel.c", "suggester.c", "speller.c", "cutter.c", "collector.c"))
LIBRARY = HERE / "_native.so"
# No -march: a wheel built here may run elsewhere. No -ffast-math: scores are to be those of numpy.
FLAGS = ("-O3", "-std=c11", "-fPIC", "-shared", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror")


def build(target: Path = LIBRARY) -> str:
    """Build the library; returns what was wrong, or nothing."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None or sys.platform == "win32":
        return "no C compiler"
    aside = target.with_suffix(".new")
    command = [compiler, *FLAGS, "-o", str(aside), *map(str, SOURCES), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        aside.unlink(missing_ok=True)
        return done.stderr.strip() or f"{compiler} failed"
    aside.replace(target)  # a running process keeps the library it has
    return ""


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # not building a package
    BuildHookInterface = object


class BuildHook(BuildHookInterface):  # type: ignore[misc]  # hatchling has no types
    """Builds the kernel before a wheel is made, and gives the wheel the platform's tag if that worked."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        if wrong := build():
            self.app.display_warning(f"Wenqu runs without its native library: {wrong}")
            return
        if version != "editable":
            build_data["artifacts"].append(LIBRARY.relative_to(self.root).as_posix())
            build_data["pure_python"] = False
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"


if __name__ == "__main__":
    sys.exit(build() or 0)
