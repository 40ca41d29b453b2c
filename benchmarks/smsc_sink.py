"""An SMSC that binds whoever asks and takes every submit_sm at once (SMPP v3.4). Prints its port."""

from __future__ import annotations

import asyncio
import struct

import uvloop

HEADER = struct.Struct("!IIII")
SUBMIT_SM, RESPONSE = 4, 0x80000000
BODIES = {1: b"sink\x00", 2: b"sink\x00", 9: b"sink\x00", SUBMIT_SM: b"0123456789\x00"}
"""Command → what follows the header of its answer; nothing for enquire_link and unbind."""


class Sink(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives a whole one
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        octets, at = self._waiting + data, 0
        answers = []
        while len(octets) - at >= HEADER.size:
            length, command, _, sequence = HEADER.unpack_from(octets, at)
            if len(octets) - at < length:
                break
            at += length
            body = BODIES.get(command, b"")
            answers.append(HEADER.pack(HEADER.size + len(body), command | RESPONSE, 0, sequence) + body)
        self._waiting = octets[at:]
        if answers:
            self._transport.write(b"".join(answers))


async def main() -> None:
    """Serve on any free port of loopback until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
