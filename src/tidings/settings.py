"""What an operator can set. Built once, by who starts the program, and handed down."""

from __future__ import annotations

import re
from email.utils import parseaddr
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic.networks import IPvAnyNetwork
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEMO_SECRET = "tidings-demo: anybody can read this secret in the source"  # noqa: S105 - refused but in the demo
SHORTEST_SECRET = 16
OWN_ISSUER = "tidings"
"""The issuer of Tidings' own access tokens."""

SMTP_SCHEMES = ("smtp://", "smtps://")
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")

SYMMETRIC = ("HS256", "HS384", "HS512")
ASYMMETRIC = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
"""How JWTs of the product may be signed, with a secret and with published keys: never with both."""


def _listed(value: object) -> object:
    """Lists are written with commas: `TIDINGS_CORS_ORIGINS=https://a.example,https://b.example`."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _is_mail_address(text: str) -> bool:
    _, address = parseaddr(text)
    return text.isprintable() and bool(re.fullmatch(r"[^@\s]+@[^@\s]+", address))


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
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="How many processes serve; more than one only with PostgreSQL.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description="Redis or Valkey, redis://host:6379/0, over which processes wake each other and share "
        "rate limits. Unset: each finds within two seconds what the others wrote, and counts for itself.",
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
        description="Addresses and networks, separated by commas, whose X-Forwarded-For, "
        "X-Forwarded-Proto and X-Forwarded-Host are believed.",
    )
    outbound_allowed: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description="Addresses and networks, separated by commas, that users and tenants may have connected "
        "to though they are not public. Servers that settings name may be anywhere.",
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
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Where mail is handed over: smtp://user:password@host:587, which goes over to TLS where "
        "the server offers it (?starttls=required: else not at all), or smtps://host:465. Unset: no mail.",
    )
    mail_from: str | None = Field(
        default=None, description="From whom mail comes: `Acme <inbox@acme.example>`."
    )
    mail_bounces_to: str | None = Field(
        default=None,
        description="The address to which it is told that a mail did not arrive. Unset: that of mail_from.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+(/[^\s]*)?$",
        description="Where readers reach Tidings, such as https://inbox.acme.example: for links in mails.",
    )
    mails_per_minute: int | None = Field(
        default=None, ge=1, description="At most so many mails a minute, evenly spaced. Unset: no limit."
    )
    mails_per_domain_per_minute: int | None = Field(
        default=None, ge=1, description="At most so many mails a minute to addresses of one domain."
    )
    deliver: bool = Field(
        default=True,
        description="Send what leaves the inbox from within the server; else `tidings worker` must run.",
    )
    jwt_jwks_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+",
        description="Where the public keys are with which your product signs its users' JWTs.",
    )
    jwt_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Instead of a URL: the secret with which your product signs them, 32 characters or more.",
    )
    jwt_issuer: str | None = Field(
        default=None, min_length=1, description="The `iss` that your product's JWTs must have."
    )
    jwt_audience: str | None = Field(
        default=None, min_length=1, description="The `aud` that your product's JWTs must have."
    )
    jwt_algorithms: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description="How they may be signed, separated by commas. Unset: HS256 with a secret; with a URL RS, "
        "PS and ES with 256 to 512 bits, EdDSA and Ed25519.",
    )
    jwt_creates_users: bool = Field(
        default=False,
        description="Make a user at the first sight of their JWT; else unknown ones are refused.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe level that is logged."
    )
    log_json: bool = Field(default=False, description="Log lines of JSON instead of text for people.")

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(REDIS_SCHEMES):
            raise ValueError(f"must begin with {', '.join(REDIS_SCHEMES)}.")
        return url

    @field_validator("mail_from")
    @classmethod
    def _is_address(cls, address: str | None) -> str | None:
        if address is not None and not _is_mail_address(address):
            raise ValueError("must be an address: inbox@acme.example, or Acme <inbox@acme.example>.")
        return address

    @field_validator("mail_bounces_to")
    @classmethod
    def _takes_bounces(cls, address: str | None) -> str | None:
        if address is not None and not (_is_mail_address(address) and address.isascii()):
            raise ValueError("must be an address in ASCII: bounces@acme.example.")
        return address

    @model_validator(mode="after")
    def _mail(self) -> Settings:
        if self.smtp_url is not None:
            if not self.smtp_url.get_secret_value().startswith(SMTP_SCHEMES):
                raise ValueError(f"TIDINGS_SMTP_URL must begin with {' or '.join(SMTP_SCHEMES)}.")
            if not (self.mail_from and self.public_url):
                raise ValueError("with TIDINGS_SMTP_URL set TIDINGS_MAIL_FROM and TIDINGS_PUBLIC_URL, too.")
        return self

    @model_validator(mode="after")
    def _processes(self) -> Settings:
        if self.workers > 1 and self.database_url.startswith("sqlite"):
            raise ValueError("SQLite is served by one process: for several take PostgreSQL.")
        return self

    @model_validator(mode="after")
    def _product_tokens(self) -> Settings:
        if self.jwt_jwks_url and self.jwt_secret:
            raise ValueError("give TIDINGS_JWT_JWKS_URL or TIDINGS_JWT_SECRET, not both.")
        if not (self.jwt_jwks_url or self.jwt_secret):
            if self.jwt_issuer or self.jwt_audience or self.jwt_algorithms or self.jwt_creates_users:
                raise ValueError(
                    "without TIDINGS_JWT_JWKS_URL or TIDINGS_JWT_SECRET the others mean nothing."
                )
            return self
        if not (self.jwt_issuer and self.jwt_audience):
            raise ValueError(
                "TIDINGS_JWT_ISSUER and TIDINGS_JWT_AUDIENCE must be set: else a token that is meant for "
                "another service would open an inbox here."
            )
        if self.jwt_issuer == OWN_ISSUER:
            raise ValueError(f"TIDINGS_JWT_ISSUER cannot be {OWN_ISSUER!r}: that is Tidings itself.")
        possible = SYMMETRIC if self.jwt_secret else ASYMMETRIC
        if wrong := [name for name in self.jwt_algorithms if name not in possible]:
            raise ValueError(f"TIDINGS_JWT_ALGORITHMS: {wrong[0]} is none of {', '.join(possible)}.")
        return self

    @property
    def jwt_algorithms_allowed(self) -> tuple[str, ...]:
        """How the product's tokens may be signed."""
        return self.jwt_algorithms or (SYMMETRIC[:1] if self.jwt_secret else ASYMMETRIC)

    @property
    def channels(self) -> tuple[str, ...]:
        """Through which channels, beside the inbox, notifications go out."""
        return () if self.smtp_url is None else ("email",)

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
