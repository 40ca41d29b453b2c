"""The keys that belong to a database: never a new keyring for what an old one sealed, never another hub's, and one web push key for all
nodes."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from channels.vapid import create_vapid_key
from hub.errors import SettingsError
from hub.settings import Settings
from hub.store import tables
from hub.store.database import Database
from subscriptions.errors import VaultError
from subscriptions.store.tables import address
from subscriptions.vault import Keyring, open_keyring

_VAPID = "vapid"
_FIRST_FILE = "vapid.pem"
"""Where hubs kept the web push key before the database did."""

Sealed = tuple[str, int, bytes]


async def keyring_of(settings: Settings, database: Database, *, create: bool = True) -> Keyring:
    """The ring, tried on something that the database holds; with `create` it is made when nothing is sealed yet. Raises SettingsError."""
    async with database.read() as connection:
        sealed = await _something_sealed(connection)
    try:
        keyring = open_keyring(Path(settings.data), settings.keyring, create=create and sealed is None)
        if sealed is not None:
            keyring.open(*sealed)
    except VaultError as error:
        raise SettingsError(f"keyring: {error}") from None
    return keyring


async def _something_sealed(connection: AsyncConnection) -> Sealed | None:
    an_address = (await connection.execute(select(address.c.channel, address.c.key_id, address.c.sealed).limit(1))).first()
    if an_address is not None:
        return an_address[0], an_address[1], an_address[2]
    return await _vapid(connection)


async def _vapid(connection: AsyncConnection) -> Sealed | None:
    secret = tables.secret.c
    row = (await connection.execute(select(secret.key_id, secret.sealed).where(secret.name == _VAPID))).first()
    return (_VAPID, row.key_id, row.sealed) if row is not None else None


async def vapid_of(settings: Settings, database: Database, keyring: Keyring) -> str:
    """PEM of the P-256 key that identifies this hub, on all its nodes, to push services; made when there is none.

    It is sealed in the database. Losing it ends every web push subscription.
    """
    async with database.write() as connection:
        sealed = await _vapid(connection)
        if sealed is not None:
            return keyring.open(*sealed)
        file = Path(settings.data) / _FIRST_FILE
        pem = file.read_text(encoding="ascii") if file.exists() else create_vapid_key()
        key_id, box = keyring.seal(_VAPID, pem)
        await connection.execute(insert(tables.secret).values(name=_VAPID, key_id=key_id, sealed=box))
        return pem
