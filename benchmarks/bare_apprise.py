"""The yardstick for chat services: Apprise's own `async_notify`, 50 JSON targets a call. Prints notifications a second."""

from __future__ import annotations

import sys
import time

import apprise
import uvloop

TARGETS = 50


async def main(url: str, count: int) -> None:
    """Notify and print."""
    start = time.perf_counter()
    for first in range(0, count, TARGETS):
        targets = apprise.Apprise()
        for number in range(first, first + TARGETS):
            targets.add(f"{url.replace('http', 'json', 1)}/{number}")
        assert await targets.async_notify(title="Flash flooding", body="x" * 500)
    print(round(count / (time.perf_counter() - start), 1))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
