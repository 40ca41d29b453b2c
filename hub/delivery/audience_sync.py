"""Keeps the audience's columns in step with the tables: everyone at start, then whoever the log of changes names, in the order of commits."""

from __future__ import annotations

import asyncio

from hub.store.database import Database
from subscriptions.audience import Audience
from subscriptions.store import sql

AT_ONCE = 500


class AudienceSync:
    """`catch_up` runs before each match and after each change, so a change is in force before its answer returns."""

    def __init__(self, database: Database, audience: Audience) -> None:
        self._database, self._audience = database, audience
        self._seen = 0
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Everyone, in one consistent view."""
        async with self._database.read() as connection:
            self._seen = (await connection.execute(select(audience_counter.c.seq))).scalar() or 0
            people = [row async for row in sql.stream_people(connection)]
            places = [row async for row in sql.stream_places(connection)]
            addresses = [row async for row in sql.stream_addresses(connection)]
        self._audience.bulk(people, places, addresses)

    async def catch_up(self, _: int = 0) -> None:
        """Everyone who changed since the last look, whichever process wrote it."""
        async with self._lock:
            while await self._step():
                pass

    async def _step(self) -> bool:
        query = select(audience_change.c.seq, audience_change.c.subscriber).where(audience_change.c.seq > self._seen)
        async with self._database.read() as connection:
            changes = (await connection.execute(query.order_by(audience_change.c.seq).limit(AT_ONCE))).all()
            if not changes:
                return False
            changed = {row.subscriber for row in changes}
            people = {person.id: person for person in await sql.people(connection, sorted(changed))}
        for subscriber in changed:
            if subscriber in people:
                self._audience.put(people[subscriber])
            else:
                self._audience.remove(subscriber)
        self._seen = changes[-1].seq
        return len(changes) == AT_ONCE
