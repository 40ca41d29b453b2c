"""The client of all channels that speak HTTP: what counts as sent, what as not sent, and how each HTTP status is understood."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import formatdate
from functools import partial
from pathlib import Path

import pytest
import uvloop

from channels.contract import Rejected, TryAgain, Uncertain
from channels.http_client import HttpClient, Timeouts
from channels.http_connection import LONGEST_BODY, Connection
from channels.http_outcomes import LONGEST_WAIT, OUTCOMES, Answer, Words, read_retry_after, settle
from tests.peers.http_sink import BROKEN_REFUSAL, CLOSE, ENDLESS_SUCCESS, GARBAGE, HANG, RESET, Fault, HttpSink, Reply, Request, says
from tests.peers.self_signed import self_signed_context
from tests.processes import PATIENCE_S

NOW = 1_790_000_000.0


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    opened = HttpClient()
    yield opened
    await opened.aclose()


@pytest.fixture
async def hasty() -> AsyncIterator[HttpClient]:
    """For peers that are silent on purpose."""
    opened = HttpClient(Timeouts(connect=0.3, answer=0.2))
    yield opened
    await opened.aclose()


async def test_method_path_headers_and_body_arrive_as_given(client: HttpClient, sink: HttpSink) -> None:
    answer = await client.post(f"{sink.url}/a%2Fb?c=%C3%A9", {"TTL": "60", "Topic": "x"}, b"\x00\xffbody")
    assert answer == Answer(200)
    (request,) = sink.requests
    assert (request.method, request.path, request.body) == ("POST", "/a%2Fb?c=%C3%A9", b"\x00\xffbody")
    assert (request.headers["ttl"], request.headers["topic"], request.headers["user-agent"]) == ("60", "x", "tocsin")


@pytest.mark.parametrize("body", [b"", b"ok", b"x" * 1500])
async def test_a_connection_is_used_again_although_a_success_is_not_read(client: HttpClient, sink: HttpSink, body: bytes) -> None:
    sink.respond = lambda request: Reply(201, body=body)
    for number in range(20):
        await client.post(f"{sink.url}/{number}", {}, b"x")
    assert sink.connections == 1


async def test_a_redirect_is_an_answer_and_not_followed(client: HttpClient, sink: HttpSink) -> None:
    sink.respond = lambda request: Reply(307, {"Location": f"{sink.url}/elsewhere"})
    assert (await client.post(f"{sink.url}/", {}, b"x")).status == 307
    assert len(sink.requests) == 1


async def test_a_proxy_of_the_environment_is_not_used(client: HttpClient, sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await client.post(f"{sink.url}/", {}, b"x")).status == 200


async def test_of_a_refusal_the_retry_after_is_kept(client: HttpClient, sink: HttpSink) -> None:
    sink.respond = lambda request: Reply(503, {"Retry-After": "9"}, b"z" * 1_000_000)
    assert await client.post(f"{sink.url}/", {}, b"x") == Answer(503, "9")


async def test_nobody_listening_means_that_nothing_was_sent(client: HttpClient, sink: HttpSink) -> None:
    await sink.refuse()
    with pytest.raises(TryAgain):
        await client.post(f"{sink.url}/", {}, b"x")


async def test_a_connection_that_never_stands_means_that_nothing_was_sent(hasty: HttpClient) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # Two waiting connections fill the queue of a listener that never accepts; the next one gets no answer at all.
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with pytest.raises(TryAgain, match="timed out"):
            await hasty.post(f"http://127.0.0.1:{full.getsockname()[1]}/", {}, b"x")


async def test_a_certificate_that_nobody_signed_means_that_nothing_was_sent(client: HttpClient, tmp_path: Path) -> None:
    async with HttpSink(tls=self_signed_context(tmp_path)) as sink:
        with pytest.raises(TryAgain):
            await client.post(f"{sink.url}/", {}, b"x")
        assert sink.requests == []


@pytest.mark.parametrize("way", [HttpClient.post, HttpClient.ask], ids=["post", "ask"])
@pytest.mark.parametrize("fault", [HANG, RESET, CLOSE, GARBAGE], ids=["hang", "reset", "close", "garbage"])
async def test_no_answer_after_sending_is_uncertain(
    hasty: HttpClient, sink: HttpSink, fault: Fault, way: Callable[[HttpClient, str, dict[str, str], bytes], Awaitable[Answer]]
) -> None:
    sink.respond = lambda request: fault
    with pytest.raises(Uncertain):
        await way(hasty, f"{sink.url}/", {}, b"x")
    assert len(sink.requests) == 1


async def test_a_refusal_that_breaks_off_is_never_taken_for_a_success(client: HttpClient, sink: HttpSink) -> None:
    sink.respond = lambda request: BROKEN_REFUSAL
    answer = await client.post(f"{sink.url}/", {}, b"x")
    assert (answer.status, answer.retry_after) == (503, "7")


async def test_a_success_counts_although_its_body_never_ends(client: HttpClient, sink: HttpSink) -> None:
    sink.respond = lambda request: ENDLESS_SUCCESS
    assert await client.post(f"{sink.url}/", {}, b"x") == Answer(201)


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\r\nY": "b"}, {"X": "a\nb"}, {"X": "a\x00b"}])
async def test_a_header_with_a_line_break_is_refused_and_nothing_is_sent(
    client: HttpClient, sink: HttpSink, headers: dict[str, str]
) -> None:
    with pytest.raises(Rejected):
        await client.post(f"{sink.url}/", headers, b"x")
    assert sink.requests == []


@pytest.mark.parametrize("size", [0, 2, 5000, LONGEST_BODY])
@pytest.mark.parametrize("status", [200, 400])
async def test_whoever_asks_gets_the_words(client: HttpClient, sink: HttpSink, status: int, size: int) -> None:
    sink.respond = lambda request: Reply(status, {"Retry-After": "5"} if status == 400 else {}, b"w" * size)
    for _ in range(3):
        assert await client.ask(f"{sink.url}/", {}, b"x") == Words(status, "5" if status == 400 else None, b"w" * size)
    assert await client.post(f"{sink.url}/", {}, b"x") == Answer(status, "5" if status == 400 else None)
    assert sink.connections == 1


async def test_words_may_come_in_pieces(client: HttpClient, sink: HttpSink) -> None:
    head = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chun", b"ked\r\n\r\n3\r\nabc\r\n")
    sink.respond = lambda request: says(*head, b"2\r\nde\r\n0\r\n", b"\r\n")
    assert [await client.ask(f"{sink.url}/", {}, b"x") for _ in range(3)] == [Words(200, None, b"abcde")] * 3
    assert sink.connections == 1


@pytest.mark.parametrize(
    "whole",
    [b"HTTP/1.1 400 X\r\n\r\nto the end", b"HTTP/1.1 400 X\r\nConnection: close\r\nContent-Length: 10\r\n\r\nto the end"],
    ids=["no length", "close"],
)
async def test_words_may_end_with_their_connection(client: HttpClient, sink: HttpSink, whole: bytes) -> None:
    sink.respond = lambda request: says(whole, closes=True)
    assert [await client.ask(f"{sink.url}/", {}, b"x") for _ in range(2)] == [Words(400, None, b"to the end")] * 2
    assert sink.connections == 2


async def test_words_that_break_off_or_never_end_are_only_shorter(hasty: HttpClient, sink: HttpSink) -> None:
    for fault, words in ((BROKEN_REFUSAL, Words(503, "7", b"half")), (ENDLESS_SUCCESS, Words(201, None, b"more to come"))):
        sink.respond = partial(_always, fault)
        assert await hasty.ask(f"{sink.url}/", {}, b"x") == words


def _always(fault: Fault, _: Request) -> Fault:
    return fault


async def test_words_beyond_all_measure_are_cut_and_cost_the_connection(client: HttpClient, sink: HttpSink) -> None:
    sink.respond = lambda request: Reply(200, body=b"w" * 1_000_000)
    for _ in range(2):
        words = await client.ask(f"{sink.url}/", {}, b"x")
        assert (words.status, len(words.body)) == (200, LONGEST_BODY)
    assert sink.connections == 2


async def test_of_two_answers_to_one_question_the_first_counts(client: HttpClient, sink: HttpSink) -> None:
    two = b"HTTP/1.1 400 X\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
    sink.respond = lambda request: says(two)
    assert [await client.ask(f"{sink.url}/", {}, b"x") for _ in range(2)] == [Words(400, None, b"no")] * 2
    assert sink.connections == 2


async def test_a_closed_client_opens_again(client: HttpClient, sink: HttpSink) -> None:
    await client.post(f"{sink.url}/", {}, b"x")
    await client.aclose()
    await sink.no_connection()
    assert (await client.post(f"{sink.url}/", {}, b"x")).status == 200


def test_a_client_closes_although_a_post_was_called_off_just_as_its_connection_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    """In uvloop, as in a sender."""

    async def post_and_close() -> None:
        async with HttpSink() as sink:
            client = HttpClient()
            posting = asyncio.create_task(client.post(f"{sink.url}/", {}, b"x"))
            made = Connection.connection_made

            def call_off(connection: Connection, transport: asyncio.BaseTransport) -> None:
                made(connection, transport)
                posting.cancel()

            monkeypatch.setattr(Connection, "connection_made", call_off)
            with pytest.raises(asyncio.CancelledError):
                await posting
            async with asyncio.timeout(PATIENCE_S):
                await client.aclose()

    uvloop.run(post_and_close())


def test_every_status_has_one_outcome() -> None:
    assert {status for status, (outcome, _) in OUTCOMES.items() if outcome == "taken"} == set(range(200, 300))
    assert {status for status, (outcome, _) in OUTCOMES.items() if outcome == "later"} == {408, 421, 425, 429, *range(500, 600)}
    assert len(OUTCOMES) == 500


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_success_settles_quietly(status: int) -> None:
    settle(Answer(status), gone=frozenset(), now=NOW)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_passing_faults_are_tried_again_when_the_server_wishes(status: int) -> None:
    with pytest.raises(TryAgain) as failure:
        settle(Answer(status, "12"), gone=frozenset(), now=NOW)
    assert failure.value.after == 12
    assert failure.value.reason.startswith(f"HTTP {status}")


@pytest.mark.parametrize("status", [100, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451, 600, 999])
def test_all_else_is_a_final_no_that_closes_nothing(status: int) -> None:
    with pytest.raises(Rejected) as failure:
        settle(Answer(status, "12"), gone=frozenset(), now=NOW)
    assert not failure.value.address_is_dead


def test_an_address_is_dead_by_the_statuses_that_its_kind_names() -> None:
    with pytest.raises(Rejected) as failure:
        settle(Answer(404), gone=frozenset({404}), now=NOW)
    assert failure.value.address_is_dead


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("0", None),
        (" 120 ", 120.0),
        ("9" * 400, LONGEST_WAIT),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), None),
        (formatdate(NOW + 90, usegmt=False), 90.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("Fri, 99 Dec 2026 23:59:59 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, NOW) == seconds
