"""Whether the database takes what is written now, found out by writing: a full disk shows nowhere else before somebody publishes.

Watchers may ask as often as they like: an answer holds for a second, and costs one commit.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.store.database import Database

KEPT_S = 1.0
ANSWER_S = 2.0
ROOM = 64 * 1024
"""Bytes: as much as an alert needs that is published. On a full disk SQLite's log may have room left for something smaller."""

MOVED = "its file was moved or replaced while the hub runs: stop it, and put the file back"


class Writable:
    """`touch` changes something small that is nobody else's, in the transaction that it is given."""

    def __init__(
        self, database: Database, touch: Callable[[AsyncConnection], Awaitable[None]], timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._database, self._touch, self._timer = database, touch, timer
        self._asking = asyncio.Lock()
        self._said, self._until = "", float("-inf")

    async def look(self) -> str:
        """``ok`` or why not."""
        async with self._asking:
            if self._timer() >= self._until:
                self._said = await self._tried()
                self._until = self._timer() + KEPT_S
        return MOVED if self._database.is_elsewhere else self._said

    async def _tried(self) -> str:
        try:
            async with asyncio.timeout(ANSWER_S):
                async with self._database.write():
                    pass  # whoever publishes waits for this turn; nothing is locked in it that a node's beat waits for
                async with self._database.write(alone=False) as connection:
                    await self._touch(connection)
                if not self._database.shared:
                    await asyncio.to_thread(_need_room, self._database.path.parent)
        except Exception as error:  # noqa: BLE001 - whatever it is, the hub can't publish, and its page must say so instead of failing
            return f"the database can't be written ({_why(error)})"
        return "ok"


def _why(error: Exception) -> str:
    """By the name that it has for the database or the system: its text may hold an address."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)
    return str(getattr(cause, "sqlite_errorname", type(cause).__name__))


def _need_room(folder: Path) -> None:
    """A file without a name, gone at once. Of noise, which no file system makes smaller."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(os.urandom(ROOM))
        file.flush()
