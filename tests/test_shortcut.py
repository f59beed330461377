"""A route with a shortcut answers what FastAPI alone would answer, to whatever it is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx2
import pytest
from fastapi import Body, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, Field

from tests.web import ANY_JSON, anything_goes
from tidings.surfaces.shortcut import NotPlain, Shortcut


class Kind(StrEnum):
    ONE = "one"
    TWO = "two"


class Asked(BaseModel):
    kind: Kind = Kind.ONE
    names: list[str] = Field(default_factory=list[str], validation_alias=AliasChoices("names", "names[]"))
    limit: int = Field(default=5, ge=1, le=9)
    exact: bool = False


class Told(BaseModel):
    names: list[str] = Field(default_factory=list[str], max_length=2)
    limit: int | None = None


class Answer(BaseModel):
    model_config = {"serialize_by_alias": True}

    said: str = Field(serialization_alias="itSaid")


_NOTHING = Told()
_taken: list[str] = []


class WithShortcut(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, shortcut = super().get_route_handler(), Shortcut(self, {})

        async def past(request: Request) -> Response:
            try:
                answer = await shortcut.answer(request)
            except NotPlain:
                return await handle(request)
            _taken.append(request.url.path)
            return answer

        return past


async def ask(query: Annotated[Asked, Query()]) -> Answer:
    return Answer(said=query.model_dump_json())


async def tell(name: str, body: Annotated[Told, Body()] = _NOTHING) -> Answer:
    return Answer(said=name + body.model_dump_json())


async def needs(body: Told) -> Answer:
    return Answer(said=body.model_dump_json())


async def unfit(_request: Request, error: Any) -> Response:
    return JSONResponse([[str(one["loc"]), one["type"]] for one in error.errors()], 422)


def app(route_class: type[APIRoute]) -> FastAPI:
    made = FastAPI(exception_handlers={RequestValidationError: unfit})
    made.router.route_class = route_class
    made.add_api_route("/ask", ask)
    made.add_api_route("/tell/{name}", tell, methods=["POST"], status_code=201)
    made.add_api_route("/needs", needs, methods=["POST"])
    return made


PLAIN, PAST = app(APIRoute), app(WithShortcut)


def asked(which: FastAPI, method: str, path: str, **content: Any) -> tuple[int, Any]:
    async def sent() -> httpx2.Response:
        transport = httpx2.ASGITransport(which)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.request(method, path, **content)

    answer = asyncio.run(sent())
    return answer.status_code, answer.json()


def alike(method: str, path: str, **content: Any) -> None:
    assert asked(PAST, method, path, **content) == asked(PLAIN, method, path, **content)


VALUES = st.sampled_from(["", "one", "two", "1", "9", "10", "-1", "true", "no", "é", "a&b", "1.0", " 2"])
NAMES = st.sampled_from(["kind", "names", "names[]", "limit", "exact", "other"])


@anything_goes
@given(st.lists(st.tuples(NAMES, VALUES), max_size=5))
def test_a_query_is_read_alike(pairs: list[tuple[str, str]]) -> None:
    alike("GET", f"/ask?{urlencode(pairs)}")


@anything_goes
@given(
    ANY_JSON | st.fixed_dictionaries({}, optional={"names": ANY_JSON, "limit": ANY_JSON}),
    st.sampled_from(["application/json", "application/json; charset=utf-8", "text/plain", ""]),
)
def test_a_body_is_read_alike(body: Any, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    alike("POST", "/tell/caf%C3%A9", content=json.dumps(body), headers=headers)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'{"limit": 1, "limit": 2}', b"\xff", b"[" * 100_000, b"NaN"]
)
@pytest.mark.parametrize("path", ["/tell/x", "/needs"])
def test_a_strange_body_is_read_alike(path: str, body: bytes) -> None:
    alike("POST", path, content=body, headers={"content-type": "application/json"})
    alike("POST", path, content=body)


def test_it_is_taken_where_everything_fits() -> None:
    _taken.clear()
    asked(PAST, "GET", "/ask")
    asked(PAST, "GET", "/ask?names=a&names=b&limit=2")
    asked(PAST, "POST", "/tell/me", json={"names": ["a"]})
    asked(PAST, "GET", "/ask?limit=0")

    assert _taken == ["/ask", "/ask", "/tell/me"]
