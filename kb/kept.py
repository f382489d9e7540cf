"""Which values made before are still at hand? Those used last, as many as fit into a number of bytes.

For values that never change, such as what is read from an object of the content store: a key once right stays right.
`functools.lru_cache` counts values instead, and one text may be as long as a thousand others.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Kept(Generic[V]):
    """Values by key, `most` bytes of them in all. Safe between threads; two may make the same value at once."""

    def __init__(self, most: int, size: Callable[[V], int]) -> None:
        """`size` tells the bytes of a value, about."""
        self._most, self._size = most, size
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._changing = threading.Lock()
        self.bytes = 0

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of this key, made if it is not at hand. What `make` raises is not kept."""
        with self._changing:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
        value = make()
        size = self._size(value)
        with self._changing:
            if size <= self._most and key not in self._values:
                self._values[key] = value, size
                self.bytes += size
                while self.bytes > self._most:
                    self.bytes -= self._values.popitem(last=False)[1][1]
        return value
