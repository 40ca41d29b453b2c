"""The yardstick for e-mail: one process, aiosmtplib's `sendmail` of ready bytes on 16 connections.

Usage: python -m benchmarks.bare_aiosmtplib PORT N BYTES; prints mails a second.
"""

from __future__ import annotations

import asyncio
import sys
import time

import aiosmtplib
import uvloop

CONNECTIONS = 16
LINE = b"x" * 74 + b"\r\n"
HEAD = b"From: alerts@example.org\r\nSubject: Flash flooding\r\n\r\n"


async def main(port: int, count: int, size: int) -> None:
    """Send and print."""
    mail = HEAD + LINE * ((size - len(HEAD)) // len(LINE))
    clients = [aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(client.connect() for client in clients))
    numbers = iter(range(count))

    async def send(client: aiosmtplib.SMTP) -> None:
        for number in numbers:
            await client.sendmail("alerts@example.org", [f"p{number}@example.org"], mail)

    start = time.perf_counter()
    await asyncio.gather(*(send(client) for client in clients))
    print(round(count / (time.perf_counter() - start), 1))
    await asyncio.gather(*(client.quit() for client in clients))


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:4])))
