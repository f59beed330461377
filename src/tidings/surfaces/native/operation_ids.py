"""What operations are called outside: each reader numbers theirs from 1, and nobody finds another's."""

from __future__ import annotations

import hmac
from uuid import UUID

from tidings.errors import OperationNotFound

_NUMBER = 6  # bytes
_VERSION_AND_VARIANT = UUID("00000000-0000-f000-c000-000000000000").int
_EIGHT = UUID("00000000-0000-8000-8000-000000000000").int  # of RFC 9562: the content is the application's own


def operation_id(secret: bytes, reader_id: UUID, number: int) -> UUID:
    """The id of the reader's operation: its number and a seal, in a UUID of version 8."""
    numbered = number.to_bytes(_NUMBER)
    seal = hmac.digest(secret, b"operation\0" + reader_id.bytes + numbered, "sha256")[: 16 - _NUMBER]
    return UUID(int=int.from_bytes(numbered + seal) & ~_VERSION_AND_VARIANT | _EIGHT)


def number_of(secret: bytes, reader_id: UUID, given: UUID) -> int:
    """The number of the reader's operation. Raises OperationNotFound for an id that is not of theirs."""
    number = int.from_bytes(given.bytes[:_NUMBER])
    if operation_id(secret, reader_id, number) != given:
        raise OperationNotFound
    return number
