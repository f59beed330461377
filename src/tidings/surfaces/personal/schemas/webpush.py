"""A browser's subscription to web push, as the browser tells it."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field

from tidings.storage.push import PushSubscription
from tidings.surfaces.personal.schemas.envelopes import Camel

LONGEST_ENDPOINT = 2048
_PUBLIC_KEY_BYTES = 65
_SECRET_BYTES = 16


def _https_url(text: str) -> str:
    """A URL as a push service makes it: nothing in it needs to be escaped."""
    url = urlsplit(text)
    if not text.isascii() or any(character <= " " or character == "\x7f" for character in text):
        raise ValueError("must be an https URL")
    if url.scheme != "https" or not url.hostname or url.username is not None:
        raise ValueError("must be an https URL")
    _ = url.port  # raises ValueError where it is none
    return text


def _decoded(text: str) -> bytes:
    """Of base64url, with or without its padding."""
    bare = text.rstrip("=")
    if not bare.isascii() or not bare.replace("-", "a").replace("_", "a").isalnum():
        raise ValueError("must be base64url")
    try:
        return urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        raise ValueError("must be base64url") from None


def _public_key(text: str) -> str:
    if len(_decoded(text)) != _PUBLIC_KEY_BYTES:
        raise ValueError(f"must be {_PUBLIC_KEY_BYTES} bytes in base64url")
    return text.rstrip("=")


def _secret(text: str) -> str:
    if len(_decoded(text)) != _SECRET_BYTES:
        raise ValueError(f"must be {_SECRET_BYTES} bytes in base64url")
    return text.rstrip("=")


def _storable(text: str) -> str:
    """The text, unless it has U+0000 or half a surrogate pair, which PostgreSQL refuses."""
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not contain U+0000 or half of a surrogate pair")
    return text


Endpoint = Annotated[str, Field(max_length=LONGEST_ENDPOINT), AfterValidator(_https_url)]


class Subscribe(Camel):
    """What PushSubscription.toJSON() has, but flat."""

    endpoint: Endpoint = Field(description="The https URL of the browser's push service.")
    p256dh: Annotated[str, Field(max_length=100), AfterValidator(_public_key)] = Field(
        alias="p256dh",  # which camel case would make p256Dh
        description="The browser's public key: 65 bytes in base64url.",
    )
    auth: Annotated[str, Field(max_length=100), AfterValidator(_secret)] = Field(
        description="The browser's secret: 16 bytes in base64url."
    )
    user_agent: Annotated[str, Field(max_length=1000), AfterValidator(_storable)] | None = None


class Unsubscribe(Camel):
    endpoint: Annotated[str, Field(max_length=LONGEST_ENDPOINT), AfterValidator(_storable)]


class Subscription(Camel):
    id: UUID
    endpoint: str
    created_at: datetime

    @classmethod
    def of(cls, subscription: PushSubscription) -> Subscription:
        return cls(id=subscription.id, endpoint=subscription.endpoint, created_at=subscription.created_at)


class Subscriptions(Camel):
    subscriptions: list[Subscription]
