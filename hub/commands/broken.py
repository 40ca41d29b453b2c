"""How an invariant is written down, and what is said where it does not hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection

SHOWN = 5
"""Places that a finding names; it says how many there are."""


class Broken(msgspec.Struct, frozen=True):
    """How often it does not hold, and some of the places."""

    count: int = 0
    where: tuple[str, ...] = ()


Look = Callable[[AsyncConnection], Awaitable[Broken]]


class Invariant(msgspec.Struct, frozen=True):
    """`holds` is a sentence about what is so; `mend` is what to do when it is not."""

    holds: str
    look: Look
    mend: str


def rows(query: Select[Any], name: str) -> Look:
    """An invariant that one query's rows break; each row is the number of a `name`."""

    async def look(connection: AsyncConnection) -> Broken:
        return broken(f"{name} {found}" for found in (await connection.execute(query)).scalars())

    return look


def broken(places: Iterable[str]) -> Broken:
    """It does not hold in these places; it does when there is none."""
    found = list(places)
    return Broken(len(found), tuple(found[:SHOWN]))
