"""The door to the street: what everybody asks for is answered here, from finished bytes, before a request is even an object.

A connection begins here. As long as it asks for public documents in plain words (one complete GET at a time), it is answered in a few
microseconds; the first request that is anything else hands the whole connection over to aiohttp for the rest of its life, with the bytes as
they came. Reading is strict: what does not match `_REQUEST` to the letter is aiohttp's business.

An alert brings a crowd at the very moment when it is being delivered, in the same process. While it is, answers to the crowd are given in
turns, `TURN_S` apart, in at most `SHARE` of the time that has passed: pages wait some milliseconds, and hand-overs go on.
"""

from __future__ import annotations

import asyncio
import re
import resource
import socket
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate

import msgspec
import structlog
from aiohttp import web

from hub.errors import HubError
from hub.live import RETRY
from hub.web.api.public import MOST_STREAMS, STREAM_HEADERS, event_id
from hub.web.context import HubContext
from hub.web.publication import PUBLICATION, Asked
from hub.web.ready import Ready
from hub.web.security import OPEN

TURN_S = 0.0035
GATHER_S = 0.001
"""Whoever comes long after the last turn waits so long for others who come just then."""
SHARE = 0.11
LATE_TURNS = 4
"""A turn that comes late makes up for as many that did not come."""
IDLE_S = 75.0
LOOK_EVERY_S = 5.0
LONGEST_HEAD = 8_000
MOST_UNREAD = 256_000
"""Bytes that wait for one visitor; who asks on without reading is let go."""
BACKLOG = 4096
OPEN_FILES = 65_536
SHUTDOWN_S = 1.0
"""For requests that are being answered; what comes in pieces, or never, is cut off."""
READ_BEFORE = 500
"""Requests whose meaning is at hand."""

_REQUEST = re.compile(rb"GET (/[!-~]{0,500}) HTTP/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)+)\r\n")
_TELLING = re.compile(
    rb"^(accept-encoding|accept-language|if-none-match|connection|last-event-id|content-length|transfer-encoding|expect|upgrade)"
    rb":([^\r\n]*)\r$",
    re.IGNORECASE | re.MULTILINE,
)
_PERSONAL = re.compile(rb"^(?:cookie|authorization|forwarded|x-forwarded-for|x-real-ip|referer)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BEYOND_US = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})

log = structlog.get_logger("web")


class Question(msgspec.Struct, frozen=True):
    """A request that may be answered from finished bytes."""

    asked: Asked
    accept_encoding: str
    if_none_match: str
    last: bool
    """The visitor wants the connection closed after it."""


class Said(msgspec.Struct, frozen=True):
    """An answer as it went out: to what, from what, when, its kind and status, its bytes."""

    question: Question | None
    ready: Ready | None
    date: bytes
    kind: tuple[str, int]
    wire: bytes


class Listen(msgspec.Struct, frozen=True):
    """A request for the live stream, from after this event on."""

    after: int | None


@asynccontextmanager
async def open_door(app: web.Application, hub: HubContext, port: socket.socket, busy: Callable[[], bool]) -> AsyncIterator[None]:
    """Serve `app` on a listening socket, public documents and streams at the door. `busy` says whether an alert is being handed over."""
    _raise_file_limit()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S, auto_decompress=False)
    await runner.setup()
    assert runner.server is not None  # noqa: S101 - set up a line above
    front = Front(runner.server, app, hub, busy)
    server = await asyncio.get_running_loop().create_server(front, sock=port, backlog=BACKLOG)
    try:
        yield
    finally:
        server.close()
        hub.live.close()
        front.close()
        await runner.cleanup()


@asynccontextmanager
async def open_hatch(app: web.Application, port: socket.socket) -> AsyncIterator[None]:
    """Serve `app` on a listening socket to those few who watch a node, and nothing else."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S, auto_decompress=False)
    await runner.setup()
    try:
        await web.SockSite(runner, port).start()
        yield
    finally:
        await runner.cleanup()


def _raise_file_limit() -> None:
    """Each open stream is a file; what shells allow at first is often 1024."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class Front:
    """Makes a protocol for each connection, and holds what they share."""

    def __init__(self, server: web.Server, app: web.Application, hub: HubContext, busy: Callable[[], bool]) -> None:
        self.server, self._publication, self._hub, self._busy = server, app[PUBLICATION], hub, busy
        self.connections: set[Connection] = set()
        self._turns: deque[tuple[Connection, Question, Ready]] = deque()
        self._turn: asyncio.TimerHandle | None = None
        self._turn_ended = 0.0
        self._look: asyncio.TimerHandle | None = None
        self._answered: Counter[tuple[str, int]] = Counter()
        self._second, self._date = 0, b""
        self._said = Said(None, None, b"", ("", 0), b"")
        self._read_before: dict[bytes, Question] = {}
        headers = {**STREAM_HEADERS, **self._publication.always, **OPEN, "Connection": "close"}
        self._stream = ("HTTP/1.1 200 OK\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())).encode("latin-1")

    def __call__(self) -> Connection:
        """A connection has been made."""
        if self._look is None:
            self._look = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self.look_around)
        return Connection(self)

    def close(self) -> None:
        """End what is still here, at shutdown; what was handed over is the server's."""
        for handle in (self._turn, self._look):
            if handle is not None:
                handle.cancel()
        for connection in list(self.connections):
            connection.end()
        self._count()

    def read(self, data: bytes) -> Question | Listen | None:
        """What was asked, when it is certain to be one complete request that may be answered here."""
        question = self._read_before.get(data)
        if question is not None:
            return question
        asked = self._read(data)
        # Browsers of one make ask in the same words; what is one person's is not kept.
        if isinstance(asked, Question) and not _PERSONAL.search(data):
            if len(self._read_before) >= READ_BEFORE:
                self._read_before.clear()
            self._read_before[data] = asked
        return asked

    def _read(self, data: bytes) -> Question | Listen | None:
        found = _REQUEST.fullmatch(data) if len(data) <= LONGEST_HEAD else None
        if found is None:
            return None
        told = {name.lower(): value.strip(b" \t") for name, value in _TELLING.findall(found[2])}
        if not _BEYOND_US.isdisjoint(told) or told.get(b"connection", b"").lower() not in {b"", b"keep-alive", b"close"}:
            return None
        if found[1] == b"/live":
            full = self._hub.live.readers >= MOST_STREAMS
            return None if full else Listen(event_id(told.get(b"last-event-id", b"").decode("latin-1")))
        asked = self._publication.read(found[1].decode("ascii"), told.get(b"accept-language", b"").decode("latin-1"))
        if asked is None or asked.exact:
            return None
        last = told.get(b"connection", b"").lower() == b"close"
        return Question(asked, told.get(b"accept-encoding", b"").decode("latin-1"), told.get(b"if-none-match", b"").decode("latin-1"), last)

    def ready(self, asked: Asked) -> Ready | None:
        """What is finished and still holds."""
        return self._publication.peek(asked)

    async def made(self, asked: Asked) -> Ready:
        """The same, made if need be. Raises what making it raises."""
        return await self._publication.get(asked)

    def listen(self, connection: Connection, wish: Listen) -> None:
        """From now on this visitor is told what happens."""
        self._hub.metrics.sse_clients.inc()
        connection.tell(self._stream + self._now() + RETRY)
        self._hub.live.join(connection, wish.after)

    def stop_listening(self, connection: Connection) -> None:
        """This visitor has gone."""
        self._hub.metrics.sse_clients.dec()
        self._hub.live.leave(connection)

    def pass_on(self, connection: Connection, question: Question, ready: Ready) -> None:
        """Answer at once, or in turn while an alert goes out."""
        if not self._turns and not self._busy():
            self.answer(connection, question, ready)
            return
        self._turns.append((connection, question, ready))
        if self._turn is None:
            passed = time.perf_counter() - self._turn_ended
            self._turn = asyncio.get_running_loop().call_later(max(GATHER_S, TURN_S - passed), self._next_turn)

    def _next_turn(self) -> None:
        now = time.perf_counter()
        until = now + SHARE * min(now - self._turn_ended, LATE_TURNS * TURN_S)
        while self._turns and time.perf_counter() < until:
            self.answer(*self._turns.popleft())
        self._turn_ended = time.perf_counter()
        self._turn = asyncio.get_running_loop().call_later(TURN_S, self._next_turn) if self._turns else None

    def answer(self, connection: Connection, question: Question, ready: Ready) -> None:
        """Send it. A crowd asks for one thing in the same words: what was said last is said again as it is."""
        date = self._now()
        said = self._said
        if question is not said.question or ready is not said.ready or date is not said.date:
            variant = ready.variant(question.accept_encoding)
            known = bool(question.if_none_match) and ready.knows(question.if_none_match)
            wire = variant.unchanged + date if known else b"".join((variant.head, date, variant.body))
            said = self._said = Said(question, ready, date, (question.asked.kind, 304 if known else 200), wire)
        self._answered[said.kind] += 1
        connection.send(said.wire, last=question.last)

    def _now(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second, self._date = second, f"Date: {formatdate(second, usegmt=True)}\r\n\r\n".encode()
        return self._date

    def look_around(self) -> None:
        """Every few seconds: who has been silent for long is let go, and what was answered is counted."""
        silent_since = time.monotonic() - IDLE_S
        for connection in [one for one in self.connections if one.heard < silent_since and not one.waiting]:
            connection.end()
        self._count()
        self._look = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self.look_around)

    def _count(self) -> None:
        for (kind, status), number in self._answered.items():
            self._hub.metrics.answered("GET", ROUTES[kind], status).inc(number)
            log.info("requests", method="GET", route=ROUTES[kind], status=status, number=number)
        self._answered.clear()


class Connection(asyncio.Protocol):
    """One visitor's line, until it is handed over."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None
        self._later = b""
        self._making: asyncio.Task[None] | None = None
        self._listening = False
        self.waiting = False
        """For an answer, or for ever: as long as it does, what it says waits, too."""
        self.heard = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport  # type: ignore[assignment]  # of a stream socket, so it can be written to
        self._front.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """See asyncio."""
        self._transport = None
        self._front.connections.discard(self)
        if self._making is not None:
            self._making.cancel()
        if self._listening:
            self._front.stop_listening(self)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._listening:  # who listens says nothing more: it would be kept for as long as they do
            self.end()
            return
        if self.waiting:
            self._later += data
            if len(self._later) > MOST_UNREAD:
                self.end()
            return
        self.heard = time.monotonic()
        question = self._front.read(data)
        if question is None:
            self._hand_over(data)
            return
        self.waiting = True
        if isinstance(question, Listen):
            self._listening = True
            self._front.listen(self, question)
            return
        ready = self._front.ready(question.asked)
        if ready is not None:
            self._front.pass_on(self, question, ready)
        else:
            self._making = asyncio.get_running_loop().create_task(self._make(question, data))

    async def _make(self, question: Question, data: bytes) -> None:
        try:
            ready = await self._front.made(question.asked)
        except Exception as error:  # noqa: BLE001 - the route meets the same error and says it in full
            if not isinstance(error, HubError):
                log.warning("not_ready", error=type(error).__name__)
            self._hand_over(data + self._later)
            return
        finally:
            self._making = None
        self._front.pass_on(self, question, ready)

    def send(self, answer: bytes, *, last: bool) -> None:
        """Write it, and go on with what was asked meanwhile."""
        transport, self.waiting = self._transport, False
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > MOST_UNREAD:
            transport.abort()
            return
        transport.write(answer)
        if last:
            transport.close()
        elif self._later:
            data, self._later = self._later, b""
            self.data_received(data)

    def tell(self, wire: bytes) -> bool:
        """See `hub.live.Reader`."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > MOST_UNREAD:
            transport.abort()
            return False
        transport.write(wire)
        return True

    def end(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    def _hand_over(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._front.connections.discard(self)
        self._transport = None
        inner = self._front.server()
        transport.set_protocol(inner)
        inner.connection_made(transport)
        inner.data_received(data)


ROUTES = {
    "home": "/",
    "alert": "/alerts/{id}",
    "cap": "/feeds/cap/{id}.xml",
    "atom": "/feeds/alerts.atom",
    "rss": "/feeds/alerts.rss",
    "json": "/feeds/alerts.json",
    "geojson": "/feeds/alerts.geojson",
    "alerts": "/api/v1/public/alerts",
    "offline": "/offline",
    "worker": "/sw.js",
    "manifest": "/manifest.webmanifest",
    "picture": "/pictures/{id}.svg",
    "asset": "/assets/{name}",
}
"""Kind of document → its route, as logs and figures name it."""
