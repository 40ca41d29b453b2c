"""Fills the audience from the tables: everyone at start, and single people when they change. Only active people with an active address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions.audience import Audience
from subscriptions.columns import AddressRow, Person, PlaceRow
from subscriptions.store.tables import address, place, subscriber

_AT_ONCE = 500


async def people(connection: AsyncConnection, numbers: Sequence[int]) -> list[Person]:
    """Those of these subscriptions that may be alerted: active, with a confirmed address."""
    found: list[Person] = []
    for start in range(0, len(numbers), _AT_ONCE):
        found += await _some_people(connection, numbers[start : start + _AT_ONCE])
    return found


async def _some_people(connection: AsyncConnection, numbers: Sequence[int]) -> list[Person]:
    s, p, a = subscriber.c, place.c, address.c
    chosen = select(s.id, s.language, s.topics, s.minimum_severity, s.drills).where(s.id.in_(numbers), s.status == "active")
    places = await connection.execute(
        select(p.subscriber, p.area, p.lat, p.lon, p.radius_m).where(p.subscriber.in_(numbers)).order_by(p.id)
    )
    addresses = await connection.execute(
        select(a.subscriber, a.id, a.channel, a.simulated).where(a.subscriber.in_(numbers), a.state == "active").order_by(a.id)
    )
    places_by, addresses_by = defaultdict[int, list[PlaceRow]](list), defaultdict[int, list[AddressRow]](list)
    for owner, *rest in places:
        places_by[owner].append(PlaceRow(*rest))
    for owner, number, channel, simulated in addresses:
        addresses_by[owner].append(AddressRow(number, channel, bool(simulated)))
    return [
        Person(*row[:4], bool(row[4]), tuple(places_by[row[0]]), tuple(addresses_by[row[0]]))
        for row in await connection.execute(chosen)
        if addresses_by[row[0]]
    ]


async def fill(connection: AsyncConnection, audience: Audience) -> None:
    """Everyone who may be alerted, as the driver's own tuples: a million people in seconds."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101 - only a closed connection has none
    tables = [await (await driver.execute(query)).fetchall() for query in _EVERYONE]
    # Not in a thread: whoever matches in between would find the columns half exchanged.
    audience.bulk(*tables)


_EVERYONE = (
    """SELECT id, language, topics, minimum_severity, drills FROM subscriber s WHERE status='active'
       AND EXISTS (SELECT 1 FROM address a WHERE a.subscriber=s.id AND a.state='active')""",
    "SELECT subscriber, area, lat, lon, radius_m FROM place",
    "SELECT id, subscriber, channel, simulated FROM address WHERE state='active'",
)
