"""What is said to who unsubscribes by a link."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tidings.surfaces.personal.schemas.envelopes import Camel


class Told(Camel):
    message: str = Field(description="In English.")


class NotDone(Camel):
    """The link does not hold. The answer is 200 all the same."""

    success: Literal[False]
    message: str = Field(description="In English.")
