"""A hub's folder with people in it, its backup, and what came of a restore."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from hub.backup.envelope import Cost
from hub.backup.records import Keys
from hub.backup.restoring import Restored, restore
from hub.backup.taking import Taken, Told, take
from hub.data_folder import VAPID_FILE, vapid_key
from hub.settings import Settings, load
from hub.store.database import Database
from hub.store.migrate import METADATA
from subscriptions.vault import FILE_NAME, open_keyring
from tests.hub.delivery.people import NOW, filled

WORDS = "seven quiet harbour words"
CHEAP = Cost(passes=1, kibibytes=8, lanes=1)
TABLES = tuple(str(table.name) for metadata in METADATA for table in metadata.sorted_tables)


def untold(_name: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def hub_folder(folder: Path, addresses: list[tuple[str, str]]) -> Path:
    """A data folder with keys and one active subscriber for each (channel, address)."""
    folder.mkdir()
    vapid_key(folder)
    filled(folder, open_keyring(folder, create=True), addresses)
    return folder


async def backup_of(folder: Path, file: Path, *, told: Told = untold, passphrase: str = WORDS) -> Taken:
    """Its backup, taken at `NOW`."""
    keys = Keys((folder / FILE_NAME).read_bytes(), (folder / VAPID_FILE).read_text(encoding="ascii"))
    async with Database(f"sqlite:///{folder / 'tocsin.db'}") as database:
        return await take(database, keys, passphrase, file, lambda: NOW / 1000, told=told, cost=CHEAP)


async def restored_to(folder: Path, file: Path, *, resume: bool = False, passphrase: str = WORDS, **changes: str) -> Restored:
    """A hub from it, a minute later."""
    return await restore(settings_for(folder, **changes), passphrase, file, lambda: NOW / 1000 + 60, resume=resume, told=untold)


def settings_for(folder: Path, **changes: str) -> Settings:
    """Settings of a hub in a folder, untouched by the environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    return load(environ=environ).replace("test", data=str(folder), **changes)


def contents(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    connection = sqlite3.connect(folder / "tocsin.db")
    try:
        return {name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in TABLES}
    finally:
        connection.close()
