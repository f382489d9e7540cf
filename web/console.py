"""What do all commands share? An installation opened, errors in one sentence, JSON, a counter of what is done.

Progress and messages go to standard error, results to standard output, so that `--json` can be piped.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from kb import access, accounts
from kb.access import Person
from kb.errors import Conflict, IndexUnavailable, Invalid, KBError
from kb.settings import Settings
from web.services import Services, open_services

errors = Console(stderr=True, highlight=False, soft_wrap=True)
P = ParamSpec("P")
R = TypeVar("R")

PROGRESS_S = 10.0  # seconds between lines where nobody watches a terminal
EXIT_INTERRUPTED = 130  # what shells say of Ctrl-C


@contextmanager
def opened(*, checked: bool = True) -> Iterator[Services]:
    """An installation, opened; refuses one whose database is not at this version's schema."""
    services = open_services(settings_or_error())
    try:
        if checked and not services.database.is_current():
            raise Conflict("数据库未初始化或版本过旧，请运行 kb init · database missing or outdated: run `kb init`")
        yield services
    finally:
        services.close()


def settings_or_error() -> Settings:
    try:
        return Settings()
    except ValidationError as exc:
        first = exc.errors()[0]
        name = "_".join(map(str, first["loc"])).upper()
        raise Invalid(f"设置 {name} 有误 · bad setting {name}: {first['msg']}") from exc


def plain_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Expected errors end a command with one sentence and exit code 1, never a trace."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except KBError as exc:
            hint = f"\n→ {exc.hint}" if isinstance(exc, IndexUnavailable) else ""
            raise click.ClickException(exc.message + hint) from exc
        except KeyboardInterrupt:
            errors.print("已中断，已完成的部分保留；再运行同一命令即继续 · interrupted; run the same command to go on")
            sys.exit(EXIT_INTERRUPTED)

    return run


def show(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, default=str))


class Group(click.Group):
    """Wraps every command, so that none can forget to show errors plainly."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        if cmd.callback is not None and not isinstance(cmd, click.Group):
            cmd.callback = plain_errors(cmd.callback)
        super().add_command(cmd, name)


def person_of(services: Services, username: str) -> Person:
    with services.database.read() as session:
        if username:
            return access.person(session, accounts.get(session, username))
        found = accounts.administrators(session)
        if not found:
            raise Conflict("还没有管理员，请先运行 kb init · no administrator yet: run `kb init` first")
        return access.person(session, found[0])


@contextmanager
def progress(title: str) -> Iterator[Callable[..., None]]:
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
