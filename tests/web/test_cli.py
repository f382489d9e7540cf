"""The command line does the whole job: set up, import, search, rebuild, verify, serve."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from indexer.worker import Worker
from kb import entries, incidents, searches
from kb.accounts import authenticate
from kb.db import Database
from kb.library import library_path
from kb.store import ContentStore
from tests.conftest import PASSWORD, People
from tests.kb import samples
from web.cli import _Child, _watch, main
from web.services import Services

ROOT = Path(__file__).parents[2]
Run = Callable[..., Result]


@pytest.fixture
def kb(database: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the test's installation."""
    monkeypatch.setenv("KB_DATA_DIR", str(database.path.parent))

    def run(*arguments: str, stdin: str = "", code: int = 0) -> Result:
        result = CliRunner().invoke(main, arguments, input=stdin)
        assert result.exit_code == code, result.output
        return result

    return run


def _json(result: Result) -> Any:
    return json.loads(result.stdout)


def test_import_search_and_verify(kb: Run, services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.md").write_text("# 量子光猫离线说明\n\n重启即可", "utf-8")
    (folder / "b.txt").write_text("x", "utf-8")
    report = _json(kb("import", str(folder), "--json"))
    assert (report["added"], len(report["refused"])) == (1, 1)
    hits = _json(kb("search", "量子光猫", "--json", "--limit", "1"))
    assert len(hits) == 1 and hits[0]["source_path"] == "a.md" and hits[0]["tier"] == "words"
    assert _json(kb("search", "量子光猫", "--json", "--as", "subscriber")) == []
    number = hits[0]["id"]
    assert number not in [other["number"] for other in _json(kb("related", number, "--json"))]
    assert kb("related", number, "--as", "subscriber", code=1).exit_code == 1
    assert "光猫" in kb("search", "光毛").stderr  # what was probably meant
    assert kb("search", "光毛", "--exact").stderr == ""
    assert _json(kb("index", "verify", "--json"))["sound"]
    assert _json(kb("content", "verify", "--json"))["sound"]
    again = kb("import", str(folder))
    assert "不变 unchanged 1" in again.stdout and "b.txt" in again.stdout


def test_rebuild_and_status(kb: Run, services: Services, people: People) -> None:
    with services.database.write() as session:
        samples.published(session, services.store, people.tech, people.lead)
        session.commit()
    assert _json(kb("index", "status", "--json"))["waiting"] == 1
    kb("index", "rebuild", "--without-golden")
    status = _json(kb("index", "status", "--json"))
    assert (status["generation"], status["documents"], status["stale"]) == (2, 1, False)
    assert "generation" in kb("index", "status").stdout


def test_verify_tells_of_a_difference(kb: Run, services: Services, worker: Worker, people: People) -> None:
    with services.database.write() as session:
        entry = samples.published(session, services.store, people.tech, people.lead)
        session.commit()
    found = _json(kb("index", "verify", "--json", code=1))
    assert found["missing"] == [entry.number]


def test_a_damaged_store_is_reported(kb: Run, services: Services, store: ContentStore, people: People) -> None:
    with services.database.write() as session:
        samples.published(session, store, people.tech, people.lead)
        session.commit()
    next(path for path in store.root.rglob("*") if path.is_file()).write_bytes(b"x")
    assert len(_json(kb("content", "verify", "--json", code=1))["altered"]) == 1


def test_figures_to_be_confirmed_are_listed(kb: Run, services: Services, people: People) -> None:
    guessed = [{"name": "电平", "value": "60", "unit": "dBμV", "confidence": "unverified"}]
    body = samples.BODY.replace("## 检查\n\n", "## 检查\n\n1. 60dBμV（待本地确认）。\n")
    with services.database.write() as session:
        entry = samples.published(session, services.store, people.tech, people.lead, body, figures=guessed)
        session.commit()
    listed = _json(kb("content", "figures", "--json"))
    assert [(one["number"], one["value"], one["unit"]) for one in listed] == [(entry.number, "60", "dBμV")]
    assert f"{entry.number}\t电平\t60 dBμV\t" in kb("content", "figures").stdout
    assert _json(kb("content", "figures", "--confidence", "verified", "--json")) == []
    assert _json(kb("content", "figures", "--group", "team-it", "--json")) == []


def test_export(kb: Run, services: Services, people: People, tmp_path: Path) -> None:
    with services.database.write() as session:
        samples.published(session, services.store, people.tech, people.lead)
        session.commit()
    kb("export", str(tmp_path / "out"))
    assert (tmp_path / "out" / "solution" / "SOL-000001.md").exists()


def test_accounts(kb: Run, database: Database) -> None:
    kb(
        "user",
        "add",
        "wang",
        "--role",
        "technician",
        "--unit",
        "group-city-1",
        "--password-stdin",
        stdin="a long one 1\n",
    )
    kb("user", "set", "wang", "--inactive")
    rows = {row["username"]: row for row in _json(kb("user", "list", "--json"))}
    assert rows["wang"] == {
        "username": "wang",
        "name": "wang",
        "role": "technician",
        "unit": "group-city-1",
        "active": False,
    }
    kb("user", "password", "tech", "--password-stdin", stdin="another long one\n")
    with database.read() as session:
        assert authenticate(session, "tech", "another long one")
        assert authenticate(session, "tech", PASSWORD) is None
    assert "密码至少" in kb("user", "password", "tech", "--password-stdin", stdin="short\n", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "knd:policy"), "did you mean kind"),
        (("import", "/no/such/folder"), "no such folder"),
        (("user", "password", "nobody", "--password-stdin"), "no such user"),
        (("import", ".", "--by", "tech"), "not permitted"),
    ],
)
def test_mistakes_end_with_one_sentence(arguments: tuple[str, ...], said: str, kb: Run, services: Services) -> None:
    result = kb(*arguments, stdin="long enough pw\n", code=1)
    assert said in result.stderr and "Traceback" not in result.output


def test_no_command_works_on_an_outdated_database(kb: Run, database: Database) -> None:
    database.downgrade("0001")
    assert "kb init" in kb("search", "光猫", code=1).stderr


def test_a_bad_setting_is_named(kb: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_THREADS", "many")
    assert "THREADS" in kb("search", "x", code=1).stderr


def test_search_sorts_explains_and_says_what_was_relaxed(
    kb: Run, services: Services, worker: Worker, people: People
) -> None:
    with services.database.write() as session:
        first, second = (
            samples.published(session, services.store, people.tech, people.lead, title=f"机顶盒没信号{name}").number
            for name in ("甲", "乙")
        )
        entries.find(session, people.tech, first).published.approved_at -= dt.timedelta(days=3)
        session.commit()
    worker.drain()
    assert [hit["id"] for hit in _json(kb("search", "机顶盒", "--sort", "date", "--json"))] == [second, first]
    told = _json(kb("search", "无信号", "--explain", first, "--json"))
    hit = next(hit for hit in _json(kb("search", "无信号", "--json")) if hit["id"] == first)
    assert (told["id"], told["tier"], round(told["score"], 6)) == (first, hit["tier"], hit["score"])
    shown = kb("search", "无信号", "--explain", first.lower()).stdout
    assert f"{first}  机顶盒没信号甲  [words" in shown and "idf" in shown and "symptoms" in shown
    missed = kb("search", "无信号 kind:policy", "--explain", first).stdout
    assert "未找到" in missed and "kind:policy" in missed
    loose = kb("search", "“无信号的机顶盒”")
    assert "按词语查找" in loose.stderr and first in loose.stdout
    assert "无信号 有 2 条" in kb("search", "无信号 kind:policy").stderr
    assert "no such entry" in kb("search", "无信号", "--explain", "SOL-999", code=1).stderr


def test_access_names_the_rule_that_keeps_somebody_out(kb: Run, services: Services, people: People) -> None:
    with services.database.write() as session:
        made = samples.published(session, services.store, people.manager, people.lead, audience="staff").number
        session.commit()
    assert "✗ audience" in kb("access", made).stdout  # a subscriber
    assert all(reason["lets"] for reason in _json(kb("access", made, "--user", "tech", "--json")))
    assert "not permitted" in kb("access", made, "--by", "tech", code=1).stderr
    assert "no such user" in kb("access", made, "--user", "nobody", code=1).stderr


def test_eval_prints_its_measures(kb: Run, tmp_path: Path) -> None:
    documents = [
        {"id": f"d{n}", "title": "", "text": f"{word}的处理办法"} for n, word in enumerate(("光猫", "机顶盒", "打印机"))
    ]
    queries = [{"id": "q0", "text": "光猫怎么办"}, {"id": "q1", "text": "机顶盒坏了"}]
    (tmp_path / "corpus.jsonl").write_text("\n".join(json.dumps(d) for d in documents), "utf-8")
    (tmp_path / "queries.jsonl").write_text("\n".join(json.dumps(q) for q in queries), "utf-8")
    (tmp_path / "qrels.tsv").write_text("q0\td0\t1\nq1\td1\t1\n", "utf-8")
    figures = _json(kb("eval", str(tmp_path), "--json"))
    assert figures["success@1"] == figures["ndcg@10"] == figures["mrr@10"] == 1.0
    assert figures["queries"] == 2
    assert {"success@3", "success@5", "success@10", "recall@100"} <= set(figures)
    assert _json(kb("eval", str(tmp_path), "--json", "--limit", "1"))["queries"] == 1
    assert "BEIR" in kb("eval", str(tmp_path.parent), code=1).stderr


def test_every_command_is_documented() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")

    def walk(command: click.Command, name: str) -> None:
        assert command.help, name
        if isinstance(command, click.Group):
            for child, sub in command.commands.items():
                walk(sub, f"{name} {child}")
        else:
            words = name.split()
            assert f"`kb {words[1]}" in readme, name
            assert words[-1] in readme, name

    walk(main, "kb")


def _kb(data: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    environment = os.environ | {"KB_DATA_DIR": str(data), "PORT": "0", "PYTHONWARNINGS": "default"}
    return subprocess.Popen(
        [sys.executable, "-m", "web.cli", *arguments], env=environment, stderr=subprocess.PIPE, text=True, **options
    )


def _wait_for(url: str, seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url) as answer:
                return json.load(answer)
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends no process by a signal")
def test_init_demo_and_serve_is_the_whole_product(tmp_path: Path) -> None:
    """What `make run` does, twice: the second time is quick and loses nothing."""
    data = tmp_path / "var"
    logins = []
    for _ in range(2):
        init = _kb(data, "init", "--demo")
        _, said = init.communicate(timeout=300)
        assert init.returncode == 0, said
        logins.append(re.findall(r"^  (\w+) +(\w+) +(\S{12})$", said, re.MULTILINE))
    assert logins[0] == logins[1] and len(logins[0]) == 4

    server = _kb(data, "serve")
    try:
        assert server.stderr is not None
        url = next(found.group() for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        assert _wait_for(f"{url}/health")["status"] in ("ok", "degraded")
        hits = _wait_for(f"{url}/api/v1/search?q=%E6%9C%BA%E9%A1%B6%E7%9B%92%E6%B2%A1%E4%BF%A1%E5%8F%B7")
        assert hits["hits"][0]["kind"] == "solution" and hits["hits"][0]["audience"] == "public"

        # The worker that came with the server makes an approved entry findable within seconds.
        database, store = Database(data / "kb.sqlite3"), ContentStore(data / "store")
        from kb import access, accounts

        with database.write() as session:
            tech = access.person(session, accounts.get(session, "tech"))
            lead = access.person(session, accounts.get(session, "lead"))
            entry = samples.published(session, store, tech, lead, title="量子纠缠光猫离线的处理")
            session.commit()
        began = time.monotonic()
        while not (found := _wait_for(f"{url}/api/v1/search?q=%E9%87%8F%E5%AD%90%E7%BA%A0%E7%BC%A0")["hits"]):
            assert time.monotonic() - began < 60  # a second or two; more on a machine with other work
            time.sleep(0.1)
        assert found[0]["id"] == entry.number
        _wait_for(f"{url}/api/v1/search?q=zuihou")
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
    assert server.returncode == 0
    with database.read() as session:  # the search of the last moment was logged
        assert [row.text for row in searches.newest(session, entry.updated_at, limit=1)] == ["zuihou"]
    database.close()
    lock = subprocess.run([sys.executable, "-c", _TAKE_WORKER_LOCK, str(data)], capture_output=True, text=True)
    assert lock.returncode == 0, lock.stderr  # the worker ended with the server


_TAKE_WORKER_LOCK = """
import sys
from pathlib import Path
from indexer.analysis import Analyzer
from indexer.generations import Generations
from kb.library import library_path
with Generations(Path(sys.argv[1]) / "index", Analyzer(library_path() / "dictionary", Path(sys.argv[1]))).working():
    pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sockets are not handed to other processes on Windows")
def test_several_processes_serve_one_address_and_end_together(kb: Run, services: Services) -> None:
    port = _free_port()
    environment = os.environ | {"KB_PROCESSES": "2", "KB_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen([sys.executable, "-m", "web.cli", "serve"], env=environment, stderr=subprocess.DEVNULL)
    try:
        assert _wait_for(f"http://127.0.0.1:{port}/health")["status"] in ("ok", "degraded")
        children = _children(server.pid)
        deadline = time.monotonic() + 60
        while len(children) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
            children = _children(server.pid)
        assert len(children) == 2  # the other web process, and the index worker
        with contextlib.ExitStack() as idle:  # more browsers than waitress takes by itself
            for _ in range(220):
                idle.enter_context(socket.create_connection(("127.0.0.1", port)))
            for _ in range(20):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=20) as answer:
                    assert answer.status == 200
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(40) == 0
    assert not [child for child in children if _runs(child)]


def test_a_child_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One moment without memory must not end the watch over all children."""
    made, stop = tmp_path / "made", threading.Event()
    monkeypatch.setattr(sys, "executable", "true")
    child = _Child("short-lived", "anything")
    watcher = threading.Thread(target=_watch, args=([child], stop))
    monkeypatch.setattr(sys, "executable", str(made))  # which is not there yet
    watcher.start()
    time.sleep(2.5)
    assert watcher.is_alive()
    made.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\ncat\n")
    made.chmod(0o700)
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    stop.set()
    watcher.join(20)
    assert not watcher.is_alive()


def test_windows_serves_with_one_process(kb: Run, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_PROCESSES", "2")
    monkeypatch.setattr("web.cli.sys.platform", "win32")
    assert "KB_PROCESSES" in kb("serve", "--no-worker", code=1).output


def test_a_port_in_use_is_named(kb: Run, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("KB_PORT", str(port))
        said = kb("serve", "--no-worker", code=1).output
    assert f"无法监听 127.0.0.1:{port}" in said and "KB_PORT" in said


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _runs(pid: int) -> bool:
    """Is it a process, and not what is left of one until its parent's parent looks?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_real_installation_asks_for_an_administrator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_DATA_DIR", str(tmp_path / "real"))
    runner = CliRunner()
    result = runner.invoke(main, ["init", "--username", "boss", "--password-stdin"], input="long enough pw\n")
    assert result.exit_code == 0, result.output
    assert "demo" not in result.stderr.lower()
    listed = json.loads(runner.invoke(main, ["user", "list", "--json"]).stdout)
    assert [(row["username"], row["role"]) for row in listed] == [("boss", "administrator")]
    assert library_path().is_dir()
    refused = runner.invoke(main, ["init", "--demo"])
    assert refused.exit_code == 1 and "正式环境" in refused.stderr


def test_a_dictionary_is_edited_previewed_put_in_use_and_taken_back(
    kb: Run,
    services: Services,
    people: People,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "golden.tsv").write_text("", "utf-8")
    monkeypatch.setattr("web.services.Services.golden", property(lambda self: tmp_path / "golden.tsv"))
    with services.database.write() as session:
        numbers = [
            samples.published(session, services.store, people.tech, people.lead, title=title).number
            for title in ("量子纠缠光猫离线", "雪花屏的处理")
        ]
        session.commit()
    kb("index", "rebuild")
    assert "E04" in kb("dictionary", "add", "E04,甲乙", "--kind", "synonym", "--reason", "试", code=1).output
    kb("dictionary", "add", f"雪花屏 => {numbers[0]}", "--kind", "pin", "--reason", "试")
    assert _json(kb("dictionary", "preview", "--query", "雪花屏", "--json"))["moved"][0]["after"][0] == numbers[0]
    kb("dictionary", "apply", "--reason", "试")
    assert _json(kb("search", "雪花屏", "--json"))[0]["pinned"]
    listed = _json(kb("dictionary", "list", "--json"))
    assert (listed["in_use"], listed["same"], len(listed["lines"])) == (1, True, 1)
    exported = kb("dictionary", "export").stdout
    kb("golden", "add", "雪花屏", numbers[0], "--lowest", "1")
    kb("golden", "run")
    assert (
        "雪花屏" in kb("dictionary", "rollback", "0", "--reason", "回去", code=1).output
    )  # the golden query blocks it
    kb("golden", "remove", "雪花屏", numbers[0])
    kb("dictionary", "rollback", "0", "--reason", "回去")
    assert not _json(kb("search", "雪花屏", "--json"))[0]["pinned"]
    kb("dictionary", "remove", f"雪花屏 => {numbers[0]}", "--kind", "pin", "--reason", "试")
    kb("dictionary", "import", "-", "--reason", "表", stdin=exported)
    assert exported.splitlines()[1:] == kb("dictionary", "export").stdout.splitlines()[1:]
    assert "替换工作副本" in kb("dictionary", "history").stdout
    assert kb("dictionary", "propose").stdout == ""
    assert any(row["query"] == "雪花屏" for row in _json(kb("golden", "list", "--json"))) is False


def test_health_says_what_is_wrong(kb: Run, services: Services, people: People) -> None:
    with services.database.write() as session:
        number = samples.published(session, services.store, people.tech, people.lead).number
        session.commit()
    kb("index", "rebuild")
    assert "金标查询" in kb("health").stdout
    kb("golden", "add", "火星天气", number, "--lowest", "1")
    kb("golden", "run", code=1)
    told = kb("health", code=1).stdout
    assert "火星天气" in told and "red" in told


def test_searches_and_captured_words_on_the_command_line(kb: Run, services: Services, people: People) -> None:
    services.searches.record(people.tech, "1", "猫咪灯不亮 13912345678", hits=0)
    services.searches.flush()
    with services.database.write() as session:
        entry = samples.published(session, services.store, people.tech, people.lead)
        incident = samples.resolved(session, people.tech)
        incidents.link(session, people.tech, incident, entry, words="麻点满屏")
        samples.confirmed(session, people.tech, incident)
        incidents.close(session, people.tech, incident)
        session.commit()
    assert [row["text"] for row in _json(kb("searches", "list", "--json"))] == ["麻点满屏", "猫咪灯不亮 [手机号]"]
    assert [row["text"] for row in _json(kb("searches", "list", "--failed", "--json"))] == ["猫咪灯不亮 [手机号]"]
    assert "猫咪灯不亮" in kb("searches", "list", "--failed").stdout
    shown = _json(kb("captured", "list", entry.number, "--json"))
    assert {row["text"] for row in shown} == {"麻点满屏", "机顶盒没信号 电视上写无信号，邻居家正常"}
    wanted = [entry.number, str(shown[0]["id"]), "--reason", "错"]
    kb("captured", "remove", *wanted, "--by", "tech", code=1)
    kb("captured", "remove", *wanted, "--by", "lead")
    assert len(kb("captured", "list", entry.number).stdout.splitlines()) == 1
    assert "已清除 0 条" in kb("searches", "prune").stdout
    assert "已清除 2 条" in kb("searches", "prune", "--days", "0").stdout


def test_the_learning_curve_of_an_installation(kb: Run, services: Services, people: People, tmp_path: Path) -> None:
    with services.database.write() as session:
        samples.published(session, services.store, people.tech, people.lead)
        session.commit()
    table = tmp_path / "reports.tsv"
    lines = [f"{number}\t电话\t机顶盒没信号 第{number}次\tTV-005" for number in range(5)]
    table.write_text("\n".join(["id\tchannel\ttext\tright", *lines]), "utf-8")
    steps = _json(kb("eval", str(table), "--learning", "--json"))
    assert [(step["incidents"], step["reports"], step["taught"]) for step in steps] == [
        (incidents, 5, 5) for incidents in (0, 1, 2, 4, 8)
    ]
    assert len(kb("eval", str(table), "--learning").stdout.splitlines()) == 7
    kb("eval", str(table), code=1)
    kb("eval", str(tmp_path), "--learning", code=1)
