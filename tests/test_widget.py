"""The inbox element as it is built and served, and the demo's page around it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import npm
from tests.conftest import MovingClock, Run
from tests.web import PEER, Web
from tidings.app import create_app
from tidings.model import EVERYONE
from tidings.storage.engine import Database
from tidings.surfaces.browser.app import STATIC, Files
from tidings.surfaces.browser.demo import DemoPage, DemoUser


@pytest.fixture
def web(run: Run, database: Database, clock: MovingClock) -> Web:
    return Web(run, database, clock)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- building ----------------------------------------------------------------------------------------------


def test_what_is_served_is_what_the_sources_build(tmp_path: Path, tell: Callable[[str], None]) -> None:
    npm.installed()
    npm.run("run", "build", WIDGET_OUT=str(tmp_path))

    assert content(tmp_path) == content(STATIC), "run `make widget`, and commit what it builds"
    tell(f"the element: {npm.run('run', 'size', WIDGET_OUT=str(tmp_path)).strip().splitlines()[-1]}")


def test_the_widgets_own_types_and_tests_hold() -> None:
    npm.installed()
    npm.run("run", "check")
    npm.run("test")


# --- serving -----------------------------------------------------------------------------------------------


def test_a_version_is_kept_for_ever_and_any_page_may_load_it(web: Web) -> None:
    files = Files()

    for name, expected in content(STATIC).items():
        answer = web.ask("GET", files.address(name), headers={"Origin": "https://product.example"})
        assert (answer.status_code, answer.content) == (200, expected)
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert web.ask("HEAD", files.address(name)).status_code == 200


def test_the_address_without_a_version_leads_to_the_newest(web: Web) -> None:
    answer = web.ask("GET", "/widget/tidings-inbox.js")

    assert (answer.status_code, answer.headers["location"]) == (307, Files().address("tidings-inbox.js"))
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "path",
    [
        "/widget/0123456789ab/tidings-inbox.js",
        "/widget/",
        "/widget/client.js",
        "/widget/x/../app.py",
        "/widget/%2e",
    ],
)
def test_what_is_not_there_is_404(web: Web, path: str) -> None:
    assert web.ask("GET", path).status_code == 404


def test_another_content_is_another_version(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    one = Files(tmp_path)
    (tmp_path / "a.js").write_text("2")

    assert Files(tmp_path).version != one.version


# --- the demo's page ---------------------------------------------------------------------------------------


class Demo:
    """The application with the demo's page, which knows one user."""

    def __init__(self, web: Web) -> None:
        self.web, self.user, self.business = web, web.user(), web.business()
        web.event("invoice_paid")
        ada = DemoUser(
            id=str(self.user), name="Ada", email="ada@example.com", token="dz_x", scopes={"1": "Acme"}
        )
        page = DemoPage(users=[ada], firms=["2"], events=["invoice_paid"])
        self.app = create_app(web.settings, database=web.database, demo=page)

    def ask(self, method: str, path: str, **content: Any) -> httpx2.Response:
        async def asked() -> httpx2.Response:
            transport = httpx2.ASGITransport(self.app, client=(PEER, 40000))
            async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
                return await client.request(method, path, **content)

        return self.web.run(asked())

    def send(self, **body: Any) -> httpx2.Response:
        return self.ask("POST", "/demo/send", content=json.dumps(body))


@pytest.fixture
def demo(web: Web) -> Demo:
    return Demo(web)


def test_the_page_is_the_demos_alone(web: Web, demo: Demo) -> None:
    for path in ("/demo/world.json", "/demo/page.js", "/demo/window.html"):
        assert web.ask("GET", path).status_code == 404
        assert demo.ask("GET", path).status_code == 200
    assert web.ask("POST", "/demo/send", content=b"{}").status_code == 404
    assert "dz_x" not in web.ask("GET", "/").text
    assert "/demo/page.js" in demo.ask("GET", "/").text
    assert "'unsafe-eval'" not in demo.ask("GET", "/").headers["content-security-policy"]


def test_the_page_knows_its_users_and_where_the_element_is(demo: Demo) -> None:
    world = demo.ask("GET", "/demo/world.json").json()

    assert world["users"][0]["token"] == "dz_x"
    assert demo.ask("GET", world["widget"]).status_code == 200


def test_the_form_sends(demo: Demo) -> None:
    for to in (
        {"to": "user", "id": str(demo.user)},
        {"to": "business", "id": str(demo.business.id)},
        {"to": "everyone"},
    ):
        assert demo.send(**to, event="invoice_paid", title="Paid").status_code == 201
    mine = {"Authorization": f"Bearer {demo.web.api_token(demo.user)}"}
    found = demo.web.ask("GET", "/v1/inbox", headers=mine).json()["items"]
    assert {one["stream"] for one in found} == {str(demo.user), str(EVERYONE)}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"to": "user", "event": "invoice_paid", "title": "x"}',
        b'{"to": "user", "id": "0b6e2c34-5b1c-4f6b-9d3c-2a6f0e5d7c11", "event": "e", "title": "x"}',
        b'{"to": "everyone", "event": "unheard_of", "title": "x"}',
        b'{"to": "everyone", "event": "invoice_paid", "title": "\\u0000"}',
        b'{"to": "everyone", "event": "invoice_paid", "title": ""}',
        b"\xff",
    ],
)
def test_what_the_form_cannot_send_is_told(demo: Demo, body: bytes) -> None:
    answer = demo.ask("POST", "/demo/send", content=body)

    assert (answer.status_code, bool(answer.json()["detail"])) == (422, True)


def test_another_sites_form_sends_nothing(demo: Demo) -> None:
    answer = demo.ask("POST", "/demo/send", content=b"{}", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert demo.ask("POST", "/demo/send", content=b"x" * 20_000).status_code == 413
