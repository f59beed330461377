"""Identifiers: UUIDv7 (RFC 9562) in the order in which a stream takes them."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from tidings.clock import EPOCH

_VERSION_AND_VARIANT = (0x7 << 76) | (0b10 << 62)
_STEP = 1 << 40


def uuid7(at: datetime, above: UUID | None = None) -> UUID:
    """A UUIDv7 for the millisecond of `at`, greater than `above` (RFC 9562, section 6.2, method 2).

    Where the clock has not passed `above`, the answer is `above` plus a random step, so that order never
    depends on the clock.
    """
    milliseconds = int((at - EPOCH).total_seconds() * 1000)
    # The highest random bit stays clear: room to step upwards within one millisecond.
    fresh = _assemble((milliseconds << 74) | secrets.randbits(73))
    if above is None or fresh > above:
        return fresh
    return _assemble(_payload(above) + 1 + secrets.randbelow(_STEP))


def _assemble(payload: int) -> UUID:
    """122 bits of time and random, with the version and the variant put in their places."""
    time, random = divmod(payload, 1 << 74)
    high, low = divmod(random, 1 << 62)
    return UUID(int=(time << 80) | (high << 64) | low | _VERSION_AND_VARIANT)


def _payload(value: UUID) -> int:
    time = value.int >> 80
    high = (value.int >> 64) & 0xFFF
    return (time << 74) | (high << 62) | (value.int & ((1 << 62) - 1))
