"""What a picture is, its bytes say; what it tells beside what it shows is gone."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest

from kb import pictures
from kb.errors import Invalid

SCAN = b"\x12\x34\xff\x00\x56\xff\xd0\x78"  # with a stuffed byte and a restart marker in it
GPS = b"GPSLATITUDE 31.2304 N"
HEIC = b"\0\0\0\x18ftypheic" + bytes(12)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _exif(order: str, orientation: int) -> bytes:
    entries = [(0x0112, 3, 1, orientation), (0x8825, 4, 1, 38)]  # which side is up; where the position stands
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    rows = b"".join(
        struct.pack(order + "HHI", tag, kind, count)
        + (struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value))
        for tag, kind, count, value in entries
    )
    return b"Exif\0\0" + head + struct.pack(order + "H", len(entries)) + rows + bytes(4) + GPS


def jpeg(*segments: bytes) -> bytes:
    frame = _segment(0xC0, b"\x08\x00\x01\x00\x01\x01\x01\x11\x00")
    return b"\xff\xd8" + b"".join(segments) + frame + _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + SCAN + b"\xff\xd9"


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*chunks: bytes) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
        + b"".join(chunks)
        + _chunk(b"IDAT", zlib.compress(b"\0\x80"))
        + _chunk(b"IEND", b"")
    )


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_jpeg_keeps_what_draws_it_and_which_side_is_up(order: str) -> None:
    jfif = _segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    colours, adobe = _segment(0xE2, b"ICC_PROFILE\0\1\1"), _segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")
    taken = jpeg(
        jfif,
        _segment(0xE1, _exif(order, 6)),
        _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + GPS),
        colours,
        _segment(0xE2, b"MPF\0" + GPS),
        _segment(0xED, GPS),
        adobe,
        _segment(0xFE, GPS),
    )
    kept = pictures.read(taken + b"trailing film " + GPS)
    assert kept.media_type == "image/jpeg"
    assert GPS not in kept.data and b"MPF" not in kept.data
    up = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    assert kept.data == jpeg(jfif, _segment(0xE1, up), colours, adobe)
    assert pictures.read(kept.data).data == kept.data  # once more changes nothing


def test_exif_that_cannot_be_read_goes_whole() -> None:
    for broken in (b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0XX*\0\x08\0\0\0", _exif("<", 1)[:20]):
        assert pictures.read(jpeg(_segment(0xE1, broken))).data == jpeg()


def test_a_png_and_a_webp_lose_their_texts() -> None:
    kept = pictures.read(png(_chunk(b"eXIf", GPS), _chunk(b"iTXt", GPS), _chunk(b"gAMA", b"\0\0\xb1\x8f")) + GPS)
    assert kept == ("image/png", png(_chunk(b"gAMA", b"\0\0\xb1\x8f")))
    told = webp((b"VP8X", b"\x1c" + bytes(9)), (b"VP8 ", b"abc"), (b"EXIF", GPS), (b"XMP ", GPS))
    assert pictures.read(told) == ("image/webp", webp((b"VP8X", b"\x10" + bytes(9)), (b"VP8 ", b"abc")))


def test_heic_is_refused_with_what_to_do() -> None:
    with pytest.raises(Invalid, match=r"兼容性最佳.*Most Compatible") as refused:
        pictures.read(HEIC)
    assert "photo" in refused.value.fields


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xd9", b"<svg onload='alert(1)'/>", b"GIF89a", b"%PDF-1.4", b"\0\0\0\x18ftypmp42",
     b"\x89PNG\r\n\x1a\n" + bytes(40), png()[:-14], b"RIFF\0\0\0\0WEBP"],
)  # fmt: skip
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        pictures.read(data)
    assert "photo" in refused.value.fields


def test_every_cut_of_a_picture_is_read_or_refused() -> None:
    for whole in (jpeg(_segment(0xE1, _exif("<", 6))), png(_chunk(b"eXIf", GPS)), webp((b"VP8X", bytes(10)))):
        for end in range(len(whole)):
            with contextlib.suppress(Invalid):
                assert GPS not in pictures.read(whole[:end]).data
