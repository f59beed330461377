"""A rendered notification as a message (RFC 5322) from which its reader can unsubscribe (RFC 8058)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from uuid import UUID

from tidings.delivery.channels.email.templates import Rendered
from tidings.errors import InvalidInput

_WHOLE_HEADERS = ("In-Reply-To", "References", "List-Unsubscribe")
_THREAD_DIGITS = 32


class _Whole(UnstructuredHeader, BaseHeader):
    """A header of one long word, which would else be cut into encoded pieces that no mail program reads."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _policy() -> Policy:
    headers = HeaderRegistry()
    for name in _WHOLE_HEADERS:
        headers.map_to_type(name, _Whole)
    # 7bit: what is not ASCII is encoded, so that the message passes any server.
    return SMTP.clone(header_factory=headers, cte_type="7bit")


_POLICY = _policy()


def message_id(notification_id: UUID, reader_id: UUID, domain: str) -> str:
    """The Message-ID of what a reader gets of a notification: however often it is sent, the same."""
    return f"<{notification_id.hex}.{reader_id.hex}@{domain}>"


def thread_id(stream_id: UUID, collapse_key: str, domain: str) -> str:
    """The id of what all mails of one stream and collapse key answer, so that mail programs thread them.

    There is no such message. Of the key, the id tells nothing.
    """
    topic = stream_id.bytes + collapse_key.encode("utf-8", "surrogatepass")
    return f"<thread.{hashlib.sha256(topic).hexdigest()[:_THREAD_DIGITS]}@{domain}>"


def build(
    *,
    sender: str,
    to: str,
    rendered: Rendered,
    message_id: str,
    date: datetime,
    unsubscribe_url: str,
    thread: str | None = None,
) -> EmailMessage:
    """The message, of ASCII lines of at most 998 octets. `thread` is a `thread_id`; `date` must be aware.

    Raises InvalidInput where `sender` is no mailbox, with or without a name, or `to` no bare address.
    """
    message = EmailMessage(policy=_POLICY)
    try:
        message["From"] = sender
        message["To"] = Address(addr_spec=to)
    except (ValueError, IndexError, MessageError) as error:
        raise InvalidInput(f"This is no e-mail address: {error}") from error
    message["Subject"] = rendered.subject
    message["Date"] = date
    message["Message-ID"] = message_id
    if thread is not None:
        message["In-Reply-To"] = message["References"] = thread
    message["List-Unsubscribe"] = f"<{unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    return message
