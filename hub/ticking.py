"""What a hub does by the clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from sqlalchemy import func, select

from hub.clock import Clock, Jumps, milliseconds
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


HOUR_S = 3600
LOOK_AT_CLOCK_S = 1.0

log = structlog.get_logger()


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


class Every(BaseTrigger):  # type: ignore[misc]  # apscheduler is untyped
    """So long after the last time, by whatever the clock says then.

    apscheduler's own goes through each time that a clock which was put forward has passed over: for a month that takes seconds.
    """

    def __init__(self, seconds: float) -> None:
        self.interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The next time."""
        return now + self.interval


class Ticking:
    """What happens by the clock. Due times live in the tables; this only looks."""

    def __init__(self, hub: Ticked) -> None:
        self._hub = hub
        defaults = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        self._scheduler = AsyncIOScheduler(timezone="UTC", job_defaults=defaults)

    def __enter__(self) -> None:
        hub = self._hub
        for work, seconds in (
            (hub.publishing.end_expired, 2),
            (hub.sync.catch_up, 2),
            (hub.sync.tidy, 2),
            (self._count_waiting, 5),
            (hub.publishing.write_stops, 1),
            (hub.publishing.finish_stops, 15),
            (hub.providers.look, LOOK_EVERY_S),
            (hub.outcomes.look, CHECK_EVERY_S),
            (hub.enrolment.resume, 30),
            (self._forget_keys, HOUR_S),
            (self._purge, HOUR_S),
        ):
            self._scheduler.add_job(work, Every(seconds))
        self._scheduler.add_job(self._read_words, "date", run_date=datetime.now(UTC) + WORDS_AFTER)
        self._scheduler.start()
        self._tasks = [asyncio.ensure_future(hub.providers.look()), asyncio.ensure_future(self._mind_the_clock())]

    async def _mind_the_clock(self) -> None:
        """apscheduler goes by the clock on the wall: one that is put back would leave everything undone until it has caught up."""
        jumps = Jumps(time.time)
        while True:
            await asyncio.sleep(LOOK_AT_CLOCK_S)
            if by_s := jumps.look():
                log.warning("clock_was_set", seconds=round(by_s, 1))
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC))

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
        for task in self._tasks:
            task.cancel()
        self._scheduler.shutdown(wait=False)
