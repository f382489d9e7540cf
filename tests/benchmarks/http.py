"""How many search requests a second does `kb serve` answer, and what does each cost the server?

    python -m tests.benchmarks.http --documents FOLDER_OF_MARKDOWN --size 24000 --size 230000

An installation of the shipped library and `size` imported sections is made below `--work`, once; two web processes serve
it on loopback, and a client with few instructions of its own asks the judged reports over connections kept for a while. Client and
server share the processors, so read the processor time a request: what is left when the client sits elsewhere is
processors / time. Linux alone: times come from /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlencode

from sqlalchemy import insert, text

from indexer.document import IndexDocument
from kb import installation
from kb.documents import Attributes
from kb.models import ContentObject, Entry, ImportedFile, Revision
from kb.settings import Settings
from tests.benchmarks import corpora
from tests.relevance.shipped import reports
from web.services import Services, open_services

FACETS = "kind,category,device,audience"
BATCH = 5_000  # sections of one transaction
FIRST_NUMBER = 100_000  # of the imported entries: the library's are smaller
REQUESTS_KEPT = 20  # of one connection: people come and go, and with them the share of each process
ROUNDS = 5  # of all questions before the measurement, so that each process has met each
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def prepare(folder: Path, source: Path, size: int) -> None:
    """An installation of the library and `size` sections, with accounts, made once, and an index of today's format."""
    filled = folder / "filled"
    services = open_services(Settings(data_dir=folder))
    try:
        if not filled.exists():
            installation.prepare(services.database, services.store)
            with services.database.write() as session:
                installation.remember_demo_logins(folder / "demo-logins.tsv", installation.make_demo(session))
                session.commit()
            sections = corpora.sections(source, size)
            while batch := list(itertools.islice(sections, BATCH)):
                _import(services, batch)
            filled.touch()
        if services.generations.status().stale:
            services.rebuild(golden=False)
    finally:
        services.close()


def _import(services: Services, batch: list[IndexDocument]) -> None:
    """What `kb import` leaves behind of these sections, without its checks and its patience with the disk."""
    objects: dict[str, int] = {}
    entries, revisions, files = [], [], []
    for section in batch:
        number = FIRST_NUMBER + int(section.id.removeprefix("S-"))
        data = f"# {section.title}\n\n{section.body}\n".encode()
        key = hashlib.sha256(data).hexdigest()
        path = services.store.root / key[:2] / key[2:4] / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        objects[key] = len(data)
        attributes = Attributes(
            title=section.title if len(section.title) > 1 else "分节", kind="reference", category="参考资料/技术资料", audience=section.audience,
            owner_group="team-ops", devices=list(section.devices),
        )  # fmt: skip
        known = {name: getattr(attributes, name) for name in ("kind", "title", "category", "audience", "owner_group")}
        entries.append({"id": number, "number": f"REF-{number:06}", **known})
        revisions.append({
            "id": number, "entry_id": number, "number": 1, "state": "approved", "origin": "imported",
            "title": attributes.title, "attributes": attributes.model_dump(mode="json"), "object_sha256": key,
        })  # fmt: skip
        files.append({"source": "sections", "path": f"{section.id}.md", "sha256": key, "entry_id": number})
    with services.database.write() as session:
        session.execute(
            insert(ContentObject).prefix_with("OR IGNORE"),
            [{"sha256": key, "size": size, "media_type": "text/markdown"} for key, size in objects.items()],
        )
        for table, rows in ((Entry, entries), (Revision, revisions), (ImportedFile, files)):
            session.execute(insert(table), rows)
        session.execute(
            text("UPDATE entries SET state = 'published', published_revision_id = id WHERE id >= :first"),
            {"first": entries[0]["id"]},
        )
        session.commit()


@dataclass(frozen=True)
class Server:
    """`kb serve` on loopback: its port, and the processes that answer."""

    port: int
    web: tuple[int, ...]


@contextlib.contextmanager
def served(folder: Path, *, processes: int, threads: int) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "KB_DATA_DIR": str(folder), "KB_HOST": "127.0.0.1", "KB_PORT": str(port), "KB_PROCESSES": str(processes),
        "KB_THREADS": str(threads), "KB_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    server = subprocess.Popen([sys.executable, "-m", "web.cli", "serve"], env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        time.sleep(3.0)  # for the other processes, which begin when the first does
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        web = [pid for pid in children if b"--listening-on" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        yield Server(port, (server.pid, *map(int, web)))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/health/live")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def processor_s(pid: int) -> float:
    """Seconds of processor that a process has had, in its own code and in the system's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def private_mb(pid: int) -> float:
    """Memory that a process has written to and shares with nobody."""
    found = re.search(r"Private_Dirty:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(found[1]) / 1024 if found else 0.0


class Client:
    """A connection that is kept, and of an answer reads no more than where it ends."""

    def __init__(self, port: int, cookie: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tail = f" HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie}\r\n".encode()

    def get(self, path: str) -> int:
        """Ask; returns the bytes of the answer. Anything but a page is an error."""
        self._socket.sendall(b"GET " + path.encode() + self._tail)
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._more()
        head = answer[:end]
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path}: {head.decode(errors='replace')}")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        missing = end + 4 + length - len(answer)
        while missing > 0:
            missing -= len(self._more())
        return length

    def _more(self) -> bytes:
        if not (piece := self._socket.recv(1 << 18)):
            raise ConnectionError("the server has ended in the middle of an answer")
        return piece

    def close(self) -> None:
        self._socket.close()


@dataclass(frozen=True)
class Measured:
    """A run: latencies in milliseconds, processor milliseconds a request of server and client."""

    requests: int
    seconds: float
    p50: float
    p95: float
    server_ms: float
    client_ms: float
    shares: tuple[float, ...]  # of the server's processes in its processor time
    kilobytes: float

    def line(self, name: str) -> str:
        """The run as a row of the table."""
        cpus = len(os.sched_getaffinity(0))
        shares = " ".join(f"{share:.0%}" for share in self.shares)
        return (
            f"| {name} | {self.requests / self.seconds:.0f} | {self.p50:.1f} / {self.p95:.1f} | {self.server_ms:.2f} | "
            f"{self.client_ms:.2f} | {1000 * cpus / self.server_ms:.0f} | {shares} | {self.kilobytes:.1f} |"
        )


HEAD = """| asked | requests/s | p50 / p95 ms | server ms | client ms | /s of the server alone | processes' shares | KB |
|---|---|---|---|---|---|---|---|"""


def measure(
    server: Server, paths: list[str], *, cookie: str, connections: int, seconds: float, requests: int = 0
) -> Measured:
    """Ask as fast as answers come, on some connections at once, for so long and so often at least."""
    times: list[float] = []
    sizes: list[int] = []
    until = time.perf_counter() + seconds

    def ask(first: int) -> None:
        ahead = itertools.islice(itertools.cycle(paths), first * len(paths) // connections, None)
        while time.perf_counter() < until or len(times) < requests:
            client = Client(server.port, cookie)
            for path in itertools.islice(ahead, REQUESTS_KEPT):
                began = time.perf_counter()
                sizes.append(client.get(path))
                times.append((time.perf_counter() - began) * 1000)
            client.close()

    before, own, began = [processor_s(pid) for pid in server.web], time.process_time(), time.perf_counter()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, own = time.perf_counter() - began, time.process_time() - own
    spent = [processor_s(pid) - earlier for pid, earlier in zip(server.web, before, strict=True)]
    ordered = sorted(times)
    return Measured(
        requests=len(times),
        seconds=took,
        p50=statistics.median(ordered),
        p95=ordered[int(len(ordered) * 0.95)],
        server_ms=sum(spent) * 1000 / len(times),
        client_ms=own * 1000 / len(times),
        shares=tuple(one / (sum(spent) or 1.0) for one in spent),
        kilobytes=statistics.mean(sizes) / 1000,
    )


def sign_in(port: int, folder: Path) -> str:
    """The Cookie line of the first demo account."""
    username, password, *_ = (folder / "demo-logins.tsv").read_text("utf-8").splitlines()[-1].split("\t")
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/login")
    page = connection.getresponse()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    cookie = (page.getheader("Set-Cookie") or "").partition(";")[0]
    assert token
    form = urlencode({"csrf_token": token[1], "username": username, "password": password})
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/login", form, headers)
    answer = connection.getresponse()
    assert answer.status == 302, answer.status
    return f"Cookie: {(answer.getheader('Set-Cookie') or '').partition(';')[0]}\r\n"


def one_size(size: int, options: argparse.Namespace) -> None:
    """Make the installation, serve it, and print a row for each sort of request."""
    folder = options.work / f"http-{size}"
    began = time.monotonic()
    prepare(folder, options.documents, size)
    print(f"\n{size:,} sections, made or found in {time.monotonic() - began:.0f} s\n\n{HEAD}", flush=True)
    questions = [quote(report.text) for report in reports("dev")]
    pages = [f"/search?q={question}" for question in questions]
    interface = [f"/api/v1/search?q={question}&facet={FACETS}" for question in questions]
    with served(folder, processes=options.processes, threads=options.threads) as server:
        staff = sign_in(server.port, folder)
        for name, paths, cookie in (("page", pages, ""), ("page, staff", pages, staff), ("API", interface, "")):
            ask = partial(measure, server, paths, cookie=cookie, connections=options.connections)
            ask(seconds=0.0, requests=ROUNDS * len(paths))
            told = ask(seconds=options.seconds)
            print(told.line(name), flush=True)
        print(f"\nprivate MB of the web processes: {' '.join(f'{private_mb(pid):.0f}' for pid in server.web)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, default=os.environ.get("KB_BENCH_DATA"), help="a folder of Markdown")
    parser.add_argument("--work", type=Path, default=Path(os.environ.get("KB_BENCH_WORK", "var/bench")))
    parser.add_argument("--size", type=int, action="append", help="sections; may be given several times")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=Settings.model_fields["threads"].default)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each sort of request")
    options = parser.parse_args()
    if not options.documents:
        parser.error("name the data: --documents or KB_BENCH_DATA")
    options.work = options.work.resolve()
    for size in options.size or [24_000]:
        one_size(size, options)


if __name__ == "__main__":
    main()
