"""How a mail looks, in MJML, made HTML before any value is known."""

from __future__ import annotations

import re
from collections.abc import Iterable

import css_inline
import mrml

from tidings.delivery.channels.email.liquid import markups_of, place
from tidings.errors import InvalidInput

MOST_ELEMENTS = 500  # the MJML parser calls itself for each level, and 1,500 of them end the process
MOST_RULES = 300  # of CSS: each is tried on each element

_MARK = "liquid-held-"
_HELD = re.compile(rf"<!--{_MARK}tag-(\d+)-->|{_MARK}word-(\d+)-")
_NO_COMMENTS = ("<mj-title", "<mj-preview", "<mj-style")
_AT = re.compile(r" at position (\d+):\d+")


def compiled_layout(source: str) -> str:
    """The HTML of a layout, its CSS inlined, the Liquid in it as it was. Raises InvalidInput."""
    if _MARK in source:
        raise InvalidInput(f"layout: {_MARK} has a meaning here")
    markups = markups_of("layout", source)
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
        raise InvalidInput(f"{place('layout', source, index)}: {_AT.sub('', str(error))}") from error
    kept = {int(mark[1] or mark[2]) for mark in _HELD.finditer(html)}
    for number, markup in enumerate(markups):
        if number not in kept:
            where = place("layout", source, markup.start)
            raise InvalidInput(f"{where}: {source[markup]} stands where MJML keeps no text")
    if unknown := re.search(r"<(mj-[\w-]+)", html):
        index = source.find(unknown[0])
        raise InvalidInput(f"{place('layout', source, index)}: {unknown[1]} is not known, or not here")
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
