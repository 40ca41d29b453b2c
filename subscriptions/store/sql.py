"""All SQL of this package (SQLAlchemy Core). Each function works inside the caller's transaction and decides nothing.

Rows come back as frozen records; `audience_rows` reads those that the audience is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Table, bindparam, delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions.store.prepared import Prepared, insert_row, inserted_row, update_row
from subscriptions.store.tables import (
    access,
    address,
    audience_change,
    audience_counter,
    consent,
    place,
    quiet_rule,
    signup,
    subscriber,
)

R = TypeVar("R", bound=msgspec.Struct)

BUCKET_BYTES = 32
_VARIABLES = 500
"""Ids in one statement; SQLite takes 32,766 variables, and short statements stay in its cache."""


class SubscriberRow(msgspec.Struct, frozen=True):
    """One subscription."""

    id: int
    public_id: str
    status: str
    language: int
    topics: int
    minimum_severity: int
    severities: int
    drills: int
    discreet: int
    quiet: int | None
    paused_until: int | None
    sample: int
    epoch: int
    created_at: int
    confirmed_at: int | None


class PlaceRow(msgspec.Struct, frozen=True):
    """One place of a subscription: an area key, a point with a radius in metres, or a GeoJSON polygon."""

    area: str | None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    label: str | None = None
    shape: str | None = None


class AddressRow(msgspec.Struct, frozen=True):
    """One address of a subscription, sealed."""

    id: int
    subscriber: int
    channel: str
    state: str
    lookup: bytes
    sealed: bytes
    key_id: int
    simulated: int
    asked: int
    created_at: int
    confirmed_at: int | None
    stopped_at: int | None = None
    """When its owner said STOP last, also where they have come back since."""

    def __repr__(self) -> str:
        return f"<AddressRow {self.id} {self.channel} {self.state}>"


class AccessRow(msgspec.Struct, frozen=True):
    """One token that gives control, by its hash."""

    subscriber: int
    purpose: str
    expires_at: int
    used_at: int | None


def _columns(record: type[msgspec.Struct], table: Any) -> list[Any]:
    return [table.c[name] for name in record.__struct_fields__]


_SUBSCRIBER = _columns(SubscriberRow, subscriber)
_PLACE = _columns(PlaceRow, place)
_ADDRESS = _columns(AddressRow, address)
_ACCESS = _columns(AccessRow, access)


async def _one(connection: AsyncConnection, statement: Prepared, record: type[R], **values: Any) -> R | None:
    row = await statement.first(connection, **values)
    return record(*row) if row is not None else None


async def _all(connection: AsyncConnection, statement: Prepared, record: type[R], **values: Any) -> list[R]:
    return [record(*row) for row in await statement.all(connection, **values)]


# People


async def add_subscriber(connection: AsyncConnection, **values: Any) -> SubscriberRow:
    """Insert a subscription."""
    return SubscriberRow(*await inserted_row(connection, subscriber, values, tuple(_SUBSCRIBER)))


_SUBSCRIBER_BY_ID = Prepared(select(*_SUBSCRIBER).where(subscriber.c.id == bindparam("number")))


async def subscriber_by_id(connection: AsyncConnection, number: int) -> SubscriberRow | None:
    """One subscription."""
    return await _one(connection, _SUBSCRIBER_BY_ID, SubscriberRow, number=number)


async def existing_subscriber(connection: AsyncConnection, number: int) -> SubscriberRow:
    """One subscription that must be there, since something that it owns was just read. Raises LookupError."""
    row = await subscriber_by_id(connection, number)
    if row is None:
        raise LookupError(f"subscription {number} has gone while its address is still here")
    return row


async def change_subscriber(connection: AsyncConnection, number: int, **values: Any) -> None:
    """Set columns of a subscription."""
    if values:
        await update_row(connection, subscriber.c.id, number, values)


async def delete_subscriber(connection: AsyncConnection, number: int) -> None:
    """Delete a subscription with its places, addresses and tokens; consent rows stay."""
    await connection.execute(delete(subscriber).where(subscriber.c.id == number))


async def set_quiet(connection: AsyncConnection, number: int, rule: str | None) -> None:
    """Give a subscription its quiet hours, None for none. The same rule is one row, whoever has it."""
    known = None
    if rule is not None:
        await connection.execute(text("INSERT INTO quiet_rule(rule) VALUES (:rule) ON CONFLICT(rule) DO NOTHING"), {"rule": rule})
        known = await connection.scalar(select(quiet_rule.c.id).where(quiet_rule.c.rule == rule))
    await update_row(connection, subscriber.c.id, number, {"quiet": known})


async def quiet_hours_of(connection: AsyncConnection, row: SubscriberRow) -> str | None:
    """The rule of a subscription's quiet hours."""
    if row.quiet is None:
        return None
    return str((await connection.execute(select(quiet_rule.c.rule).where(quiet_rule.c.id == row.quiet))).scalar_one())


async def quiet_rules(connection: AsyncConnection, after: int) -> list[tuple[int, str]]:
    """(number, rule) of all that are newer than a number."""
    rows = await connection.execute(select(quiet_rule.c.id, quiet_rule.c.rule).where(quiet_rule.c.id > after).order_by(quiet_rule.c.id))
    return [(row[0], row[1]) for row in rows]


async def resume(connection: AsyncConnection, now: int) -> list[int]:
    """End all pauses that are over; returns whose."""
    over = update(subscriber).where(subscriber.c.paused_until <= now).values(paused_until=None).returning(subscriber.c.id)
    return list((await connection.execute(over)).scalars())


# Places


async def add_places(connection: AsyncConnection, number: int, rows: Iterable[PlaceRow]) -> None:
    """Insert places of a subscription."""
    for row in rows:
        await insert_row(connection, place, {"subscriber": number, **msgspec.structs.asdict(row)})


_PLACES_OF = Prepared(select(*_PLACE).where(place.c.subscriber == bindparam("number")).order_by(place.c.id))


async def places_of(connection: AsyncConnection, number: int) -> list[PlaceRow]:
    """Places in the order in which they were added."""
    return await _all(connection, _PLACES_OF, PlaceRow, number=number)


async def delete_places(connection: AsyncConnection, number: int) -> None:
    """Delete all places of a subscription."""
    await connection.execute(delete(place).where(place.c.subscriber == number))


# Addresses


async def add_address(connection: AsyncConnection, **values: Any) -> int:
    """Insert an address and return its number."""
    return int(await insert_row(connection, address, values, address.c.id))


_ADDRESS_BY_ID = Prepared(select(*_ADDRESS).where(address.c.id == bindparam("number")))
_ACTIVE_ADDRESS = Prepared(select(*_ADDRESS).where(address.c.lookup == bindparam("hashed"), address.c.state == "active"))
_BY_LOOKUP = Prepared(
    select(*_ADDRESS).where(address.c.lookup == bindparam("hashed"), address.c.state == bindparam("kept")).order_by(address.c.id.desc())
)
_ADDRESSES_OF = Prepared(select(*_ADDRESS).where(address.c.subscriber == bindparam("number")).order_by(address.c.id))


async def address_by_id(connection: AsyncConnection, number: int) -> AddressRow | None:
    """One address."""
    return await _one(connection, _ADDRESS_BY_ID, AddressRow, number=number)


async def active_address(connection: AsyncConnection, lookup: bytes) -> AddressRow | None:
    """The one confirmed address with this keyed hash."""
    return await _one(connection, _ACTIVE_ADDRESS, AddressRow, hashed=lookup)


async def addresses_by_lookup(connection: AsyncConnection, lookup: bytes, state: str) -> list[AddressRow]:
    """All addresses with this keyed hash in a state, the newest first."""
    return await _all(connection, _BY_LOOKUP, AddressRow, hashed=lookup, kept=state)


async def lookups_in(connection: AsyncConnection, lookups: Sequence[bytes], state: str) -> set[bytes]:
    """Which of these keyed hashes belong to addresses in a state."""
    known: set[bytes] = set()
    for start in range(0, len(lookups), _VARIABLES):
        part = lookups[start : start + _VARIABLES]
        known.update(await connection.scalars(select(address.c.lookup).where(address.c.lookup.in_(part), address.c.state == state)))
    return known


async def addresses_of(connection: AsyncConnection, number: int) -> list[AddressRow]:
    """All addresses of a subscription, oldest first."""
    return await _all(connection, _ADDRESSES_OF, AddressRow, number=number)


async def change_address(connection: AsyncConnection, number: int, **values: Any) -> None:
    """Set columns of an address."""
    await update_row(connection, address.c.id, number, values)


async def delete_address(connection: AsyncConnection, number: int) -> None:
    """Delete an address."""
    await connection.execute(delete(address).where(address.c.id == number))


# Tokens, consent, limits


async def add_access(connection: AsyncConnection, hashed: bytes, number: int, purpose: str, expires_at: int) -> None:
    """Keep the hash of a token."""
    await insert_row(connection, access, {"hash": hashed, "subscriber": number, "purpose": purpose, "expires_at": expires_at})


_ACCESS_BY_HASH = Prepared(select(*_ACCESS).where(access.c.hash == bindparam("hashed"), access.c.purpose == bindparam("wanted")))


async def access_by_hash(connection: AsyncConnection, hashed: bytes, purpose: str) -> AccessRow | None:
    """A token by its hash."""
    return await _one(connection, _ACCESS_BY_HASH, AccessRow, hashed=hashed, wanted=purpose)


async def use_access(connection: AsyncConnection, hashed: bytes, at: int) -> None:
    """Mark a token as used up."""
    await connection.execute(update(access).where(access.c.hash == hashed).values(used_at=at))


async def delete_access(connection: AsyncConnection, number: int, *, but: bytes) -> None:
    """Delete all tokens of a subscription but the one with this hash."""
    await connection.execute(delete(access).where(access.c.subscriber == number, access.c.hash != but))


async def add_consent(connection: AsyncConnection, **values: Any) -> None:
    """Write one consent receipt."""
    await insert_row(connection, consent, values)


class ConsentRow(msgspec.Struct, frozen=True):
    """One consent receipt."""

    action: str
    channel: str | None
    source: str
    policy: str
    at: int


_CONSENTS_OF = Prepared(
    select(*_columns(ConsentRow, consent)).where(consent.c.subscriber_public_id == bindparam("owner")).order_by(consent.c.id)
)


async def consents_of(connection: AsyncConnection, public_id: str) -> list[ConsentRow]:
    """A subscription's receipts, oldest first."""
    return await _all(connection, _CONSENTS_OF, ConsentRow, owner=public_id)


_BUCKET = Prepared(
    select(signup.c.count, signup.c.expires_at).where(signup.c.bucket == bindparam("hashed"), signup.c.expires_at > bindparam("now"))
)
_BUCKETS = Prepared(
    select(signup.c.bucket).where(signup.c.bucket.between(bindparam("first"), bindparam("last")), signup.c.expires_at > bindparam("now"))
)
_SET_BUCKET = Prepared(
    text(
        'INSERT INTO signup(bucket, "count", expires_at) VALUES (:hashed, :used, :until)'
        ' ON CONFLICT(bucket) DO UPDATE SET "count"=excluded."count", expires_at=excluded.expires_at'
    )
)


async def bucket(connection: AsyncConnection, key: bytes, now: int) -> tuple[int, int] | None:
    """(count, when it expires) of a limit's bucket that has not expired."""
    row = await _BUCKET.first(connection, hashed=key, now=now)
    return (row[0], row[1]) if row is not None else None


async def buckets(connection: AsyncConnection, prefix: bytes, now: int) -> set[bytes]:
    """The keys that begin so, of buckets that have not expired."""
    return {bytes(key) for key in await _BUCKETS.column(connection, first=prefix, last=prefix.ljust(BUCKET_BYTES, b"\xff"), now=now)}


async def set_buckets(connection: AsyncConnection, buckets: Iterable[tuple[bytes, int, int]]) -> None:
    """Write buckets: (key, count, when it expires)."""
    await _SET_BUCKET.each(connection, [{"hashed": key, "used": count, "until": expires_at} for key, count, expires_at in buckets])


async def insert_many(connection: AsyncConnection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert plain tuples through the driver, several times faster than a statement of Core for each dictionary."""
    if rows:
        mark = "%s" if connection.dialect.name == "postgresql" else "?"
        marks = ",".join([mark] * len(columns))
        # Names of our own table and columns; every value is a parameter.
        await connection.exec_driver_sql(f"INSERT INTO {table.name}({','.join(columns)}) VALUES ({marks})", list(rows))  # noqa: S608


async def take_numbers(connection: AsyncConnection, table: Table, count: int) -> int:
    """The number before the first of `count` that nobody else is ever given, for whoever inserts many rows with numbers of their own.

    Only sound inside a write transaction, which nobody else can overtake.
    """
    if connection.dialect.name == "postgresql":
        name = {"name": f"{table.name}_id_seq", "count": count}
        last = await connection.scalar(text("SELECT setval(CAST(:name AS regclass), nextval(CAST(:name AS regclass)) + :count - 1)"), name)
        return int(last or 0) - count
    return (await connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name=:name"), {"name": table.name})) or 0


# The log of audience changes


_NEXT_CHANGES = Prepared(
    text(
        "INSERT INTO audience_counter(id, seq) VALUES (1, :n) ON CONFLICT(id) DO UPDATE SET seq=audience_counter.seq+excluded.seq"
        " RETURNING seq"
    )
)


async def note_changes(connection: AsyncConnection, numbers: Sequence[int]) -> None:
    """Append to the log of audience changes. To be the last thing of a transaction, since it locks the one counter row."""
    last = await _NEXT_CHANGES.value(connection, n=len(numbers))
    first = last - len(numbers) + 1
    await insert_many(connection, audience_change, ("seq", "subscriber"), [(first + index, number) for index, number in enumerate(numbers)])


AUDIENCE_POSITION = Prepared(select(audience_counter.c.seq))


async def audience_position(connection: AsyncConnection) -> int:
    """Sequence number of the newest change, 0 before the first."""
    return await AUDIENCE_POSITION.value(connection) or 0


async def changes_from(connection: AsyncConnection, seq: int) -> list[tuple[int, int]]:
    """(position, number of the subscription that changed) from a position on, that one included."""
    query = select(audience_change.c.seq, audience_change.c.subscriber).where(audience_change.c.seq >= seq).order_by(audience_change.c.seq)
    return [(at, subscriber) for at, subscriber in await connection.execute(query)]
