"""Connections to where others choose: what is refused, in every spelling, and what an answer may cost."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from tests.certificates import Certificates, issue
from tests.conftest import Run
from tidings.delivery import outbound
from tidings.delivery.guard import MOST_TRIED, Address, AddressRefused, Guard
from tidings.delivery.outbound import Outbound, Response
from tidings.settings import Settings

LOOPBACK = Guard(allowed=(ip_network("127.0.0.0/8"),))
SECONDS = 10.0
"""More than anything here takes."""

PUBLIC_V4, PUBLIC_V6 = "93.184.216.34", "2606:2800:220:1::1"


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Generator[Run]:
    """Both loops: each has a way of its own to resolve and to connect."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


Names = dict[str, list[list[str]]]


@pytest.fixture
def resolver(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[Names], list[str]]:
    """Names that only the test knows, the first answer first; returns the list of what was asked for."""

    def install(names: Names) -> list[str]:
        asked: list[str] = []

        async def prepare() -> None:
            loop = asyncio.get_running_loop()
            real = loop.getaddrinfo

            async def getaddrinfo(host: Any, port: Any, **options: Any) -> Any:
                if host not in names:
                    return await real(host, port, **options)
                asked.append(host)
                answers = names[host]
                return [
                    found
                    for one in (answers.pop(0) if len(answers) > 1 else answers[0])
                    for found in await real(one, port, **options)
                ]

            monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)

        run(prepare())
        return asked

    return install


def found(run: Run, guard: Guard, host: str, port: int = 80) -> list[str]:
    return [address.ip for address in run(guard.addresses(host, port))]


# --- what is judged ----------------------------------------------------------------------------------------

REFUSED = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "Azure's host",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocols",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
    "255.255.255.255/32": "broadcast",
    "::/128": "unspecified",
    "::1/128": "loopback",
    "::/96": "IPv4-compatible",
    "::ffff:0:0/96": "IPv4-mapped",
    "::ffff:0:0:0/96": "IPv4-translated",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64 of a network's own",
    "100::/64": "discard",
    "100:0:0:1::/64": "dummy",
    "2001::/32": "Teredo",
    "2001:2::/48": "benchmarks",
    "2001:10::/28": "ORCHID",
    "2001:20::/28": "ORCHIDv2",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "3fff::/20": "documentation",
    "4000::/3": "not in use",
    "5f00::/16": "segment routing",
    "fc00::/7": "unique local",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
}


@pytest.mark.parametrize(("network", "kind"), REFUSED.items())
def test_no_special_network_is_reached(network: str, kind: str) -> None:
    known = ip_network(network)
    for address in (known[0], known[known.num_addresses // 2], known[-1]):
        assert not Guard().allows(address), kind
    assert Guard(allowed=(known,)).allows(known[-1])


@pytest.mark.parametrize(
    "address",
    [
        *("1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
        *("128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255"),
        *("172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0"),
        *("192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0"),
        *("203.0.112.255", "203.0.114.0", "223.255.255.255", PUBLIC_V4, PUBLIC_V6),
        *(
            "2000::",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "2001:ffff::",
            "2003::",
            "3ffe::",
            "3fff:1000::",
        ),
    ],
)
def test_what_is_beside_a_special_network_is_reached(address: str) -> None:
    assert Guard().allows(ip_address(address))


METADATA = (
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
)


@pytest.mark.parametrize("address", [*METADATA, "fd20:ce::254", "::ffff:169.254.169.254"])
def test_no_cloud_tells_its_secrets(run: Run, address: str) -> None:
    with pytest.raises(AddressRefused):
        found(run, Guard(), address)


@given(st.ip_addresses())
def test_what_python_holds_to_be_private_is_never_reached(address: IPv4Address | IPv6Address) -> None:
    """A second opinion, on everything; Python's own table."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not Guard().allows(address)


def embedding(v4: str) -> dict[str, str]:
    """The ways to write an IPv4 address as one of IPv6."""
    low = int(IPv4Address(v4))
    return {
        "mapped": f"::ffff:{v4}",
        "mapped in hex": f"::ffff:{low >> 16:x}:{low & 0xFFFF:x}",
        "compatible": f"::{v4}",
        "translated": f"::ffff:0:{v4}",
        "NAT64": f"64:ff9b::{v4}",
        "NAT64 of its own": f"64:ff9b:1::{v4}",
        "6to4": str(IPv6Address((0x2002 << 112) | (low << 80) | 1)),
        "Teredo": str(IPv6Address((0x20010000 << 96) | (~low & 0xFFFFFFFF))),
        "Teredo's server": str(IPv6Address((0x20010000 << 96) | (low << 64))),
    }


@pytest.mark.parametrize("way", embedding("127.0.0.1"))
def test_ipv4_within_ipv6_is_refused_whatever_is_inside(run: Run, way: str) -> None:
    """Public, private, or allowed as IPv4: who means that can say it."""
    for inside in ("127.0.0.1", "169.254.169.254", PUBLIC_V4):
        with pytest.raises(AddressRefused):
            found(run, LOOPBACK, embedding(inside)[way])


@pytest.mark.parametrize(
    "spelt",
    [
        *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7F.0x0.0x0.0x1"),
        *("0177.0.0.1", "017700000001", "0177.0x0.1", "00000000177.0.0.1", "127.0.0.1", "localhost"),
        *(
            "0",
            "0.0.0.0",
            "0x0",
            "::1",
            "::",
            "0:0:0:0:0:0:0:1",
            "::ffff:7f00:1",
            "①②⑦.0.0.1",
            "127。0。0。1",
        ),
        *("2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "fe80::1", "fe80::1%lo"),
    ],
)
def test_how_an_address_is_spelt_changes_nothing(run: Run, spelt: str) -> None:
    """What is judged is what the resolver makes of it, and that is what is connected to."""
    with pytest.raises(OSError) as raised:  # noqa: PT011 - which of the two is told below
        run(Guard().connect(spelt, 80, seconds=SECONDS))
    # Not every spelling is one to every system's resolver; then nothing is connected to, either.
    assert isinstance(raised.value, AddressRefused | socket.gaierror)


def test_numbers_are_spellings_to_the_resolver_of_this_system(run: Run) -> None:
    """Else the test above would say nothing."""
    for spelt in ("127.1", "2130706433", "0x7f.1", "0177.0.0.1"):
        assert found(run, LOOPBACK, spelt) == ["127.0.0.1"]


@pytest.mark.parametrize(
    "host", ["", "a..b", "a" * 64 + ".example", "a" * 5_000, "a\0b", "a b", "[::1]", "\ud800"]
)
def test_what_is_no_host_is_an_error_like_any_other(run: Run, host: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - of the resolver or the guard
        run(Guard().connect(host, 80, seconds=SECONDS))


@pytest.mark.parametrize("port", [-1, 0, 65_536, 65_536 + 80, 2**40])
def test_a_port_is_one_of_those_that_there_are(run: Run, port: int) -> None:
    with pytest.raises(AddressRefused):
        found(run, LOOPBACK, "127.0.0.1", port)


def test_of_a_mixed_answer_the_public_ones_are_left(run: Run, resolver: Callable[[Names], list[str]]) -> None:
    resolver(
        {
            "mixed.test": [["10.0.0.1", PUBLIC_V4, "::1", PUBLIC_V6, "127.0.0.1"]],
            "bad.test": [["10.0.0.1", "::1"]],
        }
    )

    assert found(run, Guard(), "mixed.test") == [PUBLIC_V4, PUBLIC_V6]
    with pytest.raises(AddressRefused, match=r"^bad\.test has no address that may be reached$"):
        found(run, Guard(), "bad.test")


def test_the_operator_allows_networks_and_trusts_hosts(
    run: Run, resolver: Callable[[Names], list[str]]
) -> None:
    resolver({"inside.test": [["10.1.2.3", "10.2.0.1"]]})

    assert found(run, Guard(allowed=(ip_network("10.1.0.0/16"),)), "inside.test") == ["10.1.2.3"]
    trusting = Guard(trusted=frozenset({"inside.test"}))
    assert found(run, trusting, "inside.test") == ["10.1.2.3", "10.2.0.1"]
    for other in ("10.1.2.3", "INSIDE.test.", "x.inside.test"):
        with pytest.raises((AddressRefused, socket.gaierror)):
            found(run, trusting, other)


def test_the_settings_say_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Guard.of_settings(Settings()) == Guard()
    monkeypatch.setenv("TIDINGS_OUTBOUND_ALLOWED", "10.1.0.0/16, fd12::/64,192.168.7.7")
    guard = Guard.of_settings(Settings())
    allowed = [str(network) for network in guard.allowed]
    assert allowed == ["10.1.0.0/16", "fd12::/64", "192.168.7.7/32"]
    monkeypatch.setenv("TIDINGS_OUTBOUND_ALLOWED", "inside.test")
    with pytest.raises(ValueError, match="outbound_allowed"):
        Settings()


# --- what is connected to ----------------------------------------------------------------------------------


@asynccontextmanager
async def accepting(*hosts: str) -> AsyncGenerator[tuple[int, list[str]]]:
    """One port on these addresses of this machine; who was connected to is listed."""
    came: list[str] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer.get_extra_info("sockname")[0])
        writer.close()

    port = 0
    servers: list[asyncio.Server] = []
    for host in hosts:
        servers.append(await asyncio.start_server(accept, host, port))
        port = servers[0].sockets[0].getsockname()[1]
    try:
        yield port, came
    finally:
        for server in servers:
            server.close()
            await server.wait_closed()


def test_the_connection_goes_to_what_was_judged(run: Run, resolver: Callable[[Names], list[str]]) -> None:
    """Whatever the name means by then: it is asked for once."""
    guard = Guard(allowed=(ip_network("127.0.0.1/32"),))
    asked = resolver({"rebinding.test": [["127.0.0.1"], ["127.0.0.2"]]})

    async def peer() -> str:
        async with accepting("127.0.0.1", "127.0.0.2") as (port, came):
            with await guard.connect("rebinding.test", port, seconds=SECONDS) as sock:
                assert not sock.getblocking()
                assert await asyncio.get_running_loop().sock_recv(sock, 1) == b""
                assert came == ["127.0.0.1"]
                return sock.getpeername()[0]

    assert run(peer()) == "127.0.0.1"
    assert asked == ["rebinding.test"]
    with pytest.raises(AddressRefused):
        found(run, guard, "rebinding.test")


def test_the_next_address_is_tried_where_one_does_not_answer(
    run: Run, resolver: Callable[[Names], list[str]]
) -> None:
    resolver({"two.test": [["127.0.0.3", "127.0.0.2"]], "none.test": [["127.0.0.3", "127.0.0.4"]]})

    async def peer() -> str:
        async with accepting("127.0.0.2") as (port, _):
            with pytest.raises(ConnectionRefusedError):
                await LOOPBACK.connect("none.test", port, seconds=SECONDS)
            with await LOOPBACK.connect("two.test", port, seconds=SECONDS) as sock:
                return sock.getpeername()[0]

    assert run(peer()) == "127.0.0.2"


def test_not_more_addresses_are_tried_than_a_host_needs(
    run: Run, resolver: Callable[[Names], list[str]]
) -> None:
    resolver({"many.test": [[f"127.0.1.{last}" for last in range(1, 100)]]})
    tried: list[str] = []

    async def dial(address: Address) -> None:
        tried.append(address.ip)
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        run(LOOPBACK.reach("many.test", 80, dial, seconds=SECONDS))
    assert tried == [f"127.0.1.{last}" for last in range(1, MOST_TRIED + 1)]


@asynccontextmanager
async def silent(host: str) -> AsyncGenerator[int]:
    """A port of which the queue is full: who comes is never let in."""
    loop = asyncio.get_running_loop()
    with socket.socket() as listener:
        listener.bind((host, 0))
        listener.listen(0)
        queue: list[tuple[socket.socket, asyncio.Future[None]]] = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            queue.append((sock, asyncio.ensure_future(loop.sock_connect(sock, listener.getsockname()))))
        await asyncio.wait([task for _, task in queue], timeout=0.1)
        try:
            yield listener.getsockname()[1]
        finally:
            for sock, task in queue:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                sock.close()


def test_who_does_not_answer_is_left_in_time(run: Run, resolver: Callable[[Names], list[str]]) -> None:
    async def connect() -> str:
        async with silent("127.0.0.1") as port:
            started = time.monotonic()
            with pytest.raises(TimeoutError, match=r"^127\.0\.0\.1 did not answer within 0\.2 seconds$"):
                await LOOPBACK.connect("127.0.0.1", port, seconds=0.2)
            assert time.monotonic() - started < SECONDS / 2

            server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.2", port)
            async with server:
                with await LOOPBACK.connect("slow.test", port, seconds=1) as sock:
                    return sock.getpeername()[0]

    resolver({"slow.test": [["127.0.0.1", "127.0.0.2"]]})
    assert run(connect()) == "127.0.0.2"  # half of the time is the second one's


def test_the_resolver_has_no_more_time_than_the_rest(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect() -> None:
        async def never(*_: Any, **__: Any) -> Any:
            await asyncio.Event().wait()

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
        await Guard().connect("never.test", 80, seconds=0.05)

    with pytest.raises(TimeoutError, match=r"never\.test"):
        run(connect())


# --- HTTP --------------------------------------------------------------------------------------------------

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Site:
    """A server that says the same to all, and what it was asked."""

    def __init__(self, answer: bytes = b"", *, handle: Handler | None = None) -> None:
        self.answer, self.handle = answer, handle
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                writer.write(self.answer)
                if self.handle is not None:
                    await self.handle(reader, writer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    site: Site, tls: SSLContext | None = None, *, host: str = "127.0.0.1"
) -> AsyncGenerator[int]:
    server = await asyncio.start_server(site.serve, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def post(
    run: Run,
    site: Site,
    url: str,
    *,
    times: int = 1,
    certificates: Certificates | None = None,
    **options: Any,
) -> Response:
    """The answer to the last of some posts; {port} in the URL stands for the site's."""

    async def ask() -> Response:
        tls = certificates.server if certificates else None
        async with serving(site, tls) as port:
            out = Outbound(options.pop("guard", LOOPBACK), **options)
            try:
                for _ in range(times):
                    answer = await out.post(url.format(port=port), content=b"{}", headers={"X-Kind": "ping"})
                # `times` is 1 or more.
                return answer  # pyright: ignore[reportPossiblyUnboundVariable]
            finally:
                await out.close()

    return run(ask())


def said(status: str, body: bytes = b"", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(lines).encode() + body


def test_a_post_says_what_it_was_given(run: Run, resolver: Callable[[Names], list[str]]) -> None:
    asked = resolver({"hook.test": [["127.0.0.1"], ["127.0.0.2"]]})
    site = Site(said("202 Accepted", b"thanks", "Retry-After: 7"))
    answer = post(run, site, "http://hook.test:{port}/in?a=1#part", times=3)

    assert (answer.status, answer.body, answer.headers["retry-after"]) == (202, b"thanks", "7")
    head, _, body = site.requests[-1].partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    assert (first, body) == ("POST /in?a=1 HTTP/1.1", b"{}")
    assert "X-Kind: ping" in rest
    assert len([line for line in rest if line.startswith("Host: hook.test:")]) == 1
    assert (site.connections, asked) == (1, ["hook.test"])  # kept open, to the address that was judged


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "127.1",
        "localhost",
        "hook.test",
        "[::ffff:127.0.0.1]",
    ],
)
def test_a_post_to_what_is_refused_is_not_made(
    run: Run, resolver: Callable[[Names], list[str]], host: str
) -> None:
    resolver({"hook.test": [["127.0.0.1"]]})
    site = Site(said("200 OK"))
    with pytest.raises(AddressRefused):
        post(run, site, f"http://{host}:{{port}}/", guard=Guard())
    assert site.connections == 0


def test_a_post_goes_to_the_next_address_where_one_does_not_answer(
    run: Run, resolver: Callable[[Names], list[str]]
) -> None:
    resolver({"two.test": [["127.0.0.3", "127.0.0.1"]]})
    assert post(run, Site(said("200 OK")), "http://two.test:{port}/").status == 200


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="there is no IPv6 here")
def test_an_address_of_ipv6_stands_in_brackets(run: Run) -> None:
    site = Site(said("200 OK"))

    async def ask() -> int:
        async with serving(site, host="::1") as port:
            out = Outbound(Guard(allowed=(ip_network("::1"),)))
            await out.post(f"http://[::1]:{port}/", content=b"", headers={})
            await out.close()
            return port

    port = run(ask())
    assert f"Host: [::1]:{port}\r\n".encode() in site.requests[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer(run: Run, status: int) -> None:
    site = Site(said(f"{status} Elsewhere", b"", "Location: /again"))
    answer = post(run, site, "http://127.0.0.1:{port}/")
    assert (answer.status, answer.headers["location"], len(site.requests)) == (status, "/again", 1)


def test_no_more_of_an_answer_is_read_than_fits(run: Run) -> None:
    site = Site(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    site.handle = flood
    answer = post(run, site, "http://127.0.0.1:{port}/", times=2, seconds=SECONDS)
    assert (answer.status, answer.body) == (200, b"x" * outbound.LARGEST)
    assert site.connections == 2  # who floods is left


def test_what_is_compressed_stays_so(run: Run) -> None:
    """A small answer cannot become a large one."""
    site = Site(said("200 OK", b"\x1f\x8b\x08\x00", "Content-Encoding: gzip"))
    assert post(run, site, "http://127.0.0.1:{port}/").body == b"\x1f\x8b\x08\x00"
    assert b"accept-encoding" not in site.requests[0].lower()


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]
)
def test_an_answer_in_drops_is_cut_off_in_time(run: Run, start: bytes) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            if start:
                writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"^127\.0\.0\.1 did not answer within 0\.2 seconds$"):
        post(run, Site(start, handle=drip), "http://127.0.0.1:{port}/", seconds=0.2)
    assert time.monotonic() - started < SECONDS / 2


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH_9.7\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, b"HTTP/1.1 1000 OK\r\n\r\n"],
)
def test_what_is_no_answer_is_a_failed_connection(run: Run, answer: bytes) -> None:
    with pytest.raises(ConnectionError):
        post(run, Site(answer), "http://127.0.0.1:{port}/", seconds=SECONDS)


def test_who_is_not_there_is_a_failed_connection(run: Run) -> None:
    async def ask() -> None:
        async with serving(Site()) as port:
            pass
        await Outbound(LOOPBACK).post(f"http://127.0.0.1:{port}/", content=b"", headers={})

    with pytest.raises(ConnectionError):
        run(ask())


@pytest.mark.parametrize(
    "url",
    [
        *("", "hook.test", "//hook.test/", "ftp://hook.test/", "file:///etc/passwd", "gopher://hook.test/"),
        *("http://", "http:///x", "https://user:password@hook.test/", "javascript:alert(1)"),
        *(f"http://{host}/" for host in ("①②⑦.0.0.1", "0177.0.0.1", "a:b:c", "hook.test:port", "\0")),
    ],
)
def test_what_is_no_address_for_http_is_said_to_be_none(run: Run, url: str) -> None:
    async def ask() -> None:
        await Outbound(Guard()).post(url, content=b"", headers={})

    with pytest.raises(ValueError):  # noqa: PT011 - it depends on what is wrong
        run(ask())


class Closed(Guard):
    """Looks nothing up."""

    async def addresses(self, host: str, port: int) -> list[Address]:
        raise AddressRefused(host)


@given(st.sampled_from(["", "http://", "https://[", "http://t:"]), st.text())
def test_no_text_is_worse_than_no_address(start: str, text: str) -> None:
    with pytest.raises((ValueError, OSError)):
        asyncio.run(
            Outbound(Closed(), tls=SSLContext(PROTOCOL_TLS_CLIENT)).post(
                start + text, content=b"", headers={}
            )
        )


def test_a_header_cannot_begin_another(run: Run) -> None:
    async def serve(value: str) -> None:
        site = Site(said("200 OK"))
        async with serving(site) as port:
            out = Outbound(LOOPBACK)
            try:
                await out.post(f"http://127.0.0.1:{port}/", content=b"", headers={"X-Kind": value})
            finally:
                await out.close()
                assert site.requests == []

    for value in ("a\r\nX-Other: b", "a\nb", "a\0b", "ü"):
        with pytest.raises((ValueError, OSError)):
            run(serve(value))


# --- TLS ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder: Path = tmp_path_factory.mktemp("certificates")
    return issue("hook.test", folder)


def test_a_certificate_must_be_for_the_name_in_the_url(
    run: Run, resolver: Callable[[Names], list[str]], certificates: Certificates
) -> None:
    resolver({"hook.test": [["127.0.0.1"]], "other.test": [["127.0.0.1"]]})
    site = Site(said("200 OK"))
    options: dict[str, Any] = {"certificates": certificates, "tls": certificates.client}

    assert post(run, site, "https://hook.test:{port}/", **options).status == 200
    for host in ("other.test", "127.0.0.1"):
        with pytest.raises(ConnectionError, match="certificate"):
            post(run, site, f"https://{host}:{{port}}/", **options)
    assert len(site.requests) == 1


def test_a_certificate_must_be_of_an_authority_that_is_known(
    run: Run, resolver: Callable[[Names], list[str]], certificates: Certificates
) -> None:
    resolver({"hook.test": [["127.0.0.1"]]})
    with pytest.raises(ConnectionError, match="certificate"):
        post(run, Site(said("200 OK")), "https://hook.test:{port}/", certificates=certificates)
