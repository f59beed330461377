"""Passwords: Argon2, in a few threads of its own."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from pwdlib import PasswordHash

_HASHER = PasswordHash.recommended()
# One hash takes about 0.1 s of a core and 64 MiB: the number of threads is the bound on both.
_THREADS = ThreadPoolExecutor(max_workers=3, thread_name_prefix="argon2")


async def hashed(password: str) -> str:
    """The hash to store, which bears its own parameters and salt."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, _bytes(password))


async def verify(password: str, hash_: str | None) -> bool:
    """Whether it is the password. Without a hash the same work is done, and the answer is no."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, _bytes(password), hash_)


def _verify(password: bytes, hash_: str | None) -> bool:
    nobodys = _nobodys_hash()
    right = _HASHER.verify(password, hash_ or nobodys)
    return right and hash_ is not None


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_bytes(32))


def _bytes(password: str) -> bytes:
    # JSON can bear half of a surrogate pair, which plain UTF-8 cannot.
    return password.encode("utf-8", "surrogatepass")
