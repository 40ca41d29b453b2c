"""A hub with people in it, its backup, and what came of a restore; on either database."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from hub.backup.envelope import Cost
from hub.backup.records import Keys
from hub.backup.restoring import Restored, restore
from hub.backup.taking import Taken, Told, take
from hub.settings import Settings, load
from hub.store.database import Database, database_url
from hub.store.migrate import METADATA
from subscriptions.vault import FILE_NAME, open_keyring
from tests.databases import rows, write
from tests.hub.delivery.people import NOW, filled

WORDS = "seven quiet harbour words"
CHEAP = Cost(passes=1, kibibytes=8, lanes=1)
TABLES = tuple(str(table.name) for metadata in METADATA for table in metadata.sorted_tables)


def untold(_name: str, _done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Home:
    """Where a hub is: its data folder and its database."""

    folder: Path
    url: URL

    def settings(self, **changes: str) -> Settings:
        """Untouched by the environment."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        database = self.url.render_as_string(hide_password=False)
        return load(environ=environ).replace("test", data=str(self.folder), database=database, **changes)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return rows(self.url, query, *values)

    def write(self, statement: str, *values: object) -> Any:
        """One statement; the first value that it returns, if it returns any."""
        return write(self.url, statement, *values)

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        return {name: sorted((tuple(map(_plain, row)) for row in self.rows(f'SELECT * FROM "{name}"')), key=repr) for name in TABLES}

    async def back_up(self, file: Path, *, told: Told = untold, passphrase: str = WORDS) -> Taken:
        """Its backup, taken at `NOW`."""
        async with Database(self.url) as database:
            keys = Keys((self.folder / FILE_NAME).read_bytes())
            return await take(database, keys, passphrase, file, lambda: NOW / 1000, told=told, cost=CHEAP)

    async def restore(self, file: Path, *, resume: bool = False, passphrase: str = WORDS, **changes: str) -> Restored:
        """Bring a hub back here, a minute later."""
        return await restore(self.settings(**changes), passphrase, file, lambda: NOW / 1000 + 60, resume=resume, told=untold)


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


Place = Callable[[str], Home]
"""Makes an empty place by name, of the same kind of database as the test's own."""


def settled_in(home: Home, addresses: list[tuple[str, str]]) -> Home:
    """The same with keys, and one active subscriber for each (channel, address)."""
    home.folder.mkdir(exist_ok=True)
    filled(home.url, open_keyring(home.folder, create=True), addresses)
    if home.url.get_backend_name() == "postgresql":  # the numbers were chosen, past the sequences that give them out
        for table in ("subscriber", "address"):
            home.write(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {len(addresses)})")
    return home


def file_in(folder: Path) -> Home:
    """A place for a hub on SQLite."""
    return Home(folder, database_url("", folder))
