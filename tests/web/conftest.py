"""A small installation with everything in it that pages treat differently, and browsers for the people who look at it.

It is prepared once, with a real index, and copied for each test.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import event
from werkzeug.test import TestResponse

from indexer import worker
from indexer.analysis import Analyzer
from kb import access, accounts, clock, documents, entries, importer, incidents, library, publishing
from kb.access import Person
from kb.accounts import SYSTEM
from kb.documents import Attributes
from kb.importer import File
from kb.lifecycle import Origin
from kb.models import Attachment, Entry, Incident, Revision
from kb.settings import Settings
from kb.store import ContentStore
from tests.kb import samples
from tests.web import browsers
from web.app import create_app
from web.pages.admin import rebuild_job
from web.services import Services, open_services

SOLUTION = "SOL-000001"  # public; its staff sections say 芝麻开门
SECRET = "POL-000001"  # restricted to team-access, with an attachment; SOLUTION names it as related
HOSTILE = "REF-000001"  # markup where text is expected, in title, body and attachment names
TOPOLOGY = "TOP-LAN-001"
REFUSED = re.compile(r"status of (400|409|422)|net::ERR_FAILED")  # what the console says where a test provokes it
SECRET_WORDS = "核心机房金库钥匙管理"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.fixture(scope="session")
def prepared(_template: Path, analyzer: Analyzer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with knowledge of every kind and an index over it."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    folder.mkdir()
    shutil.copy(_template, folder / "kb.sqlite3")
    services = open_at(folder, analyzer)
    database, store = services.database, services.store
    with database.write() as session:
        people = {
            name: access.person(session, accounts.get(session, name)) for name in ("tech", "tech2", "lead", "lead2")
        }
        secret = entries.create(
            session,
            people["tech2"],
            Attributes.model_validate({
                "title": SECRET_WORDS, "kind": "policy", "category": "管理制度/技术类", "audience": "restricted",
                "owner_group": "team-access", "valid_until": "2027-11-30", "devices": ["金库"],
            }),
            "## 目的\n\n金库钥匙在值班长抽屉里。\n",
        )  # fmt: skip
        entries.attach(session, store, people["tech2"], secret, "钥匙.txt", "抽屉密码".encode(), "text/plain")
        entries.submit(session, people["tech2"], secret)
        samples.approve(session, store, people["lead2"], secret)
        figures = [{"name": "用户口电平", "value": "60~80", "unit": "dBμV", "confidence": "single_source"}]
        solution = entries.create(
            session, people["tech"], samples.attributes(related=[SECRET], figures=figures), samples.BODY
        )
        entries.attach(session, store, people["tech"], solution, "接线图.png", PNG, "image/png")
        entries.submit(session, people["tech"], solution)
        samples.approve(session, store, people["lead"], solution)
        _publish_hostile(session, store)
        session.commit()
    importer.load(database, store, SYSTEM, _library(), source="library", origin=Origin.LIBRARY)
    services.rebuild(golden=False)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    services.close()
    return folder


def _publish_hostile(session: Any, store: ContentStore) -> None:
    attributes = samples.attributes(
        title="<script>alert(1)</script>\"><img src=x onerror=alert(2)>机顶盒恶意标题",
        kind="reference", category="参考资料/技术资料", covers=[], devices=["<b>设备</b>"],
        error_codes=[{"code": "<i>E99</i>", "vendor": "<u>厂</u>", "meaning": "x"}],
    )  # fmt: skip
    body = (
        "恶意正文 <script>alert(3)</script> <img src=x onerror=alert(4)> [点我](javascript:alert(5))\n\n"
        "<iframe src='https://example.org'></iframe> <p style='position:fixed' onclick='alert(6)'>机顶盒</p>\n"
    )
    revision = entries.create(session, SYSTEM, attributes, body, origin=Origin.IMPORTED)
    revision.author_id = None
    _attach(session, store, revision, '"><svg onload=alert(7)>.svg', b"<svg onload='alert(8)'/>")
    _attach(session, store, revision, "页面.html", b"<script>alert(9)</script>")
    publishing.publish_unreviewed(session, store, SYSTEM, revision)


def _attach(session: Any, store: ContentStore, revision: Revision, name: str, data: bytes) -> None:
    session.add(Attachment(revision=revision, sha256=store.put(session, data, "text/html"), filename=name))
    session.flush()


def _library() -> Iterator[File]:
    """Enough of the shipped library for pages of results, and one topology."""
    root = library.library_path()
    wanted = [*sorted((root / "solutions" / "tv").glob("*.md"))[:14], root / "topology" / f"{TOPOLOGY}.md"]
    for path in wanted:
        document = documents.parse(path.read_text("utf-8"))
        known = {other.stem for other in wanted}
        document.attributes.related[:] = [number for number in document.attributes.related if number in known]
        yield File(path.name, documents.dump(document).encode("utf-8"))


def open_at(folder: Path, analyzer: Analyzer, **settings: Any) -> Services:
    """The installation in a folder, with an analyzer that has been loaded already."""
    values = {"data_dir": folder, "rate_limit": "100000/minute", "base_url": ""} | settings
    return open_services(Settings(**values), analyzer=analyzer)


# What stands in the addresses of doors, where all of them are tried.
IN_ADDRESSES: dict[str, Any] = {
    "number": "INC-000001", "revision_id": 1, "captured_id": 1, "revision_number": 1, "photo_id": 1, "delegation_id": 1, "category_id": 1,
    "part": "content", "key": "team-tv", "username": "tech2", "token": "x",
}  # fmt: skip


@pytest.fixture
def data_dir(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "data"))


@pytest.fixture
def site(data_dir: Path, analyzer: Analyzer) -> Iterator[Services]:
    opened = open_at(data_dir, analyzer)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates compiled once for all applications: a third of the time of these tests otherwise."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(site: Services, compiled: FileSystemBytecodeCache) -> Iterator[APIFlask]:
    made = create_app(site)
    made.jinja_env.bytecode_cache = compiled
    yield made
    with made.app_context():
        thread = rebuild_job().thread
    if thread is not None:
        thread.join(60)


class Browser:
    """A test client that carries its CSRF token, as a page does."""

    def __init__(self, app: APIFlask, name: str = "") -> None:
        self.app, self.client = app, app.test_client()
        self._token = ""
        if name:
            self._sign_in(name)

    def _sign_in(self, name: str) -> None:
        """The session that a login makes, without the time that a password takes; `test_auth` goes through the form."""
        with self.app.extensions["wenqu"].database.read() as session:
            user = accounts.get(session, name)
        with self.client.session_transaction() as cookie:
            cookie["_user_id"] = f"{user.id}:{user.session_epoch}:{int(clock.now().timestamp())}"
            cookie["csrf_token"] = secrets.token_hex(20)

    @property
    def cookies(self) -> list[dict[str, str]]:
        """The session as another browser at the same site takes it."""
        kept = self.client.get_cookie("wenqu")
        return [{"name": "wenqu", "value": kept.value}] if kept is not None else []

    @property
    def token(self) -> str:
        if not self._token:
            self._token = csrf_of(self.client.get("/account", follow_redirects=True).text)
        return self._token

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, buffered=True, **more)

    def post(self, path: str, **form: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token} | form, buffered=True)

    def send(self, path: str, **json: Any) -> TestResponse:
        """A POST to the API."""
        return self.client.post(path, json=json, headers={"X-CSRFToken": self.token})


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page[:500]
    return found.group(1)


@pytest.fixture
def browse(app: APIFlask) -> Callable[[str], Browser]:
    return lambda name="": Browser(app, name)


@pytest.fixture
def index(site: Services) -> Callable[[], None]:
    """One turn of the worker: what was checked in becomes findable."""

    def turn() -> None:
        while worker.Worker(site.database, site.store, site.generations).turn():
            pass

    return turn


@pytest.fixture
def count_statements(site: Services) -> Iterator[list[str]]:
    """The SQL statements since the list was last cleared."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(site.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(site.database.engine, "before_cursor_execute", note)


def entry_of(site: Services, number: str) -> Entry:
    with site.database.read() as session:
        return entries.find(session, SYSTEM, number)


def incident_of(site: Services, number: str) -> Incident:
    with site.database.read() as session:
        return incidents.find(session, SYSTEM, number)


def person_of(site: Services, name: str) -> Person:
    with site.database.read() as session:
        return access.person(session, accounts.get(session, name))


def take_one(site: Services) -> str:
    """The number of an incident of the technician's own, with a solution in sight but none chosen."""
    tech = person_of(site, "tech")
    with site.database.write() as session:
        made = samples.incident(session, tech)
        incidents.take(session, tech, made)
        session.commit()
        return made.number


def repair(site: Services, number: str = "INC-000001") -> None:
    """The technician takes an incident and says that it is solved."""
    tech = person_of(site, "tech")
    with site.database.write() as session:
        incident = incidents.find(session, tech, number)
        incidents.take(session, tech, incident)
        incidents.resolve(session, tech, incident)
        session.commit()


@pytest.fixture
def places(site) -> dict[str, str]:
    """One incident and one revision in review, to be looked at."""
    with site.database.write() as session:
        revision = samples.submitted(session, person_of(site, "tech"), title="机顶盒花屏的现场处理办法")
        incident = incidents.report(
            session,
            person_of(site, "tech"),
            title="电视没有图像",
            description="电视没有图像，机顶盒亮红灯",
            channel="phone",
        )
        session.commit()
        return {"review": f"/reviews/{revision.id}", "incident": f"/incidents/{incident.number}"}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser, whose windows each test closes; skips where there is none, before an installation is made for it."""
    if not browsers.CHROMIUM.exists():
        pytest.skip("chromium is not installed")
    with browsers.chromium() as started:
        yield started


@pytest.fixture
def open_browser(chromium: Any, app: APIFlask, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Opens a browser for one person; at the end no page may have logged an error of script or policy. How each page looked
    at the end is kept in the folder KB_TEST_PICTURES, if one is given."""
    complaints: list[str] = []

    def heard(said: Any) -> None:
        if said.type == "error" and not said.location["url"].endswith("/nope"):  # which is asked for to see an error
            complaints.append(said.text)

    with browsers.serving(app) as address:

        def opened(name: str = "", **context: Any) -> Any:
            window = chromium.new_context(base_url=address, locale="zh-CN", **context)
            window.add_cookies([cookie | {"url": address} for cookie in Browser(app, name).cookies])
            page = window.new_page()
            page.set_default_timeout(browsers.PATIENCE_MS)
            page.on("console", heard)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            return page

        yield opened
        if folder := os.environ.get("KB_TEST_PICTURES"):
            browsers.photograph(chromium, Path(folder), request.node.name)
        for context in chromium.contexts:
            context.close()
    assert [said for said in complaints if not REFUSED.search(said)] == []
