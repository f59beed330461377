"""Signing in, and staying signed in."""

from __future__ import annotations

from pydantic import Field

from tidings.surfaces.personal.schemas.envelopes import Camel


class LoginRequest(Camel):
    email: str = Field(max_length=320, description="Trimmed and lower-cased.")
    password: str = Field(min_length=1, max_length=1024)
    captcha_token: str | None = Field(default=None, description="Only where a captcha is on.")


class RefreshRequest(Camel):
    refresh_token: str | None = Field(
        default=None, max_length=1024, description="Only where there is no cookie."
    )


class AccessToken(Camel):
    access_token: str
    expires_in: int = Field(description="Seconds.")
