"""E-mail addresses as they are stored and looked up."""

from __future__ import annotations

import re
import unicodedata

from tidings.errors import InvalidInput

LONGEST = 320
_FORM = re.compile(r"[^@\s]+@[^@\s]+")
_REFUSED = ("Cc", "Cs")  # control characters, and half a surrogate pair


def normalised(email: str) -> str:
    """The address trimmed and lower-cased. Raises InvalidInput for what is no address.

    Only its form is looked at, and broadly: whether mail arrives there is for the product to find out, and
    `ada@localhost` or `ada@corp.test` is good enough on a desk.
    """
    address = unicodedata.normalize("NFC", email).strip().lower()
    if (
        len(address) > LONGEST
        or not _FORM.fullmatch(address)
        or any(unicodedata.category(character) in _REFUSED for character in address)
    ):
        raise InvalidInput("email must be an email address.", field="email")
    return address
