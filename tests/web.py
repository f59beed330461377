"""The application over one database, asked without a network; and small worlds to ask about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx2
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from pwdlib import PasswordHash

from tests.conftest import MovingClock, Run
from tidings.app import Application, create_app
from tidings.identity import directory
from tidings.identity.sessions import Sessions
from tidings.identity.tokens import issue_api_token
from tidings.inbox import operations
from tidings.inbox.alerts import raise_alert
from tidings.inbox.append import append
from tidings.inbox.catalog import put_event
from tidings.model import EVERYONE, Action, Address, Alert, Audience, Draft, Outcome, Reader, Severity
from tidings.settings import Settings
from tidings.storage.engine import Database
from tidings.storage.store import Store

SECRET = "a secret of sixteen characters and more"
PASSWORD = "correct horse battery staple"
PEER = "192.0.2.7"

T = TypeVar("T")

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
"""What Python's json writes: with halves of surrogate pairs, NaN and numbers of any size."""

ESCAPED = st.binary(max_size=8).map(lambda octets: "".join(f"%{octet:02x}" for octet in octets))
"""Any octets, as a part of an address."""

anything_goes = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
"""For tests that send whatever Hypothesis thinks of to one world."""


@cache
def password_hash() -> str:
    """Of PASSWORD: hashing takes a tenth of a second, and once is enough."""
    return PasswordHash.recommended().hash(PASSWORD)


@asynccontextmanager
async def served(app: Application) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of the application while all runs that runs beside one; then it has come to its end."""
    heard: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    said: asyncio.Queue[str] = asyncio.Queue()

    async def send(message: Any) -> None:
        said.put_nowait(message["type"])

    heard.put_nowait({"type": "lifespan.startup"})
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    life = asyncio.create_task(app(scope, heard.get, send))
    assert await said.get() == "lifespan.startup.complete"
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client
    heard.put_nowait({"type": "lifespan.shutdown"})
    assert await said.get() == "lifespan.shutdown.complete"
    await life


class Web:
    """Speaks HTTP to the application, and writes to its database past it."""

    def __init__(self, run: Run, database: Database, clock: MovingClock, **settings: Any) -> None:
        self.run, self.database, self.clock = run, database, clock
        url = database.url.render_as_string(hide_password=False)
        self.settings = Settings(database_url=url, secret=SECRET, **settings)
        self.app = create_app(self.settings, database=database)
        self.sessions = Sessions(database, secret=SECRET, access_seconds=900, refresh_days=30)

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | Sequence[tuple[str, str | bytes]] | None = None,
        cookies: Mapping[str, str] | None = None,
        peer: str = PEER,
        **content: Any,
    ) -> httpx2.Response:
        """One request. `content` is what httpx2 takes: params, json, content."""

        async def asked() -> httpx2.Response:
            transport = httpx2.ASGITransport(self.app, client=(peer, 40000))
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://testserver", cookies=dict(cookies or {})
            ) as client:
                return await client.request(method, path, headers=_listed(headers or {}), **content)

        return self.run(asked())

    def write(self, work: Callable[[Store], Awaitable[T]]) -> T:
        """Do something in a transaction."""

        async def written() -> T:
            async with self.database.begin() as store:
                return await work(store)

        return self.run(written())

    # --- who there is -------------------------------------------------------------------------------------

    def user(self, *members_of: Address, email: str | None = None, **changes: Any) -> UUID:
        """A user; with an address, their password is PASSWORD."""
        user_id = uuid4()
        if email is not None:
            changes |= {"email": email, "password_hash": password_hash()}

        async def made(store: Store) -> UUID:
            await directory.put_user(store, user_id, **changes)
            for to in members_of:
                await directory.join(store, user_id, to)
            return user_id

        return self.write(made)

    def business(self, **changes: Any) -> Address:
        business_id = uuid4()
        self.write(lambda store: directory.put_business(store, business_id, **{"name": "Acme", **changes}))
        return Address(audience=Audience.BUSINESS, id=business_id)

    def firm(self) -> Address:
        firm_id = uuid4()
        self.write(lambda store: directory.put_firm(store, firm_id, name="Reckoners"))
        return Address(audience=Audience.FIRM, id=firm_id)

    def locked_user(self, email: str) -> None:
        """A user whose account is locked: their logins are refused without the work of a hash."""
        user_id, until = self.user(email=email), self.clock.at.replace(year=9999)
        self.write(lambda store: store.accounts.set_failures(user_id, 0, None, until))

    # --- credentials --------------------------------------------------------------------------------------

    def api_token(self, user_id: UUID, days: int | None = None) -> str:
        _, token = self.write(
            lambda store: issue_api_token(store, user_id, name="test", expires_in_days=days)
        )
        return token

    def jwt(self, user_id: UUID, audience: str) -> str:
        """An access token for one surface, without its login."""

        async def account(store: Store) -> Any:
            return await store.accounts.account(user_id)

        return self.sessions.access_token(self.write(account), audience)

    def scoped(self, user_id: UUID, business: Address) -> dict[str, str]:
        """The headers of a call to the scoped surface."""
        return {"Authorization": f"Bearer {self.api_token(user_id)}", "x-business-id": str(business.id)}

    def personal(self, user_id: UUID) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.jwt(user_id, 'personal')}"}

    def company(self, user_id: UUID) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.jwt(user_id, 'company')}"}

    # --- what happened ------------------------------------------------------------------------------------

    def event(self, key: str, topic: str = "billing", severity: Severity = Severity.INFO) -> str:
        """An event of the catalog; its key."""
        self.write(lambda store: put_event(store, key, topic=topic, severity=severity, channels={}))
        return key

    def tell(
        self,
        *to: Address,
        event: str = "invoice_paid",
        topic: str = "billing",
        severity: Severity = Severity.INFO,
        times: int = 1,
        **draft: Any,
    ) -> list[UUID]:
        """Append `times` notifications to each stream; their ids, oldest first."""
        self.event(event, topic)
        drafts = [
            Draft(**{"to": one, "event": event, "severity": severity, "title": f"No. {number}", **draft})
            for number in range(times)
            for one in to
        ]
        return self.write(lambda store: append(store, drafts))

    def alert(self, business_id: UUID, id_: str = "low-cash", **content: Any) -> Alert:
        """Raise a live alert, or change it."""
        said: dict[str, Any] = {"kind": "low_cash", "severity": Severity.INFO, "title": id_, **content}
        return self.write(lambda store: raise_alert(store, business_id, id_, **said))[0]

    def mark(
        self, reader_id: UUID, action: Action, ids: Sequence[UUID], until: datetime | None = None
    ) -> Outcome:
        """What the reader, a user, did by ids."""
        reader = Reader(id=reader_id)
        return self.write(lambda store: operations.mark(store, reader, action, ids, until=until))


def _listed(headers: Mapping[str, str] | Sequence[tuple[str, str | bytes]]) -> list[tuple[bytes, bytes]]:
    """In the order given; what is no ASCII in Latin-1."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [
        (name.encode(), value.encode("latin-1") if isinstance(value, str) else value) for name, value in pairs
    ]


def own(user_id: UUID) -> Address:
    """A user's own stream."""
    return Address(audience=Audience.USER, id=user_id)


everyone = Address(audience=Audience.EVERYONE, id=EVERYONE)
