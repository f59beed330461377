"""Methods that are written once, and are there in a sync and an async client, each with its own type.

A method builds a Request; the client on which it is found runs it. A descriptor can tell a type checker so:
`__get__` is overloaded by the client, and ParamSpec keeps the parameters, so that editors complete and check
both clients from one definition. The other ways are an async client written beside the sync one: two lists of
methods to keep alike; or one that is generated from the other: as much to read, and a step to forget.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from tidings.client.connection import AsyncConnection, Connection
from tidings.client.requests import Request
from tidings.client.values import Page

P = ParamSpec("P")
T = TypeVar("T")


class call(Generic[P, T]):  # noqa: N801  (a decorator, as property is)
    """Makes of a method that builds a request one that answers it."""

    def __init__(self, build: Callable[Concatenate[Any, P], Request[T]]) -> None:
        self._build = build

    @overload
    def __get__(self, client: Connection, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncConnection, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, client: None, owner: type) -> Callable[Concatenate[Any, P], Request[T]]: ...
    def __get__(self, client: Connection | AsyncConnection | None, owner: type) -> Callable[..., Any]:
        if client is None:
            return self._build
        return _applied(self._build, client, client.run)


class listing(Generic[P, T]):  # noqa: N801  (as above)
    """Makes of a method that builds the request of a page one that goes over it and all that follow."""

    def __init__(self, build: Callable[Concatenate[Any, P], Request[Page[T]]]) -> None:
        self._build = build

    @overload
    def __get__(self, client: Connection, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: AsyncConnection, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(self, client: None, owner: type) -> Callable[Concatenate[Any, P], Request[Page[T]]]: ...
    def __get__(self, client: Connection | AsyncConnection | None, owner: type) -> Callable[..., Any]:
        if client is None:
            return self._build
        return _applied(self._build, client, client.iterate)


def _applied(
    build: Callable[..., Request[Any]], client: object, run: Callable[[Request[Any]], Any]
) -> Callable[..., Any]:
    @wraps(build)
    def method(*args: Any, **kwargs: Any) -> Any:
        return run(build(client, *args, **kwargs))

    return method
