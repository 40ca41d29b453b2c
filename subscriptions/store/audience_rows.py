"""Fills the audience from the tables: everyone at start, and those who changed since. Only active people with an active address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import BigInteger, ColumnElement, Select, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions.areas import AreaCatalog
from subscriptions.columns import (
    LANGUAGE_BIT,
    SEVERITY_BIT,
    TOPICS_BIT,
    AddressColumns,
    AddressKinds,
    AddressRow,
    AreaCodes,
    Columns,
    PeopleColumns,
    Person,
    PlaceColumns,
    PlaceRow,
    joined,
)
from subscriptions.store.tables import address, audience_change, place, subscriber

ROWS_AT_ONCE = 20_000
"""Rows between two turns of the event loop: a few milliseconds."""
_AT_ONCE = 500

Ints = npt.NDArray[np.int64]


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


async def columns(
    connection: AsyncConnection, catalog: AreaCatalog, kinds: AddressKinds, changed: tuple[int, int] | None = None
) -> Columns:
    """Everyone who may be alerted; with `changed` (after, up to) only those whom the log of changes names between two positions.

    Rows are streamed and become columns part by part, with no step of Python for each of a million people. Whoever has no active address
    comes too: segments leave them out.
    """
    s, p, a = subscriber.c, place.c, address.c
    choices = _wide(s.language, LANGUAGE_BIT) + _wide(s.topics, TOPICS_BIT) + _wide(s.minimum_severity, SEVERITY_BIT) + s.drills
    everyone = select(s.id, choices).where(s.status == "active", *_among(s.id, changed))
    named = select(p.subscriber, p.area).where(p.area.is_not(None), *_among(p.subscriber, changed))
    points = select(p.subscriber, p.lon, p.lat, p.radius_m).where(p.area.is_(None), *_among(p.subscriber, changed))
    addresses = select(a.id, _wide(a.subscriber, 1) + a.simulated, a.channel).where(a.state == "active", *_among(a.subscriber, changed))
    codes = AreaCodes(catalog)
    people = [_people(rows) async for rows in _parts(connection, everyone)]
    places = [_named(rows, codes) async for rows in _parts(connection, named)]
    places += [_points(rows, catalog) async for rows in _parts(connection, points)]
    owned = [_addresses(rows, kinds) async for rows in _parts(connection, addresses)]
    return Columns(
        joined([PeopleColumns.of([]), *people]),
        joined([PlaceColumns.of([], catalog), *places]),
        joined([AddressColumns.of([], kinds), *owned]),
    )


def _wide(column: ColumnElement[int], bits: int) -> ColumnElement[int]:
    """A number moved up, to share one integer with others: fewer values to fetch for each row."""
    return cast(column, BigInteger) * (1 << bits)


def _among(owner: ColumnElement[int], changed: tuple[int, int] | None) -> tuple[ColumnElement[bool], ...]:
    if changed is None:
        return ()
    after, up_to = changed
    log = audience_change.c
    return (owner.in_(select(log.subscriber).where(log.seq > after, log.seq <= up_to)),)


async def _parts(connection: AsyncConnection, query: Select[Any]) -> AsyncIterator[list[tuple[Any, ...]]]:
    """The driver's own tuples, so many at once: SQLAlchemy's rows would cost more than all the rest."""
    statement = str(query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    driver: Any = (await connection.get_raw_connection()).driver_connection
    # PostgreSQL sends everything at once unless a cursor is named.
    async with driver.cursor(*(("audience",) if connection.dialect.name == "postgresql" else ())) as cursor:
        await cursor.execute(statement)
        while rows := list(await cursor.fetchmany(ROWS_AT_ONCE)):
            yield rows


def _people(rows: list[tuple[Any, ...]]) -> PeopleColumns:
    number, choices = np.fromiter(chain.from_iterable(rows), np.int64, 2 * len(rows)).reshape(-1, 2).T
    return PeopleColumns.unpacked(number, choices)


def _named(rows: list[tuple[Any, ...]], codes: AreaCodes) -> PlaceColumns:
    area = np.fromiter(map(codes.__getitem__, map(itemgetter(1), rows)), np.int32, len(rows))
    return PlaceColumns(_numbers(rows, 0), area, *np.full((3, len(rows)), np.nan))


def _points(rows: list[tuple[Any, ...]], catalog: AreaCatalog) -> PlaceColumns:
    # None is no number to `fromiter`, and only rows that were tampered with have it.
    whole = [row for row in rows if None not in row]
    owner, lon, lat, radius = np.fromiter(chain.from_iterable(whole), np.float64, 4 * len(whole)).reshape(-1, 4).T
    return PlaceColumns.points(owner.astype(np.int64), lon, lat, radius, catalog)


def _addresses(rows: list[tuple[Any, ...]], kinds: AddressKinds) -> AddressColumns:
    owner = _numbers(rows, 1)
    names = list(map(itemgetter(2), rows))
    position = {name: index for index, name in enumerate(dict.fromkeys(names))}
    codes = np.array([[kinds.code((name, simulated)) for simulated in (False, True)] for name in position], dtype=np.uint8)
    kind = codes[np.fromiter(map(position.__getitem__, names), np.intp, len(rows)), owner & 1]
    return AddressColumns(owner >> 1, _numbers(rows, 0), kind)


def _numbers(rows: Iterable[tuple[Any, ...]], position: int) -> Ints:
    return np.fromiter(map(itemgetter(position), rows), np.int64)
