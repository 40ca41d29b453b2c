"""Makes a hub from a backup, in an empty place only, whole or not at all.

Everything happens in one transaction: the schema of the backup, its rows, the migrations since, what becomes of unfinished messages. A
SQLite file is built beside its place and moved there last; the keyring comes just before it, so a hub without its keys never stands there.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
from sqlalchemy import Connection, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub import data_folder
from hub.backup import records, storage, unfinished
from hub.backup.envelope import Opener
from hub.backup.taking import Told, sync_folder
from hub.backup.unfinished import Unfinished
from hub.clock import Clock, milliseconds
from hub.errors import BackupError
from hub.settings import Settings
from hub.staff import audit
from hub.store.database import Database, database_url
from hub.store.migrate import METADATA, migrate_to, revision
from subscriptions.errors import VaultError
from subscriptions.vault import FILE_NAME, Keyring

SCRATCH = ".restoring"
ACTOR = "system:0 tocsin"


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A hub that stands again. `taken_at` and `restored_at` in milliseconds since 1970: what happened between them is not in it."""

    taken_at: int
    restored_at: int
    rows: int
    unfinished: Unfinished


async def restore(settings: Settings, passphrase: str, file: Path, clock: Clock, *, resume: bool, told: Told) -> Restored:
    """Bring back a backup into the data folder and database of these settings, which must be empty. Raises BackupError, SettingsError."""
    folder = Path(settings.data)
    with _opened(file) as stream:
        found = records.read(Opener(stream, passphrase))
        with _new_or_as_before(folder), data_folder.held(folder, demo=False):
            return await _restore(settings, found, folder, clock, resume=resume, told=told)


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise BackupError(f"{file}: {error.strerror}") from None


@contextmanager
def _new_or_as_before(folder: Path) -> Iterator[None]:
    existed = folder.exists()
    try:
        yield
    except BaseException:
        if not existed:
            shutil.rmtree(folder, ignore_errors=True)
        raise


async def _restore(
    settings: Settings, found: Iterator[records.Record], folder: Path, clock: Clock, *, resume: bool, told: Told
) -> Restored:
    manifest, keys = next(found), next(found)
    if not isinstance(manifest, records.Manifest) or not isinstance(keys, records.Keys):
        raise BackupError("the backup does not begin as one: it was not written by a release of this hub")
    with _keyring(settings, keys, folder) as bring_keyring:
        async with _place(settings, folder) as database, database.write() as connection:
            now = milliseconds(clock)
            await connection.run_sync(_refuse_used)
            await connection.run_sync(migrate_to, manifest.schema)
            marks = await _load(connection, manifest, found, told)
            await connection.run_sync(migrate_to, "head")
            await storage.leave_a_gap(connection, marks, now)
            left = await unfinished.settle(connection, manifest.taken_at, resume=resume)
            details = {"taken_at": manifest.taken_at, "unfinished": left.messages, "resumed": resume}
            await audit.append(connection, now, ACTOR, "restored", "hub", details)
            bring_keyring()
    return Restored(taken_at=manifest.taken_at, restored_at=now, rows=sum(manifest.rows.values()), unfinished=left)


async def _load(connection: AsyncConnection, manifest: records.Manifest, found: Iterator[records.Record], told: Told) -> dict[str, int]:
    marks: dict[str, int] = {}
    done: dict[str, int] = {}
    for record in found:
        match record:
            case records.Mark(table, highest):
                marks[table] = highest
            case records.Rows(table, _, rows):
                await storage.load(connection, record)
                done[table] = done.get(table, 0) + len(rows)
                told(table, done[table], manifest.rows.get(table, 0))
            case records.Manifest() | records.Keys() | records.End():
                pass
    return marks


@asynccontextmanager
async def _place(settings: Settings, folder: Path) -> AsyncIterator[Database]:
    """The database to restore into; a SQLite file comes to its place when the block has ended well."""
    url = database_url(settings.database, folder)
    if url.get_backend_name() == "sqlite":
        with _file(Path(str(url.database))) as built:
            async with Database(url.set(database=str(built))) as database:
                yield database
    else:
        await asyncio.to_thread(revision, url)  # says in plain words when the server is away
        async with Database(url) as database:
            yield database


@contextmanager
def _file(target: Path) -> Iterator[Path]:
    if target.exists():
        raise BackupError(f"{target} holds a hub already: restore into an empty folder with --data, or move that one away first")
    scratch = target.parent / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)  # of a restore that was cut off
    scratch.mkdir(parents=True)
    try:
        built = scratch / target.name
        yield built
        with built.open("rb+") as file:
            os.fsync(file.fileno())
        built.replace(target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _refuse_used(connection: Connection) -> None:
    """Only an empty database is restored into: what stands in another is somebody's hub, or another program's."""
    there = set(inspect(connection).get_table_names())
    if there and "alembic_version" not in there:
        raise BackupError("the database belongs to another program: choose an empty one with TOCSIN_DATABASE")
    for table in (table for metadata in METADATA for table in metadata.sorted_tables if table.name in there):
        if connection.execute(select(1).select_from(table).limit(1)).first() is not None:
            raise BackupError("the database holds a hub already: restore into an empty one")


@contextmanager
def _keyring(settings: Settings, keys: records.Keys, folder: Path) -> Iterator[Callable[[], None]]:
    """Writes the keyring when it is called, and takes it away again when the block fails. Refuses another one that is there; the same one
    was left by a restore that was cut off."""
    file = folder / FILE_NAME
    try:
        ring = Keyring.from_bytes(keys.keyring).to_bytes()
        if settings.keyring and Keyring.from_bytes(settings.keyring).to_bytes() != ring:
            raise BackupError("TOCSIN_KEYRING is not the keyring of this backup: unset it, and the backup's own is used")
    except VaultError as error:
        raise BackupError(f"keyring: {error}") from None
    there = file.exists()
    if there and file.read_bytes() != ring:
        raise BackupError(f"{file} is there already: restore into an empty folder with --data, or move the old hub away first")

    def bring() -> None:
        if settings.keyring or there:
            return
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(ring)
            out.flush()
            os.fsync(out.fileno())
        sync_folder(folder)

    try:
        yield bring
    except BaseException:
        if not there:
            file.unlink(missing_ok=True)
        raise
