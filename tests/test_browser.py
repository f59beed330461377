"""The inbox element in a real browser, on the demo's page, as people use it.

What each state looks like is kept in .screenshots, outside of git.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page, Route, expect

from tests import npm
from tests.chromium import browser as running_browser
from tests.servers import valkey

SHOTS = Path(__file__).parent.parent / ".screenshots"
PATIENCE_MS = 15_000
AXE = "node_modules/axe-core/axe.min.js"
OPERATIONS = "**/v1/inbox/operations"

expect.set_options(timeout=PATIENCE_MS)


class Demo:
    """A `tidings demo` in a process of its own."""

    def __init__(self, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._options = options
        self.start()

    def start(self) -> None:
        main = "from tidings.cli.main import app; app()"
        command = [sys.executable, "-c", main, "demo", "--json", "--port", str(self.port), *self._options]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        self.world: dict[str, Any] = json.loads(self._process.stdout.readline())

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=30)

    @property
    def url(self) -> str:
        return self.world["base_url"]

    def user(self, number: int) -> str:
        return self.world["users"][number]["id"]

    def ask(self, page: Page, method: str, path: str, number: int, body: Any = None) -> Any:
        """One call of the native API, as a user, past the element."""
        headers = {"Authorization": f"Bearer {self.world['users'][number]['token']}"}
        answer = page.request.fetch(self.url + path, method=method, headers=headers, data=body)
        assert answer.ok, answer.text()
        return answer.json()

    def unread(self, page: Page, number: int) -> int:
        return self.ask(page, "GET", "/v1/inbox/counts", number)["unread"]

    def send(self, page: Page, number: int, title: str, event: str = "billing.invoice_paid") -> str:
        """Tell a user something; its id."""
        body = {"to": "user", "id": self.user(number), "event": event, "title": title}
        answer = page.request.post(f"{self.url}/demo/send", data=json.dumps(body))
        assert answer.ok, answer.text()
        return answer.json()["id"]


@pytest.fixture(scope="module")
def demos(
    tmp_path_factory: pytest.TempPathFactory, new_postgres_url: Callable[[], str]
) -> Generator[dict[str, Demo]]:
    """On SQLite, with nothing else; and in two processes on PostgreSQL with Valkey between them."""
    folder = tmp_path_factory.mktemp("demo")
    with valkey() as wakeups:
        several = ("--database", new_postgres_url(), "--workers", "2", "--redis", wakeups.url)
        made = {"sqlite": Demo("--data", str(folder)), "postgresql": Demo(*several)}
        yield made
        for demo in made.values():
            demo.stop()


@pytest.fixture(scope="module")
def browser(demos: dict[str, Demo]) -> Generator[Browser]:
    """Once the servers run: beside it no event loop can be started."""
    npm.installed()
    SHOTS.mkdir(exist_ok=True)
    with running_browser() as running:
        yield running


@pytest.fixture
def demo(demos: dict[str, Demo]) -> Demo:
    return demos["sqlite"]


class Inbox:
    """The element in a window of the product."""

    def __init__(self, demo: Demo, page: Page | FrameLocator, number: int = 0) -> None:
        self.demo, self.page, self.number = demo, page, number
        self.bell = page.locator("tidings-inbox .bell")
        self.panel = page.locator("tidings-inbox [role=dialog]")
        self.items = self.panel.locator(".item")
        self.toast = self.panel.locator(".toast")

    def expect_unread(self, number: int) -> None:
        told = f"{number} unread" if number else "none unread"
        expect(self.bell).to_have_attribute("aria-label", f"Notifications, {told}")

    def open(self) -> Inbox:
        self.bell.click()
        expect(self.panel).to_be_visible()
        expect(self.items.first).to_be_visible()
        return self

    def button(self, name: str) -> Locator:
        return self.panel.get_by_role("button", name=name, exact=True)

    def item(self, title: str) -> Locator:
        return self.items.filter(has_text=title)

    def choose(self, item: Locator, name: str) -> None:
        item.locator("[aria-haspopup=menu]").click()
        self.panel.get_by_role("menuitem", name=name, exact=True).click()


Opening = Callable[..., tuple[Page, Inbox]]


@pytest.fixture
def window(browser: Browser, demo: Demo) -> Generator[Opening]:
    """Opens a window of a user of the demo; `options` are those of a browser context."""
    contexts: list[BrowserContext] = []

    def opened(number: int = 0, *, at: Demo = demo, **options: Any) -> tuple[Page, Inbox]:
        contexts.append(browser.new_context(viewport={"width": 900, "height": 800}, **options))
        page = contexts[-1].new_page()
        page.goto(f"{at.url}/demo/window.html#{at.user(number)}")
        return page, Inbox(at, page, number)

    yield opened
    for context in contexts:
        context.close()


# --- journeys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_windows_hear_mark_and_undo_together(browser: Browser, demos: dict[str, Demo], kind: str) -> None:
    demo = demos[kind]
    context = browser.new_context(viewport={"width": 1400, "height": 940})
    page = context.new_page()
    page.goto(demo.url)
    windows = [Inbox(demo, page.frame_locator(f"iframe >> nth={number}")) for number in range(2)]
    before = demo.unread(page, 0)
    assert before > 0
    for one in windows:
        one.expect_unread(before)
    page.screenshot(path=SHOTS / f"demo-{kind}.png")

    page.get_by_label("Title").fill("Here it comes")
    page.get_by_role("button", name="Send").click()
    for one in windows:
        one.expect_unread(before + 1)

    first, second = (one.open() for one in windows)
    expect(first.item("Here it comes")).to_be_visible()
    first.button("Mark all as read").click()
    for one in windows:
        expect(one.bell).to_have_attribute("aria-label", "Notifications, none unread")
    expect(first.toast).to_contain_text(f"{before + 1} marked as read")
    assert demo.unread(page, 0) == 0
    page.screenshot(path=SHOTS / f"marked-{kind}.png")
    first.toast.get_by_role("button", name="Undo").click()
    for one in windows:
        one.expect_unread(before + 1)
    expect(second.item("Here it comes").locator(".dot")).to_be_visible()
    assert demo.unread(page, 0) == before + 1
    context.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_mailed_is_in_the_outbox_and_can_be_unsubscribed_from(
    browser: Browser, demos: dict[str, Demo], kind: str
) -> None:
    demo = demos[kind]
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    page = context.new_page()
    demo.send(page, 2, "The <first> of them", event="email_ingest.unreadable")
    page.goto(demo.url)
    page.get_by_role("link", name="Outbox").click()
    subject = page.get_by_role("link", name="The <first> of them")
    last = time.monotonic() + PATIENCE_MS / 1000
    while not subject.count():  # it is sent beside the answer
        assert time.monotonic() < last
        page.wait_for_timeout(50)
        page.reload()
    subject.click()

    mail = page.frame_locator("iframe")
    expect(mail.get_by_role("heading", name="The <first> of them")).to_be_visible()
    page.screenshot(path=SHOTS / f"mail-{kind}.png")
    page.get_by_text("Headers").click()
    expect(page.get_by_role("cell", name="List-Unsubscribe=One-Click")).to_be_visible()
    with page.expect_popup() as opened:
        mail.get_by_role("link", name="Unsubscribe").click()
    expect(opened.value.get_by_role("heading")).to_have_text("You are unsubscribed")

    second = demo.send(page, 2, "The second of them", event="email_ingest.unreadable")
    asked = f"{demo.url}/v1/notifications/{second}/deliveries"
    key = {"Authorization": f"Bearer {demo.world['service_key']}"}
    while (delivery := page.request.get(asked, headers=key).json()["items"][0])["reason"] is None:
        assert time.monotonic() < last
        page.wait_for_timeout(50)
    assert delivery["reason"] == "off"
    context.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_digest_waits_in_the_outbox_and_can_be_sent(
    browser: Browser, demos: dict[str, Demo], kind: str
) -> None:
    demo = demos[kind]
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    page = context.new_page()
    for title in ("One for the morning", "Another for the morning"):
        demo.send(page, 0, title, event="billing.invoice_paid")
    page.goto(f"{demo.url}/demo/outbox")
    send = page.get_by_role("button", name="Send now")
    last = time.monotonic() + PATIENCE_MS / 1000
    while not send.count():  # which digest it waits for is found out beside the answer
        assert time.monotonic() < last
        page.wait_for_timeout(50)
        page.reload()
    page.screenshot(path=SHOTS / f"outbox-{kind}.png")
    send.click()

    expect(send).to_have_count(0)
    to_first = page.get_by_role("row").filter(has_text=demo.world["users"][0]["email"])
    to_first.get_by_role("link", name="unread notification").first.click()
    mail = page.frame_locator("iframe")
    expect(mail.get_by_role("heading")).to_contain_text("unread notification")
    for title in ("One for the morning", "Another for the morning"):
        expect(mail.locator("strong").get_by_text(title, exact=True)).to_be_visible()
    page.screenshot(path=SHOTS / f"digest-{kind}.png")
    context.close()


def test_one_is_read_dismissed_brought_back_pinned_and_snoozed(window: Opening, demo: Demo) -> None:
    page, inbox = window(1)
    demo.send(page, 1, "One to play with")
    inbox.open()
    mine = inbox.item("One to play with")

    mine.locator(".main").click()
    expect(mine.locator(".dot")).to_have_count(0)
    inbox.choose(mine, "Mark as unread")
    expect(mine.locator(".dot")).to_be_visible()
    inbox.choose(mine, "Pin")
    expect(inbox.items.first).to_contain_text("One to play with")
    expect(mine.locator(".dot")).to_be_visible()
    mine.locator("[aria-haspopup=menu]").click()
    page.wait_for_timeout(200)  # until it has appeared
    page.screenshot(path=SHOTS / "menu.png")
    inbox.panel.get_by_role("menuitem", name="Snooze for an hour").click()
    expect(mine).to_have_count(0)
    inbox.toast.get_by_role("button", name="Undo").click()
    expect(mine).to_be_visible()
    inbox.choose(mine, "Dismiss")
    expect(mine).to_have_count(0)
    inbox.panel.get_by_role("tab", name="Done").click()
    expect(mine).to_be_visible()
    page.screenshot(path=SHOTS / "done.png")
    inbox.choose(mine, "Move back")
    inbox.panel.get_by_role("tab", name="Open").click()
    expect(mine).to_be_visible()


def test_filters_narrow_and_more_comes_with_scrolling(window: Opening, demo: Demo) -> None:
    page, inbox = window(0)
    inbox.open()
    counts = demo.ask(page, "GET", "/v1/inbox/counts", 0)
    assert counts["total"] > 50
    expect(inbox.panel.get_by_role("tab", name="Open")).to_contain_text(str(counts["total"]))
    for _ in range(30):
        inbox.panel.locator(".list").evaluate("list => list.scrollTo(0, list.scrollHeight)")
        if inbox.items.count() == counts["total"]:
            break
        page.wait_for_timeout(100)
    expect(inbox.items).to_have_count(counts["total"])

    chip = inbox.panel.locator(".chip", has_text="Urgent")
    expect(chip).to_contain_text(str(counts["by_severity"]["urgent"]["total"]))
    chip.click()
    expect(inbox.items.filter(has=page.locator(".urgent")).first).to_be_visible()
    expect(inbox.items.filter(has_not=page.locator(".urgent"))).to_have_count(0)
    page.screenshot(path=SHOTS / "filtered.png")
    inbox.panel.get_by_label("Whose").select_option(index=1)
    expect(inbox.panel.get_by_label("Whose")).to_have_value("me ")


def test_preferences_stay(window: Opening) -> None:
    page, inbox = window(2)
    inbox.open().button("Preferences").click()
    boxes = inbox.panel.get_by_role("checkbox", disabled=False)
    expect(inbox.panel.get_by_role("checkbox", name=re.compile("Inbox")).first).to_be_visible()
    name = boxes.first.get_attribute("aria-label") or ""
    was = boxes.first.is_checked()
    page.screenshot(path=SHOTS / "preferences.png")

    boxes.first.click()
    expect(inbox.toast).to_contain_text("Saved")
    inbox.panel.get_by_label("Only critical notifications leave the inbox meanwhile.").check()
    inbox.panel.get_by_label("From").fill("21:30")
    inbox.button("Save").click()
    expect(inbox.toast).to_contain_text("Saved")
    page.reload()
    inbox.open().button("Preferences").click()
    chosen = inbox.panel.get_by_role("checkbox", name=name, exact=True)
    expect(chosen).to_be_checked(checked=not was)
    expect(inbox.panel.get_by_label("From")).to_have_value("21:30")
    chosen.set_checked(was)
    expect(inbox.toast).to_contain_text("Saved")


def test_a_preference_shows_at_once_and_is_taken_back_where_it_fails(window: Opening) -> None:
    page, inbox = window(4)
    inbox.open().button("Preferences").click()
    box = inbox.panel.get_by_role("checkbox", disabled=False).first
    name = box.get_attribute("aria-label") or ""
    was = box.is_checked()
    source = inbox.panel.locator("td", has=page.get_by_role("checkbox", name=name, exact=True))
    said = source.inner_text()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/inbox/preferences/**", hold)

    box.click()

    expect(source).to_contain_text("chosen")
    expect(box).to_be_checked(checked=not was)
    page.wait_for_timeout(100)
    assert len(held) == 1, "it is shown while its answer is awaited"
    box.click()
    expect(box).to_be_checked(checked=was)
    page.wait_for_timeout(100)
    assert len(held) == 1, "the second waits for the first"
    held[0].fulfill(status=409, json={"code": "conflict", "detail": "No."})
    expect(inbox.toast).to_contain_text("This did not work.")
    expect(source).to_contain_text("chosen")
    while len(held) < 2:
        page.wait_for_timeout(20)
    held[1].fulfill(status=409, json={"code": "conflict", "detail": "No."})
    expect(source).to_have_text(said)
    expect(box).to_be_checked(checked=was)


# --- what goes wrong ---------------------------------------------------------------------------------------


def test_what_fails_is_taken_back_and_said(window: Opening, demo: Demo) -> None:
    page, inbox = window(3)
    demo.send(page, 3, "It stays unread")
    inbox.open()
    mine = inbox.item("It stays unread")
    expect(mine.locator(".dot")).to_be_visible()

    def fail(route: Route) -> None:
        route.fulfill(status=409, json={"code": "conflict", "detail": "No."})

    page.route(OPERATIONS, fail)
    mine.locator(".main").click()

    expect(inbox.toast).to_contain_text("This did not work.")
    expect(mine.locator(".dot")).to_be_visible()
    page.screenshot(path=SHOTS / "failed.png")


def test_who_was_offline_is_told_what_came_meanwhile(window: Opening, demo: Demo) -> None:
    page, inbox = window(3)
    inbox.open()
    page.context.set_offline(True)
    expect(inbox.panel.locator(".notice")).to_contain_text("You are offline")
    page.screenshot(path=SHOTS / "offline.png")

    demo.send(page, 3, "Sent meanwhile")
    page.context.set_offline(False)

    expect(inbox.item("Sent meanwhile")).to_have_count(1)
    expect(inbox.panel.locator(".notice")).to_have_count(0)


def test_a_server_that_is_killed_and_comes_back_loses_nothing(
    window: Opening, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = Demo("--data", str(tmp_path_factory.mktemp("killed")))
    try:
        page, inbox = window(0, at=own)
        inbox.open()
        before = own.unread(page, 0)
        own.send(page, 0, "First of all this")
        inbox.expect_unread(before + 1)
        own.kill()
        expect(inbox.panel.locator(".notice")).to_be_visible()
        own.start()
        own.send(page, 0, "And then this")
        expect(inbox.item("And then this")).to_have_count(1)
        expect(inbox.item("First of all this")).to_have_count(1)
        inbox.expect_unread(before + 2)
    finally:
        own.stop()


def test_without_an_answer_it_says_so_and_tries_again(window: Opening) -> None:
    page, inbox = window(3)
    page.clock.install()
    page.route("**/v1/inbox**", lambda route: route.abort())
    page.reload()
    inbox.bell.click()
    expect(inbox.button("Try again")).to_be_visible()
    page.screenshot(path=SHOTS / "error.png")
    # The time stands still, so that not the element's own next try is what answers.
    page.clock.pause_at(page.evaluate("Date.now() + 1"))
    page.wait_for_timeout(300)  # and a try that was under way is over
    page.unroute("**/v1/inbox**")
    inbox.button("Try again").click()
    expect(inbox.items.first).to_be_visible()


def test_a_token_that_does_not_hold_is_told_to_the_page(window: Opening) -> None:
    page, inbox = window(3)
    inbox.open()
    page.evaluate("""() => {
        const inbox = document.querySelector('tidings-inbox');
        inbox.addEventListener('tidings-auth-required', () => (document.body.dataset.told = 'yes'));
        inbox.token = 'dz_unknown';
    }""")
    expect(page.locator("body")).to_have_attribute("data-told", "yes")


@pytest.mark.parametrize("framework", ["react", "vue"])
def test_a_product_of_either_framework_has_it(
    browser: Browser, demo: Demo, tmp_path: Path, framework: str
) -> None:
    npm.run("run", framework, EXAMPLE_OUT=str(tmp_path))
    context = browser.new_context()
    page = context.new_page()
    page.route("**/inbox-token", lambda route: route.fulfill(body=demo.world["users"][2]["token"]))
    page.route("**/product/**", lambda route: route.fulfill(path=served_from(tmp_path, route)))

    page.goto(f"{demo.url}/product/index.html")

    unread = demo.unread(page, 2)
    assert unread > 0
    expect(page.get_by_role("heading", name=f"{unread} to read")).to_be_visible()
    Inbox(demo, page, 2).open()
    context.close()


def served_from(folder: Path, route: Route) -> Path:
    return folder / route.request.url.partition("/product/")[2]


# --- for everybody -----------------------------------------------------------------------------------------


def test_by_keyboard_alone(window: Opening, demo: Demo) -> None:
    page, inbox = window(4)
    demo.send(page, 4, "By keyboard")
    expect(inbox.bell).to_be_visible()
    inbox.bell.focus()
    page.keyboard.press("Enter")
    expect(inbox.panel.get_by_role("tab", name="Open")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(inbox.panel.get_by_role("tab", name="Unread")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    mine = inbox.item("By keyboard")
    expect(mine).to_be_visible()
    mine.locator(".main").focus()
    page.keyboard.press("ArrowDown")
    expect(mine.locator(".main")).not_to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(inbox.panel.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(mine.locator("[aria-haspopup=menu]")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(mine.locator(".dot")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(inbox.panel).to_have_count(0)
    expect(inbox.bell).to_be_focused()


def violations(page: Page) -> list[str]:
    page.add_script_tag(path=npm.WIDGET / AXE)
    found = page.evaluate("axe.run(document.querySelector('tidings-inbox'))")["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(window: Opening, scheme: str) -> None:
    page, inbox = window(0, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    found = violations(page)
    inbox.open()
    page.screenshot(path=SHOTS / f"open-{scheme}.png")
    found += violations(page)
    inbox.items.first.locator("[aria-haspopup=menu]").click()
    found += violations(page)
    page.keyboard.press("Escape")
    inbox.panel.get_by_role("tab", name="Done").click()
    expect(inbox.items.first).to_be_visible()
    found += violations(page)
    inbox.button("Preferences").click()
    expect(inbox.panel.get_by_role("checkbox").first).to_be_visible()
    found += violations(page)

    assert found == []


def test_in_arabic_it_runs_from_right_to_left(window: Opening) -> None:
    page, inbox = window(0, bypass_csp=True)
    page.locator("#language").select_option("ar")
    expect(inbox.bell).to_have_attribute("aria-label", re.compile("الإشعارات"))
    inbox.open()
    page.screenshot(path=SHOTS / "arabic.png")
    title, menu = inbox.items.first.locator(".title"), inbox.items.first.locator("[aria-haspopup=menu]")
    assert menu.bounding_box()["x"] < title.bounding_box()["x"]

    assert violations(page) == []


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_other_languages_are_loaded_apart(window: Opening, language: str) -> None:
    page, inbox = window(0)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    before = inbox.bell.get_attribute("aria-label")
    page.locator("#language").select_option(language)

    expect(inbox.bell).not_to_have_attribute("aria-label", before or "")
    assert f"locale-{language}.js" in loaded


def test_on_a_narrow_screen_it_takes_all_of_it(window: Opening) -> None:
    page, inbox = window(0)
    page.set_viewport_size({"width": 360, "height": 640})
    inbox.open()
    page.screenshot(path=SHOTS / "narrow.png")
    box = inbox.panel.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (8, 344)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_nothing_of_the_page_moves(window: Opening, demo: Demo) -> None:
    page, inbox = window(0)
    page.evaluate("""() => {
        window.moved = [];
        new PerformanceObserver((list) => {
            const nodes = list.getEntries().flatMap(({ sources }) => sources.map(({ node }) => node));
            // What is within the element is not told from outside.
            window.moved.push(...nodes.filter((node) => node).map((node) => node.outerHTML ?? node.data));
        }).observe({ type: 'layout-shift', buffered: true });
    }""")
    before = demo.unread(page, 0)
    demo.send(page, 0, "It moves nothing")
    inbox.expect_unread(before + 1)
    inbox.open()
    page.wait_for_timeout(300)

    assert page.evaluate("window.moved") == []
