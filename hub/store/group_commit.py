"""Writers share a commit: all who wait when a transaction is opened are in it, one after another, and one wait for the disk does for all.

Each has a savepoint of its own, so that one who fails takes back only what is theirs. Nobody is told that something is kept before the
commit has said so; when the commit fails, it fails for all. They write one after another, in the order in which they came.

What costs the same for one as for many a writer may leave to the end (`Writers.leave`): it is written once for all who left some.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions.store.prepared import run

MOST = 64
"""Writers in one transaction: whoever waits for the lock outside, like the ledger, has its turn after a few tens of milliseconds."""

Together = Callable[[AsyncConnection, list[Any]], Awaitable[None]]
"""Writes what several writers left."""

_SAVEPOINT, _RELEASE, _TAKE_BACK = "SAVEPOINT writer", "RELEASE SAVEPOINT writer", "ROLLBACK TO SAVEPOINT writer"


class _Group:
    """One transaction, while it is open."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.members = 0
        self.leaving: list[tuple[Together, Any]] = []
        """Of the writer whose turn it is."""
        self.left: dict[Together, list[Any]] = {}
        """Of all who were before."""
        self.wrote = False
        self.broken: BaseException | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.done.add_done_callback(lambda done: done.exception())  # whoever failed by themselves does not ask how it ended


class Writers:
    """`begin` opens a transaction that writes, on a connection of its own; `lock` is held while one is open."""

    def __init__(self, begin: Callable[[], Awaitable[AsyncConnection]], lock: asyncio.Lock) -> None:
        self._begin, self._lock = begin, lock
        self._turn = asyncio.Lock()
        self._group: _Group | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One writer's part; when the block is left without an exception, it is on the disk."""
        await self._turn.acquire()
        try:
            group = self._group or await self._opened()
        except BaseException:
            self._turn.release()
            raise
        try:
            group.leaving = []
            await run(group.connection, _SAVEPOINT)
            yield group.connection
            await run(group.connection, _RELEASE)
            for write, what in group.leaving:
                group.left.setdefault(write, []).append(what)
            group.wrote = True
        except BaseException:
            await self._take_back(group)
            raise
        finally:
            self._leave(group)
        await asyncio.shield(group.done)

    def leave(self, connection: AsyncConnection, write: Together, what: Any) -> None:
        """For the writer whose turn it is, and whose `connection` this is: before the commit `write` is called once with what all have left
        for it. What a writer left who is taken back is not among it."""
        group = self._group
        if group is None or group.connection is not connection:
            raise ValueError("whoever leaves something is inside a transaction of their own")
        group.leaving.append((write, what))

    async def aclose(self) -> None:
        """Until no connection is in use any more."""
        if self._ending:
            await asyncio.wait(self._ending)

    async def _opened(self) -> _Group:
        await self._lock.acquire()
        try:
            self._group = group = _Group(await self._begin())
        except BaseException:
            self._lock.release()
            raise
        self._spawn(self._end_in_turn(group))
        return group

    async def _take_back(self, group: _Group) -> None:
        try:
            await run(group.connection, _TAKE_BACK)
            await run(group.connection, _RELEASE)
        except BaseException as error:
            # With a full disk or a lost connection all of it has gone; and what may not have been taken back must not be kept.
            group.broken = error
            if not isinstance(error, Exception):
                raise

    def _leave(self, group: _Group) -> None:
        group.members += 1
        if group.members < MOST and group.broken is None:
            self._turn.release()
        else:
            self._spawn(self._end_now(group))

    def _spawn(self, ending: Coroutine[None, None, None]) -> None:
        """In a task of its own, for the others' sake: any writer may be cancelled."""
        task = asyncio.get_running_loop().create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end_in_turn(self, group: _Group) -> None:
        """Behind all who waited when it was opened; whoever comes later is in the next one."""
        await self._turn.acquire()
        try:
            if self._group is group:
                await self._end(group)
        finally:
            self._turn.release()

    async def _end_now(self, group: _Group) -> None:
        """It is full, or broken. The turn is the last writer's."""
        try:
            await self._end(group)
        finally:
            self._turn.release()

    async def _end(self, group: _Group) -> None:
        self._group = None
        try:
            if group.wrote and group.broken is None:
                for write, left in group.left.items():
                    await write(group.connection, left)
                await group.connection.commit()
        except BaseException as error:  # noqa: BLE001 - each writer is told
            group.broken = error
        if group.broken is None:
            group.done.set_result(None)
        else:
            group.done.set_exception(group.broken)
        try:
            await group.connection.close()
        finally:
            self._lock.release()
