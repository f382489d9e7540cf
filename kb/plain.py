"""What of a typed text can be seen? The rest deceives: it is taken out at the door."""

from __future__ import annotations

import re

# Control characters but for tab and newline; zero-width characters; and those that turn the direction of writing,
# with which 12345 is shown as 54321.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def plain(text: str) -> str:
    """The text without what cannot be seen; line ends as \\n."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def one_line(text: str) -> str:
    """The same on one line."""
    return " ".join(plain(text).split())
