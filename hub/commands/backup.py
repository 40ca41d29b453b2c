"""`tocsin backup`: one file with everything that a hub is, taken while it runs."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
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
MOST_LINKS = 40
"""As Linux follows."""
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
    file = _target(file)
    url = database_url(settings.database, Path(settings.data))
    await asyncio.to_thread(current, url)
    async with Database(url) as database:
        ring = await keyring_of(settings, database, create=False)
        await vapid_of(settings, database, ring)  # which is sealed in the database from here on, if it was not yet
        return await take(database, Keys(ring.to_bytes()), passphrase, file, time.time, told=told)


def _target(file: Path) -> Path:
    """Where the backup comes to lie: behind a link, which stays. It takes the place of a file at the end, and of nothing else: a device,
    say, or the name of whatever a process has open, would be gone. Raises BackupError."""
    if str(file) == "-":
        raise BackupError("a backup is not written to standard output, where half of one would look whole: name a file")
    try:
        names = list(_names(file)) if file.is_symlink() else [file]
        odd = (file.exists() and not file.is_file()) or any(_of_system(name) for name in names)
    except OSError as error:
        raise BackupError(f"{file}: {error.strerror}") from None
    if odd:
        raise BackupError(f"{file} is no file that a backup could take the place of: name another, or a new one")
    if not names[-1].parent.is_dir():
        raise BackupError(f"{names[-1].parent} is no folder: make it first, or name a file elsewhere")
    return names[-1]


def _names(file: Path) -> Iterator[Path]:
    """A file's own name and those that its links lead to, one after another. Raises OSError for a link without an end."""
    for _ in range(MOST_LINKS):
        yield file
        if not file.is_symlink():
            return
        file = file.parent / file.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _of_system(file: Path) -> bool:
    folder = file.parent.resolve()
    return folder == Path("/dev") or Path("/proc") in (folder, *folder.parents)


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
