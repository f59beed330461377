"""How a mail is shown as a page."""

from __future__ import annotations

MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'self'"
)
"""Its Content-Security-Policy: it runs nothing and loads nothing; its links open windows of their own."""
