"""Fast POSTs over HTTP/1.1 to any number of hosts: connections that stay open, and little between the bytes and the wire.

A POST through a general client costs ten times what the wire asks for; here a request is one joined string, one write and one future. Over
TLS too it takes two thirds of what one over HTTP/2 takes in Rust, since crossing over to it and back costs more than the framing saves.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from functools import cache
from typing import Protocol

import aiohttp
import msgspec
from aiohappyeyeballs import AddrInfoType, start_connection
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from channels.contract import DeliveryFailed, Rejected, Still, Unreachable
from channels.http_connection import LONGEST_BODY, Connection
from channels.http_outcomes import Answer, Words
from channels.receiver_url import as_address, origin_of

USER_AGENT = "tocsin"

KEPT_S = 3.0
"""A connection rests for so long. Shorter than servers' own: one that is closed just as a POST leaves looks like a missing answer."""

MOST_RESTING = 256
"""Connections that rest in one client, over all hosts: with thousands of hosts the process would run out of descriptors."""

FOUND_S = 10.0
"""A name's addresses are used for so long."""

MOST_SITES = 4096
_SWEEPS = 4
"""Looks at the clock within each time-out: a time-out may come late by a quarter, and no request needs a timer of its own."""

_SECOND_TRY_S = 0.25
"""Until the next address of a host is tried beside the one that has not answered (RFC 8305)."""

OpenSocket = Callable[[AddrInfoType], socket.socket]


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds until a connection must stand, and until an answer must have come after that."""

    connect: float = 5.0
    answer: float = 15.0


PATIENT = Timeouts()


class Poster(Protocol):
    """Whoever can post bytes: `HttpClient` here, and `SafeClient` for strangers' hosts."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, still: Still) -> Answer:
        """One POST, no redirects followed, no retries. `still` is asked when a connection stands for which it had to wait. Raises
        DeliveryFailed when no answer came."""

    async def aclose(self) -> None:
        """Close all connections."""


class ForbiddenAddressError(OSError):
    """The host is, or resolves to, an address that this client may not connect to."""


class Site:
    """One origin: where it is and which connections to it rest."""

    __slots__ = ("connecting", "found", "found_until", "head", "host", "lookup", "port", "resting", "tls")

    def __init__(self, origin: str) -> None:
        url = URL(origin)
        self.host, self.port, self.tls = url.raw_host or "", url.port or 0, url.scheme == "https"
        self.head = f"Host: {origin.partition('://')[2]}\r\nUser-Agent: {USER_AGENT}".encode("ascii")
        self.resting: list[Connection] = []
        self.connecting = 0
        self.lookup = asyncio.Lock()
        self.found: list[AddrInfoType] = []
        self.found_until = 0.0


class HttpClient:
    """A pool of connections by origin. It opens as many as there are POSTs at once: how many that may be is its caller's to say."""

    def __init__(
        self,
        timeouts: Timeouts = PATIENT,
        *,
        admit: Callable[[str], None] = lambda url: None,
        resolver: AbstractResolver | None = None,
        open_socket: OpenSocket = lambda target: socket.socket(*target[:3]),
        longest_body: int = LONGEST_BODY,
    ) -> None:
        """`admit` refuses the URL of a new origin by raising Rejected; `resolver` looks names up, the system's own by default;
        `open_socket` makes the socket for an address, or raises ForbiddenAddressError; an answer may have `longest_body` bytes."""
        self._timeouts, self._admit, self._open_socket = timeouts, admit, open_socket
        self._resolver, self._longest_body = resolver, longest_body
        self._sites: dict[str, Site] = {}
        self._open: dict[Connection, Site] = {}
        self._resting: dict[Connection, None] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed: asyncio.Future[None] | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, still: Still = lambda: None) -> Answer:
        """One POST to a canonical URL, see `Poster`. Raises Unreachable when nothing was sent, Uncertain when no answer came, Rejected for
        what is not admitted or can't be a request."""
        site, request = self._request(url, headers, body)
        connection = self._rested(site) or await self._connected(site, still)
        try:
            return await connection.send(request)
        except asyncio.CancelledError:
            connection.drop()
            raise

    async def ask(self, url: str, headers: Mapping[str, str], body: bytes, still: Still = lambda: None) -> Words:
        """As `post`, with what the server says. A body that breaks off, or is too long to be meant for us, is only a shorter one."""
        site, request = self._request(url, headers, body)
        connection = self._rested(site) or await self._connected(site, still)
        try:
            return await connection.ask(request)
        except asyncio.CancelledError:
            connection.drop()
            raise

    async def aclose(self) -> None:
        """Close all connections; a later POST opens new ones."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        if self._open:
            self._closed = asyncio.get_running_loop().create_future()
            for connection in list(self._open):
                connection.drop()
            await self._closed
            self._closed = None
        if self._resolver is not None:
            await self._resolver.close()

    def _request(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[Site, bytes]:
        origin = origin_of(url)
        site = self._sites.get(origin) or self._site(origin, url)
        return site, _written(site, url[len(origin) :], headers, body)

    async def _connected(self, site: Site, still: Still) -> Connection:
        connection = await self._connect(site)
        try:
            still()
        except BaseException:
            self._rest(connection)  # for the next one
            raise
        return connection

    def _site(self, origin: str, url: str) -> Site:
        self._admit(url)
        # Strangers may name any number of origins.
        if len(self._sites) >= MOST_SITES:
            used = set(self._open.values())
            self._sites = {name: site for name, site in self._sites.items() if site in used or site.connecting}
        site = self._sites[origin] = Site(origin)
        return site

    async def _connect(self, site: Site) -> Connection:
        site.connecting += 1
        try:
            async with asyncio.timeout(self._timeouts.connect):
                connection = await self._opened(site)
        except (OSError, ValueError) as error:
            # The system's own words name the host, which is part of an address.
            raise _failure(error) from None
        finally:
            site.connecting -= 1
        if self._sweeper is None:
            self._sweep()
        return connection

    async def _opened(self, site: Site) -> Connection:
        def made(connection: Connection) -> None:
            self._open[connection] = site

        loop = asyncio.get_running_loop()
        raw = await start_connection(
            await self._addresses(site), happy_eyeballs_delay=_SECOND_TRY_S, interleave=1, socket_factory=self._open_socket
        )
        connection = Connection(made, self._rest, self._lost, self._longest_body)
        try:
            await loop.create_connection(
                lambda: connection,
                sock=raw,
                ssl=_verified() if site.tls else None,
                server_hostname=site.host if site.tls else None,
            )
        except BaseException:
            raw.close()
            # Whoever is cancelled just as it stands: uvloop never tells it of its end.
            self._lost(connection)
            raise
        return connection

    async def _addresses(self, site: Site) -> list[AddrInfoType]:
        async with site.lookup:  # one question at a time: whoever waited takes its answer
            loop = asyncio.get_running_loop()
            if loop.time() >= site.found_until:
                site.found = await self._look_up(site)
                site.found_until = loop.time() + FOUND_S
        return site.found

    async def _look_up(self, site: Site) -> list[AddrInfoType]:
        literal = as_address(site.host)
        if literal is not None:
            return [_address(str(literal), site.port, socket.AF_INET if literal.version == 4 else socket.AF_INET6)]
        if self._resolver is None:
            self._resolver = aiohttp.ThreadedResolver()
        found: list[ResolveResult] = await self._resolver.resolve(site.host, site.port, socket.AF_UNSPEC)
        return [_address(result["host"], result["port"], socket.AddressFamily(result["family"])) for result in found]

    def _rested(self, site: Site) -> Connection | None:
        """The connection to it that was used last, if there is one that is still open."""
        while site.resting:
            connection = site.resting.pop()
            self._resting.pop(connection, None)
            if connection.is_open:
                return connection
        return None

    def _rest(self, connection: Connection) -> None:
        self._open[connection].resting.append(connection)
        self._resting[connection] = None
        if len(self._resting) > MOST_RESTING:
            longest = next(iter(self._resting))
            del self._resting[longest]
            longest.drop()

    def _lost(self, connection: Connection) -> None:
        site = self._open.pop(connection, None)
        self._resting.pop(connection, None)
        if site is not None and connection in site.resting:
            site.resting.remove(connection)
        if not self._open and self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    def _sweep(self) -> None:
        """Drop what has rested or kept silent for too long."""
        loop = asyncio.get_running_loop()
        now, answer_s = loop.time(), self._timeouts.answer
        for connection in list(self._open):
            if now - connection.since > (KEPT_S if connection.resting else answer_s):
                connection.drop()
        self._sweeper = loop.call_later(min(KEPT_S, answer_s) / _SWEEPS, self._sweep) if self._open else None


@cache
def _verified() -> ssl.SSLContext:
    """Certificates and names are checked against what this machine trusts; made at first use, since it reads a file."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _address(host: str, port: int, family: socket.AddressFamily) -> AddrInfoType:
    where = (host, port) if family == socket.AF_INET else (host, port, 0, 0)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


def _written(site: Site, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    fields = [f"{name}: {value}" for name, value in headers.items()]
    fields.append(f"Content-Length: {len(body)}")
    given = path + "".join(fields)  # where a line's end would begin another field, or another request
    if " " in path or not (given.isascii() and given.isprintable()):
        raise Rejected("this can't be sent as an HTTP request")
    return b"POST %b HTTP/1.1\r\n%b\r\n%b\r\n\r\n%b" % (path.encode(), site.head, "\r\n".join(fields).encode(), body)


def _failure(error: OSError | ValueError) -> DeliveryFailed:
    match error:
        case ForbiddenAddressError():
            return Rejected("this address is not public")
        case ssl.SSLCertVerificationError():
            return Unreachable("the receiver's certificate is not valid")
        case TimeoutError():
            return Unreachable("the connection timed out")
        case OSError():
            return Unreachable("no connection could be made")
        case _:
            return Rejected("this can't be sent as an HTTP request")
