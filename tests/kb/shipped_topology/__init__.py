"""The shipped topologies agree with themselves, with what their text says, and with each other.

`topology.contradictions` judges what holds for any drawing; here stand the rules of this library: its names, its
cables and windows, its tables. A number changed in a graph has to fail here or there.
"""

import pytest

pytest.register_assert_rewrite(f"{__name__}.drawings")  # what it asserts says its values too
