"""A receiver that takes what comes and lets everybody wait for its answer."""

from __future__ import annotations

import asyncio

from tests.peers.http_sink import Fault, Reply, Request


class Slow:
    """A `Responder`: nobody is answered until `go_on` is set, and then everybody is."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    def __call__(self, _: Request) -> Fault:
        return Fault(self._act)

    async def _act(self, writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self.go_on, closing)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not closing.is_set():
            writer.write(Reply().encode())
            await writer.drain()
