"""Which parts of the product run as machine code, and do they run here?

`kernel.c` scores documents, `suggester.c` finds what is offered while typing, `speller.c` says which words the index
has, `cutter.c` cuts Chinese into words, `collector.c` collects the terms of documents. All are plain C without Python's ABI, built into one shared library when the package is built
(`build.py`) and called through ctypes, without the interpreter's lock. Where there was no compiler `LIBRARY` is None, and numpy,
jieba and Python do the same more slowly.
"""

from __future__ import annotations

import ctypes
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

PATH = Path(__file__).with_name("_native.so")  # put there by build.py


def _load() -> Any:
    if not PATH.exists():
        return None
    try:
        library = ctypes.CDLL(str(PATH))
    except OSError as exc:  # built for another machine
        log.warning("the native library cannot be used: %s", exc)
        return None
    at, number = ctypes.c_void_p, ctypes.c_uint32
    library.kb_search.argtypes = (at, number, at, at, at, at, at, at)
    library.kb_search.restype = ctypes.c_int64
    library.kb_named.argtypes = (at, number, at, at)
    library.kb_named.restype = number
    library.kb_count.argtypes = (at, number, number, at, at)
    library.kb_frequencies.argtypes = (at, number, number, at, at)
    library.kb_having.argtypes = (at, number, at, at, number, at)
    library.kb_having.restype = ctypes.c_int64
    library.kb_containing.argtypes = (at, number, number, at, number, at)
    library.kb_suggest.argtypes = (at, number, at, at, number, at)
    library.kb_suggest.restype = number
    library.kb_known.argtypes = (at, number, number, number, at, at, number, at, number, at)
    library.kb_near.argtypes = (at, number, number, at, number, number, at, number)
    library.kb_near.restype = number
    library.kb_cut.restype = ctypes.c_uint32
    library.kb_inside.restype = ctypes.c_uint32
    library.kb_collector.restype = ctypes.c_void_p
    library.kb_collect.restype = ctypes.c_int64
    library.kb_sound.restype = ctypes.c_uint32
    return library


LIBRARY = _load()
NAME = "numpy" if LIBRARY is None else "native"
