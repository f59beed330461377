"""E-mail: what a reader is written, and by what server."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import parseaddr
from uuid import UUID

from tidings.delivery.channels.contract import Answer, Outgoing
from tidings.delivery.channels.email.message import build
from tidings.delivery.channels.email.message_ids import MessageIds
from tidings.delivery.channels.email.smtp import Mailer, Server
from tidings.delivery.channels.email.templates import default_template, render
from tidings.delivery.policy import may_email
from tidings.delivery.unsubscribe_links import unsubscribe_link
from tidings.errors import InvalidInput
from tidings.model import AccountStatus, Item, Suppression
from tidings.settings import Settings
from tidings.storage.jobs import Reason
from tidings.storage.store import Store


class Email:
    """A mail for each notification."""

    def __init__(
        self,
        mailer: Mailer,
        *,
        sender: str,
        public_url: str,
        secret: bytes,
        bounces_to: str | None = None,
    ) -> None:
        """`sender` is an address, with or without a name, and so is `bounces_to`; None: that of the sender.

        `public_url` is where readers reach Tidings.
        """
        self._mailer, self._sender = mailer, sender
        self._bounces_to = parseaddr(bounces_to or sender)[1]
        self._message_ids = MessageIds(secret)
        self._public_url, self._secret = public_url, secret
        self._domain = parseaddr(sender)[1].rpartition("@")[2]

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
            bounces_to=settings.mail_bounces_to,
        )

    async def prepare(
        self, store: Store, reader_id: UUID, item: Item, *, critical: bool
    ) -> Outgoing | Reason:
        account = await store.accounts.account(reader_id)
        if account is None or account.email is None or account.status is not AccountStatus.ACTIVE:
            return Reason.NO_ADDRESS
        if not await may_email(store, account.email, critical=critical):
            return Reason.SUPPRESSED
        unsubscribe_url = unsubscribe_link(self._secret, self._public_url, account.email)
        rendered = render(
            default_template(),
            item.notification,
            inbox_url=self._public_url,
            unsubscribe_url=unsubscribe_url,
        )
        try:
            mail = build(
                sender=self._sender,
                to=account.email,
                rendered=rendered,
                message_id=self._message_ids.of(item.id, reader_id, self._domain),
                unsubscribe_url=unsubscribe_url,
                date=await store.now(),
            )
        except InvalidInput:  # it is in no alphabet that every server takes
            return Reason.NO_ADDRESS
        return Outgoing(address=account.email, content=mail)

    async def send(self, outgoing: Outgoing) -> Answer:
        mail: EmailMessage = outgoing.content
        return await self._mailer.send(mail, bounces_to=self._bounces_to)

    async def retire(self, store: Store, address: str) -> None:
        await store.suppressions.add(address, Suppression.BOUNCE, await store.now())

    async def close(self) -> None:
        await self._mailer.close()
