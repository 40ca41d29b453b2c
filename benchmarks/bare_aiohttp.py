"""The yardstick for webhooks and push: one process posting N bodies of 600 bytes with aiohttp, 64 at a time, no ledger.

Usage: python -m benchmarks.bare_aiohttp URL N; prints requests a second.
"""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp
import uvloop


async def main(url: str, count: int) -> None:
    """Post and print."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        numbers = iter(range(count))

        async def post() -> None:
            for number in numbers:
                async with session.post(f"{url}/{number}", data=b"x" * 600, headers={"TTL": "60", "Urgency": "high"}) as answer:
                    assert answer.status == 200

        start = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(64)))
        print(round(count / (time.perf_counter() - start), 1))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
