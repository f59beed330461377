"""What goes over the wire about users, businesses, firms and their tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool

from tidings.identity.directory import BusinessChanges, UserChanges
from tidings.model import Account, AccountStatus, Business, BusinessStatus, Firm, Role
from tidings.surfaces.native.schemas.values import In, Locale, Name, Text


class UserIn(In):
    """What is left out stays as it is."""

    email: Text | None = Field(default=None, max_length=320)
    password: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None, description="null takes it away. A password or another status ends the user's sessions."
    )
    email_verified: StrictBool = True
    status: AccountStatus = AccountStatus.ACTIVE
    role: Role = Role.MEMBER
    company_id: UUID | None = Field(
        default=None, description="The business as whose company the user logs in."
    )
    time_zone: Text | None = Field(
        default=None,
        max_length=64,
        examples=["Europe/Lisbon"],
        description="Of the IANA database: by its clocks digests go, unless the user's quiet hours have one.",
    )
    locale: Locale | None = Field(
        default=None, description="In which the user gets mail, as far as there are templates for it."
    )

    def changes(self) -> UserChanges:
        """What was sent."""
        return cast("UserChanges", self.model_dump(exclude_unset=True))


class UserOut(BaseModel):
    id: UUID
    email: str | None
    email_verified: bool
    status: AccountStatus
    role: Role
    company_id: UUID | None
    time_zone: str | None
    locale: str | None
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> UserOut:
        return cls.model_validate(account, from_attributes=True)


class BusinessIn(In):
    """What is left out stays as it is; a new business needs a name."""

    name: Name = ""
    firm_id: UUID | None = Field(default=None, description="The firm that serves it.")
    status: BusinessStatus = BusinessStatus.ACTIVE

    def changes(self) -> BusinessChanges:
        """What was sent."""
        return cast("BusinessChanges", self.model_dump(exclude_unset=True))


class BusinessOut(BaseModel):
    id: UUID
    name: str
    firm_id: UUID | None
    status: BusinessStatus
    created_at: datetime

    @classmethod
    def of(cls, business: Business) -> BusinessOut:
        return cls.model_validate(business, from_attributes=True)


class FirmIn(In):
    name: Name


class FirmOut(BaseModel):
    id: UUID
    name: str
    created_at: datetime

    @classmethod
    def of(cls, firm: Firm) -> FirmOut:
        return cls.model_validate(firm, from_attributes=True)


class NewToken(In):
    name: Annotated[Text, Field(min_length=1, max_length=100)] = "API token"
    expires_in_days: Annotated[int, Field(ge=1, le=365)] | None = Field(
        default=None, description="null: never."
    )


class IssuedToken(BaseModel):
    id: UUID
    token: str | None = Field(description="Told this once: only its hash is kept. A repeat answers null.")
    user_id: UUID
    name: str
    expires_in_days: int | None
