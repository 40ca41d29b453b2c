"""Answers every HTTP request with 200 and one body, empty or given, as fast as a small asyncio protocol can. Prints its port."""

from __future__ import annotations

import asyncio
import sys

import uvloop


def answer(body: str) -> bytes:
    """The whole answer."""
    octets = body.encode()
    kind = b"Content-Type: application/json\r\n" if octets else b""
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (kind, len(octets), octets)


class Sink(asyncio.Protocol):
    """Keep-alive and pipelining; only the length of a body is read."""

    def __init__(self, delay_s: float, answer: bytes) -> None:
        self._waiting = b""
        self._whole = answer
        self._delay_s = delay_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

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
            asyncio.get_running_loop().call_later(self._delay_s, self._transport.write, self._whole)  # type: ignore[attr-defined]
        else:
            self._transport.write(self._whole)  # type: ignore[attr-defined]


async def main(delay_s: float, body: str) -> None:
    """Serve on any free port of loopback until killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Sink(delay_s, answer(body)), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0, sys.argv[2] if len(sys.argv) > 2 else ""))
