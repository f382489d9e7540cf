"""Does README show the pictures that `make screenshots` makes, and may they stay in the repository?"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import numpy as np

from tests.web.screenshots import FOLDER, MOST_ALTOGETHER, MOST_BYTES, PICTURES, paletted

ROOT = Path(__file__).parents[2]


def test_readme_shows_every_picture():
    folder = FOLDER.relative_to(ROOT).as_posix()
    shown = re.findall(rf"{folder}/(\w+)\.png", (ROOT / "README.md").read_text("utf-8"))
    assert sorted(shown) == sorted(picture.name for picture in PICTURES)


def test_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in FOLDER.glob("*.png")}
    assert set(sizes) in (set(), {f"{picture.name}.png" for picture in PICTURES})  # a run makes all of them
    assert max(sizes.values(), default=0) <= MOST_BYTES and sum(sizes.values()) <= MOST_ALTOGETHER


def test_a_picture_keeps_its_common_colours_and_nears_the_others():
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, :, 0] = np.arange(30)[None, :] * 8
    pixels[:, :, 1] = np.arange(20)[:, None] * 8  # 600 colours
    pixels[:5, :10] = (9, 99, 199)
    pixels[19, 29] = (255, 0, 0)
    written = paletted(pixels)
    width, height, depth, kind = struct.unpack(">IIBB", written[16:26])
    assert (width, height, depth, kind) == (30, 20, 8, 3)
    chunks, at = {}, 8
    while at < len(written):
        (size,) = struct.unpack(">I", written[at : at + 4])
        name, data = written[at + 4 : at + 8], written[at + 8 : at + 8 + size]
        assert struct.unpack(">I", written[at + 8 + size : at + 12 + size]) == (zlib.crc32(name + data),)
        chunks[name], at = data, at + 12 + size
    palette = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(20, 31)
    assert len(palette) <= 256 and not rows[:, 0].any()
    seen = palette[rows[:, 1:]].astype(int)
    assert (seen[:5, :10] == (9, 99, 199)).all()
    assert (seen[19, 29] == (255, 0, 0)).all()  # rare, and yet a colour of its own
    assert np.abs(seen - pixels).sum(axis=2).max() < 200
