"""Words in what a notification says.

Compared here and not by the databases, which do not agree on what is the same letter beyond English.
"""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import normalize

from tidings.model import Notification


def words_of(text: str) -> tuple[str, ...]:
    """The words of a query, as has_words takes them; each once."""
    return tuple(dict.fromkeys(_folded(text).split()))


def has_words(notification: Notification, words: Sequence[str]) -> bool:
    """Whether each word, or what contains it, stands in the title or the body, in capitals or not."""
    if not words:
        return True
    title, body = _folded(notification.title), _folded(notification.body or "")
    return all(word in title or word in body for word in words)


def _folded(text: str) -> str:
    """The text without what differs though it reads the same: capitals, and how a letter is composed."""
    return normalize("NFKC", normalize("NFKC", text).casefold())
