"""`tocsin backup`: one file with everything that a hub is, taken while it runs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hub.backup.records import Keys
from hub.backup.schedule import SHORTEST_PASSPHRASE
from hub.backup.taking import Taken, Told, take
from hub.errors import BackupError
from hub.keys import keyring_of, vapid_of
from hub.settings import Settings
from hub.store.database import Database, database_url
from hub.store.migrate import current

NICER = 10
UNITS = ("B", "kB", "MB", "GB", "TB")


def passphrase_of(settings: Settings, ask: Callable[[], str]) -> str:
    """From TOCSIN_BACKUP_PASSPHRASE, or asked for on a terminal; never an argument, which others on the machine could read.

    Raises BackupError when there is none, or when it is too short to be one.
    """
    if settings.backup_passphrase:
        passphrase = settings.backup_passphrase
    elif sys.stdin.isatty():
        passphrase = ask()
    else:
        raise BackupError("a backup needs a passphrase: set TOCSIN_BACKUP_PASSPHRASE, or run this on a terminal")
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise BackupError(
            f"the passphrase of a backup needs at least {SHORTEST_PASSPHRASE} characters: take some words that belong together for you"
        )
    return passphrase


async def back_up(settings: Settings, file: Path, passphrase: str, told: Told) -> Taken:
    """Write the backup. Raises BackupError, SettingsError; nothing is left of it then."""
    _check_target(file)
    url = database_url(settings.database, Path(settings.data))
    await asyncio.to_thread(current, url)
    async with Database(url) as database:
        ring = await keyring_of(settings, database, create=False)
        await vapid_of(settings, database, ring)  # which is sealed in the database from here on, if it was not yet
        return await take(database, Keys(ring.to_bytes()), passphrase, file, time.time, told=told)


def _check_target(file: Path) -> None:
    """A backup takes the place of a file at the end, and of nothing else: a device, say, would be gone. Raises BackupError."""
    if str(file) == "-":
        raise BackupError("a backup is not written to standard output, where half of one would look whole: name a file")
    if file.exists() and not file.is_file():
        raise BackupError(f"{file} is no file that a backup could take the place of: name another, or a new one")
    if not file.parent.is_dir():
        raise BackupError(f"{file.parent} is no folder: make it first, or name a file elsewhere")


def step_back() -> None:
    """Let everything else on the machine go first, an alert before all."""
    os.nice(NICER)


def size(count: int) -> str:
    """Bytes for people: ``12.3 MB``."""
    amount, unit = float(count), UNITS[0]
    for unit in UNITS:  # noqa: B007 - the last one stays
        if amount < 1000:
            break
        amount /= 1000
    return f"{amount:.1f} {unit}" if unit != "B" else f"{count} B"
