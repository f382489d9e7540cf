"""What is kept is bounded by bytes, and what was used last stays."""

from __future__ import annotations

import pytest

from kb.kept import Kept


@pytest.fixture
def kept() -> Kept[str]:
    return Kept(10, len)


def _never() -> str:
    raise AssertionError("made a second time")


def test_a_value_is_made_once(kept: Kept[str]) -> None:
    assert kept.get("a", lambda: "one") == "one"
    assert kept.get("a", _never) == "one"
    assert kept.bytes == 3


def test_what_was_used_longest_ago_goes_first(kept: Kept[str]) -> None:
    kept.get("a", lambda: "1234")
    kept.get("b", lambda: "1234")
    kept.get("a", _never)
    kept.get("c", lambda: "1234")
    assert kept.bytes == 8
    assert kept.get("a", _never) == kept.get("c", _never) == "1234"
    assert kept.get("b", lambda: "anew") == "anew"


def test_one_value_cannot_drive_out_all_others(kept: Kept[str]) -> None:
    kept.get("a", lambda: "1234")
    assert kept.get("long", lambda: "x" * 11) == "x" * 11
    assert kept.get("a", _never) == "1234" and kept.bytes == 4


def test_a_failure_is_not_kept(kept: Kept[str]) -> None:
    with pytest.raises(AssertionError):
        kept.get("a", _never)
    assert kept.get("a", lambda: "found") == "found"
