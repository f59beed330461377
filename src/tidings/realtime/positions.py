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
_END = struct.Struct(">qq")
_ID = 16  # bytes


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where everything was told."""

    op: int
    streams: Mapping[UUID, StreamEnd]  # empty where there are too many to say

    def __str__(self) -> str:
        return Reached(self.op, self.streams).id.decode()


class Reached:
    """Up to where a reader was told, kept as it is written: of a broadcast, each id is made anew."""

    __slots__ = ("_packed", "_places")

    def __init__(self, op: int, streams: Mapping[UUID, StreamEnd]) -> None:
        packed = [_STREAM.pack(id_.bytes, *end) for id_, end in streams.items()]
        self._packed = bytearray(b"".join([_OP.pack(op), *packed]))
        self._places = {id_: _OP.size + n * _STREAM.size + _ID for n, id_ in enumerate(streams)}

    @property
    def op(self) -> int:
        return _OP.unpack_from(self._packed)[0]

    def move_op(self, op: int) -> None:
        _OP.pack_into(self._packed, 0, op)

    def end_of(self, stream_id: UUID) -> StreamEnd:
        """Raises KeyError for a stream that is not read."""
        return StreamEnd(*_END.unpack_from(self._packed, self._places[stream_id]))

    def move(self, stream_id: UUID, end: StreamEnd) -> None:
        """Raises KeyError for a stream that is not read."""
        _END.pack_into(self._packed, self._places[stream_id], *end)

    @property
    def position(self) -> Position:
        return Position(self.op, {stream_id: self.end_of(stream_id) for stream_id in self._places})

    @property
    def id(self) -> bytes:
        """What stands for it in an event, in the letters that URLs take."""
        packed = self._packed if len(self._places) <= MOST_STREAMS else self._packed[: _OP.size]
        return urlsafe_b64encode(packed).rstrip(b"=")


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
