"""Which nodes there are. A node that shares its database beats once a second; whoever stops beating loses its leases to the others.

The lease belongs to the node: it may hand over until LEASE_S after its last beat *began*, by its own monotonic clock, and the others take
over when they have seen no new beat for TAKEOVER_S, by theirs. A node that was suspended finds its lease over before it sends, and a
database whose clock is set buries nobody who lives. Only who joins, and has seen nothing yet, goes by the database's clock.
On SQLite there is one node, which a lock on the file holds: its lease never ends.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
import structlog
from sqlalchemy import BigInteger, ColumnElement, cast, delete, extract, func, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.clock import Clock, milliseconds
from hub.errors import SettingsError
from hub.store import tables
from hub.store.database import Database

Role = Literal["all", "web", "deliver"]

BEAT_S = 1.0
LEASE_S = 5.0
TAKEOVER_S = 7.0
"""Later than LEASE_S by more than clocks drift and a statement takes."""
ANSWER_S = 3.0
CLOCK_OFF_S = 2.0
"""More between a node's clock and the database's is told: whatever is due or runs out is so at another time on each node then."""

_SHARED_NOW = cast(extract("epoch", func.clock_timestamp()) * 1000, BigInteger)

log = structlog.get_logger()


class Other(msgspec.Struct, frozen=True):
    """A node as the table has it."""

    id: int
    name: str
    role: str
    signals: int


class Membership:
    """Opened with `join`; `run` beats until it is cancelled; `leave` gives everything back."""

    def __init__(
        self,
        database: Database,
        role: Role,
        *,
        signals: bool,
        joined: Callable[[int], None],
        freed: Callable[[], None],
        lost: Callable[[], None],
        timer: Callable[[], float] = time.monotonic,
        clock: Clock = time.time,
    ) -> None:
        """`joined` is told each number, `freed` when another node's work became free, `lost` when this one's lease is over."""
        self._database, self._role, self._signals = database, role, signals
        self._joined, self._freed, self._lost, self._timer = joined, freed, lost, timer
        self._clock = clock
        self.clock_off_s = 0.0
        """How far this node's clock is ahead of the database's."""
        self._heard: dict[int, tuple[int, float]] = {}
        """The last beat of each other node, and when it was first seen here."""
        self.node = 0
        self.others: tuple[Other, ...] = ()
        self.until = 0.0
        """Until when this node may hand over, by `time.monotonic`."""

    @property
    def is_first(self) -> bool:
        """Whether this node does what only one may do, for instance answer chats. At most one believes it, but for a takeover's moment."""
        return self.until > time.monotonic() and all(other.id > self.node for other in self.others if other.role != "deliver")

    @property
    def clock_status(self) -> dict[str, str]:
        """As a part of `/readyz`; there is nothing to compare with where a node has its database to itself."""
        if not self._database.shared:
            return {}
        off = abs(self.clock_off_s) > CLOCK_OFF_S
        return {"clock": f"{self.clock_off_s:+.0f} s beside the database's: set both by NTP" if off else "ok"}

    @property
    def delivering(self) -> int:
        """Nodes that hand over, this one among them."""
        return 1 + sum(1 for other in self.others if other.role != "web")

    async def join(self) -> int:
        """Take a number. Raises SettingsError when the others could not be heard, or are of another mind."""
        began = time.monotonic()
        async with self._database.write() as connection:
            now = await self._now(connection)
            old = tables.node.c.beat_at < now - int(TAKEOVER_S * 1000)
            await self._free(connection, await self._bury(connection, old if self._database.shared else true()))
            self.others = await self._living(connection)
            self._check()
            row = {"name": _name(), "role": self._role, "signals": int(self._signals), "started_at": now, "beat_at": now}
            self.node = int((await connection.execute(insert(tables.node).values(row).returning(tables.node.c.id))).scalar_one())
        self._joined(self.node)
        self._extend(began)
        return self.node

    async def leave(self, *, in_doubt: bool = False) -> None:
        """Whatever this node had leased is free at once; when the database does not answer, a takeover's time later.

        `in_doubt` when some of it was begun without a word in the ledger, see `hub.delivery.ledger.doubt`.
        """
        self.until = 0.0
        try:
            async with asyncio.timeout(ANSWER_S), self._database.write(alone=False) as connection:
                batch = tables.batch.c
                mine = update(tables.batch).where(batch.state == 1, batch.node == self.node)
                await connection.execute(mine.values(state=2 if in_doubt else 0))
                await connection.execute(delete(tables.node).where(tables.node.c.id == self.node))
        except Exception as error:  # noqa: BLE001 - the node ends in any case
            log.error("leave_failed", error=type(error).__name__)  # noqa: TRY400 - a traceback may hold the database's address

    async def while_first(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` on one node: begun when every earlier node has gone, cancelled when this one is not the first any more."""
        while True:
            if not self.is_first:
                await asyncio.sleep(BEAT_S)
                continue
            task = asyncio.ensure_future(work())
            try:
                while self.is_first and not task.done():
                    await asyncio.wait([task], timeout=BEAT_S)
                if task.done():
                    return await task
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def run(self) -> None:
        """Beat, and look after the others."""
        if not self._database.shared:
            return
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                await self._beat()
            except Exception as error:  # noqa: BLE001 - whatever the database has, the next beat tries again, and the lease runs out meanwhile
                log.error("beat_failed", error=type(error).__name__)  # noqa: TRY400 - a traceback may hold the database's address
            if self.until <= time.monotonic():
                self._lost()

    async def _beat(self) -> None:
        began, asked = time.monotonic(), milliseconds(self._clock)
        async with asyncio.timeout(ANSWER_S), self._database.write(alone=False) as connection:
            mine = update(tables.node).where(tables.node.c.id == self.node).values(beat_at=_SHARED_NOW).returning(tables.node.c.beat_at)
            beat = (await connection.execute(mine)).scalar_one_or_none()
            answered = milliseconds(self._clock)
        if beat is None:
            log.error("node_was_given_up", node=self.node)
            self._lost()
            async with asyncio.timeout(ANSWER_S):
                await self.join()
            return
        self._extend(began)
        self._compare(asked, beat, answered)
        async with asyncio.timeout(ANSWER_S), self._database.write(alone=False) as connection:
            freed = await self._look_after_others(connection)
        if freed:
            self._freed()

    async def touch(self, connection: AsyncConnection) -> None:
        """Write this node's own row, for whoever wants to know whether the database takes it.

        Where nodes watch each other its beat stays, since only a beat says that a node lives; SQLite writes nothing that stays as it was.
        """
        beat_at = tables.node.c.beat_at if self._database.shared else await self._now(connection)
        await connection.execute(update(tables.node).where(tables.node.c.id == self.node).values(beat_at=beat_at))

    def _compare(self, asked: int, beat: int, answered: int) -> None:
        """All in milliseconds since 1970: the database's clock, and this node's before and after."""
        off = (max(0, asked - beat) or min(0, answered - beat)) / 1000
        if (abs(off) > CLOCK_OFF_S) != (abs(self.clock_off_s) > CLOCK_OFF_S):
            log.log(logging.ERROR if abs(off) > CLOCK_OFF_S else logging.INFO, "clock_compared", ahead_s=round(off, 1))
        self.clock_off_s = off

    async def _now(self, connection: AsyncConnection) -> int:
        if self._database.shared:
            return int((await connection.execute(select(_SHARED_NOW))).scalar_one())
        return int(time.time() * 1000)

    def _extend(self, began: float) -> None:
        self.until = began + LEASE_S if self._database.shared else math.inf

    async def _look_after_others(self, connection: AsyncConnection) -> bool:
        """Strike out of which no new beat was seen for too long. Returns whether work of theirs became free."""
        node, now = tables.node.c, self._timer()
        beats = select(node.beat_at, node.id, node.name, node.role, node.signals).where(node.id != self.node).order_by(node.id)
        seen = {row.id: row for row in await connection.execute(beats)}
        known = {other: heard for other, heard in self._heard.items() if other in seen and seen[other].beat_at == heard[0]}
        self._heard = {other: (row.beat_at, now) for other, row in seen.items()} | known
        gone = {other: beat for other, (beat, since) in self._heard.items() if now - since > TAKEOVER_S}
        buried = await self._bury(connection, or_(*(_at(other, beat) for other, beat in gone.items()))) if gone else {}
        self.others = tuple(Other(*row[1:]) for other, row in seen.items() if other not in buried)
        return await self._free(connection, buried)

    async def _bury(self, connection: AsyncConnection, gone: ColumnElement[bool]) -> dict[int, str]:
        """Strike these out. Returns their numbers and names."""
        buried = await connection.execute(delete(tables.node).where(gone).returning(tables.node.c.id, tables.node.c.name))
        return {row.id: row.name for row in buried}

    async def _free(self, connection: AsyncConnection, buried: dict[int, str]) -> bool:
        """Free whatever is leased by nobody who lives: also what one who was buried has leased as it woke."""
        batch, living = tables.batch.c, select(tables.node.c.id)
        orphaned = update(tables.batch).where(batch.state == 1, batch.node.is_(None) | batch.node.not_in(living))
        # What it reached is in doubt: see `hub.delivery.ledger.doubt`.
        freed = (await connection.execute(orphaned.values(state=2))).rowcount
        if freed:
            log.warning("leases_voided", batches=freed, nodes=sorted(buried.values()))
        return freed > 0

    async def _living(self, connection: AsyncConnection) -> tuple[Other, ...]:
        node = tables.node.c
        rows = await connection.execute(select(node.id, node.name, node.role, node.signals).where(node.id != self.node).order_by(node.id))
        return tuple(Other(*row) for row in rows)

    def _check(self) -> None:
        if self._role != "all" and not self._signals:
            raise SettingsError(f"--role {self._role} is for several nodes, which need TOCSIN_REDIS to hear each other")
        if not self.others:
            return
        if not self._signals:
            raise SettingsError(f"node {self.others[0].name} runs on this database: several nodes need TOCSIN_REDIS, the same on each")
        if not all(other.signals for other in self.others):
            raise SettingsError(f"node {self.others[0].name} runs on this database without TOCSIN_REDIS: set it there, and start it again")


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:80]


def _at(node: int, beat: int) -> ColumnElement[bool]:
    """It has not beaten since."""
    return (tables.node.c.id == node) & (tables.node.c.beat_at == beat)
