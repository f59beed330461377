"""What a reader can do: list, count, mark, undo, and choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from tidings.client.connection import AsyncConnection, Connection
from tidings.client.decoding import into, pages_of
from tidings.client.methods import call, listing
from tidings.client.requests import Request
from tidings.client.values import (
    Alert,
    Channel,
    Counts,
    Filter,
    Id,
    Item,
    Operation,
    Page,
    Preferences,
    Search,
)

_LISTS = {"topic", "severity", "event", "status"}
_OPERATIONS = ("inbox", "operations")
_PREFERENCES = ("inbox", "preferences")


@dataclass(frozen=True)
class _Alerts:
    items: tuple[Alert, ...]


class _InboxMethods:
    """What is done to notifications takes up to 1,000 ids, what is done to all of them a filter.

    With `up_to`, the id of one, what is newer than that is left as it is.
    """

    @listing
    def items(self, *, page_size: int | None = None, **search: Unpack[Search]) -> Request[Page[Item]]:
        """Every notification that fits: pinned ones first, then the newest."""
        return _page(search, limit=page_size)

    @call
    def page(
        self, *, cursor: str | None = None, limit: int | None = None, **search: Unpack[Search]
    ) -> Request[Page[Item]]:
        """One page of them; `next_cursor` asks for the next."""
        return _page(search, cursor=cursor, limit=limit)

    @call
    def counts(self, **which: Unpack[Filter]) -> Request[Counts]:
        """How many are open, unseen and unread: exact."""
        return Request(method="GET", path=("inbox", "counts"), params=_lists(which), parse=into(Counts))

    @call
    def get(self, item_id: Id) -> Request[Item]:
        """Raises NotFound."""
        return Request(method="GET", path=("inbox", item_id), parse=into(Item))

    # --- marking ------------------------------------------------------------------------------------------

    @call
    def seen(self, *ids: Id) -> Request[Operation]:
        return _operation("seen", ids=ids)

    @call
    def seen_all(self, *, up_to: Id | None = None, **which: Unpack[Filter]) -> Request[Operation]:
        return _operation("seen", filter=_lists(which), up_to=up_to)

    @call
    def read(self, *ids: Id) -> Request[Operation]:
        return _operation("read", ids=ids)

    @call
    def read_all(self, *, up_to: Id | None = None, **which: Unpack[Filter]) -> Request[Operation]:
        return _operation("read", filter=_lists(which), up_to=up_to)

    @call
    def dismiss(self, *ids: Id) -> Request[Operation]:
        return _operation("dismiss", ids=ids)

    @call
    def dismiss_all(self, *, up_to: Id | None = None, **which: Unpack[Filter]) -> Request[Operation]:
        return _operation("dismiss", filter=_lists(which), up_to=up_to)

    @call
    def delete(self, *ids: Id) -> Request[Operation]:
        return _operation("delete", ids=ids)

    @call
    def delete_all(self, *, up_to: Id | None = None, **which: Unpack[Filter]) -> Request[Operation]:
        return _operation("delete", filter=_lists(which), up_to=up_to)

    @call
    def clear_read(self, **which: Unpack[Filter]) -> Request[Operation]:
        """Delete what was read or dismissed, for good."""
        return _operation("clear_read", filter=_lists(which))

    @call
    def unread(self, *ids: Id) -> Request[Operation]:
        return _operation("unread", ids=ids)

    @call
    def restore(self, *ids: Id) -> Request[Operation]:
        """What was dismissed is read again."""
        return _operation("restore", ids=ids)

    @call
    def pin(self, *ids: Id) -> Request[Operation]:
        return _operation("pin", ids=ids)

    @call
    def unpin(self, *ids: Id) -> Request[Operation]:
        return _operation("unpin", ids=ids)

    @call
    def snooze(self, *ids: Id, until: datetime) -> Request[Operation]:
        """Hidden until then, and new again afterwards."""
        return _operation("snooze", ids=ids, until=until)

    @call
    def unsnooze(self, *ids: Id) -> Request[Operation]:
        return _operation("unsnooze", ids=ids)

    @call
    def resolve(self, *ids: Id) -> Request[Operation]:
        """Settled, for all who read it."""
        return _operation("resolve", ids=ids)

    @call
    def undo(self, operation: Operation | Id) -> Request[Operation]:
        """Within ten minutes. Raises NotFound, or Conflict: too late, or a later one of `…_all` stands."""
        id_ = operation.operation if isinstance(operation, Operation) else operation
        if id_ is None:
            raise ValueError("the operation changed nothing, so that there is nothing to undo")
        return Request(method="POST", path=(*_OPERATIONS, id_, "undo"), body={}, parse=into(Operation))

    # --- live alerts --------------------------------------------------------------------------------------

    @call
    def alerts(self, business_id: Id | None = None) -> Request[tuple[Alert, ...]]:
        """What holds now and was not dismissed, of a business or of all: in no list, in no count."""
        params = {"business_id": business_id}
        return Request(method="GET", path=("inbox", "alerts"), params=params, parse=_alerts)

    @call
    def dismiss_alert(self, business_id: Id, alert_id: str) -> Request[Operation]:
        """Raises NotFound."""
        path = ("inbox", "alerts", business_id, alert_id, "dismiss")
        return Request(method="POST", path=path, parse=into(Operation))

    # --- choosing -----------------------------------------------------------------------------------------

    @call
    def preferences(self) -> Request[Preferences]:
        return Request(method="GET", path=_PREFERENCES, parse=into(Preferences))

    @call
    def prefer_event(self, event: str, channels: Mapping[Channel, bool | None]) -> Request[Preferences]:
        """Switch channels of an event on or off; None: as if nothing had been chosen."""
        return _choice("PUT", "events", event, body=channels)

    @call
    def prefer_topic(self, topic: str, channels: Mapping[Channel, bool | None]) -> Request[Preferences]:
        """The same for a topic, which, where it is off, takes its events with it."""
        return _choice("PUT", "topics", topic, body=channels)

    @call
    def set_quiet_hours(self, *, begins: str, ends: str, time_zone: str) -> Request[Preferences]:
        """From `22:00` to `07:00`, say, in `Europe/Lisbon`: only what is critical leaves the inbox."""
        hours = {"begins": begins, "ends": ends, "time_zone": time_zone}
        return _choice("PUT", "quiet-hours", body=hours)

    @call
    def clear_quiet_hours(self) -> Request[Preferences]:
        return _choice("DELETE", "quiet-hours")


class Inbox(_InboxMethods, Connection):
    """A reader's inbox: `Inbox(base_url, token)`, with a token of the reader's."""


class AsyncInbox(_InboxMethods, AsyncConnection):
    """A reader's inbox, awaited: `AsyncInbox(base_url, token)`, with a token of the reader's."""


def _page(search: Mapping[str, object], **more: object) -> Request[Page[Item]]:
    return Request(method="GET", path=("inbox",), params={**_lists(search), **more}, parse=pages_of(Item))


def _lists(which: Mapping[str, Any]) -> dict[str, Any]:
    """With a list wherever there may be one key or several."""
    several = {name: which[name] for name in _LISTS & which.keys()}
    lists = {name: [keys] if isinstance(keys, str) else list(keys) for name, keys in several.items()}
    return {**which, **lists}


def _alerts(body: Any) -> tuple[Alert, ...]:
    return into(_Alerts)(body).items


def _operation(action: str, **what: object) -> Request[Operation]:
    body = {"action": action, **{name: value for name, value in what.items() if value is not None}}
    return Request(method="POST", path=_OPERATIONS, body=body, parse=into(Operation))


def _choice(method: str, *path: str, body: object = None) -> Request[Preferences]:
    return Request(method=method, path=(*_PREFERENCES, *path), body=body, parse=into(Preferences))
