"""Statements of SQLAlchemy Core that are compiled once.

Core builds, keys and wraps a statement anew at each use, which costs ten times what SQLite needs to run it (docs/performance.md). What is
run for every sign-up and every alert is written as ever, but kept compiled, and goes straight to the driver's connection, inside the same
transaction; errors are the driver's own. On PostgreSQL, where the round trip costs more than Core, it goes the usual way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import Column, Executable, Table, bindparam, insert, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

_SQLITE = sqlite.dialect(paramstyle="qmark")
_KINDS_KEPT = 256


class Prepared:
    """One statement, its values named by `bindparam`. Lists of values (``IN``) can't be prepared."""

    def __init__(self, statement: Executable, columns: Sequence[str] | None = None) -> None:
        """`columns` are those that an INSERT or an UPDATE sets."""
        self._statement = statement
        self._columns = columns

    @cached_property
    def _compiled(self) -> tuple[str, list[tuple[str, Any]]]:
        """The text for SQLite, and its values in their order with what was written into the statement."""
        statement: Any = self._statement
        compiled = statement.compile(dialect=_SQLITE, column_keys=self._columns)
        return str(compiled), [(name, compiled.params[name]) for name in compiled.positiontup]

    async def all(self, connection: AsyncConnection, **values: Any) -> Sequence[Sequence[Any]]:
        """Every row, as a tuple."""
        driver = _inline(connection)
        return self.there(driver, values) if driver is not None else await self.asked(connection, values)

    def there(self, driver: sqlite3.Connection, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Every row, on a connection of SQLite's own driver."""
        text, given = self._compiled
        return sqlite3.Cursor(driver).execute(text, [values.get(name, fixed) for name, fixed in given]).fetchall()

    async def asked(self, connection: AsyncConnection, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Every row, where the answer has to be waited for."""
        done = await connection.execute(self._statement, values)
        return done.all() if done.returns_rows else ()

    async def first(self, connection: AsyncConnection, **values: Any) -> Sequence[Any] | None:
        """The first row of at most a few."""
        driver = _inline(connection)
        rows = self.there(driver, values) if driver is not None else await self.asked(connection, values)
        return rows[0] if rows else None

    async def column(self, connection: AsyncConnection, **values: Any) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in await self.all(connection, **values)]

    async def value(self, connection: AsyncConnection, **values: Any) -> Any:
        """The first column of the first row; None without a row."""
        row = await self.first(connection, **values)
        return None if row is None else row[0]

    async def each(self, connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it for each of these."""
        driver = _inline(connection)
        if driver is None:
            await connection.execute(self._statement, rows)
            return
        text, given = self._compiled
        sqlite3.Cursor(driver).executemany(text, [[row.get(name, fixed) for name, fixed in given] for row in rows])


async def insert_row(connection: AsyncConnection, table: Table, values: Mapping[str, Any], returning: Column[Any] | None = None) -> Any:
    """Insert one row; returns the column that was asked for."""
    if returning is None:
        return await _run(connection, _insert(table, tuple(values), ()), values)
    return (await _run(connection, _insert(table, tuple(values), (returning,)), values))[0][0]


async def inserted_row(
    connection: AsyncConnection, table: Table, values: Mapping[str, Any], returning: tuple[Column[Any], ...]
) -> Sequence[Any]:
    """Insert one row; returns these columns of it as they were kept."""
    return (await _run(connection, _insert(table, tuple(values), returning), values))[0]


async def update_row(connection: AsyncConnection, key: Column[int], number: int, values: Mapping[str, Any]) -> None:
    """Set columns of the row whose key has this value."""
    await _run(connection, _update(key, tuple(values)), {"key_": number, **values})


async def run(connection: AsyncConnection, text: str) -> None:
    """One statement of plain SQL, without values."""
    driver = _inline(connection)
    if driver is None:
        await connection.exec_driver_sql(text)
    else:
        driver.execute(text)


async def _run(connection: AsyncConnection, statement: Prepared, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    driver = _inline(connection)
    return statement.there(driver, values) if driver is not None else await statement.asked(connection, values)


@lru_cache(_KINDS_KEPT)
def _insert(table: Table, columns: tuple[str, ...], returning: tuple[Column[Any], ...]) -> Prepared:
    return Prepared(insert(table).returning(*returning) if returning else insert(table), columns)


@lru_cache(_KINDS_KEPT)
def _update(key: Column[int], columns: tuple[str, ...]) -> Prepared:
    return Prepared(update(key.table).where(key == bindparam("key_")), columns)


def _inline(connection: AsyncConnection) -> sqlite3.Connection | None:
    """The driver's connection where statements run in place; None where they are awaited."""
    behind = connection.sync_connection
    driver: Any = behind.connection.dbapi_connection if behind is not None else None
    return driver if isinstance(driver, sqlite3.Connection) else None
