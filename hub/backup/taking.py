"""Takes a backup while the hub runs: one snapshot of the database, with the keyring that opens it, into one file.

The file appears under its name only when it is whole and on disk. A snapshot holds nobody up: SQLite's readers and writers do not wait for
each other in WAL (its log grows meanwhile), and PostgreSQL's never do.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import msgspec
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.backup import records, storage
from hub.backup.envelope import Cost, Sealer
from hub.clock import Clock, milliseconds
from hub.errors import BackupError
from hub.store.database import Database

ROWS = 1000
"""Rows of a record: a batch of the ledger may hold 8 kB, so a record stays below ten megabytes."""

Told = Callable[[str, int, int], None]
"""Told of progress: the table, how many of its rows are done, and of how many."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that is on disk."""

    file: Path
    size: int
    taken_at: int
    """Milliseconds since 1970: what was committed by then is in it."""
    rows: int


async def take(
    database: Database,
    keys: records.Keys,
    passphrase: str,
    file: Path,
    clock: Clock,
    *,
    told: Told,
    cost: Cost = Cost(),  # noqa: B008 - frozen
) -> Taken:
    """Write the backup. Raises BackupError when it can't be written; nothing is left of it then."""
    with _arriving(file) as out:
        sealer = Sealer(out, passphrase, cost)
        async with database.read(long=True) as connection:
            manifest = await _manifest(connection, clock)
            records.write(sealer, manifest)
            records.write(sealer, keys)
            for table, highest in (await storage.marks(connection)).items():
                records.write(sealer, records.Mark(table, highest))
            for name, total in manifest.rows.items():
                await _table(connection, sealer, name, total, told)
        records.write(sealer, records.End(manifest.rows))
        sealer.close()
        size = out.tell()
    return Taken(file=file, size=size, taken_at=manifest.taken_at, rows=sum(manifest.rows.values()))


async def _manifest(connection: AsyncConnection, clock: Clock) -> records.Manifest:
    now = milliseconds(clock)  # before the first read: what is committed later may or may not be in it
    schema = await connection.run_sync(lambda opened: MigrationContext.configure(opened).get_current_revision())
    if schema is None:
        raise BackupError("there is no hub in this database yet: nothing to back up")
    return records.Manifest(
        format=records.FORMAT,
        release=version("tocsin"),
        schema=schema,
        database=connection.dialect.name,
        taken_at=now,
        rows=await storage.count(connection),
    )


async def _table(connection: AsyncConnection, sealer: Sealer, name: str, total: int, told: Told) -> None:
    table = next(table for table in storage.kept() if table.name == name)
    columns, done = tuple(str(column.name) for column in table.columns), 0
    query = select(table).execution_options(yield_per=ROWS)
    result = await connection.stream(query)
    try:
        async for part in result.partitions():
            records.write(sealer, records.Rows(name, columns, [tuple(row) for row in part]))
            done += len(part)
            told(name, done, total)
    finally:
        await result.close()
    if done != total:
        raise BackupError(f"the table {name} changed while it was read: the database gave no consistent view")


@contextmanager
def _arriving(file: Path) -> Iterator[BinaryIO]:
    """A file that is there whole or not at all, and that only its owner may read."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(file.parent)
    except OSError as error:
        raise BackupError(f"{file}: {error.strerror}: the backup was not written") from None


def sync_folder(folder: Path) -> None:
    """A name in a folder is on disk only after this."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
