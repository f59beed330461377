"""What an enhanced status code (RFC 3463) says of the address that was written to."""

from __future__ import annotations

import re

_CODE = re.compile(r"(?:\d{3}[ -])?([245]\.\d{1,3}\.\d{1,3})\b")

# Of the subject "address" those that are about the recipient's, and a mailbox that is disabled. No other: a
# full mailbox (5.2.2) is emptied, a system (5.3) or a route (5.4) is mended, and what a policy refuses (5.7)
# is us, or this mail. 5.1.0 and 5.4.4 stand for a sender who is not believed, and for a resolver that is
# broken, too: who suppressed for these would lose every reader in one bad night.
_NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})


def status_of(text: str) -> str | None:
    """The code with which an answer begins, `5.1.1 no such user` or `550 5.1.1 …`; None: there is none."""
    found = _CODE.match(text)
    return found[1] if found else None


def says_no_such_address(status: str | None) -> bool:
    """Whether the mailbox or its domain does not exist, has moved, or is disabled, for good."""
    return status in _NO_SUCH_ADDRESS
