"""What an operator can set. Built once, by who starts the program, and handed down."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic.networks import IPvAnyNetwork
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEMO_SECRET = "tidings-demo: anybody can read this secret in the source"  # noqa: S105 - refused but in the demo
SHORTEST_SECRET = 16


def _listed(value: object) -> object:
    """Lists are written with commas: `TIDINGS_CORS_ORIGINS=https://a.example,https://b.example`."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseSettings):
    """Each can be set in the environment, as TIDINGS_ and its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="TIDINGS_",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # a database's URL has a password in it
    )

    database_url: str = Field(
        pattern=r"^(sqlite|postgres|postgresql)(\+[a-z]+)?:",
        default="sqlite:///data/tidings.db",
        description="Where everything is kept: sqlite:///path or postgresql://user:password@host/name.",
    )
    host: str = Field(default="127.0.0.1", description="The address on which the server listens.")
    port: int = Field(
        default=8800, ge=0, le=65535, description="The port on which the server listens; 0: any."
    )
    secret: SecretStr = Field(
        default=SecretStr(DEMO_SECRET),
        min_length=SHORTEST_SECRET,
        description="Signs access tokens, cursors and unsubscribe links: 16 characters or more, the same in "
        "every process. `tidings serve` refuses to start without one.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description="Origins whose pages may call, separated by commas; `*` for all. None: no CORS headers.",
    )
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description="Addresses and networks, separated by commas, whose X-Forwarded-For is believed.",
    )
    secure_cookies: bool = Field(
        default=True,
        description="Send cookies over HTTPS alone; switch it off only for plain HTTP on a desk.",
    )
    access_token_seconds: int = Field(
        default=900, ge=1, description="How long an access token is good for, in seconds."
    )
    refresh_token_days: int = Field(default=30, ge=1, description="How long a session lasts unused, in days.")
    pool_size: int = Field(
        default=10, ge=1, description="How many connections to PostgreSQL one process opens at most."
    )
    sqlite_synchronous: Literal["NORMAL", "FULL"] = Field(
        default="FULL", description="FULL survives a power cut, NORMAL only a crash of the process."
    )
    migrate_on_start: bool | None = Field(
        default=None,
        description="Bring the schema up to date at the start of the server. Unset: for SQLite alone.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe level that is logged."
    )
    log_json: bool = Field(default=False, description="Log lines of JSON instead of text for people.")

    @property
    def migrates(self) -> bool:
        """Whether the server brings the schema up to date when it starts."""
        return (
            self.database_url.startswith("sqlite") if self.migrate_on_start is None else self.migrate_on_start
        )

    @property
    def has_own_secret(self) -> bool:
        """Whether the secret is another than the one that stands in the source."""
        return self.secret.get_secret_value() != DEMO_SECRET
