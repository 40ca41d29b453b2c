"""The guard against server-side request forgery: strangers name the host, so only public addresses are connected to.

It looks at each address that a socket would really be opened to, after DNS and for literals alike, so a name that changes its mind
between a check and its use gains nothing. No redirects, no proxy, no cookies, and little of an answer is read.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from channels.contract import Rejected, Still
from channels.http_client import PATIENT, ForbiddenAddressError, HttpClient, Timeouts
from channels.http_outcomes import Answer
from channels.receiver_url import IPAddress, as_address

LONGEST_OF_STRANGERS = 16_384
"""Bytes of an answer's body, of which nothing is read but its end: reading a longer one would cost more than a new connection."""

_HTTPS = 443
_FIRST_UNPRIVILEGED_PORT = 1024

_CLOSED_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, *range(6665, 6670), 6679, 6697, 10080, 11211}
)
"""Ports above 1023 that are never a web server's: the Fetch standard's list of bad ports, Redis and memcached."""

_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""IANA IPv4 Special-Purpose Address Registry, multicast and reserved, written out since Python's own lists differ by version."""

_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that is in public use. IPv4-mapped, NAT64, loopback, link-local, unique local and multicast lie outside."""

_NOT_PUBLIC_6 = tuple(ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""Protocol assignments with Teredo, documentation and 6to4, from the IANA IPv6 Special-Purpose Address Registry."""

_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")
)
"""What `allow_private` opens. Link-local stays closed: a cloud's metadata service lives there."""


def is_public(address: IPAddress) -> bool:
    """Whether anyone on the internet could be at this address."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_reachable(address: IPAddress, *, allow_private: bool) -> bool:
    """Whether a socket may be opened to this address."""
    return is_public(address) or (allow_private and any(address in network for network in _PRIVATE))


def check_target(url: URL, *, allow_private: bool) -> None:
    """Scheme, port and literal address of a URL, before any I/O. Raises Rejected."""
    if url.scheme != "https" and not allow_private:
        raise Rejected("only https receivers are reached")
    port = url.port or 0
    if not allow_private and port != _HTTPS and (port < _FIRST_UNPRIVILEGED_PORT or port in _CLOSED_PORTS):
        raise Rejected("this port is not reached")
    address = as_address(url.host or "")
    if address is not None and not is_reachable(address, allow_private=allow_private):
        raise Rejected("this address is not public")


class GuardedResolver(AbstractResolver):
    """DNS whose answer counts only when each of its addresses may be connected to."""

    def __init__(self, inner: AbstractResolver, *, allow_private: bool) -> None:
        self._inner = inner
        self._allow_private = allow_private

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """The addresses of a name. Raises ForbiddenAddressError when one of them is not public, OSError when there are none."""
        found = await self._inner.resolve(host, port, family)
        for result in found:
            _guard(result["host"], allow_private=self._allow_private)
        return found

    async def close(self) -> None:
        """Close the resolver inside."""
        await self._inner.close()


class SafeClient:
    """POSTs to hosts that strangers named: each address is looked at after DNS, and once more where its socket is made."""

    def __init__(self, *, allow_private: bool, timeouts: Timeouts = PATIENT, resolver: AbstractResolver | None = None) -> None:
        """`resolver` looks names up; the system's own by default."""
        self._allow_private = allow_private
        self._timeouts = timeouts
        self._resolver = resolver
        self._client: HttpClient | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, still: Still = lambda: None) -> Answer:
        """One POST, see `channels.http_client.Poster`. Raises Rejected for a forbidden target, Unreachable when nothing was sent, Uncertain
        when no answer came."""
        return await (self._client or self._open()).post(url, headers, body, still)

    async def aclose(self) -> None:
        """Close all connections; a later POST opens new ones."""
        client, self._client = self._client, None
        if client:
            await client.aclose()

    def _open(self) -> HttpClient:
        resolver = GuardedResolver(self._resolver or aiohttp.ThreadedResolver(), allow_private=self._allow_private)
        self._client = HttpClient(
            self._timeouts, admit=self._admit, resolver=resolver, open_socket=self._socket, longest_body=LONGEST_OF_STRANGERS
        )
        return self._client

    def _admit(self, url: str) -> None:
        check_target(URL(url, encoded=True), allow_private=self._allow_private)

    def _socket(self, target: AddrInfoType) -> socket.socket:
        """The last look, at the address itself, whoever looked it up."""
        family, kind, protocol, _, address = target
        _guard(str(address[0]), allow_private=self._allow_private)
        return socket.socket(family, kind, protocol)


def _guard(host: str, *, allow_private: bool) -> None:
    address = as_address(host)
    if address is None or not is_reachable(address, allow_private=allow_private):
        raise ForbiddenAddressError("this address is not public")
