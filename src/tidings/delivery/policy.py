"""Whether something may be sent at all; asked at the last moment, when it is about to be."""

from __future__ import annotations

from tidings.model import Suppression
from tidings.storage.store import Store


async def may_email(store: Store, address: str, *, critical: bool) -> bool:
    """Whether an e-mail may go to `address`, which must be trimmed and lower-cased.

    Nothing goes to who bounced or complained. What is critical passes an unsubscribe, and nothing else does.
    """
    reasons = await store.suppressions.reasons(address)
    passed = {Suppression.USER_UNSUBSCRIBE} if critical else set[Suppression]()
    return reasons <= passed
