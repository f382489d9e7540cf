"""Which commands does an operator have? The command line over the same functions as pages and API.

Progress and messages go to standard error, results to standard output, so that `--json` can be piped.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import select

from indexer import evaluation, worker
from indexer.analysis import Analyzer
from kb import access, accounts, exporter, figures, importer, installation, outbox
from kb.access import Person
from kb.accounts import SYSTEM
from kb.documents import Audience, Confidence
from kb.errors import Conflict, IndexLocked, IndexUnavailable, Invalid, KBError
from kb.importer import Defaults, ImportReport
from kb.lifecycle import Role
from kb.models import Unit, User
from kb.settings import Settings
from web.services import Services, open_services

log = logging.getLogger(__name__)
errors = Console(stderr=True, highlight=False, soft_wrap=True)
F = TypeVar("F", bound=Callable[..., Any])

_ACCOUNT_ROLES = [role.value for role in Role if role is not Role.SUBSCRIBER]

# Of each process: a browser keeps several open while nobody clicks, and waitress by itself stops at 100. Below the 1,024
# files that a process may commonly have open, and that `select` can watch.
MOST_CONNECTIONS = 900
IMPORT_BATCH = 1000  # entries an index commit after an import: fewer, larger segments
PROGRESS_S = 10.0  # seconds between lines where nobody watches a terminal
EXIT_ERROR = 1
EXIT_INTERRUPTED = 130  # what shells say of Ctrl-C


@contextmanager
def _services(*, checked: bool = True) -> Iterator[Services]:
    """An installation, opened; refuses one whose database is not at this version's schema."""
    services = open_services(_settings())
    try:
        if checked and not services.database.is_current():
            raise Conflict("数据库未初始化或版本过旧，请运行 kb init · database missing or outdated: run `kb init`")
        yield services
    finally:
        services.close()


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as exc:
        first = exc.errors()[0]
        name = "_".join(map(str, first["loc"])).upper()
        raise Invalid(f"设置 {name} 有误 · bad setting {name}: {first['msg']}") from exc


def _plain_errors(function: F) -> F:
    """Expected errors end a command with one sentence and exit code 1, never a trace."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except KBError as exc:
            hint = f"\n→ {exc.hint}" if isinstance(exc, IndexUnavailable) else ""
            raise click.ClickException(exc.message + hint) from exc
        except KeyboardInterrupt:
            errors.print("已中断，已完成的部分保留；再运行同一命令即继续 · interrupted; run the same command to go on")
            sys.exit(EXIT_INTERRUPTED)

    return run  # type: ignore[return-value]


def _show(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, default=str))


class _Group(click.Group):
    """Wraps every command, so that none can forget to show errors plainly."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        if cmd.callback is not None and not isinstance(cmd, click.Group):
            cmd.callback = _plain_errors(cmd.callback)
        super().add_command(cmd, name)


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
            password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_password()
            with services.database.write() as session:
                installation.make_real(session, username=username, display_name=display_name, password=password)
                session.commit()
        _index_if_needed(services)


def _print_logins(logins: list[tuple[str, str, str]]) -> None:
    errors.print("\n演示账号（仅演示环境）· demo logins, in this demo only:")
    for username, password, role in logins:
        errors.print(f"  {role:<18} {username:<8} {password}", markup=False)
    errors.print("  subscriber         不需登录 no login needed\n")


def _index_if_needed(services: Services) -> None:
    if not services.generations.status().stale:
        _index_pending(services)
        return
    try:
        _rebuild(services)
    except Conflict as exc:  # the old index goes on serving, and health says that a rebuild is needed
        errors.print(exc.message)


def _ask_password() -> str:
    return str(click.prompt("密码 password", hide_input=True, confirmation_prompt=True, err=True))


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
        _worker(services).run(stop)


def _worker(services: Services, *, batch: int = 0) -> worker.Worker:
    settings = services.settings
    return worker.Worker(
        services.database,
        services.store,
        services.generations,
        batch=batch or settings.worker_batch,
        poll_s=settings.worker_poll_s,
    )


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
        _index_pending(services)
    if as_json:
        _show(vars(report))
        return
    print(
        f"{report.seen} 个文件 files: 新增 added {report.added}，更新 updated {report.updated}，"
        f"待审 in review {report.in_review}，不变 unchanged {report.unchanged}，未导入 refused {len(report.refused)}"
    )
    for name, reason in report.refused:
        print(f"  {name}: {reason}")


def _index_pending(services: Services) -> None:
    """Take what is pending to the index now, unless a running worker is doing that already."""
    try:
        with _progress("索引 index") as step:
            _worker(services, batch=IMPORT_BATCH).drain(step)
    except IndexLocked:
        errors.print("由运行中的索引进程送入索引 · the running worker takes it to the index")
    except IndexUnavailable as exc:  # what was imported is safe; a rebuild finds it
        errors.print(f"{exc.message} → {exc.hint}")


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


@main.command()
@click.argument("query")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 100))
@click.option(
    "--as",
    "role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ADMINISTRATOR.value,
    show_default=True,
)
@click.option("--exact", is_flag=True, help="按原词，不纠错 · as typed, without correction")
@click.option("--json", "as_json", is_flag=True)
def search(*, query: str, limit: int, role: str, exact: bool, as_json: bool) -> None:
    """检索 · search as one role sees it."""
    with _services() as services:
        page = services.search.search(Person(None, role, Role(role)), query, limit=limit, exact=exact)
    if page.correction:
        meant = page.correction.apply(query)
        errors.print(
            f"已按「{meant}」搜索，--exact 按原词 · searched for {meant}"
            if page.corrected
            else f"您是不是要找：{meant} · did you mean {meant}?",
            markup=False,
        )
    if as_json:
        _show([found.as_json() for found in page.hits])
        return
    for found in page.hits:
        print(f"{found.id}  {found.title}  [{found.tier} {found.score:.2f}]\n    {found.snippet.text}")
    print(f"共 {page.total} 条 hits，{page.took_ms:.1f} ms")


@main.command("eval")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--limit", default=0, help="只取前 N 个查询 · only the first N queries")
@click.option("--json", "as_json", is_flag=True)
def evaluate(*, folder: Path, limit: int, as_json: bool) -> None:
    """用 BEIR 目录评测排序 · measure the ranking on a BEIR folder, in a throw-away index."""
    settings = _settings()
    analyzer = Analyzer(settings.dictionary_path, settings.cache_path)
    with _progress("评测 evaluate") as step:
        figures = evaluation.evaluate(folder, analyzer, limit=limit or None, progress=step)
    if as_json:
        _show(figures)
        return
    for name, value in figures.items():
        print(f"{name:<14} {value:.4f}" if isinstance(value, float) else f"{name:<14} {value}")


# --- index -----------------------------------------------------------------------------------------------------


@main.group(cls=_Group)
def index() -> None:
    """索引 · the search index."""


@index.command("status")
@click.option("--json", "as_json", is_flag=True)
def index_status(*, as_json: bool) -> None:
    """哪一代索引在服务，是否需要重建 · which generation serves, and is a rebuild needed?"""
    with _services() as services:
        status = services.generations.status()
        with services.database.read() as session:
            waiting = outbox.waiting(session)
    shown = status.as_json() | {"waiting": waiting}
    if as_json:
        _show(shown)
        return
    for name, value in shown.items():
        print(f"{name:<16} {value}")


@index.command("rebuild")
@click.option("--if-needed", is_flag=True, help="索引完好且版本一致时不做 · only when missing or outdated")
@click.option("--without-golden", is_flag=True, help="金标查询不通过也切换 · swap in even if golden queries fail")
def index_rebuild(*, if_needed: bool, without_golden: bool) -> None:
    """另建一代、核对、切换；检索不中断 · build aside, verify, swap; search goes on meanwhile."""
    with _services() as services:
        if if_needed:
            _index_if_needed(services)
        else:
            _rebuild(services, golden=not without_golden)


def _rebuild(services: Services, *, golden: bool = True) -> None:
    with _progress("建立索引 index") as step:
        manifest = services.rebuild(golden=golden, progress=step)
    errors.print(f"索引 index: {manifest.documents} 条 · entries")


@index.command("verify")
@click.option("--json", "as_json", is_flag=True)
def index_verify(*, as_json: bool) -> None:
    """逐条核对索引与数据库 · does the index hold exactly what the database says?"""
    with _services() as services:
        found = worker.compare(services.database, services.generations.current())
    if as_json:
        _show(vars(found) | {"sound": found.sound})
    else:
        print(
            f"应有 expected {found.expected}；缺 missing {len(found.missing)}，多 surplus {len(found.surplus)}，"
            f"旧 outdated {len(found.outdated)}；待索引 waiting {found.waiting}"
        )
    if not found.sound:
        sys.exit(EXIT_ERROR)


# --- people ----------------------------------------------------------------------------------------------------


@main.group(cls=_Group)
def user() -> None:
    """账号 · accounts."""


@user.command("list")
@click.option("--json", "as_json", is_flag=True)
def user_list(*, as_json: bool) -> None:
    """列出账号 · all accounts."""
    with _services() as services, services.database.read() as session:
        rows = session.execute(
            select(User.username, User.display_name, User.role, Unit.key, User.active)
            .outerjoin(Unit, Unit.id == User.unit_id)
            .order_by(User.id)
        ).all()
    table = [
        {"username": name, "name": shown, "role": role, "unit": unit or "", "active": active}
        for name, shown, role, unit, active in rows
    ]
    if as_json:
        _show(table)
        return
    for row in table:
        print(
            f"{row['username']:<16} {row['role']:<18} {row['unit']:<18} {'' if row['active'] else '停用 inactive '}{row['name']}"
        )


@user.command("add")
@click.argument("username")
@click.option("--role", type=click.Choice(_ACCOUNT_ROLES), required=True)
@click.option("--name", "display_name", default="")
@click.option("--unit", default="", help="组织单位的 key · key of the unit")
@click.option("--password-stdin", is_flag=True)
def user_add(*, username: str, role: str, display_name: str, unit: str, password_stdin: bool) -> None:
    """新建账号 · make an account."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_password()
    with _services() as services, services.database.write() as session:
        accounts.create(
            session,
            SYSTEM,
            username=username,
            display_name=display_name,
            role=Role(role),
            password=password,
            unit_key=unit,
        )
        session.commit()
    print(f"已建立 created: {username}")


@user.command("set")
@click.argument("username")
@click.option("--role", type=click.Choice(_ACCOUNT_ROLES))
@click.option("--unit", default="")
@click.option("--active/--inactive", default=None)
def user_set(*, username: str, role: str | None, unit: str, active: bool | None) -> None:
    """改角色、单位、启停 · change role, unit, or whether they may sign in."""
    with _services() as services, services.database.write() as session:
        found = accounts.get(session, username)
        accounts.change(session, SYSTEM, found, role=Role(role) if role else None, active=active, unit=unit)
        session.commit()
    print(f"已更新 changed: {username}")


@user.command("password")
@click.argument("username")
@click.option("--password-stdin", is_flag=True)
def user_password(*, username: str, password_stdin: bool) -> None:
    """重设密码，其会话随即失效 · set a password; open sessions end."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_password()
    with _services() as services, services.database.write() as session:
        accounts.set_password(session, SYSTEM, accounts.get(session, username), password)
        session.commit()
    print(f"已更新 changed: {username}")


def _person(services: Services, username: str) -> Person:
    with services.database.read() as session:
        if username:
            return access.person(session, accounts.get(session, username))
        found = accounts.administrators(session)
        if not found:
            raise Conflict("还没有管理员，请先运行 kb init · no administrator yet: run `kb init` first")
        return access.person(session, found[0])


# --- progress --------------------------------------------------------------------------------------------------


@contextmanager
def _progress(title: str) -> Iterator[Callable[..., None]]:
    """A counter with its rate: a bar on a terminal, a line every PROGRESS_S elsewhere. Call it with the count so far."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed:.0f}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(title, total=None, rate="")
        began = told = time.monotonic()

        def step(done: int) -> None:
            nonlocal told
            now = time.monotonic()
            rate = f"{done / max(now - began, 0.001):.0f}/s"
            bar.update(task, completed=done, rate=rate)
            if not errors.is_terminal and now - told >= PROGRESS_S:
                told = now
                errors.print(f"{title} {done} {rate}")

        yield step


def _with_progress(title: str, work: Callable[[Callable[[ImportReport], None]], ImportReport]) -> ImportReport:
    with _progress(title) as step:
        return work(lambda report: step(report.seen))


if __name__ == "__main__":
    main()
