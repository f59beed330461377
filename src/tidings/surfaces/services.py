"""What every surface works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from tidings.identity.product_tokens import ProductTokens
from tidings.identity.sessions import Sessions
from tidings.identity.token_uses import TokenUses
from tidings.inbox.live import Telling
from tidings.inbox.sending import Sender
from tidings.realtime.hub import Hub
from tidings.settings import Settings
from tidings.storage.engine import Database
from tidings.surfaces.client_ip import TrustedProxies
from tidings.surfaces.limits import Limiter


@dataclass(frozen=True, kw_only=True)
class Services:
    """Built once, in app.py, and handed to each surface; there as `app.state.services`."""

    settings: Settings
    database: Database
    sender: Sender
    sessions: Sessions
    token_uses: TokenUses
    product_tokens: ProductTokens | None  # None: the product issues none
    limiter: Limiter
    telling: Telling
    hub: Hub
    proxies: TrustedProxies

    @property
    def secret(self) -> bytes:
        """What signatures are made with; use it under a label of your own."""
        return self.settings.secret.get_secret_value().encode()


def services_of(request: Request) -> Services:
    """The services of the surface that the request came to."""
    return request.app.state.services


async def _current(request: Request) -> Services:
    # A plain function would be run in a thread for each request.
    return services_of(request)


CurrentServices = Annotated[Services, Depends(_current)]
