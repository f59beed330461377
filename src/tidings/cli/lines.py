"""Reading a file of one JSON object a line, of any size and with anything in it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Annotated, Any

from pydantic import Field, ValidationError

from tidings.inbox.once import Message
from tidings.surfaces.native.schemas.sending import NewNotification
from tidings.surfaces.native.writing import said_in

LONGEST = 16_000_000
"""Bytes that a line may have: as many as the body of a call."""

_SHOWN = 65_536  # of a longer line, in the file of rejects
_PIECE = 1 << 20  # bytes that are read at once
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the file."""

    number: int  # from 1
    raw: bytes  # without its end; the beginning of one that is too long
    too_long: bool
    end: int  # the offset after it, in bytes
    digest: bytes  # SHA-256 of the file up to there


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """Why a line was not sent."""

    code: str
    message: str


class _Sent(NewNotification):
    """What a line has: the body of a call that sends, and a key of its own if it likes."""

    idempotency_key: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")] | None = (
        None
    )


class Lines:
    """The lines of a stream of bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._hash = stream, hashlib.sha256()
        self._offset = self._number = 0

    def skip(self, length: int, lines: int) -> bytes:
        """Pass over the first bytes, which have so many lines; their SHA-256, or that of fewer at the end."""
        while self._offset < length and self._read(min(_PIECE, length - self._offset)):
            pass
        self._number = lines
        return self._hash.digest()

    def rewind(self) -> None:
        """Begin anew. Raises OSError where the stream cannot."""
        self._stream.seek(0)
        self._hash, self._offset, self._number = hashlib.sha256(), 0, 0

    def __iter__(self) -> Iterator[Line]:
        while first := self._line(LONGEST + 2):
            self._number += 1
            last = first
            while not last.endswith(b"\n") and (more := self._line(LONGEST)):
                last = more
            raw = first.rstrip(b"\r\n")
            too_long = len(raw) > LONGEST or last is not first
            if self._number == 1:
                raw = raw.removeprefix(_BOM)
            yield Line(
                number=self._number,
                raw=raw[:_SHOWN] if too_long else raw,
                too_long=too_long,
                end=self._offset,
                digest=self._hash.digest(),
            )

    def _read(self, length: int) -> bytes:
        return self._took(self._stream.read(length))

    def _line(self, length: int) -> bytes:
        return self._took(self._stream.readline(length))

    def _took(self, piece: bytes) -> bytes:
        self._hash.update(piece)
        self._offset += len(piece)
        return piece


def understood(line: Line) -> Message | Rejected:
    """What the line wants to be sent, with the same checks as over HTTP."""
    if line.too_long:
        return Rejected(code="line_too_long", message=f"The line is longer than {LONGEST} bytes.")
    try:
        said: Any = json.loads(line.raw.decode())
        sent = _Sent.model_validate(said)
    except UnicodeDecodeError as error:
        return Rejected(code="invalid_utf8", message=f"This is no UTF-8: {error}.")
    except ValidationError as error:
        told = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        return Rejected(code="invalid_request", message="; ".join(told))
    except (ValueError, RecursionError) as error:
        return Rejected(code="invalid_json", message=f"This is no JSON: {error}")
    content = sent.model_dump(mode="json", exclude={"idempotency_key"})
    key = sent.idempotency_key
    return Message(
        drafts=sent.drafts(),
        key=key,
        said=said_in(content) if key else b"",
        named={"idempotency_key": key} if key else {},
    )


def record(line: Line, rejected: Rejected) -> bytes:
    """The line of a file of rejects: with the original as text, or in base64 where it is none."""
    entry: dict[str, Any] = {"line": line.number, "code": rejected.code, "message": rejected.message}
    try:
        entry["original"] = line.raw.decode()
    except UnicodeDecodeError:
        entry["original_base64"] = base64.b64encode(line.raw).decode()
    if line.too_long:
        entry["cut"] = True
    # Escaped: a message may quote half of a surrogate pair.
    return json.dumps(entry).encode() + b"\n"
