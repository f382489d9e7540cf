"""Which commands does whoever looks after the incident process have?

`kb incidents import` takes in those of another system; `cancelled` draws the month's sample of what was cancelled.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from kb import incident_import
from kb import incidents as process
from web.console import Group, errors, opened, person_of, show
from web.labels import label

_BY = click.option("--by", "username", required=True, help="以谁的名义 · user name")
_JSON = click.option("--json", "as_json", is_flag=True)
EXIT_FAILED = 1


@click.group(cls=Group)
def incidents() -> None:
    """事件：导入、取消抽查 · incidents: import, and the sample of what was cancelled."""


@incidents.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", required=True, help="来自哪个系统，与原编号一起认出同一件 · the system they come from")
@_BY
@_JSON
def import_(*, path: Path, source: str, username: str, as_json: bool) -> None:
    """从 CSV 或 .xlsx 导入事件，已关闭的也以待用户确认导入 · import from CSV or .xlsx; nothing arrives closed. Ends with 1 if
    a row was left out."""
    with opened() as services:
        by = person_of(services, username)
        with services.database.write() as session:
            read = incident_import.read(path.read_bytes())
            rows = incident_import.load(session, services.store, by, read, source=source)
            session.commit()
    if as_json:
        show([asdict(row) for row in rows])
    else:
        for row in rows:
            print(f"{row.line}\t{row.old}\t{row.number or row.problem}{' (已有 known)' if row.known else ''}")
    failed = sum(bool(row.problem) for row in rows)
    errors.print(
        f"导入 {sum(bool(row.number) and not row.known for row in rows)} 件，未导入 {failed} 行 · rows left out"
    )
    if failed:
        sys.exit(EXIT_FAILED)


@incidents.command("cancelled")
@click.argument("month")
@click.option("--size", type=click.IntRange(1, 500), default=10, show_default=True, help="抽几件 · how many")
@_BY
@_JSON
def cancelled(*, month: str, size: int, username: str, as_json: bool) -> None:
    """某月（2026-11）取消的事件，随机抽查 · a month's cancelled incidents, a random sample that is the same for everybody."""
    with opened() as services, services.database.read() as session:
        count, sample = process.cancelled_sample(session, person_of(services, username), month, size=size)
        rows = [{"number": row.number, "reason": row.cancel_reason, "title": row.title} for row in sample]
    if as_json:
        show({"month": month, "cancelled": count, "sample": rows})
        return
    for row in rows:
        print(f"{row['number']}\t{label(row['reason'], 'cancel_reason')}\t{row['title']}")
    errors.print(f"共取消 {count} 件 · cancelled")
