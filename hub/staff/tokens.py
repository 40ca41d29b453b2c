"""API tokens: random, shown once, stored as SHA-256. They are 256 random bits, so a fast hash is enough."""

from __future__ import annotations

import hashlib
import secrets

import msgspec
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.staff.actor import Actor
from hub.store.database import Database
from hub.store.tables import token
from subscriptions.store.prepared import Prepared

PREFIX = "tcs_"
"""Lets secret scanners recognise a token that was committed by mistake."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a token once it was shown."""

    id: int
    agency: str
    role: str
    disabled: bool
    created_at: int
    """Milliseconds since 1970."""


async def add_token(connection: AsyncConnection, agency: str, role: str, now: int) -> tuple[int, str]:
    """(row number, the secret)."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = insert(token).values(hash=_hash(secret), agency=agency, role=role, created_at=now).returning(token.c.id)
    return (await connection.execute(row)).scalar_one(), secret


_WHOSE = Prepared(select(token.c.id, token.c.agency, token.c.role).where(token.c.hash == bindparam("hashed"), token.c.disabled == 0))


async def whose_token(database: Database, secret: str) -> Actor | None:
    """Whom a token stands for, None for an unknown or disabled one."""
    for number, agency, role in await database.look(_WHOSE, hashed=_hash(secret)):
        return Actor(kind="token", id=number, name=agency, agency=agency, role=role)
    return None


async def list_tokens(connection: AsyncConnection) -> tuple[Token, ...]:
    """All of them, disabled ones too."""
    query = select(token.c.id, token.c.agency, token.c.role, token.c.disabled, token.c.created_at).order_by(token.c.id)
    return tuple(
        Token(id=row.id, agency=row.agency, role=row.role, disabled=bool(row.disabled), created_at=row.created_at)
        for row in await connection.execute(query)
    )


async def disable_token(connection: AsyncConnection, token_id: int) -> bool:
    """Whether there was such a token."""
    return bool((await connection.execute(update(token).where(token.c.id == token_id).values(disabled=1))).rowcount)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
