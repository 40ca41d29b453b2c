"""What a hub does by the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import func, select

from hub.clock import Clock, milliseconds
from hub.delivery.audience_sync import AudienceSync
from hub.delivery.outcome_check import LOOK_EVERY_S as CHECK_EVERY_S
from hub.delivery.outcome_check import OutcomeCheck
from hub.delivery.providers import LOOK_EVERY_S, Providers
from hub.languages.catalogue import read_all
from hub.metrics import Metrics
from hub.publishing.publishing import Publishing
from hub.publishing.records import forget_keys
from hub.store import tables
from hub.store.database import Database
from subscriptions.enrolment import Enrolment

WORDS_AFTER = timedelta(seconds=30)
"""After the start, the words of all languages are read, which the first alert of a hub that was restarted in haste need not wait for."""


class Ticked(Protocol):
    """The parts of a hub that look at the clock."""

    @property
    def publishing(self) -> Publishing: ...
    @property
    def sync(self) -> AudienceSync: ...
    @property
    def providers(self) -> Providers: ...
    @property
    def outcomes(self) -> OutcomeCheck: ...
    @property
    def enrolment(self) -> Enrolment: ...
    @property
    def database(self) -> Database: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def clock(self) -> Clock: ...


class Ticking:
    """What happens by the clock. Due times live in the tables; this only looks."""

    def __init__(self, hub: Ticked) -> None:
        self._hub = hub
        defaults = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        self._scheduler = AsyncIOScheduler(timezone="UTC", job_defaults=defaults)

    def __enter__(self) -> None:
        every = self._scheduler.add_job
        every(self._hub.publishing.end_expired, "interval", seconds=2)
        every(self._hub.publishing.finish_stops, "interval", seconds=15)
        every(self._hub.sync.catch_up, "interval", seconds=2)
        every(self._hub.sync.tidy, "interval", seconds=2)
        every(self._hub.providers.look, "interval", seconds=LOOK_EVERY_S)
        every(self._hub.outcomes.look, "interval", seconds=CHECK_EVERY_S)
        every(self._forget_keys, "interval", hours=1)
        every(self._count_waiting, "interval", seconds=5)
        every(self._purge, "interval", hours=1)
        every(self._hub.enrolment.resume, "interval", seconds=30)
        self._scheduler.add_job(self._read_words, "date", run_date=datetime.now(UTC) + WORDS_AFTER)
        self._scheduler.start()
        self._first = asyncio.ensure_future(self._hub.providers.look())

    async def _read_words(self) -> None:
        await asyncio.to_thread(read_all)

    async def _count_waiting(self) -> None:
        async with self._hub.database.read() as connection:
            waiting = select(func.count()).select_from(tables.batch).where(tables.batch.c.state == 0)
            self._hub.metrics.batches_waiting.set((await connection.execute(waiting)).scalar_one())

    async def _forget_keys(self) -> None:
        async with self._hub.database.write() as connection:
            await forget_keys(connection, milliseconds(self._hub.clock))

    async def _purge(self) -> None:
        await self._hub.enrolment.purge(self._hub.clock())

    def __exit__(self, *_: object) -> None:
        self._first.cancel()
        self._scheduler.shutdown(wait=False)
