"""API tokens, by those whose they are: calls and wire models."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tidings.errors import TokenNotFound
from tidings.identity import tokens
from tidings.storage.credentials import ApiToken
from tidings.surfaces.scoped.auth import BusinessMember, CurrentRead, TokenFirst, requires_token
from tidings.surfaces.scoped.errors import REFUSALS, TOO_LARGE, absent
from tidings.surfaces.scoped.schemas import Envelope, ok, uuid_of
from tidings.surfaces.services import CurrentServices

_ABSENT = absent("The caller has no active token with this id")

router = APIRouter(
    prefix="/api/v1/tokens",
    tags=["tokens"],
    route_class=TokenFirst,
    dependencies=[requires_token],
    responses=REFUSALS,
)


class CreateTokenRequest(BaseModel):
    name: str = Field(
        min_length=1, max_length=tokens.LONGEST_NAME, description="Tells it from others.", examples=["laptop"]
    )
    expires_in_days: int | None = Field(
        default=None,
        ge=1,
        le=tokens.LONGEST_DAYS,
        description="How long it is good for. Left out or null: until it is revoked.",
        examples=[90],
    )


class Token(BaseModel):
    """An API token, without the secret."""

    id: UUID
    name: str
    created_at: datetime
    expires_at: datetime | None = Field(description="null: never.")
    last_used_at: datetime | None = Field(description="To the minute; null: not yet.")

    @classmethod
    def of(cls, token: ApiToken) -> Token:
        return cls(
            id=token.id,
            name=token.name,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
        )


class CreatedToken(Token):
    """A new API token, with its secret."""

    token: str = Field(description="Told this once: only its hash is kept.")


class TokenList(BaseModel):
    items: list[Token]


@router.get("", summary="List API tokens")
async def list_tokens(caller: BusinessMember, store: CurrentRead) -> Envelope[TokenList]:
    """The caller's own, newest first. Revoked and expired ones are not listed."""
    caller.enter()
    owned = await tokens.api_tokens(store, caller.reader.id)
    return ok("Tokens listed", TokenList(items=[Token.of(token) for token in owned]))


@router.post("", status_code=201, responses=TOO_LARGE, summary="Create an API token")
async def create_token(
    caller: BusinessMember, services: CurrentServices, body: CreateTokenRequest, response: Response
) -> Envelope[CreatedToken]:
    """A further token of the caller, who has at most ten active ones: the eleventh is refused with 400.

    The token itself is in this answer and nowhere else.
    """
    async with services.database.begin() as store:
        # Undone where the business is not theirs: what is wrong with the input is told first.
        made, token = await tokens.issue_api_token(
            store, caller.reader.id, name=body.name, expires_in_days=body.expires_in_days
        )
        caller.enter()
    response.headers["Cache-Control"] = "no-store"
    return ok("Token created", CreatedToken(**dict(Token.of(made)), token=token))


@router.delete("/{token_id}", summary="Revoke an API token", responses=_ABSENT)
async def revoke_token(token_id: str, caller: BusinessMember, services: CurrentServices) -> Envelope[Token]:
    """It is good for nothing from then on, also where it is the token of this very call."""
    named = uuid_of(token_id)
    async with services.database.begin() as store:
        caller.enter()
        if named is None:
            raise TokenNotFound
        revoked = await tokens.revoke_api_token(store, named, of=caller.reader.id)
    return ok("Token revoked", Token.of(revoked))
