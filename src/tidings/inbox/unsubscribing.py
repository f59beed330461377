"""Unsubscribing from e-mail by a link, for who is not signed in; and taking that back."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid4

from tidings.errors import InvalidInput
from tidings.ids import uuid7
from tidings.model import Reader, Suppression
from tidings.storage.store import Store
from tidings.storage.suppression import Consent


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
    if user_id is not None:
        await _turn_off(store, user_id, first)
    await store.suppressions.add(address, Suppression.USER_UNSUBSCRIBE, await store.now())
    await _note(store, address, user_id, source, granted=False)
    if not genuine:
        raise InvalidInput("This link is not valid.")


async def resubscribe(store: Store, address: str, source: str, *, first: Mapping[str, bool]) -> None:
    """Take an unsubscribe back: email is again as each event has it by default.

    What the unsubscribe chose for events for which nothing was chosen before is forgotten. An address that
    bounced or complained stays suppressed. Changes nothing where no unsubscribe stands.
    """
    account = await store.accounts.account_by_email(address)
    if account:
        await store.readers.lock(Reader(id=account.id))
    if not await store.suppressions.remove(address, Suppression.USER_UNSUBSCRIBE):
        return
    if account:
        await _turn_back(store, account.id, {**first, "email": False})
    await _note(store, address, account and account.id, source, granted=True)


async def _turn_off(store: Store, user_id: UUID, first: Mapping[str, bool]) -> None:
    await store.readers.lock(Reader(id=user_id))  # nothing is chosen meanwhile
    chosen = await _choices(store, user_id)
    off = {"email": False}
    choices = {
        event.key: off if event.key in chosen else {**first, **off}
        for event in await store.catalog.all_events()
    }
    await store.catalog.set_choices(user_id, "event", choices)


async def _turn_back(store: Store, user_id: UUID, made: Mapping[str, bool]) -> None:
    """`made` is what an unsubscribe chooses for an event for which nothing was chosen."""
    chosen = await _choices(store, user_id)
    whole = {key for key, channels in chosen.items() if channels == made}
    off = {key for key, channels in chosen.items() if channels.get("email") is False}
    await store.catalog.forget_choices(user_id, "event", whole)
    await store.catalog.forget_choices(user_id, "event", off - whole, "email")


async def _choices(store: Store, user_id: UUID) -> dict[str, dict[str, bool]]:
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
