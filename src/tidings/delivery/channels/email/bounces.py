"""What comes back for a mail: that it did not arrive (RFC 3464), or was called spam (RFC 5965).

Anybody may have written it. So nothing is parsed deeper than a report goes: one multipart, the fields of its
second part, and the headers of the mail that is returned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from enum import StrEnum

from tidings.delivery.channels.email.statuses import says_no_such_address, status_of
from tidings.errors import InvalidInput, TooMany

LARGEST = 4_000_000
"""Octets. A server that returns the whole mail returns less: ours are smaller."""
MOST_RECIPIENTS = 100
"""A mail of ours has one; whom an alias stands for may be some more."""

_LONGEST_HEAD = 65_536  # octets of headers: the library takes the square of some
_LONGEST_STATUS = 300_000  # octets of what is told of all recipients
_LONGEST_VALUE = 2_000  # characters of a header that is looked at
_MOST_PARTS = 10

_STATUSES = ("message/delivery-status", "message/global-delivery-status")
_FEEDBACK = "message/feedback-report"
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")

_END_OF_HEAD = re.compile(rb"(?:\A|\n)\r?\n")
_BLANK_LINES = re.compile(rb"\n(?:[ \t]*\r?\n)+")
_ADDRESS = re.compile(r"[^\s<>()@,;:\"]+@[^\s<>()@,;:\"]+")
_NO_REPORT = "This is no report that a mail did not arrive, or was called spam."


class Kind(StrEnum):
    HARD = "hard"  # it did not arrive, for there is no such address any more
    SOFT = "soft"  # it did not arrive, for another reason
    COMPLAINT = "complaint"  # its reader called it spam
    OTHER = "other"  # nothing of these: it is late, has arrived, or is no spam


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is said of one recipient."""

    kind: Kind
    address: str | None  # to which the mail was sent, lower-cased; None: it is not told
    status: str | None  # as RFC 3463 has it: 5.1.1
    diagnostic: str | None  # what the other side said, or what kind of complaint it is
    message_id: str | None  # of the mail that it is about


def parse(raw: bytes) -> list[Report]:
    """What a message reports of each recipient; of a complaint, of whom it names first.

    Raises InvalidInput for what is no report, and TooMany for one of more than 100 recipients.
    """
    if len(raw) > LARGEST:
        raise InvalidInput(f"The message is longer than {LARGEST} octets.")
    try:
        return _reports(raw)
    except ValueError as error:  # of the library, of a header that is none
        raise InvalidInput(_NO_REPORT) from error


def _reports(raw: bytes) -> list[Report]:
    parts: dict[str, bytes] = {}
    for kind, body in _parts(raw):
        parts.setdefault(kind, body)
    returned = next((parts[kind] for kind in _RETURNED if kind in parts), b"")
    mail, _ = _opened(returned)
    for kind in _STATUSES:
        if kind in parts:
            return [_bounce(fields, mail) for fields in _recipients(parts[kind])]
    if _FEEDBACK in parts:
        return [_complaint(_opened(parts[_FEEDBACK].lstrip())[0], mail)]
    raise InvalidInput(_NO_REPORT)


def _bounce(fields: Message, mail: Message) -> Report:
    kind_of_code, typed, said = _value(fields, "Diagnostic-Code").partition(";")
    said = said.strip() if typed else kind_of_code
    status = status_of(_value(fields, "Status"))
    if status is None or status.endswith(".0.0"):  # Exim knows no better, and quotes who does
        status = status_of(said) or status
    kind = Kind.OTHER
    if _value(fields, "Action").lower() == "failed":
        kind = Kind.HARD if says_no_such_address(status) else Kind.SOFT
    return Report(
        kind=kind,
        # The final one is another where it was forwarded.
        address=_address(fields, "Original-Recipient") or _address(fields, "Final-Recipient"),
        status=status,
        diagnostic=said or None,
        message_id=_value(mail, "Message-ID") or None,
    )


def _complaint(fields: Message, mail: Message) -> Report:
    kind = _value(fields, "Feedback-Type").lower()
    return Report(
        kind=Kind.COMPLAINT if kind == "abuse" else Kind.OTHER,
        address=_address(fields, "Original-Rcpt-To") or _address(mail, "To"),
        status=None,
        diagnostic=kind or None,
        message_id=_value(mail, "Message-ID") or None,
    )


# --- what a message is made of -----------------------------------------------------------------------------


def _opened(raw: bytes) -> tuple[Message, bytes]:
    """Its headers, and what follows them."""
    end = _END_OF_HEAD.search(raw, 0, _LONGEST_HEAD)
    if end is None and len(raw) > _LONGEST_HEAD:
        raise InvalidInput(f"Its headers are longer than {_LONGEST_HEAD} octets.")
    head, body = (raw, b"") if end is None else (raw[: end.start() + 1], raw[end.end() :])
    return BytesHeaderParser().parsebytes(head), body


def _parts(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """The parts of a report, each with its type, decoded; none where it is no report."""
    head, body = _opened(raw)
    if len(_value(head, "Content-Type")) >= _LONGEST_VALUE or head.get_content_type() != "multipart/report":
        return
    boundary = re.escape((head.get_boundary() or "").encode())
    line = re.compile(rb"^--" + boundary + rb"(?:--)?[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
    for part in line.split(body, _MOST_PARTS)[1:]:
        head, body = _opened(part)
        if len(_value(head, "Content-Type")) < _LONGEST_VALUE:
            yield head.get_content_type(), _decoded(head, body)


def _decoded(head: Message, body: bytes) -> bytes:
    if _value(head, "Content-Transfer-Encoding").lower() not in ("base64", "quoted-printable"):
        return body
    head.set_payload(body.decode("ascii", "surrogateescape"))
    decoded = head.get_payload(decode=True)
    return decoded if isinstance(decoded, bytes) else b""


def _recipients(status: bytes) -> list[Message]:
    """The fields of each recipient; the block before them is about the mail as a whole."""
    if len(status) > _LONGEST_STATUS:
        raise InvalidInput(f"What it tells of recipients is longer than {_LONGEST_STATUS} octets.")
    blocks = _BLANK_LINES.split(status.strip(), MOST_RECIPIENTS + 1)
    if len(blocks) > MOST_RECIPIENTS + 1:
        raise TooMany(f"It is about more than {MOST_RECIPIENTS} recipients.")
    found = [_opened(block)[0] for block in blocks]
    return [fields for fields in found if "Final-Recipient" in fields or "Original-Recipient" in fields]


def _value(fields: Message, name: str) -> str:
    """The field in one line, cut short, of characters that can be shown and kept."""
    words = str(fields.get(name, ""))[:_LONGEST_VALUE].split()
    return "".join(one if one.isprintable() else "\ufffd" for one in " ".join(words))


def _address(fields: Message, name: str) -> str | None:
    """As of `rfc822; ada@example.org`, or `Ada <ada@example.org>`."""
    found = _ADDRESS.search(_value(fields, name))
    return found[0].lower() if found else None
