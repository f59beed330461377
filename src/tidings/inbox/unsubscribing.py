"""Unsubscribing from e-mail by a link, for who is not signed in; and taking that back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID, uuid4

from tidings.errors import InvalidInput
from tidings.ids import uuid7
from tidings.inbox.preferences import tell
from tidings.model import Reader, Suppression, Turn
from tidings.storage.store import Store
from tidings.storage.suppression import Choices, Consent

_OFF = {"email": False}
_REASON = Suppression.USER_UNSUBSCRIBE


async def unsubscribe(
    store: Store, address: str, source: str, *, genuine: bool, first: Mapping[str, bool]
) -> None:
    """Send no more e-mail to the address: it is suppressed, and email is off in all that its user chooses.

    Of an event for which the user chose nothing the channels of `first` are set, too. `source` is kept, with
    every repeat. A link that is not `genuine` raises InvalidInput once as much is done for nobody: the
    transaction, which that takes back, is as long for a guess, whether or not somebody has the address.
    """
    account = await store.accounts.account_by_email(address)
    user_id = account.id if account else None
    if not genuine:
        user_id = uuid4()
        address = str(user_id)
    now = await store.now()
    chosen: Choices = {}
    if user_id is not None:
        turn = await store.readers.lock(Reader(id=user_id))  # nothing is chosen meanwhile
        chosen = await _choices(store, user_id)
        await _turn_off(store, user_id, chosen, first)
        await tell(store, turn or _turn_of_nobody(user_id, now))
    before = await store.suppressions.chosen(address, _REASON)
    since = chosen if before is None else {key: one for key, one in chosen.items() if not _is_off(one)}
    await store.suppressions.add(address, _REASON, now, chosen={**(before or {}), **since})
    await _note(store, address, user_id, source, granted=False)
    if not genuine:
        raise InvalidInput("This link is not valid.")


async def resubscribe(store: Store, address: str, source: str, *, first: Mapping[str, bool]) -> None:
    """Take an unsubscribe back: email is again as the user had chosen it, or else as each event has it.

    What was chosen since stands. An address that bounced or complained stays suppressed. Changes nothing
    where no unsubscribe stands.
    """
    account, turn = await store.accounts.account_by_email(address), None
    if account:
        turn = await store.readers.lock(Reader(id=account.id))
    before = await store.suppressions.chosen(address, _REASON)
    if before is None:
        return
    await store.suppressions.remove(address, _REASON)
    if account and turn:
        await _turn_back(store, account.id, before, {**first, **_OFF})
        await tell(store, turn)
    await _note(store, address, account and account.id, source, granted=True)


def _turn_of_nobody(user_id: UUID, now: datetime) -> Turn:
    return Turn(reader=Reader(id=user_id), op=1, at=now, raised_at=None, sealed=0, unfolded=0)


async def _turn_off(store: Store, user_id: UUID, chosen: Choices, first: Mapping[str, bool]) -> None:
    choices = {
        event.key: _OFF if event.key in chosen else {**first, **_OFF}
        for event in await store.catalog.all_events()
    }
    await store.catalog.set_choices(user_id, "event", choices)


async def _turn_back(store: Store, user_id: UUID, before: Choices, made: Mapping[str, bool]) -> None:
    """`made` is what an unsubscribe chooses for an event for which nothing was chosen."""
    chosen = await _choices(store, user_id)
    off = {key for key, channels in chosen.items() if _is_off(channels)}
    whole = {key for key in off - before.keys() if chosen[key] == made}
    again = {key: {"email": before[key]["email"]} for key in off & before.keys() if "email" in before[key]}
    await store.catalog.forget_choices(user_id, "event", whole)
    await store.catalog.forget_choices(user_id, "event", off - whole - again.keys(), "email")
    await store.catalog.set_choices(user_id, "event", again)


def _is_off(channels: Mapping[str, bool]) -> bool:
    return channels.get("email") is False


async def _choices(store: Store, user_id: UUID) -> Choices:
    """What the user chose by event."""
    chosen: dict[str, dict[str, bool]] = {}
    for one in await store.catalog.preferences(user_id):
        if one.subject == "event":
            chosen.setdefault(one.key, {})[one.channel] = one.enabled
    return chosen


async def _note(store: Store, address: str, user_id: UUID | None, source: str, *, granted: bool) -> None:
    now = await store.now()
    said = Consent(id=uuid7(now), address=address, user_id=user_id, granted=granted, source=source, at=now)
    await store.suppressions.note(said)
