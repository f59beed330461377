"""What the calls of the personal contract may answer but success, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from tidings.surfaces.personal.schemas.envelopes import Failure

ERRORS: dict[int | str, dict[str, Any]] = {"default": {"model": Failure, "description": "What went wrong"}}
