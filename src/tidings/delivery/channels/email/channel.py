"""E-mail: what a reader is written, and by what server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from email.message import EmailMessage
from email.utils import parseaddr
from uuid import UUID

import structlog

from tidings.delivery import mail_templates
from tidings.delivery.channels.contract import Answer, Letter, Outgoing
from tidings.delivery.channels.email.message import build, thread_id
from tidings.delivery.channels.email.message_ids import MessageIds
from tidings.delivery.channels.email.smtp import Mailer, Server
from tidings.delivery.channels.email.templates import Rendered, RenderFailed
from tidings.delivery.pacing import UNLIMITED, Limits
from tidings.delivery.policy import may_email
from tidings.delivery.unsubscribe_links import unsubscribe_link
from tidings.errors import InvalidInput
from tidings.model import AccountStatus, Notification, Suppression
from tidings.settings import Settings
from tidings.storage.jobs import Reason
from tidings.storage.store import Store
from tidings.storage.templates import MailTemplate

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Email:
    """A mail for each notification, or for what waited for a digest."""

    def __init__(
        self,
        mailer: Mailer,
        *,
        sender: str,
        public_url: str,
        secret: bytes,
        bounces_to: str | None = None,
        limits: Limits = UNLIMITED,
    ) -> None:
        """`sender` is an address, with or without a name, and so is `bounces_to`; None: that of the sender.

        `public_url` is where readers reach Tidings.
        """
        self._mailer, self._sender, self.limits = mailer, sender, limits
        self._bounces_to = parseaddr(bounces_to or sender)[1]
        self._message_ids = MessageIds(secret)
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
            bounces_to=settings.mail_bounces_to,
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
        rendered = await self._rendered(store, letter, account.locale or "", unsubscribe_url)
        try:
            mail = build(
                sender=self._sender,
                to=account.email,
                rendered=rendered,
                message_id=self._message_ids.of(letter.id, reader_id, self._domain),
                unsubscribe_url=unsubscribe_url,
                date=await store.now(),
                thread=self._thread(letter),
            )
        except InvalidInput:  # it is in no alphabet that every server takes
            return Reason.NO_ADDRESS
        return Outgoing(address=account.email, host=_domain(account.email), content=mail)

    async def _rendered(self, store: Store, letter: Letter, locale: str, unsubscribe_url: str) -> Rendered:
        notifications = [item.notification for item in letter.items]
        if not letter.is_digest:
            template = await mail_templates.chosen(store, notifications[0].event, locale)
            return await self._from_template(template, notifications[0], unsubscribe_url)
        return await mail_templates.rendered_digest(
            await mail_templates.chosen(store, "", locale),
            notifications,
            left_out=letter.left_out,
            inbox_url=self._public_url,
            unsubscribe_url=unsubscribe_url,
        )

    def _thread(self, letter: Letter) -> str | None:
        """What it belongs to: of one stream and collapse key all mails are one conversation."""
        notification = letter.items[0].notification
        if letter.is_digest or notification.collapse_key is None:
            return None
        return thread_id(notification.stream_id, notification.collapse_key, self._domain)

    async def _from_template(
        self, template: MailTemplate | None, notification: Notification, unsubscribe_url: str
    ) -> Rendered:
        """What the template makes of it; where that fails the default one, for no mail is to be lost."""
        links = {"inbox_url": self._public_url, "unsubscribe_url": unsubscribe_url}
        try:
            return await mail_templates.rendered(mail_templates.compiled_of(template), notification, **links)
        except RenderFailed as error:
            if template is None:
                raise
            _log.warning(
                "a template fails, and the default one is sent",
                event_key=template.event,
                locale=template.locale,
                notification_id=str(notification.id),
                reason=error.reason,
            )
            return await self._from_template(None, notification, unsubscribe_url)

    async def send(self, outgoing: Outgoing) -> Answer:
        mail: EmailMessage = outgoing.content
        return await self._mailer.send(mail, bounces_to=self._bounces_to)

    async def retire(self, store: Store, address: str) -> None:
        await store.suppressions.add(address, Suppression.BOUNCE, await store.now())

    async def close(self) -> None:
        await self._mailer.close()


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
