"""Public keys that somebody else publishes (a JWK Set, RFC 7517): fetched when needed, and kept."""

from __future__ import annotations

import asyncio
import json
import re
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

import httpx2
import structlog
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, import_key

Key = OctKey | RSAKey | ECKey | OKPKey

TIMEOUT_SECONDS = 5
LARGEST = 256 * 1024
"""Bytes that a set may have."""
AGAIN_SECONDS = 30
"""Between two attempts, whatever for: an unknown key, an old set, a failure."""
FRESH_SECONDS, LEAST_FRESH_SECONDS, MOST_FRESH_SECONDS = 300, 60, 86_400
"""How long a set is not asked for again where its server says nothing, at least and at most."""
STALE_SECONDS = 86_400
"""How long a set holds after that while it cannot be fetched."""

_ASYMMETRIC = ("RSA", "EC", "OKP")
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class KeySets:
    """The keys at one URL."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._clock = url, clock
        self._keys: Sequence[Key] = ()
        self._fresh_until = self._holds_until = self._next_attempt = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str | None) -> Key | None:
        """The key of this id, or the only one where the token names none; None where there is none.

        Only who needs a key that is not held waits for its server.
        """
        found = self._find(kid)
        if found is None:
            if (fetching := self._refresh()) is not None:
                await asyncio.shield(fetching)
            return self._find(kid)
        if self._clock() >= self._fresh_until:
            self._refresh()
        return found

    def _find(self, kid: str | None) -> Key | None:
        keys = self._keys if self._clock() < self._holds_until else ()
        if kid is None:
            return keys[0] if len(keys) == 1 else None
        return next((key for key in keys if key.kid == kid), None)

    def _refresh(self) -> asyncio.Task[None] | None:
        """The attempt that is under way; a new one, unless the last was a moment ago."""
        if self._fetching is None or self._fetching.done():
            if self._clock() < self._next_attempt:
                return None
            self._next_attempt = self._clock() + AGAIN_SECONDS
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                document, cache_control = await self._read()
            keys = _keys_of(document)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RecursionError) as error:
            _log.warning("the product's keys could not be fetched", url=self._url, reason=repr(error))
            return
        told = _MAX_AGE.search(cache_control)
        fresh = int(told[1]) if told else FRESH_SECONDS
        self._keys = keys
        self._fresh_until = self._clock() + min(max(fresh, LEAST_FRESH_SECONDS), MOST_FRESH_SECONDS)
        self._holds_until = self._fresh_until + STALE_SECONDS

    async def _read(self) -> tuple[bytes, str]:
        """The document and its Cache-Control. Redirects are not followed."""
        async with (
            httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client,
            client.stream("GET", self._url, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status_code != 200:
                raise ValueError(f"the answer was {answer.status_code}")
            read = b""
            async for piece in answer.aiter_bytes():
                read += piece
                if len(read) > LARGEST:
                    raise ValueError(f"it is larger than {LARGEST} bytes")
            return read, answer.headers.get("cache-control", "")


def _keys_of(document: bytes) -> list[Key]:
    """The public keys for signatures in a set; what is not understood is left out. Raises ValueError."""
    try:
        listed = cast("list[dict[str, Any]]", json.loads(document)["keys"])
        known = [one for one in listed if one.get("kty") in _ASYMMETRIC and one.get("use", "sig") == "sig"]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("it is no set of keys") from error
    keys = [key for one in known if (key := _imported(one)) is not None]
    if not keys:
        raise ValueError("it has no key for signatures")
    return keys


def _imported(one: dict[str, Any]) -> Key | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            return import_key(cast("Any", one))
    except (JoseError, ValueError, TypeError, KeyError):
        return None
