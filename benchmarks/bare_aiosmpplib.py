"""The yardstick for SMS: one process, aiosmpplib's ESME, its queue kept full, no limit on what is in flight.

Usage: python -m benchmarks.bare_aiosmpplib PORT N; prints messages a second, each of one part.
"""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop
from aiosmpplib import ESME, NPI, TON, BindMode, PhoneNumber, SmppMessage, SubmitSm, SubmitSmResp
from aiosmpplib.hook import SimpleHook
from aiosmpplib.log import ERROR, StructuredLogger

TEXT = "Act now: Flash flooding in low-lying streets. 11201 until 9:00 PM. Go up. https://alerts.example/a/1 " + "x" * 50
UDHI = 0b0100_0000
"""Without it the library can't send a text at all; it takes the flag away from a text of one part."""


class Count(SimpleHook):
    """Sees each answer; `done` once all have come."""

    def __init__(self, expected: int) -> None:
        super().__init__(StructuredLogger("bare", level=ERROR))
        self.left, self.done = expected, asyncio.Event()

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        if isinstance(smpp_message, SubmitSmResp):
            self.left -= 1
            if not self.left:
                self.done.set()


async def main(port: int, count: int) -> None:
    """Send and print."""
    hook = Count(count)
    esme = ESME("127.0.0.1", port, "hub", "secret", bind_mode=BindMode.TRANSMITTER, hook=hook, log_level=ERROR)
    running = asyncio.create_task(esme.start())
    start = time.perf_counter()
    for number in range(count):
        to = PhoneNumber(f"1718{5_000_000 + number}", TON.INTERNATIONAL, NPI.ISDN)
        await esme.broker.enqueue(SubmitSm(short_message=TEXT, source=PhoneNumber("62262"), destination=to, esm_class=UDHI))
    await hook.done.wait()
    print(round(count / (time.perf_counter() - start), 1))
    await esme.stop()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
