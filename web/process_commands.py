"""Which commands show problems and changes? Steps are taken on pages and by the API, where it is known who takes them."""

from __future__ import annotations

import click

from kb import changes as changing
from kb import problems as knowing
from kb.lifecycle import CHANGE_UNMET_TEXT, PROBLEM_UNMET_TEXT
from web.api.changes import as_json as change_json
from web.api.problems import as_json as problem_json
from web.console import Group, opened, person_of, show
from web.labels import label, local_time

_BY = click.option("--by", "username", default="", help="以谁的名义 · user name; default: the first administrator")
_DONE = click.option("--done", is_flag=True, help="已结束的 · those that are done")
_JSON = click.option("--json", "as_json", is_flag=True)


@click.group(cls=Group)
def problem() -> None:
    """问题：事件背后的原因 · problems: the causes behind incidents."""


@problem.command("list")
@click.option("--known", is_flag=True, help="只列已知错误 · known errors alone")
@_DONE
@_BY
@_JSON
def problem_list(*, known: bool, done: bool, username: str, as_json: bool) -> None:
    """列出问题 · list problems, the heaviest first."""
    with opened() as services:
        by = person_of(services, username)
        with services.database.read() as session:
            rows = knowing.listing(session, by, known=known, done=done)
            if as_json:
                show([problem_json(session, by, row) for row in rows])
                return
            for row in rows:
                click.echo(f"{row.number}\t{label(row.state, 'problem_state')}\t{len(row.incidents)}\t{row.title}")


@problem.command("show")
@click.argument("number")
@_BY
@_JSON
def problem_show(*, number: str, username: str, as_json: bool) -> None:
    """一个问题，及其关闭还缺什么 · one problem, and what keeps it from closing."""
    with opened() as services:
        by = person_of(services, username)
        with services.database.read() as session:
            row = knowing.find(session, by, number)
            told = problem_json(session, by, row)
            if as_json:
                show(told)
                return
            click.echo(f"{row.number}\t{label(row.state, 'problem_state')}\t{row.title}")
            click.echo(f"原因 root cause: {row.root_cause or '-'}\n措施 workaround: {row.workaround or '-'}")
            click.echo(
                f"方案 solution: {told['solution'] or '-'}\n事件 incidents: {'、'.join(told['incidents']) or '-'}"
            )
            for item in knowing.unmet(row):
                click.echo(f"还缺 unmet: {PROBLEM_UNMET_TEXT[item]}")


@click.group(cls=Group)
def change() -> None:
    """变更：申请、三份文件、窗口与结果 · changes: request, documents, window, results."""


@change.command("list")
@_DONE
@_BY
@_JSON
def change_list(*, done: bool, username: str, as_json: bool) -> None:
    """列出变更 · list changes, the next window first."""
    with opened() as services:
        by = person_of(services, username)
        with services.database.read() as session:
            rows = changing.listing(session, by, done=done)
            if as_json:
                show([change_json(session, by, row) for row in rows])
                return
            for row in rows:
                begins = local_time(row.window_start) or "-"
                click.echo(f"{row.number}\t{label(row.state, 'change_state')}\t{begins}\t{row.title}")


@change.command("show")
@click.argument("number")
@_BY
@_JSON
def change_show(*, number: str, username: str, as_json: bool) -> None:
    """一个变更，及其下一道门槛还缺什么 · one change, and what its next gate lacks."""
    with opened() as services:
        by = person_of(services, username)
        with services.database.read() as session:
            row = changing.find(session, by, number)
            told = change_json(session, by, row)
            if as_json:
                show(told)
                return
            click.echo(
                f"{row.number}\t{label(row.state, 'change_state')}\t{label(row.kind, 'change_kind')}\t{row.title}"
            )
            for plan in told["plans"]:
                state = label(plan["state"], "revision_state")
                click.echo(f"{label(plan['kind'], 'kind')}: {plan['entry'] or '-'} v{plan['revision']} {state}")
            click.echo(f"窗口 window: {local_time(row.window_start) or '-'} ~ {local_time(row.window_end) or '-'}")
            for clash in told["conflicts"]:
                click.echo(f"窗口冲突 conflict: {clash['change']} {'、'.join(clash['nodes'])}")
            for item in changing.unmet(row):
                click.echo(f"还缺 unmet: {CHANGE_UNMET_TEXT[item]}")
