"""Mail as a server gets it: a real one takes it, refuses it, hangs, or goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from ssl import SSLContext
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP
from structlog.testing import capture_logs

from tests.certificates import issue
from tests.conftest import MovingClock, Run
from tests.web import SECRET, Web, own
from tidings.delivery import mail_templates, record, worker
from tidings.delivery.channels.contract import Answer, Failed, Retry, Sent
from tidings.delivery.channels.email.channel import Email
from tidings.delivery.channels.email.message_ids import MessageIds
from tidings.delivery.channels.email.smtp import Mailer, Server
from tidings.delivery.channels.email.templates import Template, compile_template
from tidings.delivery.worker import Worker
from tidings.inbox import leaving
from tidings.inbox.append import append
from tidings.inbox.catalog import put_event
from tidings.model import Draft, Severity, Suppression
from tidings.storage.engine import Database
from tidings.storage.jobs import Job, JobStatus, Reason

ADA = "ada@example.org"
LINKS = "https://inbox.acme.example"


class Postmaster:
    """What a mail server does with what it is given: takes it, if nothing else was said."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.senders: list[str] = []
        self.ids: list[str] = []  # of all that came, taken or not
        self.connections = 0
        self.says: dict[str, str] = {}  # by command: RCPT, DATA
        self.hangs = False

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name for it
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.says:
            return self.says["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        if self.hangs:
            await asyncio.Event().wait()
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.ids.append(mail["Message-ID"])
        if "DATA" in self.says:
            return self.says["DATA"]
        assert envelope.rcpt_tos == [mail["To"]]
        self.senders.append(envelope.mail_from)
        self.mails.append(mail)  # pyright: ignore[reportArgumentType] - of the policy it is one
        return "250 2.0.0 queued as 42"


@asynccontextmanager
async def listening(
    postmaster: Postmaster, *, tls: SSLContext | None = None, start_tls: SSLContext | None = None
) -> AsyncGenerator[int]:
    """The server on a port of this machine."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            postmaster, hostname="mail.test", enable_SMTPUTF8=True, loop=loop, tls_context=start_tls
        ),
        "127.0.0.1",
        0,
        ssl=tls,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Office:
    """A database whose notifications go out by mail, and what became of them."""

    def __init__(self, run: Run, database: Database, clock: MovingClock) -> None:
        self.run, self.database, self.clock = run, database, clock
        self.web = Web(run, database, clock)
        self.postmaster = Postmaster()
        self.bounces_to: str | None = None
        self.ada = self.web.user(email=ADA)
        self.event()

    def event(self, *, critical: bool = False) -> None:
        self.web.write(
            lambda store: put_event(
                store,
                "invoice_paid",
                topic="billing",
                severity=Severity.INFO,
                channels={"email": True},
                critical=critical,
            )
        )

    def send(self, user: UUID | None = None, **draft: Any) -> UUID:
        said = {"event": "invoice_paid", "title": "Invoice 7 was paid", **draft}
        one = Draft(to=own(user or self.ada), **said)
        return self.web.write(lambda store: append(store, [one]))[0]

    def work(self) -> int:
        async def work() -> int:
            async with listening(self.postmaster) as port:
                mailer = Mailer(Server.at(f"smtp://127.0.0.1:{port}"))
                email = Email(
                    mailer,
                    sender="Acme <inbox@acme.example>",
                    public_url=LINKS,
                    secret=SECRET.encode(),
                    bounces_to=self.bounces_to,
                )
                done = await Worker(self.database, leaving, {"email": email}).work_off()
                await email.close()
                return done

        return self.run(work())

    def job(self, id_: UUID) -> Job:
        async def found() -> Job:
            async with self.database.read() as store:
                return (await record.of_notification(store, id_, limit=10))[0].job

        return self.run(found())


@pytest.fixture
def office(run: Run, sqlite_url: str, clock: MovingClock) -> Generator[Office]:
    """SQLite alone: what depends on the database is in test_delivery."""
    database = Database(sqlite_url, clock=clock, channels=("email",))
    yield Office(run, database, clock)
    run(database.dispose())


# --- what is sent ------------------------------------------------------------------------------------------


def test_a_mail_says_what_the_notification_says(office: Office) -> None:
    id_ = office.send(body="By Lindt AG.", actions=[{"label": "See it", "url": f"{LINKS}/invoices/7"}])

    assert office.work() == 1
    (mail,) = office.postmaster.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == (
        ADA,
        "Acme <inbox@acme.example>",
        "Invoice 7 was paid",
    )
    assert mail["Message-ID"] == MessageIds(SECRET.encode()).of(id_, office.ada, "acme.example")
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert "By Lindt AG." in text
        assert f"{LINKS}/invoices/7" in text
    assert office.job(id_).reason is Reason.SENT


def test_what_is_sent_once_more_bears_the_same_id(office: Office) -> None:
    office.send()
    office.postmaster.says = {"DATA": "451 4.3.0 try later"}
    office.work()
    office.postmaster.says = {}
    office.clock.move(minutes=1)
    office.work()
    office.send()
    office.work()
    first, again, other = office.postmaster.ids
    assert first == again != other
    assert len(office.postmaster.mails) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_follows_the_link_in_a_mail_gets_no_more(office: Office, method: str) -> None:
    office.send()
    office.work()
    (mail,) = office.postmaster.mails
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = urlsplit(mail["List-Unsubscribe"].strip("<>"))
    assert f"{link.scheme}://{link.netloc}" == LINKS

    body = {"data": {"List-Unsubscribe": "One-Click"}} if method == "POST" else {}
    answer = office.web.ask(method, link.path, params=dict(parse_qsl(link.query)), **body)
    assert answer.status_code == 200, answer.text

    # All events are off by then, and where one is critical the address passes for it.
    id_ = office.send()
    office.work()
    assert office.job(id_).reason is Reason.OFF
    office.event(critical=True)
    office.send()
    office.work()
    assert len(office.postmaster.mails) == 2


def test_who_has_no_address_or_none_any_more_gets_nothing(office: Office) -> None:
    nobody = office.web.user()
    suspended = office.web.user(email="bob@example.org", status="suspended")
    foreign = office.web.user(email="zoë@exämple.org")
    ids = [office.send(user) for user in (nobody, suspended, foreign)]
    office.work()
    assert [office.job(id_).reason for id_ in ids] == [Reason.NO_ADDRESS] * 3
    assert office.postmaster.mails == []


@pytest.mark.parametrize(
    ("reason", "critical", "goes"),
    [
        (Suppression.BOUNCE, False, False),
        (Suppression.BOUNCE, True, False),
        (Suppression.COMPLAINT, True, False),
        (Suppression.USER_UNSUBSCRIBE, False, False),
        (Suppression.USER_UNSUBSCRIBE, True, True),
    ],
)
def test_a_suppressed_address_gets_what_it_may(
    office: Office, reason: Suppression, critical: bool, goes: bool
) -> None:
    office.event(critical=critical)
    office.web.write(lambda store: store.suppressions.add(ADA, reason, office.clock.at))
    id_ = office.send()
    office.work()
    assert office.job(id_).reason is (Reason.SENT if goes else Reason.SUPPRESSED)


def test_it_is_told_elsewhere_that_a_mail_did_not_arrive(office: Office) -> None:
    office.send()
    office.work()
    office.bounces_to = "Bounces <bounces@acme.example>"
    office.send()
    office.work()
    assert office.postmaster.senders == ["inbox@acme.example", "bounces@acme.example"]
    assert {mail["From"] for mail in office.postmaster.mails} == {"Acme <inbox@acme.example>"}


@pytest.mark.parametrize(
    ("offers", "said"),
    [
        (["mail.test", "DSN"], "MAIL FROM:<bounces@acme.example> RET=HDRS"),
        (["mail.test"], "MAIL FROM:<bounces@acme.example>"),
        ([], "MAIL FROM:<bounces@acme.example>"),
    ],
)
def test_the_headers_are_asked_back_where_a_server_offers_it(run: Run, offers: list[str], said: str) -> None:
    """The last one knows no EHLO."""
    lines, over = list[str](), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := (await reader.readline()).decode().strip():
            lines.append(line)
            answers = {"EHLO": offers or None, "DATA": ["354 go on"]}.get(line[:4], ["250 OK"])
            if line[:4] == "EHLO" and answers:
                answers = [f"250-{one}" for one in answers[:-1]] + [f"250 {answers[-1]}"]
            writer.write("".join(f"{one}\r\n" for one in answers or ["502 what?"]).encode())
            if line == "DATA":
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 2.0.0 queued\r\n")
        writer.close()
        over.set()

    async def send() -> Answer:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            # Without STARTTLS nobody has asked what the server offers.
            mailer = Mailer(Server.at(f"smtp://127.0.0.1:{port}?starttls=never"))
            answer = await mailer.send(mail(), bounces_to="bounces@acme.example")
            await mailer.close()
            await over.wait()
            return answer

    assert isinstance(run(send()), Sent)
    assert [line for line in lines if line.startswith("MAIL")] == [said]


# --- what operators wrote ----------------------------------------------------------------------------------


def written(office: Office, event: str, locale: str, **said: Any) -> None:
    template = compile_template(Template(**said))
    office.web.write(lambda store: mail_templates.save(store, event, locale, template))


def test_a_reader_gets_the_template_of_their_locale(office: Office) -> None:
    brazilian = office.web.user(email="bia@example.org", locale="pt_BR")
    written(office, "invoice_paid", "", subject="Hello: {{ title }}")
    written(office, "", "pt-BR", subject="not this one")
    written(office, "invoice_paid", "pt", subject="Olá: {{ title }}")
    for user in (office.ada, brazilian):
        office.send(user)
    office.work()

    assert {mail["To"]: mail["Subject"] for mail in office.postmaster.mails} == {
        ADA: "Hello: Invoice 7 was paid",
        "bia@example.org": "Olá: Invoice 7 was paid",
    }


def test_where_a_template_fails_the_default_one_is_sent(office: Office) -> None:
    body = "{% for a in data.many %}{% for b in data.many %}x{% endfor %}{% endfor %}"
    written(office, "invoice_paid", "", subject="Hello: {{ title }}", body=body)
    office.send(data={"many": [1]})
    office.work()
    id_ = office.send(body="By Lindt AG.", data={"many": [*range(100)]})
    with capture_logs() as logs:
        office.work()

    assert [mail["Subject"] for mail in office.postmaster.mails] == [
        "Hello: Invoice 7 was paid",
        "Invoice 7 was paid",
    ]
    plain = office.postmaster.mails[1].get_body(("plain",))
    assert plain is not None
    assert "By Lindt AG." in plain.get_content()
    assert office.job(id_).reason is Reason.SENT
    (warning,) = [log for log in logs if log["log_level"] == "warning"]
    assert (warning["event_key"], warning["locale"]) == ("invoice_paid", "")
    assert warning["notification_id"] == str(id_)
    assert "loop iteration limit" in warning["reason"]


# --- what a server says ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "status", "suppressed"),
    [
        ({"RCPT": "450 4.2.1 busy"}, JobStatus.FAILED, False),
        ({"DATA": "452 4.3.1 full"}, JobStatus.FAILED, False),
        ({"DATA": "554 5.7.1 looks like spam"}, JobStatus.DEAD, False),
        ({"RCPT": "550 5.7.1 not from you"}, JobStatus.DEAD, False),
        ({"RCPT": "550 5.1.1 nobody of this name"}, JobStatus.DEAD, True),
        ({"RCPT": "550 5.1.10 no such domain"}, JobStatus.DEAD, True),
        ({"RCPT": "550 5.1.11 something else"}, JobStatus.DEAD, False),
        ({"RCPT": "550 5.2.2 full"}, JobStatus.DEAD, False),
    ],
)
def test_what_a_refusal_means(
    office: Office, says: dict[str, str], status: JobStatus, suppressed: bool
) -> None:
    office.postmaster.says = says
    id_ = office.send()
    office.work()

    job = office.job(id_)
    assert job.status is status
    (attempt,) = office.web.write(lambda store: store.jobs.attempts([job]))[job.id]
    assert attempt.answer == next(iter(says.values()))
    reasons = office.web.write(lambda store: store.suppressions.reasons(ADA))
    assert reasons == ({Suppression.BOUNCE} if suppressed else set())


def test_a_server_that_is_not_there_is_asked_again(run: Run) -> None:
    async def ask() -> Answer:
        async with listening(Postmaster()) as port:
            pass
        return await Mailer(Server.at(f"smtp://127.0.0.1:{port}")).send(mail())

    answer = run(ask())
    assert isinstance(answer, Retry)
    assert "no connection" in answer.answer


def test_a_server_that_says_nothing_is_left(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SEND_SECONDS", 0.2)
    office.postmaster.hangs = True
    id_ = office.send()
    office.work()
    assert office.job(id_).status is JobStatus.FAILED


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "inbox@acme.example", ADA, "It rains"
    message.set_content("Since Monday.")
    return message


def test_a_connection_is_used_again_and_one_that_died_is_not(run: Run) -> None:
    postmaster = Postmaster()

    async def sends() -> list[Answer]:
        async with listening(postmaster) as port:
            mailer = Mailer(Server.at(f"smtp://127.0.0.1:{port}"))
            answers = [await mailer.send(mail()) for _ in range(3)]
            assert postmaster.connections == 1
            postmaster.says = {"RCPT": "550 5.7.1 no"}
            answers.append(await mailer.send(mail()))
            postmaster.says = {}
            answers.append(await mailer.send(mail()))
            assert postmaster.connections == 1  # a refusal is no reason to leave
            mailer._idle[-1][1].transport.abort()
            await asyncio.sleep(0)
            answers.append(await mailer.send(mail()))
            assert postmaster.connections == 2
            await mailer.close()
        return answers

    assert [type(answer) for answer in run(sends())] == [Sent, Sent, Sent, Failed, Sent, Sent]


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_the_server_shows_a_certificate_for_its_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """It is asked for by name, and looked up once."""
    certificates = issue("localhost", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    asked: list[str] = []

    async def send(host: str) -> Answer:
        loop = asyncio.get_running_loop()
        real = loop.getaddrinfo

        async def getaddrinfo(name: Any, *arguments: Any, **options: Any) -> Any:
            asked.append(name)
            return await real(name, *arguments, **options)

        options = {"tls" if scheme == "smtps" else "start_tls": certificates.server}
        with monkeypatch.context() as patch:
            patch.setattr(loop, "getaddrinfo", getaddrinfo)
            async with listening(postmaster, **options) as port:
                asked.clear()
                mailer = Mailer(Server.at(f"{scheme}://{host}:{port}"))
                answer = await mailer.send(mail())
                await mailer.close()
                return answer

    postmaster = Postmaster()
    assert isinstance(run(send("localhost")), Sent)
    assert asked == ["localhost"]
    answer = run(send("127.0.0.1"))  # the same server, by another name
    assert isinstance(answer, Retry)
    assert "certificate" in answer.answer
    assert len(postmaster.mails) == 1


def test_a_server_is_told_by_its_address() -> None:
    assert Server.at("smtp://mail.acme.example") == Server(host="mail.acme.example", port=587)
    assert Server.at("smtps://u%40a:p%2F@mail.example:999") == Server(
        host="mail.example", port=999, username="u@a", password="p/", tls=True, start_tls=False
    )
    assert Server.at("smtp://mail.example:25?starttls=required").start_tls is True
    assert Server.at("smtp://mail.example:25?starttls=never").start_tls is False
    for wrong in (
        "http://mail.example",
        "smtp://",
        "smtp://mail.example/inbox",
        "smtp://mail.example?starttls=x",
    ):
        with pytest.raises(ValueError, match=r"It must be|After the host"):
            Server.at(wrong)
