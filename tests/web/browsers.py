"""How does somebody look at the site with a real browser? A server for one application, and Debian's Chromium."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from playwright.sync_api import expect, sync_playwright
from werkzeug.serving import make_server

# Debian's; the shell has no windows to draw and is three times as fast
_KINDS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
CHROMIUM = next(filter(Path.exists, _KINDS), _KINDS[-1])
PATIENCE_MS = 20_000  # how long a page may take on a busy machine


@contextmanager
def serving(app: APIFlask) -> Iterator[str]:
    """Serve an application on a free port; yields its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])  # seconds between looks at whether to end
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window, of playwright's synchronous interface."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as api:
        started = api.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        try:
            yield started
        finally:
            started.close()


def sign_in(page: Any, name: str, password: str) -> None:
    page.goto("/login")
    page.fill("[name=username]", name)
    page.fill("[name=password]", password)
    page.click("main button")
    page.wait_for_url("**/")


def photograph(chromium: Any, folder: Path, name: str) -> None:
    """Keep how every open page looks, as PNG files that begin with this name."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = [page for context in chromium.contexts for page in context.pages]
    for number, page in enumerate(pages, start=1):
        page.screenshot(path=folder / f"{re.sub(r'[^0-9A-Za-z_-]+', '-', name)}-{number}.png")
