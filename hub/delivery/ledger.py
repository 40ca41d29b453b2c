"""The ledger is the queue: batches are leased from it and outcomes settled into it, each in one short transaction on disk.

Key of an outcome: (mailing, address). A row whose outcome is not open never changes again, so whatever is reported twice counts once.
Driver-level SQL on a thread of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec

from hub.delivery import ledger_sql
from hub.delivery.batches import Finished, Leased, Offer, Planned, Reached, Settlement
from hub.store.database import Database, connect

T = TypeVar("T")

_json = msgspec.json.Encoder()


class Ledger:
    """SQLite. All methods are safe to call at any time; each is one transaction."""

    def __init__(self, database: Database) -> None:
        self._lock = database.write_lock
        self._path = database.path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._connection: sqlite3.Connection | None = None

    async def aclose(self) -> None:
        """Close the connection on its own thread."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        async with self._lock:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            self._connection = connect(self._path)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return result

    async def void_leases(self) -> int:
        """At start, alone on the data folder: what an earlier process had leased is free again. Returns how many batches."""
        return await self._write(lambda c: c.execute("UPDATE batch SET state=0 WHERE state=1").rowcount)

    async def plan(self, mailing: int, matched: int, lists: Sequence[Planned], now: int) -> bool:
        """Freeze the whole list of recipients at once. False when it had been planned or stopped already."""
        return await self._write(lambda c: ledger_sql.plan(c, mailing, matched, lists, now))

    async def lease(self, channel: str, limit: int, above: int, now: int) -> list[Leased]:
        """Take up to `limit` batches of a channel that are due, the most urgent first, all of priority < `above`."""
        return await self._write(lambda c: ledger_sql.lease(c, channel, limit, above, now))

    async def settle(self, settlements: Sequence[Settlement], finished: Sequence[Leased]) -> list[Finished]:
        """Write outcomes, retries, counters and waits; then close batches. Returns the mailings that ended with it."""
        return await self._write(lambda c: ledger_sql.settle(c, settlements, finished))

    async def give_back(self, batches: Iterable[int]) -> None:
        """Leased again by whoever comes next: a sender ended before it had reported these to the last row."""
        ids = _json.encode(list(batches)).decode()
        await self._write(lambda c: c.execute("UPDATE batch SET state=0 WHERE id IN (SELECT value FROM json_each(?))", (ids,)))

    async def reclaim(self, held: Iterable[int]) -> None:
        """Free every lease that is not among these."""
        ids = _json.encode(list(held)).decode()
        await self._write(
            lambda c: c.execute("UPDATE batch SET state=0 WHERE state=1 AND id NOT IN (SELECT value FROM json_each(?))", (ids,))
        )

    async def leased(self, mailings: Sequence[int]) -> bool:
        """Whether anything of these is still in a sender's hands."""
        ids = _json.encode(list(mailings)).decode()
        query = "SELECT 1 FROM batch WHERE state=1 AND mailing IN (SELECT value FROM json_each(?)) LIMIT 1"
        return await self._write(lambda c: c.execute(query, (ids,)).fetchone() is not None)

    async def halt(self, mailing: int, now: int) -> int:
        """Nothing of this mailing is leased any more; whoever was waiting is withheld. Returns how many."""
        return await self._write(lambda c: ledger_sql.halt(c, mailing, now))

    async def reached(self, mailings: Sequence[int]) -> list[Reached]:
        """Everyone to whom any of these mailings was, or may have been, handed over, and who has not opted out since."""
        return await self._write(lambda c: ledger_sql.reached(c, mailings))

    async def catch_up(self, subscriber: int, offers: Sequence[Offer], asked: int) -> int:
        """Queue live alerts for one person, each address at most once per mailing, and strike the debt, unless it was asked for again
        since (`asked` times, as the caller saw it). Returns how many were queued."""
        return await self._write(lambda c: ledger_sql.catch_up(c, subscriber, offers, asked))

    async def waiting_channels(self, now: int) -> list[str]:
        """Channels that have a batch due now."""
        return await self._write(
            lambda c: [row[0] for row in c.execute("SELECT DISTINCT channel FROM batch WHERE state=0 AND due_at<=?", (now,))]
        )
