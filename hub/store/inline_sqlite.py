"""SQLite for SQLAlchemy's asyncio, without a thread between each statement and its answer.

A statement of ours takes microseconds; handing it to a thread and back costs more than the statement, and more yet while the loop is busy
(docs/performance.md). So statements run where they are asked for, and only what may wait goes to a thread: a writer's BEGIN, for the lock,
and its COMMIT, for the disk. Whoever reads through a table of a million rows takes `hub.store.database.Database.read(long=True)`, which is
all in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Generator
from typing import Any

from sqlalchemy import URL, AsyncAdaptedQueuePool, Pool
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import await_only

DRIVER = "sqlite+inline"
BEGIN_WRITING = "BEGIN IMMEDIATE"
BUSY_TIMEOUT_MS = 15_000
"""How long a writer waits for another process."""


class _Cursor(sqlite3.Cursor):
    """Its rows are read where they are asked for."""

    async def _async_soft_close(self) -> None:
        """SQLAlchemy lets asynchronous drivers put their rows aside here."""


class InlineConnection(sqlite3.Connection):
    """Knows whether its transaction writes, and whether the pool has closed it, as it does when somebody is cancelled who had it."""

    writes = closed = False

    def close(self) -> None:
        """For good."""
        self.closed = True
        super().close()

    def cursor(self, factory: type[sqlite3.Cursor] | None = None) -> sqlite3.Cursor:  # type: ignore[override]  # typeshed's is generic
        """See `_Cursor`."""
        return super().cursor(factory or _Cursor)

    def keep(self) -> None:
        """Commit. SQLite leaves a transaction open whose commit fails, and SQLAlchemy takes it for ended."""
        try:
            self.commit()
        except sqlite3.Error:
            self.rollback()
            raise


class _Done:
    """Awaited by what has ended already: SQLAlchemy refuses drivers that await nothing."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


_DONE = _Done()


class InlineSqlite(SQLiteDialect_pysqlite):
    """Registered as ``sqlite+inline``."""

    driver = "inline"
    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Connections may be waited for in a loop."""
        return AsyncAdaptedQueuePool

    def connect(self, *arguments: Any, **named: Any) -> Any:
        """Open the file."""
        return super().connect(*arguments, **named | {"factory": InlineConnection, "check_same_thread": False, "cached_statements": 256})

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """One statement."""
        if statement == BEGIN_WRITING:
            cursor.connection.writes = True
            if _begun_at_once(cursor):
                await_only(_DONE)
            else:
                await_only(_elsewhere(lambda: cursor.execute(statement)))
        else:
            cursor.execute(statement, parameters)
            await_only(_DONE)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any = None) -> None:
        """One statement without parameters."""
        self.do_execute(cursor, statement, (), context)

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """One statement for many rows."""
        cursor.executemany(statement, parameters)
        await_only(_DONE)

    def do_commit(self, dbapi_connection: Any) -> None:
        """Onto the disk, when there is something to keep."""
        connection = _itself(dbapi_connection)
        if connection.writes:
            connection.writes = False
            await_only(_elsewhere(connection.keep))
        else:
            connection.commit()

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Forget what was written."""
        connection = _itself(dbapi_connection)
        connection.writes = False
        connection.rollback()


def _itself(pooled: Any) -> InlineConnection:
    """The driver's connection behind the pool's."""
    connection: InlineConnection = pooled.dbapi_connection
    return connection


def _begun_at_once(cursor: sqlite3.Cursor) -> bool:
    """False while another process writes."""
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        cursor.execute(BEGIN_WRITING)
    except sqlite3.OperationalError:
        return False
    finally:
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    return True


async def _elsewhere(work: Callable[[], object]) -> None:
    """In a thread; whoever is cancelled meanwhile waits for it, since a connection is for one at a time."""
    done = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        await asyncio.shield(done)
    except asyncio.CancelledError:
        while not done.done():  # however often
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([done])
        raise


registry.register("sqlite.inline", __name__, InlineSqlite.__name__)
