"""Which notices go out by mail, and what if the mail server does not take them?

A mail row is made with the notice, for recipients who gave an address; the worker sends what is due beside its turns, so that a
slow server delays nothing. Marked sent only after the server has taken it: killed in between, the same mail goes out once
more, with the same Message-ID. A mail has the number of the record and a link, and nothing that a subscriber told us.
"""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, joinedload

from kb import access, clock, notices
from kb.db import Database
from kb.models import Mail, Notice, User

log = logging.getLogger(__name__)

AT_ONCE = 100  # mails in one round
TIMEOUT_S = 20.0  # seconds that a server may take for one answer
FIRST_RETRY = dt.timedelta(minutes=1)  # doubled with every attempt
LONGEST_RETRY = dt.timedelta(hours=2)
WORTH = dt.timedelta(days=3)  # after which a mail is given up: the notice stands in the inbox anyway
LATE = dt.timedelta(minutes=10)  # that a mail may wait before health tells


@dataclass(frozen=True)
class Server:
    """Where mails are handed in. An empty host sends none."""

    host: str = ""
    port: int = 25
    user: str = ""
    password_file: Path | None = None
    starttls: bool = True
    sender: str = ""
    base_url: str = ""


def waiting() -> ColumnElement[bool]:
    """Has the mail neither been sent nor given up?"""
    return and_(Mail.sent_at.is_(None), Mail.given_up_at.is_(None))


def deliver(database: Database, server: Server) -> int:
    """Send what is due; returns how many the server took. Whatever goes wrong is written down and tried again later."""
    with database.write() as session:
        for mail in session.scalars(select(Mail).where(waiting(), Mail.created_at < clock.now() - WORTH)):
            mail.given_up_at = clock.now()
        session.commit()
    if not server.host:
        return 0
    due = _due(database, server)
    if not due:
        return 0
    try:
        with _connection(server) as smtp:
            return sum(_send(database, smtp, mail_id, message) for mail_id, message in due)
    except (OSError, smtplib.SMTPException) as exc:
        log.warning("mail is not delivered: %s", exc)
        for mail_id, _ in due:
            _note(database, mail_id, exc)
        return 0


def _due(database: Database, server: Server) -> list[tuple[int, EmailMessage]]:
    """What is to be sent now; mails whose reader may not see the record any more, or has no address, are given up."""
    query = (
        select(Mail)
        .where(waiting(), Mail.next_at <= clock.now())
        .order_by(Mail.id)
        .limit(AT_ONCE)
        .options(joinedload(Mail.notice).joinedload(Notice.audit))
    )
    found: list[tuple[int, EmailMessage]] = []
    with database.write() as session:
        for mail in session.scalars(query):
            user = session.get_one(User, mail.notice.recipient_id)
            item = notices.item(session, access.person(session, user), mail.notice)
            if user.active and user.email and item.record is not None:
                found.append((mail.id, compose(item, user.email, server)))
            else:
                mail.given_up_at = clock.now()
        session.commit()
    return found


def compose(item: notices.Item, to: str, server: Server) -> EmailMessage:
    """The mail about a notice: the number, what happened in fixed words, and where to read more."""
    notice = item.notice
    happened, why = notices.RULES[(item.type, notice.audit.action)], notices.WHO[notice.because]
    message = EmailMessage()
    message["From"], message["To"] = server.sender, to
    message["Subject"] = f"问渠 {item.number} {happened.zh}"
    message["Date"] = format_datetime(notice.created_at)
    domain = parseaddr(server.sender)[1].rpartition("@")[2] or "localhost"
    message["Message-ID"] = f"<notice-{notice.id}-{notice.created_at:%Y%m%d%H%M%S}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    link = f"{server.base_url.rstrip('/')}/inbox" if server.base_url else ""
    message.set_content(
        f"{item.number} {happened.zh}（{why.zh}）\n{item.number}: {happened.en} ({why.en})\n\n{link}".rstrip() + "\n"
    )
    return message


def _connection(server: Server) -> smtplib.SMTP:
    smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    try:
        if server.starttls:
            smtp.starttls(context=ssl.create_default_context())
        if server.user:
            password = server.password_file.read_text("utf-8").strip() if server.password_file else ""
            smtp.login(server.user, password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _send(database: Database, smtp: smtplib.SMTP, mail_id: int, message: EmailMessage) -> bool:
    try:
        smtp.send_message(message)
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException as exc:  # this one was refused, the others may be taken
        _note(database, mail_id, exc)
        return False
    with database.write() as session:
        session.get_one(Mail, mail_id).sent_at = clock.now()
        session.commit()
    return True


def _note(database: Database, mail_id: int, exc: Exception) -> None:
    """An attempt has failed. A recipient that the server refuses for good is not tried again."""
    with database.write() as session:
        mail = session.get_one(Mail, mail_id)
        if mail.sent_at is not None:  # the connection broke later in the round
            return
        mail.error, mail.attempts = _said(exc), mail.attempts + 1
        mail.next_at = clock.now() + min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(mail.attempts - 1, 20))
        if _codes(exc) and all(code >= 500 for code in _codes(exc)):
            mail.given_up_at = clock.now()
        session.commit()


def _codes(exc: Exception) -> list[int]:
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in exc.recipients.values()]
    return []


def _said(exc: Exception) -> str:
    """What went wrong, without addresses."""
    code = getattr(exc, "smtp_code", None) or next(iter(_codes(exc)), "")
    return f"{type(exc).__name__} {code} {getattr(exc, 'strerror', None) or ''}".strip()[:200]


@dataclass(frozen=True)
class Standing:
    """How mail is doing: how many wait, how many of them for long, how many were given up in a day, and what was said last."""

    waiting: int
    late: int
    given_up: int
    error: str


def standing(session: Session) -> Standing:
    now = clock.now()

    def count(*conditions: ColumnElement[bool]) -> int:
        return session.scalar(select(func.count()).select_from(Mail).where(*conditions)) or 0

    error = session.scalar(
        select(Mail.error).where(Mail.error != "", Mail.sent_at.is_(None)).order_by(Mail.id.desc()).limit(1)
    )
    return Standing(
        count(waiting()),
        count(waiting(), Mail.created_at < now - LATE),
        count(Mail.given_up_at >= now - dt.timedelta(days=1)),
        error or "",
    )
