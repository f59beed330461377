"""Who there is in the demo world. The ids are the same in every one, so that a second run finds the first."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_DNS, UUID, uuid5

_NAMESPACE = uuid5(NAMESPACE_DNS, "demo.tidings.example")


def demo_id(name: str) -> UUID:
    """The id of what has this name in the demo world."""
    return uuid5(_NAMESPACE, name)


@dataclass(frozen=True, kw_only=True)
class Organisation:
    id: UUID
    name: str


@dataclass(frozen=True, kw_only=True)
class Person:
    name: str
    businesses: tuple[Organisation, ...]
    firms: tuple[Organisation, ...] = ()
    company: Organisation | None = None  # as which they log in to the company contract

    @property
    def id(self) -> UUID:
        return demo_id(f"user {self.name}")

    @property
    def email(self) -> str:
        return f"{self.name}@demo.example"

    @property
    def password(self) -> str:
        return f"{self.name}-tries-tidings"


def _organisation(name: str) -> Organisation:
    return Organisation(id=demo_id(f"organisation {name}"), name=name)


FIRM = _organisation("Lindqvist & Partners, Accountants")
FREIGHT = _organisation("Northway Freight")
BAKERY = _organisation("Marigold Bakery")
STUDIO = _organisation("Okapi Creator Studio")
BUSINESSES = (FREIGHT, BAKERY, STUDIO)

MARA = Person(name="mara", businesses=BUSINESSES, firms=(FIRM,), company=FREIGHT)
JONAS = Person(name="jonas", businesses=(FREIGHT, BAKERY), company=FREIGHT)
PRIYA = Person(name="priya", businesses=(BAKERY,), firms=(FIRM,))
TOMAS = Person(name="tomas", businesses=(STUDIO,))
WEN = Person(name="wen", businesses=(STUDIO, BAKERY), firms=(FIRM,))
PEOPLE = (MARA, JONAS, PRIYA, TOMAS, WEN)
