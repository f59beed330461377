"""The Python client by itself: what it sends, when it tries again, and what it makes of an answer.

Each test that asks for `client` runs with the sync and with the async one. The answers are scripted, and the
pauses only noted.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import repeat
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.conftest import Run
from tests.either import Either
from tidings.client import AsyncInbox, AsyncTidings, Inbox, RateLimited, Retry, Tidings, TidingsError
from tidings.client import errors as e
from tidings.client.values import ChannelPreference, Counts, Item, Operation, Preferences, ScopeTally, Tally

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ID = UUID("0195561f-2f6c-7000-8000-00000000000a")
OPERATION = UUID("00000000-0005-8000-8000-00000000000b")
TALLY = {"total": 3, "unseen": 2, "unread": 1}
COUNTS = {**TALLY, "by_scope": [], "by_topic": {}, "by_severity": {}, "position": "AAAA"}
ITEM = {
    "id": str(ID),
    "scope": "business",
    "scope_id": str(ID),
    "stream": str(ID),
    "seq": 9,
    "lane": 4,
    "position": 7,
    "event": "billing.invoice_paid",
    "topic": "billing",
    "severity": "info",
    "status": "seen",
    "seen_at": "2026-03-02T09:30:00Z",
    "read_at": None,
    "dismissed_at": None,
    "snoozed_until": None,
    "pinned": False,
    "title": "Invoice 20814 is paid",
    "body": None,
    "data": {"amount": 12},
    "actions": [{"label": "Open"}],
    "created_at": "2026-03-02T09:30:00.123456Z",
    "occurred_at": None,
    "expires_at": None,
    "resolved_at": None,
}

Outcome = httpx2.Response | Exception


def answer(status: int = 200, body: Any = None, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json=body, headers=named)


def problem(status: int, code: str, detail: str = "No.", **more: Any) -> httpx2.Response:
    body = {"type": "about:blank", "title": "…", "status": status, "detail": detail, "code": code, **more}
    return answer(status, body, X_Correlation_ID=str(ID))


class Parts(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that comes in one part after the other."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            await asyncio.sleep(0)
            yield part


class Client(Either):
    """One client whose server says what it is told to; the same for a sync and an async one."""

    def __init__(self, run: Run, kind: str) -> None:
        super().__init__(run)
        self.requests: list[httpx2.Request] = []
        self.pauses: list[float] = []
        self._script: list[Outcome] = []
        self._steady: Outcome | None = None
        options: dict[str, Any] = {
            "transport": httpx2.MockTransport(self._answered),
            "retry": Retry(chance=lambda: 0.0, now=lambda: NOW),
        }
        if kind == "sync":
            self.inbox: Any = Inbox("http://t", "dz_t", sleep=self.pauses.append, **options)
            self.tidings: Any = Tidings("http://t", "sk_t", sleep=self.pauses.append, **options)
        else:
            self.inbox = AsyncInbox("http://t", "dz_t", sleep=self._paused, **options)
            self.tidings = AsyncTidings("http://t", "sk_t", sleep=self._paused, **options)

    def told(self, *outcomes: Outcome, steady: Outcome | None = None) -> Client:
        """What its server will answer, one after the other; and after that, always."""
        self._script, self._steady = list(outcomes), steady
        return self

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]

    def _answered(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        outcome = self._script.pop(0) if self._script else self._steady
        assert outcome is not None, "more was asked than the test expected"
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _paused(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture(params=["sync", "async"])
def client(run: Run, request: pytest.FixtureRequest) -> Client:
    return Client(run, request.param)


# --- trying again ------------------------------------------------------------------------------------------

PASSING: list[Callable[[], Outcome]] = [
    lambda: httpx2.ConnectError("refused"),
    lambda: httpx2.ReadTimeout("late"),
    lambda: httpx2.RemoteProtocolError("cut"),
    lambda: answer(429),
    lambda: answer(502),
    lambda: answer(503),
    lambda: answer(504),
]
LASTING: list[Callable[[], Outcome]] = [
    *(lambda status=status: answer(status) for status in (302, 400, 401, 403, 404, 409, 413, 422, 500, 501)),
    lambda: httpx2.UnsupportedProtocol("what is gopher?"),
]


@pytest.mark.parametrize("failed", PASSING)
def test_what_may_pass_is_tried_again(client: Client, failed: Callable[[], Outcome]) -> None:
    client.told(failed(), failed(), answer(body=COUNTS))

    assert client(client.inbox.counts()).total == 3
    assert len(client.requests) == 3
    assert client.pauses == [0.25, 0.5]


@pytest.mark.parametrize("failed", PASSING)
def test_after_four_attempts_the_last_outcome_stands(client: Client, failed: Callable[[], Outcome]) -> None:
    client.told(*(failed() for _ in range(4)))

    with pytest.raises(TidingsError):
        client(client.inbox.counts())

    assert client.pauses == [0.25, 0.5, 1.0]


@pytest.mark.parametrize("failed", LASTING)
def test_what_lasts_is_not_tried_again(client: Client, failed: Callable[[], Outcome]) -> None:
    client.told(failed())

    with pytest.raises(TidingsError):
        client(client.inbox.counts())

    assert client.pauses == []


def test_a_write_bears_one_key_over_its_attempts_and_the_next_write_another(client: Client) -> None:
    sent = {"to": {"user": ID}, "event": "e", "title": "t"}
    client.told(httpx2.ReadError("cut"), answer(503), steady=answer(201, {"ids": [str(ID)]}))

    assert client(client.tidings.send(**sent)) == (ID,)
    client(client.tidings.send(**sent))

    keys = [request.headers["Idempotency-Key"] for request in client.requests]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert UUID(keys[0]).version == UUID(keys[3]).version == 4
    assert len({request.content for request in client.requests}) == 1


def test_a_token_whose_answer_was_lost_is_not_there(client: Client) -> None:
    made = {"id": str(ID), "token": "dz_x", "user_id": str(ID), "name": "API token", "expires_in_days": None}
    client.told(answer(201, made), httpx2.ReadTimeout("late"), answer(201, {**made, "token": None}))

    assert client(client.tidings.issue_token(ID)).token == "dz_x"
    with pytest.raises(e.Unreachable, match="was lost"):
        client(client.tidings.issue_token(ID))


def test_a_read_bears_no_key(client: Client) -> None:
    client(client.told(answer(body=COUNTS)).inbox.counts())

    assert "Idempotency-Key" not in client.requests[0].headers
    assert client.requests[0].headers["Authorization"] == "Bearer dz_t"


def test_a_backend_may_give_a_key_of_its_own(client: Client) -> None:
    client.told(steady=answer(201, {"ids": []}))
    one = {"to": {"everyone": True}, "event": "e", "title": "t"}

    client(client.tidings.send(**one, idempotency_key="order 20814"))
    client(client.tidings.send_batch([one], idempotency_key="order 20815"))

    keys = [request.headers["Idempotency-Key"] for request in client.requests]
    assert keys == ["order 20814", "order 20815"]
    assert client.bodies == [one, {"notifications": [one]}]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("Mon, 02 Mar 2026 09:30:09 GMT", 9),
        ("Mon, 02 Mar 2026 09:29:00 GMT", 0),
        ("soon", 0),
        ("", 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_who_is_told_when_to_come_again_does(client: Client, status: int, said: str, seconds: int) -> None:
    client.told(answer(status, Retry_After=said), answer(body=COUNTS))

    client(client.inbox.counts())

    assert client.pauses == [seconds + 0.25]


@pytest.mark.parametrize("said", ["31", "9" * 400, "Mon, 02 Mar 2026 09:31:00 GMT"])
def test_who_is_told_to_come_again_much_later_gets_the_error_at_once(client: Client, said: str) -> None:
    client.told(answer(429, Retry_After=said))

    with pytest.raises(RateLimited) as refused:
        client(client.inbox.counts())

    assert refused.value.retry_after is not None
    assert refused.value.retry_after > 30
    assert client.pauses == []


def test_a_refusal_that_names_no_time_says_so(client: Client) -> None:
    with pytest.raises(RateLimited) as refused:
        client(client.told(steady=answer(429)).inbox.counts())

    assert refused.value.retry_after is None


@pytest.mark.parametrize(("chance", "pauses"), [(0.0, [4.0, 8.0, 10.0]), (0.999, [2.0, 4.0, 8.0])])
def test_chance_shortens_a_pause_by_up_to_half_and_none_is_too_long(
    chance: float, pauses: list[float]
) -> None:
    waited: list[float] = []
    inbox = Inbox(
        "http://t",
        "dz_t",
        retry=Retry(pause=4.0, longest=10.0, chance=lambda: chance),
        transport=httpx2.MockTransport(lambda _: answer(503)),
        sleep=waited.append,
    )

    with pytest.raises(e.ServerError), inbox:
        inbox.counts()

    assert waited == pytest.approx(pauses, rel=0.01)


# --- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, e.MalformedAnswer),
        (400, e.InvalidRequest),
        (401, e.Unauthenticated),
        (403, e.Forbidden),
        (404, e.NotFound),
        (409, e.Conflict),
        (413, e.InvalidRequest),
        (422, e.InvalidRequest),
        (429, e.RateLimited),
        (500, e.ServerError),
        (503, e.ServerError),
    ],
)
def test_an_error_is_told_by_its_kind_and_has_all_that_the_server_said(
    client: Client, status: int, kind: type[TidingsError]
) -> None:
    client.told(steady=problem(status, "some_code", "It is so.", event="rain"))

    with pytest.raises(TidingsError) as refused:
        client(client.inbox.counts())

    error = refused.value
    assert type(error) is kind
    assert (error.status, error.code, error.detail) == (status, "some_code", "It is so.")
    assert error.correlation_id == str(ID)
    assert error.details == {"event": "rain"}
    assert str(error) == f"{status} some_code: It is so."


@pytest.mark.parametrize(
    "body", [b"<html>Bad gateway</html>", b"", b"[]", b'{"code": 7, "detail": null}', b"\xff", b"[" * 99_999]
)
def test_a_refusal_by_somebody_else_is_told_too(client: Client, body: bytes) -> None:
    client.told(steady=httpx2.Response(502, content=body))

    with pytest.raises(e.ServerError) as refused:
        client(client.inbox.counts())

    assert (refused.value.status, refused.value.code) == (502, None)
    assert refused.value.correlation_id is None
    assert str(refused.value) == "502: Bad Gateway"


def test_no_answer_is_an_error_of_ours(client: Client) -> None:
    client.told(steady=httpx2.ConnectError("refused"))

    with pytest.raises(e.Unreachable) as failed:
        client(client.inbox.counts())

    assert failed.value.status is None
    assert isinstance(failed.value.__cause__, httpx2.ConnectError)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"<html>Sign in to the airport's network</html>",
        b"[]",
        b"[" * 99_999,
        b"\xff",
        json.dumps({**COUNTS, "total": "3"}).encode(),
        json.dumps({**COUNTS, "total": True}).encode(),
        json.dumps({**COUNTS, "total": None}).encode(),
        json.dumps({**COUNTS, "by_scope": {}}).encode(),
        json.dumps({**COUNTS, "by_scope": [{"scope": "me"}]}).encode(),
        json.dumps({**COUNTS, "by_topic": []}).encode(),
        json.dumps({name: value for name, value in COUNTS.items() if name != "unread"}).encode(),
    ],
)
def test_an_answer_that_is_not_the_contracts_is_an_error(client: Client, body: bytes) -> None:
    client.told(httpx2.Response(200, content=body, headers={"X-Correlation-ID": str(ID)}))

    with pytest.raises(e.MalformedAnswer) as failed:
        client(client.inbox.counts())

    assert (failed.value.status, failed.value.correlation_id) == (200, str(ID))


@pytest.mark.parametrize("change", [{"id": "7"}, {"id": 7}, {"created_at": "noon"}, {"actions": {}}])
def test_an_item_that_is_none_is_an_error_that_names_the_member(
    client: Client, change: dict[str, Any]
) -> None:
    client.told(answer(body={"items": [{**ITEM, **change}], "next_cursor": None}))

    with pytest.raises(e.MalformedAnswer, match=f"Item.{next(iter(change))}: "):
        client.all(client.inbox.items())


# --- how long, and how large -------------------------------------------------------------------------------


def test_an_attempt_of_the_sync_client_ends_at_its_time_though_parts_keep_coming() -> None:
    now, began, waited = [0.0], list[float](), list[float]()

    def trickled() -> Iterator[bytes]:
        began.append(now[0])
        for _ in range(1_000):
            now[0] += 4
            yield b" "

    inbox = Inbox(
        "http://t",
        "dz_t",
        timeout=10,
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, stream=Parts(trickled()))),
        sleep=waited.append,
        clock=lambda: now[0],
    )

    with pytest.raises(e.Unreachable, match="no whole answer within 10 seconds"), inbox:
        inbox.counts()

    assert [*began, now[0]] == [0, 12, 24, 36, 48]
    assert len(waited) == 3


def test_an_answer_in_parts_that_comes_in_time_is_taken() -> None:
    now = [0.0]

    def parts() -> Iterator[bytes]:
        for byte in body:
            now[0] += 10 / len(body)
            yield bytes([byte])

    body = json.dumps(COUNTS).encode().ljust(128)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, stream=Parts(parts())))
    with Inbox("http://t", "dz_t", timeout=10, transport=transport, clock=lambda: now[0]) as inbox:
        assert inbox.counts().total == 3

    assert now == [10]


def test_an_attempt_of_the_async_client_ends_at_its_time_though_parts_keep_coming(run: Run) -> None:
    attempts: list[httpx2.Request] = []

    def trickled(request: httpx2.Request) -> httpx2.Response:
        attempts.append(request)
        return httpx2.Response(200, stream=Parts(repeat(b" ", 1_000_000)))

    async def asked() -> None:
        retry = Retry(attempts=2, pause=0.0)
        transport = httpx2.MockTransport(trickled)
        async with AsyncInbox("http://t", "dz_t", timeout=0.02, retry=retry, transport=transport) as inbox:
            await inbox.counts()

    with pytest.raises(e.Unreachable, match=r"no whole answer within 0\.02 seconds"):
        run(asked())

    assert len(attempts) == 2


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_refused(client: Client, status: int, packed: bool) -> None:
    taken: list[bytes] = []
    headers = {"X-Correlation-ID": str(ID), **({"Content-Encoding": "gzip"} if packed else {})}

    def parts() -> Iterator[bytes]:
        for part in [gzip.compress(bytes(65 * 2**20))] if packed else repeat(bytes(2**20), 100):
            taken.append(part)
            yield part

    client.told(httpx2.Response(status, headers=headers, stream=Parts(parts())))

    with pytest.raises(e.MalformedAnswer, match="larger than 64 MB") as failed:
        client(client.inbox.counts())

    assert (failed.value.status, failed.value.correlation_id) == (status, str(ID))
    assert len(taken) == (1 if packed else 65)
    assert client.pauses == []


def test_a_packed_answer_is_read(client: Client) -> None:
    packed = gzip.compress(json.dumps(COUNTS).encode())
    stream = Parts([packed[:20], packed[20:]])
    client.told(httpx2.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream))

    assert client(client.inbox.counts()).total == 3


# --- answers -----------------------------------------------------------------------------------------------


def test_an_item_is_read_whole_and_a_newer_servers_members_are_passed_over(client: Client) -> None:
    item = client(client.told(answer(body={**ITEM, "mood": {"of": "the day"}})).inbox.get(ID))

    assert item == Item(
        id=ID,
        scope="business",
        scope_id=ID,
        stream=ID,
        lane=4,
        seq=9,
        position=7,
        event="billing.invoice_paid",
        topic="billing",
        severity="info",
        status="seen",
        seen_at=NOW,
        read_at=None,
        dismissed_at=None,
        snoozed_until=None,
        pinned=False,
        title="Invoice 20814 is paid",
        body=None,
        data={"amount": 12},
        actions=({"label": "Open"},),
        created_at=NOW.replace(microsecond=123456),
        occurred_at=None,
        expires_at=None,
        resolved_at=None,
    )
    assert client.requests[0].url.path == f"/v1/inbox/{ID}"


def test_counts_are_read_whole(client: Client) -> None:
    part = {"total": 2, "unseen": 1, "unread": 1}
    body = {
        **COUNTS,
        "by_scope": [{"scope": "me", "scope_id": None, **part, "newer": 1}],
        "by_topic": {"billing": part},
        "by_severity": {"info": part},
        "position": "AAAA",
    }

    counts = client(client.told(answer(body=body)).inbox.counts())

    tally = Tally(total=2, unseen=1, unread=1)
    assert counts == Counts(
        total=3,
        unseen=2,
        unread=1,
        by_scope=(ScopeTally(scope="me", scope_id=None, total=2, unseen=1, unread=1),),
        by_topic={"billing": tally},
        by_severity={"info": tally},
        position="AAAA",
    )


def test_items_go_on_over_all_pages_and_keep_the_filter(client: Client) -> None:
    client.told(
        answer(body={"items": [ITEM, ITEM], "next_cursor": "a&b"}),
        answer(body={"items": [], "next_cursor": "c"}),  # a search may have looked long, and found none yet
        answer(body={"items": [ITEM], "next_cursor": None}),
    )

    found = client.all(
        client.inbox.items(
            scope="business", scope_id=ID, unread=True, since=NOW, q="Müller & Co", page_size=2
        )
    )

    assert [item.id for item in found] == [ID] * 3
    asked = [dict(request.url.params) for request in client.requests]
    sent = {
        "scope": "business",
        "scope_id": str(ID),
        "unread": "true",
        "since": "2026-03-02T09:30:00+00:00",
        "q": "Müller & Co",
        "limit": "2",
    }
    assert asked == [sent, {**sent, "cursor": "a&b"}, {**sent, "cursor": "c"}]


def test_who_stops_early_fetches_no_further_page(client: Client) -> None:
    client.told(answer(body={"items": [ITEM, ITEM], "next_cursor": "a"}))

    assert len(client.all(client.inbox.items(), most=2)) == 2


def test_one_page_can_be_had_by_itself(client: Client) -> None:
    client.told(answer(body={"items": [ITEM], "next_cursor": "b"}))

    page = client(client.inbox.page(cursor="a", limit=1, topic="billing"))

    assert (len(page.items), page.next_cursor) == (1, "b")
    assert dict(client.requests[0].url.params) == {"topic": "billing", "cursor": "a", "limit": "1"}


def test_preferences_are_read_whole(client: Client) -> None:
    body = {
        "events": [
            {
                "event": "rain",
                "topic": "weather",
                "critical": False,
                "channels": {"email": {"enabled": True, "source": "default"}},
            }
        ],
        "topics": {"weather": {"email": {"enabled": False, "source": "topic"}}},
        "quiet_hours": {"begins": "22:00", "ends": "07:00", "time_zone": "Europe/Lisbon"},
        "available_channels": ["in_app", "email"],
    }

    preferences: Preferences = client(client.told(answer(body=body)).inbox.preferences())

    assert preferences.events[0].channels["email"].source == "default"
    assert preferences.topics == {"weather": {"email": ChannelPreference(enabled=False, source="topic")}}
    assert preferences.quiet_hours is not None
    assert preferences.quiet_hours.time_zone == "Europe/Lisbon"
    assert preferences.available_channels == ("in_app", "email")


# --- what is sent ------------------------------------------------------------------------------------------


def test_operations_are_sent_as_the_contract_has_them(client: Client) -> None:
    inbox, other = client.inbox, uuid4()
    client.told(steady=answer(body={"operation": str(OPERATION), "updated": 2, "counts": TALLY}))

    done: Operation = client(inbox.read(ID, str(other)))
    client(inbox.delete_all(up_to=ID, scope="me", topic="billing"))
    client(inbox.seen_all())
    client(inbox.clear_read(severity=["info", "warning"], event="rain"))
    client(inbox.snooze(ID, until=NOW))
    client(inbox.undo(done))
    client(inbox.undo(ID))

    assert (done.operation, done.updated, done.counts.unread) == (OPERATION, 2, 1)
    assert client.bodies[:5] == [
        {"action": "read", "ids": [str(ID), str(other)]},
        {"action": "delete", "filter": {"scope": "me", "topic": ["billing"]}, "up_to": str(ID)},
        {"action": "seen", "filter": {}},
        {"action": "clear_read", "filter": {"severity": ["info", "warning"], "event": ["rain"]}},
        {"action": "snooze", "ids": [str(ID)], "until": "2026-03-02T09:30:00+00:00"},
    ]
    assert [request.url.path.removeprefix("/v1/inbox/operations") for request in client.requests] == [
        *[""] * 5,
        f"/{OPERATION}/undo",
        f"/{ID}/undo",
    ]


def test_what_changed_nothing_cannot_be_undone(client: Client) -> None:
    client.told(answer(body={"operation": None, "updated": 0, "counts": TALLY}))
    done = client(client.inbox.seen(ID))

    with pytest.raises(ValueError, match="nothing to undo"):
        client.inbox.undo(done)


@pytest.mark.parametrize("key", ["a/b", "a b", "?x=1", "%2F", "ü", "..%2f"])
def test_an_id_or_key_is_one_part_of_the_path_whatever_is_in_it(client: Client, key: str) -> None:
    client.told(answer(204))

    client(client.tidings.clear_alert(ID, key))

    path = client.requests[0].url.raw_path.decode()
    assert path.startswith(f"/v1/businesses/{ID}/live-alerts/")
    assert path.count("/") == 5
    assert client.requests[0].url.path.endswith(f"/live-alerts/{key}")


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.tidings.withdraw(""),
        lambda client: client.tidings.withdraw(".."),
        lambda client: client.tidings.put_event("\ud800", topic="t"),
        lambda client: client.inbox.snooze(ID, until=datetime(2026, 3, 2)),  # noqa: DTZ001 - is refused
        lambda client: client.tidings.send(to={"user": ID}, event="e", title="t", data={"x": float("nan")}),
    ],
)
def test_what_cannot_be_sent_is_refused_before(client: Client, call: Callable[[Client], Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each says it in its own words
        client(call(client))

    assert client.requests == []


@pytest.mark.parametrize("key", ["", " ", " x", "x ", "x\n", "x\0", "a\tb", "ü", "\ud800", "x" * 256])
def test_a_key_that_can_be_none_is_refused_and_not_told(client: Client, key: str) -> None:
    with pytest.raises(ValueError, match=r"^an idempotency key is 1 to 255 .* at an end$"):
        client(client.tidings.send(to={"user": ID}, event="e", title="t", idempotency_key=key))

    assert client.requests == []


@pytest.mark.parametrize("key", ["x", "0", "a b", "!~", "x" * 255])
def test_a_key_is_sent_as_it_is(client: Client, key: str) -> None:
    client.told(answer(201, {"ids": []}))

    client(client.tidings.send(to={"user": ID}, event="e", title="t", idempotency_key=key))

    assert client.requests[0].headers["Idempotency-Key"] == key


def test_any_kind_of_collection_can_be_sent(client: Client) -> None:
    client.told(answer(201, {"ids": []}))
    ids: Iterable[UUID] = (one for one in [ID])

    client(client.tidings.send(to={"users": ids}, event="e", title="t", actions=({"label": "x"},), data={}))

    assert client.bodies == [
        {"to": {"users": [str(ID)]}, "event": "e", "title": "t", "actions": [{"label": "x"}], "data": {}}
    ]


def test_what_is_none_and_what_is_left_out_are_two_things(client: Client) -> None:
    body = {
        "id": str(ID),
        "email": None,
        "email_verified": True,
        "status": "active",
        "role": "member",
        "company_id": None,
        "time_zone": None,
        "locale": None,
        "created_at": "2026-03-02T09:30:00Z",
    }
    client.told(steady=answer(body=body))

    client(client.tidings.put_user(ID, password=None))
    client(client.tidings.put_user(ID))

    assert client.bodies == [{"password": None}, {}]


# --- the client as a whole ---------------------------------------------------------------------------------


def test_a_client_closes_at_the_end_of_its_with(run: Run) -> None:
    transport = httpx2.MockTransport(lambda _: answer(body=COUNTS))
    with Inbox("http://t", "dz_t", transport=transport) as inbox:
        assert inbox.counts().total == 3
    with pytest.raises(RuntimeError):
        inbox.counts()

    async def used() -> None:
        async with AsyncInbox("http://t", "dz_t", transport=transport) as inbox:
            assert (await inbox.counts()).total == 3
        with pytest.raises(RuntimeError):
            await inbox.counts()

    run(used())


def test_the_server_may_live_below_a_path() -> None:
    asked: list[str] = []

    def answered(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        return answer(body=COUNTS)

    for base in ("http://t/tidings", "http://t/tidings/"):
        with Inbox(base, "dz_t", transport=httpx2.MockTransport(answered)) as inbox:
            inbox.counts()

    assert asked == ["/tidings/v1/inbox/counts"] * 2


def test_no_credential_is_told() -> None:
    with Inbox("http://t", "dz_t0k3n", transport=httpx2.MockTransport(lambda _: answer(500))) as inbox:
        with pytest.raises(TidingsError) as failed:
            inbox.counts()
        assert "dz_t0k3n" not in repr(inbox) + repr(failed.value) + repr(vars(failed.value))


@pytest.mark.parametrize("made", [Inbox, AsyncInbox, Tidings, AsyncTidings])
@pytest.mark.parametrize(
    "token", ["", " ", "dz_t0k3n\n", "\ndz_t0k3n", "dz_t0 k3n", "dz_t0k3n\0", "dz_t0k3n\x7f", "dz_t0k3nü"]
)
def test_a_token_that_can_be_none_is_refused_and_not_told(made: Callable[..., Any], token: str) -> None:
    with pytest.raises(ValueError, match=r"^a token is of printable ASCII") as refused:
        made("http://t", token)

    assert "t0" not in str(refused.value)
    assert refused.value.__context__ is None


def test_methods_keep_their_names_and_texts() -> None:
    assert Inbox.undo.__name__ == Inbox("http://t", "dz_t").undo.__name__ == "undo"
    assert "Within ten minutes" in (AsyncInbox("http://t", "dz_t").undo.__doc__ or "")


def test_importing_it_imports_nothing_of_the_server() -> None:
    """Only httpx2, what that needs, and the standard library."""
    script = "import sys, tidings.client; print(*sys.modules, sep='\\n')"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout
    bare = subprocess.run(
        [sys.executable, "-c", script.replace("tidings.client", "httpx2")],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    own = {name for name in said.split() if name.partition(".")[0] == "tidings"}
    others = {name.partition(".")[0] for name in set(said.split()) - set(bare.split()) - own}

    assert own
    assert {name for name in own if not name.startswith("tidings.client")} == {"tidings"}
    assert others <= sys.stdlib_module_names
