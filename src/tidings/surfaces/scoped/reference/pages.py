"""The pages: plain HTML that loads nothing."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from itertools import groupby
from string import Template

from tidings.surfaces.scoped.reference.document import INDEX_PATH, Json, Operation, Reference
from tidings.surfaces.scoped.reference.samples import samples_of
from tidings.surfaces.scoped.reference.schemas import Shown
from tidings.surfaces.scoped.reference.style import CSS
from tidings.surfaces.scoped.reference.text import code, prose

_STYLE = b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may load on the pages: their one style, which stands in them."""

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<header class="top"><a href="/">Tidings</a> / $trail</header>
$content
</body>
</html>
""")


def index(reference: Reference, document_path: str) -> str:
    """Every operation in a line, by tag."""
    info = reference.document["info"]
    parts = [
        "<h1>Reference</h1>",
        prose(info["summary"]),
        prose(
            f"{len(reference.operations)} operations, each with its schemas, samples and an OpenAPI document "
            "of its own."
        ),
        f'<p>All of them: <a href="{document_path}">OpenAPI document</a></p>',
    ]
    for tag, operations in groupby(reference.operations, lambda one: one.tag):
        items = "\n".join(_line(one) for one in operations)
        parts.append(f'<h2>{escape(tag)}</h2>\n<ul class="index">\n{items}\n</ul>')
    content = f'<div class="frame"><main>{"".join(parts)}</main></div>'
    return _page("Reference", "Reference", content)


def operation(reference: Reference, one: Operation) -> str:
    """All about one operation."""
    summary = one.spec["summary"]
    sections = "\n".join(section for section in _sections(reference, one) if section)
    main = f"<main>\n<h1>{escape(summary)}</h1>\n{sections}\n</main>"
    content = f'<div class="frame with-nav">\n{main}\n{_navigation(reference, one)}\n</div>'
    trail = f'<a href="{INDEX_PATH}">Reference</a> / {escape(one.slug)}'
    return _page(f"{summary}: {one.method.upper()} {one.path}", trail, content)


def _page(title: str, trail: str, content: str) -> str:
    return _PAGE.substitute(title=f"{escape(title)} · Tidings", style=CSS, trail=trail, content=content)


def _sections(reference: Reference, one: Operation) -> Iterator[str]:
    shown = Shown(reference)
    yield f'<p class="call">{_method(one)}{code(one.path)}</p>'
    yield prose(one.spec.get("description", ""))
    yield _facts(one)
    yield _authentication(reference, one)
    yield _parameters(shown, one)
    if one.body is not None:
        need = "" if one.spec["requestBody"].get("required") else prose("It may be left out.")
        yield _section("Request body", need + shown.named(one.body))
    yield _section("Responses", "\n".join(_responses(shown, one)), kind="answers")
    samples = [
        f'<h3>{escape(sample.title)}</h3>\n<pre tabindex="0">'
        f'<code class="language-{sample.language}">{escape(sample.code)}</code></pre>'
        for sample in samples_of(reference, one)
    ]
    yield _section("Code samples", "\n".join(samples))


def _section(title: str, content: str, *, kind: str = "") -> str:
    marked = f' class="{kind}"' if kind else ""
    return f"<section{marked}>\n<h2>{escape(title)}</h2>\n{content}\n</section>"


def _facts(one: Operation) -> str:
    slice_link = f'<a href="{one.page}/openapi.json">{escape(one.slug)}/openapi.json</a>'
    facts = (
        ("Operation ID", code(one.spec["operationId"])),
        ("Tag", escape(one.tag)),
        ("OpenAPI", slice_link),
    )
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{value}</dd>' for name, value in facts)}</dl>"


def _authentication(reference: Reference, one: Operation) -> str:
    schemes: Json = reference.document["components"].get("securitySchemes", {})
    names = [name for wanted in one.spec.get("security", ()) for name in wanted]
    if not names:
        return _section("Authentication", prose("None."))
    told = [f"Bearer token in the `Authorization` header. {schemes[name]['description']}" for name in names]
    headers = ", ".join(f"`{header['name']}`" for header in one.parameters("header") if header["required"])
    told += [f"Required header: {headers}."] if headers else []
    return _section("Authentication", "\n".join(prose(line) for line in told))


def _parameters(shown: Shown, one: Operation) -> str:
    parts: list[str] = []
    for place, title in (("path", "In the path"), ("query", "In the query"), ("header", "Headers")):
        fields = [
            shown.field(
                parameter["name"],
                {**parameter["schema"], "description": parameter.get("description", "")},
                required=parameter["required"],
            )
            for parameter in one.parameters(place)
        ]
        if fields:
            parts.append(f'<h3>{title}</h3>\n<ul class="fields">{"".join(fields)}</ul>')
    return _section("Parameters", "\n".join(parts)) if parts else ""


def _responses(shown: Shown, one: Operation) -> Iterator[str]:
    responses: dict[str, Json] = one.spec["responses"]
    for status, response in sorted(responses.items()):
        yield (
            f'<h3 class="response"><span class="status">{escape(status)}</span>'
            f"<span>{escape(response['description'])}</span></h3>"
        )
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        if schema is not None:
            yield shown.named(schema)


def _navigation(reference: Reference, current: Operation) -> str:
    parts: list[str] = []
    for tag, operations in groupby(reference.operations, lambda one: one.tag):
        items = "\n".join(
            f'<li><a href="{one.page}"{_mark(one, current)}>{escape(one.spec["summary"])}</a></li>'
            for one in operations
        )
        parts.append(f"<h2>{escape(tag)}</h2>\n<ul>\n{items}\n</ul>")
    return f'<nav aria-label="Operations">\n{"".join(parts)}\n</nav>'


def _mark(one: Operation, current: Operation) -> str:
    return ' aria-current="page"' if one == current else ""


def _line(one: Operation) -> str:
    return (
        f'<li><a href="{one.page}">{_method(one)}<span class="summary">{escape(one.spec["summary"])}</span>'
        f"{code(one.path)}</a></li>"
    )


def _method(one: Operation) -> str:
    return f'<span class="method {one.method}">{one.method.upper()}</span>'
