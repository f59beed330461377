"""What a type checker knows of the client; `make check` reads this, and nothing runs it."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type
from uuid import UUID

from tidings.client import AsyncInbox, AsyncTidings, Inbox, Tidings
from tidings.client.values import (
    Counts,
    Item,
    Operation,
    Page,
    Preferences,
    Preview,
    SavedTemplate,
    Template,
    User,
)


def sync_calls(tidings: Tidings, inbox: Inbox, id_: UUID) -> None:
    assert_type(tidings.send(to={"user": id_}, event="e", title="t"), tuple[UUID, ...])
    assert_type(tidings.put_user(id_, email=None, status="active"), User)
    assert_type(tidings.withdraw(id_), None)
    assert_type(tidings.put_template("e", "*", words={"inbox": "x"}, layout=None), Template)
    assert_type(tidings.templates("*"), tuple[SavedTemplate, ...])
    assert_type(tidings.preview("e", locale="pt"), Preview)
    assert_type(inbox.items(scope="me", unread=True), Iterator[Item])
    assert_type(inbox.page(limit=10), Page[Item])
    assert_type(inbox.counts(), Counts)
    assert_type(inbox.read_all(topic="billing", up_to=id_), Operation)
    assert_type(inbox.prefer_topic("billing", {"email": False, "push": None}), Preferences)


async def async_calls(tidings: AsyncTidings, inbox: AsyncInbox, id_: UUID) -> None:
    assert_type(await tidings.send(to={"user": id_}, event="e", title="t"), tuple[UUID, ...])
    assert_type(await tidings.put_user(id_, email=None, status="active"), User)
    assert_type(await tidings.withdraw(id_), None)
    assert_type(await tidings.put_template("e", "*", words={"inbox": "x"}, layout=None), Template)
    assert_type(await tidings.templates("*"), tuple[SavedTemplate, ...])
    assert_type(await tidings.preview("e", locale="pt"), Preview)
    assert_type(inbox.items(scope="me", unread=True), AsyncIterator[Item])
    assert_type(await inbox.page(limit=10), Page[Item])
    assert_type(await inbox.counts(), Counts)
    assert_type(await inbox.read_all(topic="billing", up_to=id_), Operation)
    assert_type(await inbox.prefer_topic("billing", {"email": False, "push": None}), Preferences)


def refused(tidings: Tidings, inbox: Inbox, id_: UUID) -> None:
    """Each line has the error that is named: an `ignore` without one is an error itself."""
    tidings.put_template("e", "pt", html="<b>")  # pyright: ignore[reportCallIssue]
    tidings.send(to={"user": id_}, event="e")  # pyright: ignore[reportCallIssue]
    tidings.send(to={"usr": id_}, event="e", title="t")  # pyright: ignore[reportArgumentType]
    tidings.send(to={"user": id_}, event="e", title="t", severity="grave")  # pyright: ignore[reportArgumentType]
    inbox.items(read=True)  # pyright: ignore[reportCallIssue]
    inbox.read_all(status="new")  # pyright: ignore[reportCallIssue]
    inbox.snooze(id_)  # pyright: ignore[reportCallIssue]
