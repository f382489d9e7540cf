"""Which commands does an operator have? The command line over the same functions as pages and API.

Progress and messages go to standard error, results to standard output, so that `--json` can be piped.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from sqlalchemy import select

from indexer import Sort, evaluation, feed, worker
from indexer.analysis import Analyzer
from indexer.learning import curve, read_collection, read_reports
from indexer.query import cut
from kb import (
    access,
    accounts,
    captured,
    clock,
    entries,
    exporter,
    figures,
    importer,
    installation,
    mail,
    outbox,
    searches,
)
from kb.access import SUBSCRIBER, Person
from kb.accounts import SYSTEM
from kb.documents import Audience, Confidence
from kb.errors import Conflict, IndexLocked, IndexUnavailable, Invalid, NotFound
from kb.importer import Defaults, ImportReport
from kb.lifecycle import Role
from kb.models import Entry, Unit, User
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
from web.pages.health import checks
from web.process_commands import change, problem
from web.services import Services

log = logging.getLogger(__name__)

_ACCOUNT_ROLES = [role.value for role in Role if role is not Role.SUBSCRIBER]

# Of each process: a browser keeps several open while nobody clicks, and waitress by itself stops at 100. Below the 1,024
# files that a process may commonly have open, and that `select` can watch.
MOST_CONNECTIONS = 900
IMPORT_BATCH = 1000  # entries an index commit after an import: fewer, larger segments
EXIT_ERROR = 1


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
        _worker(services).run(stop)


def _worker(services: Services, *, batch: int = 0) -> worker.Worker:
    settings = services.settings
    return worker.Worker(
        services.database,
        services.store,
        services.generations,
        batch=batch or settings.worker_batch,
        poll_s=settings.worker_poll_s,
        golden=services.golden,
        review_days=settings.review_days,
        post=partial(mail.deliver, services.database, settings.mail_server),
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
@click.option(
    "--sort", type=click.Choice([sort.value for sort in Sort]), default=Sort.RELEVANCE.value, show_default=True
)
@click.option("--exact", is_flag=True, help="按原词，不纠错 · as typed, without correction")
@click.option("--explain", "number", default="", metavar="编号", help="说明为什么找到这一条 · why is this entry found?")
@click.option("--json", "as_json", is_flag=True)
def search(*, query: str, limit: int, role: str, sort: str, exact: bool, number: str, as_json: bool) -> None:
    """检索 · search as one role sees it."""
    by = Person(None, role, Role(role))
    with _services() as services:
        if number:
            _explain(services, by, query, number, as_json=as_json)
            return
        page = services.search.search(by, query, limit=limit, sort=Sort(sort), exact=exact)
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
    for phrase in page.as_words:
        errors.print(f"没有「{phrase.text}」，按词语查找 · nobody has this phrase, looked for as words", markup=False)
    for offer in page.offers:
        errors.print(f"{cut(page.query.text, offer.parts)} 有 {offer.total} 条 · would find so many", markup=False)
    for found in page.hits:
        print(
            f"{found.id}  {found.title}  [{'置顶 pinned' if found.pinned else f'{found.tier} {found.score:.2f}'}]\n    {found.snippet.text}"
        )
    print(f"共 {page.total} 条 hits，{page.took_ms:.1f} ms")


@main.command()
@click.argument("number")
@click.option(
    "--as",
    "role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ADMINISTRATOR.value,
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True)
def related(*, number: str, role: str, as_json: bool) -> None:
    """相近的词条 · entries like one, and the words they share"""
    by = Person(None, role, Role(role))
    with _services() as services:
        with services.database.read() as session:
            entry = entries.find(session, by, number)
        found = services.search.related(by, entry.number)
    if as_json:
        _show([dataclasses.asdict(other) for other in found])
        return
    for other in found:
        print(f"{other.number}  {other.title}  [{'、'.join(other.shared)}]")


def _explain(services: Services, by: Person, query: str, number: str, *, as_json: bool) -> None:
    with services.database.read() as session:
        entry = entries.find(session, by, number)
    told = services.search.explain(by, query, entry.number)
    if told is None:
        raise NotFound(f"{entry.number} 不在检索范围里 · not in the index", number=entry.number)
    if as_json:
        _show(dataclasses.asdict(told))
        return
    print(f"{told.id}  {entry.title}  [{told.tier or '未找到 not found'} {told.score:.6f}]")
    for one in told.missed:
        print(f"  不合条件 condition not met: {one}")
    for piece in (*told.pieces, *told.grams):
        print(f"  {piece.typed}: {piece.score:.6f}  idf {piece.idf:.4f}，{piece.df}/{told.documents} 条 entries")
        for match in piece.matches:
            faces = " ".join(f"{face} {count}" for face, count in match.faces.items())
            print(f"    {'' if match.typed else '同义词 synonym '}{match.term} ×{match.weight:g}: {faces}")
    print(
        f"  覆盖 coverage {told.coverage:.4f} ×{told.coverage_factor:.4f}，字对 pairs of characters "
        f"+{told.grams_added:.6f}，先验 prior ×{told.prior:.4f}"
    )
    if one := told.meaning:
        print(
            f"  语义 meaning {one.cosine:.4f}：按词第 {one.by_words}、按义第 {one.by_meaning}、合并后第 {one.rank} · "
            "by words, by meaning, together"
        )


@main.command("access")
@click.argument("number")
@click.option("--user", "username", default="", help="哪个账号，默认是用户 · whose account; default: a subscriber")
@click.option("--by", default="", help="以谁的名义问 · who asks; default: the first administrator")
@click.option("--json", "as_json", is_flag=True)
def explain_access(*, number: str, username: str, by: str, as_json: bool) -> None:
    """某人为什么找得到或找不到一条 · why somebody finds an entry, or does not."""
    with _services() as services:
        asker, of = _person(services, by), _person(services, username) if username else SUBSCRIBER
        with services.database.read() as session:
            reasons = access.reasons(asker, of, entries.find(session, asker, number))
    if as_json:
        _show([dataclasses.asdict(reason) for reason in reasons])
        return
    for reason in reasons:
        print(f"{'✓' if reason.lets else '✗'} {reason.rule:<9} {reason.said}")


@main.command("eval")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--limit", default=0, help="只取前 N 个查询 · only the first N queries")
@click.option("--learning", is_flag=True, help="学习曲线：关闭若干事件之后 · how search learns from closed incidents")
@click.option("--json", "as_json", is_flag=True)
def evaluate(*, path: Path, limit: int, learning: bool, as_json: bool) -> None:
    """用 BEIR 目录评测排序；学习曲线也可用报告表 · measure the ranking on a BEIR folder, in a throw-away index.

    With --learning PATH may also be a table of judged reports (id, channel, text, right), asked of this installation's
    entries."""
    settings = _settings()
    analyzer = Analyzer(settings.dictionary_path, settings.cache_path)
    if learning:
        _show_curve(path, analyzer, limit=limit or None, as_json=as_json)
        return
    with _progress("评测 evaluate") as step:
        figures = evaluation.evaluate(path, analyzer, limit=limit or None, progress=step)
    if as_json:
        _show(figures)
        return
    for name, value in figures.items():
        print(f"{name:<14} {value:.4f}" if isinstance(value, float) else f"{name:<14} {value}")


def _show_curve(path: Path, analyzer: Analyzer, *, limit: int | None, as_json: bool) -> None:
    if path.is_dir():
        known, reports = read_collection(path)
    else:
        with _services() as services:
            known = list(feed.everything(services.database, services.store))
            with services.database.read() as session:
                rows = session.execute(select(Entry.number, Entry.covers).where(access.searchable())).all()
        reports = read_reports(path, {symptom: number for number, covers in rows for symptom in covers})
    with _progress("学习 learning") as step:
        steps = curve(known, reports[:limit], analyzer, choose=captured.chosen, progress=step)
    if as_json:
        _show([dataclasses.asdict(one) for one in steps])
        return
    first = steps[0]
    print(f"{first.reports} 条报告 reports，其中 {first.taught} 条的方案有过事件 whose solution was taught")
    print("incidents   s@1    s@3    s@1 taught  s@3 taught")
    for one in steps:
        shares = (*one.success.values(), *one.success_taught.values())
        print(f"{one.incidents:>9}  {shares[0]:.3f}  {shares[1]:.3f}  {shares[2]:>10.3f}  {shares[3]:>10.3f}")


# --- what people search for, and what is learnt from it --------------------------------------------------------


@main.group("searches", cls=_Group)
def searches_group() -> None:
    """检索日志 · the log of searches."""


@searches_group.command("list")
@click.option("--failed", is_flag=True, help="只列查不到或查不好的，同一说法归并 · only in vain, wordings together")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1), help="最近多少天 · of so many days")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True)
def searches_list(*, failed: bool, days: int, limit: int, as_json: bool) -> None:
    """最近的检索，或没有结果的检索 · what was searched for, or what was searched for in vain."""
    since = clock.now() - dt.timedelta(days=days)
    with _services() as services, services.database.read() as session:
        if failed:
            rows = [dataclasses.asdict(row) for row in searches.failed(session, since, limit=limit)]
        else:
            rows = [
                {"at": row.at, "role": row.role, "text": row.text, "hits": row.hits, "opened_rank": row.opened_rank}
                for row in searches.newest(session, since, limit=limit)
            ]
    if as_json:
        _show(rows)
        return
    for row in rows:
        print("\t".join("" if value is None else str(value) for value in row.values()))


@searches_group.command("prune")
@click.option("--days", type=click.IntRange(0), help="保留天数，默认 KB_SEARCH_LOG_DAYS · days to keep")
def searches_prune(*, days: int | None) -> None:
    """清除过期的检索日志，未结束事件的除外 · delete old searches, but for those of open incidents."""
    with _services() as services:
        keep = services.settings.search_log_days if days is None else days
        gone = searches.prune(services.database, clock.now() - dt.timedelta(days=keep))
    print(f"已清除 {gone} 条 · searches deleted")


@main.group("captured", cls=_Group)
def captured_group() -> None:
    """已关闭事件带给方案的隐藏匹配词 · the hidden matching words that closed incidents gave to solutions."""


@captured_group.command("list")
@click.argument("number")
@click.option("--json", "as_json", is_flag=True)
def captured_list(*, number: str, as_json: bool) -> None:
    """一条方案的匹配词 · the words of a solution."""
    with _services() as services, services.database.read() as session:
        entry = entries.find(session, SYSTEM, number)
        rows = [
            {"id": row.id, "source": row.source, "incident": row.incident.number, "text": row.text}
            for row in captured.newest(session, entry)
        ]
    if as_json:
        _show(rows)
        return
    for row in rows:
        print("\t".join(map(str, row.values())))


@captured_group.command("remove")
@click.argument("number")
@click.argument("captured_id", type=int)
@click.option(
    "--by", "username", required=True, help="以谁的名义：技术负责人或知识管理员 · a lead or a knowledge manager"
)
@click.option("--reason", required=True)
def captured_remove(*, number: str, captured_id: int, username: str, reason: str) -> None:
    """去掉一条匹配词，同样的话不再带入 · take words out; the same wording does not come again."""
    with _services() as services:
        by = _person(services, username)
        with services.database.write() as session:
            captured.remove(session, by, entries.find(session, by, number), captured_id, reason=reason)
            session.commit()
        _index_pending(services)
    print(f"已去掉 removed: {number} {captured_id}")


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
@click.option("--email", help="消息也发到这个地址，空则不发 · where notices go too, empty for nowhere")
def user_set(*, username: str, role: str | None, unit: str, active: bool | None, email: str | None) -> None:
    """改角色、单位、启停、邮件地址 · change role, unit, whether they may sign in, or the e-mail address."""
    with _services() as services, services.database.write() as session:
        found = accounts.get(session, username)
        if email is not None:
            accounts.set_email(session, SYSTEM, found, email)
        if role or unit or active is not None or email is None:
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


for _commands in (dictionary, golden, inbox, incidents, problem, change):
    main.add_command(_commands)


def _with_progress(title: str, work: Callable[[Callable[[ImportReport], None]], ImportReport]) -> ImportReport:
    with _progress(title) as step:
        return work(lambda report: step(report.seen))


if __name__ == "__main__":
    main()
