"""The one place that knows pyreqwest (Rust's reqwest): fast POSTs to hosts that are known beforehand.

It has no resolver hook, so strangers' hosts never come here: see `safe_resolver`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, DetailedPyreqwestError, PyreqwestError
from pyreqwest.response import Response

from channels.contract import DeliveryFailed, Rejected, Uncertain, Unreachable
from channels.http_outcomes import Answer

USER_AGENT = "tocsin"

_READ_AHEAD = 1
"""Bytes of the body that are awaited with the head: enough to notice an empty one and keep the connection, and the status still counts
when the rest never comes."""

LONGEST_BODY = 16_384
"""Bytes of an answer that are read where the answer's words matter."""

_IDLE_SECONDS = 60.0
_PING_SECONDS = 30.0


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds until a connection must stand, and until an answer must have come after that."""

    connect: float = 5.0
    answer: float = 15.0


PATIENT = Timeouts()


class Words(Answer, frozen=True):
    """An answer with its body, cut at LONGEST_BODY."""

    body: bytes = b""


class Poster(Protocol):
    """Whoever can post bytes: `HttpClient` here, and `SafeClient` for strangers' hosts."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One POST, no redirects followed, no retries. Raises DeliveryFailed when no answer came."""

    async def aclose(self) -> None:
        """Close all connections."""


class HttpClient:
    """A connection pool, opened at its first POST; HTTP/2 where the server takes it (ALPN)."""

    def __init__(self, timeouts: Timeouts = PATIENT) -> None:
        self._timeouts = timeouts
        self._client: Client | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One POST. Raises Unreachable when nothing was sent, Uncertain when no answer came, Rejected for what can't be a request."""
        client = self._client or self._open()
        try:
            request = client.post(url).headers(headers).body_bytes(body).streamed_read_buffer_limit(_READ_AHEAD).build_streamed()
            async with request as response:
                if 200 <= response.status < 300:
                    return Answer(response.status)
                return Answer(response.status, response.get_header("retry-after"))
        except (BuilderError, ValueError):
            raise Rejected("this can't be sent as an HTTP request") from None
        except PyreqwestError as error:
            # pyreqwest's own words name the URL, which is an address.
            raise _failure(error) from None

    async def ask(self, url: str, headers: Mapping[str, str], body: bytes) -> Words:
        """As `post`, with what the server says. A body that breaks off is only a shorter one."""
        client = self._client or self._open()
        try:
            request = client.post(url).headers(headers).body_bytes(body).streamed_read_buffer_limit(_READ_AHEAD).build_streamed()
            async with request as response:
                return Words(response.status, response.get_header("retry-after"), await _body(response))
        except (BuilderError, ValueError):
            raise Rejected("this can't be sent as an HTTP request") from None
        except PyreqwestError as error:
            raise _failure(error) from None

    async def aclose(self) -> None:
        """Close the pool; a later POST opens a new one."""
        client, self._client = self._client, None
        if client:
            await client.close()

    def _open(self) -> Client:
        self._client = _build(self._timeouts)
        return self._client


def _build(timeouts: Timeouts) -> Client:
    return (
        ClientBuilder()
        .user_agent(USER_AGENT)
        .follow_redirects(enable=False)
        .no_proxy()
        .referer(enable=False)
        .gzip(enable=False)
        .brotli(enable=False)
        .zstd(enable=False)
        .deflate(enable=False)
        .connect_timeout(timedelta(seconds=timeouts.connect))
        # The whole request's time includes connecting, so it must be the longer one, or a slow connect would look like a missing answer.
        .timeout(timedelta(seconds=timeouts.connect + timeouts.answer))
        .pool_idle_timeout(timedelta(seconds=_IDLE_SECONDS))
        .http2(enable=True)
        # A push service's connection that died silently is noticed by a ping and not by the next alert.
        .http2_keep_alive_interval(timedelta(seconds=_PING_SECONDS))
        .http2_keep_alive_timeout(timedelta(seconds=timeouts.answer))
        .http2_keep_alive_while_idle(enabled=True)
        .build()
    )


async def _body(response: Response) -> bytes:
    try:
        return bytes(await response.body_reader.read(LONGEST_BODY) or b"")
    except PyreqwestError:
        return b""


def _failure(error: PyreqwestError) -> DeliveryFailed:
    """Whether anything had been sent. The class does not tell: pyreqwest says ConnectError for a reset after the whole request too."""
    steps = _steps(error)
    if "client error (Connect)" not in steps:
        return Uncertain("no answer came")
    if "operation timed out" in steps or "deadline has elapsed" in steps:
        return Unreachable("the connection timed out")
    return Unreachable("no connection could be made")


def _steps(error: PyreqwestError) -> frozenset[str]:
    """reqwest's chain of causes, outermost first, as it words them."""
    causes = (error.details["causes"] or []) if isinstance(error, DetailedPyreqwestError) else []
    return frozenset(cause["message"] for cause in causes)
