"""What does the product look like at work? Makes the pictures of README: `make screenshots`.

A demo installation in a temporary directory, some days of work done through the same functions as pages, and Chromium.
"""

from __future__ import annotations

import base64
import datetime as dt
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer import workbench
from kb import access, accounts, clock, dictionary, entries, incidents, installation, verification
from kb.access import Person
from kb.dictionary_lines import LineKind
from kb.documents import Attributes
from kb.lifecycle import Outcome, VerificationMethod
from kb.models import Incident, Revision
from kb.settings import Settings
from tests.web import browsers
from web.app import create_app
from web.services import Services, open_services

FOLDER = Path(__file__).with_suffix("")
MOST_BYTES, MOST_ALTOGETHER = 150_000, 1_200_000  # of one picture, and of all
_HEIGHTS = {1440: 900, 390: 844}  # of a desk's screen and of a phone's, by width

# What the library has solved already: (days ago, what was reported, the solution)
SOLVED = (
    (6, "电视开着，机顶盒显示无信号，邻居家正常", "SOL-TV-006"),
    (5, "电视上写无信号，射频线重插过还是没有", "SOL-TV-006"),
    (5, "光猫上的 LOS 灯一直闪红，上不了网", "SOL-PN-001"),
    (3, "盒子亮着绿灯，电视整个黑屏", "SOL-TV-001"),
    (2, "昨晚打雷以后光猫红灯闪，网断了", "SOL-PN-001"),
    (1, "机顶盒卡在开机画面，拔电再插也一样", "SOL-TV-003"),
)
WRITTEN = """## 现象

- 换了新机顶盒，遥控器能换台，就是关不掉电视机
- 新遥控器按音量没反应，机顶盒倒是听话

## 环境

数字电视，机顶盒刚更换，遥控器随机顶盒配发。

## 原因

新遥控器没有学习电视机的开关和音量键，只认机顶盒。

## 用户自助

1. 电视机的开关和音量先用电视机自带的遥控器。
2. 按说明书让新遥控器学习这两个键；不会操作请报修。

## 检查

1. 用新遥控器换台，能换台说明遥控器和机顶盒都正常。
2. 用电视机自带的遥控器关机，关不掉的是电视机故障。

## 处理步骤

1. 按住设置键到指示灯长亮，松开。
2. 两只遥控器对头放好，先按新遥控器要学的键，再按旧遥控器上相同的键。
3. 指示灯闪两下为学会；开关和音量各学一遍，再按设置键退出。
4. 当着用户的面试一遍关机、开机和音量。

## 移交

三次学不会的更换遥控器；电视机自身故障请用户联系厂家。
"""

EDITED = (
    (LineKind.TERM, "广电小盒"),
    (LineKind.SYNONYM, "广电小盒 => 机顶盒"),
    (LineKind.PIN, "电视花屏 => SOL-TV-007"),
)


class Picture(NamedTuple):
    name: str
    who: str  # a demo account, "" for nobody signed in
    page: str  # `{places}` are what `fill` returns
    width: int = 1440  # pixels
    act: Callable[[Any], object] = lambda page: None


def _type_beside(page: Any) -> None:
    """Type into the live search of an incident, and wait for what it brings."""
    before = page.inner_text("#suggested")
    page.locator("#suggestions [name=q]").fill("")
    page.locator("#suggestions [name=q]").type("机顶盒 反复重启")
    page.wait_for_function("before => document.getElementById('suggested').innerText !== before", arg=before)


PICTURES = (
    Picture("technician", "tech", "/"),
    Picture("incident", "tech", "{incident}", act=_type_beside),
    Picture("review", "lead", "{review}"),
    Picture("search", "tech", "/search?q=机顶盒没信号"),
    Picture("subscriber", "", "/", width=390),
    Picture("topology", "tech", "/topology/TOP-LAN-001?fails=LS-OF-UPS-02"),
    Picture("editor", "tech", "{draft}"),
    Picture("dictionary", "manager", "/admin/dictionary"),
)


@contextmanager
def _days_ago(days: float) -> Iterator[None]:
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    clock.set_clock(lambda: moment)
    try:
        yield
    finally:
        clock.set_clock(None)


def fill(services: Services) -> dict[str, str]:
    """Do some days of work; returns the pages to look at by name."""
    with services.database.write() as session:
        tech = access.person(session, accounts.get(session, "tech"))
        for days, said, number in SOLVED:
            with _days_ago(days):
                _solve(session, tech, _report(session, tech, said), number)
        with _days_ago(0.9):
            asked = _report(session, tech, "新换的机顶盒，遥控器关不掉电视机")
            incidents.take(session, tech, asked)
            written = incidents.write_solution(
                session, tech, asked, _attributes("换新机顶盒后遥控器不能开关电视机", ["机顶盒", "遥控器"]), WRITTEN
            )
            entries.say_why_new(tech, written, "已有的都是遥控器对机顶盒没反应，这里是对电视机", hits=1)
            entries.submit(session, tech, written)
        with _days_ago(0.1):
            stuck = _report(session, tech, "机顶盒十几分钟自动重启一次，一晚上五六回")
            incidents.take(session, tech, stuck)
            waiting = _report(session, tech, "看着看着电视就花屏，有马赛克")
            incidents.take(session, tech, waiting)
            incidents.link(session, tech, waiting, entries.find(session, tech, "SOL-TV-007"))
            incidents.resolve(session, tech, waiting)
            draft = _draft(session, tech)
        manager = access.person(session, accounts.get(session, "manager"))
        known = workbench.known(session, services.generations)
        for kind, line in EDITED:
            dictionary.add(session, manager, kind, line, reason="用户常这样说", known=known)
        session.commit()
        return {
            "incident": f"/incidents/{stuck.number}",
            "review": f"/reviews/{written.id}",
            "draft": f"/entries/{draft.entry.number}/edit",
        }


def _report(session: Any, tech: Person, said: str) -> Incident:
    return incidents.report(session, tech, title="", description=said, channel="phone", district="district-city-1")


def _solve(session: Any, tech: Person, incident: Incident, number: str) -> None:
    incidents.take(session, tech, incident)
    incidents.link(session, tech, incident, entries.find(session, tech, number))
    incidents.resolve(session, tech, incident)
    verification.verify(session, tech, incident, Outcome.SOLVED, VerificationMethod.CALL_BACK, said_by="用户本人")
    incidents.close(session, tech, incident)


def _draft(session: Any, tech: Person) -> Revision:
    attributes = _attributes("机顶盒插上移动硬盘后反复重启", ["机顶盒", "移动硬盘"])
    body = WRITTEN.replace("## 现象\n", "## 现象\n\n- 插上移动硬盘，机顶盒十几秒就重启，拔掉就好", 1)
    return entries.create(session, tech, attributes, body)


def _attributes(title: str, devices: list[str]) -> Attributes:
    return Attributes.model_validate({
        "title": title, "kind": "solution", "category": "数字电视/机顶盒", "audience": "public", "owner_group": "team-tv",
        "valid_until": (clock.today() + dt.timedelta(days=540)).isoformat(), "devices": devices,
        "environment": {"service": "数字电视"},
    })  # fmt: skip


# The pixels of a picture that Chromium made, as bytes of red, green, blue and one more.
_PIXELS = """async picture => {
    const image = new Image();
    image.src = "data:image/png;base64," + picture;
    await image.decode();
    const drawn = new OffscreenCanvas(image.width, image.height).getContext("2d");
    drawn.drawImage(image, 0, 0);
    const bytes = drawn.getImageData(0, 0, image.width, image.height).data;
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return [image.width, image.height, btoa(text)];
}"""


def paletted(pixels: np.ndarray) -> bytes:
    """A PNG of 256 colours of `pixels` (rows, columns, red green blue): the most common, and the most common of each
    hue; every other becomes the nearest of them. A third of the size of Chromium's, and text looks the same."""
    numbers, of, counts = np.unique(pixels @ np.array([65536, 256, 1]), return_inverse=True, return_counts=True)
    colours = np.stack([numbers >> 16, numbers >> 8 & 255, numbers & 255], axis=1)
    common = np.argsort(-counts, kind="stable")
    _, first = np.unique(colours[common] >> 4, axis=0, return_index=True)  # a small red sign is not to turn grey
    chosen = np.concatenate([common[:128], common[np.sort(first[first >= 128])]])[:256]
    palette = colours[chosen]
    nearest = np.concatenate([
        np.square(part[:, None] - palette).sum(axis=2).argmin(axis=1)
        for part in np.array_split(colours, len(colours) // 1000 + 1)
    ])  # fmt: skip
    rows = nearest[of.reshape(pixels.shape[:2])].astype(np.uint8)
    raw = np.insert(rows, 0, 0, axis=1).tobytes()  # each row begins with its filter: none
    head = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", head),
        (b"PLTE", palette.astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(raw, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def smaller(chromium: Any, picture: bytes) -> bytes:
    page = chromium.new_page()  # of no site, whose policy would refuse the picture
    width, height, text = page.evaluate(_PIXELS, base64.b64encode(picture).decode())
    page.close()
    return paletted(np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[:, :, :3])


def make(folder: Path) -> None:
    """Write every picture into a folder; raises SystemExit where one is too large to be kept in a repository."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        services = open_services(Settings(data_dir=Path(data)))
        installation.prepare(services.database, services.store)
        with services.database.write() as session:
            passwords = {name: password for name, password, _ in installation.make_demo(session)}
            session.commit()
        places = fill(services)
        services.rebuild(golden=False)
        with browsers.serving(create_app(services)) as address, browsers.chromium() as chromium:
            for picture in PICTURES:
                size = {"width": picture.width, "height": _HEIGHTS[picture.width]}
                context = chromium.new_context(base_url=address, locale="zh-CN", viewport=size, color_scheme="light")
                page = context.new_page()
                page.set_default_timeout(30_000)
                if picture.who:
                    browsers.sign_in(page, picture.who, passwords[picture.who])
                page.goto(picture.page.format(**places), wait_until="networkidle")
                picture.act(page)
                (folder / f"{picture.name}.png").write_bytes(smaller(chromium, page.screenshot()))
                context.close()
        services.close()
    sizes = {picture.name: (folder / f"{picture.name}.png").stat().st_size for picture in PICTURES}
    print("\n".join(f"{size:>8} {name}" for name, size in sizes.items()))
    if max(sizes.values()) > MOST_BYTES or sum(sizes.values()) > MOST_ALTOGETHER:
        sys.exit(f"too large: at most {MOST_BYTES} bytes each and {MOST_ALTOGETHER} together")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
