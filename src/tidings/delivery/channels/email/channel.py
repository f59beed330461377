"""E-mail: what a reader is written, and by what server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from email.message import EmailMessage
from email.utils import parseaddr
from uuid import UUID

from tidings.delivery.channels.contract import Answer, Letter, Outgoing
from tidings.delivery.channels.email.message import build, message_id, thread_id
from tidings.delivery.channels.email.smtp import Mailer, Server
from tidings.delivery.channels.email.templates import Rendered, default_template, render, render_digest
from tidings.delivery.pacing import UNLIMITED, Limits
from tidings.delivery.policy import may_email
from tidings.delivery.unsubscribe_links import unsubscribe_link
from tidings.errors import InvalidInput
from tidings.model import AccountStatus, Suppression
from tidings.settings import Settings
from tidings.storage.jobs import Reason
from tidings.storage.store import Store


class Email:
    """A mail for each notification, or for what waited for a digest."""

    def __init__(
        self, mailer: Mailer, *, sender: str, public_url: str, secret: bytes, limits: Limits = UNLIMITED
    ) -> None:
        """`sender` is an address, with or without a name; `public_url` is where readers reach Tidings."""
        self._mailer, self._sender = mailer, sender
        self.limits = limits
        self._public_url, self._secret = public_url, secret
        self._domain = _domain(parseaddr(sender)[1])

    @classmethod
    def of_settings(cls, settings: Settings) -> Email:
        """Raises ValueError where the settings name no server."""
        if not (settings.smtp_url and settings.mail_from and settings.public_url):
            raise ValueError("There is no server for mail.")
        return cls(
            Mailer(Server.at(settings.smtp_url.get_secret_value())),
            sender=settings.mail_from,
            public_url=settings.public_url,
            secret=settings.secret.get_secret_value().encode(),
            limits=Limits(
                per_minute=settings.mails_per_minute, per_host=settings.mails_per_domain_per_minute
            ),
        )

    async def hosts(self, store: Store, reader_ids: Collection[UUID]) -> Mapping[UUID, str]:
        emails = await store.accounts.emails(reader_ids)
        return {reader_id: _domain(email) for reader_id, email in emails.items()}

    async def prepare(self, store: Store, reader_id: UUID, letter: Letter) -> Outgoing | Reason:
        account = await store.accounts.account(reader_id)
        if account is None or account.email is None or account.status is not AccountStatus.ACTIVE:
            return Reason.NO_ADDRESS
        if not await may_email(store, account.email, critical=letter.critical):
            return Reason.SUPPRESSED
        unsubscribe_url = unsubscribe_link(self._secret, self._public_url, account.email)
        rendered = self._rendered(letter, unsubscribe_url)
        try:
            mail = build(
                sender=self._sender,
                to=account.email,
                rendered=rendered,
                message_id=message_id(letter.id, reader_id, self._domain),
                unsubscribe_url=unsubscribe_url,
                date=await store.now(),
                thread=self._thread(letter),
            )
        except InvalidInput:  # it is in no alphabet that every server takes
            return Reason.NO_ADDRESS
        return Outgoing(address=account.email, host=_domain(account.email), content=mail)

    def _rendered(self, letter: Letter, unsubscribe_url: str) -> Rendered:
        urls = {"inbox_url": self._public_url, "unsubscribe_url": unsubscribe_url}
        if letter.is_digest:
            notifications = [item.notification for item in letter.items]
            return render_digest(notifications, left_out=letter.left_out, **urls)
        return render(default_template(), letter.items[0].notification, **urls)

    def _thread(self, letter: Letter) -> str | None:
        """What it belongs to: of one stream and collapse key all mails are one conversation."""
        notification = letter.items[0].notification
        if letter.is_digest or notification.collapse_key is None:
            return None
        return thread_id(notification.stream_id, notification.collapse_key, self._domain)

    async def send(self, outgoing: Outgoing) -> Answer:
        mail: EmailMessage = outgoing.content
        return await self._mailer.send(mail)

    async def retire(self, store: Store, address: str) -> None:
        await store.suppressions.add(address, Suppression.BOUNCE, await store.now())

    async def close(self) -> None:
        await self._mailer.close()


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
