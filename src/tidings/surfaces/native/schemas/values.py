"""The kinds of values that the native contract's bodies are made of, and its error."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from tidings.surfaces.instants import Utc
from tidings.surfaces.native.schemas.json_values import storable_json, storable_text

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def _rfc3339(value: object) -> object:
    """Refuses numbers, which pydantic would take for seconds since 1970."""
    if not isinstance(value, str) or not _TIME.match(value):
        raise ValueError("must be a date and time with its offset, like 2026-03-02T09:30:00Z")
    return value


Text = Annotated[str, AfterValidator(storable_text)]
Instant = Annotated[Utc, BeforeValidator(_rfc3339)]
JsonObject = Annotated[dict[str, Any], AfterValidator(storable_json)]
EventKey = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:\-]{0,127}$", examples=["invoice.overdue"])
]
TopicKey = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,63}$", examples=["billing"])]
Locale = Annotated[
    str, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}([_\-][A-Za-z0-9]{1,8})*$", examples=["pt-BR"])
]
Name = Annotated[Text, Field(min_length=1, max_length=200)]
Channel = Literal["in_app", "email", "push", "web_push", "sms", "chat"]


class In(BaseModel):
    """A body that is sent: what it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """What went wrong (RFC 9457). Some problems have more members: `errors`, `event`, `recipient` …"""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable, for programs.")
    correlation_id: UUID
