"""The ways out of the inbox. Each is imported when it is used, for they weigh."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidings.delivery.channels.contract import Channel
    from tidings.settings import Settings


def of_settings(settings: Settings) -> dict[str, Channel]:
    """The channels that are set up, by their names."""
    found: dict[str, Channel] = {}
    if "email" in settings.channels:
        from tidings.delivery.channels.email.channel import Email  # noqa: PLC0415 - it weighs

        found["email"] = Email.of_settings(settings)
    return found
