"""Liquid as a tenant may write it: without files, within limits, and checked before it is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

from liquid import BoundTemplate, Environment, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.expression import Expression
from liquid.token import Token
from liquid.undefined import UNDEFINED

from tidings.errors import InvalidInput

LARGEST_SOURCE = 50_000  # characters
LARGEST_MARKUP = 1_000  # characters from {{ to }}: the time that the library takes grows with the square
LARGEST_OUTPUT = 500_000  # octets; some mail programs cut off what goes beyond 100,000
MOST_ITERATIONS = 500  # of loops within loops
MOST_WORK = 5_000_000  # about as many characters read or written, and some seconds at worst

_ITERATION = 100  # what a turn of a loop counts as work

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
    output_stream_limit = LARGEST_OUTPUT
    local_namespace_limit = LARGEST_OUTPUT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for tag in ("include", "render"):  # they read other templates
            del self.tags[tag]
        del self.filters["safe"]  # it would put a value into HTML as it is


_TEXT, _HTML = _Liquid(), _Liquid(autoescape=True)


@lru_cache(maxsize=256)
def parsed(source: str, *, html: bool) -> BoundTemplate:
    """The template, to be rendered: in HTML what values say is escaped."""
    return (_HTML if html else _TEXT).from_string(source)


def reason_of(error: Exception) -> str:
    """What went wrong while rendering, for who wrote the template."""
    if not isinstance(error, LiquidError):
        return f"{type(error).__name__}: {error}"
    near = error.token.source[max(error.token.start_index, 0) :][:60] if error.token else ""
    return f"{error.message}, near: {near}" if near else f"{error.message}"


def check(part: str, source: str, names: frozenset[str], largest: int = LARGEST_SOURCE) -> None:
    """That it is Liquid, and knows all that it names. Raises InvalidInput."""
    if len(source) > largest:
        raise InvalidInput(f"{part}: it is longer than {largest:,} characters")
    markups_of(part, source)
    try:
        source.encode()
        faults = list(_faults(_TEXT.from_string(source), names))
    except (RecursionError, UnicodeEncodeError) as error:
        raise InvalidInput(f"{part}: {error}") from error
    except LiquidError as error:
        faults = [(error.token.start_index if error.token else -1, str(error.message))]
    for index, fault in sorted(faults):
        raise InvalidInput(f"{place(part, source, index)}: {fault}")


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


def place(part: str, source: str, index: int) -> str:
    """Where in a part of a template it is: with its line, unless the index is -1."""
    return f"{part}, line {source.count(chr(10), 0, index) + 1}" if index >= 0 else part


_OPENING = re.compile(r"\{\{|\{%")
_VERBATIM = re.compile(r"\{%-?\s*(raw|doc)\s*-?%\}")


def markups_of(part: str, source: str) -> list[slice]:
    """Where the Liquid is; of raw and doc, all of them. Raises InvalidInput where it does not end.

    The library looks for each missing end up to the end of the text, again and again: for minutes.
    """
    found, end = list[slice](), 0
    while opening := _OPENING.search(source, end):
        begin = opening.start()
        closing = source.find("}}" if opening[0] == "{{" else "%}", begin + 2, begin + LARGEST_MARKUP)
        if closing < 0:
            raise InvalidInput(f"{place(part, source, begin)}: {opening[0]} is not closed soon enough")
        end = closing + 2
        if verbatim := _VERBATIM.fullmatch(source, begin, end):
            last = re.compile(rf"\{{%-?\s*end{verbatim[1]}\s*-?%\}}").search(source, end)
            if last is None:
                raise InvalidInput(f"{place(part, source, begin)}: {verbatim[0]} has no end{verbatim[1]}")
            end = last.end()
        found.append(slice(begin, end))
    return found
