"""The yardstick of queues in a database: pgqueuer, a job per recipient, queued and leased in batches. Prints hand-overs a second.

Usage: python -m benchmarks.bare_pgqueuer URL N DSN BATCH; with `work DSN BATCH` it is one of the two workers. Its workers' start is not
counted. Everything is as fast as it allows: jobs are queued a thousand at a time, asyncpg is the driver, uvloop the loop, one aiohttp
session a worker; the database commits to disk, as our ledger does.
"""

from __future__ import annotations

import contextlib
import sys
import time

import aiohttp
import asyncpg
import uvloop
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

from benchmarks import tally
from benchmarks.systems import SETUP_S, new_run, worker

BODY = b"x" * 600
WARM, QUEUED_AT_ONCE, WORKERS = 100, 1000, 2


async def work(dsn: str, batch: int) -> None:
    """Lease and post until killed."""
    manager = QueueManager(Queries(AsyncpgDriver(await asyncpg.connect(dsn))))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:

        @manager.entrypoint("post")
        async def post(job: Job) -> None:
            assert job.payload is not None
            async with session.post(job.payload.decode(), data=BODY, headers={"TTL": "60", "Urgency": "high"}) as answer:
                answer.raise_for_status()

        await manager.run(batch_size=batch)


async def queue(queries: Queries, url: str, run: str, count: int) -> None:
    """A job per recipient, a thousand to a statement."""
    for first in range(0, count, QUEUED_AT_ONCE):
        payloads: list[bytes | None] = [f"{url}/{run}/{number}".encode() for number in range(first, min(first + QUEUED_AT_ONCE, count))]
        await queries.enqueue(["post"] * len(payloads), payloads, [0] * len(payloads))


async def main(url: str, count: int, dsn: str, batch: str) -> None:
    """Queue, wait for the last, print."""
    queries = Queries(AsyncpgDriver(await asyncpg.connect(dsn)))
    await queries.install()
    with contextlib.ExitStack() as workers:
        for _ in range(WORKERS):
            workers.enter_context(worker("benchmarks.bare_pgqueuer", "work", dsn, batch))
        warm, run = new_run("warm"), new_run("pgqueuer")
        await queue(queries, url, warm, WARM)
        assert tally.ask(url, warm, WARM, SETUP_S).people == WARM
        start = time.time()
        await queue(queries, url, run, count)
        reached = tally.ask(url, run, count)
        assert reached.people == count, reached
        print(round(count / (reached.last_at - start), 1))


if __name__ == "__main__":
    if sys.argv[1] == "work":
        uvloop.run(work(sys.argv[2], int(sys.argv[3])))
    else:
        uvloop.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
