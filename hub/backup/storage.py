"""What a dump needs of a database and SQLAlchemy does not say for both: fast loading, and the numbers that were given out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.backup.records import Rows
from hub.errors import BackupError
from hub.store.migrate import METADATA

NOT_KEPT = frozenset({"session", "node"})
"""Log-ins of browsers end with the hub that gave them, and so do the processes that it ran as."""

GAP = 10_000_000
"""Numbers that a restored hub leaves out behind those of the snapshot. The hub that was lost may have given them out since: its links and
message ids name them, and would fall to another person or to another alert."""


def kept() -> tuple[Table, ...]:
    """Every table that belongs in a backup, parents before children."""
    return tuple(table for metadata in METADATA for table in metadata.sorted_tables if table.name not in NOT_KEPT)


def _numbered() -> Iterator[Table]:
    return (table for table in kept() if table.autoincrement_column is not None)


async def count(connection: AsyncConnection) -> dict[str, int]:
    """Rows of each table."""
    return {str(table.name): (await connection.execute(select(func.count()).select_from(table))).scalar_one() for table in kept()}


async def marks(connection: AsyncConnection) -> dict[str, int]:
    """Table → the highest number that it has given out, also when that row is gone; as far as the database remembers."""
    remembered = await _remembered(connection)
    highest = {}
    for table in _numbered():
        found = (await connection.execute(select(func.max(table.autoincrement_column)))).scalar_one()
        highest[str(table.name)] = max(int(found or 0), remembered.get(table.name, 0))
    return highest


async def _remembered(connection: AsyncConnection) -> dict[str, int]:
    if connection.dialect.name == "sqlite":
        return {name: seq for name, seq in await connection.execute(text("SELECT name, seq FROM sqlite_sequence"))}  # noqa: C416 - rows
    found = {}
    for table in _numbered():
        name = await _sequence(connection, table)
        if name is not None:
            found[table.name] = (await connection.execute(text(f"SELECT last_value FROM {name}"))).scalar_one()  # noqa: S608 - the database's own name
    return found


async def _sequence(connection: AsyncConnection, table: Table) -> str | None:
    column = table.autoincrement_column
    assert column is not None  # noqa: S101 - only for numbered tables
    query = text("SELECT pg_get_serial_sequence(:table, :column)")
    name: str | None = (await connection.execute(query, {"table": f'"{table.name}"', "column": column.name})).scalar_one()
    return name


async def load(connection: AsyncConnection, part: Rows) -> None:
    """Add rows as they are. Raises BackupError for a table or a column that this schema does not have."""
    if connection.dialect.name == "sqlite":
        marked = ", ".join("?" * len(part.columns))
        await connection.exec_driver_sql(f"INSERT INTO {_target(part.table, part.columns)} VALUES ({marked})", part.rows)  # noqa: S608 - names are ours, see _target
        return
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    assert driver is not None  # noqa: S101 - a pooled connection that is in use
    async with driver.cursor() as cursor, cursor.copy(f"COPY {_target(part.table, part.columns)} FROM STDIN") as copy:
        for row in part.rows:
            await copy.write_row(row)


@cache
def _target(name: str, columns: tuple[str, ...]) -> str:
    """``"table"("column", …)``, of names that may stand in SQL as they are."""
    known = {table.name for table in kept()}
    if name not in known or not all(column.isidentifier() and column.isascii() for column in columns):
        raise BackupError("the backup holds a table that this release does not know: restore it with the release that wrote it")
    quoted = ", ".join(f'"{column}"' for column in columns)
    return f'"{name}"({quoted})'


async def leave_a_gap(connection: AsyncConnection, highest: dict[str, int], now: int) -> None:
    """The next numbers are `GAP` above those of the snapshot."""
    for table in _numbered():
        following = highest.get(table.name, 0) + GAP
        if connection.dialect.name == "postgresql":
            if (name := await _sequence(connection, table)) is None:
                continue
            await connection.execute(text("SELECT setval(CAST(:name AS regclass), :value)"), {"name": name, "value": following})
        elif table.dialect_options["sqlite"]["autoincrement"]:
            await connection.execute(text("DELETE FROM sqlite_sequence WHERE name=:name"), {"name": table.name})
            await connection.execute(
                text("INSERT INTO sqlite_sequence(name, seq) VALUES (:name, :value)"), {"name": table.name, "value": following}
            )
        elif table.name == "mailing":
            # SQLite counts on from the highest row: an empty mailing that ended at once stands there.
            await connection.execute(
                table.insert().values(
                    id=following, purpose="notice", priority=0, state="done", created_at=now, planned_at=now, expires_at=now
                )
            )
