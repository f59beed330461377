"""Who really calls, and under which address, where the operator's own proxies stand between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import HTTPConnection

UNKNOWN = "unknown"

_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")


class TrustedProxies:
    """The proxies whose X-Forwarded-For, -Proto and -Host are believed."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network] = ()) -> None:
        self._networks = tuple(networks)

    def client_ip(self, connection: HTTPConnection) -> str:
        """The caller's address: from the right, the first in X-Forwarded-For that is no proxy of ours.

        What stands further left was written by the caller, who can write anything. `unknown` where the
        connection has no address (a Unix socket).
        """
        peer = _address(connection.client.host if connection.client else "")
        if peer is None:
            return UNKNOWN
        forwarded = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
        while self._trusts(peer) and forwarded:
            before = _address(forwarded.pop())
            if before is None:
                break
            peer = before
        return str(peer)

    def base_url(self, connection: HTTPConnection) -> str:
        """Scheme and host under which the caller finds the server, without a slash at the end.

        A Host that is none, which anybody can send, is not repeated: then it is where the server listens.
        """
        host, scheme = connection.headers.get("host", ""), connection.url.scheme
        peer = _address(connection.client.host if connection.client else "")
        if peer is not None and self._trusts(peer):
            host = _last(connection, "x-forwarded-host") or host
            told = _last(connection, "x-forwarded-proto").lower()
            scheme = told if told in ("http", "https") else scheme
        return f"{scheme}://{host if _HOST.fullmatch(host) else _listening(connection)}"

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


def _last(connection: HTTPConnection, name: str) -> str:
    """What the nearest proxy says."""
    return ",".join(connection.headers.getlist(name)).rpartition(",")[2].strip()


def _listening(connection: HTTPConnection) -> str:
    host, port = connection.scope.get("server") or ("localhost", None)
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """`1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1` or `[2001:db8::1]:5678`; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
