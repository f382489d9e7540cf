"""Which commands are about notices? They read from an inbox and mark it read."""

from __future__ import annotations

import click

from kb import notices
from web.api.notices import as_json
from web.console import opened, person_of, show
from web.labels import local_time


@click.command("inbox")
@click.option("--user", "username", required=True, help="谁的消息 · whose")
@click.option("--unread", "only_unread", is_flag=True, help="只列未读 · unread ones alone")
@click.option("--mark-read", is_flag=True, help="列出后标为已读 · mark what is listed read")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--json", "as_json_", is_flag=True)
def inbox(*, username: str, only_unread: bool, mark_read: bool, limit: int, as_json_: bool) -> None:
    """一个账号的消息，未读在前 · the notices of an account, unread ones first."""
    with opened() as services:
        by = person_of(services, username)
        with services.database.read() as session:
            items = notices.inbox(session, by, only_unread=only_unread, limit=limit)
        if as_json_:
            show([as_json(item) for item in items])
        else:
            for item in items:
                mark = " " if item.notice.read_at else "*"
                line = f"{mark} {local_time(item.notice.audit.at)}  {item.number}  {item.said()}  {item.title}"
                click.echo(f"{line}  {item.reason}".rstrip())
        if mark_read:
            with services.database.write() as session:
                notices.mark_read(session, by, [item.notice.id for item in items])
                session.commit()
