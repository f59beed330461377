"""Mail in files: a Maildir, an mbox, a single message, or standard input."""

from __future__ import annotations

import mailbox
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FROM = b"From "
"""With such a line an mbox begins each message."""


class Unreadable(Exception):
    """There is no mail, or it cannot be read, or not be moved."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One message."""

    where: str  # for people
    raw: bytes
    new: Path | None = None  # in a Maildir: its file, which nobody has seen


def messages(path: str, most: int) -> Iterator[Found]:
    """What is there, in its order, of each `most` bytes; of a Maildir what is new. Raises Unreadable."""
    try:
        if path == "-":
            yield Found(where="standard input", raw=sys.stdin.buffer.read(most))
        elif Path(path).is_dir():
            yield from _of_maildir(Path(path), most)
        else:
            yield from _of_file(Path(path), most)
    except OSError as error:
        raise Unreadable(str(error)) from error


def seen(found: Found) -> None:
    """In a Maildir, move it to where what was seen is. Raises Unreadable."""
    if found.new is None:
        return
    name = found.new.name.partition(":")[0]
    try:
        with suppress(FileNotFoundError):  # somebody else has seen it
            found.new.rename(found.new.parent.parent / "cur" / f"{name}:2,S")
    except OSError as error:
        raise Unreadable(str(error)) from error


def _of_maildir(folder: Path, most: int) -> Iterator[Found]:
    if not all((folder / part).is_dir() for part in ("new", "cur")):
        raise Unreadable(f"{folder} is no Maildir: it has no new and cur.")
    for file in sorted(file for file in (folder / "new").iterdir() if file.is_file()):
        with suppress(FileNotFoundError):
            yield Found(where=str(file), raw=_beginning(file, most), new=file)


def _of_file(file: Path, most: int) -> Iterator[Found]:
    begins = _beginning(file, len(_FROM))
    if begins and begins != _FROM:
        yield Found(where=str(file), raw=_beginning(file, most))
        return
    box = mailbox.mbox(file, create=False)
    try:
        for number, key in enumerate(box.iterkeys(), 1):
            yield Found(where=f"{file}, no. {number}", raw=box.get_file(key).read(most))
    finally:
        box.close()


def _beginning(file: Path, most: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(most)
