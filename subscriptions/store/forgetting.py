"""What is forgotten: sign-ups that nobody confirmed, addresses whose owner said STOP, tokens and limits that are over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions.store.tables import access, address, consent, signup, subscriber

_VARIABLES = 500
"""Ids in one statement; SQLite takes 32,766 variables, and short statements stay in its cache."""


class Stale(msgspec.Struct, frozen=True):
    """Numbers of what nobody confirmed in time, or is not needed any more."""

    subscribers: Sequence[int]
    addresses: Sequence[int]
    stopped: Sequence[int]
    """Addresses whose owner said STOP and thought no better of it."""
    passing: Sequence[int]
    """Subscriptions that are none: whoever wrote to us and was answered."""


async def stale(connection: AsyncConnection, before: int, passing_before: int) -> Stale:
    """Looks through everyone, so it belongs into a read transaction, which is in nobody's way."""
    s, a = subscriber.c, address.c
    pending = await connection.scalars(select(s.id).where(s.status == "pending", s.created_at < before))
    unconfirmed = await connection.scalars(select(a.id).where(a.state.in_(("unconfirmed", "merged")), a.created_at < before))
    stopped = await connection.scalars(select(a.id).where(a.state == "stopped", a.stopped_at < before))
    passing = await connection.scalars(select(s.id).where(s.status == "passing", s.created_at < passing_before))
    return Stale(pending.all(), unconfirmed.all(), stopped.all(), passing.all())


async def forget(connection: AsyncConnection, found: Stale) -> None:
    """Delete them, but for those confirmed in the meantime; with a sign-up that came to nothing go its receipts."""
    for numbers in _parts(found.subscribers):
        pending = select(subscriber.c.public_id).where(subscriber.c.id.in_(numbers), subscriber.c.status == "pending")
        await connection.execute(delete(consent).where(consent.c.subscriber_public_id.in_(pending)))
        await connection.execute(delete(subscriber).where(subscriber.c.id.in_(numbers), subscriber.c.status == "pending"))
    for numbers in _parts(found.addresses):
        await connection.execute(delete(address).where(address.c.id.in_(numbers), address.c.state.in_(("unconfirmed", "merged"))))
    for numbers in _parts(found.stopped):
        await _forget_stopped(connection, numbers)
    for numbers in _parts(found.passing):
        await connection.execute(delete(subscriber).where(subscriber.c.id.in_(numbers), subscriber.c.status == "passing"))


async def _forget_stopped(connection: AsyncConnection, numbers: Sequence[int]) -> None:
    """With the last address goes the subscription."""
    gone = delete(address).where(address.c.id.in_(numbers), address.c.state == "stopped").returning(address.c.subscriber)
    owners = list((await connection.execute(gone)).scalars())
    left = select(address.c.subscriber).where(address.c.subscriber.in_(owners), address.c.state.in_(("active", "unconfirmed", "stopped")))
    await connection.execute(delete(subscriber).where(subscriber.c.id.in_(owners), subscriber.c.id.not_in(left)))


def _parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + _VARIABLES] for start in range(0, len(numbers), _VARIABLES))


async def delete_over(connection: AsyncConnection, tokens_before: int, now: int) -> None:
    """Delete tokens and limits that are over."""
    await connection.execute(delete(access).where(access.c.expires_at < tokens_before))
    await connection.execute(delete(signup).where(signup.c.expires_at <= now))
