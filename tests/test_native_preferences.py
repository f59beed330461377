"""The native contract's preferences: channels by event and by topic, and quiet hours."""

from __future__ import annotations

import json
from datetime import datetime, time
from itertools import product
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import MovingClock, Run
from tests.test_inbox_api import Inbox
from tests.test_native import refused
from tests.web import ANY_JSON, ESCAPED, Web, anything_goes, own
from tidings.inbox.catalog import CHANNELS, put_event
from tidings.inbox.preferences import Choice, Source, overview, resolved
from tidings.inbox.quiet_hours import in_quiet_hours
from tidings.inbox.reach import reach_of
from tidings.model import Event, QuietHours, Reader, Severity
from tidings.storage.engine import Database
from tidings.storage.store import Store

Json = dict[str, Any]


class Chooser(Inbox):
    """A user over HTTP, and what they chose."""

    def preferences(self) -> Json:
        answer = self.ask("GET", "/preferences")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def choose(self, path: str, body: Any) -> httpx2.Response:
        return self.ask("PUT", f"/preferences/{path}", json=body)

    def channel(self, event: str, channel: str) -> tuple[bool, str]:
        """Whether it is on, and what decides."""
        [found] = [one for one in self.preferences()["events"] if one["event"] == event]
        return found["channels"][channel]["enabled"], found["channels"][channel]["source"]


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    web = Web(run, database, clock)
    web.write(lambda s: put_event(s, "tax.due", topic="tax", channels={"email": True}))
    web.write(lambda s: put_event(s, "tax.paid", topic="tax", channels={"in_app": False}))
    web.write(lambda s: put_event(s, "breach", topic="security", channels={}, critical=True))
    return web


@pytest.fixture
def ada(web: Web) -> Chooser:
    return _chooser(web)


def _chooser(web: Web) -> Chooser:
    user = web.user()
    return Chooser(web, web.api_token(user), user)


# --- channels ----------------------------------------------------------------------------------------------


def test_who_chose_nothing_has_the_defaults(ada: Chooser) -> None:
    told = ada.preferences()

    assert [one["event"] for one in told["events"]] == ["tax.due", "tax.paid", "breach"]
    assert told["events"][0] == {
        "event": "tax.due",
        "topic": "tax",
        "critical": False,
        "channels": {
            channel: {"enabled": channel in ("in_app", "email"), "source": "default"} for channel in CHANNELS
        },
    }
    assert told["events"][2]["channels"]["email"] == {"enabled": True, "source": "critical"}
    assert told["events"][2]["channels"]["push"] == {"enabled": False, "source": "default"}
    assert (told["quiet_hours"], told["available_channels"]) == (None, ["in_app"])


def test_every_topic_tells_of_every_channel_where_it_comes_from(ada: Chooser, web: Web) -> None:
    restricts_nothing = {channel: {"enabled": True, "source": "default"} for channel in CHANNELS}
    topics = web.write(lambda s: s.catalog.topics())

    before = ada.preferences()["topics"]
    chosen = ada.choose("topics/tax", {"in_app": True, "push": False}).json()["topics"]
    taken_back = ada.choose("topics/tax", {"in_app": None, "push": None}).json()["topics"]

    assert {"tax", "security"} <= set(topics)
    assert list(before) == topics
    assert before == taken_back == dict.fromkeys(topics, restricts_nothing)
    assert chosen == before | {
        "tax": restricts_nothing
        | {
            "in_app": {"enabled": True, "source": "topic"},
            "push": {"enabled": False, "source": "topic"},
        }
    }


def test_the_event_decides_before_its_topic_unless_that_is_off(ada: Chooser) -> None:
    assert ada.channel("tax.paid", "in_app") == (False, "default")
    ada.choose("topics/tax", {"in_app": True, "push": True})
    assert ada.channel("tax.paid", "in_app") == (True, "topic")
    ada.choose("events/tax.paid", {"push": False, "in_app": False})
    assert ada.channel("tax.paid", "push") == (False, "event")
    assert ada.channel("tax.due", "push") == (True, "topic")
    ada.choose("events/tax.paid", {"push": True})
    ada.choose("topics/tax", {"push": False})
    assert ada.channel("tax.paid", "push") == (False, "topic")
    assert ada.channel("tax.paid", "in_app") == (False, "event")


def test_null_takes_a_choice_back_and_what_is_not_named_stays(ada: Chooser) -> None:
    ada.choose("events/tax.due", {"email": False, "push": True, "sms": True})
    ada.choose("topics/tax", {"chat": True, "sms": False})

    answer = ada.choose("events/tax.due", {"email": None, "push": False, "chat": None})
    ada.choose("topics/tax", {"sms": None})
    ada.choose("events/tax.due", {})

    assert answer.status_code == 200
    assert ada.channel("tax.due", "email") == (True, "default")
    assert ada.channel("tax.due", "push") == (False, "event")
    assert ada.channel("tax.due", "sms") == (True, "event")
    assert ada.channel("tax.due", "chat") == (True, "topic")
    assert ada.choose("topics/tax", {"chat": None}).json() == ada.preferences()


def test_what_is_critical_cannot_be_switched_off(ada: Chooser) -> None:
    off = dict.fromkeys(CHANNELS, False)
    for path in ("events/breach", "topics/security"):
        ada.choose(path, off)

    assert ada.channel("breach", "in_app") == ada.channel("breach", "email") == (True, "critical")
    assert ada.channel("breach", "push") == (False, "topic")


def test_what_is_switched_off_in_the_app_leaves_the_list(ada: Chooser, web: Web) -> None:
    web.tell(own(ada.id), event="tax.due", topic="tax")
    assert ada.counts()["total"] == 1
    ada.choose("events/tax.due", {"in_app": False})
    assert ada.counts()["total"] == 0
    ada.choose("events/tax.due", {"in_app": None})
    assert ada.counts()["total"] == 1
    ada.choose("topics/tax", {"in_app": False})
    assert ada.items() == []


def test_the_rule_is_that_of_what_is_in_reach(web: Web, ada: Chooser) -> None:
    kinds = list(product((True, False), (None, True, False), (None, True, False)))

    async def chosen(store: Store) -> None:
        for number, (default, of_event, of_topic) in enumerate(kinds):
            key, topic = f"e{number}", f"t{number}"
            await put_event(store, key, topic=topic, channels={"in_app": default}, critical=False)
            await put_event(store, f"{key}.critical", topic=topic, channels={}, critical=True)
            for subject, name, on in (
                ("event", key, of_event),
                ("event", f"{key}.critical", of_event),
                ("topic", topic, of_topic),
            ):
                if on is not None:
                    await store.catalog.set_channels(ada.id, subject, name, {"in_app": on})

    async def both(store: Store) -> tuple[set[int], set[int]]:
        told = await overview(store, ada.id)
        off = {event.number for event, of in told.events.values() if not of["in_app"].enabled}
        return off, set((await reach_of(store, Reader(id=ada.id))).off)

    web.write(chosen)
    told, reached = web.write(both)
    assert told == reached
    assert len(told) > len(kinds) / 2


_EVENT = Event(key="e", number=1, topic="t", severity=Severity.INFO, channels={"email": True})
_CRITICAL = Event(key="c", number=2, topic="t", severity=Severity.INFO, channels={}, critical=True)


@pytest.mark.parametrize(
    ("event", "channel", "of_event", "of_topic", "enabled", "source"),
    [
        (_EVENT, "email", None, None, True, "default"),
        (_EVENT, "push", None, None, False, "default"),
        (_EVENT, "push", None, True, True, "topic"),
        (_EVENT, "push", True, None, True, "event"),
        (_EVENT, "email", False, True, False, "event"),
        (_EVENT, "email", True, False, False, "topic"),
        (_CRITICAL, "in_app", False, False, True, "critical"),
        (_CRITICAL, "email", False, False, True, "critical"),
        (_CRITICAL, "push", None, None, False, "default"),
    ],
)
def test_each_choice_says_where_it_comes_from(
    event: Event, channel: str, of_event: bool | None, of_topic: bool | None, enabled: bool, source: str
) -> None:
    assert resolved(event, channel, of_event, of_topic) == Choice(enabled=enabled, source=Source(source))


# --- quiet hours -------------------------------------------------------------------------------------------


def test_quiet_hours_are_set_and_taken_away(ada: Chooser) -> None:
    hours = {"begins": "22:00", "ends": "07:05", "time_zone": "Europe/Lisbon"}

    answer = ada.choose("quiet-hours", hours)

    assert answer.status_code == 200
    assert answer.json() == ada.preferences()
    assert ada.preferences()["quiet_hours"] == hours
    other = {"begins": "00:00", "ends": "23:59", "time_zone": "UTC"}
    assert ada.choose("quiet-hours", other).json()["quiet_hours"] == other
    for _ in range(2):
        answer = ada.ask("DELETE", "/preferences/quiet-hours")
        assert (answer.status_code, answer.json()["quiet_hours"]) == (200, None)


def test_quiet_hours_that_cannot_be_are_refused(ada: Chooser) -> None:
    good = {"begins": "22:00", "ends": "07:00", "time_zone": "Europe/Lisbon"}
    for wrong in (
        {"ends": "22:00"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../UTC"},
        {"time_zone": ""},
    ):
        refused(ada.choose("quiet-hours", good | wrong), 422, "invalid_input")
    refused(ada.choose("quiet-hours", good | {"time_zone": "America"}), 422, "invalid_input")
    for wrong in (
        {"begins": "24:00"},
        {"begins": "7:00"},
        {"begins": 7},
        {"ends": "07:00:00"},
        {"ends": "٠٧:٠٠"},
        {"ends": "07:00\n"},
        {"time_zone": "UTC\0"},
        {"time_zone": "x" * 65},
        {"time_zone": None},
        {"more": 1},
    ):
        refused(ada.choose("quiet-hours", good | wrong), 422, "invalid_request")
    refused(ada.choose("quiet-hours", {}), 422, "invalid_request")
    assert ada.preferences()["quiet_hours"] is None


def _quiet(begins: str, ends: str, zone: str = "UTC") -> QuietHours:
    return QuietHours(begins=time.fromisoformat(begins), ends=time.fromisoformat(ends), time_zone=zone)


@pytest.mark.parametrize(
    ("quiet", "at", "expected"),
    [
        (_quiet("22:00", "07:00"), "2026-03-02T21:59:59.999999Z", False),
        (_quiet("22:00", "07:00"), "2026-03-02T22:00:00Z", True),
        (_quiet("22:00", "07:00"), "2026-03-03T00:00:00Z", True),
        (_quiet("22:00", "07:00"), "2026-03-03T06:59:59Z", True),
        (_quiet("22:00", "07:00"), "2026-03-03T07:00:00Z", False),
        (_quiet("12:00", "13:30"), "2026-03-03T13:29:00Z", True),
        (_quiet("12:00", "13:30"), "2026-03-03T13:30:00Z", False),
        (_quiet("12:00", "13:30"), "2026-03-03T11:59:00Z", False),
        (_quiet("00:00", "08:00"), "2026-03-03T00:00:00Z", True),
        (_quiet("22:00", "00:00"), "2026-03-03T23:59:00Z", True),
        (_quiet("22:00", "00:00"), "2026-03-03T00:00:00Z", False),
        (_quiet("22:00", "07:00", "Asia/Tokyo"), "2026-03-02T13:00:00Z", True),
        (_quiet("22:00", "07:00", "Asia/Kathmandu"), "2026-03-02T16:14:00Z", False),
        (_quiet("22:00", "07:00", "Asia/Kathmandu"), "2026-03-02T16:15:00Z", True),
        # Berlin, 29 March 2026: at 01:00 UTC the clocks go from 02:00 to 03:00.
        (_quiet("02:00", "03:00", "Europe/Berlin"), "2026-03-29T00:59:59Z", False),
        (_quiet("02:00", "03:00", "Europe/Berlin"), "2026-03-29T01:00:00Z", False),
        (_quiet("22:00", "07:00", "Europe/Berlin"), "2026-03-29T04:59:00Z", True),
        (_quiet("22:00", "07:00", "Europe/Berlin"), "2026-03-29T05:00:00Z", False),
        (_quiet("22:00", "07:00", "Europe/Berlin"), "2026-03-28T05:30:00Z", True),
        # 25 October 2026: at 01:00 UTC they go from 03:00 back to 02:00.
        (_quiet("02:00", "03:00", "Europe/Berlin"), "2026-10-25T00:30:00Z", True),
        (_quiet("02:00", "03:00", "Europe/Berlin"), "2026-10-25T01:30:00Z", True),
        (_quiet("02:00", "03:00", "Europe/Berlin"), "2026-10-25T02:00:00Z", False),
        (_quiet("22:00", "07:00", "Europe/Berlin"), "2026-10-25T05:59:00Z", True),
        (_quiet("22:00", "07:00", "Europe/Berlin"), "2026-10-25T06:00:00Z", False),
    ],
)
def test_quiet_hours_go_by_the_clocks_of_the_time_zone(quiet: QuietHours, at: str, expected: bool) -> None:
    assert in_quiet_hours(quiet, datetime.fromisoformat(at)) is expected


# --- who, and what is refused ------------------------------------------------------------------------------


def test_nobody_chooses_for_another(ada: Chooser, web: Web) -> None:
    bob = _chooser(web)
    before = bob.preferences()
    ada.choose("events/tax.due", {"email": False})
    ada.choose("topics/tax", {"push": True})
    ada.choose("quiet-hours", {"begins": "22:00", "ends": "07:00", "time_zone": "UTC"})

    assert bob.preferences() == before
    bob.ask("DELETE", "/preferences/quiet-hours")
    assert ada.preferences()["quiet_hours"] is not None


def test_a_company_has_no_preferences(web: Web) -> None:
    company = web.business()
    clerk = Chooser(web, web.jwt(web.user(company_id=company.id), "company"), company.id)

    refused(clerk.ask("GET", "/preferences"), 403, "forbidden")
    for path, body in (("events/tax.due", {}), ("topics/tax", {}), ("quiet-hours", {"begins": 1})):
        refused(clerk.choose(path, body), 403, "forbidden")
    refused(clerk.ask("DELETE", "/preferences/quiet-hours"), 403, "forbidden")


def test_a_choice_that_does_not_fit_is_refused(ada: Chooser) -> None:
    for path in ("events/nope", "topics/nope", "events/tax", "topics/tax.due", f"events/{uuid4()}"):
        refused(ada.choose(path, {"email": True}), 404, "not_found")
    for body in ({"fax": True}, {"email": 1}, {"email": "true"}, [], None, "x", {"inApp": True}):
        for path in ("events/tax.due", "topics/tax"):
            refused(ada.choose(path, body), 422, "invalid_request")


def test_a_repeated_choice_with_its_key_is_made_once(ada: Chooser) -> None:
    def choose(on: bool) -> httpx2.Response:
        headers = {"Idempotency-Key": "k"}
        return ada.ask("PUT", "/preferences/events/tax.due", json={"push": on}, headers=headers)

    first = choose(True)
    ada.choose("events/tax.due", {"push": False})

    assert choose(True).json() == first.json()
    assert ada.channel("tax.due", "push") == (False, "event")
    refused(choose(False), 422, "idempotency_mismatch")


@anything_goes
@given(
    ESCAPED, ANY_JSON | st.dictionaries(st.sampled_from([*CHANNELS, "begins", "ends", "time_zone"]), ANY_JSON)
)
def test_any_choice_is_answered(ada: Chooser, path: str, body: Any) -> None:
    headers = {"Content-Type": "application/json"}
    for target in (f"events/{path or 'x'}", "topics/tax", "quiet-hours"):
        answer = ada.ask("PUT", f"/preferences/{target}", content=json.dumps(body), headers=headers)
        assert answer.status_code in (200, 404, 422), answer.text
