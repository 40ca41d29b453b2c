"""Fills the audience from the tables: everyone at start, and those who changed since. Only active people with an active address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions.areas import AreaCatalog
from subscriptions.columns import (
    LANGUAGE_BIT,
    QUIET_BIT,
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
    ShapeColumns,
    joined,
)
from subscriptions.store.tables import address, audience_change, place, subscriber

ROWS_AT_ONCE = 20_000
"""Rows between two turns of the event loop: a few milliseconds."""
_AT_ONCE = 500

Ints = npt.NDArray[np.int64]

_NOBODY: Ints = np.zeros(0, dtype=np.int64)
_ALERTED = (subscriber.c.status == "active", subscriber.c.paused_until.is_(None))
"""Whoever has made a pause is not in the audience until `sql.resume` has ended it."""


async def people(connection: AsyncConnection, numbers: Sequence[int]) -> list[Person]:
    """Those of these subscriptions that may be alerted: active, with a confirmed address."""
    found: list[Person] = []
    for start in range(0, len(numbers), _AT_ONCE):
        found += await _some_people(connection, numbers[start : start + _AT_ONCE])
    return found


async def _some_people(connection: AsyncConnection, numbers: Sequence[int]) -> list[Person]:
    s, p, a = subscriber.c, place.c, address.c
    chosen = select(s.id, s.language, s.topics, s.minimum_severity, s.drills, s.severities, s.quiet, s.discreet).where(
        s.id.in_(numbers), *_ALERTED
    )
    places = await connection.execute(
        select(p.subscriber, p.area, p.lat, p.lon, p.radius_m, p.shape).where(p.subscriber.in_(numbers)).order_by(p.id)
    )
    addresses = await connection.execute(
        select(a.subscriber, a.id, a.channel, a.simulated).where(a.subscriber.in_(numbers), a.state == "active").order_by(a.id)
    )
    places_by, addresses_by = defaultdict[int, list[PlaceRow]](list), defaultdict[int, list[tuple[int, str, bool]]](list)
    for owner, *rest in places:
        places_by[owner].append(PlaceRow(*rest))
    for owner, number, channel, simulated in addresses:
        addresses_by[owner].append((number, channel, bool(simulated)))
    return [
        Person(
            *row[:4],
            bool(row.drills),
            tuple(places_by[row.id]),
            tuple(AddressRow(*address, bool(row.discreet)) for address in addresses_by[row.id]),
            row.severities,
            row.quiet or 0,
        )
        for row in await connection.execute(chosen)
        if addresses_by[row.id]
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
    further = s.severities + func.coalesce(_wide(s.quiet, QUIET_BIT), 0)
    everyone = select(s.id, choices, further).where(*_ALERTED, *_among(s.id, changed))
    named = select(p.subscriber, p.area).where(p.area.is_not(None), *_among(p.subscriber, changed))
    points = select(p.subscriber, p.lon, p.lat, p.radius_m).where(p.area.is_(None), p.shape.is_(None), *_among(p.subscriber, changed))
    drawn = select(p.subscriber, p.shape).where(p.shape.is_not(None), *_among(p.subscriber, changed))
    addresses = select(a.id, _wide(a.subscriber, 1) + a.simulated, a.channel).where(a.state == "active", *_among(a.subscriber, changed))
    discreet = select(s.id).where(s.discreet == 1, *_among(s.id, changed))
    codes = AreaCodes(catalog)
    people = [_people(rows) async for rows in _parts(connection, everyone)]
    places = [_named(rows, codes) async for rows in _parts(connection, named)]
    places += [_points(rows, catalog) async for rows in _parts(connection, points)]
    shapes = [ShapeColumns.of(rows, catalog) async for rows in _parts(connection, drawn)]
    quietly = [_numbers(rows, 0) async for rows in _parts(connection, discreet)]
    owned = [_addresses(rows, kinds, np.concatenate([_NOBODY, *quietly])) async for rows in _parts(connection, addresses)]
    return Columns(
        joined([PeopleColumns.of([]), *people]),
        joined([PlaceColumns.of([], catalog), *places]),
        joined([AddressColumns.of([], kinds), *owned]),
        joined([ShapeColumns.none(), *shapes]),
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
    number, choices, further = np.fromiter(chain.from_iterable(rows), np.int64, 3 * len(rows)).reshape(-1, 3).T
    return PeopleColumns.unpacked(number, choices, further)


def _named(rows: list[tuple[Any, ...]], codes: AreaCodes) -> PlaceColumns:
    area = np.fromiter(map(codes.__getitem__, map(itemgetter(1), rows)), np.int32, len(rows))
    return PlaceColumns(_numbers(rows, 0), area, *np.full((3, len(rows)), np.nan))


def _points(rows: list[tuple[Any, ...]], catalog: AreaCatalog) -> PlaceColumns:
    # None is no number to `fromiter`, and only rows that were tampered with have it.
    whole = [row for row in rows if None not in row]
    owner, lon, lat, radius = np.fromiter(chain.from_iterable(whole), np.float64, 4 * len(whole)).reshape(-1, 4).T
    return PlaceColumns.points(owner.astype(np.int64), lon, lat, radius, catalog)


def _addresses(rows: list[tuple[Any, ...]], kinds: AddressKinds, quietly: Ints) -> AddressColumns:
    """`quietly`: subscribers who want neutral words."""
    owner = _numbers(rows, 1)
    names = list(map(itemgetter(2), rows))
    position = {name: index for index, name in enumerate(dict.fromkeys(names))}
    kind_of = np.fromiter(map(position.__getitem__, names), np.intp, len(rows))
    codes = np.array([[kinds.code((name, simulated, False)) for simulated in (False, True)] for name in position], dtype=np.uint8)
    kind = codes[kind_of, owner & 1]
    neutral = np.flatnonzero(np.isin(owner >> 1, quietly)) if len(quietly) else _NOBODY
    if len(neutral):
        codes = np.array([[kinds.code((name, simulated, True)) for simulated in (False, True)] for name in position], dtype=np.uint8)
        kind[neutral] = codes[kind_of[neutral], owner[neutral] & 1]
    return AddressColumns(owner >> 1, _numbers(rows, 0), kind)


def _numbers(rows: Iterable[tuple[Any, ...]], position: int) -> Ints:
    return np.fromiter(map(itemgetter(position), rows), np.int64)
