"""A client for Tidings, sync and async: `Tidings` for a product's backend, `Inbox` for one who reads.

    with Tidings("https://tidings.example", service_key) as tidings:
        tidings.send(to={"user": user_id}, event="billing.invoice_paid", title="Invoice 20814 is paid")

`AsyncTidings` and `AsyncInbox` have the same methods, to be awaited, or gone over with `async for`. Calls are
tried again where that may help: a write bears one Idempotency-Key, and so happens once. What goes wrong is a
TidingsError; a value that cannot be sent at all, a ValueError or TypeError. What calls take and answer is in
`values`, every error in `errors`. It needs httpx2, and nothing else of this package.
"""

from tidings.client.backend import AsyncTidings, Tidings
from tidings.client.connection import Retry
from tidings.client.errors import RateLimited, TidingsError
from tidings.client.inbox import AsyncInbox, Inbox

__all__ = ["AsyncInbox", "AsyncTidings", "Inbox", "RateLimited", "Retry", "Tidings", "TidingsError"]
