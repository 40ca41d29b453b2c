"""The ledger is the queue: batches are leased from it and outcomes settled into it, each in one short transaction on disk.

Key of an outcome: (mailing, address). A row whose outcome is not open never changes again, so whatever is reported twice counts once, and
a transaction whose answer was lost with its connection may be repeated. Driver-level SQL on a thread of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
import structlog
from msgspec.structs import replace

from hub.delivery.ledger import catching_up, doubt, halting, held_back, in_hand, reached, threads
from hub.delivery.ledger.batches import Finished, Leased, Offer, Planned, Reached, Settlement
from hub.delivery.ledger.statements import Statements
from hub.delivery.sending.frames import THREADED
from hub.store.database import Database
from hub.store.driver import BROKEN_DATA, Connection, reading_connection, writing_connection
from subscriptions.quiet_hours import WaitsFor

T = TypeVar("T")

TRIES = 5
"""Of a transaction that PostgreSQL called off for another's sake."""

log = structlog.get_logger()


class Ledger:
    """All methods are safe to call at any time; each is one transaction."""

    def __init__(self, database: Database, took: Callable[[str, float], None] = lambda *_: None) -> None:
        """`took` is told the seconds of each ``plan``, ``lease`` and ``settle``, with the wait for its turn."""
        self._database, self._took = database, took
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._writing: Connection | None = None
        self._reading: Connection | None = None
        self._statements: Statements | None = None
        self._node = 0

    def join(self, node: int) -> None:
        """Who leases and counts here from now on; see `hub.delivery.membership`."""
        self._node = node
        self._statements = None

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to it."""
        return self._database.shared

    async def aclose(self) -> None:
        """Close its connections on its own thread, behind whatever is under way there."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._reading is not None:
            self._reading.close()
        if self._writing is not None and self._database.shared:  # on SQLite it is the database's
            self._writing.close()

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._took(step, time.perf_counter() - began)

    async def _write(self, work: Callable[[Statements], T]) -> T:
        """The lock is held until the thread is through, also for a caller who is cancelled and waits no longer: on SQLite others write over
        the same connection."""
        if not self._database.shared:
            await self._database.write_lock.acquire()
        try:
            done = asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)
        except BaseException:
            self._written(None)
            raise
        done.add_done_callback(self._written)
        return await asyncio.shield(done)

    def _written(self, done: asyncio.Future[Any] | None) -> None:
        if not self._database.shared:
            self._database.write_lock.release()
        if done is not None and not done.cancelled():
            done.exception()  # whoever still waits is told; when nobody does, it is no fault of the loop

    async def _read(self, look: Callable[[Statements], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._look, look)

    def _look(self, look: Callable[[Statements], T]) -> T:
        if self._database.shared:  # one connection, so that a server that was away costs one failed call
            return look(self._opened()[1])
        self._reading = self._reading or reading_connection(self._database)
        return look(Statements(self._reading, self._node))

    def _opened(self) -> tuple[Connection, Statements]:
        if self._writing is None or self._statements is None:
            self._writing = self._writing or writing_connection(self._database)
            self._statements = Statements(self._writing, self._node)
        return self._writing, self._statements

    def _transact(self, work: Callable[[Statements], T]) -> T:
        connection, statements = self._opened()
        for left in reversed(range(TRIES)):
            try:
                with connection.transaction():
                    return work(statements)
            except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
                statements.forget()
                if not left:
                    raise
            except BaseException:
                statements.forget()
                raise
        raise AssertionError("unreachable")

    async def plan(self, mailing: int, matched: int, lists: Sequence[Planned], now: int, waits_for: WaitsFor = WaitsFor.NOBODY) -> bool:
        """Freeze the whole list of recipients at once. False when it had been planned or stopped already.

        Whose quiet hours begin before their turn has come is put off, if it waits for theirs.
        """
        with self._timed("plan"):
            planned = await self._write(lambda s: s.plan(mailing, matched, lists, now, waits_for))
        if planned and not any(len(part.addresses) for part in lists):
            await self.end([mailing])
        return planned

    async def refuse(self, mailing: int) -> None:
        """It was launched, is not what was approved, and is planned for nobody."""
        await self._write(lambda s: s.refuse(mailing))

    async def lease(self, channel: str, limit: int, above: int, now: int, together: int = 0) -> list[Leased]:
        """Take up to `limit` batches of a channel that are due, the most urgent first, all of priority < `above`; and small ones beyond,
        while all that are taken have no more than `together` people.

        Whoever expired, was stopped or is owed nothing any more is closed instead.
        """
        with self._timed("lease"):
            leased, closed = await self._write(lambda s: s.lease(channel, limit, above, now, together))
        if closed:
            await self.end(closed)
        return leased

    async def settle(self, settlements: Sequence[Settlement], finished: Sequence[Leased]) -> list[Finished]:
        """Write outcomes, retries, counters and waits; then close batches. Returns the mailings that ended with it."""
        try:
            with self._timed("settle"):
                return await self._settle(settlements, finished)
        except BROKEN_DATA as error:
            # One receipt that can't be written must not hold up all others. What is free text in it is left out.
            log.error("receipts_refused", error=type(error).__name__)  # noqa: TRY400 - a traceback may quote an address
            plain = [replace(settlement, reason=None, copies=(), posted=()) for settlement in settlements]
            return await self._settle(plain, finished)

    async def _settle(self, settlements: Sequence[Settlement], finished: Sequence[Leased]) -> list[Finished]:
        mailings = {leased.mailing for leased in finished}

        def alone(statements: Statements) -> list[Finished]:
            statements.settle(settlements, finished)
            return statements.end(mailings) if mailings else []

        if not self._database.shared:
            return await self._write(alone)
        await self._write(lambda s: s.settle(settlements, finished))
        return await self.end(mailings) if mailings else []

    async def end(self, mailings: Iterable[int]) -> list[Finished]:
        """Mark as done those of these of which nothing is left."""
        numbers = list(mailings)
        return await self._write(lambda s: s.end(numbers))

    async def end_all(self) -> list[Finished]:
        """As `end`, for all that are under way: whatever a crash left between the last receipt and its end."""
        under_way = await self._read(lambda s: s.under_way())
        return await self.end(under_way) if under_way else []

    async def give_back(self, batches: Iterable[int]) -> None:
        """Leased again by whoever comes next: no sender had begun with these."""
        numbers = list(batches)
        await self._write(lambda s: s.give_back(numbers))

    async def lose(self, batches: Iterable[int]) -> None:
        """As `give_back`, but a sender had begun, and ended before it had reported these to the last row: whom it reached is in doubt."""
        numbers = list(batches)
        await self._write(lambda s: doubt.lose(s, numbers))

    async def reclaim(self, held: Iterable[int]) -> None:
        """Free every lease of this node that is not among these."""
        numbers = list(held)
        await self._write(lambda s: s.reclaim(numbers))

    async def bring_forward(self, by: int, now: int) -> int:
        """The clock has been put back by so many milliseconds: what waits for a time of the old one would wait that much too long."""
        return await self._write(lambda s: s.bring_forward(by, now))

    async def in_hand(self, mailings: Sequence[int]) -> int:
        """How many may be reached by these just now."""
        return await self._read(lambda s: len(in_hand.of(s.connection, mailings)))

    async def stopped(self, mailings: Iterable[int]) -> list[int]:
        """Those of these that were stopped, here or on another node."""
        numbers = list(mailings)
        return await self._read(lambda s: halting.stopped(s, numbers))

    async def halt(self, mailing: int, now: int) -> int:
        """Nothing of this mailing is leased any more; whoever was waiting is withheld. Returns how many."""
        return await self._write(lambda s: halting.halt(s, mailing, now))

    async def reached(self, mailings: Sequence[int]) -> list[Reached]:
        """Everyone to whom any of these mailings was, or may have been, handed over, and who has not opted out since."""
        return await self._read(lambda s: reached.everyone(s.connection, mailings))

    async def reached_before(self, alerts: Sequence[int], people: Sequence[int]) -> Mapping[tuple[int, int], Sequence[Reached]]:
        """As `reached`, where these people were by versions before these alerts: by (alert, subscriber)."""
        return await self._read(lambda s: reached.before(s.connection, alerts, people))

    async def earlier(self, leased: Leased) -> Mapping[int, int]:
        """Address → number of the message that this batch answers or strikes through; empty on channels where that can't be."""
        return await self._read(lambda s: threads.earlier(s.connection, leased)) if leased.channel in THREADED else {}

    async def confirm(self, alert: int, address: int, now: int) -> bool | None:
        """Somebody has read this alert: True once, then False; None when no such message is known."""
        return await self._write(lambda s: threads.confirm(s, alert, address, now))

    async def catch_up(self, subscriber: int, offers: Sequence[Offer], asked: int) -> int:
        """Queue live alerts for one person, each address at most once per mailing, and strike the debt, unless it was asked for again
        since (`asked` times, as the caller saw it). Returns how many were queued."""
        return await self._write(lambda s: catching_up.catch_up(s, subscriber, offers, asked))

    async def waiting_channels(self, now: int) -> list[str]:
        """Channels that have a batch due now; before that, batches that were lost wait again, and what ran out while quiet hours held it is
        closed and told."""
        lost, over, channels = await self._read(lambda s: (doubt.is_any(s), held_back.is_any(s.connection, now), s.waiting_channels(now)))
        if lost:
            await self._write(lambda s: doubt.settle(s, now))
        if over:
            await self._write(lambda s: held_back.tell(s.connection, s, now))
        return await self._read(lambda s: s.waiting_channels(now)) if lost or over else channels
