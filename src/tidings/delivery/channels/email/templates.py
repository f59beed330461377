"""What an e-mail says, in Liquid, and how it looks, in MJML: both may be a tenant's, and neither is trusted.

A template is compiled once, when it is saved; to render it is to fill in Liquid. MJML is compiled and its CSS
inlined before a value is known, so that no value ever meets a parser of markup; where values go into HTML,
they are escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from tidings.delivery.channels.email.layout import compiled_layout
from tidings.delivery.channels.email.liquid import LARGEST_OUTPUT, check, parsed, reason_of
from tidings.model import Notification

T = TypeVar("T")

LARGEST_SUBJECT = 200  # characters
LARGEST_EXCERPT = 300  # characters of a body in a digest
MOST_PARAGRAPHS = 100  # all further ones are one

_LAYOUT = Path(__file__).with_name("layout.mjml")
_DIGEST_LAYOUT = Path(__file__).with_name("digest.mjml")
_FACTS = ("event", "topic", "severity", "title", "body", "data", "actions", "created_at")
_NAMES = frozenset((*_FACTS, "inbox_url", "unsubscribe_url", "words"))
_NAMES_OF_LAYOUTS = _NAMES | {"subject", "heading", "paragraphs"}


class RenderFailed(Exception):
    """The template cannot be rendered for this notification; `reason` is for its author."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, kw_only=True)
class Words:
    """What stands around the text: plain, not Liquid."""

    language: str = "en"
    inbox: str = "Open your inbox"
    reason: str = "You get this e-mail because e-mail is switched on for notifications of this kind."
    unsubscribe: str = "Unsubscribe"
    one_unread: str = "1 unread notification"
    unread: str = "{count} unread notifications"
    more: str = "And {count} more."


@dataclass(frozen=True, kw_only=True)
class Template:
    """What a tenant writes. Nobody can write HTML but in a layout."""

    subject: str = "{{ title }}"  # Liquid
    body: str = "{{ body }}"  # Liquid for plain text; an empty line begins a paragraph
    words: Words = field(default_factory=Words)
    layout: str | None = None  # MJML with Liquid; None: the default one


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A template that was checked, and can be rendered or kept."""

    source: Template
    html: str  # of its layout, with Liquid


@dataclass(frozen=True, kw_only=True)
class Rendered:
    subject: str  # one line, not empty, up to 200 characters
    text: str
    html: str


def compile_template(source: Template) -> Compiled:
    """Check a template and compile its layout. Raises InvalidInput, which tells what is wrong and where."""
    check("subject", source.subject, _NAMES)
    check("body", source.body, _NAMES)
    layout = _LAYOUT.read_text("utf-8") if source.layout is None else source.layout
    check("layout", layout, _NAMES_OF_LAYOUTS)
    html = compiled_layout(layout)
    # Once more: what MJML puts elsewhere, or twice, can leave a block without its end.
    check("compiled layout", html, _NAMES_OF_LAYOUTS, largest=LARGEST_OUTPUT)
    return Compiled(source=source, html=html)


@cache
def default_template() -> Compiled:
    """What is sent where nobody wrote anything: the title, the body, the actions and the links."""
    return compile_template(Template())


def locale_key(locale: str) -> str:
    """A locale as it stands in the key of a template: `pt_BR` is `pt-br`."""
    return locale.replace("_", "-").lower()


def widening(locale: str) -> list[str]:
    """The keys of the locale, of each wider one, and of every locale: pt-br, pt and "" for pt_BR."""
    parts = locale_key(locale).split("-")
    wider = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return [key for key in wider if key] + [""]


def choose(templates: Mapping[tuple[str, str], T], event: str, locale: str) -> T | None:
    """The template of the event in the locale, in a wider one (pt for pt-BR), or that for all locales.

    Keys are (event, locale_key); "" is every event, or every locale. The event's own come before those for
    every event; None: there is none, and the default template is meant.
    """
    keys = ((key, language) for key in (event, "") for language in widening(locale))
    return next((templates[key] for key in keys if key in templates), None)


def render(
    compiled: Compiled, notification: Notification, *, inbox_url: str, unsubscribe_url: str
) -> Rendered:
    """The e-mail of a notification. Raises RenderFailed.

    Actions without a label, or whose address is none of the web or of mail, are left out; a relative address
    is taken as standing on the inbox's page.
    """
    try:
        facts = _facts(notification, compiled.source.words, inbox_url, unsubscribe_url)
        return _rendered(compiled, facts)
    except Exception as error:  # a template can make a library fail in any way, and that must end here
        raise RenderFailed(reason_of(error)) from error


def render_digest(
    words: Words,
    notifications: Sequence[Notification],
    *,
    left_out: int,
    inbox_url: str,
    unsubscribe_url: str,
) -> Rendered:
    """One e-mail for all of these, at least one, and `left_out` more that are only counted."""
    count = len(notifications) + left_out
    heading = words.one_unread if count == 1 else words.unread.replace("{count}", f"{count:,}")
    items = [_facts(one, words, inbox_url, unsubscribe_url) for one in notifications]
    for item in items:
        item["title"] = _one_line(item["title"])
        item["body"] = _shortened(_one_line(item["body"]), LARGEST_EXCERPT)
    more = words.more.replace("{count}", f"{left_out:,}")
    facts = {**items[0], "heading": heading, "items": items, "left_out": left_out, "more": more}
    html = parsed(_digest_layout(), html=True).render(facts)
    listed = [_listed(item) for item in items]
    if left_out:
        listed.append(more)
    text = _text(heading, listed, {**facts, "actions": []})
    return Rendered(subject=heading, text=text, html=_safe(_tidy(html)))


def _listed(item: Mapping[str, Any]) -> str:
    links = [action["url"] for action in item["actions"][:1]]
    return "\n".join(line for line in (f"* {item['title']}", item["body"], *links) if line)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


@cache
def _digest_layout() -> str:
    return compiled_layout(_DIGEST_LAYOUT.read_text("utf-8"))


def _rendered(compiled: Compiled, facts: Mapping[str, Any]) -> Rendered:
    heading = _one_line(parsed(compiled.source.subject, html=False).render(facts)) or facts["event"]
    subject = _shortened(heading, LARGEST_SUBJECT)
    content = parsed(compiled.source.body, html=False).render(facts)
    parts = re.split(r"\n\s*\n", _tidy(content), maxsplit=MOST_PARAGRAPHS)
    paragraphs = [text for part in parts if (text := part.strip())]
    more = {"subject": subject, "heading": heading, "paragraphs": paragraphs}
    html = parsed(compiled.html, html=True).render({**facts, **more})
    return Rendered(subject=subject, text=_text(heading, paragraphs, facts), html=_safe(_tidy(html)))


def _text(heading: str, paragraphs: Iterable[str], facts: Mapping[str, Any]) -> str:
    """The alternative for who reads no HTML. It is made of the same words, not of the HTML: those of a layout
    that matter are its links, and to read them back from tables and buttons is to guess."""
    words = facts["words"]
    actions = [f"{action['label']}: {action['url']}" for action in facts["actions"]]
    links = "\n".join((*actions, f"{words['inbox']}: {facts['inbox_url']}"))
    footer = f"-- \n{words['reason']}\n{words['unsubscribe']}: {facts['unsubscribe_url']}"
    return "\n\n".join((heading, *paragraphs, links, footer)) + "\n"


def _facts(notification: Notification, words: Words, inbox_url: str, unsubscribe_url: str) -> dict[str, Any]:
    """What a template can say. By way of JSON: plain values only, and no halves of surrogate pairs."""
    facts = {
        "event": notification.event,
        "topic": notification.topic,
        "severity": notification.severity.value,
        "title": notification.title,
        "body": notification.body or "",
        "data": dict(notification.data),
        "actions": list(_links(notification.actions, inbox_url)),
        "created_at": notification.created_at.isoformat(),
        "inbox_url": inbox_url,
        "unsubscribe_url": unsubscribe_url,
        "words": vars(words),
    }
    return json.loads(json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace"))


def _links(actions: Iterable[Mapping[str, Any]], inbox_url: str) -> Iterator[dict[str, str]]:
    for action in actions:
        label, url = action.get("label"), _web_address(inbox_url, action.get("url"))
        if isinstance(label, str) and (label := _one_line(label)) and url:
            yield {"label": label, "url": url}


def _web_address(base: str, url: object) -> str | None:
    """The address in full, in ASCII; None where it leads nowhere, or runs something."""
    if not isinstance(url, str) or not url or not url.isprintable():
        return None
    try:
        full = quote(url.strip(), safe="%/:=&?~#+!$,;'@()*[]")
        full = full if urlsplit(full).scheme else urljoin(base, full)
        parts = urlsplit(full)
    except ValueError:
        return None
    leads = parts.hostname if parts.scheme in ("http", "https") else parts.scheme == "mailto" and parts.path
    return full if leads else None


_BREAKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# They would turn round what a mail program writes beside a subject.
_DIRECTIONS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_ADDRESS = re.compile(r"""\s(?:[\w:-]*href|src|background|poster|\w*action)="([^"]*)\"""")


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", _DIRECTIONS.sub("", text)).strip()


def _tidy(text: str) -> str:
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _safe(html: str) -> str:
    """Without the addresses that are none of the web or of mail: a layout may make one of any value."""

    def kept(attribute: re.Match[str]) -> str:
        leads = re.match(r"https?://|mailto:", attribute[1].strip(), re.IGNORECASE)
        return attribute[0] if leads else ""

    return _ADDRESS.sub(kept, html)
