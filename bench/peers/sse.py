"""The least that sse-starlette can do: `python -m bench.peers.sse PORT`.

A queue a connection and no database: what is posted is put into all of them, or into one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator
from typing import Any

import uvicorn
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Queue = asyncio.Queue[dict[str, Any]]


def create() -> Starlette:
    """`GET /stream/{reader}` listens; `POST /broadcast` and `POST /send/{reader}` tell it the JSON."""
    waiting: defaultdict[str, set[Queue]] = defaultdict(set)
    numbers = iter(range(sys.maxsize))

    async def stream(request: Request) -> Response:
        queue: Queue = asyncio.Queue()
        mine = waiting[request.path_params["reader"]]
        mine.add(queue)

        async def told() -> AsyncGenerator[dict[str, Any]]:
            yield {"id": "begun"}
            try:
                while True:
                    yield await queue.get()
            finally:
                mine.discard(queue)

        return EventSourceResponse(told())

    def tell(queues: set[Queue], said: Any) -> Response:
        event = {"event": "notification", "id": str(next(numbers)), "data": json.dumps(said)}
        for queue in queues:
            queue.put_nowait(event)
        return JSONResponse({"told": len(queues)}, 201)

    async def broadcast(request: Request) -> Response:
        return tell(set().union(*waiting.values()), await request.json())

    async def send(request: Request) -> Response:
        return tell(waiting[request.path_params["reader"]], await request.json())

    return Starlette(
        routes=[
            Route("/stream/{reader}", stream),
            Route("/broadcast", broadcast, methods=["POST"]),
            Route("/send/{reader}", send, methods=["POST"]),
        ]
    )


if __name__ == "__main__":
    uvicorn.run(create(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
