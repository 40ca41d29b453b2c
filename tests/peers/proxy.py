"""A TCP proxy that treats some connections badly: cuts them off, with or without a word, in the middle of a request or an answer, or slows
them down."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Self

from tests.peers.listening import stop

CHUNK = 4096
FURTHEST_CUT = 60_000
LONGEST_DELAY_S = 0.02


@dataclass(frozen=True)
class Treatment:
    """Of one connection: bytes after which it is cut, on the way there or back, whether by a reset, and seconds that each piece waits."""

    there: int | None = None
    back: int | None = None
    reset: bool = False
    delay_s: float = 0.0


class Proxy:
    """Open with `async with`: whoever connects to `port` talks to `upstream` of loopback. A third of connections is left alone."""

    def __init__(self, upstream: int, random: Random, port: int = 0) -> None:
        self._upstream, self._random, self.port = upstream, random, port
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.cuts = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await stop(self._server)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:  # also of those whose task had not begun
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
        await self._server.wait_closed()

    def _treatment(self) -> Treatment:
        bytes_, reset = self._random.randint(0, FURTHEST_CUT), self._random.random() < 0.5
        return self._random.choice(
            (
                Treatment(),
                Treatment(delay_s=self._random.uniform(0, LONGEST_DELAY_S)),
                Treatment(there=bytes_, reset=reset),
                Treatment(back=bytes_ // 10, reset=reset),  # answers are shorter than requests
            )
        )

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.ensure_future(self._serve(reader, writer, self._treatment()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, how: Treatment) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
            self._writers.add(up_writer)
        except OSError:
            writer.close()
            return
        ways = (self._pump(reader, up_writer, how.there, how.delay_s), self._pump(up_reader, writer, how.back, how.delay_s))
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            _close(writer, reset=how.reset)
            _close(up_writer, reset=False)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None, delay_s: float) -> None:
        passed = 0
        with suppress(ConnectionError):
            while piece := await reader.read(CHUNK):
                if delay_s:
                    await asyncio.sleep(delay_s)
                writer.write(piece if limit is None else piece[: limit - passed])
                await writer.drain()
                passed += len(piece)
                if limit is not None and passed >= limit:
                    self.cuts += 1
                    return


def _close(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
