"""The cursors of lists: opaque, and good only on the surface, for the reader and the filters of the list."""

from __future__ import annotations

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from tidings.clock import EPOCH
from tidings.errors import InvalidInput
from tidings.model import Cursor

_PLACE = struct.Struct(">q16s?")  # microseconds since 1970, id, whether among the pinned ones
_SEAL = 16  # bytes
_MICROSECOND = timedelta(microseconds=1)


class Sealer:
    """Turns places in one reader's list, under one set of filters, into text and back.

    `label` names the surface.
    """

    def __init__(self, secret: bytes, label: str, reader_id: UUID, filters: Mapping[str, Any]) -> None:
        self._secret = secret
        self._label = f"{label} cursor\0".encode()
        self._context = reader_id.bytes + orjson.dumps(filters, option=orjson.OPT_SORT_KEYS)

    def seal(self, cursor: Cursor) -> str:
        place = _PLACE.pack((cursor.created_at - EPOCH) // _MICROSECOND, cursor.id.bytes, cursor.pinned)
        return urlsafe_b64encode(place + self._mac(place)).decode()

    def open(self, text: str) -> Cursor:
        """Raises InvalidInput for what was not made by `seal` in the same list."""
        try:
            sealed = urlsafe_b64decode(text.encode("ascii"))
        except ValueError:
            sealed = b""
        place, mac = sealed[: _PLACE.size], sealed[_PLACE.size :]
        if not hmac.compare_digest(mac, self._mac(place)):
            raise InvalidInput("The cursor does not belong to this list.")
        microseconds, id_, pinned = _PLACE.unpack(place)
        return Cursor(created_at=EPOCH + microseconds * _MICROSECOND, id=UUID(bytes=id_), pinned=pinned)

    def _mac(self, place: bytes) -> bytes:
        return hmac.digest(self._secret, self._label + place + self._context, "sha256")[:_SEAL]
