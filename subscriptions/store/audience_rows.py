"""Fills the audience from the tables: everyone at start, and single people when they change. Only active people with an active address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions.audience import Audience
from subscriptions.columns import AddressRow, Person, PlaceRow
from subscriptions.store.tables import address, place, subscriber

_AT_ONCE = 500

_PEOPLE = select(subscriber.c.id, subscriber.c.language, subscriber.c.topics, subscriber.c.minimum_severity, subscriber.c.drills).where(
    subscriber.c.status == "active"
)
_PLACES = select(place.c.subscriber, place.c.area, place.c.lat, place.c.lon, place.c.radius_m)
_ADDRESSES = select(address.c.id, address.c.subscriber, address.c.channel, address.c.simulated).where(address.c.state == "active")


async def fill(connection: AsyncConnection, audience: Audience) -> None:
    """Replace everyone in the audience by the tables' present state."""
    audience.bulk(await _rows(connection, _PEOPLE), await _rows(connection, _PLACES), await _rows(connection, _ADDRESSES))


async def people(connection: AsyncConnection, numbers: Sequence[int]) -> list[Person]:
    """Those of these subscribers who belong in the audience; whoever is missing from the answer does not."""
    found: list[Person] = []
    for start in range(0, len(numbers), _AT_ONCE):
        found += await _people(connection, list(numbers[start : start + _AT_ONCE]))
    return found


async def _people(connection: AsyncConnection, numbers: list[int]) -> list[Person]:
    places: dict[int, list[PlaceRow]] = defaultdict(list)
    for owner, *row in await _rows(connection, _PLACES.where(place.c.subscriber.in_(numbers))):
        places[owner].append(PlaceRow(*row))
    addresses: dict[int, list[AddressRow]] = defaultdict(list)
    for number, owner, channel, simulated in await _rows(connection, _ADDRESSES.where(address.c.subscriber.in_(numbers))):
        addresses[owner].append(AddressRow(number, channel, bool(simulated)))
    return [
        Person(number, language, topics, severity, bool(drills), tuple(places[number]), tuple(addresses[number]))
        for number, language, topics, severity, drills in await _rows(connection, _PEOPLE.where(subscriber.c.id.in_(numbers)))
        if addresses[number]
    ]


async def _rows(connection: AsyncConnection, query: Select[Any]) -> Sequence[Any]:
    return (await connection.execute(query)).all()
