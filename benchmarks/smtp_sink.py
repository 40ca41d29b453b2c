"""Takes every mail and keeps none, with PIPELINING (RFC 2920): for machines without Postfix's `smtp-sink`. Prints its port."""

from __future__ import annotations

import asyncio

import uvloop

REPLIES = {b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n", b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}
OK = b"250 2.0.0 ok\r\n"


class Sink(asyncio.Protocol):
    """One connection: commands by line, mails to their dot."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives a whole one
        self._waiting, self._mail = b"", False
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        answers = []
        while (end := self._waiting.find(b"\r\n.\r\n" if self._mail else b"\r\n")) >= 0:
            command, self._waiting = self._waiting[:4].upper(), self._waiting[end + (5 if self._mail else 2) :]
            answers.append(OK if self._mail else REPLIES.get(command, OK))
            self._mail = not self._mail and command == b"DATA"
        if answers:
            self._transport.write(b"".join(answers))


async def main() -> None:
    """Serve on any free port of loopback until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
