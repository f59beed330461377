"""Building the demo world, by the calls that everything else uses too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from tidings.demo.conditions import CONDITIONS
from tidings.demo.people import (
    BUSINESSES,
    FIRM,
    FREIGHT,
    JONAS,
    MARA,
    PEOPLE,
    PRIYA,
    TOMAS,
    Organisation,
    Person,
)
from tidings.demo.stories import STORIES, facts
from tidings.identity import directory, passwords, tokens
from tidings.inbox import feed, operations
from tidings.inbox.alerts import raise_alert
from tidings.inbox.append import append
from tidings.inbox.catalog import put_event
from tidings.inbox.reach import reach_of
from tidings.model import (
    EVERYONE,
    PRESENT,
    UNREAD,
    AccountStatus,
    Action,
    Address,
    Audience,
    Draft,
    Reader,
    ReaderKind,
    Rhythm,
    Scope,
    Selection,
    View,
)
from tidings.storage.engine import Database
from tidings.storage.store import Store

TOKEN_NAME = "demo"  # noqa: S105 - what the demo's tokens are called
_TOKENS_KEPT = 4  # of earlier runs, which may still be running
_RANDOM_SEED = 7

COMPANY = Reader(id=FREIGHT.id, kind=ReaderKind.COMPANY)


@dataclass(frozen=True, kw_only=True)
class World:
    """The demo world, and what it can be used with."""

    firm: Organisation
    businesses: Sequence[Organisation]
    people: Sequence[Person]
    service_key: str
    tokens: dict[UUID, str]  # an API token of each user
    company_notification: UUID  # of the company as which the first user logs in; unread, if one is


async def build(database: Database) -> World:
    """The demo world in this database; one that is there already is kept, with credentials that work."""
    hashed = await asyncio.gather(*[passwords.hashed(person.password) for person in PEOPLE])
    hashes = dict(zip(PEOPLE, hashed, strict=True))
    async with database.begin() as store:
        if await _tell_who_there_is(store, hashes):
            await _tell_what_happened(store)
        return World(
            firm=FIRM,
            businesses=BUSINESSES,
            people=PEOPLE,
            service_key=(await tokens.issue_service_key(store, TOKEN_NAME))[1],
            tokens={person.id: await _token(store, person) for person in PEOPLE},
            company_notification=await _company_notification(store),
        )


async def _tell_who_there_is(store: Store, hashes: dict[Person, str]) -> bool:
    """Whether the world is new."""
    new = await directory.put_firm(store, FIRM.id, name=FIRM.name)
    for business in BUSINESSES:
        await directory.put_business(store, business.id, name=business.name, firm_id=FIRM.id)
    for person in PEOPLE:
        await directory.put_user(
            store,
            person.id,
            email=person.email,
            password_hash=hashes[person],
            email_verified=True,
            status=AccountStatus.ACTIVE,
            company_id=person.company and person.company.id,
        )
        for address in _memberships(person):
            await directory.join(store, person.id, address)
    return new


def _memberships(person: Person) -> list[Address]:
    businesses = [Address(audience=Audience.BUSINESS, id=business.id) for business in person.businesses]
    return businesses + [Address(audience=Audience.FIRM, id=firm.id) for firm in person.firms]


# --- what happened -----------------------------------------------------------------------------------------


async def _tell_what_happened(store: Store) -> None:
    """Every story to everybody: two thirds before the readers did anything, one third after."""
    for story in STORIES:
        await put_event(
            store,
            story.event,
            topic=story.topic,
            severity=story.severity,
            channels={"email": True},
            digest=Rhythm.AT_ONCE if story.severity.rank else Rhythm.DAILY,
        )
    drafts = _drafts(await store.now())
    older, newer = drafts[: len(drafts) * 2 // 3], drafts[len(drafts) * 2 // 3 :]
    await _read_on(store, older, await append(store, older))
    ids = await append(store, newer)
    own = [id_ for draft, id_ in zip(newer, ids, strict=True) if draft.to.id == JONAS.id]
    await operations.mark(store, Reader(id=JONAS.id), Action.READ, own[: len(own) // 2])
    for one in CONDITIONS:
        await raise_alert(
            store,
            one.business.id,
            one.id,
            kind=one.kind,
            severity=one.severity,
            title=one.title,
            body=one.body,
            data=one.data,
        )


def _drafts(now: datetime) -> list[Draft]:
    random = Random(_RANDOM_SEED)  # noqa: S311 - stories, not secrets
    users = [Address(audience=Audience.USER, id=person.id) for person in (*PEOPLE, MARA)]
    businesses = [Address(audience=Audience.BUSINESS, id=one.id) for one in (*BUSINESSES, FREIGHT)]
    shared = [Address(audience=Audience.FIRM, id=FIRM.id), Address(audience=Audience.EVERYONE, id=EVERYONE)]
    drafts = [
        Draft(
            to=to,
            event=story.event,
            occurred_at=now - timedelta(minutes=random.randrange(5, 40_000)),
            **story.told(facts(random)),
        )
        for story in STORIES
        for to in (*users, *businesses, *shared)
    ]
    random.shuffle(drafts)
    return drafts


async def _read_on(store: Store, drafts: Sequence[Draft], ids: Sequence[UUID]) -> None:
    """What the readers did to what was there: every status comes about."""
    mara, now = Reader(id=MARA.id), await store.now()
    to_mara = [id_ for draft, id_ in zip(drafts, ids, strict=True) if draft.to.id == MARA.id]
    await operations.mark_all(store, mara, Action.SEEN, Selection(scope=Scope.FIRM, scope_id=FIRM.id))
    await operations.mark(store, mara, Action.SEEN, to_mara[:8])
    await operations.mark(store, mara, Action.READ, to_mara[4:10])
    await operations.mark(store, mara, Action.DISMISS, to_mara[10:14])
    await operations.mark(store, mara, Action.RESOLVE, to_mara[14:18])
    await operations.mark(store, mara, Action.SNOOZE, to_mara[18:21], until=now + timedelta(hours=3))
    await operations.mark(store, mara, Action.SNOOZE, to_mara[21:23], until=now + timedelta(days=1))
    await operations.mark(store, mara, Action.PIN, to_mara[23:25])
    await operations.mark_all(store, Reader(id=JONAS.id), Action.READ)
    await operations.mark_all(store, Reader(id=PRIYA.id), Action.DISMISS)
    await operations.mark_all(store, Reader(id=TOMAS.id), Action.SEEN)
    await operations.mark_all(store, COMPANY, Action.READ)


# --- credentials -------------------------------------------------------------------------------------------


async def _token(store: Store, person: Person) -> str:
    """A new API token: only hashes are kept of the old ones, of which the oldest make room."""
    now = await store.now()
    active = await store.credentials.active_api_tokens(person.id, now)
    surplus = [token for token in active if token.name == TOKEN_NAME][:-_TOKENS_KEPT]
    if len(active) - len(surplus) >= tokens.MOST_API_TOKENS:
        surplus = active[: len(active) - tokens.MOST_API_TOKENS + 1]
    for token in surplus:
        await store.credentials.revoke_api_token(token.id, now)
    return (await tokens.issue_api_token(store, person.id, name=TOKEN_NAME))[1]


async def _company_notification(store: Store) -> UUID:
    """One that the company can mark as read: the newest unread one, or else the newest."""
    reach = await reach_of(store, COMPANY)
    for window in (UNREAD, PRESENT):
        page = await feed.page(store, reach, View(windows=(window,), by_level=True), limit=1)
        if page.items:
            return page.items[0].id
    address = Address(audience=Audience.BUSINESS, id=FREIGHT.id)
    return (await append(store, [Draft(to=address, event=STORIES[0].event, title="Welcome back")]))[0]
