"""Who somebody is: passwords, sessions, tokens, and what a backend tells of its users."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from pwdlib import PasswordHash

from tests.conftest import MovingClock, OpenDatabase, Run
from tests.recorder import listen
from tests.web import PASSWORD, SECRET, Web
from tidings.errors import (
    AccountDeactivated,
    AccountLocked,
    AccountSuspended,
    EmailNotVerified,
    EmailTaken,
    IdTaken,
    InvalidCredentials,
    InvalidInput,
    InvalidRefreshToken,
    NotFound,
    RefreshTokenReused,
    TidingsError,
    TooMany,
    Unauthenticated,
    UserNotFound,
)
from tidings.identity import directory, passwords
from tidings.identity.emails import normalised
from tidings.identity.sessions import Sessions
from tidings.identity.tokens import api_token_user, issue_api_token, issue_service_key, service_key
from tidings.inbox import catalog, counts, preferences
from tidings.inbox.append import append
from tidings.inbox.reach import reach_of
from tidings.model import UNSEEN, Account, AccountStatus, Address, Audience, Draft, Reader, Severity
from tidings.storage.engine import Database

EMAIL = "ada@corp.test"


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


async def outcome(attempt: Callable[[], object]) -> type[object]:
    """The type of what an attempt answers or raises."""
    try:
        return type(await attempt())
    except TidingsError as error:
        return type(error)


# --- addresses and passwords -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (" Ada@Corp.Test\n", "ada@corp.test"),
        ("ada@localhost", "ada@localhost"),
        ("A\u0308da@x.test", "äda@x.test"),
        ("o'neil+x@b.test", "o'neil+x@b.test"),
    ],
)
def test_an_address_is_trimmed_and_lower_cased(given: str, stored: str) -> None:
    assert normalised(given) == stored


@pytest.mark.parametrize(
    "given", ["", "ada", "@b", "a@", "a@b@c", "a b@c", "a@b\0", "a\ud800@b", "a" * 320 + "@b"]
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput):
        normalised(given)


def test_a_password_fits_its_hash_alone(run: Run) -> None:
    hash_ = run(passwords.hashed("p\udc00ss"))

    assert run(passwords.verify("p\udc00ss", hash_))
    assert not run(passwords.verify("pss", hash_))
    assert not run(passwords.verify("p\udc00ss", None))


def test_without_an_account_the_same_work_is_done(run: Run) -> None:
    hash_ = run(passwords.hashed("one"))

    def fastest(given: str | None) -> float:
        durations: list[float] = []
        for _ in range(5):
            begin = time.perf_counter()
            run(passwords.verify("other", given))
            durations.append(time.perf_counter() - begin)
        return min(durations)

    assert 0.3 < fastest(None) / fastest(hash_) < 3


def test_an_unknown_address_and_a_wrong_password_do_the_same_work(
    run: Run,
    postgres_url: str,
    open_database: OpenDatabase,
    clock: MovingClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same statements, and as many hashes."""
    web = Web(run, open_database(postgres_url, clock=clock), clock)
    web.user(email=EMAIL)
    web.user(email="bob@corp.test", password_hash=None)
    verify = PasswordHash.verify

    def work(email: str) -> list[str]:
        done: list[str] = []

        def counted(hasher: PasswordHash, *arguments: Any) -> bool:
            done.append("verify")
            return verify(hasher, *arguments)

        monkeypatch.setattr(PasswordHash, "verify", counted)
        stop = listen(lambda statement, _arguments: done.append(statement))
        assert run(outcome(lambda: web.sessions.login(email, "wrong"))) is InvalidCredentials
        stop()
        return done

    wrong = work(EMAIL)

    assert wrong.count("verify") == 1
    assert wrong[-1].startswith("UPDATE")
    assert work("nobody@corp.test") == work("bob@corp.test") == wrong


# --- signing in --------------------------------------------------------------------------------------------


def test_who_knows_address_and_password_signs_in(web: Web) -> None:
    user = web.user(email=EMAIL)

    account = web.run(web.sessions.login("  ADA@corp.test", PASSWORD))

    assert (account.id, account.email) == (user, EMAIL)


@pytest.mark.parametrize("email", [EMAIL, "nobody@corp.test", "nonsense", "a\0@b"])
def test_wrong_and_unknown_are_told_alike(web: Web, email: str) -> None:
    web.user(email=EMAIL)
    web.user()  # has neither address nor password

    with pytest.raises(InvalidCredentials) as refusal:
        web.run(web.sessions.login(email, "wrong"))

    assert refusal.value.message == "Invalid credentials"


def test_ten_failures_in_fifteen_minutes_lock_for_fifteen(web: Web) -> None:
    web.user(email=EMAIL)
    login = web.sessions.login

    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            web.run(login(EMAIL, "wrong"))
        web.clock.move(minutes=1)
    with pytest.raises(AccountLocked):
        web.run(login(EMAIL, PASSWORD))
    web.clock.move(minutes=13, seconds=59)
    with pytest.raises(AccountLocked):
        web.run(login(EMAIL, PASSWORD))
    web.clock.move(seconds=1)

    assert web.run(login(EMAIL, PASSWORD)).email == EMAIL


@pytest.mark.parametrize("between", ["a success", "fifteen minutes"])
def test_failures_are_counted_anew(web: Web, between: str) -> None:
    web.user(email=EMAIL)

    async def failures() -> set[type[object]]:
        return {await outcome(lambda: web.sessions.login(EMAIL, "wrong")) for _ in range(9)}

    web.run(failures())
    if between == "a success":
        web.run(web.sessions.login(EMAIL, PASSWORD))
    else:
        web.clock.move(minutes=15)

    assert web.run(failures()) == {InvalidCredentials}


def test_failures_at_once_are_counted_one_by_one(web: Web) -> None:
    web.user(email=EMAIL)

    async def at_once() -> list[type[object]]:
        return await asyncio.gather(*[outcome(lambda: web.sessions.login(EMAIL, "wrong")) for _ in range(16)])

    assert sorted(kind.__name__ for kind in web.run(at_once())) == (
        ["AccountLocked"] * 6 + ["InvalidCredentials"] * 10
    )


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"status": AccountStatus.SUSPENDED}, AccountSuspended),
        ({"status": AccountStatus.DEACTIVATED}, AccountDeactivated),
        ({"email_verified": False}, EmailNotVerified),
    ],
)
def test_why_an_account_may_not_sign_in_is_told_to_its_owner_alone(
    web: Web, changes: dict[str, object], refusal: type[Exception]
) -> None:
    web.user(email=EMAIL, **changes)

    with pytest.raises(InvalidCredentials):
        web.run(web.sessions.login(EMAIL, "wrong"))
    with pytest.raises(refusal):
        web.run(web.sessions.login(EMAIL, PASSWORD))


# --- access tokens -----------------------------------------------------------------------------------------


def test_an_access_token_holds_for_its_surface_and_its_time(web: Web) -> None:
    user = web.user()
    token = web.jwt(user, "personal")

    assert web.sessions.subject(token, "personal") == user
    with pytest.raises(Unauthenticated):
        web.sessions.subject(token, "company")
    web.clock.move(seconds=899)
    assert web.sessions.subject(token, "personal") == user
    web.clock.move(seconds=1)
    with pytest.raises(Unauthenticated):
        web.sessions.subject(token, "personal")


def test_a_clock_a_little_behind_takes_the_token_too(web: Web) -> None:
    user = web.user()
    token = web.jwt(user, "personal")
    web.clock.move(seconds=-2)

    assert web.sessions.subject(token, "personal") == user


def _segment(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_that_others_made_does_not_hold(web: Web) -> None:
    user = web.user()
    token = web.jwt(user, "personal")
    head, claims, signature = token.split(".")
    others = Sessions(web.database, secret=SECRET + "?", access_seconds=900, refresh_days=1)
    more_rights = _segment({"sub": str(user), "aud": "personal", "iss": "tidings", "exp": 2**40})
    for tampered in (
        f"{_segment({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        f"{head}.{more_rights}.{signature}",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}",
        "",
        "..",
        "a.b.c",
        "\xff\xfe.é.ñ",
        _segment({"sub": 1}) * 3,
        others.access_token(web.run(_account(web, user)), "personal"),
    ):
        with pytest.raises(Unauthenticated):
            web.sessions.subject(tampered, "personal")


async def _account(web: Web, user_id: UUID) -> Account:
    async with web.database.read() as store:
        return await directory.user(store, user_id)


# --- refresh tokens ----------------------------------------------------------------------------------------


def test_a_refresh_token_is_good_for_once(web: Web) -> None:
    user = web.user()
    first = web.run(web.sessions.open_session(user))

    account, second = web.run(web.sessions.rotate(first))
    _, third = web.run(web.sessions.rotate(second))

    assert account.id == user
    assert len({first, second, third}) == 3


def test_a_used_refresh_token_ends_every_session_of_the_user(web: Web) -> None:
    user, other = web.user(), web.user()
    stolen, elsewhere = (web.run(web.sessions.open_session(user)) for _ in range(2))
    others = web.run(web.sessions.open_session(other))
    _, successor = web.run(web.sessions.rotate(stolen))

    with pytest.raises(RefreshTokenReused):
        web.run(web.sessions.rotate(stolen))

    for token in (successor, elsewhere, stolen):
        with pytest.raises(InvalidRefreshToken):
            web.run(web.sessions.rotate(token))
    assert web.run(web.sessions.rotate(others))[0].id == other


def test_of_several_at_once_one_refreshes(web: Web) -> None:
    token = web.run(web.sessions.open_session(web.user()))

    async def at_once() -> list[type[object]]:
        return await asyncio.gather(*[outcome(lambda: web.sessions.rotate(token)) for _ in range(5)])

    outcomes = web.run(at_once())

    assert outcomes.count(tuple) == 1
    assert outcomes.count(RefreshTokenReused) >= 1


def test_a_session_ends_when_it_was_not_used_for_long(web: Web) -> None:
    user = web.user()
    token = web.run(web.sessions.open_session(user))
    web.clock.move(days=29)
    _, token = web.run(web.sessions.rotate(token))
    web.clock.move(days=30)

    with pytest.raises(InvalidRefreshToken):
        web.run(web.sessions.rotate(token))
    with pytest.raises(InvalidRefreshToken):
        web.run(web.sessions.rotate("nonsense \ud800"))


@pytest.mark.parametrize(
    "changes", [{"password": "another"}, {"password": None}, {"status": AccountStatus.SUSPENDED}]
)
def test_a_password_or_another_status_ends_the_sessions(web: Web, changes: dict[str, object]) -> None:
    user = web.user(email=EMAIL)
    token = web.run(web.sessions.open_session(user))
    web.write(lambda store: directory.put_user(store, user, status=AccountStatus.ACTIVE, email="b@corp.test"))
    _, token = web.run(web.sessions.rotate(token))
    web.write(lambda store: directory.put_user(store, user, **changes))

    with pytest.raises(InvalidRefreshToken):
        web.run(web.sessions.rotate(token))


def test_a_new_password_opens_a_locked_account(web: Web) -> None:
    user = web.user(email=EMAIL)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            web.run(web.sessions.login(EMAIL, "wrong"))

    web.write(lambda store: directory.put_user(store, user, password="another"))

    assert web.run(web.sessions.login(EMAIL, "another")).id == user


# --- keys and tokens ---------------------------------------------------------------------------------------


def test_a_service_key_is_known_by_itself_alone(web: Web) -> None:
    key_id, key = web.write(lambda store: issue_service_key(store, "backend"))

    assert web.write(lambda store: service_key(store, key)) == key_id
    for wrong in (key + "x", key.upper(), key.removeprefix("sk_"), "", "sk_", "sk_\ud800"):
        with pytest.raises(Unauthenticated):
            web.write(lambda store, wrong=wrong: service_key(store, wrong))


def test_an_api_token_is_its_users_until_it_expires(web: Web) -> None:
    user = web.user()
    forever, short = web.api_token(user), web.api_token(user, days=1)

    assert web.write(lambda store: api_token_user(store, forever)) == user
    assert web.write(lambda store: api_token_user(store, short)) == user
    web.clock.move(days=1)
    assert web.write(lambda store: api_token_user(store, forever)) == user
    with pytest.raises(Unauthenticated):
        web.write(lambda store: api_token_user(store, short))


def test_a_revoked_token_and_one_of_an_inactive_user_do_not_hold(web: Web) -> None:
    user = web.user()
    gone, revoked = web.write(lambda store: issue_api_token(store, user, name="x"))
    token = web.api_token(user)
    web.write(lambda store: store.credentials.revoke_api_token(gone.id, web.clock.at))

    with pytest.raises(Unauthenticated):
        web.write(lambda store: api_token_user(store, revoked))
    for status in (AccountStatus.SUSPENDED, AccountStatus.DEACTIVATED):
        web.write(lambda store, status=status: directory.put_user(store, user, status=status))
        with pytest.raises(Unauthenticated):
            web.write(lambda store: api_token_user(store, token))
    web.write(lambda store: directory.put_user(store, user, status=AccountStatus.ACTIVE))
    assert web.write(lambda store: api_token_user(store, token)) == user


def test_a_user_has_at_most_ten_active_tokens_also_when_many_are_asked_for_at_once(web: Web) -> None:
    user = web.user()
    web.api_token(user, days=1)

    async def one() -> object:
        async with web.database.begin() as store:
            return await issue_api_token(store, user, name="x")

    async def at_once() -> list[type[object]]:
        return await asyncio.gather(*[outcome(one) for _ in range(12)])

    outcomes = web.run(at_once())
    assert (outcomes.count(tuple), outcomes.count(TooMany)) == (9, 3)
    web.clock.move(days=1)  # makes room for one more
    web.api_token(user)


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_token_expires_in_a_year_at_most(web: Web, days: int) -> None:
    user = web.user()

    with pytest.raises(InvalidInput):
        web.api_token(user, days=days)


def test_nobody_gets_no_token(web: Web) -> None:
    with pytest.raises(UserNotFound):
        web.api_token(uuid4())


# --- the directory -----------------------------------------------------------------------------------------


def test_an_address_belongs_to_one_user(web: Web) -> None:
    first, second = web.user(email=EMAIL), web.user()

    with pytest.raises(EmailTaken):
        web.write(lambda store: directory.put_user(store, second, email="ADA@corp.test"))
    web.write(lambda store: directory.put_user(store, first, email=None))
    assert web.write(lambda store: directory.put_user(store, second, email=EMAIL)) is False


def test_of_several_users_with_one_address_at_once_one_is_made(web: Web) -> None:
    async def one() -> bool:
        async with web.database.begin() as store:
            return await directory.put_user(store, uuid4(), email=EMAIL)

    async def at_once() -> list[type[object]]:
        return await asyncio.gather(*[outcome(one) for _ in range(6)])

    outcomes = web.run(at_once())

    assert (outcomes.count(bool), outcomes.count(EmailTaken)) == (1, 5)


def test_one_user_put_several_times_at_once_is_made_once(web: Web) -> None:
    user = uuid4()

    async def one(number: int) -> bool:
        async with web.database.begin() as store:
            return await directory.put_user(store, user, email=f"{number}@corp.test")

    async def at_once() -> list[bool]:
        return await asyncio.gather(*[one(number) for number in range(6)])

    assert sorted(web.run(at_once())) == [False] * 5 + [True]


def test_an_id_is_of_one_kind(web: Web) -> None:
    user, business = web.user(), web.business()

    with pytest.raises(IdTaken):
        web.write(lambda store: directory.put_business(store, user, name="x"))
    with pytest.raises(IdTaken):
        web.write(lambda store: directory.put_firm(store, business.id, name="x"))


def test_what_an_upsert_leaves_out_stays(web: Web) -> None:
    firm = web.firm()
    business = web.business(firm_id=firm.id)
    user = web.user(email=EMAIL, company_id=business.id)

    web.write(lambda store: directory.put_user(store, user, email_verified=False))
    web.write(lambda store: directory.put_business(store, business.id, name="Renamed"))
    web.write(lambda store: directory.put_user(store, user))

    account = web.run(_account(web, user))
    renamed = web.write(lambda store: directory.business(store, business.id))
    assert (account.email, account.company_id, account.email_verified) == (EMAIL, business.id, False)
    assert (renamed.name, renamed.firm_id) == ("Renamed", firm.id)


def test_what_is_not_there_cannot_be_named(web: Web) -> None:
    user, business = web.user(), web.business()
    nobody = Address(audience=Audience.BUSINESS, id=uuid4())
    not_a_firm = Address(audience=Audience.FIRM, id=business.id)

    with pytest.raises(InvalidInput):
        web.write(lambda store: directory.put_user(store, user, company_id=nobody.id))
    with pytest.raises(InvalidInput):
        web.write(lambda store: directory.put_business(store, business.id, firm_id=nobody.id))
    with pytest.raises(InvalidInput):
        web.write(lambda store: directory.put_business(store, uuid4()))
    with pytest.raises(UserNotFound):
        web.write(lambda store: directory.join(store, uuid4(), business))
    for change in (directory.join, directory.leave):
        for to in (nobody, not_a_firm):
            with pytest.raises(NotFound):
                web.write(lambda store, change=change, to=to: change(store, user, to))


def test_joining_and_leaving_may_be_repeated(web: Web) -> None:
    user, business = web.user(), web.business()

    for change in (directory.join, directory.join, directory.leave, directory.leave, directory.join):
        web.write(lambda store, change=change: change(store, user, business))

    assert web.write(lambda store: store.accounts.is_member(user, business.id))


# --- the catalog -------------------------------------------------------------------------------------------


def test_events_added_at_once_are_numbered_densely(web: Web) -> None:
    async def one(number: int) -> int:
        async with web.database.begin() as store:
            event = await catalog.put_event(store, f"e{number % 6}", topic=f"t{number % 3}", channels={})
            return event.number

    async def at_once() -> list[int]:
        return await asyncio.gather(*[one(number) for number in range(12)])

    numbers = web.run(at_once())

    first = min(numbers)
    assert sorted(set(numbers)) == list(range(first, first + 6))
    assert numbers[:6] == numbers[6:]


def test_a_new_topic_comes_after_the_others(web: Web) -> None:
    before = web.write(lambda store: store.catalog.topics())
    web.event("x", topic="weather")
    web.event("y", topic="weather")

    assert web.write(lambda store: store.catalog.topics()) == [*before, "weather"]
    assert before[:3] == ["anomaly", "billing", "ap_approvals"]


def test_channels_that_are_left_out_are_off_but_the_inbox_is_on(web: Web) -> None:
    event = web.write(lambda store: catalog.put_event(store, "x", topic="notes", channels={"email": True}))

    off = {"push": False, "web_push": False, "sms": False, "chat": False}
    assert event.channels == {"in_app": True, "email": True, **off}
    assert event.severity is Severity.INFO


def test_a_critical_event_cannot_be_off_and_a_channel_must_be_known(web: Web) -> None:
    for channels, critical in (({"in_app": False}, True), ({"fax": True}, False)):
        with pytest.raises(InvalidInput):
            web.write(
                lambda store, channels=channels, critical=critical: catalog.put_event(
                    store, "x", topic="notes", channels=channels, critical=critical
                )
            )


@pytest.mark.parametrize(
    ("default", "topic", "event", "critical", "shown"),
    [
        (True, None, None, False, True),
        (False, None, None, False, False),
        (False, True, None, False, True),
        (False, None, True, False, True),
        (True, None, False, False, False),
        (True, True, False, False, False),
        (True, False, True, False, False),  # a topic that is off takes its events with it
        (True, False, False, True, True),
    ],
)
def test_what_is_chosen_for_event_and_topic_decides_what_the_inbox_shows(
    web: Web, default: bool, topic: bool | None, event: bool | None, critical: bool, shown: bool
) -> None:
    user = web.user()
    web.write(
        lambda store: catalog.put_event(
            store, "rain", topic="weather", channels={"in_app": default}, critical=critical
        )
    )
    for subject, key, enabled in (("topic", "weather", topic), ("event", "rain", event)):
        if enabled is not None:
            chosen = {"in_app": enabled, "email": not enabled}
            web.write(
                lambda store, subject=subject, key=key, chosen=chosen: preferences.set_channels(
                    store, user, subject, key, chosen
                )
            )
    web.tell(Address(audience=Audience.USER, id=user), event="snow", topic="notes")

    async def told() -> int:
        async with web.database.begin() as store:
            to = Address(audience=Audience.USER, id=user)
            await append(store, [Draft(to=to, event="rain", title="Rain")])
            return await counts.count(store, await reach_of(store, Reader(id=user)), UNSEEN)

    assert web.run(told()) == 1 + shown
