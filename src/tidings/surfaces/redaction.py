"""What is not told back to whoever sent it: an error's text is copied into logs and tickets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

REDACTED = "[redacted]"
_DEEPEST = 50

_NAMES = re.compile(r"passw|token|secret|cookie|p256dh|api_?key|^auth(orization)?$", re.IGNORECASE)
_SECRETS = re.compile(r"\b(?:sk|dz)_[\w-]{16,}|\beyJ[\w-]{8,}(?:\.[\w-]*)*", re.ASCII)


def redacted(value: Any, name: object = "", *, depth: int = 0) -> Any:
    """The value without what is secret in it, by the name that it has or by how it looks."""
    if depth > _DEEPEST or (isinstance(name, str) and _NAMES.search(name)):
        return REDACTED
    if isinstance(value, bytes):  # a body that was not read as JSON: nobody knows what is in it
        return REDACTED
    if isinstance(value, str):
        return _SECRETS.sub(REDACTED, value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        return {redacted(key): redacted(field, key, depth=depth + 1) for key, field in fields.items()}
    if isinstance(value, list):
        return [redacted(one, depth=depth + 1) for one in cast("list[Any]", value)]
    return value
