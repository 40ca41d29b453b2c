"""The SQL of what residents wrote to the hub. Each function works inside the caller's transaction and decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions.store.tables import heard


class Heard(msgspec.Struct, frozen=True):
    """Something that came from outside and is remembered for a while."""

    key: bytes
    content: bytes
    key_id: int = 0


async def find(connection: AsyncConnection, keys: Sequence[bytes], now: int) -> dict[bytes, Heard]:
    """Those of these that have not expired, by their keys."""
    query = select(heard.c.key, heard.c.content, heard.c.key_id).where(heard.c.key.in_(keys), heard.c.expires_at > now)
    return {row.key: Heard(row.key, row.content, row.key_id) for row in await connection.execute(query)}


async def remember(connection: AsyncConnection, row: Heard, expires_at: int) -> None:
    """Write it in place of what stood there."""
    await forget(connection, [row.key])
    await connection.execute(insert(heard).values(**msgspec.structs.asdict(row), expires_at=expires_at))


async def forget(connection: AsyncConnection, keys: Sequence[bytes]) -> None:
    """Forget these."""
    if keys:
        await connection.execute(delete(heard).where(heard.c.key.in_(keys)))


async def forget_expired(connection: AsyncConnection, now: int) -> None:
    """Forget whatever nobody asks for any more."""
    await connection.execute(delete(heard).where(heard.c.expires_at <= now))
