"""Mail goes out to a real server, again when it was refused, and never holds anything up."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from indexer.worker import Worker
from kb import accounts, clock, mail, notices
from kb.db import Database
from kb.documents import Audience
from kb.errors import Invalid, NotAllowed
from kb.mail import Server
from kb.models import Mail, Notice, User
from kb.settings import Settings
from tests.conftest import Clock, People
from tests.kb import samples
from web.pages.health import _mail
from web.services import Services


class _Conversation(socketserver.StreamRequestHandler):
    """The few words of SMTP that a client needs; `server.answers` holds what DATA is answered with, then 250."""

    timeout = 10

    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            word = line.upper()
            if word.startswith("RCPT") and self.server.refused in line:
                self._say("550 no such mailbox")
            elif word.startswith("DATA"):
                self._say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                answer = self.server.answers.pop(0) if self.server.answers else "250 taken"
                if answer.startswith("250"):
                    self.server.taken.append(email.message_from_bytes(text, policy=email.policy.default))
                if answer == "drop":
                    return
                self._say(answer)
            elif word.startswith("QUIT"):
                self._say("221 bye")
                return
            else:
                self._say("250 well")

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class PostOffice(socketserver.ThreadingTCPServer):
    """A mail server on this machine."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.taken: list[EmailMessage] = []
        self.answers: list[str] = []
        self.refused = "nobody@"


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with PostOffice() as office:
        thread = threading.Thread(target=office.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield office
        office.shutdown()
        thread.join()


@pytest.fixture
def server(office: PostOffice) -> Server:
    return Server("127.0.0.1", office.server_address[1], starttls=False, sender="问渠 <kb@example.org>",
                  base_url="https://kb.example.org/")  # fmt: skip


def _address(database: Database, people: People, name: str, address: str) -> None:
    with database.write() as session:
        accounts.set_email(session, people.admin, accounts.get(session, name), address)
        session.commit()


def _submit(database: Database, people: People, **changes: object) -> None:
    with database.write() as session:
        samples.submitted(session, people.tech2, **changes)
        session.commit()


def _rows(database: Database) -> list[Mail]:
    with database.read() as session:
        return list(session.scalars(select(Mail).order_by(Mail.id)))


def test_a_mail_has_number_and_link_and_nothing_of_a_subscriber(
    database: Database, people: People, server: Server, office: PostOffice
) -> None:
    _address(database, people, "tech", "tech@example.org")
    with database.write() as session:
        incident = samples.incident(
            session, people.subscriber, title="张三家没信号 13800001234", district="district-city-1",
            contact_name="张三", contact_phone="13800001234", address="幸福路 1 号",
        )  # fmt: skip
        session.commit()
        number = incident.number
    assert mail.deliver(database, server) == 1
    assert mail.deliver(database, server) == 0
    [message] = office.taken
    text = message.get_content()
    assert (message["To"], message["Subject"]) == ("tech@example.org", f"问渠 {number} 登记了报修")
    assert text.splitlines()[-1] == "https://kb.example.org/inbox"
    assert number in text
    for private in ("张三", "13800001234", "幸福路"):
        assert private not in message.as_string() and private not in text and private not in message["Subject"]


def test_only_chosen_events_go_out_and_only_to_those_who_gave_an_address(
    database: Database, people: People, server: Server
) -> None:
    _submit(database, people)
    assert _rows(database) == []
    _address(database, people, "lead", "lead@example.org")
    with database.write() as session:
        accounts.set_password(session, people.admin, session.get_one(User, people.lead.id), "another horse 9")
        session.commit()
    assert _rows(database) == []  # stands in the inbox alone
    _submit(database, people)
    assert len(_rows(database)) == 1
    _address(database, people, "lead", "")
    assert mail.deliver(database, server) == 0
    assert _rows(database)[0].given_up_at is not None


def test_what_was_refused_is_sent_again_later_with_the_same_id(
    database: Database, people: People, server: Server, office: PostOffice, stopped_clock: Clock
) -> None:
    _address(database, people, "lead", "lead@example.org")
    _submit(database, people)
    office.answers = ["451 later", "drop"]
    for attempts, minutes in ((1, 1), (2, 2)):
        assert mail.deliver(database, server) == 0
        assert mail.deliver(database, server) == 0  # not due yet
        [row] = _rows(database)
        assert (row.attempts, row.next_at - clock.now()) == (attempts, mail.FIRST_RETRY * minutes)
        stopped_clock.advance(minutes=minutes)
    assert mail.deliver(database, server) == 1
    with database.write() as session:  # as if it had been killed before it could note that the server took it
        session.scalars(select(Mail)).one().sent_at = None
        session.commit()
    assert mail.deliver(database, server) == 1
    first, second = office.taken
    assert first["Message-ID"] == second["Message-ID"] and first["Message-ID"].endswith("@example.org>")


def test_one_refused_recipient_holds_up_nobody_else(
    database: Database, people: People, server: Server, office: PostOffice
) -> None:
    _address(database, people, "lead", "nobody@example.org")
    _address(database, people, "lead2", "lead2@example.org")
    with database.write() as session:
        samples.incident(session, people.tech)  # its district is not known: all leads hear of it
        session.commit()
    assert mail.deliver(database, server) == 1
    assert [message["To"] for message in office.taken] == ["lead2@example.org"]
    refused = next(row for row in _rows(database) if row.sent_at is None)
    assert refused.given_up_at is not None and "550" in refused.error and "@" not in refused.error


def test_a_server_out_of_reach_makes_health_yellow_and_is_given_up_in_the_end(
    services: Services, people: People, office: PostOffice, stopped_clock: Clock
) -> None:
    database, port = services.database, office.server_address[1]
    office.server_close()
    away = Services(
        **vars(services)
        | {"settings": Settings(data_dir=services.settings.data_dir, smtp_host="127.0.0.1", smtp_port=port)}
    )
    _address(database, people, "lead", "lead@example.org")
    _submit(database, people)
    assert mail.deliver(database, away.settings.mail_server) == 0
    assert (_mail(services).colour, _mail(away).colour) == ("green", "green")
    stopped_clock.advance(minutes=11)
    assert mail.deliver(database, away.settings.mail_server) == 0
    assert _mail(away).colour == "yellow" and "ConnectionRefusedError" in _mail(away).said
    stopped_clock.advance(days=4)
    mail.deliver(database, Server())  # mail was switched off: what is old does not go out when it is switched on again
    assert _rows(database)[0].given_up_at is not None
    stopped_clock.advance(days=2)
    assert _mail(away).colour == "green"


def test_what_one_may_no_longer_see_is_not_mailed(
    database: Database, people: People, server: Server, office: PostOffice
) -> None:
    _address(database, people, "lead2", "lead2@example.org")
    _submit(database, people, audience=Audience.RESTRICTED, owner_group="team-access")
    with database.write() as session:
        accounts.change(session, people.admin, accounts.get(session, "lead2"), unit="team-tv")
        session.commit()
    assert mail.deliver(database, server) == 0
    assert office.taken == []


def test_the_worker_sends_beside_its_turns_and_outlives_a_failure(services: Services) -> None:
    sent, stop = threading.Event(), threading.Event()

    def post() -> None:
        sent.set()
        raise RuntimeError("no mail today")

    worker = Worker(services.database, services.store, services.generations, post=post)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    assert sent.wait(30)
    thread.join(0.2)
    assert thread.is_alive()
    stop.set()
    thread.join(30)


def test_the_worker_forgets_old_notices(
    services: Services, people: People, worker: Worker, stopped_clock: Clock
) -> None:
    _submit(services.database, people)
    stopped_clock.advance(days=notices.KEEP_UNREAD.days + 1)
    worker.maintain()
    with services.database.read() as session:
        days = {clock.now() - notice.created_at for notice in session.scalars(select(Notice))}
        assert days == {dt.timedelta(0)}  # of the review that is late by now


@pytest.mark.parametrize(
    "address", ["x", "a@b@c", "a b@example.org", "a@example.org\nBcc: b@example.org", "@x", "a@", "a" * 250 + "@x.org"]
)
def test_an_address_that_is_none_is_refused(database: Database, people: People, address: str) -> None:
    with database.write() as session:
        user = session.get_one(User, people.tech.id)
        with pytest.raises(Invalid, match="邮件地址"):
            accounts.set_email(session, people.tech, user, address)
        with pytest.raises(NotAllowed):
            accounts.set_email(session, people.tech2, user, "a@example.org")
        accounts.set_email(session, people.tech, user, " a@example.org ")
        assert user.email == "a@example.org"
