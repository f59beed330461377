"""From JSON to the values of values.py, by their annotations."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

from tidings.client.values import Page

T = TypeVar("T")
Decode = Callable[[Any], Any]


def into(kind: type[T]) -> Callable[[Any], T]:
    """Makes a `kind` of a JSON value; members that it does not know are passed over. Raises ValueError."""
    return _into(kind)


def pages_of(kind: type[T]) -> Callable[[Any], Page[T]]:
    """The same for a page of them."""

    def made(value: Any) -> Page[T]:
        page = into(_Page)(value)
        return Page(items=_into(tuple[kind, ...])(page.items), next_cursor=page.next_cursor)

    return made


@dataclass(frozen=True, kw_only=True)
class _Page:
    items: Any
    next_cursor: str | None


@cache
def _into(kind: Any) -> Decode:
    """For a dataclass, X | None, tuple[X, ...], Mapping[str, X], Any, and what JSON has itself."""
    if kind in _PARSED:
        return _PARSED[kind]
    if is_dataclass(kind):
        return _by_fields(kind)
    inner = _into(next(part for part in reversed(get_args(kind)) if part not in (types.NoneType, ...)))
    if get_origin(kind) is tuple:
        return lambda value: tuple(inner(one) for one in _exactly(list)(value))
    if get_origin(kind) is Mapping:
        return lambda value: {key: inner(one) for key, one in _exactly(dict)(value).items()}
    return lambda value: None if value is None else inner(value)


def _by_fields(kind: Any) -> Decode:
    """Every field by its name; one that has a default may be absent."""
    hints = get_type_hints(kind)
    known = [(field.name, _into(hints[field.name]), field.default is MISSING) for field in fields(kind)]

    def made(value: Any) -> Any:
        given, chosen = _exactly(dict)(value), dict[str, Any]()
        for name, decode, needed in known:
            if needed or name in given:
                try:
                    chosen[name] = decode(given[name])
                except KeyError:
                    raise ValueError(f"{kind.__name__} has no {name}") from None
                except ValueError as error:
                    raise ValueError(f"{kind.__name__}.{name}: {error}") from None
        return kind(**chosen)

    return made


def _exactly(kind: type) -> Decode:
    def same(value: Any) -> Any:
        if type(value) is not kind:  # a bool is no number here
            raise ValueError(f"{kind.__name__} expected, not {type(value).__name__}")
        return value

    return same


_PARSED: Mapping[Any, Decode] = {
    Any: lambda value: value,
    **{kind: _exactly(kind) for kind in (str, int, bool)},
    UUID: lambda value: UUID(_exactly(str)(value)),
    datetime: lambda value: datetime.fromisoformat(_exactly(str)(value)),
}
