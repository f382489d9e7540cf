"""Which kind of picture is this, by its own bytes, and what does it tell besides what it shows?

A phone writes into a picture where it was taken, when, and by which device: that is somebody's home. Of a JPEG, PNG or
WebP only what draws it is kept, nothing is drawn anew. HEIC, of which we cannot take it out, is refused.
Sources: ITU-T T.81 annex B (JPEG), Exif 2.3 section 4.6, PNG third edition section 5, RFC 9649 (WebP), ISO/IEC 23008-12.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kb.errors import Invalid

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # brands
_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # the next marker after compressed data
_SOI, _EOI, _SOS, _COMMENT = b"\xff\xd8", 0xD9, 0xDA, 0xFE
_JFIF, _EXIF, _ICC, _ADOBE = 0xE0, 0xE1, 0xE2, 0xEE  # APP0, APP1, APP2, APP14
_APPS = range(0xE0, 0xF0)
_ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a length
_ORIENTATION, _SHORT = 0x0112, 3
_PNG = b"\x89PNG\r\n\x1a\n"
# beside the critical ones, whose names begin with a capital
_PNG_KEPT = (b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs", b"bKGD", b"acTL", b"fcTL", b"fdAT")
_WEBP_DROPPED = (b"EXIF", b"XMP ")
_WEBP_FLAGS = 0x08 | 0x04  # of VP8X: there is Exif, there is XMP


class Picture(NamedTuple):
    """Bytes to be stored, and what they are."""

    media_type: str
    data: bytes


def read(data: bytes) -> Picture:
    """What sort of picture it is, without what it does not show. Raises Invalid for anything else, HEIC among it, and for a
    broken one."""
    try:
        if data.startswith(_SOI + b"\xff"):
            return Picture("image/jpeg", _jpeg(data))
        if data.startswith(_PNG):
            return Picture("image/png", _png(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return Picture("image/webp", _webp(data))
    except IndexError as exc:
        problem = "图片不完整，请重新拍一张 · the picture is incomplete: take it again"
        raise Invalid(problem, fields={"photo": problem}) from exc
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        problem = (
            "HEIC 照片带着拍摄位置，去不掉，所以不收：请在手机的 设置→相机→格式 选「兼容性最佳」再拍，已有的先转成 JPEG"
            " · HEIC photos carry the place where they were taken, which cannot be removed: on the phone choose"
            " Settings → Camera → Formats → Most Compatible and take it again, or turn it into a JPEG first"
        )
        raise Invalid(problem, fields={"photo": problem})
    problem = "只收照片：JPEG、PNG、WebP · photos alone: JPEG, PNG or WebP"
    raise Invalid(problem, fields={"photo": problem})


def _jpeg(data: bytes) -> bytes:
    """The segments that draw the picture, and which side is up; neither comments nor what follows the end of it."""
    kept, at = [_SOI], 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == _EOI:
            break
        end = at + 2 if marker in _ALONE else at + 2 + _number(data, at + 2, 2)
        if marker == _SOS:
            following = _AFTER_SCAN.search(data, end)
            end = following.start() if following else len(data)
        segment = data[at:end]
        if marker == _EXIF:
            segment = _upright(segment[10:]) if segment[4:10] == b"Exif\0\0" else b""
        if _draws(marker, segment):
            kept.append(segment)
        if end >= len(data):  # cut off in the middle of the picture, which browsers show as far as it goes
            break
        at = end
    if len(kept) == 1:
        raise IndexError
    return b"".join([*kept, b"\xff\xd9"])


def _draws(marker: int, segment: bytes) -> bool:
    if marker == _ICC:
        return segment[4:].startswith(b"ICC_PROFILE\0")
    return marker in (_JFIF, _EXIF, _ADOBE) or (marker not in _APPS and marker != _COMMENT)


def _upright(tiff: bytes) -> bytes:
    """A segment that says which side is up and nothing else; empty where Exif does not say, or cannot be read."""
    order: str = {b"II": "little", b"MM": "big"}.get(tiff[:2], "")
    try:
        start = _number(tiff, 4, 4, order)
        for entry in range(start + 2, start + 2 + 12 * _number(tiff, start, 2, order), 12):
            if _number(tiff, entry, 2, order) == _ORIENTATION:
                turned = _number(tiff, entry + 8, 2, order)
                break
        else:
            return b""
    except (IndexError, ValueError):
        return b""
    said = b"Exif\0\0MM\0*" + _bytes(8, 4) + _bytes(1, 2)
    said += _bytes(_ORIENTATION, 2) + _bytes(_SHORT, 2) + _bytes(1, 4) + _bytes(turned, 2) + bytes(2 + 4)
    return b"\xff\xe1" + _bytes(len(said) + 2, 2) + said


def _png(data: bytes) -> bytes:
    kept, at, name = [_PNG], len(_PNG), b""
    while name != b"IEND":
        end = at + 12 + _number(data, at, 4)
        name = data[at + 4 : at + 8]
        if end > len(data):
            raise IndexError
        if name[:1].isupper() or name in _PNG_KEPT:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _webp(data: bytes) -> bytes:
    kept, at = [], 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], _number(data, at + 4, 4, "little")
        end = at + 8 + size + size % 2
        chunk = data[at:end]
        if name == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_FLAGS]) + chunk[9:]
        if name not in _WEBP_DROPPED:
            kept.append(chunk)
        at = end
    body = b"WEBP" + b"".join(kept)
    if not kept:
        raise IndexError
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _number(data: bytes, at: int, size: int, order: str = "big") -> int:
    """An unsigned number; raises IndexError where the data ends before."""
    if at + size > len(data):
        raise IndexError
    return int.from_bytes(data[at : at + size], order)  # type: ignore[arg-type]  # "" is none: ValueError


def _bytes(number: int, size: int) -> bytes:
    return number.to_bytes(size, "big")
