"""The guard of strangers' hosts: whatever a name or a literal says, only public addresses are connected to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from channels.contract import Rejected, TryAgain, Uncertain
from channels.http_client import ForbiddenAddressError, Timeouts
from channels.http_outcomes import Answer
from channels.safe_resolver import LONGEST_OF_STRANGERS, SafeClient, check_target, is_public, is_reachable
from tests.peers.http_sink import BROKEN_REFUSAL, CLOSE, ENDLESS_SUCCESS, GARBAGE, HANG, RESET, Fault, HttpSink, Reply
from tests.peers.self_signed import self_signed_context

NOT_PUBLIC = (
    "0.0.0.0",
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
)

PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00::1",
)


class FixedResolver(AbstractResolver):
    """DNS with a zone file of one line: every name has these addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        return [_result(host, address, port) for address in self._addresses]

    async def close(self) -> None:
        """Nothing is open."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)


@pytest.fixture
async def client() -> AsyncIterator[SafeClient]:
    """Loopback is open."""
    opened = SafeClient(allow_private=True)
    yield opened
    await opened.aclose()


@pytest.fixture
async def hasty() -> AsyncIterator[SafeClient]:
    """For peers that are silent on purpose."""
    opened = SafeClient(allow_private=True, timeouts=Timeouts(connect=0.5, answer=0.2))
    yield opened
    await opened.aclose()


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.0.1", "fd00::1", "1.1.1.1"])
def test_allow_private_opens_loopback_and_private_networks(address: str) -> None:
    assert is_reachable(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_allow_private_opens_nothing_else(address: str) -> None:
    assert not is_reachable(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "https://hooks.example.org:25/",
        "https://hooks.example.org:80/",
        "https://hooks.example.org:6379/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest",
    ],
)
def test_a_target_is_refused_before_any_io(url: str) -> None:
    with pytest.raises(Rejected):
        check_target(URL(url, encoded=True), allow_private=False)


@pytest.mark.parametrize("url", ["https://hooks.example.org/", "https://hooks.example.org:8443/", "https://1.1.1.1/"])
def test_an_https_target_on_a_web_port_may_be_tried(url: str) -> None:
    check_target(URL(url, encoded=True), allow_private=False)


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("1.1.1.1", "127.0.0.1"), ("127.0.0.1", "1.1.1.1"), ("::ffff:127.0.0.1",)])
async def test_a_name_that_resolves_to_loopback_is_refused_and_nothing_is_connected(sink: HttpSink, addresses: tuple[str, ...]) -> None:
    client = SafeClient(allow_private=False, resolver=FixedResolver(*addresses))
    with pytest.raises(Rejected) as failure:
        await client.post(f"https://hooks.example.org:{sink.port}/", {}, b"x")
    await client.aclose()
    assert not failure.value.address_is_dead
    assert sink.connections == 0


async def test_localhost_by_the_systems_own_resolver_is_refused_too(sink: HttpSink) -> None:
    client = SafeClient(allow_private=False)
    with pytest.raises(Rejected):
        await client.post(f"https://localhost:{sink.port}/", {}, b"x")
    await client.aclose()
    assert sink.connections == 0


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, ("127.0.0.1", 443)), (socket.AF_INET6, ("::1", 443, 0, 0))])
def test_the_socket_itself_is_the_last_guard(family: socket.AddressFamily, address: tuple[str, int]) -> None:
    with pytest.raises(ForbiddenAddressError):
        SafeClient(allow_private=False)._socket((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address))


async def test_a_name_with_a_permitted_address_is_reached(sink: HttpSink) -> None:
    client = SafeClient(allow_private=True, resolver=FixedResolver("127.0.0.1"))
    assert await client.post(f"http://hooks.example.org:{sink.port}/a%2Fb?c=%7e", {"X": "y"}, b"body") == Answer(200)
    await client.aclose()
    (request,) = sink.requests
    assert (request.path, request.headers["host"]) == ("/a%2Fb?c=%7e", f"hooks.example.org:{sink.port}")
    assert (request.headers["x"], request.headers["user-agent"], request.body) == ("y", "tocsin", b"body")


async def test_a_redirect_is_an_answer_and_not_followed(client: SafeClient, sink: HttpSink) -> None:
    sink.respond = lambda request: Reply(302, {"Location": f"{sink.url}/elsewhere"})
    assert (await client.post(f"{sink.url}/", {}, b"x")).status == 302
    assert len(sink.requests) == 1


async def test_little_of_an_answer_is_read_and_nothing_is_unpacked(client: SafeClient, sink: HttpSink) -> None:
    sink.respond = lambda request: Reply(503, {"Retry-After": "9", "Content-Encoding": "gzip"}, b"not gzip" * 100_000)
    assert await client.post(f"{sink.url}/", {}, b"x") == Answer(503, "9")


async def test_a_long_answer_of_a_strangers_costs_its_connection(client: SafeClient, sink: HttpSink) -> None:
    sink.respond = lambda request: Reply(200, body=b"w" * (4 * LONGEST_OF_STRANGERS))
    for _ in range(2):
        assert (await client.post(f"{sink.url}/", {}, b"x")).status == 200
    assert sink.connections == 2


async def test_a_strangers_cookie_is_not_kept(client: SafeClient, sink: HttpSink) -> None:
    sink.respond = lambda request: Reply(200, {"Set-Cookie": "a=b"})
    for _ in range(2):
        await client.post(f"{sink.url}/", {}, b"x")
    assert "cookie" not in sink.requests[1].headers


async def test_nobody_listening_means_that_nothing_was_sent(client: SafeClient, sink: HttpSink) -> None:
    await sink.refuse()
    with pytest.raises(TryAgain):
        await client.post(f"{sink.url}/", {}, b"x")


async def test_a_certificate_that_nobody_signed_means_that_nothing_was_sent(client: SafeClient, tmp_path: Path) -> None:
    async with HttpSink(tls=self_signed_context(tmp_path)) as sink:
        with pytest.raises(TryAgain, match="certificate"):
            await client.post(f"{sink.url}/", {}, b"x")
        assert sink.requests == []


async def test_a_port_that_speaks_no_tls_means_that_nothing_was_sent(hasty: SafeClient, sink: HttpSink) -> None:
    with pytest.raises(TryAgain):
        await hasty.post(f"https://127.0.0.1:{sink.port}/", {}, b"x")
    assert sink.requests == []


@pytest.mark.parametrize("fault", [HANG, RESET, CLOSE, GARBAGE], ids=["hang", "reset", "close", "garbage"])
async def test_no_answer_after_sending_is_uncertain(hasty: SafeClient, sink: HttpSink, fault: Fault) -> None:
    sink.respond = lambda request: fault
    with pytest.raises(Uncertain):
        await hasty.post(f"{sink.url}/", {}, b"x")
    assert len(sink.requests) == 1


async def test_a_refusal_that_breaks_off_is_never_taken_for_a_success(client: SafeClient, sink: HttpSink) -> None:
    sink.respond = lambda request: BROKEN_REFUSAL
    answer = await client.post(f"{sink.url}/", {}, b"x")
    assert (answer.status, answer.retry_after) == (503, "7")


async def test_a_success_counts_although_its_body_never_ends(client: SafeClient, sink: HttpSink) -> None:
    sink.respond = lambda request: ENDLESS_SUCCESS
    assert await client.post(f"{sink.url}/", {}, b"x") == Answer(201)


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\r\nY": "b"}, {"X": "a\nb"}])
async def test_a_header_with_a_line_break_is_refused_and_nothing_is_sent(
    client: SafeClient, sink: HttpSink, headers: dict[str, str]
) -> None:
    with pytest.raises(Rejected):
        await client.post(f"{sink.url}/", headers, b"x")
    assert sink.requests == []
