"""Answers every HTTP request with 200 and one body, empty or given, as fast as a small asyncio protocol can. Prints its port.

Usage: python -m benchmarks.sink [SECONDS before each answer [BODY [HOSTS [PORT]]]]; it listens at 127.0.0.1, or at as many HOSTS of
127.0.1.*, on any free port unless one is named.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop


def answer(body: str) -> bytes:
    """The whole answer."""
    octets = body.encode()
    kind = b"Content-Type: application/json\r\n" if octets else b""
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (kind, len(octets), octets)


EMPTY = answer("")


class Sink(asyncio.Protocol):
    """Keep-alive and pipelining; only the length of a body is read."""

    def __init__(self, delay_s: float, answer: bytes = EMPTY) -> None:
        self._waiting = b""
        self._whole = answer
        self._delay_s = delay_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives a whole one

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n")[0]) if at >= 0 else 0
            if len(self._waiting) < end + 4 + size:
                return
            self._waiting = self._waiting[end + 4 + size :]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._answer_late)
        else:
            self._transport.write(self._whole)

    def _answer_late(self) -> None:
        if not self._transport.is_closing():  # whoever asked may have been killed meanwhile
            self._transport.write(self._whole)


async def main(delay_s: float = 0.0, body: str = "", hosts: int = 0, port: int = 0) -> None:
    """Serve on loopback until killed."""
    loop = asyncio.get_running_loop()
    first, *others = [host(number) for number in range(hosts)] or ["127.0.0.1"]
    server = await loop.create_server(lambda: Sink(delay_s, answer(body)), first, port)
    port = server.sockets[0].getsockname()[1]
    beside = [await loop.create_server(lambda: Sink(delay_s, answer(body)), other, port) for other in others]
    print(port, flush=True)
    await asyncio.gather(*(listener.serve_forever() for listener in (server, *beside)))


def host(number: int) -> str:
    """The address of one of many hosts, counted from 0."""
    return f"127.0.1.{number + 1}"


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    uvloop.run(main(float(given.get(1, "0")), given.get(2, ""), int(given.get(3, "0")), int(given.get(4, "0"))))
