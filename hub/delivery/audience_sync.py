"""Keeps the audience's columns in step with the tables: everyone at start, then whoever the log of changes names."""

from __future__ import annotations

import asyncio
import time

from hub.store.database import Database
from subscriptions.audience import Audience
from subscriptions.store import audience_rows, sql

MANY = 5_000
"""From here on, reading everyone anew is cheaper than reading so many one by one: an import, most likely."""


class AudienceSync:
    """`catch_up` runs before each match and after each change, so a change is in force before its answer returns."""

    def __init__(self, database: Database, audience: Audience) -> None:
        self._database, self._audience = database, audience
        self._seen = 0
        self._at = time.monotonic()
        self._lock = asyncio.Lock()

    @property
    def age_s(self) -> float:
        """How long ago the columns were known to hold every change."""
        return time.monotonic() - self._at

    async def load(self) -> None:
        """Everyone, in one consistent view."""
        async with self._database.read() as connection:
            self._seen = await sql.audience_position(connection)
            await audience_rows.fill(connection, self._audience)
        self._audience.settle()
        self._at = time.monotonic()

    async def catch_up(self) -> None:
        """Everyone who changed since the last look, whichever process wrote it."""
        async with self._lock, self._database.read() as connection:
            began = time.monotonic()
            position = await sql.audience_position(connection)
            if position == self._seen:
                self._at = began
                return
            changed = await sql.changes_since(connection, self._seen)
            if len(changed) > max(MANY, self._audience.people_count // 10):
                await audience_rows.fill(connection, self._audience)
                self._seen, self._at = position, began
                return
            present = {person.id: person for person in await audience_rows.people(connection, changed)}
        for subscriber in changed:
            if subscriber in present:
                self._audience.put(present[subscriber])
            else:
                self._audience.remove(subscriber)
        self._seen, self._at = position, began
