"""Our whole hub against whole systems that people use today: the same bodies' size, the same sink, the same two cores, in turns.

Counts differ, since each rate only needs a few seconds; what a system starts before it works is counted for none.
"""

from __future__ import annotations

from collections.abc import Callable

import uvloop

from benchmarks.fanout import hub_with, in_turns
from benchmarks.measure import Figure, figure, in_a_process, listening
from tests.peers.postgres import postgres_server

RECIPIENTS = 100_000
APPRISE, CELERY, PGQUEUER = 400, 1500, 6000


def apprise() -> dict[str, Figure]:
    """Against `Apprise.async_notify`, as its users loop over people."""
    return {"vs_apprise": _beside("benchmarks.bare_apprise", APPRISE, "Apprise.async_notify, 50 targets a call")}


def celery() -> dict[str, Figure]:
    """Against a Celery task per recipient."""
    said = "Celery, a task per recipient (acks_late, requests.Session), Valkey, 2 processes"
    return {"vs_celery": _beside("benchmarks.bare_celery", CELERY, said)}


def pgqueuer() -> dict[str, Figure]:
    """Against jobs leased in batches from PostgreSQL, of the size that suits it best and of its default; each round in a new database."""
    figures = {}
    with postgres_server(durable=True) as server:
        for name, batch in (("vs_pgqueuer", 100), ("vs_pgqueuer_default", 10)):
            said = f"pgqueuer, queued by 1000 and leased by {batch}, PostgreSQL (asyncpg), aiohttp, 2 processes"
            figures[name] = _beside("benchmarks.bare_pgqueuer", PGQUEUER, said, lambda batch=batch: [server.new_database(), batch])
    return figures


def _beside(module: str, count: int, yardstick: str, more: Callable[[], list[object]] = list) -> Figure:
    async def work(url: str) -> tuple[list[float], list[float]]:
        async with hub_with(RECIPIENTS, url) as hub:
            return await in_turns(hub, RECIPIENTS, lambda: in_a_process(module, url, count, *more()))

    with listening("benchmarks.tally") as port:
        ours, theirs = uvloop.run(work(f"http://127.0.0.1:{port}"))
    return figure(ours, theirs, "hand-overs/s", yardstick)
