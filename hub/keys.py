"""The keyring that belongs to a database: never a new one for addresses that an old one sealed, and never another hub's."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from hub.errors import SettingsError
from hub.settings import Settings
from hub.store.database import Database
from subscriptions.errors import VaultError
from subscriptions.store.tables import address
from subscriptions.vault import Keyring, open_keyring


async def keyring_of(settings: Settings, database: Database, *, create: bool = True) -> Keyring:
    """The ring, tried on an address of the database; with `create` it is made when there are no addresses yet. Raises SettingsError."""
    async with database.read() as connection:
        sealed = (await connection.execute(select(address.c.channel, address.c.key_id, address.c.sealed).limit(1))).first()
    try:
        keyring = open_keyring(Path(settings.data), settings.keyring, create=create and sealed is None)
        if sealed is not None:
            keyring.open(*sealed)
    except VaultError as error:
        raise SettingsError(f"keyring: {error}") from None
    return keyring
