"""What must always hold in the tables, each with how to see that it doesn't, where, and how to mend it. Nothing is changed.

All are asked in one consistent view, so a hub that works meanwhile breaks none of them, but for what it takes two transactions to do: what
is broken is looked at again a moment later, and only what is still broken is told.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec
from sqlalchemy import ColumnElement, ForeignKey, Select, Table, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts.fingerprint import fingerprint
from hub.alerts.store import stored
from hub.delivery.ledger.batches import BATCH_SIZE
from hub.delivery.sending.outcome import OPEN, Outcome
from hub.store import tables
from hub.store.database import Database
from hub.store.migrate import METADATA
from subscriptions.store import tables as people

LOOK_AGAIN_S = 3.0
SILENT_MS = 60_000
SHOWN = 5
"""Places that a finding names; it says how many there are."""

_OUTCOMES = {outcome.label: int(outcome) for outcome in Outcome if outcome not in OPEN}
_mailing, _batch, _counter, _delivery, _alert = tables.mailing, tables.batch, tables.counter, tables.delivery, tables.alert


class Broken(msgspec.Struct, frozen=True):
    """How often it does not hold, and some of the places."""

    count: int = 0
    where: tuple[str, ...] = ()


class Invariant(msgspec.Struct, frozen=True):
    """`holds` is a sentence about what is so; `mend` is what to do when it is not."""

    holds: str
    look: Callable[[AsyncConnection], Awaitable[Broken]]
    mend: str


def _rows(query: Select[tuple[int]] | Select[tuple[str]], name: str) -> Callable[[AsyncConnection], Awaitable[Broken]]:
    """An invariant that one query's rows break; each row is the number of a `name`."""

    async def look(connection: AsyncConnection) -> Broken:
        return _broken(f"{name} {found}" for found in (await connection.execute(query)).scalars())

    return look


def _broken(places: Iterable[str]) -> Broken:
    found = list(places)
    return Broken(len(found), tuple(found[:SHOWN]))


async def counters(connection: AsyncConnection) -> Broken:
    """Each mailing's counters against its rows: as a whole, and channel by channel unless an address is gone and its channel with it."""
    counted: Counter[tuple[int, int]] = Counter()
    by_channel: Counter[tuple[int, int, str]] = Counter()
    query = select(_counter.c.mailing, _counter.c.outcome, _counter.c.channel, func.sum(_counter.c["count"])).group_by(
        _counter.c.mailing, _counter.c.outcome, _counter.c.channel
    )
    for mailing, label, channel, count in await connection.execute(query):
        if label in _OUTCOMES:
            counted[mailing, _OUTCOMES[label]] += int(count)
            by_channel[mailing, _OUTCOMES[label], channel] += int(count)
    rows, incomplete = Counter[tuple[int, int]](), set[int]()
    there: Counter[tuple[int, int, str]] = Counter()
    joined = (
        select(_delivery.c.mailing, _delivery.c.outcome, people.address.c.channel, func.count())
        .join(people.address, people.address.c.id == _delivery.c.address, isouter=True)
        .where(_delivery.c.outcome.in_(_OUTCOMES.values()))
        .group_by(_delivery.c.mailing, _delivery.c.outcome, people.address.c.channel)
    )
    for mailing, outcome, channel, count in await connection.execute(joined):
        rows[mailing, outcome] += count
        if channel is None:
            incomplete.add(mailing)
        else:
            there[mailing, outcome, channel] += count
    wrong = {mailing for mailing, outcome in counted | rows if counted[mailing, outcome] != rows[mailing, outcome]}
    wrong |= {key[0] for key in by_channel | there if key[0] not in incomplete and by_channel[key] != there[key]}
    return _broken(f"mailing {mailing}" for mailing in sorted(wrong))


async def confirmed(connection: AsyncConnection) -> Broken:
    """What readers said they have read, against its counter."""
    counted = func.sum(_counter.c["count"]).filter(_counter.c.outcome == "confirmed")
    query = select(_counter.c.mailing, counted).group_by(_counter.c.mailing).having(counted > 0)
    totals = {mailing: int(count) for mailing, count in await connection.execute(query)}
    rows = select(_delivery.c.mailing, func.count()).where(_delivery.c.confirmed_at.is_not(None)).group_by(_delivery.c.mailing)
    there = {mailing: int(count) for mailing, count in await connection.execute(rows)}
    wrong = {mailing for mailing in totals.keys() | there.keys() if totals.get(mailing, 0) != there.get(mailing, 0)}
    return _broken(f"mailing {mailing}" for mailing in sorted(wrong))


async def accounted(connection: AsyncConnection) -> Broken:
    """Whoever was planned in a mailing that is over has ended in one way."""
    ends = func.sum(_counter.c["count"]).filter(_counter.c.outcome.in_(_OUTCOMES))
    planned = func.sum(_counter.c["count"]).filter(_counter.c.outcome == "planned")
    query = (
        select(_mailing.c.id)
        .join(_counter, _counter.c.mailing == _mailing.c.id)
        .where(_mailing.c.state == "done")
        .group_by(_mailing.c.id)
        .having(func.coalesce(ends, 0) != func.coalesce(planned, 0))
        .order_by(_mailing.c.id)
    )
    return _broken(f"mailing {found}" for found in (await connection.execute(query)).scalars())


async def held(connection: AsyncConnection) -> Broken:
    """Whoever is counted as held stands in a batch that waits for the end of quiet hours."""
    counted = Counter[int]()
    for mailing, count in await connection.execute(select(_counter.c.mailing, _counter.c["count"]).where(_counter.c.outcome == "held")):
        counted[mailing] += int(count)
    there = Counter[int]()
    lengths = select(_batch.c.mailing, func.length(_batch.c.addresses)).where(_batch.c.held == 1)
    for mailing, length in await connection.execute(lengths):
        there[mailing] += length // 8
    return _broken(f"mailing {mailing}" for mailing in sorted(counted | there) if counted[mailing] != there[mailing])


async def leases(connection: AsyncConnection) -> Broken:
    """Whoever leased a batch is a node that is there; where several share a database, one that has beaten lately."""
    node = tables.node
    newest = (await connection.execute(select(func.max(node.c.beat_at)))).scalar_one() or 0
    gone: ColumnElement[bool] = node.c.id.is_(None)
    if connection.dialect.name == "postgresql":  # on SQLite the one node holds a lock and does not beat
        gone = or_(gone, node.c.beat_at < newest - SILENT_MS)
    query = select(_batch.c.id).join(node, node.c.id == _batch.c.node, isouter=True).where(_batch.c.state == 1, gone).order_by(_batch.c.id)
    return await _rows(query, "batch")(connection)


async def changes(connection: AsyncConnection) -> Broken:
    """No change of a subscription is numbered above the counter that every audience looks at."""
    above = people.audience_change.c.seq > func.coalesce(select(func.max(people.audience_counter.c.seq)).scalar_subquery(), 0)
    query = select(people.audience_change.c.seq).where(above).order_by(people.audience_change.c.seq)
    return await _rows(query, "change")(connection)


async def lists(connection: AsyncConnection) -> Broken:
    """A batch's list is whole numbers of eight bytes, at least one and no more than fit."""
    size = func.length(_batch.c.addresses)
    query = select(_batch.c.id).where(or_(size == 0, size % 8 != 0, size > 8 * BATCH_SIZE)).order_by(_batch.c.id)
    return await _rows(query, "batch")(connection)


async def orphans(connection: AsyncConnection) -> Broken:
    """Every row points at one that is there."""
    found: dict[str, int] = {}
    for table, column, target in _references():
        query = (
            select(func.count())
            .select_from(table)
            .join(target.table, column == target, isouter=True)
            .where(column.is_not(None), target.is_(None))
        )
        if count := (await connection.execute(query)).scalar_one():
            found[f"{table.name}.{column.name}"] = count
    return Broken(sum(found.values()), tuple(found)[:SHOWN])


def _references() -> Iterable[tuple[Table, ColumnElement[int], ColumnElement[int]]]:
    for metadata in METADATA:
        for table in metadata.sorted_tables:
            keys: list[ForeignKey] = sorted(table.foreign_keys, key=lambda key: key.parent.name)
            yield from ((table, key.parent, key.column) for key in keys)
    yield _delivery, _delivery.c.mailing, _mailing.c.id
    yield tables.outbox, tables.outbox.c.mailing, _mailing.c.id
    yield tables.posted, tables.posted.c.mailing, _mailing.c.id


async def frozen(connection: AsyncConnection) -> Broken:
    """What is live or waits for approval is what was hashed (S5)."""
    query = select(_alert).where(_alert.c.status.in_(("awaiting_approval", "live"))).order_by(_alert.c.number)
    changed = []
    for row in await connection.execute(query):
        try:
            alert = stored(row)
        except msgspec.ValidationError:
            changed.append(row.id)
            continue
        if fingerprint(alert.document, alert.area, alert.grade) != alert.hash:
            changed.append(alert.id)
    return _broken(f"alert {found}" for found in changed)


def _has_batch(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(_batch.c.id).where(_batch.c.mailing == _mailing.c.id, *more).exists()


WAITING_WITHOUT_BATCH = (
    select(_delivery.c.mailing)
    .distinct()
    .join(_batch, and_(_batch.c.id == _delivery.c.batch, _batch.c.mailing == _delivery.c.mailing), isouter=True)
    .where(_delivery.c.outcome.in_([int(outcome) for outcome in OPEN]), _batch.c.id.is_(None))
    .order_by(_delivery.c.mailing)
)
LIVE_WITHOUT_MAILING = (
    select(_alert.c.id)
    .where(_alert.c.status == "live", ~select(_mailing.c.id).where(_mailing.c.alert == _alert.c.number).exists())
    .order_by(_alert.c.number)
)
MAILED_TWICE = (
    select(_mailing.c.alert)
    .where(_mailing.c.alert.is_not(None))
    .group_by(_mailing.c.alert)
    .having(func.count() > 1)
    .order_by(_mailing.c.alert)
)

RESTART = "start the hub, or restart it: it goes through what is under way"
PUBLISH = "publish an update of the alert, which reaches them all; then tell the makers of this release"
RESTORE = "somebody else wrote to the tables: restore a backup from before, and tell the makers of this release if it was nobody"

INVARIANTS = (
    Invariant("every counter equals its rows", counters, PUBLISH),
    Invariant("every confirmation is counted once", confirmed, RESTORE),
    Invariant("nothing is planned and forgotten", accounted, PUBLISH),
    Invariant("whoever is counted as held waits for the end of quiet hours", held, PUBLISH),
    Invariant("every live alert has its launch row", _rows(LIVE_WITHOUT_MAILING, "alert"), PUBLISH),
    Invariant("no alert has two launch rows", _rows(MAILED_TWICE, "alert number"), RESTORE),
    Invariant(
        "no finished mailing has a batch left",
        _rows(select(_mailing.c.id).where(_mailing.c.state == "done", _has_batch()).order_by(_mailing.c.id), "mailing"),
        RESTART,
    ),
    Invariant(
        "every mailing under way has a batch",
        _rows(select(_mailing.c.id).where(_mailing.c.state == "planned", ~_has_batch()).order_by(_mailing.c.id), "mailing"),
        RESTART,
    ),
    Invariant("whoever waits for another try is in a batch", _rows(WAITING_WITHOUT_BATCH, "mailing"), PUBLISH),
    Invariant("every lease belongs to a node that lives", leases, RESTART),
    Invariant("every change of a subscription is seen", changes, RESTORE),
    Invariant("every batch holds a list of addresses", lists, RESTORE),
    Invariant("every row belongs to one that is there", orphans, RESTORE),
    Invariant("what is live is what was approved", frozen, "stop the alert, and ask who wrote to the database"),
)
"""In the order in which a reader would want to know."""


async def broken_twice(
    database: Database, asked: Sequence[Invariant] = INVARIANTS, again_after_s: float = LOOK_AGAIN_S
) -> dict[Invariant, Broken]:
    """Each invariant with what breaks it; what is broken only for a moment is not."""
    found = await _look(database, asked)
    if again := [invariant for invariant in asked if found[invariant].count]:
        await asyncio.sleep(again_after_s)
        found |= await _look(database, again)
    return found


async def _look(database: Database, invariants: Sequence[Invariant]) -> dict[Invariant, Broken]:
    async with database.read(long=True) as connection:
        return {invariant: await invariant.look(connection) for invariant in invariants}
