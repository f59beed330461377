"""The links by which mail can be unsubscribed from without signing in (RFC 8058), and their undoing."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from urllib.parse import urlencode

PATH = "/api/v1/notifications/unsubscribe"
UNDO_WITHIN = timedelta(hours=24)
_TOKEN_DIGITS = 32


class UnsubscribeLinks:
    """Makes the links, and tells those that it made. Addresses must be trimmed and lower-cased."""

    def __init__(self, secret: bytes) -> None:
        # Keys of their own, so that the secret can serve other purposes too.
        self._key = hmac.digest(secret, b"tidings unsubscribe", hashlib.sha256)
        self._undo_key = hmac.digest(secret, b"tidings unsubscribe undo", hashlib.sha256)

    def token(self, address: str) -> str:
        """What stands in the link of an address: 32 hexadecimal digits, which hold for good."""
        return _sealed(self._key, address)[:_TOKEN_DIGITS]

    def holds(self, address: str, token: str) -> bool:
        """Whether it is the address's token. The time that it takes tells nothing of the token."""
        return _same(self.token(address), token)

    def undo_token(self, address: str, now: datetime) -> str:
        """What takes an unsubscribe back, for a day from `now`."""
        ends = str(int((now + UNDO_WITHIN).timestamp()))
        return f"{ends}.{_sealed(self._undo_key, f'{ends} {address}')}"

    def holds_undo(self, address: str, token: str, now: datetime) -> bool:
        """Whether it is an undo token of the address that has not expired."""
        ends, _, seal = token.partition(".")
        ours = _same(_sealed(self._undo_key, f"{ends} {address}"), seal)
        return ours and now.timestamp() < int(ends)


def unsubscribe_link(secret: bytes, base_url: str, address: str) -> str:
    """The link by which `address` unsubscribes, for a mail's footer and its List-Unsubscribe.

    `base_url` is where readers reach Tidings. Both GET and POST of the link act at once.
    """
    query = urlencode({"email": address, "token": UnsubscribeLinks(secret).token(address)})
    return f"{base_url.rstrip('/')}{PATH}?{query}"


def _sealed(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _same(ours: str, given: str) -> bool:
    return hmac.compare_digest(ours.encode(), given.encode("utf-8", "surrogatepass"))
