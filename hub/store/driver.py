"""Driver-level connections for statements that run thousands of times a minute: SQL is written once, for both databases.

A statement is written for SQLite, with ``?`` for values, ``ids(?) name`` for a table of one column ``value`` made of a list of numbers
(`Connection.ids`), and ``FOR UPDATE`` where other nodes must wait; each database gets its own spelling of it. Not for several threads at
once: whoever owns one has a thread for it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, LiteralString, Protocol

import msgspec
import psycopg
from psycopg.conninfo import make_conninfo

from hub.store.database import Database, connect

BROKEN_DATA = (sqlite3.IntegrityError, sqlite3.DataError, psycopg.IntegrityError, psycopg.DataError, UnicodeError)
"""The database refuses the values, so trying the same again would never help."""

_IDS = re.compile(r"ids\(\?\)")
_IN_IDS = re.compile(r"(?<!NOT )IN \(SELECT j\.value FROM ids\(\?\) j\)")
_IDS_AS = re.compile(r"ids\(\?\) (\w+)")
_LOCKING = re.compile(r" FOR (?:UPDATE|NO KEY UPDATE|SHARE)(?: OF \w+)?(?: SKIP LOCKED)?$")
_BY_KEY = " ".join(
    f"-c {name}" for name in ("enable_seqscan=off", "enable_bitmapscan=off", "enable_hashjoin=off", "enable_mergejoin=off", "jit=off")
)
"""Every statement here asks for some hundred rows by their keys. On tables of middling size the planner would rather read all of them."""
_NO_IDLING = "-c idle_in_transaction_session_timeout=1s"
"""Its statements follow one another at once. Who hangs between two holds locks that a stop waits for; what is taken back is done again."""
_encoder = msgspec.json.Encoder()


class Rows(Protocol):
    """What a statement gives."""

    @property
    def rowcount(self) -> int:
        """Rows that it changed."""

    def fetchone(self) -> Any:
        """One row as a tuple, None when there are no more."""

    def fetchall(self) -> list[Any]:
        """All rows."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """One connection of a driver, by SQLite's spelling."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """Run one statement."""

    def executemany(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each line of values."""

    def ids(self, numbers: Iterable[int]) -> Any:
        """A list of numbers as the value of ``ids(?)``."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Committed at the end of the block, rolled back on any exception."""

    def close(self) -> None: ...


class SqliteConnection:
    """Writers queue on the database's lock, so a transaction begins IMMEDIATE."""

    def __init__(self, opened: Callable[[], sqlite3.Connection]) -> None:
        self._opened = opened

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """See `Connection`."""
        return self._opened().execute(_for_sqlite(sql), values)

    def executemany(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """See `Connection`."""
        self._opened().executemany(_for_sqlite(sql), values)

    def ids(self, numbers: Iterable[int]) -> Any:
        """A JSON array: a thousand rows are one value."""
        return _encoder.encode(list(numbers)).decode()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `Connection`."""
        driver = self._opened()
        driver.execute("BEGIN IMMEDIATE")
        try:
            yield
            driver.execute("COMMIT")
        except BaseException:
            if driver.in_transaction:  # a full disk has rolled it back already
                driver.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close it."""
        self._opened().close()


class PostgresConnection:
    """Opened again after the server was away: the caller's transaction fails and is the caller's to repeat."""

    def __init__(self, database: Database) -> None:
        parts = database.url.translate_connect_args(username="user", database="dbname")
        asked = {name: str(value) for name, value in database.url.query.items()}
        self._conninfo = make_conninfo(**parts, **asked | {"options": f"{asked.get('options', '')} {_BY_KEY} {_NO_IDLING}"})
        self._driver: psycopg.Connection[Any] | None = None

    def _open(self) -> psycopg.Connection[Any]:
        if self._driver is None or self._driver.closed:
            self._driver = psycopg.connect(self._conninfo, autocommit=True)
        return self._driver

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """See `Connection`."""
        return self._open().execute(_for_postgres(sql), values, binary=True)

    def executemany(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """See `Connection`."""
        with self._open().cursor() as cursor:
            cursor.executemany(_for_postgres(sql), list(values))

    def ids(self, numbers: Iterable[int]) -> Any:
        """The text of an array: psycopg would look at each number of a list on its own, in Python."""
        return f"{{{_encoder.encode(list(numbers)).decode()[1:-1]}}}"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `Connection`."""
        with self._open().transaction():
            yield

    def close(self) -> None:
        """Close it."""
        if self._driver is not None:
            self._driver.close()


def writing_connection(database: Database) -> Connection:
    """On SQLite the one that all writers share: only for whoever holds `Database.write_lock`."""
    return PostgresConnection(database) if database.shared else SqliteConnection(lambda: database.writer)


def reading_connection(database: Database) -> Connection:
    """On SQLite, for statements that change nothing, at any time."""
    driver = connect(database.path)
    return SqliteConnection(lambda: driver)


@cache
def _for_sqlite(sql: str) -> str:
    return _LOCKING.sub("", _IDS.sub("json_each(?)", sql))  # a transaction is alone there anyway


@cache
def _for_postgres(sql: str) -> LiteralString:
    """psycopg asks for literals, which these are: all SQL that comes here is written in the code."""
    # An index is walked once for a whole array, and searched from its root for each row of a table.
    return _IDS_AS.sub(r"unnest(?::bigint[]) AS \1(value)", _IN_IDS.sub("= ANY(?::bigint[])", sql)).replace("%", "%%").replace("?", "%s")
