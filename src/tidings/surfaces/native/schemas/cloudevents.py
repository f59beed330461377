"""CloudEvents 1.0, as its JSON format has them."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, cast
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from tidings.inbox.append import MOST_AT_ONCE
from tidings.inbox.once import Message
from tidings.surfaces.native.schemas.sending import Told
from tidings.surfaces.native.schemas.values import Instant, Text
from tidings.surfaces.native.writing import said_in

_JSON_TYPE = r"^\s*[A-Za-z0-9.+-]+/(?:[A-Za-z0-9.+-]+\+)?[Jj][Ss][Oo][Nn]\s*(?:;.*)?$"


class CloudEvent(BaseModel):
    """One event. Attributes that are not named here, extensions among them, are allowed and ignored."""

    # What an extension holds is nobody's business, and is not looked at.
    model_config = ConfigDict(extra="ignore")

    specversion: Literal["1.0"]
    id: Annotated[Text, Field(min_length=1, max_length=2048)]
    source: Annotated[Text, Field(min_length=1, max_length=2048)] = Field(
        description="With `id` what makes it the same event: within 24 hours it is sent once."
    )
    type: Annotated[Text, Field(min_length=1, max_length=128)] = Field(description="A key of the catalog.")
    subject: Annotated[Text, Field(min_length=1)] | None = None
    dataschema: Annotated[Text, Field(min_length=1)] | None = None
    datacontenttype: Annotated[Text, Field(pattern=_JSON_TYPE)] | None = Field(
        default=None, description="JSON, and nothing else."
    )
    time: Instant | None = Field(default=None, description="The `occurred_at`, where `data` has none.")
    data: Told = Field(description="A notification without `event`.")
    data_base64: None = Field(default=None, description="Not taken: send `data`.")

    @field_validator("data_base64", mode="before")
    @classmethod
    def _no_octets(cls, value: object) -> None:
        if value is not None:
            raise ValueError("is not taken: send the notification as JSON in `data`")

    def message(self) -> Message:
        """What is sent, known by source and id; ignored attributes make no other event of it."""
        occurred_at = self.data.occurred_at or self.time
        drafts = self.data.model_copy(update={"occurred_at": occurred_at}).drafts_of(self.type)
        content: Any = self.model_dump(mode="json", include={"type", "time", "data"})
        named = {"source": self.source, "id": self.id}
        # A source and an id may be long, and of any characters.
        key = hashlib.sha256(f"{len(self.source)} {self.source}{self.id}".encode()).hexdigest()
        return Message(drafts=drafts, key=key, said=said_in(content), named=named)


def scope_of(caller: UUID) -> UUID:
    """In which the caller's events have their keys: no Idempotency-Key can be one of them."""
    return uuid5(caller, "cloudevents")


ONE = TypeAdapter(CloudEvent)
MANY: TypeAdapter[list[CloudEvent]] = TypeAdapter(Annotated[list[CloudEvent], Field(max_length=MOST_AT_ONCE)])


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema without references: it stands where nobody collects its definitions."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    fields = cast("dict[str, Any]", schema)
    if isinstance(reference := fields.get("$ref"), str):
        fields = definitions[reference.rpartition("/")[2]] | fields
    return {
        name: _inlined(value, definitions) for name, value in fields.items() if name not in ("$ref", "$defs")
    }


def _schema() -> dict[str, Any]:
    schema = CloudEvent.model_json_schema()
    return _inlined(schema, schema["$defs"])


SCHEMA = _schema()
"""Of one event, for the OpenAPI document."""
