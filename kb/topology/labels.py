"""What does the text on a drawing say: plain words, the medium of a link, how many subscribers?

Mermaid and draw.io have no attributes for these; people write them into labels.
"""

from __future__ import annotations

import html
import re
from typing import Any

_BREAK = re.compile(r"<\s*(?:br|/?div|/?p|/?li|hr)\b[^<>]{0,500}>|\\n", flags=re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_BLANK = re.compile(r"\s+")
_HOMES = re.compile(r"(\d{1,6}) ?户")
_MEDIA = (
    ("power", ("power", "供电", "电源", "取电")),
    ("fiber", ("fiber", "fibre", "光纤", "光缆", "尾纤")),
    ("coax", ("coax", "同轴", "射频")),
    ("twisted_pair", ("twisted", "双绞", "网线", "五类", "六类")),
)
MAX_LABEL = 300  # characters; what is longer is a note and not a name


def plain(label: str) -> str:
    """The words of a label that may be HTML, on one line."""
    text = html.unescape(_TAG.sub("", _BREAK.sub(" ", label)))
    return _BLANK.sub(" ", text.replace("\u00a0", " ")).strip()[:MAX_LABEL]


def medium(label: str) -> str:
    """What kind of link does this label name? Without a word for it a link is `logical`."""
    text = label.lower()
    return next((name for name, words in _MEDIA if any(word in text for word in words)), "logical")


def counted(name: str) -> dict[str, Any]:
    """What a name says of how many subscribers are there: 三号楼 48户."""
    found = _HOMES.search(name)
    return {"homes": int(found[1])} if found else {}
