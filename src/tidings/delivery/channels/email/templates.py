"""What an e-mail says, in Liquid, and how it looks, in MJML: both may be a tenant's, and neither is trusted.

A template is compiled once, when it is saved; to render it is to fill in Liquid. MJML is compiled and its CSS
inlined before a value is known, so that no value ever meets a parser of markup; where values go into HTML,
they are escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urljoin, urlsplit

import css_inline
import mrml
from liquid import BoundTemplate, Environment, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.expression import Expression
from liquid.token import Token
from liquid.undefined import UNDEFINED

from tidings.errors import InvalidInput
from tidings.model import Notification

LARGEST_SOURCE = 50_000  # characters
LARGEST_MARKUP = 1_000  # characters from {{ to }}: the time that the library takes grows with the square
LARGEST_HTML = 500_000  # octets; some programs cut off what goes beyond 100,000
LARGEST_SUBJECT = 200  # characters
LARGEST_EXCERPT = 300  # characters of a body in a digest
MOST_PARAGRAPHS = 100  # all further ones are one
MOST_ELEMENTS = 500  # the MJML parser calls itself for each level, and 1,500 of them end the process
MOST_RULES = 300  # of CSS: each is tried on each element
MOST_ITERATIONS = 500  # of loops within loops
MOST_WORK = 5_000_000  # about as many characters read or written, and some seconds at worst

_ITERATION = 100  # what a turn of a loop counts as work
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
    """A template that was checked and can be rendered, or kept: its fields are plain text."""

    subject: str
    body: str
    html: str  # with Liquid
    words: Words


@dataclass(frozen=True, kw_only=True)
class Rendered:
    subject: str  # one line, not empty, up to 200 characters
    text: str
    html: str


def compile_template(source: Template) -> Compiled:
    """Check a template and compile its layout. Raises InvalidInput, which tells what is wrong and where."""
    _check("subject", source.subject, _NAMES)
    _check("body", source.body, _NAMES)
    layout = _LAYOUT.read_text("utf-8") if source.layout is None else source.layout
    _check("layout", layout, _NAMES_OF_LAYOUTS)
    html = _compiled_layout(layout)
    # Once more: what MJML puts elsewhere, or twice, can leave a block without its end.
    _check("compiled layout", html, _NAMES_OF_LAYOUTS, largest=LARGEST_HTML)
    return Compiled(subject=source.subject, body=source.body, html=html, words=source.words)


@cache
def default_template() -> Compiled:
    """What is sent where nobody wrote anything: the title, the body, the actions and the links."""
    return compile_template(Template())


def locale_key(locale: str) -> str:
    """A locale as it stands in the key of a template: `pt_BR` is `pt-br`."""
    return locale.replace("_", "-").lower()


def choose(templates: Mapping[tuple[str, str], Compiled], event: str, locale: str) -> Compiled:
    """The template of the event in the locale, a wider one (pt for pt-BR), or that for all locales.

    Keys are (event, locale_key); "" is every event, or every locale. The event's own come before those for
    every event, and the default template is last.
    """
    parts = locale_key(locale).split("-")
    wider = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    keys = ((key, language) for key in (event, "") for language in (*wider, ""))
    return next((templates[key] for key in keys if key in templates), None) or default_template()


def render(
    compiled: Compiled, notification: Notification, *, inbox_url: str, unsubscribe_url: str
) -> Rendered:
    """The e-mail of a notification. Raises RenderFailed.

    Actions without a label, or whose address is none of the web or of mail, are left out; a relative address
    is taken as standing on the inbox's page.
    """
    try:
        facts = _facts(notification, compiled.words, inbox_url, unsubscribe_url)
        return _rendered(compiled, facts)
    except Exception as error:  # a template can make a library fail in any way, and that must end here
        raise RenderFailed(_reason(error)) from error


def render_digest(
    notifications: Sequence[Notification], *, left_out: int, inbox_url: str, unsubscribe_url: str
) -> Rendered:
    """One e-mail for all of these, at least one, and `left_out` more that are only counted."""
    words = Words()
    count = len(notifications) + left_out
    heading = words.one_unread if count == 1 else words.unread.replace("{count}", f"{count:,}")
    items = [_facts(one, words, inbox_url, unsubscribe_url) for one in notifications]
    for item in items:
        item["title"] = _one_line(item["title"])
        item["body"] = _shortened(_one_line(item["body"]), LARGEST_EXCERPT)
    more = words.more.replace("{count}", f"{left_out:,}")
    facts = {**items[0], "heading": heading, "items": items, "left_out": left_out, "more": more}
    html = _parsed(_digest_layout(), html=True).render(facts)
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
    source = _DIGEST_LAYOUT.read_text("utf-8")
    return _compiled_layout(source)


def _rendered(compiled: Compiled, facts: Mapping[str, Any]) -> Rendered:
    heading = _one_line(_parsed(compiled.subject, html=False).render(facts)) or facts["event"]
    subject = _shortened(heading, LARGEST_SUBJECT)
    content = _parsed(compiled.body, html=False).render(facts)
    parts = re.split(r"\n\s*\n", _tidy(content), maxsplit=MOST_PARAGRAPHS)
    paragraphs = [text for part in parts if (text := part.strip())]
    more = {"subject": subject, "heading": heading, "paragraphs": paragraphs}
    html = _parsed(compiled.html, html=True).render({**facts, **more})
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


# What these take or make grows with the product of what they are given.
_MULTIPLY = frozenset(("date", "join", "replace", "uniq"))


class _Context(RenderContext):
    """Counts the work of one rendering: the library's own limits know loops and output, but not filters."""

    __slots__ = ("_left",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left = MOST_WORK

    def spend(self, work: int) -> None:
        self._left -= work
        if self._left < 0:
            raise ResourceLimitError("it takes too much work", token=None)

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        value = super().get(path, token=token, default=default)
        self.spend(_size(value))
        return value

    def assign(self, key: str, val: Any) -> None:
        self.spend(len(self.locals))  # each of them is measured, for the limit of their size
        super().assign(key, val)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        super().raise_for_loop_limit(length)
        self.spend(length * _ITERATION)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        apply = super().filter(name, token)

        def charged(value: object, *args: object, **kwargs: object) -> object:
            if name in _MULTIPLY:
                others = [_size(other) for other in (*args, *kwargs.values())]
                self.spend(_size(value) * max(others, default=_size(value)))
            result = apply(value, *args, **kwargs)
            self.spend(_size(result))
            return result

        return charged


def _size(value: object) -> int:
    """About how many characters it has when written."""
    if isinstance(value, str):
        return 1 + len(value)
    if isinstance(value, dict):
        return 1 + sum(map(_size, cast(dict[str, object], value).values()))
    if isinstance(value, (list, tuple)):
        return 1 + sum(map(_size, cast(Sequence[object], value)))
    return 1 + value.bit_length() if isinstance(value, int) else 1


class _Template(BoundTemplate):
    context_class = _Context


class _Liquid(Environment):
    """Liquid without files, and within limits."""

    template_class = _Template
    loop_iteration_limit = MOST_ITERATIONS
    output_stream_limit = LARGEST_HTML
    local_namespace_limit = LARGEST_HTML

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for tag in ("include", "render"):  # they read other templates
            del self.tags[tag]
        del self.filters["safe"]  # it would put a value into HTML as it is


_TEXT, _HTML = _Liquid(), _Liquid(autoescape=True)


@lru_cache(maxsize=256)
def _parsed(source: str, *, html: bool) -> BoundTemplate:
    return (_HTML if html else _TEXT).from_string(source)


def _reason(error: Exception) -> str:
    if not isinstance(error, LiquidError):
        return f"{type(error).__name__}: {error}"
    near = error.token.source[max(error.token.start_index, 0) :][:60] if error.token else ""
    return f"{error.message}, near: {near}" if near else f"{error.message}"


def _check(part: str, source: str, names: frozenset[str], largest: int = LARGEST_SOURCE) -> None:
    """That it is Liquid, and knows all that it names. Raises InvalidInput."""
    if len(source) > largest:
        raise InvalidInput(f"{part}: it is longer than {largest:,} characters")
    _markups(part, source)
    try:
        source.encode()
        faults = list(_faults(_TEXT.from_string(source), names))
    except (RecursionError, UnicodeEncodeError) as error:
        raise InvalidInput(f"{part}: {error}") from error
    except LiquidError as error:
        faults = [(error.token.start_index if error.token else -1, str(error.message))]
    for index, fault in sorted(faults):
        raise InvalidInput(f"{_place(part, source, index)}: {fault}")


def _faults(template: BoundTemplate, names: frozenset[str]) -> Iterator[tuple[int, str]]:
    """What would fail or stay empty in every e-mail: where it stands in the source, and why."""
    used = template.analyze()
    for name, spans in used.filters.items():
        if name not in template.env.filters:
            yield from ((span.index, f"there is no filter {name!r}") for span in spans)
    for name, variables in used.globals.items():
        if name not in names:
            yield from ((variable.span.index, f"nothing is called {name!r}") for variable in variables)
    for found in _ranges(template.nodes, RenderContext(template)):
        # A few characters of it are any number of items, which some filters and operators run through.
        yield found.token.start_index, "ranges such as (1..3) cannot be used"


def _ranges(nodes: Iterable[Node], context: RenderContext) -> Iterator[Expression]:
    for node in nodes:
        inner = list(node.expressions())
        while inner:
            expression = inner.pop()
            inner.extend(expression.children())
            if isinstance(expression, RangeLiteral):
                yield expression
        yield from _ranges(node.children(context), context)


def _place(part: str, source: str, index: int) -> str:
    return f"{part}, line {source.count(chr(10), 0, index) + 1}" if index >= 0 else part


_OPENING = re.compile(r"\{\{|\{%")
_VERBATIM = re.compile(r"\{%-?\s*(raw|doc)\s*-?%\}")


def _markups(part: str, source: str) -> list[slice]:
    """Where the Liquid is; of raw and doc, all of them. Raises InvalidInput where it does not end.

    The library looks for each missing end up to the end of the text, again and again: for minutes.
    """
    found, end = list[slice](), 0
    while opening := _OPENING.search(source, end):
        begin = opening.start()
        closing = source.find("}}" if opening[0] == "{{" else "%}", begin + 2, begin + LARGEST_MARKUP)
        if closing < 0:
            raise InvalidInput(f"{_place(part, source, begin)}: {opening[0]} is not closed soon enough")
        end = closing + 2
        if verbatim := _VERBATIM.fullmatch(source, begin, end):
            last = re.compile(rf"\{{%-?\s*end{verbatim[1]}\s*-?%\}}").search(source, end)
            if last is None:
                raise InvalidInput(f"{_place(part, source, begin)}: {verbatim[0]} has no end{verbatim[1]}")
            end = last.end()
        found.append(slice(begin, end))
    return found


_MARK = "liquid-held-"
_HELD = re.compile(rf"<!--{_MARK}tag-(\d+)-->|{_MARK}word-(\d+)-")
_NO_COMMENTS = ("<mj-title", "<mj-preview", "<mj-style")
_AT = re.compile(r" at position (\d+):\d+")


def _compiled_layout(source: str) -> str:
    """The HTML of a layout, its CSS inlined, the Liquid in it as it was. Raises InvalidInput."""
    if _MARK in source:
        raise InvalidInput(f"layout: {_MARK} has a meaning here")
    markups = _markups("layout", source)
    held = _without_liquid(source, markups)
    if len(re.findall("<[A-Za-z]", source)) > MOST_ELEMENTS:
        raise InvalidInput(f"layout: it has more than {MOST_ELEMENTS} elements")
    if held.count("{") > MOST_RULES:
        raise InvalidInput(f"layout: it has more than {MOST_RULES} rules of CSS")

    def give_back(text: str) -> str:
        return _HELD.sub(lambda mark: source[markups[int(mark[1] or mark[2])]], text)

    try:
        html = mrml.to_html(held, _PARSING, _LOOKS).content
        html = css_inline.inline(html, keep_at_rules=True, load_remote_stylesheets=False)
    except BaseException as error:
        # A panic in Rust is neither an Exception nor has a name that could be imported.
        if not isinstance(error, (OSError, ValueError)) and type(error).__name__ != "PanicException":
            raise
        before = held.encode()[: int(at[1])] if (at := _AT.search(str(error))) else None
        index = -1 if before is None else len(give_back(before.decode(errors="ignore")))
        raise InvalidInput(f"{_place('layout', source, index)}: {_AT.sub('', str(error))}") from error
    kept = {int(mark[1] or mark[2]) for mark in _HELD.finditer(html)}
    for number, markup in enumerate(markups):
        if number not in kept:
            place = _place("layout", source, markup.start)
            raise InvalidInput(f"{place}: {source[markup]} stands where MJML keeps no text")
    if unknown := re.search(r"<(mj-[\w-]+)", html):
        index = source.find(unknown[0])
        raise InvalidInput(f"{_place('layout', source, index)}: {unknown[1]} is not known, or not here")
    return give_back(html)


_PARSING = mrml.ParserOptions(include_loader=mrml.noop_loader())
_LOOKS = mrml.RenderOptions(fonts={})  # no style sheets of the hosts that it knows


def _without_liquid(source: str, markups: Iterable[slice]) -> str:
    """The source with a mark for each piece of Liquid, by its number.

    A tag between elements is marked by a comment, as HTML would move text out of a table; what shows a value,
    or stands where there are no comments, by a word.
    """
    parts, end, last = list[str](), 0, ">"
    for number, markup in enumerate(markups):
        between = source[end : markup.start]
        last = between[between.rfind("<") :] if "<" in between else last + between
        is_tag = source.startswith("{%", markup.start) and ">" in last and not last.startswith(_NO_COMMENTS)
        parts += (between, f"<!--{_MARK}tag-{number}-->" if is_tag else f"{_MARK}word-{number}-")
        end = markup.stop
    return "".join((*parts, source[end:]))
