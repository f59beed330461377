"""Code that makes a call, as somebody would write it; it works once credentials and ids are filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from tidings.surfaces.scoped.reference.document import Operation, Reference
from tidings.surfaces.scoped.reference.examples import example, placeholder

TOKEN = "dz_your_token"  # noqa: S105 - to be replaced

_INDENT = "  "


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request."""

    method: str
    url: str  # without the query
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    body: Any  # None: none
    answers_json: bool
    answers_events: bool

    @property
    def full_url(self) -> str:
        return f"{self.url}?{urlencode(self.query, doseq=True)}" if self.query else self.url


@dataclass(frozen=True, kw_only=True)
class Sample:
    title: str
    language: str  # as a class of HTML names it
    code: str


def samples_of(reference: Reference, operation: Operation) -> list[Sample]:
    call = call_of(reference, operation)
    return [
        Sample(title="cURL", language="bash", code=_curl(call)),
        Sample(title="JavaScript", language="javascript", code=_javascript(call)),
        Sample(title="Python", language="python", code=_python(call)),
    ]


def call_of(reference: Reference, operation: Operation) -> Call:
    """The call that the samples make: what is required, and what has an example of its own."""
    path = operation.path
    for one in operation.parameters("path"):
        path = path.replace(f"{{{one['name']}}}", placeholder(one["name"]))
    headers = {"Authorization": f"Bearer {TOKEN}"} if operation.spec.get("security") else {}
    for one in operation.parameters("header"):
        if one["required"]:
            headers[one["name"]] = example(reference, one["schema"], one["name"])
    query = {
        one["name"]: example(reference, one["schema"], one["name"])
        for one in operation.parameters("query")
        if one["required"] or "examples" in one["schema"]
    }
    return Call(
        method=operation.method,
        url=reference.base_url + path,
        query=query,
        headers=headers,
        body=None if operation.body is None else example(reference, operation.body),
        answers_json=operation.answers_json,
        answers_events=operation.answers_events,
    )


# --- cURL --------------------------------------------------------------------------------------------------


def _curl(call: Call) -> str:
    options = "--no-buffer " if call.answers_events else ""
    lines = [f"curl {options}-X {call.method.upper()} {_for_a_shell(call.full_url)}"]
    lines += [f"-H {_for_a_shell(f'{name}: {value}')}" for name, value in _all_headers(call).items()]
    if call.body is not None:
        lines.append(f"-d {_for_a_shell(_json(call.body))}")
    return f" \\\n{_INDENT}".join(lines)


def _for_a_shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# --- JavaScript --------------------------------------------------------------------------------------------


def _javascript(call: Call) -> str:
    lines = [
        f"const response = await fetch({_quoted(call.full_url)}, {{",
        f"  method: {_quoted(call.method.upper())},",
        "  headers: {",
        *[f"    {_key(name)}: {_quoted(value)}," for name, value in _all_headers(call).items()],
        "  },",
    ]
    if call.body is not None:
        lines.append(f"  body: JSON.stringify({_indented(_json(call.body))}),")
    lines.append("});")
    if call.answers_json:
        lines.append("const data = await response.json();")
    if call.answers_events:
        lines.append("const decoded = response.body.pipeThrough(new TextDecoderStream());")
        lines.append("for await (const text of decoded) console.log(text);")
    return "\n".join(lines)


def _key(name: str) -> str:
    return name if name.isidentifier() else _quoted(name)


def _quoted(text: str) -> str:
    inner = json.dumps(text, ensure_ascii=False)[1:-1]
    return "'" + inner.replace('\\"', '"').replace("'", "\\'") + "'"


# --- Python ------------------------------------------------------------------------------------------------


def _python(call: Call) -> str:
    parts = ["import httpx", f"headers = {_literal(call.headers)}"]
    arguments = [json.dumps(call.url, ensure_ascii=False), "headers=headers"]
    if call.query:
        parts.append(f"params = {_literal(call.query)}")
        arguments.append("params=params")
    if call.body is not None:
        parts.append(f"payload = {_literal(call.body)}")
        arguments.append("json=payload")
    if call.answers_events:
        opened = f"httpx.stream({', '.join([json.dumps(call.method.upper()), *arguments])}, timeout=30)"
        reading = "    for line in response.iter_lines():\n        print(line)"
        return "\n\n".join([*parts, f"with {opened} as response:\n{reading}"])
    sent = f"response = httpx.{call.method}({', '.join(arguments)})"
    parts.append(f"{sent}\ndata = response.json()" if call.answers_json else sent)
    return "\n\n".join(parts)


def _literal(value: Any, margin: str = "") -> str:
    """A value of JSON as Python writes it."""
    inner = margin + 2 * _INDENT
    if isinstance(value, Mapping) and value:
        named = cast("Mapping[str, Any]", value).items()
        lines = [f"{inner}{_literal(name)}: {_literal(one, inner)}," for name, one in named]
        return "\n".join(["{", *lines, margin + "}"])
    if isinstance(value, list):
        return f"[{', '.join(_literal(one, margin) for one in cast('list[Any]', value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(cast("Any", value))


# --- in common ---------------------------------------------------------------------------------------------


def _all_headers(call: Call) -> dict[str, str]:
    content_type = {} if call.body is None else {"Content-Type": "application/json"}
    return {**call.headers, **content_type}


def _json(value: Any) -> str:
    """JSON as a person would lay it out: objects in lines, lists of plain values in one."""
    return _laid_out(value, "")


def _laid_out(value: Any, margin: str) -> str:
    inner = margin + _INDENT
    if isinstance(value, Mapping) and value:
        named = cast("Mapping[str, Any]", value).items()
        lines = [f"{inner}{json.dumps(name)}: {_laid_out(one, inner)}" for name, one in named]
        return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
    if isinstance(value, list):
        return f"[{', '.join(_laid_out(one, margin) for one in cast('Sequence[Any]', value))}]"
    return json.dumps(value, ensure_ascii=False)


def _indented(text: str) -> str:
    return text.replace("\n", f"\n{_INDENT}")
