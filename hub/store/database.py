"""The one door to the database: short transactions, one writer of check-then-write at a time, every commit on disk.

Writers who come together share a commit: see `group_commit`.

SQLite, in WAL: its own deferred transactions lose check-then-write updates without an error, so a writer begins IMMEDIATE. Inside one
process writers queue on a lock instead of on SQLite's busy handler; other processes (command-line tools) wait on the handler.

PostgreSQL, for several nodes: a writer takes one advisory lock for its transaction, which gives the same order on every node. The ledger's
own statements, which are many and lock rows instead, take none: see `hub.delivery.ledger.ledger`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hub.errors import SettingsError
from hub.store import inline_sqlite
from hub.store.group_commit import Together, Writers
from subscriptions.store.prepared import Prepared

C = TypeVar("C", bound=sqlite3.Connection)

SERVER = {
    "application_name": "tocsin",
    "connect_timeout": "10",
    # A server or a network that vanished is noticed, instead of being waited for.
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    # A node that was suspended inside a transaction holds its locks in everybody's way: the server ends it.
    "options": "-c idle_in_transaction_session_timeout=5s",
}
"""What a connection to PostgreSQL asks for, unless TOCSIN_DATABASE says otherwise (libpq's names)."""
POOL = 10
"""Connections of one node to PostgreSQL, besides the ledger's own and that of the beat; twice as many while many are needed."""

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={inline_sqlite.BUSY_TIMEOUT_MS}",
    "PRAGMA temp_store=MEMORY",
)

_WHOLE_TABLES = text("SET LOCAL enable_nestloop=off")
"""Of a table that was just filled PostgreSQL knows nothing yet, takes it for empty, and would read it once for each row of another."""
_WRITER = text("SELECT pg_advisory_xact_lock(7861736)")
"""Any number that no other program on the same database uses."""


def database_url(setting: str, folder: Path) -> URL:
    """What TOCSIN_DATABASE names, with the driver that this hub uses; empty is tocsin.db in the data folder. Raises SettingsError."""
    try:
        url = make_url(setting.strip() or f"sqlite:///{folder / 'tocsin.db'}")
    except ArgumentError:
        raise SettingsError("TOCSIN_DATABASE: write sqlite:///FILE or postgresql://user:pass@host/database") from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    if backend in {"postgresql", "postgres"} and url.database:
        return url.set(drivername="postgresql+psycopg").update_query_dict({**SERVER, **url.query})
    raise SettingsError(f"TOCSIN_DATABASE: {url.drivername} is not supported, use sqlite:///FILE or postgresql://user:pass@host/database")


def shown(url: URL) -> str:
    """Which database it is, for people: without its password and what a connection asks for."""
    return str(url.database) if url.get_backend_name() == "sqlite" else url.set(drivername="postgresql", query={}).render_as_string()


def connect(path: Path) -> sqlite3.Connection:
    """A driver-level connection for the hot path, with the same pragmas; transactions are begun by hand."""
    return _opened(path, sqlite3.Connection)


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _opened(path: Path, kind: type[C]) -> C:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256, factory=kind)
    for pragma in PRAGMAS:
        connection.execute(pragma)
    return connection


class Database:
    """Satisfies `subscriptions.store.contract.Transactions`."""

    def __init__(self, url: URL) -> None:
        """`url` as `database_url` gives it."""
        self.url = url
        self.shared = url.get_backend_name() == "postgresql"
        """Whether several nodes may use it at once."""
        if self.shared:
            self.engine, self._beating = _server_engine(url, POOL), _server_engine(url, 1)
            self._patient = self.writing = self.engine
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.engine = self._beating = _sqlite_engine(url, inline_sqlite.DRIVER)
            self._patient = _sqlite_engine(url, "sqlite+aiosqlite")
            self.writing = _sqlite_engine(url, inline_sqlite.DRIVER, creator=self._open_writer, pool_size=1, max_overflow=0)
        self.write_lock = asyncio.Lock()
        """Held while a transaction writes, on SQLite also by the ledger's."""
        self._writers = Writers(self._begin_writing, self.write_lock)
        self._looking: sqlite3.Connection | None = None
        self._writer: inline_sqlite.InlineConnection | None = None
        self._file: tuple[int, int] | None = None

    @property
    def path(self) -> Path:
        """The file of a SQLite database."""
        if self.shared or self.url.database is None:
            raise ValueError("only SQLite has a file")
        return Path(self.url.database)

    @property
    def name(self) -> str:
        """Which database it is, without its password."""
        return shown(self.url)

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._writers.aclose()
        if self._looking is not None:
            self._looking.close()
        await self.engine.dispose()
        await self._patient.dispose()
        await self._beating.dispose()
        await self.writing.dispose()
        if self._writer is not None:
            self._writer.close()

    @property
    def writer(self) -> sqlite3.Connection:
        """SQLite's one connection that writes, for whoever holds `write_lock`. What one connection has written makes every other forget the
        pages that it had in memory, so there is no second one."""
        if self._writer is None or self._writer.closed:
            self._writer = _opened(self.path, inline_sqlite.InlineConnection)
            self._file = _file(self.path)
        return self._writer

    @property
    def is_elsewhere(self) -> bool:
        """Whether SQLite's file was moved or replaced since it was opened: what is written then is in none that the next start finds."""
        return self._writer is not None and _file(self.path) != self._file

    def _open_writer(self) -> sqlite3.Connection:
        return self.writer

    async def look(self, statement: Prepared, **values: Any) -> Sequence[Sequence[Any]]:
        """All rows of one statement, which is one moment by itself. For what is asked at every request; takes no transaction."""
        if self.shared:
            async with self.engine.connect() as connection:
                return await statement.all(connection, **values)
        if self._looking is None:
            self._looking = connect(self.path)
        return statement.there(self._looking, values)

    @asynccontextmanager
    async def read(self, *, long: bool = False) -> AsyncIterator[AsyncConnection]:
        """A consistent view; `long` for whoever reads through a whole table, so that nothing else has to wait."""
        async with (self._patient if long else self.engine).connect() as connection:
            if self.shared:
                await connection.execution_options(isolation_level="REPEATABLE READ")
            async with connection.begin():
                if long and self.shared:
                    await connection.execute(_WHOLE_TABLES)
                yield connection

    def write(self, *, alone: bool = True) -> AbstractAsyncContextManager[AsyncConnection]:
        """One writer at a time on all nodes; what is written in the block is on the disk after it, and taken back on any exception.

        With `alone=False` other nodes may write meanwhile: for a single statement that is right by itself. It has a connection to
        itself, so that a node beats however many read.
        """
        return self._writers.write() if alone or not self.shared else self._beating.begin()

    def leave(self, connection: AsyncConnection, write: Together, what: Any) -> None:
        """Inside `write`: to be written with what others leave, before the commit that all share. See `group_commit`."""
        self._writers.leave(connection, write, what)

    async def _begin_writing(self) -> AsyncConnection:
        connection = await self.writing.connect()
        try:
            await connection.execution_options(tocsin_write=True)
            await connection.begin()
            if self.shared:
                await connection.execute(_WRITER)
        except BaseException:
            await connection.close()
            raise
        return connection


def _server_engine(url: URL, connections: int) -> AsyncEngine:
    return create_async_engine(
        url, hide_parameters=True, pool_size=connections, max_overflow=connections, pool_pre_ping=True, isolation_level="READ COMMITTED"
    )


def _sqlite_engine(url: URL, driver: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url.set(drivername=driver), hide_parameters=True, **options)
    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def prepare(connection: Any, _: object) -> None:
    """Called with each new SQLite connection: pragmas on, and transactions left to `_begin`."""
    # pysqlite would begin on its own, late and deferred; SQLAlchemy's documented way is to take that over (see _begin).
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Any) -> None:
    write = connection.get_execution_options().get("tocsin_write", False)
    connection.exec_driver_sql(inline_sqlite.BEGIN_WRITING if write else "BEGIN")
