"""What of JSON and text both databases can store, and give back as it was."""

from __future__ import annotations

import math
from typing import Any, TypeVar, cast

import orjson

LARGEST = 64 * 1024  # bytes of JSON
DEEPEST = 64  # levels

_INTEGERS = range(-(2**63), 2**64)

T = TypeVar("T")


def storable_text(text: str) -> str:
    """The text. Raises ValueError where it has U+0000 or half a surrogate pair, which PostgreSQL refuses."""
    if "\0" in text:
        raise ValueError("must not contain U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain half of a surrogate pair") from None
    return text


def storable_json(value: T) -> T:
    """The value. Raises ValueError for what is no JSON (NaN), cannot be stored, or is too deep or large."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError(f"must not be nested deeper than {DEEPEST} levels")
        waiting += [(part, depth + 1) for part in _parts(one)]
    if len(orjson.dumps(value)) > LARGEST:
        raise ValueError(f"must not be larger than {LARGEST} bytes of JSON")
    return value


def _parts(value: Any) -> list[Any]:
    """What the value consists of; a value without parts is looked at instead."""
    if isinstance(value, dict):
        return [part for pair in cast("dict[Any, Any]", value).items() for part in pair]
    if isinstance(value, list):
        return cast("list[Any]", value)
    if isinstance(value, str):
        storable_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must not contain NaN or Infinity")
    elif isinstance(value, int) and value not in _INTEGERS:
        raise ValueError("must not contain integers of more than 64 bits")
    return []
