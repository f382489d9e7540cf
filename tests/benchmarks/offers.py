"""What does it cost until offers stand below the search box, in the browser and in the server?

    python -m tests.benchmarks.offers FOLDER [FOLDER ...]

Each folder is the data directory of an installation with an index (`tests.benchmarks.http` makes them). A real Chromium types
questions of several lengths into the box of the home page, one at a time, and waits until they are offered. Work is the
processor time of the page (Chrome's TaskDuration: script, style, layout, drawing) and that of this process together, which is the
server and what drives the browser, in milliseconds; waited is the time from the last key to the offers on the screen, with the rest of 150 ms after a key that the
page makes on purpose. The browser is on the same machine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kb.settings import Settings
from tests.web import browsers
from web.app import create_app
from web.services import open_services

TYPED = (
    "机",
    "机顶盒",
    "电视黑屏",
    "guangmao",
    "jdh",
    "光猫红灯",
    "E0",
    "网速慢",
    "有线电视没",
    "691",
    "路由器重",
    "wx",
)
ROUNDS = 5
_DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def measured(page: Any, browser: Any) -> Iterator[tuple[float, float]]:
    """Milliseconds of work and of waiting, once for each question and round; the first round warms up."""
    box = page.locator("main [name=q]")

    def tasks() -> float:
        found = browser.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in found if one["name"] == "TaskDuration") * 1000

    for turn in range(ROUNDS + 1):
        for typed in TYPED:
            box.fill("")
            page.locator(".offers").wait_for(state="hidden")
            box.press_sequentially(typed[:-1])
            page.wait_for_timeout(400)
            before, served, began = tasks(), time.process_time(), time.perf_counter()
            with page.expect_response("**/suggest?**"):
                box.press_sequentially(typed[-1])
            page.locator(".offers a").first.wait_for()
            page.evaluate(_DRAWN)
            waited = (time.perf_counter() - began) * 1000
            work = tasks() - before + (time.process_time() - served) * 1000
            if turn:
                yield work, waited


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    print("| entries | work, median / p95 | waited, median / p95 |\n|---|---|---|")
    for folder in parser.parse_args().folders:
        services = open_services(Settings(data_dir=folder, rate_limit="100000/minute"))
        with browsers.serving(create_app(services)) as address, browsers.chromium() as chromium:
            page = chromium.new_context(base_url=address, locale="zh-CN").new_page()
            page.goto("/")
            browser = page.context.new_cdp_session(page)
            browser.send("Performance.enable")
            rows = list(measured(page, browser))
        cells = []
        for column in zip(*rows, strict=True):
            ordered = sorted(column)
            cells.append(f"{statistics.median(ordered):.0f} / {ordered[int(len(ordered) * 0.95)]:.0f} ms")
        print(f"| {services.generations.current().count():,} | {' | '.join(cells)} |")
        services.close()


if __name__ == "__main__":
    main()
