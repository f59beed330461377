"""A rendered notification as a message (RFC 5322) from which its reader can unsubscribe (RFC 8058)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, AddressHeader, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from typing import cast
from uuid import UUID

from tidings.delivery.channels.email.templates import Rendered
from tidings.errors import InvalidInput

_THREAD_DIGITS = 32


class _Whole(UnstructuredHeader, BaseHeader):
    """A header of one long word, which would else be cut into encoded pieces that no mail program reads."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("In-Reply-To", "References", "List-Unsubscribe"):
    _HEADERS.map_to_type(_name, _Whole)

# 7bit: what is not ASCII is encoded, so that the message passes any server.
_POLICY = SMTP.clone(header_factory=_HEADERS, cte_type="7bit")


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

    Raises InvalidInput where `sender` or `to` is not one ASCII address, with or without a name.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = _mailbox(sender)
    message["To"] = _mailbox(to)
    # What looks like an encoded word would be decoded, and can bear line breaks.
    message["Subject"] = rendered.subject.replace("=?", "= ?")
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


def _mailbox(text: str) -> Address:
    try:
        header = _HEADERS("To", text)
    except (IndexError, MessageError, ValueError) as error:
        raise InvalidInput("This is no e-mail address.", address=text) from error
    found = cast(AddressHeader, header).addresses
    if header.defects or len(found) != 1 or not found[0].addr_spec.isascii():
        raise InvalidInput("This is no e-mail address.", address=text)
    return found[0]
