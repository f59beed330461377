"""What operators write for mails: saved by event and locale, chosen, and shown before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import MovingClock, Run
from tests.web import ANY_JSON, Web, anything_goes, own
from tidings.delivery import mail_templates
from tidings.delivery.channels.email.layout import MOST_ELEMENTS
from tidings.delivery.channels.email.liquid import LARGEST_SOURCE
from tidings.delivery.channels.email.templates import Template, compile_template, default_template
from tidings.errors import TooMany
from tidings.identity.tokens import issue_service_key
from tidings.inbox.append import withdraw
from tidings.storage.engine import Database
from tidings.storage.store import Store
from tidings.storage.tables import template as template_table

EVENT, OTHER = "invoice.paid", "invoice.lost"
LAYOUT = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>Dear reader: {{ heading }}</mj-text>"
    "</mj-column></mj-section></mj-body></mjml>"
)
WORDS = {
    "language": "pt-BR",
    "inbox": "Abrir",
    "reason": "Você pediu.",
    "unsubscribe": "Cancelar",
    "one_unread": "1 aviso",
    "unread": "{count} avisos",
    "more": "E mais {count}.",
}
URL = "https://inbox.acme.example"


class Backend:
    """A product's backend, with a service key and two events."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.user = web.user()
        self._key = web.write(lambda store: issue_service_key(store, "backend"))[1]
        for event in (EVENT, OTHER):
            web.event(event)

    def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx2.Response:
        listed = {"Authorization": f"Bearer {self._key}", **(headers or {})}
        return self.web.ask(method, f"/v1/events/{path}", headers=listed, **content)

    def save(self, event: str, locale: str, **template: Any) -> httpx2.Response:
        answer = self.ask("PUT", f"{event}/templates/{locale}", json=template)
        assert answer.is_success, answer.text
        return answer

    def preview(self, event: str = EVENT, **params: Any) -> httpx2.Response:
        answer = self.ask("GET", f"{event}/preview", params=params)
        assert answer.status_code == 200, answer.text
        return answer

    def rows(self) -> list[tuple[Any, ...]]:
        async def read(store: Store) -> list[tuple[Any, ...]]:
            found = sa.select(template_table).order_by(*template_table.primary_key)
            return [tuple(row) for row in await store.connection.all(found)]

        return self.web.write(read)


@pytest.fixture
def backend(run: Run, database: Database, clock: MovingClock) -> Backend:
    return Backend(Web(run, database, clock, public_url=URL))


def refused(answer: httpx2.Response, status: int, code: str) -> str:
    """What the problem says."""
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["content-type"] == "application/problem+json"
    return problem["detail"]


# --- what is saved -----------------------------------------------------------------------------------------


def test_what_is_saved_is_answered(backend: Backend) -> None:
    said = {"subject": "Olá: {{ title }}", "body": "{{ body }}!", "words": WORDS, "layout": LAYOUT}
    made = backend.save(EVENT, "pt_BR", **said)
    same = backend.ask("GET", f"{EVENT}/templates/PT-br")

    assert made.status_code == 201
    assert made.json() == {"event": EVENT, "locale": "pt-br", **said, "updated_at": "2026-03-02T09:30:00Z"}
    assert same.json() == made.json()
    tag = {"If-None-Match": same.headers["etag"]}
    assert backend.ask("GET", f"{EVENT}/templates/pt-br", headers=tag).status_code == 304


def test_what_is_left_out_takes_its_default(backend: Backend) -> None:
    backend.save(EVENT, "pt-BR", subject="x", body="x", words=WORDS, layout=LAYOUT)
    backend.web.clock.move(hours=1)
    changed = backend.save(EVENT, "pt-BR")

    assert changed.status_code == 200
    assert changed.json() == {
        "event": EVENT,
        "locale": "pt-br",
        "subject": "{{ title }}",
        "body": "{{ body }}",
        "words": {**vars(default_template().source.words), "language": "pt-BR"},
        "layout": None,
        "updated_at": "2026-03-02T10:30:00Z",
    }


def test_the_locales_of_an_event_are_listed_and_those_of_every_event_apart(backend: Backend) -> None:
    for event, locale in ((EVENT, "pt-BR"), (EVENT, "pt"), (EVENT, "*"), (OTHER, "de"), ("*", "fr")):
        backend.save(event, locale)

    def listed(event: str) -> list[tuple[str, str]]:
        items = backend.ask("GET", f"{event}/templates").json()["items"]
        assert {item["updated_at"] for item in items} <= {"2026-03-02T09:30:00Z"}
        return [(item["event"], item["locale"]) for item in items]

    assert listed(EVENT) == [(EVENT, "*"), (EVENT, "pt"), (EVENT, "pt-br")]
    assert listed("*") == [("*", "fr")]
    assert listed("%2A") == [("*", "fr")]


def test_what_is_removed_is_gone_and_nothing_else(backend: Backend) -> None:
    keys = [("*", "*"), ("*", "pt"), (OTHER, "pt"), (EVENT, "*"), (EVENT, "pt"), (EVENT, "pt-br")]
    for event, locale in keys:
        backend.save(event, locale, subject=f"{event} {locale}")
    before = backend.rows()

    assert backend.ask("DELETE", f"{EVENT}/templates/pt").status_code == 204
    refused(backend.ask("DELETE", f"{EVENT}/templates/pt"), 404, "not_found")
    refused(backend.ask("GET", f"{EVENT}/templates/pt"), 404, "not_found")
    assert backend.rows() == [row for row in before if row[:2] != (EVENT, "pt")]
    assert len(before) == len(backend.rows()) + 1

    assert backend.ask("DELETE", "*/templates/*").status_code == 204
    assert [row[:2] for row in backend.rows()] == [
        key
        for key in sorted((event.strip("*"), locale.strip("*")) for event, locale in keys)
        if key not in (("", ""), (EVENT, "pt"))
    ]


def test_a_repeated_key_saves_nothing_again(backend: Backend) -> None:
    key = {"Idempotency-Key": "once"}
    path = f"{EVENT}/templates/pt"
    first = backend.ask("PUT", path, json={"subject": "a"}, headers=key)
    backend.save(EVENT, "pt", subject="b")
    again = backend.ask("PUT", path, json={"subject": "a"}, headers=key)

    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert backend.ask("GET", path).json()["subject"] == "b"


def test_an_event_has_only_so_many(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_templates, "MOST_LOCALES", 2)
    for locale in ("pt", "de", "pt"):
        backend.save(EVENT, locale)

    assert "at most 2" in refused(backend.ask("PUT", f"{EVENT}/templates/fr", json={}), 422, TooMany.code)
    backend.save(OTHER, "fr")


def test_who_wrote_no_layout_gets_that_of_this_version(backend: Backend) -> None:
    """And not the one that another version had when it was saved."""
    backend.save(EVENT, "pt", subject="a")
    backend.save(EVENT, "de", layout=LAYOUT)

    assert [row.html for row in map(_Row, backend.rows())] == [
        compile_template(Template(layout=LAYOUT)).html,
        None,
    ]
    assert "Open your inbox" in backend.preview(locale="pt").json()["html"]


class _Row:
    def __init__(self, row: tuple[Any, ...]) -> None:
        self.html = dict(zip(template_table.columns.keys(), row, strict=True))["html"]


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"subject": "{{ titel }}"}, "subject, line 1: nothing is called 'titel'"),
        ({"body": "a\n{{ body | shout }}"}, "body, line 2: there is no filter 'shout'"),
        ({"body": "{% for a in actions %}"}, "body: expected tag endfor"),
        ({"body": "{% include 'x' %}"}, "body, line 1: "),
        ({"body": "x" * (LARGEST_SOURCE + 1)}, "body: it is longer than 50,000 characters"),
        ({"layout": "<mjml>\n<mj-body>\n<mj-oops />\n</mj-body></mjml>"}, "layout, line 3: "),
        ({"layout": "<mjml>"}, "layout"),
        ({"layout": ""}, "layout"),
        (
            {"layout": LAYOUT.replace("Dear", "<b></b>" * MOST_ELEMENTS)},
            "layout: it has more than 500 elements",
        ),
    ],
)
def test_a_template_that_cannot_work_is_refused_with_its_place(
    backend: Backend, template: dict[str, Any], said: str
) -> None:
    for method, path in (("PUT", f"{EVENT}/templates/pt"), ("POST", f"{EVENT}/preview")):
        assert said in refused(backend.ask(method, path, json=template), 422, "invalid_input")
    assert backend.rows() == []


@pytest.mark.parametrize(
    "template",
    [
        {"subject": None},
        {"subject": "a\0"},
        {"subject": "\ud800"},
        {"html": "<b>"},
        {"words": {"inbox": ""}},
        {"words": {"inbox": "a\nb"}},
        {"words": {"reason": "x" * 1001}},
        {"words": {"language": '"><script>'}},
        {"words": {"footer": "x"}},
        [],
    ],
)
def test_a_body_that_is_no_template_is_refused(backend: Backend, template: Any) -> None:

    content = {"content": json.dumps(template), "headers": {"Content-Type": "application/json"}}
    refused(backend.ask("PUT", f"{EVENT}/templates/pt", **content), 422, "invalid_request")
    assert backend.rows() == []


@pytest.mark.parametrize(
    "locale", ["p", "pt-", "-", "pt--br", "**", "pt.UTF-8", "pt-" + "x" * 33, "%00", "ü"]
)
def test_what_is_no_locale_is_refused(backend: Backend, locale: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        body = {"json": {}} if method == "PUT" else {}
        refused(backend.ask(method, f"{EVENT}/templates/{locale}", **body), 422, "invalid_request")
    refused(backend.ask("GET", f"{EVENT}/preview?locale={locale}"), 422, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "no.such/templates"),
        ("GET", "no.such/templates/pt"),
        ("PUT", "no.such/templates/pt"),
        ("DELETE", "no.such/templates/pt"),
        ("GET", "no.such/preview"),
        ("POST", "no.such/preview"),
    ],
)
def test_an_event_that_there_is_not_is_not_found(backend: Backend, method: str, path: str) -> None:
    backend.save("*", "pt")
    body = {"json": {}} if method in ("PUT", "POST") else {}

    assert "no.such" in refused(backend.ask(method, path, **body), 404, "not_found")


def test_no_preview_is_of_every_event(backend: Backend) -> None:
    refused(backend.ask("GET", "*/preview"), 422, "invalid_request")


@anything_goes
@given(ANY_JSON, ANY_JSON, st.sampled_from(["subject", "body", "layout", "words"]))
def test_whatever_is_sent_is_answered(backend: Backend, one: Any, other: Any, name: str) -> None:

    for said in ({name: one}, {name: {"inbox": other}}, other):
        content = {"content": json.dumps(said), "headers": {"Content-Type": "application/json"}}
        answer = backend.ask("POST", f"{EVENT}/preview", **content)
        assert answer.status_code in (200, 400, 422), answer.text


# --- which one it is ---------------------------------------------------------------------------------------


def test_the_nearest_is_taken_and_the_default_one_last(backend: Backend) -> None:
    keys = [(EVENT, "pt-br"), (EVENT, "pt"), (EVENT, "*"), ("*", "pt-br"), ("*", "pt"), ("*", "*")]
    for event, locale in (*keys, (OTHER, "pt-br"), (EVENT, "de"), (EVENT, "pt-pt")):
        backend.save(event, locale, subject=f"{event} {locale}")

    for event, locale in keys:
        found = backend.preview(locale="pt-BR").json()
        assert (found["subject"], found["template"]) == (
            f"{event} {locale}",
            {"event": event, "locale": locale},
        )
        backend.ask("DELETE", f"{event}/templates/{locale}")
    found = backend.preview(locale="pt-BR").json()
    assert (found["subject"], found["template"]) == (f"The title of a notification of {EVENT}", None)


def test_who_has_no_locale_gets_what_is_for_every_one(backend: Backend) -> None:
    backend.save(EVENT, "pt", subject="pt")
    assert backend.preview().json()["template"] is None
    backend.save("*", "*", subject="all")
    assert backend.preview().json()["subject"] == "all"


# --- previews ----------------------------------------------------------------------------------------------


def test_a_preview_is_the_mail_in_each_form(backend: Backend) -> None:
    backend.save(EVENT, "pt", subject="Olá: {{ title }}", words=WORDS)
    whole = backend.preview(locale="pt").json()
    html = backend.preview(locale="pt", format="html")
    text = backend.preview(locale="pt", format="text")

    assert whole["subject"] == f"Olá: The title of a notification of {EVENT}"
    assert (html.text, text.text) == (whole["html"], whole["text"])
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert 'lang="pt-BR"' in whole["html"]
    assert "Você pediu." in whole["text"]
    assert f"Abrir: {URL}\n" in whole["text"]
    refused(backend.ask("GET", f"{EVENT}/preview?format=pdf"), 422, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_of_a_preview_runs_nothing(backend: Backend, method: str) -> None:
    body = {"json": {"layout": LAYOUT}} if method == "POST" else {}
    answer = backend.ask(method, f"{EVENT}/preview?format=html", **body)

    policy = dict(
        part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert "allow-scripts" not in policy["sandbox"]
    assert "allow-same-origin" not in policy["sandbox"]
    assert not {"script-src", "connect-src", "form-action"} & policy.keys()
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_preview_has_no_link_that_unsubscribes(backend: Backend) -> None:
    whole = backend.preview().json()

    for part in ("text", "html"):
        assert f"{URL}/api/v1/notifications/unsubscribe" in whole[part]
        assert "unsubscribe?" not in whole[part]


def test_without_an_address_of_its_own_a_preview_leads_somewhere(
    run: Run, database: Database, clock: MovingClock
) -> None:
    whole = Backend(Web(run, database, clock)).preview().json()

    assert "Open your inbox: https://inbox.example\n" in whole["text"]


def test_a_preview_can_be_of_a_real_notification(backend: Backend) -> None:
    backend.save(EVENT, "*", subject="{{ title }}: {{ data.amount }}")
    business = backend.web.business()
    for to in (own(backend.user), business):
        [id_] = backend.web.tell(to, event=EVENT, title="Paid", data={"amount": 12})
        assert backend.preview(notification_id=id_).json()["subject"] == "Paid: 12"


def test_a_preview_of_what_is_gone_or_of_another_event_is_not_found(backend: Backend) -> None:
    [gone] = backend.web.tell(own(backend.user), event=EVENT)
    [other] = backend.web.tell(own(backend.user), event=OTHER)
    assert backend.preview(notification_id=gone)
    backend.web.write(lambda store: withdraw(store, gone))

    for id_ in (gone, other, uuid4()):
        answer = backend.ask("GET", f"{EVENT}/preview", params={"notification_id": id_})
        refused(answer, 404, "notification_not_found")


def test_a_template_is_shown_before_it_is_saved(backend: Backend) -> None:
    backend.save(EVENT, "pt", subject="saved")
    [id_] = backend.web.tell(own(backend.user), event=EVENT, title="Paid")

    answer = backend.ask(
        "POST", f"{EVENT}/preview?locale=pt&notification_id={id_}", json={"subject": "New: {{ title }}"}
    )

    assert (answer.json()["subject"], answer.json()["template"]) == ("New: Paid", None)
    assert 'lang="pt"' in answer.json()["html"]
    assert backend.preview(locale="pt").json()["subject"] == "saved"


def test_a_preview_tells_why_a_template_fails(backend: Backend) -> None:
    body = {"body": "{% for a in data.many %}{% for b in data.many %}x{% endfor %}{% endfor %}"}
    [id_] = backend.web.tell(own(backend.user), event=EVENT, data={"many": [*range(100)]})
    backend.save(EVENT, "*", **body)

    assert backend.preview()
    for method, content in (("GET", {}), ("POST", {"json": body})):
        answer = backend.ask(method, f"{EVENT}/preview?notification_id={id_}", **content)
        assert "fails for this notification: loop iteration limit" in refused(answer, 422, "invalid_input")
