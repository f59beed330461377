"""The mails that the demo sent, as their readers would see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from pathlib import Path

MOST_LISTED = 100

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail, under the name of its file."""

    key: str
    message: EmailMessage

    @property
    def at(self) -> datetime:
        return self.message["Date"].datetime

    @property
    def html(self) -> str:
        """As a page in a frame, whose links open windows of their own."""
        return self.body("html").replace("<head>", '<head><base target="_blank">', 1)

    def body(self, kind: str) -> str:
        """The part that is `plain` or `html`; empty where there is none."""
        part = self.message.get_body((kind,))
        return "" if part is None else part.get_content()


class Outbox:
    """Reads the Maildir into which the demo's mail server puts what it is given."""

    def __init__(self, folder: Path) -> None:
        self._new = folder / "new"

    def mails(self) -> list[Mail]:
        """The newest, the latest first."""
        paths = sorted(self._new.glob("*"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        return [_read(path) for path in paths[:MOST_LISTED]]

    def mail(self, key: str) -> Mail | None:
        """That with this key."""
        return next((_read(path) for path in self._new.glob("*") if path.name == key), None)


def _read(path: Path) -> Mail:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    return Mail(key=path.name, message=message)  # pyright: ignore[reportArgumentType] - of this policy it is one


def list_page(mails: Sequence[Mail] | None, digests: int) -> str:
    """All of them, each with a link to it; None: they went elsewhere. So many digests wait."""
    return _page("Outbox", _waiting(digests) + _list(mails))


def _waiting(digests: int) -> str:
    if not digests:
        return ""
    waits = "1 digest waits" if digests == 1 else f"{digests} digests wait"
    return (
        '<form class="waiting" method="post" action="/demo/outbox/digests">\n'
        f"<p>{waits} for the morning: what is told at info goes together.</p>\n"
        "<button>Send now</button>\n</form>\n"
    )


def _list(mails: Sequence[Mail] | None) -> str:
    if mails is None:
        return "<p>Mails go to the server that TIDINGS_SMTP_URL names.</p>"
    if not mails:
        return "<p>No mail was sent yet. Send something to a user.</p>"
    rows = "\n".join(
        f"<tr><td>{mail.at:%H:%M:%S}</td><td>{escape(mail.message['To'])}</td>"
        f'<td><a href="/demo/outbox/{escape(mail.key)}">{escape(mail.message["Subject"])}</a></td></tr>'
        for mail in mails
    )
    head = "<tr><th>at (UTC)</th><th>to</th><th>subject</th></tr>"
    return f"<table><thead>{head}</thead><tbody>\n{rows}\n</tbody></table>"


def mail_page(mail: Mail) -> str:
    """One of them: its headers, and what it looks like with HTML and without."""
    headers = "\n".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in mail.message.items()
    )
    frame = f'<iframe title="The mail" src="/demo/outbox/{escape(mail.key)}/html"></iframe>'
    return _page(
        mail.message["Subject"],
        f"{frame}\n"
        f"<details><summary>As plain text</summary><pre>{escape(mail.body('plain'))}</pre></details>\n"
        f"<details><summary>Headers</summary><table>{headers}</table></details>\n"
        '<p><a href="/demo/outbox">All mails</a></p>',
    )


def _page(title: str, content: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}: the demo</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/demo/page.css">
</head>
<body class="outbox">
<header class="top">
<h1>{escape(title)}</h1>
<p>What the demo would have mailed. <a href="/">The inbox</a></p>
</header>
<main>
{content}
</main>
</body>
</html>
"""
