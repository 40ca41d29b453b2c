"""Log-ins that are under way: a random cookie whose SHA-256 is stored, for twelve hours."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.staff.actor import Actor
from hub.store.tables import account, session

LIFETIME_MS = 12 * 3600 * 1000


async def open_session(connection: AsyncConnection, account_id: int, now: int) -> str:
    """Store a new session and return its secret. Sessions that ended by themselves are swept on the way."""
    secret = secrets.token_urlsafe(32)
    await connection.execute(delete(session).where(session.c.expires_at <= now))
    await connection.execute(insert(session).values(hash=_hash(secret), account=account_id, expires_at=now + LIFETIME_MS))
    return secret


async def whose_session(connection: AsyncConnection, secret: str, now: int) -> Actor | None:
    """Who is logged in with this cookie, None for an unknown, ended or disabled one."""
    query = (
        select(account.c.id, account.c.name, account.c.agency, account.c.role)
        .join(session, session.c.account == account.c.id)
        .where(session.c.hash == _hash(secret), session.c.expires_at > now, account.c.disabled == 0)
    )
    row = (await connection.execute(query)).first()
    return row and Actor(kind="staff", id=row.id, name=row.name, agency=row.agency, role=row.role)


async def end_session(connection: AsyncConnection, secret: str) -> None:
    """End one session; an unknown one is no error."""
    await connection.execute(delete(session).where(session.c.hash == _hash(secret)))


async def end_sessions(connection: AsyncConnection, account_id: int) -> None:
    """End all sessions of an account."""
    await connection.execute(delete(session).where(session.c.account == account_id))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
