"""How does a file of what was worked out come into place, so that others may map it at once?"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def put(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file whole: readers see the one before or this one, also when two write it or the power goes."""
    handle, aside = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o644)  # every account that runs the product maps it
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise
