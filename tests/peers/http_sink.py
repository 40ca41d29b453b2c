"""A real HTTP/1.1 server on loopback that keeps what arrives and can be told to fail in each way that servers do."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.peers.listening import stop


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    head: bytes


@dataclass(frozen=True)
class Reply:
    """What to answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""]).encode() + self.body


Responder = Callable[[Request], "Reply | Fault"]


@dataclass(frozen=True)
class Fault:
    """Something worse than a reply: `act` gets the connection after the whole request was read."""

    act: Callable[[asyncio.StreamWriter, asyncio.Event], Awaitable[None]]


async def _hang(writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
    await closing.wait()


async def _reset(writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _close(writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
    writer.close()


async def _garbage(writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
    writer.write(b"220 mail.example.org ESMTP\r\n\r\n")
    writer.close()


async def _broken_refusal(writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
    writer.write(b"HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: 100\r\n\r\nhalf")
    writer.close()


async def _endless_success(writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
    writer.write(b"HTTP/1.1 201 X\r\nContent-Length: 1000000\r\n\r\nmore to come")
    await closing.wait()


HANG, RESET, CLOSE, GARBAGE = (Fault(act) for act in (_hang, _reset, _close, _garbage))
BROKEN_REFUSAL, ENDLESS_SUCCESS = Fault(_broken_refusal), Fault(_endless_success)


TURNS = 5
"""Of the loop, in which a client in the same loop reads a piece before the next one is written."""


def says(*pieces: bytes, closes: bool = False) -> Fault:
    """An answer as it stands, piece by piece."""

    async def act(writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            for _ in range(TURNS):
                await asyncio.sleep(0)
        if closes:
            writer.close()

    return Fault(act)


class HttpSink:
    """Open it with ``async with``. `respond` decides the answer of each request; `requests` holds all that came."""

    def __init__(self, respond: Responder | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.respond: Responder = respond or (lambda request: Reply())
        self.requests: list[Request] = []
        self.connections = 0
        self._awaited: tuple[int, asyncio.Future[None]] | None = None
        self._tls = tls
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.refuse()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        self._closing = asyncio.Event()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Stop listening and drop what is connected, so that the next connection is refused."""
        if self._server:
            await stop(self._server)
        self._closing.set()
        for writer in tuple(self._open):
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def arrived(self, count: int, *, patience_s: float = 60.0) -> None:
        """Wait until so many requests have come."""
        done = asyncio.get_running_loop().create_future()
        self._awaited = (count, done)
        if len(self.requests) < count:
            await asyncio.wait_for(done, patience_s)

    async def no_connection(self) -> None:
        """Wait until nobody is connected."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: not self._open)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                await self._answer(await _read(reader), writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        async with self._changed:
            self._open.discard(writer)
            self._changed.notify_all()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.requests.append(request)
        if self._awaited is not None and len(self.requests) >= self._awaited[0] and not self._awaited[1].done():
            self._awaited[1].set_result(None)
        answer = self.respond(request)
        if isinstance(answer, Fault):
            await answer.act(writer, self._closing)
            return
        writer.write(answer.encode())
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")[:-2]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    method, path, _ = first.split(" ")
    return Request(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))), head)
