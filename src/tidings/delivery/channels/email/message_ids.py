"""The Message-IDs of what readers are mailed. Nobody can make one: who has it has seen the mail."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import NamedTuple
from uuid import UUID

_FORM = re.compile(r"<?([0-9a-f]{32})\.([0-9a-f]{32})\.([0-9a-f]{16})@")
_SEAL_DIGITS = 16


class Mailed(NamedTuple):
    """What was mailed, and to whom."""

    notification_id: UUID
    reader_id: UUID


class MessageIds:
    """Makes them, and tells those that it made.

    They are sealed, for all who read a stream know its notifications' ids, and a product may show its users'.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"tidings message id", hashlib.sha256)

    def of(self, notification_id: UUID, reader_id: UUID, domain: str) -> str:
        """Of what a reader gets of a notification: however often it is sent, the same."""
        mailed = Mailed(notification_id, reader_id)
        return f"<{notification_id.hex}.{reader_id.hex}.{self._seal(mailed)}@{domain}>"

    def mailed(self, message_id: str) -> Mailed | None:
        """What the mail with this id was; None where it is none of ours."""
        found = _FORM.match(message_id)
        if found is None:
            return None
        mailed = Mailed(UUID(found[1]), UUID(found[2]))
        return mailed if hmac.compare_digest(found[3], self._seal(mailed)) else None

    def _seal(self, mailed: Mailed) -> str:
        said = mailed.notification_id.bytes + mailed.reader_id.bytes
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()[:_SEAL_DIGITS]
