"""Mail over SMTP: a few connections that stay open, and what the server's answers mean."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from time import monotonic
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from tidings.delivery.channels.contract import Answer, Failed, Gone, Retry, Sent
from tidings.delivery.channels.email.statuses import says_no_such_address, status_of
from tidings.delivery.guard import Guard

TIMEOUT_SECONDS = 20.0
IDLE_SECONDS = 30.0
"""So long a connection is kept that nobody uses; servers close theirs after a few minutes."""
MOST_IDLE = 16
"""As many as a worker sends at once: to open one takes as long as to send a mail."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where mail is handed over."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False  # from the first byte on
    start_tls: bool | None = None  # None: where the server offers it

    @classmethod
    def at(cls, url: str) -> Server:
        """`smtp://user:password@host:587`, or `smtps://` for TLS from the first byte on.

        `smtp://` goes over to TLS where the server offers it; with `?starttls=required` it must, and with
        `?starttls=never` it does not. Raises ValueError.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("It must be smtp://host:port or smtps://host:port.")
        choice = parse_qs(parts.query).get("starttls", ["offered"])[-1]
        if choice not in _STARTTLS or parts.path not in ("", "/"):
            raise ValueError("After the host only ?starttls=required or ?starttls=never may come.")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if tls else 587),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=tls,
            start_tls=False if tls else _STARTTLS[choice],
        )


_STARTTLS = {"offered": None, "required": True, "never": False}


class Mailer:
    """Hands mails over, each on a connection of its own while that lasts."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._guard = Guard(trusted=frozenset({server.host}))
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []  # since when, the latest last

    async def send(self, mail: EmailMessage, *, bounces_to: str | None = None) -> Answer:
        """Hand it over; what the server says of it.

        `bounces_to` is the address to which it is told if the mail does not arrive; None: who it is from.
        """
        try:
            client = await self._connected()
        except (aiosmtplib.SMTPException, OSError) as error:
            return Retry(answer=f"no connection: {_said(error)}")
        try:
            options = await _options(client)
            _, said = await client.send_message(mail, sender=bounces_to, mail_options=options)
        except aiosmtplib.SMTPException as error:
            self._leave(client, error)
            return answer_of(error)
        except BaseException:
            client.close()
            raise
        self._keep(client)
        return Sent(answer=said)

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for _, client in idle:
            await _quit(client)

    async def _connected(self) -> aiosmtplib.SMTP:
        """One that is open and answers, or a new one."""
        while self._idle:
            since, client = self._idle.pop()
            if monotonic() - since < IDLE_SECONDS and client.is_connected:
                try:
                    await client.rset()
                except aiosmtplib.SMTPException:
                    client.close()
                    continue
                return client
            client.close()
        server = self._server
        sock = await self._guard.connect(server.host, server.port, seconds=TIMEOUT_SECONDS)
        client = aiosmtplib.SMTP(
            hostname=server.host,  # whom the certificate must name
            sock=sock,
            username=server.username,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.start_tls,
            timeout=TIMEOUT_SECONDS,
        )
        await client.connect()
        return client

    def _leave(self, client: aiosmtplib.SMTP, error: aiosmtplib.SMTPException) -> None:
        """Keep the connection where only the mail was refused."""
        if isinstance(error, aiosmtplib.SMTPResponseException | aiosmtplib.SMTPRecipientsRefused):
            self._keep(client)
        else:
            client.close()

    def _keep(self, client: aiosmtplib.SMTP) -> None:
        if client.is_connected and len(self._idle) < MOST_IDLE:
            self._idle.append((monotonic(), client))
        else:
            client.close()


async def _options(client: aiosmtplib.SMTP) -> list[str]:
    """RFC 3461: of a mail that does not arrive its headers are enough, for they have its Message-ID."""
    if client.is_ehlo_or_helo_needed:  # after STARTTLS, say, when all that was known is forgotten
        with suppress(aiosmtplib.SMTPHeloError):
            await client.ehlo()
    return ["RET=HDRS"] if client.supports_extension("dsn") else []


def answer_of(error: aiosmtplib.SMTPException) -> Answer:
    """What a refusal means: 4xx is for now, 5xx for good, and of some addresses that they are no more."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        return answer_of(error.recipients[0])
    said = _said(error)
    if isinstance(error, aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPSenderRefused):
        return Retry(answer=said)  # the operator's to mend, and no fault of this mail
    if isinstance(error, aiosmtplib.SMTPResponseException) and 500 <= error.code < 600:
        is_recipient = isinstance(error, aiosmtplib.SMTPRecipientRefused)
        if is_recipient and says_no_such_address(status_of(error.message)):
            return Gone(answer=said)
        return Failed(answer=said)
    return Retry(answer=said)


def _said(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return f"{type(error).__name__}: {error}"


async def _quit(client: aiosmtplib.SMTP) -> None:
    try:
        await client.quit()
    except aiosmtplib.SMTPException:
        client.close()
