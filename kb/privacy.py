"""Does a text carry personal data, and what does it look like without?

Subscribers' numbers and identity cards stay in the incident; entries are for everybody. The patterns are those of
mainland China: mobile numbers (11 digits from 13 to 19), landlines with area code, and 18-digit identity numbers with
their check digit (GB 11643-1999), so that a long serial number is not taken for a person.

What is kept of people's own words (searches, captured words) is looked at by nobody before it is kept, so `anonymous` is
stricter: there every long number is taken out, and so are doors, forms of address, mail and MAC addresses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOBILE = re.compile(r"(?<![\dA-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
_LANDLINE = re.compile(r"(?<![\dA-Za-z.])0\d{2,3}[- ]\d{7,8}(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
_DOOR = "(?:号楼|号院|栋|幢|单元|室|户|弄)"
_PLACE = "[一-鿿]{2,4}(?:小区|花园|家园|新村|公寓|大院|苑|路|街|巷|弄)"
_STRICT = (
    ("邮箱", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)),
    ("MAC", re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])")),
    ("地址", re.compile(rf"(?:{_PLACE})?(?:\d{{1,4}}{_DOOR}[-\s]?)+(?:\d{{1,4}}(?!\d))?|{_PLACE}\d{{1,4}}号?")),
    ("号码", re.compile(r"\d(?:[- ]?\d){6,}")),  # accounts, smart cards, telephones without an area code
    ("称呼", re.compile(r"[一-鿿](?:先生|女士|小姐)|(?:联系人|姓名|户名)[:： ]?[一-鿿]{2,3}")),
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"


@dataclass(frozen=True)
class Found:
    """One piece of personal data: what it is, and where (characters from 0)."""

    what: str
    start: int
    end: int


def find(text: str) -> list[Found]:
    """All personal data in the text, in order."""
    found = [Found("身份证号", m.start(), m.end()) for m in _IDENTITY.finditer(text) if _is_identity(m.group())]
    for what, pattern in (("手机号", _MOBILE), ("电话号码", _LANDLINE)):
        for match in pattern.finditer(text):
            if not any(match.start() < other.end and other.start < match.end() for other in found):
                found.append(Found(what, match.start(), match.end()))
    return sorted(found, key=lambda item: item.start)


def mask(text: str) -> str:
    """The text with each piece of personal data replaced by its kind."""
    for item in reversed(find(text)):
        text = f"{text[: item.start]}[{item.what}]{text[item.end :]}"
    return text


def anonymous(text: str, *private: str) -> str:
    """The text for keeping without the person: all that `mask` masks, and what only might be personal. `private` are
    further pieces to take out wherever they stand, such as the contact's name."""
    for piece in sorted(filter(None, map(str.strip, private)), key=len, reverse=True):
        text = text.replace(piece, "[联系人]")
    text = mask(text)
    for what, pattern in _STRICT:
        text = pattern.sub(f"[{what}]", text)
    return text


def _is_identity(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return _CHECK[total % 11] == number[17].upper()
