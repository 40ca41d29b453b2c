"""Connections of our own: what counts as an answer, when a connection is used again, and that no answer is given to the wrong request."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from channels import http_client
from channels.contract import Rejected, Uncertain, Unreachable
from channels.http_client import MOST_RESTING, HttpClient, Timeouts
from channels.http_outcomes import Answer, Words
from tests.peers.http_sink import CLOSE, HANG, HttpSink, Reply, says
from tests.peers.self_signed import self_signed_context


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    opened = HttpClient()
    yield opened
    await opened.aclose()


async def answers(client: HttpClient, sink: HttpSink, count: int = 5) -> list[Answer]:
    """One POST after the other."""
    return [await client.post(f"{sink.url}/{number}", {}, b"x") for number in range(count)]


@pytest.mark.parametrize("body", [b"", b"ok", b"x" * 3000])
async def test_a_connection_is_used_again_after_a_body_has_ended(client: HttpClient, sink: HttpSink, body: bytes) -> None:
    sink.respond = lambda _: Reply(201, body=body)
    assert await answers(client, sink) == [Answer(201)] * 5
    assert sink.connections == 1


@pytest.mark.parametrize(
    "whole",
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc", b"\r\n0\r\n", b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n0\r\n", b"\r\nab"),
        (b"HTTP/1.1 2", b"00 OK\r\nContent-Le", b"ngth: 0\r\n\r", b"\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",),
    ],
    ids=["chunked", "chunked in pieces", "what only looks like a last chunk", "head in pieces", "news before the answer"],
)
async def test_an_answer_is_understood_however_it_comes(client: HttpClient, sink: HttpSink, whole: tuple[bytes, ...]) -> None:
    sink.respond = lambda _: says(*whole)
    assert await answers(client, sink) == [Answer(200)] * 5


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
EMPTY = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


async def test_what_looks_like_the_answer_before_is_read_for_what_it_is(client: HttpClient, sink: HttpSink) -> None:
    """A body, or a question for the words, may begin with the very bytes of an answer that came before."""
    in_a_body = b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n" % len(PLAIN)
    replies = [
        [PLAIN],
        [PLAIN],
        [in_a_body, PLAIN],
        [in_a_body + PLAIN],
        [PLAIN],
        [b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"],
        [PLAIN],
        [EMPTY],
        [EMPTY],
    ]
    sink.respond = lambda request: says(*replies[int(request.path[1:])])
    assert [answer.status for answer in await answers(client, sink, len(replies))] == [200, 200, 202, 202, 200, 429, 200, 202, 202]
    assert await client.ask(f"{sink.url}/0", {}, b"x") == Words(200)
    assert await client.post(f"{sink.url}/0", {}, b"x") == Answer(200)
    await asyncio.gather(*(client.post(f"{sink.url}/0", {}, b"x") for _ in range(2)))
    assert sink.connections == 2  # one answer counted before its body had come, and both are used again


async def test_an_answer_without_a_body_by_its_status_keeps_the_connection(client: HttpClient, sink: HttpSink) -> None:
    sink.respond = lambda _: says(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert await answers(client, sink) == [Answer(204)] * 5
    assert sink.connections == 1


@pytest.mark.parametrize(
    "last",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nto the end",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nconnection:close\r\n\r\n",
    ],
    ids=["close", "HTTP/1.0", "no length", "close, in other letters"],
)
async def test_a_connection_that_ends_with_its_answer_is_not_used_again(client: HttpClient, sink: HttpSink, last: bytes) -> None:
    sink.respond = lambda _: says(last)
    assert await answers(client, sink, 3) == [Answer(200)] * 3
    assert sink.connections == 3


async def test_a_long_body_costs_the_connection_and_not_the_answer(client: HttpClient, sink: HttpSink) -> None:
    sink.respond = lambda _: Reply(200, body=b"x" * 1_000_000)
    assert await answers(client, sink, 3) == [Answer(200)] * 3
    assert sink.connections == 3


@pytest.mark.parametrize(
    "odd",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0 7\r\n\r\n",
    ],
    ids=["two lengths", "two framings", "no number"],
)
async def test_an_answer_that_could_be_read_in_two_ways_is_none(client: HttpClient, sink: HttpSink, odd: bytes) -> None:
    """RFC 9112 §6.3: what follows it on the connection could be taken for the next answer."""
    sink.respond = lambda _: says(odd)
    with pytest.raises(Uncertain):
        await answers(client, sink, 1)


async def test_a_second_answer_is_never_given_to_the_next_request(client: HttpClient, sink: HttpSink) -> None:
    two = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
    sink.respond = lambda _: says(two)
    assert await answers(client, sink, 3) == [Answer(200)] * 3
    assert sink.connections == 3


async def test_what_a_server_says_unasked_is_no_answer(client: HttpClient) -> None:
    async def speak_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(speak_first, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = await client._connect(client._site(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/"))
    while connection.is_open:
        await asyncio.sleep(0)
    with pytest.raises(Unreachable):
        await connection.send(b"POST / HTTP/1.1\r\n\r\n")
    server.close()


async def test_a_connection_that_the_server_closed_while_it_rested_is_not_used(client: HttpClient, sink: HttpSink) -> None:
    await answers(client, sink, 1)
    await sink.refuse()
    await sink.listen()
    assert await answers(client, sink, 1) == [Answer(200)]


async def test_a_post_that_is_given_up_takes_its_connection_with_it(client: HttpClient, sink: HttpSink) -> None:
    sink.respond = lambda request: HANG if request.path == "/hangs" else Reply(200)
    hanging = asyncio.create_task(client.post(f"{sink.url}/hangs", {}, b"x"))
    await sink.arrived(1)
    hanging.cancel()
    assert await answers(client, sink, 1) == [Answer(200)]
    assert sink.connections == 2


async def test_closing_ends_what_waits_for_an_answer(sink: HttpSink) -> None:
    client = HttpClient()
    sink.respond = lambda _: HANG
    hanging = asyncio.create_task(client.post(f"{sink.url}/", {}, b"x"))
    await sink.arrived(1)
    await client.aclose()
    with pytest.raises(Uncertain):
        await hanging


async def test_silence_ends_after_its_time_and_leaves_it_open_whether_it_arrived(sink: HttpSink) -> None:
    client = HttpClient(Timeouts(connect=5, answer=0.1))
    sink.respond = lambda _: HANG
    with pytest.raises(Uncertain):
        await client.post(f"{sink.url}/", {}, b"x")
    await client.aclose()


async def test_as_many_connections_are_opened_as_there_are_posts_at_once(client: HttpClient, sink: HttpSink) -> None:
    await asyncio.gather(*(client.post(f"{sink.url}/{number}", {}, b"x") for number in range(20)))
    assert sink.connections == 20
    await answers(client, sink, 20)
    assert sink.connections == 20


async def test_no_more_than_a_number_of_connections_rest_and_those_that_rested_longest_go(client: HttpClient, sink: HttpSink) -> None:
    await asyncio.gather(*(client.post(f"{sink.url}/{number}", {}, b"x") for number in range(MOST_RESTING + 20)))
    while len(client._open) > MOST_RESTING:
        await asyncio.sleep(0)
    await asyncio.gather(*(client.post(f"{sink.url}/{number}", {}, b"x") for number in range(MOST_RESTING)))
    assert sink.connections == MOST_RESTING + 20


async def test_concurrent_posts_each_get_their_own_answer(client: HttpClient, sink: HttpSink) -> None:
    sink.respond = lambda request: Reply(int(request.path[1:]))
    statuses = [200 + number % 7 for number in range(300)]
    found = await asyncio.gather(*(client.post(f"{sink.url}/{status}", {}, b"x") for status in statuses))
    assert [answer.status for answer in found] == statuses


@pytest.mark.parametrize("path", ["/a b", "/a\tb", "/a\r\nX: y", "/é"])
async def test_a_path_that_would_be_more_than_a_path_is_refused(client: HttpClient, sink: HttpSink, path: str) -> None:
    with pytest.raises(Rejected):
        await client.post(sink.url + path, {}, b"x")
    assert sink.requests == []


class CountingResolver(AbstractResolver):
    """Loopback for every name."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        await asyncio.sleep(0)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST)]

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_name_is_looked_up_once_for_many_connections(sink: HttpSink) -> None:
    resolver = CountingResolver()
    client = HttpClient(resolver=resolver)
    await asyncio.gather(*(client.post(f"http://hooks.example.org:{sink.port}/{number}", {}, b"x") for number in range(20)))
    await client.aclose()
    assert (resolver.asked, sink.connections) == (1, 20)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A server's certificate that this machine trusts for as long as the test lasts."""
    context = self_signed_context(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(next(path for path in tmp_path.iterdir() if b"BEGIN CERTIFICATE" in path.read_bytes())))
    http_client._verified.cache_clear()
    yield context
    http_client._verified.cache_clear()


async def test_a_trusted_certificate_for_the_hosts_name_is_accepted_and_kept_alive(trusted: ssl.SSLContext) -> None:
    async with HttpSink(tls=trusted) as sink:
        client = HttpClient(resolver=CountingResolver())
        for _ in range(3):
            assert await client.post(f"https://localhost:{sink.port}/", {}, b"x") == Answer(200)
        assert sink.connections == 1
        await client.aclose()


async def test_a_trusted_certificate_for_another_name_means_that_nothing_was_sent(trusted: ssl.SSLContext) -> None:
    async with HttpSink(tls=trusted) as sink:
        client = HttpClient(resolver=CountingResolver())
        with pytest.raises(Unreachable, match="certificate"):
            await client.post(f"https://hooks.example.org:{sink.port}/", {}, b"x")
        assert sink.requests == []
        await client.aclose()


async def test_a_close_instead_of_an_answer_is_not_tried_again_by_itself(client: HttpClient, sink: HttpSink) -> None:
    sink.respond = lambda _: CLOSE
    with pytest.raises(Uncertain):
        await answers(client, sink, 1)
    assert len(sink.requests) == 1
