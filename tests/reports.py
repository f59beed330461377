"""What mail servers and mailbox providers send back, each in its own shape."""

from __future__ import annotations

import base64

ADA = "ada@example.org"


def returned(message_id: str, to: str = ADA) -> str:
    """The headers of the mail that a report is about."""
    return (
        "Received: from acme.example by mx.example.org; Mon, 2 Mar 2026 09:30:00 +0000\n"
        "From: Acme <inbox@acme.example>\n"
        f"To: {to}\n"
        "Subject: =?utf-8?q?Zo=C3=AB_paid?=\n"
        f"Message-ID:\n {message_id}\n"
        "MIME-Version: 1.0\n"
        'Content-Type: multipart/alternative; boundary="=3D=="\n'
    )


def postfix(
    message_id: str,
    address: str = ADA,
    *,
    status: str = "5.1.1",
    action: str = "failed",
    diagnostic: str = 'X-Postfix; unknown user: "ada"',
    original: str | None = None,
    recipients: int = 1,
) -> bytes:
    """Of `recipients`, all but the last one are at `many.example`."""
    told = "\n".join(
        f"Final-Recipient: rfc822; {one}\n"
        f"Original-Recipient: rfc822;{original or one}\n"
        f"Action: {action}\n"
        f"Status: {status}\n"
        f"Diagnostic-Code: {diagnostic}\n"
        for one in [*(f"no.{n}@many.example" for n in range(1, recipients)), address]
    )
    return f"""\
Return-Path: <>
Received: by mail.example.org (Postfix)
\tid AAF7A242933; Mon, 2 Mar 2026 09:30:01 +0000 (UTC)
From: MAILER-DAEMON@mail.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bounces@acme.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="A5B10242952.1795798315/mail.example.org"
Content-Transfer-Encoding: 8bit
Message-Id: <20260302093001.AAF7A242933@mail.example.org>

This is a MIME-encapsulated message.

--A5B10242952.1795798315/mail.example.org
Content-Description: Notification
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

<{address}>: it is Zoë's no more

--A5B10242952.1795798315/mail.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org
X-Postfix-Queue-ID: A5B10242952
X-Postfix-Sender: rfc822; bounces@acme.example
Arrival-Date: Mon, 2 Mar 2026 09:30:00 +0000 (UTC)

{told}
--A5B10242952.1795798315/mail.example.org
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: 8bit

{returned(message_id, address)}
--A5B10242952.1795798315/mail.example.org--
""".encode()


def exim(message_id: str) -> bytes:
    """It puts the action first, and knows one status alone."""
    return f"""\
Received: from Debian-exim by out.example.org with local (Exim 4.96)
\tid 1xWzDA-00025v-1M
\tfor bounces@acme.example;
\tMon, 02 Mar 2026 09:30:01 +0000
X-Failed-Recipients: {ADA}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@out.example.org>
To: bounces@acme.example
References: {message_id}
Content-Type: multipart/report; report-type=delivery-status; boundary=1795798452-eximdsn-769402316
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1xWzDA-00025v-1M@out.example.org>

--1795798452-eximdsn-769402316
Content-type: text/plain; charset=us-ascii

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error.

--1795798452-eximdsn-769402316
Content-type: message/delivery-status

Reporting-MTA: dns; out.example.org

Action: failed
Final-Recipient: rfc822;{ADA}
Status: 5.0.0
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 <{ADA}>: Recipient address rejected: User unknown

--1795798452-eximdsn-769402316
Content-type: message/rfc822

Return-path: <bounces@acme.example>
{returned(message_id)}

--=3D==
Zoë paid.

--1795798452-eximdsn-769402316--
""".encode()


def exchange(message_id: str) -> bytes:
    """With parts within a part, and semicolons in the diagnostic."""
    return f"""\
From: <postmaster@ex.example.org>
To: <bounces@acme.example>
Date: Mon, 2 Mar 2026 09:30:01 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="9B095B5ADSN=_01DC9F3A0000ex.example.org"
Content-Language: en-US
X-MS-Exchange-Message-Is-Ndr:
Message-ID: <9b2f1c1e-0000-4000-8000-000000000001@ex.example.org>
In-Reply-To: {message_id}
Subject: Undeliverable: =?utf-8?q?Zo=C3=AB_paid?=

This is a MIME-formatted message.
Portions of this message may be unreadable without a MIME-capable mail program.

--9B095B5ADSN=_01DC9F3A0000ex.example.org
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="inner_9B095B5ADSN"

--inner_9B095B5ADSN
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Delivery has failed to these recipients or groups:

--inner_9B095B5ADSN
Content-Type: text/html; charset="us-ascii"

<p>Delivery has failed to these recipients or groups:</p>

--inner_9B095B5ADSN--

--9B095B5ADSN=_01DC9F3A0000ex.example.org
Content-Type: message/delivery-status

Reporting-MTA: dns;ex.example.org
Received-From-MTA: dns;out.acme.example
Arrival-Date: Mon, 2 Mar 2026 09:30:00 +0000

Final-Recipient: rfc822;Ada@Example.org
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup
X-Display-Name: Ada

--9B095B5ADSN=_01DC9F3A0000ex.example.org
Content-Type: message/rfc822

{returned(message_id)}
--=3D==

--9B095B5ADSN=_01DC9F3A0000ex.example.org--
""".replace("\n", "\r\n").encode()


def gmail(message_id: str) -> bytes:
    """The diagnostic is of several lines, each with its code."""
    return f"""\
Delivered-To: bounces@acme.example
From: Mail Delivery Subsystem <mailer-daemon@mail.example.net>
To: bounces@acme.example
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: {message_id}
In-Reply-To: {message_id}
X-Failed-Recipients: {ADA}
Message-ID: <69a55a11.170a0220.1@mx.example.net>
MIME-Version: 1.0
Content-Type: multipart/report; boundary="00000000000070f1c0063a"; report-type=delivery-status

--00000000000070f1c0063a
Content-Type: multipart/related; boundary="00000000000070f3a4063b"

--00000000000070f3a4063b
Content-Type: text/html; charset="UTF-8"

<p>Address not found</p>

--00000000000070f3a4063b
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64
Content-ID: <icon.png>

iVBORw0KGgo=

--00000000000070f3a4063b--
--00000000000070f1c0063a
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.net
Received-From-MTA: dns; bounces@acme.example
Arrival-Date: Mon, 02 Mar 2026 01:30:00 -0800 (PST)
X-Original-Message-ID: {message_id}

Final-Recipient: rfc822; {ADA}
Action: failed
Status: 5.2.1
Remote-MTA: dns; mx.example.org. (192.0.2.26, the server for the domain example.org.)
Diagnostic-Code: smtp; 550-5.2.1 The email account that you tried to reach is inactive. For more
 550-5.2.1 information, ask whoever runs it.
 550 5.2.1 ask 5b1f17b1804b1-4806ee1 - mx
Last-Attempt-Date: Mon, 02 Mar 2026 01:30:01 -0800 (PST)

--00000000000070f1c0063a
Content-Type: message/rfc822

{returned(message_id)}
--=3D==
Zoë paid.

--00000000000070f1c0063a--
""".replace("\n", "\r\n").encode()


def encoded(message_id: str) -> bytes:
    """What nobody need do: each part in an encoding of its own, for a mail with addresses in UTF-8."""
    status = f"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; {ADA}\nAction: failed\nStatus: 5.1.2\n"
    return (
        b'Content-Type: multipart/report; boundary="b c"\n\n'
        b"--b c  \nContent-Type: message/global-delivery-status\nContent-Transfer-Encoding: BASE64\n\n"
        + base64.encodebytes(status.encode())
        + b"--b c\nContent-Type: message/global-headers\nContent-Transfer-Encoding: quoted-printable\n\n"
        + returned(message_id).replace("=", "=3D").replace("@acme", "=40acme").encode()
        + b"--b c--\n"
    )


def complaint(message_id: str, *, to: str = ADA, kind: str = "abuse", told: str = "") -> bytes:
    """`told` are further fields of the report."""
    return f"""\
From: <abuse@mail.example.net>
To: <bounces@acme.example>
Subject: FW: Zoe paid
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
     boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an email abuse report for a message received from 192.0.2.1.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <bounces@acme.example>
{told}Source-IP: 192.0.2.1

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

{returned(message_id, to)}
--=3D==
Zoë paid.

--part1_13d.2e68ed54_boundary--
""".encode()
