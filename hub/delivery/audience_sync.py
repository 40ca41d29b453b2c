"""Keeps the audience's columns in step with the tables: everyone at start, then whoever the log of changes names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection

import numpy as np
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.store.database import Database
from subscriptions.areas import AreaCatalog
from subscriptions.audience import Audience, Person
from subscriptions.store import audience_rows, sql

FEW = 500
"""Changed people up to which each is put in alone; more, as from an import, come as columns, which are sorted in a thread."""


NOTHING = (0, 0)

log = structlog.get_logger()


class AudienceSync:
    """`catch_up` runs before each match and after each change, so a change is in force before its answer returns."""

    def __init__(self, database: Database, audience: Audience, catalog: AreaCatalog) -> None:
        self._database, self._audience, self._catalog = database, audience, catalog
        self.changed: Callable[[Collection[int]], None] = lambda _: None
        """Told who has changed, after each look that found any."""
        self._at = time.monotonic()
        self._lock = asyncio.Lock()

    @property
    def age_s(self) -> float:
        """How long ago the columns were known to hold every change."""
        return time.monotonic() - self._at

    async def load(self) -> None:
        """Everyone, in one consistent view."""
        async with self._lock:
            await self._load()

    async def _load(self) -> None:
        began = time.monotonic()
        async with self._database.read(long=True) as connection:
            position = await sql.audience_position(connection)
            last = await sql.changes_from(connection, position)
            await self._read_rules(connection)
            columns = await audience_rows.columns(connection, self._catalog, self._audience.kinds)
        self._audience.exchange(await asyncio.to_thread(self._audience.prepared, columns))
        self._seen, self._at = last[0] if last else NOTHING, began

    async def catch_up(self) -> None:
        """Everyone who changed since the last look, whichever process wrote it."""
        async with self._lock:
            began = time.monotonic()
            await self._catch_up()
            self._at = began

    async def _catch_up(self) -> None:
        newest = await self._database.look(sql.AUDIENCE_POSITION)
        if self._seen[0] == (newest[0][0] if newest else 0):
            return
        people = list[Person]()
        async with self._database.read() as connection:
            lines = await sql.changes_from(connection, self._seen[0])
            goes_on = self._seen == NOTHING or self._seen in lines[:1]
            changed = list(dict.fromkeys(subscriber for at, subscriber in lines if at > self._seen[0]))
            await self._read_rules(connection)
            if len(changed) <= FEW:
                people = await audience_rows.people(connection, changed)
        if not goes_on:
            log.error("audience_went_back", position=self._seen[0])  # a replica took over that had not heard of all that was written
            await self._load()
        elif len(changed) > FEW:
            async with self._database.read(long=True) as connection:
                columns = await audience_rows.columns(connection, self._catalog, self._audience.kinds, (self._seen[0], lines[-1][0]))
            segment = await asyncio.to_thread(self._audience.prepared, columns)
            self._audience.exchange(segment, np.array(changed, dtype=np.int64))
            self._seen = lines[-1]
        else:
            for subscriber in changed:
                self._audience.remove(subscriber)
            for person in people:
                self._audience.put(person)
            self._seen = lines[-1]
        self.changed(changed)

    async def _read_rules(self, connection: AsyncConnection) -> None:
        rules = self._audience.quiet_rules
        rules.add(await sql.quiet_rules(connection, rules.newest))

    async def tidy(self) -> None:
        """Keep matching fast, however many have changed. To run now and then; nothing waits for it."""
        await self._audience.tidy()
