"""The one way out to where others choose: which addresses may be reached, and connections to no other.

A name is resolved once, each of its addresses is judged, and it is one of those that the connection goes to.
What the name means a moment later is not asked, so that nothing can be put in between.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeVar

from tidings.settings import Settings

MOST_TRIED = 4
"""Of the addresses that a name has: whoever owns it chooses how many those are."""

T = TypeVar("T")

_UNICAST = (ip_network("0.0.0.0/0"), ip_network("2000::/3"))
"""Of IPv6 what is in use; outside are ::1, IPv4 in IPv6 (mapped, NAT64), fc00::/7, fe80::/10, ff00::/8."""

# IANA's registries of special addresses. `is_global` will not do: it changed between patch releases of Python
# and is true of multicast and of what leads on to other addresses.
_SPECIAL = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a provider's customers; Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, seen from its machines alone
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocols; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "2001::/23",  # protocols: Teredo, with an IPv4 address inside, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, with an IPv4 address inside
        "3fff::/20",  # documentation
    )
)


class AddressRefused(OSError):
    """The host leads to no address that may be reached."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """One of a host, with the port."""

    family: socket.AddressFamily
    sockaddr: tuple[Any, ...]  # as the family has it: host, port, …

    @property
    def ip(self) -> str:
        return self.sockaddr[0]


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Resolves, judges, and connects."""

    allowed: Sequence[IPv4Network | IPv6Network] = ()  # beside what is public
    trusted: frozenset[str] = frozenset()  # hosts that are not judged, for the operator named them

    @classmethod
    def of_settings(cls, settings: Settings) -> Guard:
        return cls(allowed=settings.outbound_allowed)

    def allows(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether it is a public one, or in one of the networks that the operator allows."""
        return _is_in(address, self.allowed) or (_is_in(address, _UNICAST) and not _is_in(address, _SPECIAL))

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Those of the host that may be reached, in the resolver's order, MOST_TRIED at most.

        A name with public addresses and others has its public ones left: that no other is connected to is
        all that counts. Raises AddressRefused where none is left, gaierror where the name has none at all.
        """
        if not 0 < port < 65_536:  # the resolver would take it modulo 65,536
            raise AddressRefused(f"{port} is no port")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except ValueError as error:
            raise AddressRefused(f"{host} is no name of a host") from error
        addresses = [Address(family=family, sockaddr=sockaddr) for family, _, _, _, sockaddr in found]
        if host not in self.trusted:
            addresses = [address for address in addresses if self.allows(ip_address(address.ip))]
        if not addresses:
            raise AddressRefused(f"{host} has no address that may be reached")
        return addresses[:MOST_TRIED]

    async def reach(
        self, host: str, port: int, dial: Callable[[Address], Awaitable[T]], *, seconds: float
    ) -> T:
        """What `dial` makes of the first address that it does not raise OSError for, within `seconds`.

        Raises OSError: AddressRefused, TimeoutError, gaierror, or what `dial` raised for the last address.
        """
        try:
            async with asyncio.timeout(seconds):
                *others, last = await self.addresses(host, port)
                for address in others:
                    with suppress(OSError):
                        async with asyncio.timeout(seconds / (len(others) + 1)):
                            return await dial(address)
                return await dial(last)
        except TimeoutError as error:
            raise TimeoutError(f"{host} did not answer within {seconds:g} seconds") from error

    async def connect(self, host: str, port: int, *, seconds: float) -> socket.socket:
        """A connected socket that does not block; raises as `reach` does."""
        return await self.reach(host, port, _connected, seconds=seconds)


def _is_in(address: IPv4Address | IPv6Address, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)


async def _connected(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock
