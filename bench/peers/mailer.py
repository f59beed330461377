"""aiosmtplib in a loop: `python -m bench.peers.mailer PORT MAILS`, once for each worker.

As many connections as a worker of ours has hands, which stay open; on each goes one mail after the other, the
octets of one of ours.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from uuid import uuid4

import aiosmtplib
import uvloop

from bench.processes import wait_for_start
from tidings.delivery.channels.email.message import build
from tidings.delivery.channels.email.message_ids import MessageIds
from tidings.delivery.channels.email.templates import default_template, render
from tidings.delivery.unsubscribe_links import unsubscribe_link
from tidings.delivery.worker import AT_ONCE
from tidings.model import Audience, Notification, Severity

HOST = "127.0.0.1"
_SECRET = b"a secret of the bench alone"
_SENDER, _TO, _INBOX = "inbox@acme.example", "user1@example.org", "https://inbox.acme.example"


async def work(port: int, mails: int) -> None:
    """Says "done" once all are handed over."""
    mail = _mail()
    clients = [aiosmtplib.SMTP(hostname=HOST, port=port) for _ in range(AT_ONCE)]
    for client in clients:
        await client.connect()
    left = iter(range(mails))

    async def send(client: aiosmtplib.SMTP) -> None:
        for _ in left:
            await client.sendmail(_SENDER, [_TO], mail)

    wait_for_start()
    await asyncio.gather(*map(send, clients))
    print("done", flush=True)


def _mail() -> bytes:
    at, user = datetime.now(UTC), uuid4()
    notification = Notification(
        id=uuid4(),
        stream_id=user,
        audience=Audience.USER,
        seq=1,
        lane=1,
        position=1,
        event="invoice_paid",
        topic="billing",
        severity=Severity.INFO,
        title="Invoice 1 is paid",
        body="It was paid by card.",
        data={},
        actions=[],
        created_at=at,
        occurred_at=None,
        expires_at=None,
        resolved_at=None,
    )
    url = unsubscribe_link(_SECRET, _INBOX, _TO)
    rendered = render(default_template(), notification, inbox_url=_INBOX, unsubscribe_url=url)
    id_ = MessageIds(_SECRET).of(notification.id, user, "acme.example")
    return bytes(
        build(sender=_SENDER, to=_TO, rendered=rendered, message_id=id_, unsubscribe_url=url, date=at)
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(int(sys.argv[1]), int(sys.argv[2])))
