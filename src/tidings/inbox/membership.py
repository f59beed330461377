"""Who reads which stream, and from where on."""

from __future__ import annotations

from uuid import UUID

from tidings.errors import IdTaken, UnknownRecipient
from tidings.model import EVERYONE, Address, Audience, OperationKind, Reader, ReaderKind, Turn
from tidings.storage.store import Store


async def open_user(store: Store, user_id: UUID) -> None:
    """A user's own stream and positions; a new user joins everyone's stream at its heads of this moment."""
    if await store.streams.audience(user_id) is Audience.USER:
        return
    await _open(store, Address(audience=Audience.USER, id=user_id))
    await store.readers.create(Reader(id=user_id))
    await store.lines.set_floors(user_id, EVERYONE, await store.streams.heads(EVERYONE))


async def open_business(store: Store, business_id: UUID) -> None:
    """A business's stream, and the business as a reader of it: the company."""
    await _open(store, Address(audience=Audience.BUSINESS, id=business_id))
    await store.readers.create(Reader(id=business_id, kind=ReaderKind.COMPANY))


async def open_firm(store: Store, firm_id: UUID) -> None:
    """A firm's stream."""
    await _open(store, Address(audience=Audience.FIRM, id=firm_id))


async def join(store: Store, user_id: UUID, to: Address) -> None:
    """Make the user read a business's or firm's stream from now on; nothing changes for a member.

    Raises UnknownRecipient where there is no such user, business or firm.
    """
    if missing := await store.streams.missing([Address(audience=Audience.USER, id=user_id), to]):
        raise UnknownRecipient(f"There is no {missing[0].audience} {missing[0].id}.")
    turn = await store.readers.lock(Reader(id=user_id))
    if turn and await store.accounts.add_membership(user_id, to, await store.now()):
        await store.lines.set_floors(user_id, to.id, await store.streams.heads(to.id))
        await _tell(store, turn)


async def leave(store: Store, user_id: UUID, stream_id: UUID) -> bool:
    """Make the user read the stream no longer; whether they did."""
    turn = await store.readers.lock(Reader(id=user_id))
    left = await store.accounts.remove_membership(user_id, stream_id)
    if turn and left:
        await _tell(store, turn)
    return left


async def _tell(store: Store, turn: Turn) -> None:
    """Let who follows the user's inbox know that what they read is another."""
    await store.readers.record(turn, OperationKind.RESYNC)
    await store.readers.finish(turn)


async def _open(store: Store, address: Address) -> None:
    if not await store.streams.create(address):
        raise IdTaken(f"{address.id} is not a {address.audience}: the id belongs to something else.")
