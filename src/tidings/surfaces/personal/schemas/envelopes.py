"""What every answer of the personal contract comes in."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Success(Camel, Generic[T]):
    success: Literal[True]
    data: T


class Done(Camel):
    """The success of a call that has nothing to say."""

    success: Literal[True]


DONE = Done(success=True)


class Detail(Camel):
    message: str


class Error(Camel):
    code: str
    message: str = Field(description="In English; what clients translate is the key.")
    i18n_key: str = Field(alias="i18nKey")
    i18n_vars: dict[str, Any] = Field(alias="i18nVars")
    details: list[Detail]
    correlation_id: UUID = Field(description="Also in the header X-Correlation-ID and in the server's log.")


class Failure(Camel):
    success: Literal[False]
    error: Error


def success(data: T) -> Success[T]:
    """The envelope of a success."""
    return Success(success=True, data=data)
