"""What the calls of the native contract may answer but success, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tidings.surfaces.native.schemas.values import Problem

PROBLEM = {"application/problem+json": {"schema": Problem.model_json_schema()}}
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body cannot be read", "content": PROBLEM},
    401: {"description": "No credentials, or none that hold", "content": PROBLEM},
    413: {"description": "The body is too large", "content": PROBLEM},
    422: {"description": "The input is not valid", "content": PROBLEM},
}
ABSENT: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such thing", "content": PROBLEM}}

READER_ERRORS: dict[int | str, dict[str, Any]] = ERRORS | {
    403: {"description": "The reader cannot see this, or has none of it", "content": PROBLEM},
    404: {"description": "The company's token is of a user without an active company", "content": PROBLEM},
}
UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "It is what the ETag in If-None-Match stands for"}
}
UNDO_ERRORS: dict[int | str, dict[str, Any]] = ABSENT | {
    409: {"description": "It can no longer be undone, or not yet", "content": PROBLEM}
}


def made(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The further answers of an upsert; 200 is what it answers to a change."""
    return {
        201: {"description": "It was made", "model": model},
        409: {"description": "Something else has this id or address", "content": PROBLEM},
    }
