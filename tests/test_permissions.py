"""Who may do what: every call of every surface, asked by everybody.

A rule says what each kind of caller gets; who is not named gets what the surface answers to no token at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast
from unittest.mock import Mock

import httpx2
import pytest

from tests.calls import CALLS, PRODUCT, SURFACES, Asked, Route, World, asked, routes
from tests.conftest import MovingClock, Run
from tests.follower import events
from tests.web import Web
from tidings.storage.engine import Database
from tidings.surfaces import front

Told = tuple[int, str]
"""Status, and what the surface calls the error."""

OK = "what whoever may gets"
THEIRS = "what they get of their own: of an object of Ada's, as little as of one that there is not"

UNKNOWN: Mapping[str, Told] = {
    "scoped": (401, "Authentication is required."),
    "personal": (401, "error.auth.unauthorized"),
    "company": (401, "TOKEN_NOT_VALID"),
    "native": (401, "unauthenticated"),
}
_NO_MEMBER = (403, "You do not belong to this business.")
_NO_OPERATOR = (403, "error.forbidden")
_NO_COMPANY = (401, "CIA_NOT_FOUND")
_NO_BUSINESS = (422, "x-business-id")
_NO_API_TOKENS = ["garbage: dz_garbage", "expired: API", "revoked: API", "suspended: API"]
_API_TOKENS = ["user: API", "other: API", "other at home: API", "firm's: API", "firm's at home: API"]
_API_TOKENS += ["company's: API", "operator: API"]
_PERSONAL = {
    "user: personal": OK,
    "other: personal": THEIRS,
    "firm's: personal": THEIRS,
    "company's: personal": THEIRS,
    "operator: personal": THEIRS,
}

_SCOPED = {
    "user: API": OK,
    "other: API": _NO_MEMBER,
    "other at home: API": THEIRS,
    "firm's: API": _NO_MEMBER,
    "firm's at home: API": THEIRS,
    "company's: API": _NO_MEMBER,
    "operator: API": _NO_MEMBER,
}

_NO_COMPANY_EITHER = (404, "company_not_found")
_READER = {
    "user: API": OK,
    "user: company": OK,
    "other: API": THEIRS,
    "other at home: API": THEIRS,
    "other: company": THEIRS,
    "firm's: API": THEIRS,
    "firm's at home: API": THEIRS,
    "firm's: company": _NO_COMPANY_EITHER,
    "company's: API": THEIRS,
    "company's: company": OK,
    "operator: API": THEIRS,
    "operator: company": _NO_COMPANY_EITHER,
    "suspended: product": (401, "account_suspended"),
    **_PERSONAL,
    **{who.replace("personal", "product"): wanted for who, wanted in _PERSONAL.items()},
}

RULES: Mapping[str, Mapping[str, str | Told]] = {
    "SCOPED": _SCOPED,
    # No two answers are the same: each has a new secret of the caller's own.
    "SCOPED_SECRET": _SCOPED | {"other at home: API": OK, "firm's at home: API": OK},
    "PERSONAL": _PERSONAL,
    # Who shows an API token is answered by the scoped surface, which has this path too and wants a business.
    "PERSONAL_SHARED": _PERSONAL
    | dict.fromkeys(_NO_API_TOKENS, UNKNOWN["scoped"])
    | dict.fromkeys(_API_TOKENS, _NO_BUSINESS),
    "OPERATOR": dict.fromkeys(_PERSONAL, _NO_OPERATOR) | {"operator: personal": OK},
    "COMPANY": {
        "user: company": OK,
        "other: company": THEIRS,
        "firm's: company": _NO_COMPANY,
        "company's: company": OK,
        "operator: company": _NO_COMPANY,
    },
    "SERVICE_KEY": {"service key": OK},
    "READER": _READER,
    "READER_SECRET": {who: OK if wanted == THEIRS else wanted for who, wanted in _READER.items()},
    # A company chooses nothing.
    "USER": _READER
    | {"user: company": (403, "forbidden"), "other: company": (403, "forbidden")}
    | {"company's: company": (403, "forbidden")},
    # What a user did the company did not do.
    "USER_OF_IT": _READER | {"user: company": THEIRS, "company's: company": THEIRS},
    "PUBLIC": {},
}


@pytest.fixture
def world(run: Run, database: Database, clock: MovingClock) -> World:
    return World(Web(run, database, clock, **PRODUCT))


def named(answer: httpx2.Response) -> Told:
    """What the answer says went wrong, whichever surface's it is; of a success nothing."""
    if answer.is_success:
        return answer.status_code, ""
    body = answer.json()
    if "detail" in body and "code" not in body:
        detail = body["detail"]
        return answer.status_code, detail if isinstance(detail, str) else detail[0]["loc"][-1]
    error = body.get("error", {}).get("i18nKey") or body.get("code") or body.get("message")
    return answer.status_code, error


def ask(world: World, caller: str, one: Asked) -> httpx2.Response:
    """Send it as the caller would, each time from another address: some calls are counted by it."""
    headers = world.headers(one.route.surface, caller)
    return send(world, one, [*headers.items()])


def send(world: World, one: Asked, headers: Sequence[tuple[str, str | bytes]]) -> httpx2.Response:
    parts = dict(one.parts)
    listed = [*headers, *parts.pop("headers", {}).items()]
    return world.web.ask(one.route.method, one.path, headers=listed, peer=next(world.peers), **parts)


def expected(rule: str, caller: str, surface: str) -> str | Told:
    return OK if rule == "PUBLIC" else RULES[rule].get(caller, UNKNOWN[surface])


def of(surface: str) -> Iterator[Route]:
    return (route for route in CALLS if route.surface == surface)


def test_the_table_has_every_route_and_no_other() -> None:
    there = list(routes())

    assert (sorted(set(there) - set(CALLS)), sorted(set(CALLS) - set(there))) == ([], [])
    assert len(set(there)) == len(there)


def test_every_rule_names_callers_that_there_are(world: World) -> None:
    assert {name for rule in RULES.values() for name in rule} <= set(world.callers)
    assert {call.rule for call in CALLS.values()} == set(RULES)


@pytest.mark.parametrize("surface", SURFACES)
def test_everybody_gets_what_the_table_says(world: World, surface: str, tell: Callable[[str], None]) -> None:
    faults: list[str] = []
    cells = 0
    for route in of(surface):
        one, before = asked(world, route), world.tables()
        wanted = {caller: expected(CALLS[route].rule, caller, surface) for caller in world.callers}
        for caller, refusal in wanted.items():
            if refusal not in (OK, THEIRS):
                answer = ask(world, caller, one)
                if named(answer) != refusal or not challenged(answer):
                    faults.append(f"{route.method} {route.path}, {caller}: {answer.text}, not {refusal}")
        if world.tables() != before:
            faults.append(f"{route.method} {route.path}: who was refused wrote something")
        for caller, allowed in wanted.items():
            check = {OK: as_told, THEIRS: as_of_nothing}.get(str(allowed))
            if check and (fault := check(world, caller, route)):
                faults.append(f"{route.method} {route.path}, {caller}: {fault}")
        cells += len(wanted)
    assert faults == [], "\n".join(faults)
    tell(f"permissions: {cells} cells of {surface}")


def test_what_stands_before_the_surfaces_is_the_same_for_everybody(world: World) -> None:
    routes = cast("list[Any]", front.create(world.web.database, Mock()).routes)
    paths = [route.path for route in routes]
    answers = {
        (path, answer.status_code, answer.content)
        for path in paths
        for caller in world.callers
        for answer in [world.web.ask("GET", path, headers=world.headers("native", caller))]
    }
    assert [(path, status) for path, status, _ in sorted(answers)] == [(path, 200) for path in sorted(paths)]


def challenged(answer: httpx2.Response) -> bool:
    """A 401 says how to do better."""
    return answer.status_code != 401 or answer.headers.get("www-authenticate") == "Bearer"


def as_told(world: World, caller: str, route: Route) -> str | None:
    answer = ask(world, caller, asked(world, route))
    if CALLS[route].answers in (None, named(answer)) and (answer.is_success or CALLS[route].answers):
        return None
    return answer.text


def as_of_nothing(world: World, caller: str, route: Route) -> str | None:
    """What is Ada's is as what there is not; where nothing is named the caller gets their own."""
    one = asked(world, route)
    answer, nothing = ask(world, caller, one), ask(world, caller, one.of_nothing())
    if bare(answer) != bare(nothing):
        return f"{answer.text}, but of nothing {nothing.text}"
    right = answer.status_code == 404 if one.names_something else answer.is_success
    return None if right else answer.text


def bare(answer: httpx2.Response) -> tuple[int, Any]:
    if answer.headers["content-type"].startswith("text/event-stream"):
        return answer.status_code, [one.name for one in events(answer.content)]
    body = answer.json()
    body.pop("correlation_id", None)
    if "error" in body:
        del body["error"]["correlationId"]
    return answer.status_code, body


# --- how a token is shown ----------------------------------------------------------------------------------

MUTATIONS: Mapping[str, tuple[Callable[[str], list[str]], bool | None]] = {
    "in lower case": (lambda token: [f"bearer {token}"], True),
    "in capitals": (lambda token: [f"BEARER {token}"], True),
    "two spaces": (lambda token: [f"Bearer  {token}"], True),
    "a space after it": (lambda token: [f"Bearer {token} "], None),
    "a tab for the space": (lambda token: [f"Bearer\t{token}"], False),
    "no scheme": (lambda token: [token], False),
    "Basic": (lambda token: [f"Basic {token}"], False),
    "Token": (lambda token: [f"Token {token}"], False),
    "a colon": (lambda token: [f"Bearer: {token}"], False),
    "empty": (lambda _token: [""], False),
    "only the scheme": (lambda _token: ["Bearer"], False),
    "the scheme and a space": (lambda _token: ["Bearer "], False),
    "cut short": (lambda token: [f"Bearer {token[:-1]}"], False),
    "longer": (lambda token: [f"Bearer {token}A"], False),
    "in other case": (lambda token: [f"Bearer {token.swapcase()}"], False),
    "twice in one": (lambda token: [f"Bearer {token} {token}"], False),
    "in a list": (lambda token: [f"Bearer {token}, Bearer {token}"], False),
    "quoted": (lambda token: [f'Bearer "{token}"'], False),
    "no ASCII": (lambda token: [f"Bearer {token}\xe9"], False),
    "behind another": (lambda token: ["Bearer garbage", f"Bearer {token}"], False),
    "before another": (lambda token: [f"Bearer {token}", "Bearer garbage"], None),
}
"""How Authorization is written, and whether it lets in; None: either, as long as it is nothing else."""


@pytest.mark.parametrize("surface", SURFACES)
def test_a_token_is_shown_as_a_bearer_and_in_no_other_way(world: World, surface: str) -> None:
    faults: list[str] = []
    for route in of(surface):
        rule = CALLS[route].rule
        rightful = next((caller for caller, wanted in RULES[rule].items() if wanted == OK), None)
        if rightful is None or rule == "PERSONAL_SHARED":
            continue
        one = asked(world, route)
        headers = world.headers(surface, rightful)
        _, _, token = headers.pop("Authorization").partition(" ")
        before = world.tables()
        for name, (write, enters) in sorted(MUTATIONS.items(), key=lambda item: item[1][1] is not False):
            if enters is not False and before:
                assert world.tables() == before, f"{route.method} {route.path}"
                before = {}
            written = [("Authorization", text.encode("latin-1")) for text in write(token)]
            one = one if enters is False else asked(world, route)
            answer = send(world, one, [*headers.items(), *written])
            wanted = {True: [True], False: [False], None: [True, False]}[enters]
            entered = True if answer.is_success else False if named(answer) == UNKNOWN[surface] else None
            if entered not in wanted:
                faults.append(f"{route.method} {route.path}, {name}: {answer.text}")
    assert faults == [], "\n".join(faults)
