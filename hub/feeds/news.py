"""The live stream as a tail of the table of alerts: each node tells its readers what happened, wherever it was published.

A signal says that there may be news; a look each second finds them without one. Nodes' clocks differ a little and a commit may be seen
later than one that began after it, so each look goes back `LOOK_BACK_MS` and skips what was told already.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog
from sqlalchemy import Select, or_, select

from hub.alerts.store import StoredAlert, stored
from hub.clock import Clock, milliseconds
from hub.live import KEPT, Event, Live, event
from hub.store.database import Database
from hub.store.tables import alert as table

LOOK_EVERY_S = 1.0
SOON_S = 0.03
"""From a hint to the look: in this moment the alert goes out to the first whom it is for."""
LOOK_BACK_MS = 60_000
REMEMBERED_MS = 24 * 3600 * 1000
"""How far back a reader may resume after a restart."""
HEARTBEAT_LOOKS = 15
ENDING_S = 2.0

NAMES = {"Alert": "alert", "Update": "update", "Cancel": "cancel"}

log = structlog.get_logger()


class News:
    """Looks at the table of alerts, and tells `live` what came and went. `data` makes the JSON of an alert, one line."""

    def __init__(self, database: Database, live: Live, clock: Clock, *, data: Callable[[StoredAlert], bytes]) -> None:
        self._database, self._live, self._clock, self._data = database, live, clock, data
        self._hint = asyncio.Event()
        self._stopping = False
        self._looked = milliseconds(clock)
        """When the last look succeeded: after an hour without the database, the next one goes back that hour."""
        self.version = 0
        """Moves whenever something that the public sees may have changed: what was made from an older one is out of date."""
        self._begun: dict[int, int] = {}
        """Numbers of alerts of the last minute that were told as live → when they went live."""
        self._open: set[int] = set()
        """Numbers of alerts that are live as far as was told."""

    def hint(self, _: bytes = b"") -> None:
        """There may be news, of alerts or of what is shown with them."""
        self.version += 1
        self._hint.set()

    async def recall(self) -> None:
        """At start: what happened lately, for readers who resume, and what is live now."""
        since = milliseconds(self._clock) - REMEMBERED_MS
        lately = select(table).where(table.c.live_at.is_not(None), or_(table.c.live_at >= since, table.c.ended_at >= since))
        async with self._database.read() as connection:
            rows = list(await connection.execute(lately.order_by(table.c.number.desc()).limit(KEPT)))
            live = select(table.c.number).where(table.c.live_at.is_not(None), table.c.status == "live")
            self._open = set((await connection.execute(live)).scalars())
        alerts = [stored(row) for row in reversed(rows)]
        replaced = _replaced(alerts)
        events = [self._beginning(alert) for alert in alerts if (alert.live_at or 0) >= since]
        events += [_ending(alert) for alert in alerts if (alert.ended_at or 0) >= since and alert.number not in replaced]
        for happened in sorted(events, key=lambda one: one.id)[-KEPT:]:
            self._live.remember(happened)
        self._begun = {alert.number: alert.live_at or 0 for alert in alerts}

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look while the block runs, from what is there now. The last look is let finish, at the end."""
        await self.recall()
        looking = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._stopping = True
            self._hint.set()
            await asyncio.wait({looking}, timeout=ENDING_S)
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _run(self) -> None:
        """A database that is away is asked again a second later."""
        looks = 0
        while not self._stopping:
            self._hint.clear()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look is in a second, and the stream must not end for it
                log.warning("news_unread", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    if not self._stopping:
                        await self._hint.wait()
                        await asyncio.sleep(0 if self._stopping else SOON_S)
                    continue
            looks += 1
            if looks % HEARTBEAT_LOOKS == 0:
                self._live.heartbeat()

    async def look(self) -> None:
        """Tell what has come and gone since the last look."""
        now = milliseconds(self._clock)
        since = min(now, self._looked) - LOOK_BACK_MS
        state = select(table.c.number, table.c.live_at, table.c.ended_at)
        async with self._database.read() as connection:
            lately = list(await connection.execute(state.where(table.c.live_at >= since)))
            known = list(await connection.execute(state.where(table.c.number.in_(self._open)))) if self._open else []
            fresh = [row.number for row in lately if row.number not in self._begun]
            over = [row.number for row in (*lately, *known) if row.ended_at and row.number in self._open | set(fresh)]
            news = list(await connection.execute(_all(fresh, over))) if fresh or over else []
        self._begun = {number: at for number, at in self._begun.items() if at >= since}
        self._looked = now
        if news:
            self.version += 1
            self._tell([stored(row) for row in news], set(fresh), set(over))

    def _tell(self, alerts: list[StoredAlert], fresh: set[int], over: set[int]) -> None:
        replaced = _replaced(alerts)
        events = [self._beginning(alert) for alert in alerts if alert.number in fresh]
        events += [_ending(alert) for alert in alerts if alert.number in over - replaced]
        for happened in sorted(events, key=lambda one: one.id):
            self._live.publish(happened)
        self._begun |= {alert.number: alert.live_at or 0 for alert in alerts if alert.number in fresh}
        self._open = (self._open | fresh) - over

    def _beginning(self, alert: StoredAlert) -> Event:
        return event(alert.live_at or 0, alert.number, NAMES[alert.document.msgType], self._data(alert))


def _all(fresh: list[int], over: list[int]) -> Select[Any]:
    """What came, what went, and whatever replaced the latter, which may have been told before."""
    chains = select(table.c.chain).where(table.c.number.in_(over))
    replacing = table.c.chain.in_(chains) & table.c.live_at.is_not(None)
    return select(table).where(or_(table.c.number.in_({*fresh, *over}), replacing)).order_by(table.c.number)


def _replaced(alerts: list[StoredAlert]) -> set[int]:
    """Those that ended because a later version took their place in the same moment: of these nobody is told that they are over."""
    began = {(alert.chain, alert.live_at) for alert in alerts if alert.document.msgType != "Alert"}
    return {alert.number for alert in alerts if (alert.chain, alert.ended_at) in began}


def _ending(alert: StoredAlert) -> Event:
    return event(alert.ended_at or 0, alert.number, "end", msgspec.json.encode({"id": alert.id}))
