"""How far somebody who follows an inbox has come: the id of an event, which a reconnect brings back."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from tidings.storage.logs import StreamEnd

MOST_STREAMS = 200
"""Of more the id says nothing, or it were too long for a header: a reconnect looks at everything anew."""

_OP = struct.Struct(">q")
_STREAM = struct.Struct(">16sqq")


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where everything was told."""

    op: int
    streams: Mapping[UUID, StreamEnd]  # empty where there are too many to say

    def __str__(self) -> str:
        packed = [_STREAM.pack(id_.bytes, *end) for id_, end in self.streams.items()]
        if len(packed) > MOST_STREAMS:
            packed = []
        return urlsafe_b64encode(b"".join([_OP.pack(self.op), *packed])).decode().rstrip("=")


def position_of(text: str) -> Position:
    """What the text stands for. Raises ValueError for what is no position."""
    try:
        packed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        [op] = _OP.unpack(packed[: _OP.size])
        streams = {
            UUID(bytes=id_): StreamEnd(seq, change)
            for id_, seq, change in _STREAM.iter_unpack(packed[_OP.size :])
        }
    except (ValueError, struct.error) as error:
        raise ValueError("no position of a stream") from error
    return Position(op, streams)
