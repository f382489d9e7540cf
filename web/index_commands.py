"""Which commands look after the search index, and how do other commands bring it up to date?"""

from __future__ import annotations

import sys
from functools import partial

import click

from indexer import worker
from kb import mail, outbox
from kb.errors import Conflict, IndexLocked, IndexUnavailable
from web.console import Group, errors, opened, progress, show
from web.services import Services

IMPORT_BATCH = 1000  # entries an index commit after an import: fewer, larger segments
EXIT_ERROR = 1


@click.group(cls=Group)
def index() -> None:
    """索引 · the search index."""


@index.command("status")
@click.option("--json", "as_json", is_flag=True)
def index_status(*, as_json: bool) -> None:
    """哪一代索引在服务，是否需要重建 · which generation serves, and is a rebuild needed?"""
    with opened() as services:
        status = services.generations.status()
        with services.database.read() as session:
            waiting = outbox.waiting(session)
    shown = status.as_json() | {"waiting": waiting}
    if as_json:
        show(shown)
        return
    for name, value in shown.items():
        print(f"{name:<16} {value}")


@index.command("rebuild")
@click.option("--if-needed", is_flag=True, help="索引完好且版本一致时不做 · only when missing or outdated")
@click.option("--without-golden", is_flag=True, help="金标查询不通过也切换 · swap in even if golden queries fail")
def index_rebuild(*, if_needed: bool, without_golden: bool) -> None:
    """另建一代、核对、切换；检索不中断 · build aside, verify, swap; search goes on meanwhile."""
    with opened() as services:
        if if_needed:
            index_if_needed(services)
        else:
            rebuild(services, golden=not without_golden)


def rebuild(services: Services, *, golden: bool = True) -> None:
    with progress("建立索引 index") as step:
        manifest = services.rebuild(golden=golden, progress=step)
    errors.print(f"索引 index: {manifest.documents} 条 · entries")


@index.command("verify")
@click.option("--json", "as_json", is_flag=True)
def index_verify(*, as_json: bool) -> None:
    """逐条核对索引与数据库 · does the index hold exactly what the database says?"""
    with opened() as services:
        found = worker.compare(services.database, services.generations.current())
    if as_json:
        show(vars(found) | {"sound": found.sound})
    else:
        print(
            f"应有 expected {found.expected}；缺 missing {len(found.missing)}，多 surplus {len(found.surplus)}，"
            f"旧 outdated {len(found.outdated)}；待索引 waiting {found.waiting}"
        )
    if not found.sound:
        sys.exit(EXIT_ERROR)


def index_if_needed(services: Services) -> None:
    if not services.generations.status().stale:
        index_pending(services)
        return
    try:
        rebuild(services)
    except Conflict as exc:  # the old index goes on serving, and health says that a rebuild is needed
        errors.print(exc.message)


def index_pending(services: Services) -> None:
    """Take what is pending to the index now, unless a running worker is doing that already."""
    try:
        with progress("索引 index") as step:
            index_worker(services, batch=IMPORT_BATCH).drain(step)
    except IndexLocked:
        errors.print("由运行中的索引进程送入索引 · the running worker takes it to the index")
    except IndexUnavailable as exc:  # what was imported is safe; a rebuild finds it
        errors.print(f"{exc.message} → {exc.hint}")


def index_worker(services: Services, *, batch: int = 0) -> worker.Worker:
    settings = services.settings
    return worker.Worker(
        services.database,
        services.store,
        services.generations,
        batch=batch or settings.worker_batch,
        poll_s=settings.worker_poll_s,
        golden=services.golden,
        review_days=settings.review_days,
        calendar=services.calendar,
        post=partial(mail.deliver, services.database, settings.mail_server),
    )
