"""Which commands does an operator have? The command line over the same functions as pages and API.

Progress and messages go to standard error, results to standard output, so that `--json` can be piped.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import click

from kb import exporter, figures, importer, installation
from kb.documents import Audience, Confidence
from kb.errors import Invalid
from kb.importer import Defaults, ImportReport
from kb.settings import Settings
from web.console import Group as _Group
from web.console import errors
from web.console import opened as _services
from web.console import person_of as _person
from web.console import progress as _progress
from web.console import settings_or_error as _settings
from web.console import show as _show
from web.dictionary_commands import dictionary, golden
from web.inbox_commands import inbox
from web.incident_commands import incidents
from web.index_commands import EXIT_ERROR, index, index_if_needed, index_pending, index_worker
from web.pages.health import checks
from web.process_commands import change, problem
from web.search_commands import captured_group, evaluate, explain_access, related, search, searches_group
from web.user_commands import ask_password, user

log = logging.getLogger(__name__)

# Of each process: a browser keeps several open while nobody clicks, and waitress by itself stops at 100. Below the 1,024
# files that a process may commonly have open, and that `select` can watch.
MOST_CONNECTIONS = 900


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """问渠 Wenqu：运维知识库 · knowledge-base search for operations teams."""


# --- setting up and serving ------------------------------------------------------------------------------------


@main.command()
@click.option("--demo", is_flag=True, help="建立演示环境与演示账号，不提问 · a demo with demo accounts, asks nothing")
@click.option("--username", default="", help="管理员用户名 · administrator's user name")
@click.option("--name", "display_name", default="", help="管理员姓名 · administrator's name")
@click.option("--password-stdin", is_flag=True, help="从标准输入读管理员密码 · read the password from standard input")
def init(*, demo: bool, username: str, display_name: str, password_stdin: bool) -> None:
    """初始化或升级：数据库、随产品知识库、索引、首个账号 · set up or upgrade; can be run again at any time."""
    with _services(checked=False) as services:
        report = _with_progress(
            "知识库 library", lambda p: installation.prepare(services.database, services.store, progress=p)
        )
        errors.print(
            f"知识库 library: 新增 {report.added}，更新 {report.updated}，不变 {report.unchanged} · added, updated, unchanged"
        )
        for path, reason in report.refused:
            errors.print(f"  未装入 refused: {path}: {reason}")
        with services.database.read() as session:
            mode = installation.mode(session)
        if demo:
            with services.database.write() as session:
                made = installation.make_demo(session)
                session.commit()
            logins = installation.remember_demo_logins(services.settings.data_dir / "demo-logins.tsv", made)
            _print_logins(logins)
        elif mode is None:
            username = username or click.prompt("管理员用户名 administrator's user name", err=True)
            password = sys.stdin.readline().rstrip("\n") if password_stdin else ask_password()
            with services.database.write() as session:
                installation.make_real(session, username=username, display_name=display_name, password=password)
                session.commit()
        index_if_needed(services)


def _print_logins(logins: list[tuple[str, str, str]]) -> None:
    errors.print("\n演示账号（仅演示环境）· demo logins, in this demo only:")
    for username, password, role in logins:
        errors.print(f"  {role:<18} {username:<8} {password}", markup=False)
    errors.print("  subscriber         不需登录 no login needed\n")


@main.command()
@click.option("--no-worker", is_flag=True, help="不随带索引进程 · do not run the index worker as a child")
@click.option("--listening-on", type=int, hidden=True, help="a socket that the first process has opened")
def serve(*, no_worker: bool, listening_on: int | None) -> None:
    """提供网站，并随带索引进程 · serve the site, with the index worker as a child process."""
    from waitress import create_server

    from web.app import create_app

    _log()
    with _services() as services:
        settings = services.settings
        if settings.processes > 1 and sys.platform == "win32":
            raise Invalid(
                "Windows 上 KB_PROCESSES 只能是 1 · KB_PROCESSES is 1 on Windows, where a socket is not handed to others"
            )
        services.search.warm_up()
        app = create_app(services)
        children: list[_Child] = []
        listening = _listen(settings) if listening_on is None else socket.socket(fileno=listening_on)
        server = create_server(
            app, sockets=[listening], threads=settings.threads, ident=None, connection_limit=MOST_CONNECTIONS
        )
        if listening_on is None:
            fd = listening.fileno()
            command = ("serve", "--no-worker", "--listening-on", str(fd))
            children += [_Child("web process", *command, fds=(fd,)) for _ in range(settings.processes - 1)]
        if not no_worker:
            children.append(_Child("index worker", "worker", "--until-stdin-closes"))
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: _interrupt())
        if listening_on is None:
            port = listening.getsockname()[1]
            errors.print(f"问渠已就绪 · ready: http://{settings.host}:{port}  (Ctrl-C 结束 to stop)")
        else:
            threading.Thread(target=_end_with_parent, daemon=True).start()
        watcher = threading.Thread(target=_watch, args=(children, stop), daemon=True)
        watcher.start()
        try:
            server.run()
        except KeyboardInterrupt:
            pass
        finally:
            stop.set()
            server.close()
            watcher.join(timeout=30)


def _listen(settings: Settings) -> socket.socket:
    """A socket on the address of the settings; `*` is every address of this machine."""
    host = "" if settings.host == "*" else settings.host
    try:
        if not host:
            return socket.create_server(("", settings.port), backlog=1024)
        family, *_, address = socket.getaddrinfo(host, settings.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as exc:
        raise Invalid(
            f"无法监听 {settings.host}:{settings.port}，换 KB_HOST 或 KB_PORT · cannot listen there: {exc.strerror or exc}"
        ) from exc


class _Child:
    """A process of ours that ends when its standard input does, so it never outlives a killed server."""

    def __init__(self, name: str, *command: str, fds: tuple[int, ...] = ()) -> None:
        self._name, self._command, self._fds = name, command, fds
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "web.cli", *self._command], stdin=subprocess.PIPE, pass_fds=self._fds
        )

    def keep_alive(self) -> None:
        if self._process.poll() is None:
            return
        log.error("%s ended with %s; starting it again", self._name, self._process.returncode)
        self.end()
        try:
            self._start()
        except OSError:  # no memory or no process left at the moment: the watcher goes on, and so do the other children
            log.exception("%s cannot be started; trying again", self._name)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def wait(self) -> None:
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()


def _watch(children: list[_Child], stop: threading.Event) -> None:
    """Start children again when they die; end them when the server does."""
    while not stop.wait(1.0):
        for child in children:
            child.keep_alive()
    for child in children:
        child.end()
    for child in children:
        child.wait()


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _interrupt() -> None:
    raise KeyboardInterrupt


@main.command()
@click.option("--json", "as_json", is_flag=True)
def health(*, as_json: bool) -> None:
    """各部分是否正常；有故障则退出码 1 · is every part well? exit code 1 when one is not."""
    with _services(checked=False) as services:
        found = checks(services)
    if as_json:
        _show([dataclasses.asdict(check) for check in found])
    else:
        for check in found:
            print(f"{check.colour:<6} {check.title}：{check.said}{'  → ' + check.hint if check.hint else ''}")
    if any(check.colour == "red" for check in found):
        sys.exit(EXIT_ERROR)


@main.command("worker")
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
def run_worker(*, until_stdin_closes: bool) -> None:
    """运行索引进程：把变更送入索引 · take changes to the index until stopped."""
    _log()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    if until_stdin_closes:

        def wait_for_end() -> None:
            while os.read(sys.stdin.fileno(), 1024):
                pass
            stop.set()

        threading.Thread(target=wait_for_end, daemon=True).start()
    with _services() as services:
        index_worker(services).run(stop)


def _log() -> None:
    logging.getLogger("alembic").setLevel("WARNING")  # it announces itself at every look at the schema
    logging.basicConfig(
        level=_settings().log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )


# --- knowledge in and out --------------------------------------------------------------------------------------


@main.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--by", "username", default="", help="以谁的名义导入 · user name; default: the first administrator")
@click.option("--source", default="", help="来源名称，默认取目录或归档名 · name of the source")
@click.option(
    "--category", default=Defaults.category, show_default=True, help="外来文件的类目 · category of foreign files"
)
@click.option(
    "--audience",
    type=click.Choice([item.value for item in Audience]),
    default=Defaults.audience.value,
    show_default=True,
)
@click.option("--owner-group", default=Defaults.owner_group, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def import_(
    *, path: Path, username: str, source: str, category: str, audience: str, owner_group: str, as_json: bool
) -> None:
    """导入目录或 tar 中的 Markdown；中断后再运行即继续 · import Markdown from a folder or a tar; resumable."""
    defaults = Defaults(category, Audience(audience), owner_group)
    with _services() as services:
        by = _person(services, username)
        report = _with_progress(
            "导入 import",
            lambda p: importer.run(
                services.database, services.store, by, path, source=source, defaults=defaults, progress=p
            ),
        )
        index_pending(services)
    if as_json:
        _show(vars(report))
        return
    print(
        f"{report.seen} 个文件 files: 新增 added {report.added}，更新 updated {report.updated}，"
        f"待审 in review {report.in_review}，不变 unchanged {report.unchanged}，未导入 refused {len(report.refused)}"
    )
    for name, reason in report.refused:
        print(f"  {name}: {reason}")


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--by", "username", default="", help="以谁的眼光导出 · whose sight decides; default: the first administrator"
)
def export(*, folder: Path, username: str) -> None:
    """把已发布词条导出为 Markdown 与附件 · write published entries as Markdown, with their attachments."""
    with _services() as services:
        count = exporter.run(services.database, services.store, _person(services, username), folder)
    print(f"已导出 {count} 条 · entries exported to {folder}")


@main.group(cls=_Group)
def content() -> None:
    """内容存储 · the content store."""


@content.command("verify")
@click.option("--collect", is_flag=True, help="清除无引用的对象 · remove objects nothing refers to")
@click.option("--json", "as_json", is_flag=True)
def content_verify(*, collect: bool, as_json: bool) -> None:
    """逐个核对对象的哈希 · is every stored object there and unaltered?"""
    with _services() as services:
        gone: list[str] = []
        if collect:
            with services.database.write() as session:
                gone = services.store.collect(session)
                session.commit()
        with services.database.read() as session:
            report = services.store.verify(session)
    if as_json:
        _show(vars(report) | {"collected": gone, "sound": report.sound})
    else:
        print(
            f"{report.objects} 个对象 objects，{report.bytes} 字节 bytes；缺失 missing {len(report.missing)}，"
            f"改动 altered {len(report.altered)}，无引用 unreferenced {len(report.unreferenced)}，清除 collected {len(gone)}"
        )
        for key in report.missing + report.altered:
            print(f"  {key}")
    if not report.sound:
        sys.exit(EXIT_ERROR)


@content.command("figures")
@click.option(
    "--confidence",
    type=click.Choice([one.value for one in Confidence]),
    default=Confidence.UNVERIFIED.value,
    show_default=True,
)
@click.option("--group", default="", help="只列一个归口组 · only one owner group")
@click.option("--json", "as_json", is_flag=True)
def content_figures(*, confidence: str, group: str, as_json: bool) -> None:
    """列出待本地确认的数值 · which figures in use has nobody confirmed here?"""
    with _services() as services, services.database.read() as session:
        used = list(figures.listing(session, confidence=Confidence(confidence), owner_group=group))
    if as_json:
        _show([dataclasses.asdict(figure) for figure in used])
        return
    for figure in used:
        print(f"{figure.number}\t{figure.name}\t{figure.value} {figure.unit}".rstrip() + f"\t{figure.title}")
    errors.print(f"{len(used)} 个数值 · figures")


# --- search ----------------------------------------------------------------------------------------------------


for _commands in (
    search, related, explain_access, evaluate, searches_group, captured_group, index, user, dictionary, golden, inbox,
    incidents, problem, change,
):  # fmt: skip
    main.add_command(_commands)


def _with_progress(title: str, work: Callable[[Callable[[ImportReport], None]], ImportReport]) -> ImportReport:
    with _progress(title) as step:
        return work(lambda report: step(report.seen))


if __name__ == "__main__":
    main()
