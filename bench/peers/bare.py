"""The least that a server with a database can do: `python -m bench.peers.bare`.

It takes the settings of `tidings serve` from the environment, and runs under uvicorn as that does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tidings.cli import logs, server
from tidings.settings import Settings

TABLE = "CREATE TABLE bare (id integer PRIMARY KEY, number integer NOT NULL)"
FILL = "INSERT INTO bare SELECT id, 0 FROM generate_series(0, 99) id"
ROWS = 100


def create(settings: Settings) -> Starlette:
    """`GET /select` runs one prepared SELECT; `POST /update/{id}` commits one prepared UPDATE.

    `POST /locked/{id}` commits the same UPDATE after it has locked the row and read it anew: what a change
    needs at least whose answer says exactly what it changed, with others at it at the same time.
    """
    dsn = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        # Without the RESET ALL that the pool would send after each use: one statement is one round trip.
        async with asyncpg.create_pool(dsn, max_size=settings.pool_size, reset=_leave) as pool:
            app.state.pool = pool
            yield

    write = "UPDATE bare SET number = number + 1 WHERE id = $1"
    read = "SELECT number FROM bare WHERE id = $1"

    async def select(request: Request) -> Response:
        async with request.app.state.pool.acquire() as connection:
            return JSONResponse({"value": await connection.fetchval("SELECT 1")})

    async def update(request: Request) -> Response:
        async with request.app.state.pool.acquire() as connection:
            await connection.execute(write, request.path_params["id"])
        return JSONResponse({"updated": 1}, 201)

    async def locked(request: Request) -> Response:
        number = request.path_params["id"]
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            await connection.fetchval(f"{read} FOR UPDATE", number)
            await connection.fetchval(read, number)
            await connection.execute(write, number)
        return JSONResponse({"updated": 1}, 201)

    routes = [
        Route("/select", select),
        Route("/update/{id:int}", update, methods=["POST"]),
        Route("/locked/{id:int}", locked, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _leave(_connection: Any) -> None: ...


if __name__ == "__main__":
    settings = Settings()
    logs.configure(settings)
    server.run(settings, server.listen(settings), app=create(settings))
