"""The one door to the database: short transactions, one writer at a time, WAL with every commit on disk.

SQLite's own deferred transactions lose check-then-write updates without an error, so a writer begins IMMEDIATE. Inside one process writers
queue on a lock instead of on SQLite's busy handler; other processes (command-line tools) wait on the handler.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hub.errors import SettingsError

BUSY_TIMEOUT_MS = 15_000

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA temp_store=MEMORY",
)


def sqlite_path(url: str) -> Path:
    """The file of a ``sqlite:///…`` URL. Raises SettingsError for any other database."""
    parsed = make_url(url)
    if not parsed.drivername.startswith("sqlite") or not parsed.database:
        raise SettingsError(f"TOCSIN_DATABASE: {parsed.drivername} is not supported yet, use sqlite:///FILE")
    return Path(parsed.database)


def connect(path: Path) -> sqlite3.Connection:
    """A driver-level connection for the hot path, with the same pragmas; transactions are begun by hand."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    for pragma in PRAGMAS:
        connection.execute(pragma)
    return connection


class Database:
    """Satisfies `subscriptions.store.contract.Transactions`."""

    def __init__(self, url: str) -> None:
        self.path = sqlite_path(url)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.engine: AsyncEngine = create_async_engine(f"sqlite+aiosqlite:///{self.path}", hide_parameters=True)
        self.write_lock = asyncio.Lock()
        event.listen(self.engine.sync_engine, "connect", _prepare)
        event.listen(self.engine.sync_engine, "begin", _begin)

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One writer at a time; commits at the end of the block, rolls back on any exception."""
        async with self.write_lock, self.engine.connect() as connection:
            await connection.execution_options(tocsin_write=True)
            async with connection.begin():
                yield connection


def _prepare(connection: Any, _: object) -> None:
    # pysqlite would begin on its own, late and deferred; SQLAlchemy's documented way is to take that over (see _begin).
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Any) -> None:
    write = connection.get_execution_options().get("tocsin_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
