"""JWTs of the operator's own product: what holds, what does not, and where the keys come from."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from pydantic import ValidationError

from tests.conftest import MovingClock, Run
from tests.test_cli import tidings
from tests.web import Web, own
from tidings.identity import key_sets
from tidings.identity.key_sets import KeySets
from tidings.settings import Settings
from tidings.storage.engine import Database

ISSUER, AUDIENCE = "https://shop.example", "tidings-inbox"
SECRET = "a secret that the product and Tidings share"
KEYS = {
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
}
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa"})


class Shop:
    """A product that publishes keys over HTTP."""

    def __init__(self) -> None:
        self.asked = 0
        self.status, self.headers = 200, dict[str, str]()
        self.body = b""
        self.publish(*KEYS.values())
        self.came, self.pause = threading.Event(), threading.Event()
        self.pause.set()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.asked += 1
                shop.came.set()
                shop.pause.wait(10)
                self.send_response(shop.status)
                for name, value in shop.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(shop.body)))
                self.end_headers()
                self.wfile.write(shop.body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/keys"

    def publish(self, *keys: Any) -> None:
        self.body = json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


@pytest.fixture
def shop() -> Generator[Shop]:
    made = Shop()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Product:
    """An application that takes a product's tokens, and the tokens."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.user = web.user()

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.web.clock.at.timestamp())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(self.user), "iat": now, "exp": now + 60}
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    def token(self, algorithm: str = "RS256", key: Any = None, kid: Any = "", **changes: Any) -> str:
        key = key or (OctKey.import_key(SECRET) if algorithm.startswith("HS") else KEYS[algorithm])
        header = {"alg": algorithm, "kid": key.kid if kid == "" else kid}
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(header, self.claims(**changes), key, algorithms=[algorithm])

    def ask(self, token: str) -> httpx2.Response:
        return self.web.ask("GET", "/v1/inbox/counts", headers={"Authorization": f"Bearer {token}"})

    def opens(self, token: str) -> bool:
        answer = self.ask(token)
        assert answer.status_code in (200, 401), answer.text
        if answer.status_code == 401:
            assert answer.json()["code"] == "unauthenticated"
        return answer.status_code == 200


@pytest.fixture
def product(run: Run, database: Database, clock: MovingClock, shop: Shop) -> Product:
    """By published keys."""
    names = {"jwt_jwks_url": shop.url, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    return Product(Web(run, database, clock, **names))


def sharing(run: Run, database: Database, clock: MovingClock, **more: Any) -> Product:
    """By a shared secret."""
    names = {"jwt_secret": SECRET, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    return Product(Web(run, database, clock, **names, **more))


# --- what holds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_opens_its_users_inbox(product: Product, algorithm: str) -> None:
    product.web.tell(own(product.user))
    token = product.token(algorithm)

    answer = product.ask(token)

    assert (answer.status_code, answer.json()["total"]) == (200, 1)
    assert product.opens(product.token(algorithm, aud=["other", AUDIENCE]))


def test_the_old_name_of_ed25519_holds(product: Product) -> None:
    with pytest.warns(SecurityWarning):
        token = product.token("EdDSA", key=KEYS["Ed25519"])

    assert product.opens(token)


def test_a_token_by_the_shared_secret(run: Run, database: Database, clock: MovingClock) -> None:
    product = sharing(run, database, clock)

    assert product.opens(product.token("HS256"))
    assert product.opens(product.token("HS256", kid=None))
    assert not product.opens(product.token("HS512"))
    assert not product.opens(product.token("HS256", key=OctKey.import_key(SECRET + "!")))
    assert not product.opens(product.token("RS256"))


def test_tokens_of_tidings_hold_beside_them(product: Product) -> None:
    for token in (product.web.api_token(product.user), product.web.jwt(product.user, "personal")):
        assert product.opens(token)


def test_without_settings_no_such_token_holds(run: Run, database: Database, clock: MovingClock) -> None:
    product = Product(Web(run, database, clock))

    assert not product.opens(product.token())


# --- what does not -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": "https://other.example"},
        {"iss": [ISSUER]},
        {"aud": None},
        {"aud": "other"},
        {"aud": []},
        {"aud": {"x": 1}},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 0},
        {"exp": -(10**400)},
        {"exp": True},
        {"exp": []},
        {"nbf": 99_999_999_999},
        {"nbf": "now"},
        {"iat": 99_999_999_999},
        {"sub": None},
        {"sub": ""},
        {"sub": "ada"},
        {"sub": 7},
        {"sub": str(uuid4())},
        {"sub": "\0"},
        {"sub": [str(uuid4())]},
    ],
)
def test_a_claim_that_does_not_fit_is_refused(product: Product, changes: dict[str, Any]) -> None:
    assert not product.opens(product.token(**changes))
    assert product.opens(product.token())


def test_an_id_is_written_as_ids_are(product: Product) -> None:
    id_ = product.user
    for sub in (id_.hex, f"{{{id_}}}", f"urn:uuid:{id_}", f" {id_}"):
        assert not product.opens(product.token(sub=sub))
    assert product.opens(product.token(sub=str(id_).upper()))


def test_the_clocks_may_differ_by_half_a_minute(product: Product, clock: MovingClock) -> None:
    now = int(clock.at.timestamp())

    assert product.opens(product.token(exp=now - 29, nbf=now + 29, iat=now + 29))
    assert not product.opens(product.token(exp=now - 31))
    assert not product.opens(product.token(nbf=now + 31))


def part(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def test_what_is_tampered_with_is_refused(product: Product) -> None:
    header, payload, signature = product.token().split(".")
    other = part(product.claims(sub=str(uuid4())))
    tokens = [
        f"{header}.{other}.{signature}",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{payload}.{payload}.{signature}",
        f"{part([])}.{payload}.{signature}",
        f"{part({'kid': 'rsa'})}.{payload}.{signature}",
        f"{part({'alg': 'RS256', 'kid': 7})}.{payload}.{signature}",
        f"{part({'alg': 'RS256', 'kid': 'rsa', 'crit': ['x']})}.{payload}.{signature}",
        f"{header}.{payload}.{signature}.x",
        f"{header}.{payload}.{'A' * 20_000}",
        product.token(key=STRANGER),
        "..",
        "a.b.c",
    ]
    for token in tokens:
        assert not product.opens(token), token


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_without_a_signature_nothing_opens(product: Product, algorithm: str) -> None:
    for header in ({"alg": algorithm}, {"alg": algorithm, "kid": "rsa"}):
        for signature in ("", "AAAA"):
            assert not product.opens(f"{part(header)}.{part(product.claims())}.{signature}")


def test_a_public_key_is_no_secret(product: Product) -> None:
    """The confusion of algorithms: HS256, keyed with what is published."""
    public: Any = KEYS["RS256"].as_pem(private=False)
    signed = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{part(product.claims())}"
    signature = hmac.digest(public, signed.encode(), "sha256")

    assert not product.opens(f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}")


def test_a_published_secret_is_no_key(product: Product, shop: Shop) -> None:
    secret = OctKey.import_key(SECRET, {"kid": "oct"})
    shop.body = json.dumps({"keys": [secret.as_dict(), KEYS["ES256"].as_dict(private=False)]}).encode()

    assert not product.opens(product.token("HS256", key=secret, kid="oct"))
    assert product.opens(product.token("ES256"))


def test_an_algorithm_wants_its_own_kind_of_key(product: Product) -> None:
    assert not product.opens(product.token("ES256", kid="rsa"))
    assert not product.opens(product.token("RS256", kid="ed"))


def test_only_the_chosen_algorithms_hold(
    run: Run, database: Database, clock: MovingClock, shop: Shop
) -> None:
    names = {"jwt_jwks_url": shop.url, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    product = Product(Web(run, database, clock, jwt_algorithms="ES256, Ed25519", **names))

    assert [product.opens(product.token(name)) for name in KEYS] == [False, True, True]


# --- who it is ---------------------------------------------------------------------------------------------


def test_a_user_who_may_not_enter_is_refused(product: Product) -> None:
    for status in ("suspended", "deactivated"):
        user = product.web.user(status=status)
        answer = product.ask(product.token(sub=str(user)))
        assert (answer.status_code, answer.json()["code"]) == (401, f"account_{status}")


def test_users_are_made_at_first_sight_where_that_is_wanted(
    run: Run, database: Database, clock: MovingClock
) -> None:
    product = sharing(run, database, clock, jwt_creates_users=True)
    business, new = product.web.business(), uuid4()
    suspended = product.web.user(status="suspended")

    for _ in range(2):
        assert product.ask(product.token("HS256", sub=str(new))).json()["total"] == 0
    assert not product.opens(product.token("HS256", sub=str(business.id)))
    assert product.ask(product.token("HS256", sub=str(suspended))).status_code == 401
    refused = uuid4()
    assert not product.opens(product.token("HS256", sub=str(refused), exp=1))

    async def find(store: Any, id_: UUID) -> Any:
        return await store.accounts.account(id_)

    assert product.web.write(lambda store: find(store, new)).status == "active"
    assert product.web.write(lambda store: find(store, refused)) is None


# --- where the keys come from ------------------------------------------------------------------------------


def kids(run: Run, keys: KeySets, *names: str | None) -> list[str | None]:
    """The ids of the keys that were found for these; what is fetched beside it comes to its end."""

    async def found() -> list[str | None]:
        answers = [await keys.key(name) for name in names]
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
        return [None if key is None else key.kid for key in answers]

    return run(found())


def test_keys_are_fetched_once_and_kept_as_long_as_their_server_says(run: Run, shop: Shop) -> None:
    seconds = Seconds()
    for told, kept in (
        ("", 300),
        ("max-age=600", 600),
        ("public, max-age=1", 60),
        ("max-age=999999", 86_400),
    ):
        shop.headers, shop.asked = {"Cache-Control": told} if told else {}, 0
        keys = KeySets(shop.url, clock=seconds)
        assert kids(run, keys, "rsa", "ec", "ed", "rsa") == ["rsa", "ec", "ed", "rsa"]
        seconds.at += kept - 0.5
        assert kids(run, keys, "rsa") == ["rsa"]
        assert shop.asked == 1
        seconds.at += 1
        assert kids(run, keys, "rsa") == ["rsa"]
        assert shop.asked == 2


def test_a_new_key_is_found_and_a_removed_one_is_forgotten(run: Run, shop: Shop) -> None:
    seconds = Seconds()
    keys = KeySets(shop.url, clock=seconds)
    assert kids(run, keys, "rsa", "new") == ["rsa", None]
    shop.publish(KEYS["ES256"], RSAKey.generate_key(2048, {"kid": "new"}))

    assert kids(run, keys, *["new"] * 5) == [None] * 5
    assert shop.asked == 1  # at most once in half a minute, whoever asks for what
    seconds.at += key_sets.AGAIN_SECONDS
    assert kids(run, keys, "new", "rsa", "unknown") == ["new", None, None]
    assert shop.asked == 2


def test_while_the_keys_cannot_be_fetched_the_old_ones_hold(run: Run, shop: Shop) -> None:
    seconds = Seconds()
    keys = KeySets(shop.url, clock=seconds)
    assert kids(run, keys, "rsa") == ["rsa"]
    shop.status = 503
    seconds.at += 301
    assert kids(run, keys, "rsa", "ec", "rsa") == ["rsa", "ec", "rsa"]
    assert shop.asked == 2
    seconds.at += key_sets.STALE_SECONDS
    assert kids(run, keys, "rsa") == [None]
    shop.status = 200
    seconds.at += key_sets.AGAIN_SECONDS
    assert kids(run, keys, "rsa") == ["rsa"]


def test_nobody_whose_key_is_held_waits_for_a_server_that_does_not_answer(run: Run, shop: Shop) -> None:
    seconds = Seconds()
    keys = KeySets(shop.url, clock=seconds)
    assert kids(run, keys, "rsa") == ["rsa"]
    seconds.at += 301
    shop.pause.clear()

    async def held() -> list[Any]:
        found = [await keys.key("rsa") for _ in range(3)]
        shop.pause.set()  # only now: who waited for it would have waited for ever
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
        return found

    assert [key.kid for key in run(held())] == ["rsa"] * 3
    assert shop.asked == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"keys": 7}',
        b'{"keys": [7]}',
        b'{"keys": []}',
        b'{"keys": [{"kty": "RSA", "kid": "rsa"}]}',
        b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "rsa"}]}',
        b"\xff",
        b"[" * 100_000,
        b'{"keys": [' + b" " * key_sets.LARGEST + b"]}",
    ],
)
def test_what_is_no_set_of_keys_is_not_taken(run: Run, shop: Shop, body: bytes) -> None:
    seconds = Seconds()
    keys = KeySets(shop.url, clock=seconds)
    good, shop.body = shop.body, body
    assert kids(run, keys, "rsa") == [None]
    shop.body = good
    seconds.at += key_sets.AGAIN_SECONDS
    assert kids(run, keys, "rsa") == ["rsa"]
    shop.body = body
    seconds.at += 301
    assert kids(run, keys, "rsa") == ["rsa"]


def test_keys_for_something_else_are_left_out(run: Run, shop: Shop) -> None:
    listed = [key.as_dict(private=False) for key in KEYS.values()]
    shop.body = json.dumps(
        {"keys": [{**listed[0], "use": "enc"}, {"kty": "AKP"}, {**listed[2], "use": "sig"}]}
    ).encode()

    assert kids(run, KeySets(shop.url), "rsa", "ed", None) == [None, "ed", "ed"]


def test_a_redirect_is_not_followed(run: Run, shop: Shop) -> None:
    shop.status, shop.headers = 302, {"Location": shop.url}

    assert kids(run, KeySets(shop.url), "rsa") == [None]
    assert shop.asked == 1


def test_who_comes_while_keys_are_fetched_waits_for_them(run: Run, shop: Shop) -> None:
    keys = KeySets(shop.url)
    shop.pause.clear()

    async def all_at_once() -> list[Any]:
        asking = [asyncio.create_task(keys.key("rsa")) for _ in range(20)]
        await asyncio.to_thread(shop.came.wait, 10)
        asking[0].cancel()
        shop.pause.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    found = run(all_at_once())

    assert shop.asked == 1
    assert isinstance(found[0], asyncio.CancelledError)
    assert {key.kid for key in found[1:]} == {"rsa"}


def test_a_server_that_is_not_there_opens_nothing(run: Run, database: Database, clock: MovingClock) -> None:
    names = {"jwt_jwks_url": "http://127.0.0.1:1/keys", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    product = Product(Web(run, database, clock, **names))

    assert not product.opens(product.token())


def test_an_unknown_issuer_makes_nobody_fetch(product: Product, shop: Shop) -> None:
    assert not product.opens(product.token(iss="https://other.example"))

    assert shop.asked == 0


# --- settings ----------------------------------------------------------------------------------------------

URL = {"jwt_jwks_url": "https://shop.example/keys"}
BOTH = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (URL, "AUDIENCE"),
        (URL | {"jwt_issuer": ISSUER}, "AUDIENCE"),
        (URL | {"jwt_audience": AUDIENCE}, "ISSUER"),
        (URL | BOTH | {"jwt_secret": SECRET}, "not both"),
        (URL | BOTH | {"jwt_algorithms": "HS256"}, "HS256"),
        (URL | BOTH | {"jwt_algorithms": "RS256,none"}, "none"),
        ({"jwt_secret": SECRET} | BOTH | {"jwt_algorithms": "RS256"}, "RS256"),
        ({"jwt_secret": SECRET} | BOTH | {"jwt_algorithms": "none"}, "none"),
        ({"jwt_secret": SECRET}, "AUDIENCE"),
        ({"jwt_secret": "x" * 31} | BOTH, "jwt_secret"),
        (URL | BOTH | {"jwt_issuer": "tidings"}, "Tidings itself"),
        (BOTH, "mean nothing"),
        ({"jwt_creates_users": True}, "mean nothing"),
        ({"jwt_jwks_url": "file:///etc/passwd"} | BOTH, "jwt_jwks_url"),
    ],
)
def test_settings_that_would_let_others_in_are_refused(names: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Settings(**names)


def test_the_command_line_tells_it_in_a_sentence(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    result = tidings("serve", database_url=url, secret="x" * 32, jwt_jwks_url="https://shop.example/keys")

    assert result.exit_code == 2
    assert "TIDINGS_JWT_AUDIENCE must be set" in result.stderr
    assert "Traceback" not in result.stderr
